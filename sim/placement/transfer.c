/* sim/placement/transfer.c - copies in flight: booked when they begin. What follows from their end
 * is in ended.c. */
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

void transfer_free(struct placement *core, uint32_t id)
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
    quota_book(core, unit, tier, missing, 0);
    books_coming(core, unit, tier, true);
    if (core->policy->coming != NULL && entry->tokens[tier] == 0)
        core->policy->coming(env_of(core, unit, tier), unit, tier);
    books_wanted(core, unit);
}

void transfer_remove_unit(struct placement *core, uint32_t id, uint32_t unit)
{
    struct transfer *transfer = &core->transfer[id];
    struct unit *entry = &core->units.unit[unit];
    uint32_t missing = entry->goal_tokens - entry->tokens[transfer->to], before = UNIT_NONE;
    for (uint32_t at = transfer->first_unit; at != unit; at = core->units.unit[at].next_in_transfer)
        before = at;
    if (before != UNIT_NONE)
        core->units.unit[before].next_in_transfer = entry->next_in_transfer;
    else
        transfer->first_unit = entry->next_in_transfer;
    if (transfer->last_unit == unit)
        transfer->last_unit = before;
    entry->transfer = 0;
    transfer->booked_tokens -= missing;
    transfer->moved_tokens -= missing;
    books_unbook(core, transfer->to, missing);
    quota_book(core, unit, transfer->to, 0, missing);
    books_coming(core, unit, transfer->to, false);
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
        transfer_free(core, id);
        return;
    }
    uint64_t bytes = transfer->moved_tokens * core->config.bytes_per_token;
    *cause_counter(core, transfer) += bytes;
    core->fetches += transfer->kind == ACTION_FETCH;
    core->fetching_tokens += transfer->kind == ACTION_FETCH ? transfer->moved_tokens : 0;
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
