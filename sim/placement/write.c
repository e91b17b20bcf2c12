/* sim/placement/write.c - copies that are made ahead of need: from DRAM to SSD and the pool as soon
 * as they are whole, from HBM to DRAM before HBM evicts them. Sources: Mooncake Store at 3b5a594
 * (enable_offload without offload_on_evict), LMCache's StorageManager.batched_put, SGLang's
 * HiRadixCache (storage after host) write through; vLLM's
 * SimpleCPUOffloadScheduler._prepare_lazy_store_specs at 0268d82 walks the free queue from where it
 * will be taken next, until so many blocks are free or stored. */
#include "sim/placement/core.h"

/* A full block is never written again; a session, or a partial block, may grow while a job has it.
 */
static bool is_whole(const struct placement *core, const struct unit *entry)
{
    return entry->pins == 0 || entry->tokens[TIER_DRAM] == core->config.unit_tokens;
}

static bool is_due(const struct placement *core, const struct unit *entry, enum tier tier)
{
    return entry->transfer == 0 && entry->tokens[TIER_DRAM] > 0 && is_whole(core, entry) &&
           entry->uses >= core_write_uses(core, tier) &&
           admits(core, entry, tier, entry->tokens[TIER_DRAM]);
}

static void write_to_ssd(struct placement *core, uint32_t unit, uint32_t *id)
{
    const struct unit *entry = &core->units.unit[unit];
    uint32_t dram = entry->tokens[TIER_DRAM], ssd = entry->tokens[TIER_SSD];
    if (core->config.keys.write[TIER_SSD] == WRITE_BACK ||
        core->env.capacity_tokens[TIER_SSD] == 0 || ssd >= dram || !is_due(core, entry, TIER_SSD) ||
        !room_in_ssd_for(core, unit, dram - ssd))
        return;
    if (*id == 0)
        *id = transfer_new(core, ACTION_WRITE, TIER_DRAM, TIER_SSD, 0);
    transfer_add_unit(core, *id, unit, dram);
}

static void write_to_pool(struct placement *core, uint32_t unit, uint32_t *id)
{
    const struct unit *entry = &core->units.unit[unit];
    if (core->config.pool == NULL || core->config.keys.write[TIER_REMOTE] == WRITE_BACK ||
        !is_due(core, entry, TIER_REMOTE))
        return;
    uint32_t dram = entry->tokens[TIER_DRAM];
    uint32_t missing =
        pool_write_begins(core->config.pool, core->now_ns, core->config.pool_user, entry->key,
                          base_of(entry), dram);
    if (missing == 0)
        return;
    if (*id == 0)
        *id = transfer_new(core, ACTION_WRITE, TIER_DRAM, TIER_REMOTE, 0);
    transfer_add_to_pool(core, *id, unit, dram, missing);
}

/* One transfer at a time: the pool's turn comes when the SSD has it. */
void write_through(struct placement *core, uint32_t unit, struct writes *writes)
{
    write_to_ssd(core, unit, &writes->ssd);
    write_to_pool(core, unit, &writes->remote);
}

void writes_begin(struct placement *core, const struct writes *writes)
{
    if (writes->ssd != 0)
        transfer_begin(core, writes->ssd);
    if (writes->remote != 0)
        transfer_begin(core, writes->remote);
}

void write_leave_stage(struct placement *core, uint32_t unit)
{
    const struct unit *entry = &core->units.unit[unit];
    if (core->config.keys.staging && entry->tokens[TIER_DRAM] > 0 &&
        entry->tokens[TIER_SSD] >= entry->tokens[TIER_DRAM] &&
        !unit_is_held(&core->units.seen, unit, TIER_DRAM))
        books_drop_copy(core, unit, TIER_DRAM, LOSS_MOVED);
}

void write_through_chain(struct placement *core, const struct job *job)
{
    struct writes writes = { 0 };
    bool any = core->config.keys.write[TIER_SSD] != WRITE_BACK || core->config.pool != NULL;
    for (uint32_t i = 0; i < job->chain_count && any; i++)
        write_through(core, chain_unit(core, job, i), &writes);
    writes_begin(core, &writes);
}

/* The unit goes next: DRAM gets what it lacks of it. false: DRAM has no room now. */
static bool evict_ahead(struct placement *core, uint32_t unit, uint32_t *id)
{
    const struct unit *entry = &core->units.unit[unit];
    uint32_t hbm = entry->tokens[TIER_HBM];
    if (books_stored_tokens(entry) >= hbm || !admits(core, entry, TIER_DRAM, hbm)) {
        if (books_stored_tokens(entry) < hbm)
            core->counters.refused_dram_bytes +=
                (hbm - books_stored_tokens(entry)) * core->config.bytes_per_token;
        books_evict(core, unit, TIER_HBM);
        books_is_clean(core, unit);
        return true;
    }
    if (room_in_dram_for(core, unit, hbm - entry->tokens[TIER_DRAM]) != ROOM_NOW)
        return false;
    if (*id == 0)
        *id = transfer_new(core, ACTION_SAVE, TIER_HBM, TIER_DRAM, 0);
    books_evict(core, unit, TIER_HBM);
    transfer_add_unit(core, *id, unit, hbm);
    return true;
}

/* What may come into HBM before it has to evict a copy: more than is free, or than the cache may
 * hold. */
static uint64_t headroom_tokens(const struct placement *core)
{
    uint64_t free = free_tokens(core, TIER_HBM), idle = core->hbm_idle_tokens;
    uint64_t left = core->hbm_cache_tokens > idle ? core->hbm_cache_tokens - idle : 0;
    return free < left ? free : left;
}

void write_ahead(struct placement *core)
{
    if (core->config.keys.write[TIER_DRAM] != WRITE_LAZY || !core->policy->saves)
        return;
    uint32_t id = 0;
    while (headroom_tokens(core) + core->leaving_tokens[TIER_HBM] <
           core->config.keys.write_ahead_tokens) {
        uint32_t unit = core->policy->victim(env_of_hbm(core), TIER_HBM);
        if (unit == UNIT_NONE || !evict_ahead(core, unit, &id))
            break;
    }
    if (id != 0)
        transfer_begin(core, id);
}
