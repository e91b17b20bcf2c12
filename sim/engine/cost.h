/* sim/engine/cost.h - dollars for the time a run kept the GPUs busy.
 * Source: CachedAttention (ATC'24), figure 17, through paper.md's relation:
 * cost = GPU-busy hours * (GPUs * price + DRAM GB * price + SSD GB * price), prices an hour. GB = 10^9
 * bytes. */
#ifndef REPRISE_SIM_ENGINE_COST_H
#define REPRISE_SIM_ENGINE_COST_H

#include "models/models.h"

#include <stdint.h>

struct cost {
    double gpu_usd, dram_usd, ssd_usd;
};

/* dram_bytes, ssd_bytes: what was bought for KV; 0 where the policy stores nothing. */
struct cost cost_of(const struct hardware *hardware, uint32_t gpus, uint64_t dram_bytes,
                    uint64_t ssd_bytes, uint64_t busy_ns);

#endif
