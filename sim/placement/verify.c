/* sim/placement/verify.c - recounts the books from the units: the invariants as code, for tests. */
#include "sim/placement/core.h"

#include <stdlib.h>

/* Not assert(): a release build's tests shall hear it too. */
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition))                                                                          \
            abort();                                                                               \
    } while (0)

static void verify_unit(const struct placement *core, uint32_t unit,
                        uint64_t used_tokens[TIER_COUNT], uint64_t leaving[TIER_COUNT],
                        uint64_t *idle)
{
    const struct unit *entry = &core->units.unit[unit];
    for (int tier = 0; tier < TIER_COUNT; tier++)
        used_tokens[tier] += entry->tokens[tier];
    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (unit_leaves(entry, (enum tier)tier))
            leaving[tier] += entry->tokens[tier];
    if (unit_leaves(entry, TIER_DRAM))
        HOLDS(entry->transfer != 0 && core->transfer[entry->transfer].kind == ACTION_DEMOTE);
    if (unit_leaves(entry, TIER_SSD))
        HOLDS(entry->transfer != 0 && core->transfer[entry->transfer].from == TIER_SSD);
    if (entry->clean)
        HOLDS(unit_leaves(entry, TIER_HBM) && entry->pins == 0 && entry->tokens[TIER_HBM] > 0);
    else if (unit_leaves(entry, TIER_HBM))
        HOLDS(entry->transfer != 0 && core->transfer[entry->transfer].kind == ACTION_SAVE &&
              core->transfer[entry->transfer].job == 0);
    if (entry->pins == 0)
        *idle += entry->tokens[TIER_HBM];
    uint32_t last = 0;
    for (uint32_t slot = entry->first_waiter; slot != 0; slot = core->slot[slot].next_waiter) {
        HOLDS(core->slot[slot].unit == unit);
        HOLDS(last == 0 || core->slot[last].sequence <= core->slot[slot].sequence);
        last = slot;
    }
    HOLDS(last == entry->last_waiter);
    if (entry->transfer != 0)
        HOLDS(core->transfer[entry->transfer].live);
}

/* What each order of the quotas holds, and that it is no more than its share. */
static void verify_quotas(const struct placement *core, const bool *is_free)
{
    const struct quotas *quotas = core->quotas;
    for (int t = TIER_DRAM; t < TIER_COUNT; t++) {
        uint64_t used[QUOTA_ORDERS] = { 0 }, leaving[QUOTA_ORDERS] = { 0 }, all = 0;
        for (uint32_t unit = 1; unit < core->units.high_water; unit++) {
            const struct unit *entry = &core->units.unit[unit];
            if (is_free[unit])
                continue;
            uint32_t order = order_of(core, unit, (enum tier)t), copy = entry->tokens[t];
            bool grows = entry->transfer != 0 &&
                         (int)transfer_fills(&core->transfer[entry->transfer]) == t &&
                         entry->goal_tokens > copy;
            used[order] += grows ? entry->goal_tokens : copy;
            leaving[order] += unit_leaves(entry, (enum tier)t) ? copy : 0;
        }
        for (uint32_t order = 0; order < QUOTA_ORDERS; order++) {
            HOLDS(used[order] == quotas->used_tokens[t][order]);
            HOLDS(leaving[order] == quotas->leaving_tokens[t][order]);
            HOLDS(order == 0 || used[order] <= quotas->share_tokens[t][order]);
            all += used[order];
        }
        HOLDS(all == core->used_tokens[t]);
    }
}

static void verify_transfers(const struct placement *core, uint64_t used_tokens[TIER_COUNT])
{
    for (uint32_t id = 1; id < core->transfer_high_water; id++) {
        const struct transfer *transfer = &core->transfer[id];
        if (!transfer->live)
            continue;
        enum tier tier = transfer_fills(transfer);
        uint64_t booked = 0;
        for (uint32_t unit = transfer->first_unit; unit != UNIT_NONE;
             unit = core->units.unit[unit].next_in_transfer) {
            const struct unit *entry = &core->units.unit[unit];
            HOLDS(entry->transfer == id);
            if (tier < TIER_COUNT && entry->goal_tokens > entry->tokens[tier])
                booked += entry->goal_tokens - entry->tokens[tier];
        }
        HOLDS(booked == transfer->booked_tokens);
        if (tier < TIER_COUNT)
            used_tokens[tier] += booked;
    }
}

/* SAVE_NODES: its first copy is on its way to the tier. */
static bool is_coming(const struct placement *core, const struct unit *entry, enum tier tier)
{
    return core->units.nodes && entry->tokens[tier] == 0 && transfer_brings(core, entry, tier);
}

/* leaf_only: what follows each unit, by the tier that has it. */
static void verify_followers(const struct placement *core, const bool *is_free)
{
    const struct policy_units *seen = &core->units.seen;
    uint32_t high_water = core->units.high_water;
    uint32_t *children = calloc((size_t)high_water * TIER_COUNT, sizeof *children);
    uint32_t *followers = calloc(high_water, sizeof *followers);
    HOLDS(children != NULL && followers != NULL);
    for (uint32_t unit = 1; unit < high_water; unit++) {
        const struct unit *entry = &core->units.unit[unit];
        uint32_t parent = seen->parent[unit];
        if (is_free[unit] || parent == UNIT_NONE)
            continue;
        HOLDS(!is_free[parent]);
        followers[parent]++;
        for (int tier = 0; tier < TIER_COUNT; tier++)
            children[parent * TIER_COUNT + (uint32_t)tier] +=
                (entry->tokens[tier] > 0 && !unit_leaves(entry, (enum tier)tier)) ||
                is_coming(core, entry, (enum tier)tier);
    }
    for (uint32_t unit = 1; unit < high_water; unit++) {
        HOLDS(core->units.followers[unit] == followers[unit]);
        for (int tier = 0; tier < TIER_COUNT; tier++)
            HOLDS(seen->children[tier][unit] == children[unit * TIER_COUNT + (uint32_t)tier]);
    }
    free(children);
    free(followers);
}

/* What loads in flight read below HBM. */
static void verify_reads(const struct placement *core)
{
    uint16_t *reads = calloc(core->units.high_water, sizeof *reads);
    HOLDS(reads != NULL);
    for (uint32_t handle = 1; handle < core->job_high_water; handle++) {
        const struct job *job = &core->job[handle];
        bool loads = job->state == JOB_RUNNING && job->loads_in_flight > 0;
        for (uint32_t i = 0; loads && i < job->chain_count; i++) {
            const struct slot *slot = &core->slot[job->chain + i];
            bool is_read = (slot->next_waiter & READS_BELOW) != 0;
            reads[slot->unit] = (uint16_t)(reads[slot->unit] + is_read);
        }
    }
    for (uint32_t unit = 1; unit < core->units.high_water; unit++)
        HOLDS(core->units.seen.reads[unit] == reads[unit]);
    free(reads);
}

/* SAVE_NODES: neighbours in a node are in the same tiers, unless a transfer takes part of it. */
static void verify_node(const struct placement *core, uint32_t unit)
{
    const struct unit *entry = &core->units.unit[unit];
    uint32_t end = core->units.node_end[unit], above = tree_above(core, unit);
    if (entry->tokens[TIER_HBM] == 0 && entry->tokens[TIER_DRAM] == 0)
        return;
    HOLDS(end != UNIT_NONE);
    /* From storage single blocks come to DRAM, and go there. */
    if (core->env.capacity_tokens[TIER_SSD] > 0)
        return;
    HOLDS(core->units.node_end[end] == end);
    if (above == UNIT_NONE)
        return;
    const struct unit *before = &core->units.unit[above];
    if (entry->transfer != 0 || before->transfer != 0)
        return;
    for (int tier = TIER_HBM; tier <= TIER_DRAM; tier++)
        HOLDS((entry->tokens[tier] > 0) == (before->tokens[tier] > 0));
    HOLDS(entry->uses == before->uses);
}

/* What look-ahead need not look at again: none of the queue's first jobs wants a fetch, but for its
 * head. */
static void verify_queue(const struct placement *core)
{
    uint32_t at = 0, last = 0;
    for (uint32_t job = core->queue_head; job != 0; job = core->job[job].next, at++) {
        HOLDS(core->job[job].state == JOB_QUEUED);
        if (at >= core->fetch_seen)
            continue;
        HOLDS(!core->job[job].wants_fetch || (at == 0 && !core->config.fetch_head));
        last = job;
    }
    HOLDS(at == core->queued && core->fetch_seen <= at);
    HOLDS(core->fetch_seen == 0 || core->fetch_last == last);
}

/* Blocks that need not be shared again are whole in HBM, and stay. */
static void verify_shared(const struct placement *core, const struct job *job)
{
    HOLDS(job->shared_units <= job->chain_count);
    for (uint32_t i = 0; i < job->shared_units; i++) {
        const struct unit *entry = &core->units.unit[chain_unit(core, job, i)];
        HOLDS(entry->pins > 0 && entry->tokens[TIER_HBM] == core->config.unit_tokens);
    }
}

void placement_verify(const struct placement *core)
{
    uint64_t used_tokens[TIER_COUNT] = { 0 }, leaving[TIER_COUNT] = { 0 }, idle = 0;
    bool *is_free = calloc(core->units.high_water, sizeof *is_free);
    HOLDS(is_free != NULL);
    for (uint32_t unit = core->units.free_unit; unit != UNIT_NONE;
         unit = core->units.unit[unit].next_in_transfer)
        is_free[unit] = true;
    for (uint32_t unit = 1; unit < core->units.high_water; unit++)
        if (!is_free[unit])
            verify_unit(core, unit, used_tokens, leaving, &idle);
    for (uint32_t unit = 1; unit < core->units.high_water && core_has_nodes(core); unit++)
        if (!is_free[unit])
            verify_node(core, unit);
    if (core->units.reads)
        verify_reads(core);
    if (core->config.keys.leaf_only)
        verify_followers(core, is_free);
    if (core->quotas != NULL)
        verify_quotas(core, is_free);
    for (uint32_t unit = 1; unit < core->units.high_water; unit++)
        HOLDS(core->units.unit[unit].live == !is_free[unit] &&
              core->units.behind[unit] < core->units.high_water);
    free(is_free);
    verify_queue(core);
    verify_transfers(core, used_tokens);
    for (uint32_t handle = 1; handle < core->job_high_water; handle++)
        if (core->job[handle].state == JOB_RUNNING || core->job[handle].state == JOB_DRAINING) {
            used_tokens[TIER_HBM] += core->job[handle].hbm_tokens;
            verify_shared(core, &core->job[handle]);
        }
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        HOLDS(used_tokens[tier] == core->used_tokens[tier]);
        HOLDS(used_tokens[tier] <= core->env.capacity_tokens[tier]);
        HOLDS(leaving[tier] == core->leaving_tokens[tier]);
    }
    HOLDS(idle == core->hbm_idle_tokens);
}
