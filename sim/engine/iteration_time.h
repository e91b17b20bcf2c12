/* sim/engine/iteration_time.h - how long the GPUs take for an iteration, by timing's models: what
 * virtual time advances by, and what real time is held against.  */
#ifndef REPRISE_SIM_ENGINE_ITERATION_TIME_H
#define REPRISE_SIM_ENGINE_ITERATION_TIME_H

#include "sim/engine/engine.h"

/* The clock's part of what models say: iterations end at whole nanoseconds. */
static inline uint64_t iteration_whole_ns(double ns)
{
    return (uint64_t)(ns + 0.5);
}

/* An iteration that decodes alone: of those that repeat the first; ns. */
double iteration_decode_ns(const struct service *service, const struct engine_iteration *iteration);

/* An iteration that prefills: a layer's time and the rest, without waiting for KV. *decode_ns: what
 * the turns that decode beside it would have taken alone, 0 without any.
 * Chunks of one size stand for all: as many tokens, and as many pairs of tokens that attend to each
 * other. */
struct prefill_time iteration_prefill_time(const struct service *service,
                                           const struct engine_iteration *iteration,
                                           uint64_t *decode_ns);

/* Its time was not measured near here (models/timing_range.h). Several turns' chunks are as far
 * from what was measured as the one of most cached tokens. */
bool iteration_is_extrapolated(const struct service *service,
                               const struct engine_iteration *iteration);

#endif
