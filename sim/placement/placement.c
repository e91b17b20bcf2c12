/* sim/placement/placement.c - the life of a job: queued, prepared, saved, finished, released. */
#include "sim/placement/placement.h"

#include "base/memory.h"
#include "sim/placement/core.h"

#include <assert.h>
#include <stdlib.h>

static uint64_t tokens_of(const struct placement_config *config, uint64_t bytes)
{
    return bytes / config->bytes_per_token;
}

static void set_env(struct placement *core)
{
    struct policy_env *env = &core->env;
    const struct placement_config *config = &core->config;
    env->units = &core->units.seen;
    env->state = memory_new(1, core->policy->state_bytes);
    env->remembers = books_remember;
    env->unit_tokens = config->unit_tokens;
    env->recompute_base_ns = config->recompute_base_ns;
    env->recompute_slope_ns = config->recompute_slope_ns;
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        env->capacity_tokens[tier] = tokens_of(config, config->capacity_bytes[tier]);
        if (config->unit_tokens != UINT32_MAX)
            env->capacity_units[tier] = env->capacity_tokens[tier] / config->unit_tokens;
    }
}

struct placement *placement_new(const struct placement_config *config)
{
    struct placement *core = memory_new(1, sizeof *core);
    core->config = *config;
    core->policy = config->policy;
    unit_table_init(&core->units, (uint32_t)core->policy->note_bytes, core->policy->depths,
                    config->leaf_only);
    set_env(core);
    core->reserve_tokens =
        (uint64_t)((double)core->env.capacity_tokens[TIER_DRAM] * config->dram_reserve);
    core->hbm_cache_tokens =
        core->policy->saves ? tokens_of(config, config->hbm_cache_bytes) : 0;
    /* Zero names no slot, job, transfer, and as a sequence no limit. */
    ranges_init(&core->slots);
    core->job_high_water = core->transfer_high_water = 1;
    core->next_sequence = 1;
    return core;
}

void placement_free(struct placement *core)
{
    if (core == NULL)
        return;
    if (core->policy->done != NULL)
        core->policy->done(&core->env);
    unit_table_free(&core->units);
    free(core->env.state);
    ranges_free(&core->slots);
    free(core->slot);
    free(core->job);
    free(core->transfer);
    free(core->actions.item);
    free(core);
}

uint32_t jobs_unit_tokens(const struct placement *core, uint32_t i, uint32_t tokens)
{
    uint64_t begin = (uint64_t)i * core->config.unit_tokens;
    if (begin >= tokens)
        return 0;
    uint64_t rest = tokens - begin;
    return rest < core->config.unit_tokens ? (uint32_t)rest : core->config.unit_tokens;
}

static bool units_are_sessions(const struct placement *core)
{
    return core->config.unit_tokens == UINT32_MAX;
}

/* ---- slots and handles ---- */

static uint32_t slots_new(struct placement *core, uint32_t count)
{
    uint32_t first = ranges_take(&core->slots, count);
    memory_grow(&core->slot, &core->slot_capacity, core->slots.high_water, sizeof *core->slot);
    core->env.slots = core->slot;
    return first;
}

static uint32_t job_new(struct placement *core)
{
    uint32_t handle = core->free_job;
    if (handle != 0) {
        core->free_job = core->job[handle].next;
    } else {
        handle = core->job_high_water++;
        memory_grow(&core->job, &core->job_capacity, (uint64_t)handle + 1, sizeof *core->job);
    }
    core->job[handle] = (struct job){ .state = JOB_QUEUED };
    return handle;
}

static void job_free(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    ranges_return(&core->slots, job->chain, job->chain_capacity);
    job->state = JOB_FREE;
    job->next = core->free_job;
    core->free_job = handle;
}

static uint32_t chain_unit(const struct placement *core, const struct job *job, uint32_t i)
{
    return core->slot[job->chain + i].unit;
}

/* The unit of that key, which stands at place `depth` of a chain, behind the unit `parent`. */
static uint32_t intern_in_chain(struct placement *core, uint64_t key, uint32_t depth, uint32_t parent)
{
    uint32_t unit = unit_intern(&core->units, key);
    if (core->policy->depths)
        core->units.seen.depth[unit] = depth;
    /* While it has a copy its parent's entry is kept, so that the handle stays right. */
    if (core->config.leaf_only && !unit_has_copy(&core->units.unit[unit]))
        core->units.seen.parent[unit] = parent;
    return unit;
}

/* ---- the queue ---- */

/* The waiter behind which one of that sequence stands; 0: it is the first. Nearly always the last. */
static uint32_t waiter_before(const struct placement *core, const struct unit *entry,
                              uint32_t sequence)
{
    uint32_t last = entry->last_waiter, before = 0;
    if (last != 0 && core->slot[last].sequence <= sequence)
        return last;
    for (uint32_t slot = entry->first_waiter; core->slot[slot].sequence <= sequence;
         slot = core->slot[slot].next_waiter)
        before = slot;
    return before;
}

static void add_waiter(struct placement *core, uint32_t slot)
{
    uint32_t unit = core->slot[slot].unit;
    struct unit *entry = &core->units.unit[unit];
    uint32_t before =
        entry->first_waiter != 0 ? waiter_before(core, entry, core->slot[slot].sequence) : 0;
    uint32_t *link = before != 0 ? &core->slot[before].next_waiter : &entry->first_waiter;
    core->slot[slot].next_waiter = *link;
    *link = slot;
    if (entry->last_waiter == before)
        entry->last_waiter = slot;
    entry->last_use_ns = core->now_ns;
    books_settle(core, unit);
    if (entry->first_waiter == slot)
        books_wanted(core, unit);
}

/* Most often the slot is its unit's first waiter: then the next one may have to fetch. */
static void remove_waiter(struct placement *core, uint32_t slot)
{
    uint32_t unit = core->slot[slot].unit, before = 0;
    struct unit *entry = &core->units.unit[unit];
    for (uint32_t at = entry->first_waiter; at != slot; at = core->slot[at].next_waiter)
        before = at;
    uint32_t *link = before != 0 ? &core->slot[before].next_waiter : &entry->first_waiter;
    *link = core->slot[slot].next_waiter;
    if (entry->last_waiter == slot)
        entry->last_waiter = before;
    if (entry->first_waiter != 0)
        core->job[core->slot[entry->first_waiter].job].wants_fetch = true;
    books_wanted(core, unit);
}

/* The queue is in the order of sequences; only a job that was pushed out of HBM does not go last. */
static void queue_insert(struct placement *core, uint32_t handle)
{
    uint32_t sequence = core->job[handle].sequence, before = core->queue_tail;
    if (before != 0 && core->job[before].sequence > sequence) {
        before = 0;
        for (uint32_t at = core->queue_head; core->job[at].sequence < sequence;
             at = core->job[at].next)
            before = at;
    }
    uint32_t *link = before != 0 ? &core->job[before].next : &core->queue_head;
    core->job[handle].next = *link;
    *link = handle;
    if (core->queue_tail == before)
        core->queue_tail = handle;
}

static void queue_remove(struct placement *core, uint32_t handle)
{
    uint32_t before = 0;
    for (uint32_t at = core->queue_head; at != handle; at = core->job[at].next)
        before = at;
    uint32_t *link = before != 0 ? &core->job[before].next : &core->queue_head;
    *link = core->job[handle].next;
    if (core->queue_tail == handle)
        core->queue_tail = before;
}

static void note_queue_head(struct placement *core)
{
    core->env.queue_head_sequence =
        core->queue_head != 0 ? core->job[core->queue_head].sequence : core->next_sequence;
}

uint32_t placement_queue(struct placement *core, uint64_t now_ns, const uint64_t *keys,
                         uint32_t count, uint32_t context_tokens, uint32_t capacity)
{
    assert(now_ns >= core->now_ns && count <= capacity && capacity > 0);
    core->now_ns = now_ns;
    age_expire(core);
    uint32_t handle = job_new(core);
    uint32_t chain = slots_new(core, capacity);
    struct job *job = &core->job[handle];
    job->sequence = core->next_sequence++;
    job->chain = chain;
    job->chain_count = count;
    job->chain_capacity = capacity;
    job->context_tokens = context_tokens;
    job->wants_fetch = true;
    queue_insert(core, handle);
    note_queue_head(core);
    struct slot *slot = &core->slot[chain];
    for (uint32_t i = 0; i < count; i++)
        keymap_prefetch(&core->units.map, keys[i]);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t unit = intern_in_chain(core, keys[i], i, i > 0 ? slot[i - 1].unit : UNIT_NONE);
        slot[i] = (struct slot){ .unit = unit, .sequence = job->sequence, .job = handle };
        add_waiter(core, chain + i);
    }
    fetch_ahead(core);
    return handle;
}

/* ---- preparing ---- */

static bool must_wait(const struct placement *core, const struct job *job)
{
    for (uint32_t i = 0; i < job->chain_count; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        /* A session's last turn is still being saved: what it lacks now it will have soon. */
        if (units_are_sessions(core) && entry->pins > 0)
            return true;
        if (entry->transfer != 0 && core->transfer[entry->transfer].kind == ACTION_FETCH)
            return true;
    }
    return false;
}

static void pin_chain(struct placement *core, const struct job *job)
{
    for (uint32_t i = 0; i < job->chain_count; i++)
        books_pin(core, chain_unit(core, job, i));
}

static void unpin_chain(struct placement *core, const struct job *job)
{
    /* Deepest first: the order in which an unused chain shall be given up. */
    for (uint32_t i = job->chain_count; i-- > 0;) {
        uint32_t unit = chain_unit(core, job, i);
        books_unpin(core, unit);
        books_settle(core, unit);
    }
}

static uint32_t above(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Adds what copies of the unit cover of its `want` tokens: each token counts for the fastest tier.
 * `cut` tokens of the front are about to go. Returns the tokens covered. */
static uint32_t add_hits(const struct unit *entry, uint32_t want, uint32_t cut, enum tier slowest,
                         uint32_t tokens[TIER_COUNT])
{
    uint32_t covered = 0;
    for (int tier = 0; tier <= (int)slowest; tier++) {
        uint32_t copy = above(entry->tokens[tier], cut);
        copy = copy < want ? copy : want;
        tokens[tier] += above(copy, covered);
        covered = copy > covered ? copy : covered;
    }
    return covered;
}

/* The longest leading run of the chain that copies cover. */
static void find_hits(const struct placement *core, const struct job *job, uint32_t cut,
                      enum tier slowest, struct placement_hits *hits)
{
    uint32_t context = above(job->context_tokens, cut);
    *hits = (struct placement_hits){ .units_wanted = job->chain_count };
    if (job->context_tokens == 0) /* a first turn wants nothing */
        hits->units_wanted = 0;
    for (uint32_t i = 0; i < job->chain_count; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        uint32_t want = jobs_unit_tokens(core, i, context);
        uint32_t tokens[TIER_COUNT] = { 0 };
        uint32_t covered = add_hits(entry, want, cut, slowest, tokens);
        /* A block is reused whole or not at all; a session's saved prefix is worth what it is. */
        if (covered == 0 || (covered < want && !units_are_sessions(core)))
            return;
        hits->units_found++;
        for (int tier = 0; tier < TIER_COUNT; tier++)
            hits->tokens[tier] += tokens[tier];
        if (covered < want)
            return;
    }
}

static void use_chain(struct placement *core, const struct job *job)
{
    if (core->policy->use == NULL)
        return;
    for (uint32_t i = job->chain_count; i-- > 0;) {
        uint32_t unit = chain_unit(core, job, i);
        const struct unit *entry = &core->units.unit[unit];
        for (int tier = 0; tier < TIER_COUNT; tier++)
            if (entry->tokens[tier] > 0 && !(tier == TIER_DRAM && entry->leaving))
                core->policy->use(&core->env, unit, (enum tier)tier);
    }
}

static void begin_load(struct placement *core, uint32_t handle, uint32_t id, uint32_t tokens)
{
    core->transfer[id].moved_tokens = tokens;
    core->job[handle].loads_in_flight++;
    transfer_begin(core, id);
}

/* A load from SSD passes DRAM and stays there if room can be had at once; else DRAM only stages it. */
static void load_from_ssd(struct placement *core, uint32_t handle, uint32_t tokens, uint32_t units)
{
    struct job *job = &core->job[handle];
    uint32_t id = transfer_new(core, ACTION_LOAD, TIER_SSD, TIER_HBM, handle);
    if (room_in_dram(core, tokens) == ROOM_NOW) {
        for (uint32_t i = 0; i < units; i++) {
            uint32_t unit = chain_unit(core, job, i);
            const struct unit *entry = &core->units.unit[unit];
            uint32_t dram = entry->tokens[TIER_DRAM];
            /* What passes is what DRAM lacks of what the job wants, and only that can stay. */
            uint32_t goal = least(entry->tokens[TIER_SSD],
                                  jobs_unit_tokens(core, i, job->context_tokens));
            if (goal > dram && entry->tokens[TIER_HBM] <= dram && entry->transfer == 0 &&
                goal - dram <= free_tokens(core, TIER_DRAM))
                transfer_add_unit(core, id, unit, goal);
        }
    }
    begin_load(core, handle, id, tokens);
}

static void begin_loads(struct placement *core, uint32_t handle, struct placement_hits *hits)
{
    uint32_t dram = hits->tokens[TIER_DRAM], ssd = hits->tokens[TIER_SSD];
    hits->loads = (dram > 0 ? 1U : 0U) + (ssd > 0 ? 1U : 0U);
    const struct job *job = &core->job[handle];
    for (uint32_t i = 0; i < hits->units_found && hits->loads > 0; i++) {
        struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        uint32_t stored = books_stored_tokens(entry);
        entry->fetched = false;
        if (stored > entry->tokens[TIER_HBM] && stored > entry->loaded_tokens)
            entry->loaded_tokens = stored;
    }
    if (dram > 0)
        begin_load(core, handle, transfer_new(core, ACTION_LOAD, TIER_DRAM, TIER_HBM, handle), dram);
    if (ssd > 0)
        load_from_ssd(core, handle, ssd, hits->units_found);
}

/* A demotion of the unit that is in flight now has less to write, and less booked for it. */
static void cut_transfer(struct placement *core, struct unit *entry, uint32_t cut, uint32_t ssd_before)
{
    if (entry->transfer == 0)
        return;
    struct transfer *transfer = &core->transfer[entry->transfer];
    uint32_t missing_before = above(entry->goal_tokens, ssd_before);
    entry->goal_tokens = above(entry->goal_tokens, cut);
    uint32_t missing = above(entry->goal_tokens, entry->tokens[TIER_SSD]);
    transfer->booked_tokens -= missing_before - missing;
    books_unbook(core, TIER_SSD, missing_before - missing);
}

static void cut_context(struct placement *core, struct job *job, uint32_t cut)
{
    assert(units_are_sessions(core));
    uint32_t unit = chain_unit(core, job, 0);
    struct unit *entry = &core->units.unit[unit];
    uint32_t ssd_before = entry->tokens[TIER_SSD];
    books_cut_front(core, unit, cut, LOSS_INVALIDATED);
    cut_transfer(core, entry, cut, ssd_before);
    job->context_tokens = above(job->context_tokens, cut);
}

struct placement_hits placement_peek(const struct placement *core, uint32_t job, uint32_t cut_tokens,
                                     enum tier slowest)
{
    struct placement_hits hits;
    find_hits(core, &core->job[job], cut_tokens, slowest, &hits);
    return hits;
}

/* The job goes on writing into its last block if that is partial: what HBM has of it for all is
 * copied, and takes HBM twice. Full blocks are never written again. */
static uint32_t copied_on_write(const struct placement *core, const struct job *job, uint32_t cut,
                                const struct placement_hits *hits)
{
    if (units_are_sessions(core) || hits->units_found == 0)
        return 0;
    uint32_t last = hits->units_found - 1;
    uint32_t want = jobs_unit_tokens(core, last, above(job->context_tokens, cut));
    if (want == core->config.unit_tokens)
        return 0;
    uint32_t copy = core->units.unit[chain_unit(core, job, last)].tokens[TIER_HBM];
    return copy < want ? copy : want;
}

enum prepare placement_prepare(struct placement *core, uint64_t now_ns, uint32_t handle,
                               uint32_t cut_tokens, uint32_t total_tokens, enum tier slowest,
                               struct placement_hits *hits)
{
    struct job *job = &core->job[handle];
    assert(now_ns >= core->now_ns && job->state == JOB_QUEUED);
    core->now_ns = now_ns;
    if (must_wait(core, job))
        return PREPARE_WAIT;
    pin_chain(core, job);
    find_hits(core, job, cut_tokens, slowest, hits);
    uint32_t own_tokens = total_tokens - hits->tokens[TIER_HBM];
    uint32_t copied = copied_on_write(core, job, cut_tokens, hits);
    /* A turn that fills all of HBM writes on in place. */
    if (copied > 0 && room_in_hbm(core, (uint64_t)own_tokens + copied))
        own_tokens += copied;
    if (!room_in_hbm(core, own_tokens)) {
        unpin_chain(core, job);
        return PREPARE_NO_ROOM;
    }
    books_book(core, TIER_HBM, own_tokens);
    job->hbm_tokens = own_tokens;
    job->total_tokens = total_tokens;
    job->state = JOB_RUNNING;
    queue_remove(core, handle);
    note_queue_head(core);
    for (uint32_t i = 0; i < job->chain_count; i++)
        remove_waiter(core, job->chain + i);
    if (cut_tokens > 0)
        cut_context(core, job, cut_tokens);
    use_chain(core, job);
    begin_loads(core, handle, hits);
    fetch_ahead(core);
    return PREPARE_DONE;
}

void placement_extend(struct placement *core, uint32_t handle, const uint64_t *keys, uint32_t count)
{
    struct job *job = &core->job[handle];
    assert(job->state == JOB_RUNNING);
    assert((uint64_t)job->chain_count + count <= job->chain_capacity);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = job->chain_count;
        uint32_t before = at > 0 ? chain_unit(core, job, at - 1) : UNIT_NONE;
        uint32_t unit = intern_in_chain(core, keys[i], at, before);
        core->slot[job->chain + job->chain_count++] =
            (struct slot){ .unit = unit, .sequence = job->sequence, .job = handle };
        books_pin(core, unit);
    }
}

/* ---- saving ---- */

/* What a save up to the goal would write to the tier; the units it is about satisfy
 * needs_saving(). */
static uint32_t missing_in(const struct unit *entry, uint32_t want, enum tier tier)
{
    if (books_stored_tokens(entry) >= want || entry->transfer != 0)
        return 0;
    return above(want, entry->tokens[tier]);
}

static uint64_t chain_missing(const struct placement *core, const struct job *job, enum tier tier)
{
    uint64_t missing = 0;
    for (uint32_t i = 0; i < job->chain_count; i++)
        missing += missing_in(&core->units.unit[chain_unit(core, job, i)],
                              jobs_unit_tokens(core, i, job->save_goal_tokens), tier);
    return missing;
}

static void begin_save(struct placement *core, uint32_t handle, enum tier to)
{
    struct job *job = &core->job[handle];
    uint32_t id = transfer_new(core, ACTION_SAVE, TIER_HBM, to, handle);
    for (uint32_t i = job->chain_count; i-- > 0;) {
        uint32_t unit = chain_unit(core, job, i);
        uint32_t want = jobs_unit_tokens(core, i, job->save_goal_tokens);
        if (missing_in(&core->units.unit[unit], want, to) > 0)
            transfer_add_unit(core, id, unit, want);
    }
    job->save_transfer = id;
    transfer_begin(core, id);
}

static void give_up_save(struct placement *core, struct job *job, uint64_t missing)
{
    uint64_t fresh = above(job->save_goal_tokens, job->given_up_tokens);
    core->counters.unsaved_bytes +=
        (missing < fresh ? missing : fresh) * core->config.bytes_per_token;
    job->given_up_tokens = job->save_goal_tokens;
}

/* Saves what the job has ready, if it can. false: not now, ask again. */
static bool try_save(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    if (!core->policy->saves || job->save_transfer != 0)
        return true;
    /* The session's copy is being demoted: it can be completed when that has ended. */
    if (units_are_sessions(core) && core->units.unit[chain_unit(core, job, 0)].transfer != 0)
        return false;
    uint64_t missing = chain_missing(core, job, TIER_DRAM);
    if (missing == 0)
        return true;
    enum room room = room_in_dram(core, missing);
    if (room == ROOM_LATER)
        return false;
    uint64_t missing_in_ssd = chain_missing(core, job, TIER_SSD);
    if (room == ROOM_NOW)
        begin_save(core, handle, TIER_DRAM);
    else if (room_in_ssd(core, missing_in_ssd))
        begin_save(core, handle, TIER_SSD);
    else
        give_up_save(core, job, missing);
    return true;
}

static void wait_with_save(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    job->save_waits = true;
    job->next_waiting_save = 0;
    if (core->waiting_save_tail != 0)
        core->job[core->waiting_save_tail].next_waiting_save = handle;
    else
        core->waiting_save_head = handle;
    core->waiting_save_tail = handle;
}

/* Ready blocks of the chain become copies in HBM that others can share; their HBM is the job's own no
 * more. A session is one job's at a time: its copy is made when the job is released. */
static void share_ready(struct placement *core, struct job *job, uint32_t ready_tokens)
{
    if (core->hbm_cache_tokens == 0)
        return;
    for (uint32_t i = job->chain_count; i-- > 0;) {
        uint32_t unit = chain_unit(core, job, i);
        uint32_t want = jobs_unit_tokens(core, i, ready_tokens);
        uint32_t copy = core->units.unit[unit].tokens[TIER_HBM];
        if (want <= copy || want - copy > job->hbm_tokens)
            continue;
        job->hbm_tokens -= want - copy;
        books_set_copy(core, unit, TIER_HBM, want);
    }
}

void placement_save(struct placement *core, uint64_t now_ns, uint32_t handle, uint32_t ready_tokens)
{
    struct job *job = &core->job[handle];
    assert(now_ns >= core->now_ns && job->state == JOB_RUNNING);
    core->now_ns = now_ns;
    job->context_tokens = ready_tokens;
    job->save_goal_tokens = ready_tokens;
    if (!units_are_sessions(core))
        share_ready(core, job, ready_tokens);
    if (!job->save_waits && (core->waiting_save_head != 0 || !try_save(core, handle)))
        wait_with_save(core, handle);
    room_keep_reserve(core);
}

static void release_if_drained(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    if (job->state != JOB_DRAINING || job->save_transfer != 0 || job->save_waits)
        return;
    share_ready(core, job, job->context_tokens);
    books_unbook(core, TIER_HBM, job->hbm_tokens);
    for (uint32_t i = 0; i < job->chain_count; i++)
        core->units.unit[chain_unit(core, job, i)].last_use_ns = core->now_ns;
    use_chain(core, job);
    unpin_chain(core, job);
    room_trim_hbm(core);
    job_free(core, handle);
    books_act(core, (struct action){ .kind = ACTION_RELEASE, .job = handle });
}

void jobs_retry_saves(struct placement *core)
{
    while (core->waiting_save_head != 0) {
        uint32_t handle = core->waiting_save_head;
        struct job *job = &core->job[handle];
        if (!try_save(core, handle))
            return;
        core->waiting_save_head = job->next_waiting_save;
        if (core->waiting_save_head == 0)
            core->waiting_save_tail = 0;
        job->save_waits = false;
        release_if_drained(core, handle);
    }
}

void jobs_save_ended(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    job->save_transfer = 0;
    /* More may have become ready while this save ran. */
    if (!job->save_waits && !try_save(core, handle))
        wait_with_save(core, handle);
    release_if_drained(core, handle);
}

void placement_finish(struct placement *core, uint64_t now_ns, uint32_t handle)
{
    struct job *job = &core->job[handle];
    assert(now_ns >= core->now_ns && job->state == JOB_RUNNING && job->loads_in_flight == 0);
    core->now_ns = now_ns;
    job->state = JOB_DRAINING;
    core->ended_jobs++;
    core->env.mean_job_tokens +=
        ((double)job->context_tokens - core->env.mean_job_tokens) / (double)core->ended_jobs;
    release_if_drained(core, handle);
    age_expire(core);
    room_keep_reserve(core);
    fetch_ahead(core);
}

/* ---- HBM that grows, and jobs that lose it ---- */

bool placement_resize(struct placement *core, uint64_t now_ns, uint32_t handle,
                      uint32_t total_tokens)
{
    struct job *job = &core->job[handle];
    assert(now_ns >= core->now_ns && job->state == JOB_RUNNING);
    core->now_ns = now_ns;
    if (total_tokens < job->total_tokens) {
        uint32_t fewer = job->total_tokens - total_tokens;
        assert(fewer <= job->hbm_tokens);
        books_unbook(core, TIER_HBM, fewer);
        job->hbm_tokens -= fewer;
    } else if (total_tokens > job->total_tokens) {
        uint32_t more = total_tokens - job->total_tokens;
        if (!room_in_hbm(core, more))
            return false;
        books_book(core, TIER_HBM, more);
        job->hbm_tokens += more;
    }
    job->total_tokens = total_tokens;
    return true;
}

/* A queued job with the chain, and the place in the queue, of one that ran. */
static uint32_t queue_again(struct placement *core, uint32_t ran, uint32_t context_tokens)
{
    uint32_t handle = job_new(core);
    uint32_t capacity = core->job[ran].chain_capacity;
    uint32_t chain = slots_new(core, capacity);
    struct job *job = &core->job[handle];
    const struct job *old = &core->job[ran];
    job->sequence = old->sequence;
    job->chain = chain;
    job->chain_count = old->chain_count;
    job->chain_capacity = capacity;
    job->context_tokens = context_tokens;
    job->wants_fetch = true;
    queue_insert(core, handle);
    note_queue_head(core);
    for (uint32_t i = 0; i < job->chain_count; i++) {
        core->slot[chain + i] = (struct slot){ .unit = chain_unit(core, old, i),
                                               .sequence = job->sequence,
                                               .job = handle };
        add_waiter(core, chain + i);
    }
    return handle;
}

uint32_t placement_preempt(struct placement *core, uint64_t now_ns, uint32_t handle,
                           uint32_t context_tokens)
{
    assert(now_ns >= core->now_ns && core->job[handle].state == JOB_RUNNING);
    assert(core->job[handle].loads_in_flight == 0);
    core->now_ns = now_ns;
    uint32_t again = queue_again(core, handle, context_tokens);
    struct job *job = &core->job[handle];
    job->state = JOB_DRAINING;
    books_unbook(core, TIER_HBM, job->hbm_tokens);
    job->hbm_tokens = 0;
    job->context_tokens = job->save_goal_tokens = 0; /* nothing more of it is shared or saved */
    release_if_drained(core, handle);
    fetch_ahead(core);
    return again;
}

/* ---- what the driver may ask ---- */

uint32_t placement_take(struct placement *core, struct action *items, uint32_t capacity)
{
    struct action_ring *ring = &core->actions;
    uint32_t count = ring->count < capacity ? ring->count : capacity;
    for (uint32_t i = 0; i < count; i++)
        items[i] = ring->item[(ring->head + i) % ring->capacity];
    if (count > 0)
        ring->head = (ring->head + count) % ring->capacity;
    ring->count -= count;
    return count;
}

void placement_end(struct placement *core)
{
    for (uint32_t unit = 1; unit < core->units.high_water; unit++) {
        struct unit *entry = &core->units.unit[unit];
        uint32_t stored = books_stored_tokens(entry);
        if (stored > entry->loaded_tokens)
            core->counters.stored_never_loaded_bytes +=
                (uint64_t)(stored - entry->loaded_tokens) * core->config.bytes_per_token;
        entry->loaded_tokens = stored;
    }
}

const struct placement_counters *placement_counters(const struct placement *core)
{
    return &core->counters;
}

uint64_t placement_used_bytes(const struct placement *core, enum tier tier)
{
    return core->used_tokens[tier] * core->config.bytes_per_token;
}

uint64_t placement_peak_bytes(const struct placement *core, enum tier tier)
{
    return core->peak_tokens[tier] * core->config.bytes_per_token;
}

bool placement_saving(const struct placement *core, uint32_t handle)
{
    return core->job[handle].save_transfer != 0 || core->job[handle].save_waits;
}

uint64_t placement_unsaved_bytes(const struct placement *core, uint32_t handle)
{
    const struct job *job = &core->job[handle];
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < job->chain_count; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        tokens += above(jobs_unit_tokens(core, i, job->save_goal_tokens), books_stored_tokens(entry));
    }
    return core->policy->saves ? tokens * core->config.bytes_per_token : 0;
}

void placement_reset_peaks(struct placement *core)
{
    for (int tier = 0; tier < TIER_COUNT; tier++)
        core->peak_tokens[tier] = core->used_tokens[tier];
}

uint64_t placement_copy_bytes(const struct placement *core, uint32_t unit, enum tier tier)
{
    return (uint64_t)core->units.unit[unit].tokens[tier] * core->config.bytes_per_token;
}

uint32_t placement_unit(const struct placement *core, uint64_t key)
{
    return unit_find(&core->units, key);
}
