/* sim/engine/cost.c - busy hours times prices. */
#include "sim/engine/cost.h"

#include "base/units.h"

struct cost cost_of(const struct hardware *hardware, uint32_t gpus, uint64_t dram_bytes,
                    uint64_t ssd_bytes, uint64_t busy_ns)
{
    double hours = (double)busy_ns / (3600.0 * (double)NS_PER_S);
    return (struct cost){
        .gpu_usd = hours * gpus * hardware->usd_per_gpu_hour,
        .dram_usd = hours * (double)dram_bytes / 1e9 * hardware->usd_per_dram_gb_hour,
        .ssd_usd = hours * (double)ssd_bytes / 1e9 * hardware->usd_per_ssd_gb_hour,
    };
}
