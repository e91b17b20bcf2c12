/* sim/placement/prepare.c - a job is next: what it reuses is found and pinned, HBM booked, loads
 * begun. */
#include "sim/placement/core.h"

#include <assert.h>
#include <string.h>

/* DRAM gets the unit now, and HBM has it not. */
static bool is_pending(const struct placement *core, const struct unit *entry)
{
    return entry->tokens[TIER_DRAM] == 0 && entry->tokens[TIER_HBM] == 0 &&
           transfer_brings(core, entry, TIER_DRAM);
}

/* What would be found begins with so much that is there, and goes on behind what is pending; a job
 * does without that if it is short. Source: vLLM's
 * OffloadingConnectorScheduler._maximal_prefix_lookup() at 017e9f4, which defers a request for
 * HIT_PENDING; max_recompute_pending_tokens, pull request 57959 of 2026-09-21. */
static bool must_wait_for_pending(const struct placement *core, const struct job *job)
{
    uint64_t behind = 0;
    for (uint32_t i = 0; i < job->chain_count; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        uint32_t want = chain_unit_tokens(core, i, job->context_tokens);
        bool there = entry->tokens[TIER_HBM] > 0 || books_stored_tokens(entry) > 0;
        if (want == 0 || (!there && !is_pending(core, entry)))
            break;
        if (behind > 0 || is_pending(core, entry))
            behind += want;
    }
    return behind > core->config.keys.pending_most_tokens;
}

static bool must_wait(const struct placement *core, const struct job *job)
{
    for (uint32_t i = 0; i < job->chain_count; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        /* A session's last turn is still being saved: what it lacks now it will have soon. */
        if (units_are_sessions(core) && entry->pins > 0)
            return true;
        if (entry->transfer != 0 && core->transfer[entry->transfer].kind == ACTION_FETCH &&
            !job->hurries)
            return true;
    }
    return core->config.keys.save == SAVE_ONCE && must_wait_for_pending(core, job);
}

/* Adds what copies of the unit, which ends at that token of the context, cover of its `want`
 * tokens: each token counts for the fastest tier. `cut` tokens of the front are about to go.
 * Returns the tokens covered. */
static uint32_t add_hits(const struct placement *core, const struct job *job,
                         const struct unit *entry, uint64_t ends, uint32_t want, uint32_t cut,
                         enum tier slowest, uint32_t tokens[TIER_KINDS])
{
    uint32_t covered = 0;
    for (int tier = 0; tier <= (int)slowest && tier < TIER_COUNT; tier++) {
        if (ends > job->found_most_tokens[tier])
            continue;
        uint32_t copy = above(entry->tokens[tier], cut);
        copy = copy < want ? copy : want;
        tokens[tier] += above(copy, covered);
        covered = copy > covered ? copy : covered;
        if (covered == want)
            return covered; /* slower tiers add nothing */
    }
    if (slowest < TIER_REMOTE || covered >= want || core->config.pool == NULL ||
        ends > job->found_most_tokens[TIER_SSD])
        return covered;
    uint32_t remote = least(pool_tokens(core->config.pool, entry->key, job->base), want);
    tokens[TIER_REMOTE] += above(remote, covered);
    return remote > covered ? remote : covered;
}

/* The longest leading run of the chain that copies cover. */
static void find_hits(const struct placement *core, const struct job *job, uint32_t cut,
                      enum tier slowest, struct placement_hits *hits)
{
    uint32_t context = above(job->context_tokens, cut);
    *hits = (struct placement_hits){ .units_wanted = job->chain_count };
    if (job->context_tokens == 0) /* a first turn wants nothing */
        hits->units_wanted = 0;
    uint32_t stored = core->policy->prefix_below ? chain_stored_run(core, job) : UINT32_MAX;
    for (uint32_t i = 0; i < job->chain_count; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        uint32_t want = chain_unit_tokens(core, i, context);
        uint64_t ends = (uint64_t)i * core->config.unit_tokens + want;
        uint32_t tokens[TIER_KINDS] = { 0 };
        uint32_t covered =
            add_hits(core, job, entry, ends, want, cut, i < stored ? slowest : TIER_HBM, tokens);
        /* A block is reused whole or not at all; a session's saved prefix is worth what it is. */
        if (covered == 0 || (covered < want && !units_are_sessions(core)))
            return;
        hits->units_found++;
        for (int tier = 0; tier < TIER_KINDS; tier++)
            hits->tokens[tier] += tokens[tier];
        if (covered < want)
            return;
    }
}

static void begin_load(struct placement *core, uint32_t handle, uint32_t id, uint32_t tokens)
{
    core->transfer[id].moved_tokens = tokens;
    core->job[handle].loads_in_flight++;
    transfer_begin(core, id);
}

static uint32_t tokens_in(const struct placement *core, const struct unit *entry, enum tier tier)
{
    return tier == TIER_REMOTE ? remote_tokens(core, entry) : entry->tokens[tier];
}

/* Whether what passes DRAM stays there. Source: Mooncake Store's TryPushPromotionQueue at 3b5a594,
 * which counts reads of what disk alone has; LMCache's prefetch policies default and retain. */
static bool is_promoted(struct placement *core, const struct unit *entry)
{
    uint64_t after = core->config.keys.promote_after;
    return after == 0 || (after != UINT64_MAX && sketch_add(&core->promoting, entry->key) > after);
}

/* A load from SSD or the pool passes DRAM and stays there if room can be had at once; else DRAM
 * only stages it. */
static void load_through_dram(struct placement *core, uint32_t handle, enum tier from,
                              uint32_t tokens, uint32_t units)
{
    struct job *job = &core->job[handle];
    uint32_t id = transfer_new(core, ACTION_LOAD, from, TIER_HBM, handle);
    uint32_t order = core->quotas != NULL ? core->quotas->order[TIER_DRAM][job->tenant] : 0;
    bool stays = core->config.keys.promote_after != UINT64_MAX;
    if (stays && room_in_dram(core, order, tokens) == ROOM_NOW) {
        for (uint32_t i = 0; i < units; i++) {
            uint32_t unit = chain_unit(core, job, i);
            const struct unit *entry = &core->units.unit[unit];
            uint32_t dram = entry->tokens[TIER_DRAM];
            /* What passes is what DRAM lacks of what the job wants, and only that can stay. */
            uint32_t goal = least(tokens_in(core, entry, from),
                                  chain_unit_tokens(core, i, job->context_tokens));
            if (goal > dram && entry->tokens[TIER_HBM] <= dram && entry->transfer == 0 &&
                is_promoted(core, entry) && (from == TIER_SSD || entry->tokens[TIER_SSD] <= dram) &&
                goal - dram <= free_tokens(core, TIER_DRAM) &&
                (core->quotas == NULL ||
                 quota_has(core, TIER_DRAM, order_of(core, unit, TIER_DRAM), goal - dram, false)))
                transfer_add_unit(core, id, unit, goal);
        }
    }
    begin_load(core, handle, id, tokens);
}

/* Holds what is read from the tiers below HBM, where jobs hold it for so long alone. */
static void begin_reads_below(struct placement *core, const struct job *job, uint32_t units)
{
    for (uint32_t i = 0; i < job->chain_count; i++) {
        struct slot *slot = &core->slot[job->chain + i];
        const struct unit *entry = &core->units.unit[slot->unit];
        bool reads = i < units && books_stored_tokens(entry) > 0;
        slot->next_waiter |= reads ? READS_BELOW : 0U;
        if (reads)
            books_read(core, slot->unit, true);
    }
}

/* Holds what is read from the pool, until the load has ended. */
static void begin_reads(struct placement *core, const struct job *job, uint32_t units)
{
    for (uint32_t i = 0; i < job->chain_count; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        uint32_t want = i < units ? chain_unit_tokens(core, i, job->context_tokens) : 0;
        uint32_t local = books_stored_tokens(entry);
        local = local > entry->tokens[TIER_HBM] ? local : entry->tokens[TIER_HBM];
        bool reads = local < want && remote_tokens(core, entry) > local;
        struct slot *slot = &core->slot[job->chain + i];
        if (reads)
            pool_read_begins(core->config.pool, core->now_ns, entry->key, base_of(entry), want);
        slot->next_waiter |= reads ? READS_POOL : 0U;
    }
}

static void begin_loads(struct placement *core, uint32_t handle, struct placement_hits *hits)
{
    uint32_t dram = hits->tokens[TIER_DRAM], ssd = hits->tokens[TIER_SSD];
    uint32_t remote = hits->tokens[TIER_REMOTE];
    hits->loads = (dram > 0 ? 1U : 0U) + (ssd > 0 ? 1U : 0U) + (remote > 0 ? 1U : 0U);
    const struct job *job = &core->job[handle];
    for (uint32_t i = 0; i < hits->units_found && hits->loads > 0; i++) {
        struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        uint32_t stored = books_stored_tokens(entry);
        entry->fetched = false;
        if (stored > entry->tokens[TIER_HBM] && stored > entry->loaded_tokens)
            entry->loaded_tokens = stored;
    }
    if (hits->loads > 0 && core->units.reads)
        begin_reads_below(core, job, hits->units_found);
    if (remote > 0)
        begin_reads(core, job, hits->units_found);
    if (dram > 0)
        begin_load(core, handle, transfer_new(core, ACTION_LOAD, TIER_DRAM, TIER_HBM, handle),
                   dram);
    if (ssd > 0)
        load_through_dram(core, handle, TIER_SSD, ssd, hits->units_found);
    if (remote > 0)
        load_through_dram(core, handle, TIER_REMOTE, remote, hits->units_found);
}

/* What copies the unit to a slower tier now has less to write, and less booked for it. */
static void cut_transfer(struct placement *core, uint32_t unit, uint32_t cut,
                         const uint32_t before[TIER_COUNT])
{
    struct unit *entry = &core->units.unit[unit];
    if (entry->transfer == 0)
        return;
    struct transfer *transfer = &core->transfer[entry->transfer];
    enum tier tier = transfer_fills(transfer);
    if (tier == TIER_REMOTE)
        return; /* the pool finds out by the base */
    uint32_t missing_before = above(entry->goal_tokens, before[tier]);
    entry->goal_tokens = above(entry->goal_tokens, cut);
    uint32_t missing = above(entry->goal_tokens, entry->tokens[tier]);
    transfer->booked_tokens -= missing_before - missing;
    books_unbook(core, tier, missing_before - missing);
    quota_book(core, unit, tier, 0, missing_before - missing);
}

static void cut_context(struct placement *core, struct job *job, uint32_t cut)
{
    assert(units_are_sessions(core));
    uint32_t unit = chain_unit(core, job, 0);
    struct unit *entry = &core->units.unit[unit];
    uint32_t before[TIER_COUNT];
    memcpy(before, entry->tokens, sizeof before);
    books_cut_front(core, unit, cut, LOSS_INVALIDATED);
    cut_transfer(core, unit, cut, before);
    job->context_tokens = above(job->context_tokens, cut);
}

static void set_base(struct placement *core, const struct job *job)
{
    struct unit *entry = &core->units.unit[chain_unit(core, job, 0)];
    entry->base_tokens = job->base.tokens;
    entry->generation = (uint16_t)job->base.generation;
}

struct placement_hits placement_peek(const struct placement *core, uint32_t job,
                                     uint32_t cut_tokens, enum tier slowest)
{
    struct placement_hits hits;
    find_hits(core, &core->job[job], cut_tokens, slowest, &hits);
    return hits;
}

/* What HBM has of the block into which the job goes on writing: its last one, if that is found and
 * partial. Full blocks are never written again. */
struct open_block {
    uint32_t reused;  /* tokens */
    uint32_t written; /* those behind them, if no other job uses the block */
};

static struct open_block find_open_block(const struct placement *core, const struct job *job,
                                         uint32_t cut, const struct placement_hits *hits)
{
    if (units_are_sessions(core) || hits->units_found == 0)
        return (struct open_block){ 0 };
    uint32_t last = hits->units_found - 1;
    uint32_t want = chain_unit_tokens(core, last, above(job->context_tokens, cut));
    if (want == core->config.unit_tokens)
        return (struct open_block){ 0 };
    const struct unit *entry = &core->units.unit[chain_unit(core, job, last)];
    uint32_t copy = entry->tokens[TIER_HBM];
    return (struct open_block){ .reused = least(copy, want),
                                .written = entry->pins == 1 ? above(copy, want) : 0 };
}

/* What the cut will free in HBM of the session's own copy, which is pinned till then. */
static uint32_t freed_by_cut(const struct placement *core, const struct job *job, uint32_t cut)
{
    if (cut == 0)
        return 0;
    return least(cut, core->units.unit[chain_unit(core, job, 0)].tokens[TIER_HBM]);
}

/* The first units of the chain, which stay while room is made for the job: those it reuses. Room
 * may be made of what lies behind a gap and is no hit, as in vLLM, which takes off the free queue
 * the cached blocks that it found and no others (allocate_slots() in v1/core/kv_cache_manager.py:
 * touch()). A copy that will be cut stays till then: it is counted on. */
static uint32_t units_kept(const struct job *job, uint32_t cut, const struct placement_hits *hits)
{
    return cut > 0 ? job->chain_count : hits->units_found;
}

static uint32_t tokens_below(const struct placement_hits *hits)
{
    return hits->tokens[TIER_DRAM] + hits->tokens[TIER_SSD] + hits->tokens[TIER_REMOTE];
}

/* Nodes that are loaded are given room first, and if there is too little, as much as they take is
 * evicted. ROOM_NEVER: even so there is too little, and they are computed again. Source: SGLang's
 * HiRadixCache.load_back(), whose evict() is asked for the whole length and waits for its copies.
 */
static enum room room_for_loads(struct placement *core, const struct job *job, enum tier slowest)
{
    struct placement_hits hits;
    find_hits(core, job, 0, slowest, &hits);
    uint64_t tokens = tokens_below(&hits), free = free_tokens(core, TIER_HBM);
    /* The load begins when all that was evicted has gone, though less would do. */
    bool copies = core->config.keys.write[TIER_DRAM] == WRITE_BACK;
    if (free < tokens && room_coming_in_hbm(core) < tokens) {
        chain_pin(core, job, 0, hits.units_found);
        room_hold_chain(core, job, 0, hits.units_found, true);
        enum room room =
            room_in_hbm_up_to(core, tokens, tree_is_unified(core) ? tokens : free + tokens);
        room_hold_chain(core, job, 0, hits.units_found, false);
        chain_unpin(core, job, hits.units_found);
        if (room != ROOM_NOW)
            return room;
    }
    bool waits = copies && tokens > 0 && core->leaving_tokens[TIER_HBM] > 0;
    return waits ? ROOM_LATER : ROOM_NOW;
}

/* What is computed is given room with a block to spare, if that can be had. Source: SGLang's
 * alloc_paged_token_slots_extend() (mem_cache/allocation.py), which asks for a page more a request.
 */
static enum room room_beside_nodes(struct placement *core, const struct job *job,
                                   uint32_t own_tokens, const struct placement_hits *hits)
{
    room_hold_chain(core, job, 0, hits->units_found, true);
    enum room room =
        room_in_hbm_up_to(core, own_tokens, (uint64_t)own_tokens + core->config.unit_tokens);
    room_hold_chain(core, job, 0, hits->units_found, false);
    return room;
}

/* Makes the room that the pinned job needs in HBM beside what it reuses there. */
static enum room room_for_job(struct placement *core, const struct job *job, uint32_t cut,
                              uint32_t total_tokens, const struct placement_hits *hits,
                              uint32_t *own_tokens)
{
    *own_tokens = total_tokens - hits->tokens[TIER_HBM];
    if (core_has_nodes(core))
        return room_beside_nodes(core, job, *own_tokens, hits);
    struct open_block open = find_open_block(core, job, cut, hits);
    /* What is there for all is copied, and takes HBM twice. */
    if (open.reused > 0) {
        enum room room = room_in_hbm(core, (uint64_t)*own_tokens + open.reused);
        if (room == ROOM_NOW)
            *own_tokens += open.reused;
        if (room != ROOM_NEVER)
            return room;
    }
    /* A turn that fills all of HBM writes on in place. */
    *own_tokens = above(*own_tokens, open.written);
    return room_in_hbm(core, above(*own_tokens, freed_by_cut(core, job, cut)));
}

void placement_hurry(struct placement *core, uint32_t job)
{
    assert(core->job[job].state == JOB_QUEUED);
    core->job[job].hurries = true;
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
    chain_follow(core, job);
    if (core_has_nodes(core)) {
        tree_match(core, job);
        enum room room = room_for_loads(core, job, slowest);
        if (room == ROOM_LATER)
            return PREPARE_WAIT;
        slowest = room == ROOM_NOW ? slowest : TIER_HBM;
    }
    find_hits(core, job, cut_tokens, slowest, hits);
    uint32_t kept = units_kept(job, cut_tokens, hits);
    chain_pin(core, job, 0, kept);
    uint32_t own_tokens;
    enum room room = room_for_job(core, job, cut_tokens, total_tokens, hits, &own_tokens);
    if (room != ROOM_NOW) {
        chain_unpin(core, job, kept);
        return room == ROOM_LATER ? PREPARE_WAIT : PREPARE_NO_ROOM;
    }
    chain_pin(core, job, kept, job->chain_count);
    tenants_own_chain(core, job, 0);
    chain_note_user(core, job, 0);
    if (cut_tokens > 0)
        cut_context(core, job, cut_tokens);
    books_book(core, TIER_HBM, own_tokens);
    job->hbm_tokens = own_tokens;
    job->total_tokens = total_tokens;
    job->state = JOB_RUNNING;
    queue_leave(core, handle);
    for (uint32_t i = 0; i < job->chain_count && core_marks(core); i++)
        core->slot[job->chain + i].next_waiter = 0; /* its marks, from now on */
    for (uint32_t i = 0; i < job->chain_count && !job->again; i++)
        chain_count_use(core, chain_unit(core, job, i));
    if (units_are_sessions(core))
        set_base(core, job);
    chain_use(core, job, MOMENT_START, hits->units_found);
    begin_loads(core, handle, hits);
    offer_start(core, job, hits->units_found, hits->loads > 0);
    write_ahead(core);
    fetch_ahead(core);
    return PREPARE_DONE;
}
