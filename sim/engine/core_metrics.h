/* sim/engine/core_metrics.h - what the placement core counted, as metrics, for the simulator and the
 * runtime. */
#ifndef REPRISE_SIM_ENGINE_CORE_METRICS_H
#define REPRISE_SIM_ENGINE_CORE_METRICS_H

#include "sim/engine/kv_layout.h"
#include "sim/engine/metrics.h"
#include "sim/engine/tenants.h"
#include "sim/placement/placement.h"

/* Adds bytes by cause since the counters were `then`, and the tiers' peaks; of several servers,
 * each is added. Bytes are those of the tier that is named (kv_layout.h: tier_bytes), where none is
 * those of DRAM. */
void core_metrics_add(const struct placement *core, const struct kv_layout *kv,
                      const struct placement_counters *then, struct metrics *metrics);
/* The same of the first `count` tenants: what was stored of theirs. */
void core_metrics_add_tenants(const struct placement *core, const struct kv_layout *kv,
                              const struct placement_counters *then, struct tenant_result *tenants,
                              uint32_t count);

#endif
