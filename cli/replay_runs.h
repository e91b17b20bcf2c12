/* cli/replay_runs.h - one trace's block references against several policies and sizes at once. The
 * trace is read once and never held: a batch is read while the one before it is replayed, each
 * policy's part by one thread, so that results do not depend on threads. LRU at several sizes is one pass
 * (sim/replay/sizes.h). */
#ifndef REPRISE_CLI_REPLAY_RUNS_H
#define REPRISE_CLI_REPLAY_RUNS_H

#include "base/error.h"
#include "sim/engine/experiment.h"
#include "sim/replay/bound.h"
#include "sim/replay/replay.h"
#include "sim/replay/requests.h"
#include "sim/replay/sizes.h"
#include "sim/record/turn_file.h"

#include <stdbool.h>
#include <stdint.h>

struct replay_size {
    uint64_t blocks[TIER_COUNT];
    struct bound_result bound;
};

struct replay_run {
    struct replay_config config;
    uint32_t size; /* in sizes[] */
    struct replay *replay; /* NULL: it is one of the pass */
    struct replay_result result;
    double cpu_s; /* of replaying, without reading; of a pass, its share */
    struct turn_file *turns; /* rows of its requests; NULL: none */
};

/* What the engine that was recorded hit itself, over the same requests (trace_facts.measured). */
struct replay_measured {
    uint64_t hits, hits_below, hit_tokens;
};

/* The caller fills in sizes, runs and, for bounds, `bound`; all are its own to free. */
struct replay_runs {
    struct replay_size *sizes;
    struct replay_run *runs; /* replay is made by replay_runs_do() */
    uint32_t size_count, run_count;
    struct replay_sizes *pass; /* of several runs; NULL: there is none. Likewise made */
    double pass_cpu_s;
    struct bound *bound;             /* NULL: no bounds are wanted */
    uint64_t bound_bytes;            /* at its most */
    struct replay_measured measured; /* zero: the trace does not tell */
    const struct experiment *experiment; /* whose files are not written over */
    const char *turns;               /* a file of requests' rows for each run (cli/record_options.h); NULL: none */
};

/* Replays all requests under every run, on `threads` threads (0: one a core), drawing progress.
 * STATUS_INTERRUPTED: there are no results. */
enum status replay_runs_do(struct replay_runs *all, struct trace *trace, struct requests *requests,
                           uint64_t threads, struct error *err);

#endif
