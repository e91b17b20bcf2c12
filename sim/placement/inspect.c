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
