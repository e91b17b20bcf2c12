/* sim/placement/inspect.c - what a driver that moves real bytes must know of a transfer. */
#include "sim/placement/core.h"

uint32_t placement_transfer_next(const struct placement *core, uint32_t id, uint32_t after,
                                 uint32_t *goal_tokens)
{
    uint32_t unit = after == UNIT_NONE ? core->transfer[id].first_unit
                                       : core->units.unit[after].next_in_transfer;
    if (unit != UNIT_NONE)
        *goal_tokens = core->units.unit[unit].goal_tokens;
    return unit;
}

bool placement_transfer_has(const struct placement *core, uint32_t id, uint32_t unit,
                            uint32_t *goal_tokens)
{
    const struct unit *entry = &core->units.unit[unit];
    *goal_tokens = entry->goal_tokens;
    return entry->transfer == id;
}

uint32_t placement_chain_length(const struct placement *core, uint32_t job)
{
    return core->job[job].chain_count;
}

uint32_t placement_chain_unit(const struct placement *core, uint32_t job, uint32_t i)
{
    return chain_unit(core, &core->job[job], i);
}

void placement_tell_shares(struct placement *core)
{
    core->tells_shares = true;
}

void placement_skip_drops(struct placement *core)
{
    core->skips_drops = true;
}

uint64_t placement_key(const struct placement *core, uint32_t unit)
{
    return core->units.unit[unit].key;
}

uint32_t placement_remote_tokens(const struct placement *core, uint32_t unit)
{
    return remote_tokens(core, &core->units.unit[unit]);
}
