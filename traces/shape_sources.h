/* traces/shape_sources.h - what the files of shapes.h share: the sources that each makes, and draws
 * of its lengths. Private to traces/. */
#ifndef REPRISE_TRACES_SHAPE_SOURCES_H
#define REPRISE_TRACES_SHAPE_SOURCES_H

#include "traces/draws.h"
#include "traces/shapes.h"

/* Open loops of single requests (shape_requests.c); the parameters are in order. */
struct trace *shape_requests(const struct workload *workload, const struct workload_shape *shape,
                             uint32_t block_tokens);
/* Closed loops of sessions (shape_sessions.c), whose first prompt begins with the system prompt. */
struct trace *shape_sessions(const struct workload *workload, const struct workload_shape *shape);

double draw_skewed(struct random *random, const struct skewed *skewed);
/* xxHash64 of both. */
uint64_t shape_hash(const struct workload *workload, const struct workload_shape *shape);

#endif
