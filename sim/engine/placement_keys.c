/* sim/engine/placement_keys.c - see placement_keys.h. */
#include "sim/engine/placement_keys.h"

static enum dram_write dram_write_of(const struct experiment *experiment)
{
    switch ((enum write_mode)experiment->dram_write) {
    case WRITE_BACK:
        return DRAM_BACK;
    case WRITE_LAZY:
        return DRAM_AHEAD;
    case WRITE_THROUGH:
    case WRITE_SELECTIVE:
        break;
    }
    return DRAM_THROUGH;
}

static uint32_t uses_of(int mode, uint32_t uses)
{
    return mode == WRITE_SELECTIVE ? uses : 1;
}

void placement_keys_set(const struct experiment *experiment, struct placement_config *config)
{
    config->dram_reserve = experiment->dram_reserve;
    config->inclusive = experiment->inclusive;
    config->ttl_ns = experiment->ttl_ns;
    config->fetches_in_flight = experiment->fetches_in_flight;
    config->fetch_min_tokens = experiment->fetch_min_tokens;
    config->fetch_head = experiment->fetch_wait != FETCH_COMPLETE;
    config->lease_ns = experiment->lease_ns;
    config->retain_tokens = experiment->retain_tokens;
    config->retain_priority = experiment->retain_priority;
    config->dram_write = dram_write_of(experiment);
    config->ahead_tokens = experiment->dram_write_ahead_tokens > 0
                               ? experiment->dram_write_ahead_tokens
                               : 2 * experiment->chunk_tokens;
    config->dram_exclusive = !experiment->dram_inclusive;
    config->ssd_through = experiment->ssd_write != WRITE_BACK;
    config->write_uses[TIER_DRAM] = uses_of(experiment->dram_write, experiment->dram_write_uses);
    config->write_uses[TIER_SSD] = uses_of(experiment->ssd_write, experiment->ssd_write_uses);
    config->admit_uses[TIER_DRAM] = experiment->dram_admit_uses;
    config->admit_uses[TIER_SSD] = experiment->ssd_admit_uses;
    config->remote_through = experiment->remote_write != WRITE_BACK;
    config->write_uses[TIER_REMOTE] =
        uses_of(experiment->remote_write, experiment->remote_write_uses);
    config->admit_uses[TIER_REMOTE] = experiment->remote_admit_uses;
    config->ssd_admit_bytes = experiment->ssd_admit_bytes;
    config->count_units = experiment->count_units;
}

enum status placement_keys_check(const struct experiment *experiment, struct error *err)
{
    if (experiment->dram_write != WRITE_THROUGH && experiment->hbm_cache_bytes == 0)
        return error_input(err, NULL, 0, "tiers.dram.write",
                           "through, where HBM keeps nothing of turns that ended (tiers.hbm.cache)",
                           "another");
    if (!experiment->dram_inclusive && experiment->dram_write != WRITE_BACK)
        return error_input(err, NULL, 0, "tiers.dram.inclusive",
                           "true, where tiers.dram.write is not back", "false");
    if (!experiment->inclusive && experiment->ssd_write != WRITE_BACK)
        return error_input(err, NULL, 0, "tiers.ssd.inclusive",
                           "true, where tiers.ssd.write is not back", "false");
    return STATUS_OK;
}
