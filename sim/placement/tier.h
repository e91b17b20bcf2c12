/* sim/placement/tier.h - where KV can lie, fastest first. */
#ifndef REPRISE_SIM_PLACEMENT_TIER_H
#define REPRISE_SIM_PLACEMENT_TIER_H

enum tier { TIER_HBM, TIER_DRAM, TIER_SSD, TIER_COUNT };

static inline const char *tier_name(enum tier tier)
{
    static const char *const names[TIER_COUNT] = { "HBM", "DRAM", "SSD" };
    return names[tier];
}

#endif
