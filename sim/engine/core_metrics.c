/* sim/engine/core_metrics.c - see core_metrics.h. */
#include "sim/engine/core_metrics.h"

void core_metrics_add(const struct placement *core, const struct kv_layout *kv,
                      const struct placement_counters *then, struct metrics *metrics)
{
    const struct placement_counters *now = placement_counters(core);
#define SINCE(counter, tier)                                                                       \
    metrics->counter += (double)kv_layout_copy_bytes(kv, now->counter - then->counter, tier)
    SINCE(fetched_unused_bytes, TIER_DRAM);
    SINCE(refused_dram_bytes, TIER_DRAM);
    SINCE(refused_ssd_bytes, TIER_SSD);
    SINCE(refused_remote_bytes, TIER_REMOTE);
    SINCE(dropped_bytes, TIER_DRAM);
    SINCE(unsaved_bytes, TIER_DRAM);
    SINCE(expired_bytes, TIER_DRAM);
    SINCE(invalidated_bytes, TIER_DRAM);
    SINCE(stored_bytes, TIER_DRAM);
    SINCE(stored_never_loaded_bytes, TIER_DRAM);
#undef SINCE
#define PEAK(tier) (double)kv_layout_copy_bytes(kv, placement_peak_bytes(core, tier), tier)
    metrics->peak_hbm_bytes += PEAK(TIER_HBM);
    metrics->peak_dram_bytes += PEAK(TIER_DRAM);
    metrics->peak_ssd_bytes += PEAK(TIER_SSD);
#undef PEAK
}

void core_metrics_add_tenants(const struct placement *core, const struct kv_layout *kv,
                              const struct placement_counters *then, struct tenant_result *tenants,
                              uint32_t count)
{
    const uint64_t *now = placement_counters(core)->tenant_stored_bytes;
    for (uint32_t i = 0; i < count; i++)
        tenants[i].metrics.stored_bytes +=
            (double)kv_layout_copy_bytes(kv, now[i] - then->tenant_stored_bytes[i], TIER_DRAM);
}
