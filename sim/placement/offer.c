/* sim/placement/offer.c - saving as engines do: a running job offers each block that becomes final
 * to DRAM, once, and what finds no room is lost to it. SAVE_ONCE: vLLM's
 * OffloadingConnectorScheduler._build_store_jobs() and update_state_after_alloc()
 * (distributed/kv_transfer/kv_connector/v1/offloading/scheduler.py) and
 * CPUOffloadingManager.prepare_store() (v1/kv_offload/cpu/manager.py), both at 017e9f4 of
 * 2026-08-17: all blocks that a step completes are offered together, and where there is no room for
 * those that are missing, again with the next step's and at the end; blocks that are offered do not
 * go for it, others of the job may. A turn that loaded goes on behind what it found, one that did
 * not begins at its head. After a store all of the job's blocks are touched. SAVE_EACH: LMCache's
 * LMCacheEngine.store() (v1/cache_engine.py) and LocalCPUBackend.allocate()
 * (v1/storage_backend/local_cpu_backend.py), at 9f5cee0 of 2026-07-01: chunks behind those that the
 * look-up found are given room one after the other, though the cache may have them, as far as there
 * is any. */
#include "sim/placement/core.h"

void offer_start(struct placement *core, struct job *job, uint32_t units_found, bool loads)
{
    if (core->config.keys.save == SAVE_EACH)
        job->offered_units = chain_stored_run(core, job);
    else
        job->offered_units = loads || core_has_nodes(core) ? units_found : 0;
    for (uint32_t i = 0; i < units_found && core_touches_at_end(core); i++) {
        struct slot *slot = &core->slot[job->chain + i];
        if (loads && core->units.unit[slot->unit].tokens[TIER_HBM] == 0)
            slot->next_waiter |= MARK_REUSED;
    }
}

/* Whole blocks only. */
static uint32_t units_ready(const struct placement *core, const struct job *job)
{
    return least(job->save_goal_tokens / core->config.unit_tokens, job->chain_count);
}

static bool is_missing(const struct placement *core, const struct unit *entry)
{
    return entry->tokens[TIER_DRAM] == 0 && entry->transfer == 0 && entry->uses >= core->save_uses;
}

/* The units from..to - 1 that DRAM lacks come into it; there is room. */
static void begin_store(struct placement *core, uint32_t handle, uint32_t from, uint32_t to)
{
    struct job *job = &core->job[handle];
    uint32_t id = transfer_new(core, ACTION_SAVE, TIER_HBM, TIER_DRAM, handle);
    for (uint32_t i = to; i-- > from;) {
        uint32_t unit = chain_unit(core, job, i);
        if (!is_missing(core, &core->units.unit[unit]))
            continue;
        transfer_add_unit(core, id, unit, core->config.unit_tokens);
        core->slot[job->chain + i].next_waiter |= MARK_STORED;
    }
    if (core->transfer[id].first_unit != UNIT_NONE)
        job->save_transfer = id;
    transfer_begin(core, id);
}

static void count_unsaved(struct placement *core, uint64_t units)
{
    core->counters.unsaved_bytes += units * core->config.unit_tokens * core->config.bytes_per_token;
}

/* How soon DRAM can have those of the units that are missing, or (all) all of them. */
static enum room room_to_store(struct placement *core, const struct job *job, uint32_t from,
                               uint32_t to, bool all, uint64_t tokens)
{
    uint64_t of[QUOTA_ORDERS] = { 0 };
    for (uint32_t i = from; core->quotas != NULL && i < to; i++) {
        uint32_t unit = chain_unit(core, job, i);
        if (all || core->units.unit[unit].tokens[TIER_DRAM] == 0) /* whoever holds it */
            of[order_of(core, unit, TIER_DRAM)] += core->config.unit_tokens;
    }
    return room_for_orders(core, TIER_DRAM, of, tokens);
}

/* Whether the policy would give up so many; of those of the job's tenant, if it has a quota. */
static bool policy_gives(struct placement *core, const struct job *job, uint64_t victims)
{
    const struct policy_env *env = &core->env;
    if (core->policy->yields == NULL)
        return true;
    if (core->quotas != NULL)
        env = quota_env(core, core->quotas->order[TIER_DRAM][job->tenant], TIER_DRAM);
    return core->policy->yields(env, TIER_DRAM, victims);
}

/* Room for all of it that is missing, or nothing goes. */
static bool all_find_room(struct placement *core, const struct job *job, uint32_t from, uint32_t to,
                          uint64_t tokens)
{
    uint64_t free = free_tokens(core, TIER_DRAM), lacking = tokens > free ? tokens - free : 0;
    uint64_t victims = (lacking + core->config.unit_tokens - 1) / core->config.unit_tokens;
    return policy_gives(core, job, victims) &&
           room_to_store(core, job, from, to, false, tokens) == ROOM_NOW;
}

/* What is there counts as used at the job's end; of what is missing the policy hears once, if it
 * remembers it. */
static void mark_offered(struct placement *core, const struct job *job, uint32_t from, uint32_t to)
{
    for (uint32_t i = to; i-- > from;) {
        struct slot *slot = &core->slot[job->chain + i];
        const struct unit *entry = &core->units.unit[slot->unit];
        bool ghost = core->policy->uses_ghosts && (entry->remembered >> TIER_DRAM & 1U) != 0;
        if (entry->tokens[TIER_DRAM] > 0 && (slot->next_waiter & MARK_STORED) == 0)
            slot->next_waiter |= MARK_REUSED;
        core->env.use = (struct policy_use){ .ends = true };
        if (ghost && is_missing(core, entry) && (slot->next_waiter & MARK_OFFERED) == 0)
            core->policy->use(env_of(core, slot->unit, TIER_DRAM), slot->unit, TIER_DRAM);
        slot->next_waiter |= MARK_OFFERED;
    }
}

static void offer_together(struct placement *core, uint32_t handle, uint32_t to)
{
    struct job *job = &core->job[handle];
    uint32_t from = job->offered_units;
    uint64_t missing = 0, size = core->config.unit_tokens;
    if (core_touches_at_end(core))
        mark_offered(core, job, from, to);
    for (uint32_t i = from; i < to; i++)
        missing += is_missing(core, &core->units.unit[chain_unit(core, job, i)]);
    /* More than all of DRAM beside the others that are offered: nothing goes for it. */
    if ((to - from) * size > core->env.capacity_tokens[TIER_DRAM] && missing > 0)
        return;
    if (missing > 0) {
        room_hold_chain(core, job, from, to, true);
        bool room = all_find_room(core, job, from, to, missing * size);
        room_hold_chain(core, job, from, to, false);
        if (!room)
            return;
    }
    begin_store(core, handle, from, to);
    job->offered_units = to;
}

static void offer_each(struct placement *core, uint32_t handle, uint32_t to)
{
    struct job *job = &core->job[handle];
    uint32_t from = job->offered_units, end = from;
    uint64_t size = core->config.unit_tokens;
    uint64_t asked = 0;
    for (; end < to; end++) {
        /* Where room is not made on demand, what is there asks for none. */
        bool demands = core->config.keys.evict_at <= 0.0;
        bool asks = demands || is_missing(core, &core->units.unit[chain_unit(core, job, end)]);
        if (asks && room_to_store(core, job, from, end + 1, demands, asked + size) != ROOM_NOW)
            break;
        asked += asks ? size : 0;
    }
    begin_store(core, handle, from, end);
    count_unsaved(core, to - end);
    if (to > end)
        chain_note_unsaved(core, job, to * core->config.unit_tokens);
    job->offered_units = to;
}

void offer_ready(struct placement *core, uint32_t handle)
{
    const struct job *job = &core->job[handle];
    uint32_t to = units_ready(core, job);
    if (to <= job->offered_units || core->env.capacity_tokens[TIER_DRAM] == 0)
        return;
    if (core->config.keys.save == SAVE_ONCE)
        offer_together(core, handle, to);
    else
        offer_each(core, handle, to);
}

void offer_end(struct placement *core, const struct job *job)
{
    uint64_t missing = 0;
    for (uint32_t i = job->offered_units, to = units_ready(core, job); i < to; i++)
        missing += is_missing(core, &core->units.unit[chain_unit(core, job, i)]);
    count_unsaved(core, missing);
    if (missing > 0)
        chain_note_unsaved(core, job, units_ready(core, job) * core->config.unit_tokens);
}

void offer_stored(struct placement *core, const struct job *job)
{
    chain_use(core, job, MOMENT_STORE, 0);
    for (uint32_t i = 0; i < job->chain_count; i++)
        core->units.unit[chain_unit(core, job, i)].fresh = false;
}
