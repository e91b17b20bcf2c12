/* sim/placement/tree.c - units as nodes of a radix tree. A node is a run of blocks of one chain,
 * known by its last one; all are in the same tiers. Insertion makes nodes, and a look-up or an
 * insertion that ends within one splits it. A walk uses each node that it meets, the part behind
 * the split included. Source: SGLang python/sglang/srt/mem_cache/hiradix_cache.py
 * (_match_prefix_helper, insert, _split_node, _inc_hit_count, which leaves chunks out) as of
 * 2026-08-20. A unit's `uses` are its node's hit_count. */
#include "sim/placement/core.h"

static bool is_in_tree(const struct unit *entry)
{
    return entry->tokens[TIER_HBM] > 0 || entry->tokens[TIER_DRAM] > 0;
}

uint32_t tree_above(const struct placement *core, uint32_t unit)
{
    uint32_t above = core->units.seen.parent[unit];
    const uint32_t *end = core->units.node_end;
    return above != UNIT_NONE && end[unit] != UNIT_NONE && end[above] == end[unit] ? above
                                                                                   : UNIT_NONE;
}

static void use(struct placement *core, uint32_t unit)
{
    const struct unit *entry = &core->units.unit[unit];
    core->env.use = (struct policy_use){ .found = true, .served = true };
    for (int tier = 0; tier < TIER_COUNT && core->policy->use != NULL; tier++)
        if (entry->tokens[tier] > 0 && !unit_leaves(entry, (enum tier)tier))
            core->policy->use(env_of(core, unit, (enum tier)tier), unit, (enum tier)tier);
}

void tree_end_at(struct placement *core, uint32_t last)
{
    uint32_t unit = last;
    do {
        uint32_t above = tree_above(core, unit);
        core->units.node_end[unit] = last;
        unit = above;
    } while (unit != UNIT_NONE);
}

/* The node ends at `last` from now on; what is behind is one by itself, and is used. */
static void split_behind(struct placement *core, uint32_t last)
{
    uint32_t old = core->units.node_end[last];
    if (old == last || old == UNIT_NONE)
        return;
    /* With storage below, the end of a node may have gone without its beginning. */
    for (uint32_t unit = old;
         unit != last && unit != UNIT_NONE && is_in_tree(&core->units.unit[unit]);
         unit = core->units.seen.parent[unit])
        use(core, unit);
    tree_end_at(core, last);
}

/* Of the chain's first `units`, the leading ones that are in the tree. */
static uint32_t walk(struct placement *core, const struct job *job, uint32_t units)
{
    uint32_t found = 0;
    while (found < units && is_in_tree(&core->units.unit[chain_unit(core, job, found)]))
        found++;
    if (found > 0)
        split_behind(core, chain_unit(core, job, found - 1));
    return found;
}

void tree_match(struct placement *core, const struct job *job)
{
    uint32_t most = least(job->context_tokens, job->found_most_tokens[TIER_DRAM]);
    uint32_t units = least(most / core->config.unit_tokens, job->chain_count);
    uint32_t found = walk(core, job, units);
    for (uint32_t i = 0; i < found; i++)
        use(core, chain_unit(core, job, i));
}

void tree_insert(struct placement *core, const struct job *job, uint32_t units, bool is_chunk)
{
    uint32_t found = walk(core, job, units);
    for (uint32_t i = 0; i < found; i++) {
        uint32_t unit = chain_unit(core, job, i);
        struct unit *entry = &core->units.unit[unit];
        bool is_there =
            entry->tokens[TIER_HBM] > 0 || i < job->offered_units || tree_is_unified(core);
        if (is_there && !is_chunk && entry->uses < UINT16_MAX)
            entry->uses++;
        use(core, unit);
    }
    uint32_t end = units > found ? chain_unit(core, job, units - 1) : UNIT_NONE;
    for (uint32_t i = units; i-- > found;) {
        uint32_t unit = chain_unit(core, job, i);
        /* What was read ahead behind a gap is in DRAM already. */
        if (is_in_tree(&core->units.unit[unit]) != is_in_tree(&core->units.unit[end]))
            end = unit;
        core->units.node_end[unit] = end;
        core->units.unit[unit].uses = !is_chunk;
    }
}

void tree_fetched(struct placement *core, uint32_t unit)
{
    core->units.node_end[unit] = unit;
    core->units.unit[unit].uses = 0;
}
