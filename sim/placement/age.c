/* sim/placement/age.c - time to live: what no job used or waited for during ttl_ns goes. */
#include "sim/placement/core.h"

void age_expire_all(struct placement *core)
{
    if (core->config.pool != NULL)
        pool_expire(core->config.pool, core->now_ns);
    /* The list is in order of last use, since units join it when their last use ends. */
    while (core->age.front != UNIT_NONE) {
        uint32_t unit = core->age.front;
        struct unit *entry = &core->units.unit[unit];
        if (core->now_ns - entry->last_use_ns < core->config.keys.ttl_ns || entry->transfer != 0)
            return;
        unit_prefetch_next(&core->units, unit, core->units.age_link);
        for (int tier = 0; tier < TIER_COUNT; tier++)
            if (entry->tokens[tier] > 0)
                books_drop_copy(core, unit, (enum tier)tier, LOSS_EXPIRED);
        books_settle(core, unit);
    }
}
