/* sim/engine/placement_keys.c - see placement_keys.h. */
#include "sim/engine/placement_keys.h"

void placement_keys_set(const struct experiment *experiment, struct placement_config *config)
{
    config->keys = experiment->placement;
    config->fetch_head = experiment->fetch_wait != FETCH_COMPLETE;
    if (config->keys.write_ahead_tokens == 0)
        config->keys.write_ahead_tokens = 2 * experiment->chunk_tokens;
}

enum status placement_keys_check(const struct experiment *experiment, struct error *err)
{
    if (experiment->placement.write[TIER_DRAM] != WRITE_THROUGH && experiment->hbm_cache_bytes == 0)
        return error_input(err, NULL, 0, "tiers.dram.write",
                           "through, where HBM keeps nothing of turns that ended (tiers.hbm.cache)",
                           "another");
    if (experiment->placement.save == SAVE_NODES && !experiment->placement.leaf_only)
        return error_input(err, NULL, 0, "placement.leaf_only",
                           "true, where placement.save is nodes", "false");
    if (experiment->placement.save == SAVE_NODES && experiment->hbm_cache_bytes == 0)
        return error_input(err, NULL, 0, "tiers.hbm.cache",
                           "more than 0, where placement.save is nodes", "0");
    if (experiment->placement.save == SAVE_NODES && experiment->placement.ttl_ns > 0)
        return error_input(err, NULL, 0, "placement.ttl", "0, where placement.save is nodes",
                           "another");
    if (!experiment->placement.inclusive[TIER_DRAM] &&
        experiment->placement.write[TIER_DRAM] != WRITE_BACK)
        return error_input(err, NULL, 0, "tiers.dram.inclusive",
                           "true, where tiers.dram.write is not back", "false");
    if (!experiment->placement.inclusive[TIER_SSD] &&
        experiment->placement.write[TIER_SSD] != WRITE_BACK)
        return error_input(err, NULL, 0, "tiers.ssd.inclusive",
                           "true, where tiers.ssd.write is not back", "false");
    return experiment_check_policy_keys(experiment, err);
}
