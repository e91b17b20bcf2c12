/* sim/placement/backup.c - nodes are written to DRAM when they were inserted often enough: each
 * when the one above it is there, or with all that lack above it (unified), as far as DRAM can make
 * room. Source: SGLang
 * python/sglang/srt/mem_cache/hiradix_cache.py (_inc_hit_count, write_backup) as of 2026-08-20. */
#include "sim/placement/core.h"

/* DRAM has the unit, or will. */
static bool is_backed_up(const struct placement *core, uint32_t unit)
{
    const struct unit *entry = &core->units.unit[unit];
    return entry->tokens[TIER_DRAM] > 0 || transfer_brings(core, entry, TIER_DRAM);
}

static bool may_be_copied(const struct placement *core, uint32_t unit)
{
    const struct unit *entry = &core->units.unit[unit];
    return entry->transfer == 0 && entry->tokens[TIER_DRAM] == 0 &&
           entry->tokens[TIER_HBM] == core->config.unit_tokens;
}

/* The chain's units from..to - 1, a node, are written in the batch *id. false: DRAM has no room for
 * them. */
static bool write_node(struct placement *core, const struct job *job, uint32_t from, uint32_t to,
                       uint32_t *id)
{
    uint64_t tokens = (uint64_t)(to - from) * core->config.unit_tokens;
    uint64_t of[QUOTA_ORDERS] = { 0 };
    for (uint32_t i = from; core->quotas != NULL && i < to; i++)
        of[order_of(core, chain_unit(core, job, i), TIER_DRAM)] += core->config.unit_tokens;
    if (room_for_orders(core, TIER_DRAM, of, 0) != ROOM_NOW || !room_for_node(core, 0, tokens)) {
        core->counters.unsaved_bytes += tokens * core->config.bytes_per_token;
        return false;
    }
    if (*id == 0)
        *id = transfer_new(core, ACTION_SAVE, TIER_HBM, TIER_DRAM, 0);
    for (uint32_t i = to; i-- > from;)
        if (may_be_copied(core, chain_unit(core, job, i)))
            transfer_add_unit(core, *id, chain_unit(core, job, i), core->config.unit_tokens);
    return true;
}

/* Writes the chain's nodes from the unit `from` on that end before `to`, the first one first. */
static void write_nodes(struct placement *core, const struct job *job, uint32_t from, uint32_t to,
                        uint32_t *id)
{
    for (uint32_t i = from; i < to; i++) {
        uint32_t unit = chain_unit(core, job, i);
        if (core->units.node_end[unit] != unit)
            continue;
        if (!is_backed_up(core, unit) && !write_node(core, job, from, i + 1, id))
            return;
        from = i + 1;
    }
}

void backup_nodes(struct placement *core, const struct job *job, uint32_t units)
{
    uint32_t id = 0, from = 0, backed_up = 0, uses = core_write_uses(core, TIER_DRAM);
    if (!core_saves_at_once(core) || !core->policy->saves ||
        core->env.capacity_tokens[TIER_DRAM] == 0)
        return;
    for (uint32_t i = 0; i < units; i++) {
        uint32_t unit = chain_unit(core, job, i);
        if (core->units.node_end[unit] != unit)
            continue;
        bool is_due = core->units.unit[unit].uses >= uses && !is_backed_up(core, unit);
        if (is_due && (from == backed_up || tree_is_unified(core)))
            write_nodes(core, job, backed_up, i + 1, &id);
        from = i + 1;
        if (is_backed_up(core, unit))
            backed_up = from;
    }
    if (id != 0)
        transfer_begin(core, id);
}
