/* sim/engine/core_metrics.c - see core_metrics.h. */
#include "sim/engine/core_metrics.h"

void core_metrics_add(const struct placement *core, const struct placement_counters *then,
                      struct metrics *metrics)
{
    const struct placement_counters *now = placement_counters(core);
#define SINCE(counter) metrics->counter += (double)(now->counter - then->counter)
    SINCE(fetched_unused_bytes);
    SINCE(refused_dram_bytes);
    SINCE(refused_ssd_bytes);
    SINCE(refused_remote_bytes);
    SINCE(dropped_bytes);
    SINCE(unsaved_bytes);
    SINCE(expired_bytes);
    SINCE(invalidated_bytes);
    SINCE(stored_bytes);
    SINCE(stored_never_loaded_bytes);
#undef SINCE
    metrics->peak_hbm_bytes += (double)placement_peak_bytes(core, TIER_HBM);
    metrics->peak_dram_bytes += (double)placement_peak_bytes(core, TIER_DRAM);
    metrics->peak_ssd_bytes += (double)placement_peak_bytes(core, TIER_SSD);
}
