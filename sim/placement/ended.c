/* sim/placement/ended.c - a transfer has ended: its copies are in the books, and what waited for
 * that, or for the room it leaves, goes on. */
#include "sim/placement/core.h"

#include <assert.h>

/* SAVE_NODES: a copy that a job holds stays; what is behind it in its node has gone. */
static void part_node(struct placement *core, uint32_t unit, enum tier tier)
{
    uint32_t end = core->units.node_end[unit];
    if (end != UNIT_NONE && core->units.unit[end].tokens[tier] == 0)
        tree_end_at(core, unit);
}

/* The evicted copy goes now that a slower tier has it, unless a job has come for it
 * meanwhile or it has grown. */
static void end_leaving(struct placement *core, uint32_t unit, enum tier tier)
{
    const struct unit *entry = &core->units.unit[unit];
    if (entry->tokens[tier] == 0 || unit_is_held(&core->units.seen, unit, tier) ||
        (tier == TIER_HBM && books_stored_tokens(entry) < entry->tokens[tier])) {
        books_take_back(core, unit, tier);
        if (tier <= TIER_DRAM && core_has_nodes(core) && entry->tokens[tier] > 0)
            part_node(core, unit, tier);
    } else if (core->config.keys.write[TIER_DRAM] == WRITE_LAZY && tier == TIER_HBM) {
        books_is_clean(core, unit);
    } else {
        books_drop_copy(core, unit, tier, LOSS_DROPPED);
        books_take_back(core, unit, tier);
    }
}

/* What came into DRAM ahead of a job, or from the pool, is not stored anew. */
static void note_arrival(struct placement *core, const struct transfer *transfer, uint32_t unit,
                         uint32_t tokens)
{
    struct unit *entry = &core->units.unit[unit];
    if (transfer->from == TIER_REMOTE)
        entry->loaded_tokens = books_stored_tokens(entry);
    if (transfer->kind != ACTION_FETCH || tokens == 0)
        return;
    uint32_t *fetched = &core->units.fetched_tokens[unit];
    *fetched = entry->fetched ? *fetched + tokens : tokens;
    entry->fetched = true;
}

static void count_stored(struct placement *core, const struct unit *entry, uint32_t tokens)
{
    uint64_t bytes = tokens * core->config.bytes_per_token;
    core->counters.stored_bytes += bytes;
    core->counters.tenant_stored_bytes[entry->tenant] += bytes;
}

/* The copy is whole: what was booked for it becomes it. */
static void end_unit(struct placement *core, const struct transfer *transfer, uint32_t unit)
{
    struct unit *entry = &core->units.unit[unit];
    enum tier tier = transfer_fills(transfer);
    uint32_t stored = books_stored_tokens(entry), before = entry->tokens[tier];
    entry->transfer = 0;
    books_coming(core, unit, tier, false);
    if (entry->goal_tokens > before)
        books_set_copy(core, unit, tier, entry->goal_tokens);
    note_arrival(core, transfer, unit, entry->tokens[tier] - before);
    if (transfer->kind == ACTION_SAVE && books_stored_tokens(entry) > stored)
        count_stored(core, entry, books_stored_tokens(entry) - stored);
    if (tier == TIER_DRAM && core_has_nodes(core) && before == 0 && entry->tokens[TIER_HBM] == 0)
        tree_fetched(core, unit);
    entry->fresh = transfer->kind == ACTION_SAVE && transfer->job != 0 && core_offers(core);
    if (transfer->kind == ACTION_DEMOTE ||
        (transfer->kind == ACTION_SAVE && transfer->job == 0 && unit_leaves(entry, transfer->from)))
        end_leaving(core, unit, transfer->from);
    if (tier == TIER_DRAM && !core->config.keys.inclusive[TIER_SSD] &&
        entry->tokens[TIER_SSD] > 0 && entry->tokens[TIER_SSD] <= entry->tokens[TIER_DRAM])
        books_drop_copy(core, unit, TIER_SSD, LOSS_MOVED);
    if (transfer->kind == ACTION_WRITE)
        write_leave_stage(core, unit);
    books_wanted(core, unit);
    books_settle(core, unit);
}

/* The pool has it. */
static void end_unit_in_pool(struct placement *core, const struct transfer *transfer, uint32_t unit)
{
    struct unit *entry = &core->units.unit[unit];
    pool_write_ended(core->config.pool, core->now_ns, entry->key);
    entry->transfer = 0;
    if (transfer->kind == ACTION_DEMOTE)
        end_leaving(core, unit, transfer->from);
    books_wanted(core, unit);
    books_settle(core, unit);
}

/* What was read from the pool, or from the tiers below HBM, may be evicted there again. */
static void end_reads(struct placement *core, const struct job *job, enum mark what)
{
    for (uint32_t i = 0; i < job->chain_count; i++) {
        struct slot *slot = &core->slot[job->chain + i];
        bool reads = (slot->next_waiter & (uint32_t)what) != 0;
        slot->next_waiter &= ~(uint32_t)what;
        if (reads && what == READS_POOL)
            pool_read_ended(core->config.pool, core->units.unit[slot->unit].key);
        else if (reads)
            books_read(core, slot->unit, false);
    }
}

static void end_load(struct placement *core, const struct transfer *transfer)
{
    struct job *job = &core->job[transfer->job];
    if (transfer->from == TIER_REMOTE)
        end_reads(core, job, READS_POOL);
    if (--job->loads_in_flight == 0 && core->units.reads)
        end_reads(core, job, READS_BELOW);
}

static void end_one(struct placement *core, const struct transfer *transfer, uint32_t unit,
                    struct writes *writes)
{
    if (transfer->from == TIER_REMOTE && transfer->kind == ACTION_FETCH)
        pool_read_ended(core->config.pool, core->units.unit[unit].key);
    if (transfer->to == TIER_REMOTE)
        end_unit_in_pool(core, transfer, unit);
    else
        end_unit(core, transfer, unit);
    if ((transfer->kind == ACTION_SAVE && transfer->to == TIER_DRAM) ||
        (transfer->kind == ACTION_WRITE && transfer->to == TIER_SSD))
        write_through(core, unit, writes);
}

void placement_transfer_ended(struct placement *core, uint64_t now_ns, uint32_t id)
{
    assert(now_ns >= core->now_ns && id < core->transfer_high_water && core->transfer[id].live);
    core->now_ns = now_ns;
    struct transfer transfer = core->transfer[id];
    struct writes writes = { 0 };
    core->env.arrivals++;
    for (uint32_t unit = transfer.first_unit; unit != UNIT_NONE;) {
        uint32_t next = core->units.unit[unit].next_in_transfer;
        end_one(core, &transfer, unit, &writes);
        unit = next;
    }
    writes_begin(core, &writes);
    core->fetches -= transfer.kind == ACTION_FETCH;
    core->fetching_tokens -= transfer.kind == ACTION_FETCH ? transfer.moved_tokens : 0;
    core->writes -= transfer.kind == ACTION_WRITE;
    core->in_flight--;
    transfer_free(core, id);
    if (transfer.kind == ACTION_LOAD)
        end_load(core, &transfer);
    if (transfer.kind == ACTION_SAVE && transfer.job != 0)
        save_ended(core, transfer.job);
    save_retry(core);
    age_expire(core);
    if (core->config.keys.write[TIER_DRAM] == WRITE_BACK)
        room_trim_hbm(core);
    write_ahead(core);
    room_keep_reserve(core);
    fetch_ahead(core);
}
