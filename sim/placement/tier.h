/* sim/placement/tier.h - where KV can lie, fastest first: a server's own tiers, and behind them the
 * pool that servers share. */
#ifndef REPRISE_SIM_PLACEMENT_TIER_H
#define REPRISE_SIM_PLACEMENT_TIER_H

/* TIER_COUNT: how many a server has of its own; TIER_KINDS: with the pool. */
enum tier { TIER_HBM, TIER_DRAM, TIER_SSD, TIER_COUNT, TIER_REMOTE = TIER_COUNT, TIER_KINDS };

static inline const char *tier_name(enum tier tier)
{
    static const char *const names[TIER_KINDS] = { "HBM", "DRAM", "SSD", "remote" };
    return names[tier];
}

#endif
