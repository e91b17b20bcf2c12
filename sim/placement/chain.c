/* sim/placement/chain.c - jobs' handles and the chains of units that they go through. */
#include "base/memory.h"
#include "sim/placement/core.h"

#include <assert.h>

uint32_t chain_slots(struct placement *core, uint32_t count)
{
    uint32_t first = ranges_take(&core->slots, count);
    memory_grow(&core->slot, &core->slot_capacity, core->slots.high_water, sizeof *core->slot);
    core->env.slots = core->slot;
    return first;
}

uint32_t chain_new_job(struct placement *core)
{
    uint32_t handle = core->free_job;
    if (handle != 0) {
        core->free_job = core->job[handle].next;
    } else {
        handle = core->job_high_water++;
        memory_grow(&core->job, &core->job_capacity, (uint64_t)handle + 1, sizeof *core->job);
    }
    core->job[handle] = (struct job){ .state = JOB_QUEUED, .save_most_tokens = UINT32_MAX };
    for (int tier = 0; tier < TIER_COUNT; tier++)
        core->job[handle].found_most_tokens[tier] = UINT32_MAX;
    return handle;
}

void chain_free_job(struct placement *core, uint32_t handle)
{
    struct job *job = &core->job[handle];
    ranges_return(&core->slots, job->chain, job->chain_capacity);
    job->state = JOB_FREE;
    job->next = core->free_job;
    core->free_job = handle;
}

uint32_t chain_intern(struct placement *core, uint64_t key, uint32_t depth, uint32_t parent)
{
    uint32_t unit = unit_intern(&core->units, key, parent);
    if (core->policy->depths)
        core->units.seen.depth[unit] = depth;
    books_follow(core, unit, parent);
    return unit;
}

void chain_follow(struct placement *core, const struct job *job)
{
    uint32_t before = UNIT_NONE;
    for (uint32_t i = 0; core->config.keys.leaf_only && i < job->chain_count; i++) {
        uint32_t unit = chain_unit(core, job, i);
        books_follow(core, unit, before);
        before = unit;
    }
}

void chain_pin(struct placement *core, const struct job *job, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++)
        books_pin(core, chain_unit(core, job, i));
}

void chain_unpin(struct placement *core, const struct job *job, uint32_t count)
{
    for (uint32_t i = count; i-- > 0;) {
        uint32_t unit = chain_unit(core, job, i);
        books_unpin(core, unit);
        books_settle(core, unit);
    }
}

uint32_t chain_stored_run(const struct placement *core, const struct job *job)
{
    uint32_t run = 0;
    for (; run < job->chain_count; run++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, run)];
        if (books_stored_tokens(entry) == 0 && remote_tokens(core, entry) == 0)
            break;
    }
    return run;
}

static void tell_share(struct placement *core, const struct job *job, uint32_t i, uint32_t tokens)
{
    books_act(core, (struct action){ .kind = ACTION_SHARE,
                                     .from = TIER_HBM,
                                     .to = TIER_HBM,
                                     .id = i,
                                     .unit = chain_unit(core, job, i),
                                     .job = (uint32_t)(job - core->job),
                                     .size_bytes = tokens * core->config.bytes_per_token });
}

void chain_share(struct placement *core, struct job *job, uint32_t ready_tokens)
{
    if (core->hbm_cache_tokens == 0)
        return;
    uint32_t whole = least(ready_tokens / core->config.unit_tokens, job->chain_count);
    for (uint32_t i = job->chain_count; i-- > job->shared_units;) {
        uint32_t unit = chain_unit(core, job, i);
        uint32_t want = chain_unit_tokens(core, i, ready_tokens);
        uint32_t copy = core->units.unit[unit].tokens[TIER_HBM];
        if (want > copy && want - copy > job->hbm_tokens)
            whole = least(whole, i);
        if (want <= copy || want - copy > job->hbm_tokens)
            continue;
        job->hbm_tokens -= want - copy;
        books_set_copy(core, unit, TIER_HBM, want);
        if (core->tells_shares)
            tell_share(core, job, i, want);
    }
    if (whole > job->shared_units)
        job->shared_units = whole;
}

void chain_merge(struct placement *core, struct job *job, uint32_t from, uint32_t to)
{
    uint32_t size = core->config.unit_tokens;
    for (uint32_t i = from; i < to; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        /* Real jobs go on reading the copy that they began with: two of them need both. */
        if (entry->tokens[TIER_HBM] < size || (core->tells_shares && entry->pins > 1))
            continue;
        assert(job->hbm_tokens >= size);
        job->hbm_tokens -= size;
        books_unbook(core, TIER_HBM, size);
        if (core->tells_shares)
            tell_share(core, job, i, size);
    }
}

/* Whether the tier hears of jobs at that moment. */
static bool hears(const struct placement *core, enum tier tier, enum moment moment)
{
    int save = core->config.keys.save;
    if (tier == TIER_HBM || save == SAVE_LACKING)
        return moment != MOMENT_STORE;
    if (core_touches_at_end(core))
        return moment == MOMENT_END;
    return moment == MOMENT_START || (moment == MOMENT_STORE && save == SAVE_ONCE);
}

/* A bit for each tier. */
static unsigned tiers_that_hear(const struct placement *core, enum moment moment)
{
    unsigned tiers = 0;
    for (int tier = 0; tier < TIER_COUNT; tier++)
        tiers |= (unsigned)hears(core, (enum tier)tier, moment) << tier;
    return tiers;
}

/* The tiers whose copy can be used. */
static unsigned usable_copies(const struct unit *entry)
{
    unsigned tiers = 0;
    for (int tier = 0; tier < TIER_COUNT; tier++)
        tiers |= (unsigned)(entry->tokens[tier] > 0) << tier;
    return tiers & ~(unsigned)entry->leaving;
}

/* The tiers where the policy remembers the unit, which does not come back there already. */
static unsigned ghosts_of(const struct placement *core, const struct unit *entry, unsigned ghosts)
{
    unsigned tiers = entry->remembered & ghosts;
    for (int tier = 0; tiers != 0 && tier < TIER_COUNT; tier++)
        if (transfer_brings(core, entry, (enum tier)tier))
            tiers &= ~(1U << tier);
    return tiers;
}

/* Which tiers hear of a chain's use, and what is the same for all of its units. */
struct telling {
    unsigned told, ghosts; /* tiers; of them, those that hear of what they remember */
    uint32_t found;        /* so many units were found, in the policy's sense, */
    uint32_t served;       /* and so many are reused */
    bool starts, touches;  /* touches: TOUCH_END's marks say what was stored or reused */
};

/* Of the slot's unit: each tier that has it, or remembers it and wants to know. The fastest copy
 * serves. */
static void tell_use(struct placement *core, const struct telling *telling, const struct job *job,
                     uint32_t i)
{
    const struct slot *slot = &core->slot[job->chain + i];
    const struct unit *entry = &core->units.unit[slot->unit];
    uint32_t unit = slot->unit, marks = slot->next_waiter;
    unsigned there = usable_copies(entry), below = ~(1U << TIER_HBM);
    if (telling->touches && (marks & (MARK_STORED | MARK_REUSED)) == 0)
        there &= ~below;
    unsigned calls = (there | ghosts_of(core, entry, telling->ghosts)) & telling->told;
    struct policy_use *use = &core->env.use;
    *use = (struct policy_use){ .ends = !telling->starts,
                                .fresh = entry->fresh,
                                .found = i < telling->found,
                                .last = i + 1 == job->chain_count };
    for (; calls != 0; calls &= calls - 1) {
        enum tier tier = (enum tier)__builtin_ctz(calls);
        use->served = i < telling->served && (there & ((1U << tier) - 1)) == 0;
        if (telling->touches && tier != TIER_HBM)
            use->fresh = (marks & MARK_STORED) != 0;
        core->policy->use(env_of(core, unit, tier), unit, tier);
    }
}

void chain_use(struct placement *core, const struct job *job, enum moment moment,
               uint32_t units_found)
{
    const struct policy *policy = core->policy;
    bool starts = moment == MOMENT_START;
    if (policy->use == NULL || core_has_nodes(core)) /* a tree's walks are its uses */
        return;
    unsigned told = tiers_that_hear(core, moment);
    const struct telling telling = {
        .told = told,
        .ghosts = policy->uses_ghosts && moment != MOMENT_END ? told : 0,
        .found = policy->prefix_below && starts ? chain_stored_run(core, job) : units_found,
        .served = units_found,
        .starts = starts,
        .touches = core_touches_at_end(core),
    };
    for (uint32_t i = job->chain_count; i-- > 0 && told != 0;)
        tell_use(core, &telling, job, i);
    core->env.use = (struct policy_use){ 0 }; /* what comes in later is of no use known yet */
}

void chain_note_unsaved(struct placement *core, const struct job *job, uint32_t tokens)
{
    for (uint32_t i = 0; core->losses != NULL && i < job->chain_count; i++) {
        uint32_t unit = chain_unit(core, job, i);
        const struct unit *entry = &core->units.unit[unit];
        if (entry->transfer == 0 && books_stored_tokens(entry) < chain_unit_tokens(core, i, tokens))
            books_note_loss(core, unit, ABSENT_UNSAVED, TIER_DRAM);
    }
}

void chain_note_user(struct placement *core, const struct job *job, uint32_t from)
{
    for (uint32_t i = from; core->units.users && i < job->chain_count; i++)
        core->units.user[chain_unit(core, job, i)] = core->behalf;
}

/* Beyond as many units as may be counted, the one used least recently is known no more. */
static void count_fewer(struct placement *core)
{
    uint32_t unit = core->counted.front;
    order_remove(&core->counted, core->units.count_link, unit);
    core->counted_units--;
    core->units.unit[unit].counted = false;
    core->units.unit[unit].uses = 0;
    books_settle(core, unit);
}

void chain_count_use(struct placement *core, uint32_t unit)
{
    struct unit *entry = &core->units.unit[unit];
    if (core_has_nodes(core)) /* its insertions are counted */
        return;
    if (entry->uses < UINT16_MAX)
        entry->uses++;
    if (!core->units.counts)
        return;
    if (entry->counted) {
        order_move_to_back(&core->counted, core->units.count_link, unit);
        return;
    }
    order_push_back(&core->counted, core->units.count_link, unit);
    entry->counted = true;
    if (++core->counted_units > core->config.keys.count_units)
        count_fewer(core);
}
