/* sim/engine/reuse.h - whether stored KV is worth its load: how long until a turn's first token if so much
 * of its context is loaded and the rest computed. Simulator and runtime decide by it alike. */
#ifndef REPRISE_SIM_ENGINE_REUSE_H
#define REPRISE_SIM_ENGINE_REUSE_H

#include "models/models.h"
#include "sim/placement/placement.h"
#include "sim/engine/experiment.h"

/* Links on the way to HBM, and what would cross each. */
struct reuse_load {
    double h2d_bytes_per_s, ssd_read_bytes_per_s, network_bytes_per_s;
    uint64_t h2d_bytes, ssd_read_bytes, network_bytes;
};

/* Tokens found in HBM, DRAM, SSD and the pool. */
uint32_t reuse_found_tokens(const struct placement_hits *hits);
/* Of found tokens, those that a context can reuse: its last token is computed in any case, since
 * the first token of the reply follows from it. */
uint32_t reuse_tokens(uint32_t found_tokens, uint32_t context_tokens);

/* ns until the first token, of links that nobody else uses. The slowest link decides how long the
 * load takes; with PRELOAD_LAYERS the layers' loads and computations overlap, but for the first of
 * the one and the last of the other (CachedAttention, ATC'24, section 3.2.1), else the load comes
 * first. `time` is of computing what is not reused. */
double reuse_expected_ns(const struct reuse_load *load, struct prefill_time time, uint32_t layers,
                         enum preloading preloading);

#endif
