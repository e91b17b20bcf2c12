/* sim/placement/fetch.c - look-ahead: KV on SSD or in the pool that a job of the window wants is
 * brought to DRAM. Source: CachedAttention (ATC'24), scheduler-aware fetching: the window is C_DRAM
 * / S_kv jobs, or so many times as many. Not for the queue's head: it may start at any moment, and
 * then a load straight to HBM, layer by layer, is sooner than a fetch that must end before the load
 * begins. */
#include "sim/placement/core.h"

enum found { FOUND_COPY, FOUND_ON_SSD, FOUND_IN_POOL, FOUND_LATER, FOUND_NOTHING };

/* What there is to do for a unit of which `want` tokens are wanted. */
static enum found look_at(const struct placement *core, const struct unit *entry, uint32_t want)
{
    uint32_t near = entry->tokens[TIER_DRAM] > entry->tokens[TIER_HBM] ? entry->tokens[TIER_DRAM]
                                                                       : entry->tokens[TIER_HBM];
    if (entry->transfer != 0 || entry->pins > 0)
        return near >= want && !unit_leaves(entry, TIER_DRAM) ? FOUND_COPY : FOUND_LATER;
    if (near < want && entry->tokens[TIER_SSD] > near)
        return FOUND_ON_SSD;
    /* Of a session the pool's copy may be cut already and the local ones not: that is sorted out
     * when the job is prepared. */
    if (near < want && !units_are_sessions(core) && remote_tokens(core, entry) > near)
        return FOUND_IN_POOL;
    return near >= want ? FOUND_COPY : FOUND_NOTHING;
}

static uint32_t tokens_there(const struct placement *core, const struct unit *entry, enum tier from)
{
    return from == TIER_SSD ? entry->tokens[TIER_SSD] : remote_tokens(core, entry);
}

/* Whether SSD and the pool have enough of what the job lacks to be worth a fetch. */
static bool is_worth_it(const struct placement *core, const struct job *job)
{
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < job->chain_count && tokens < core->config.keys.fetch_min_tokens; i++) {
        const struct unit *entry = &core->units.unit[core->slot[job->chain + i].unit];
        enum found found = look_at(core, entry, chain_unit_tokens(core, i, job->context_tokens));
        if (found == FOUND_NOTHING)
            break;
        if (found == FOUND_ON_SSD || found == FOUND_IN_POOL)
            tokens += tokens_there(core, entry, found == FOUND_ON_SSD ? TIER_SSD : TIER_REMOTE) -
                      entry->tokens[TIER_DRAM];
    }
    return tokens >= core->config.keys.fetch_min_tokens;
}

/* Adds the unit to the batch *id. false: DRAM has no room for it. */
static bool fetch_unit(struct placement *core, uint32_t unit, enum tier from, uint32_t sequence,
                       uint32_t *id)
{
    const struct unit *entry = &core->units.unit[unit];
    uint32_t missing = tokens_there(core, entry, from) - entry->tokens[TIER_DRAM];
    if (room_for_fetch(core, unit, missing, sequence) != ROOM_NOW)
        return false;
    uint32_t goal = tokens_there(core, entry, from);
    if (goal <= entry->tokens[TIER_DRAM])
        return true; /* room was made by evicting this very copy */
    if (*id == 0)
        *id = transfer_new(core, ACTION_FETCH, from, TIER_DRAM, 0);
    if (from == TIER_REMOTE)
        pool_read_begins(core->config.pool, core->now_ns, entry->key, base_of(entry), goal);
    transfer_add_unit(core, *id, unit, goal);
    return true;
}

/* Fetches what the job lacks, in chain order, in one transfer from each tier. false: DRAM has no
 * room for more. */
static bool fetch_for(struct placement *core, uint32_t job_handle)
{
    struct job *job = &core->job[job_handle];
    uint32_t from_ssd = 0, from_pool = 0;
    bool again = false, room = is_worth_it(core, job);
    if (!room) { /* not now: more of it may come to SSD alone */
        job->wants_fetch = false;
        return true;
    }
    for (uint32_t i = 0; i < job->chain_count && room; i++) {
        uint32_t unit = core->slot[job->chain + i].unit;
        enum found found =
            look_at(core, &core->units.unit[unit], chain_unit_tokens(core, i, job->context_tokens));
        if (found == FOUND_NOTHING) /* the chain is broken: what follows cannot be reused */
            break;
        again |= found == FOUND_LATER;
        if (found == FOUND_ON_SSD)
            room = fetch_unit(core, unit, TIER_SSD, job->sequence, &from_ssd);
        if (found == FOUND_IN_POOL)
            tenants_own(core, unit, job->tenant);
        if (found == FOUND_IN_POOL)
            room = fetch_unit(core, unit, TIER_REMOTE, job->sequence, &from_pool);
    }
    if (from_ssd != 0)
        transfer_begin(core, from_ssd);
    if (from_pool != 0)
        transfer_begin(core, from_pool);
    job->wants_fetch = again || !room;
    return room;
}

/* Source: SGLang's prefetch_rate_limited() (managers/cache_controller.py): half the host pool. */
static bool holds_its_share(const struct placement *core)
{
    double most = core->config.keys.fetch_share * (double)core->env.capacity_tokens[TIER_DRAM];
    return core->fetches > 0 && most > 0.0 && (double)core->fetching_tokens >= most;
}

/* Those behind the job come soon, and were queued long ago: asks the processor to fetch the third
 * of them, what leads to the second's first unit, and the first's. For speed alone: job 0 is none
 * and harmless. Inline, since gcc takes a function that does nothing else for one without effect,
 * and leaves out its calls. */
__attribute__((always_inline)) static inline void prefetch_behind(const struct placement *core,
                                                                  uint32_t job)
{
    uint32_t first = core->job[job].next, second = core->job[first].next;
    uint32_t third = core->job[second].next;
    __builtin_prefetch(&core->job[third].next);
    __builtin_prefetch(&core->job[third].wants_fetch);
    __builtin_prefetch(&core->slot[core->job[second].chain]);
    if (first == 0)
        return;
    unit_prefetch(&core->units, core->slot[core->job[first].chain].unit);
}

static bool is_busy_fetching(const struct placement *core)
{
    return core->fetches >= core->config.keys.fetches_in_flight || holds_its_share(core);
}

/* The queue's job behind the first `before` wants no fetch, as they do not, or is not to have one:
 * nobody need look at them again before something changes. What a fetch has evicted changes only
 * who comes behind it. */
static void see(struct placement *core, uint32_t before, uint32_t job)
{
    core->fetch_seen = before + 1;
    core->fetch_last = job;
}

void fetch_ahead(struct placement *core)
{
    if (!core->config.fetches ||
        (core->env.capacity_tokens[TIER_SSD] == 0 && core->config.pool == NULL))
        return;
    if (is_busy_fetching(core))
        return;
    uint64_t dram_tokens = core->env.capacity_tokens[TIER_DRAM] - core->reserve_tokens;
    uint32_t window =
        policy_window_jobs(&core->env, dram_tokens, core->env.keys.scheduler_aware_fetching_window);
    if (window <= core->fetch_seen)
        return;
    if (core->fetch_seen == 0 && core->queue_head != 0 && !core->config.fetch_head)
        see(core, 0, core->queue_head);
    bool wanted = false;
    uint32_t seen = core->fetch_seen;
    uint32_t job = seen > 0 ? core->job[core->fetch_last].next : core->queue_head;
    for (; job != 0 && seen < window; seen++, job = core->job[job].next) {
        if (is_busy_fetching(core))
            return;
        prefetch_behind(core, job);
        if (core->job[job].wants_fetch && !fetch_for(core, job))
            return;
        wanted |= core->job[job].wants_fetch;
        if (!wanted)
            see(core, seen, job);
    }
}
