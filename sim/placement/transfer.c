/* sim/placement/transfer.c - copies in flight: booked when they begin, in the books when they end.
 */
#include "base/memory.h"
#include "sim/placement/core.h"

#include <assert.h>

uint32_t transfer_new(struct placement *core, enum action_kind kind, enum tier from, enum tier to,
                      uint32_t job)
{
    uint32_t id = core->free_transfer;
    if (id != 0) {
        core->free_transfer = core->transfer[id].next_free;
    } else {
        id = core->transfer_high_water++;
        memory_grow(&core->transfer, &core->transfer_capacity, (uint64_t)id + 1,
                    sizeof *core->transfer);
    }
    core->transfer[id] =
        (struct transfer){ .kind = kind, .from = from, .to = to, .job = job, .live = true };
    return id;
}

static void free_transfer(struct placement *core, uint32_t id)
{
    core->transfer[id].live = false;
    core->transfer[id].next_free = core->free_transfer;
    core->free_transfer = id;
}

static void append(struct placement *core, uint32_t id, uint32_t unit, uint32_t goal_tokens)
{
    struct transfer *transfer = &core->transfer[id];
    struct unit *entry = &core->units.unit[unit];
    assert(entry->transfer == 0);
    entry->transfer = id;
    entry->goal_tokens = goal_tokens;
    entry->next_in_transfer = UNIT_NONE;
    if (transfer->last_unit != UNIT_NONE)
        core->units.unit[transfer->last_unit].next_in_transfer = unit;
    else
        transfer->first_unit = unit;
    transfer->last_unit = unit;
}

void transfer_add_unit(struct placement *core, uint32_t id, uint32_t unit, uint32_t goal_tokens)
{
    struct transfer *transfer = &core->transfer[id];
    struct unit *entry = &core->units.unit[unit];
    enum tier tier = transfer_fills(transfer);
    assert(goal_tokens > entry->tokens[tier]);
    uint32_t missing = goal_tokens - entry->tokens[tier];
    append(core, id, unit, goal_tokens);
    transfer->booked_tokens += missing;
    if (transfer->kind != ACTION_LOAD)
        transfer->moved_tokens += missing;
    books_book(core, tier, missing);
    if (core->policy->coming != NULL && entry->tokens[tier] == 0)
        core->policy->coming(&core->env, unit, tier);
    books_wanted(core, unit);
}

void transfer_add_to_pool(struct placement *core, uint32_t id, uint32_t unit, uint32_t goal_tokens,
                          uint32_t missing)
{
    struct transfer *transfer = &core->transfer[id];
    append(core, id, unit, goal_tokens);
    transfer->moved_tokens += missing;
    books_wanted(core, unit);
}

static uint64_t *cause_counter(struct placement *core, const struct transfer *transfer)
{
    struct placement_counters *counters = &core->counters;
    bool from_remote = transfer->from == TIER_REMOTE, to_remote = transfer->to == TIER_REMOTE;
    switch (transfer->kind) {
    case ACTION_LOAD:
        return from_remote                   ? &counters->load_remote_hbm_bytes
               : transfer->from == TIER_DRAM ? &counters->load_dram_hbm_bytes
                                             : &counters->load_ssd_hbm_bytes;
    case ACTION_FETCH:
        return from_remote ? &counters->fetch_remote_dram_bytes : &counters->fetch_ssd_dram_bytes;
    case ACTION_DEMOTE:
        return !to_remote                    ? &counters->demote_dram_ssd_bytes
               : transfer->from == TIER_DRAM ? &counters->demote_dram_remote_bytes
                                             : &counters->demote_ssd_remote_bytes;
    case ACTION_WRITE:
        return to_remote ? &counters->write_dram_remote_bytes : &counters->write_dram_ssd_bytes;
    default:
        return transfer->to == TIER_DRAM ? &counters->save_hbm_dram_bytes
                                         : &counters->save_hbm_ssd_bytes;
    }
}

void transfer_begin(struct placement *core, uint32_t id)
{
    struct transfer *transfer = &core->transfer[id];
    if (transfer->moved_tokens == 0) { /* a batch for which nothing was found after all */
        free_transfer(core, id);
        return;
    }
    uint64_t bytes = transfer->moved_tokens * core->config.bytes_per_token;
    *cause_counter(core, transfer) += bytes;
    core->fetches += transfer->kind == ACTION_FETCH;
    core->demotions += transfer->kind == ACTION_DEMOTE;
    core->writes += transfer->kind == ACTION_WRITE;
    core->in_flight++;
    books_act(core, (struct action){ .kind = transfer->kind,
                                     .from = transfer->from,
                                     .to = transfer->to,
                                     .id = id,
                                     .unit = transfer->first_unit,
                                     .job = transfer->job,
                                     .size_bytes = bytes });
}

/* The copy that was given up goes now that a slower tier has it, unless a job has come for it
 * meanwhile or it has grown. */
static void end_leaving(struct placement *core, uint32_t unit, enum tier tier)
{
    const struct unit *entry = &core->units.unit[unit];
    if (entry->tokens[tier] == 0 || entry->pins > 0 ||
        (tier == TIER_HBM && books_stored_tokens(entry) < entry->tokens[tier])) {
        books_take_back(core, unit, tier);
    } else if (core->config.keys.write[TIER_DRAM] == WRITE_LAZY && tier == TIER_HBM) {
        books_is_clean(core, unit);
    } else {
        books_drop_copy(core, unit, tier, LOSS_DROPPED);
        books_take_back(core, unit, tier);
    }
}

/* The copy is whole: what was booked for it becomes it. */
static void end_unit(struct placement *core, const struct transfer *transfer, uint32_t unit)
{
    struct unit *entry = &core->units.unit[unit];
    enum tier tier = transfer_fills(transfer);
    uint32_t stored = books_stored_tokens(entry);
    entry->transfer = 0;
    if (entry->goal_tokens > entry->tokens[tier])
        books_set_copy(core, unit, tier, entry->goal_tokens);
    if (transfer->kind == ACTION_FETCH)
        entry->fetched = true;
    if (transfer->kind == ACTION_SAVE && books_stored_tokens(entry) > stored)
        core->counters.stored_bytes +=
            (uint64_t)(books_stored_tokens(entry) - stored) * core->config.bytes_per_token;
    if (transfer->kind == ACTION_DEMOTE || (transfer->kind == ACTION_SAVE && transfer->job == 0))
        end_leaving(core, unit, transfer->from);
    if (tier == TIER_DRAM && !core->config.keys.inclusive[TIER_SSD] &&
        entry->tokens[TIER_SSD] > 0 && entry->tokens[TIER_SSD] <= entry->tokens[TIER_DRAM])
        books_drop_copy(core, unit, TIER_SSD, LOSS_MOVED);
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

/* What came from the pool may be given up there again. */
static void end_reads(struct placement *core, const struct transfer *transfer)
{
    const struct job *job = &core->job[transfer->job];
    for (uint32_t i = 0; i < job->chain_count; i++) {
        struct slot *slot = &core->slot[job->chain + i];
        if (slot->next_waiter != 0)
            pool_read_ended(core->config.pool, core->units.unit[slot->unit].key);
        slot->next_waiter = 0;
    }
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
    core->demotions -= transfer.kind == ACTION_DEMOTE;
    core->writes -= transfer.kind == ACTION_WRITE;
    core->in_flight--;
    free_transfer(core, id);
    if (transfer.kind == ACTION_LOAD && transfer.from == TIER_REMOTE)
        end_reads(core, &transfer);
    if (transfer.kind == ACTION_LOAD)
        core->job[transfer.job].loads_in_flight--;
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
