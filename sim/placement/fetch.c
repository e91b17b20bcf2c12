/* sim/placement/fetch.c - look-ahead: KV on SSD that a job of the window wants is brought to DRAM.
 * Source: CachedAttention (ATC'24), scheduler-aware fetching: the window is C_DRAM / S_kv jobs. Not for
 * the queue's head: it may start at any moment, and then a load straight to HBM, layer by layer, is
 * sooner than a fetch that must end before the load begins. */
#include "sim/placement/core.h"

void fetch_note_leaving(struct placement *core, uint32_t unit)
{
    uint32_t waiter = core->units.unit[unit].first_waiter;
    if (waiter != 0)
        core->job[core->slot[waiter].job].wants_fetch = true;
}

enum found { FOUND_COPY, FOUND_ON_SSD, FOUND_LATER, FOUND_NOTHING };

/* What there is to do for a unit of which `want` tokens are wanted. */
static enum found look_at(const struct unit *entry, uint32_t want)
{
    uint32_t near = entry->tokens[TIER_DRAM] > entry->tokens[TIER_HBM] ? entry->tokens[TIER_DRAM]
                                                                       : entry->tokens[TIER_HBM];
    if (entry->transfer != 0 || entry->pins > 0)
        return near >= want && !unit_leaves(entry, TIER_DRAM) ? FOUND_COPY : FOUND_LATER;
    if (near < want && entry->tokens[TIER_SSD] > near)
        return FOUND_ON_SSD;
    return near >= want ? FOUND_COPY : FOUND_NOTHING;
}

/* Whether SSD has enough of what the job lacks to be worth a fetch. */
static bool is_worth_it(const struct placement *core, const struct job *job)
{
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < job->chain_count && tokens < core->config.fetch_min_tokens; i++) {
        const struct unit *entry = &core->units.unit[core->slot[job->chain + i].unit];
        enum found found = look_at(entry, chain_unit_tokens(core, i, job->context_tokens));
        if (found == FOUND_NOTHING)
            break;
        if (found == FOUND_ON_SSD)
            tokens += entry->tokens[TIER_SSD] - entry->tokens[TIER_DRAM];
    }
    return tokens >= core->config.fetch_min_tokens;
}

/* Fetches what the job lacks, in chain order, in one transfer. false: DRAM has no room for more. */
static bool fetch_for(struct placement *core, uint32_t job_handle)
{
    struct job *job = &core->job[job_handle];
    uint32_t id = 0;
    bool again = false, room = is_worth_it(core, job);
    if (!room) { /* not now: more of it may come to SSD alone */
        job->wants_fetch = false;
        return true;
    }
    for (uint32_t i = 0; i < job->chain_count && room; i++) {
        uint32_t unit = core->slot[job->chain + i].unit;
        const struct unit *entry = &core->units.unit[unit];
        enum found found = look_at(entry, chain_unit_tokens(core, i, job->context_tokens));
        if (found == FOUND_NOTHING) /* the chain is broken: what follows cannot be reused */
            break;
        again |= found == FOUND_LATER;
        if (found != FOUND_ON_SSD)
            continue;
        uint32_t missing = entry->tokens[TIER_SSD] - entry->tokens[TIER_DRAM];
        room = room_for_fetch(core, missing, job->sequence) == ROOM_NOW;
        if (!room)
            break;
        if (entry->tokens[TIER_SSD] <= entry->tokens[TIER_DRAM])
            continue; /* a policy that does not know the queue gave up this very copy */
        if (id == 0)
            id = transfer_new(core, ACTION_FETCH, TIER_SSD, TIER_DRAM, 0);
        transfer_add_unit(core, id, unit, entry->tokens[TIER_SSD]);
    }
    if (id != 0)
        transfer_begin(core, id);
    job->wants_fetch = again || !room;
    return room;
}

void fetch_ahead(struct placement *core)
{
    if (!core->config.fetches || core->env.capacity_tokens[TIER_SSD] == 0)
        return;
    uint64_t dram_tokens = core->env.capacity_tokens[TIER_DRAM] - core->reserve_tokens;
    uint32_t window = policy_window_jobs(&core->env, dram_tokens);
    uint32_t job = core->queue_head;
    if (job != 0 && !core->config.fetch_head)
        job = core->job[job].next;
    for (uint32_t seen = core->config.fetch_head ? 0 : 1; job != 0 && seen < window; seen++, job = core->job[job].next) {
        if (core->fetches >= core->config.fetches_in_flight)
            return;
        if (core->job[job].wants_fetch && !fetch_for(core, job))
            return;
    }
}
