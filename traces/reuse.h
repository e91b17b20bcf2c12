/* traces/reuse.h - what comes of a trace's block references: an exact stack of the most recent
 * blocks, and beside it a sample of all of them, so that memory does not grow with the trace.
 * Private to traces/. */
#ifndef REPRISE_TRACES_REUSE_H
#define REPRISE_TRACES_REUSE_H

#include "traces/info.h"

struct reuse;

struct reuse *reuse_new(const struct trace_reuse_config *config);
void reuse_free(struct reuse *reuse);
void reuse_request(struct reuse *reuse, const uint64_t *keys, uint32_t count);
void reuse_result(const struct reuse *reuse, struct trace_reuse *result);

#endif
