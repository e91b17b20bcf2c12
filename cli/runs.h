/* cli/runs.h - several experiments that differ in their policy, run side by side. */
#ifndef REPRISE_CLI_RUNS_H
#define REPRISE_CLI_RUNS_H

#include "sim/sim.h"

enum { RUNS_MAX = 32 };

struct run {
    struct experiment experiment;
    struct sim_result result;
    struct error err;
    bool done; /* result is valid; false: not started, failed, or interrupted */
};

struct runs {
    struct run run[RUNS_MAX];
    uint32_t count;
};

/* One run for each policy of the comma-separated list, else like base. STATUS_INPUT: an empty name, a
 * name twice, more than RUNS_MAX. */
enum status runs_plan(struct runs *runs, const struct experiment *base, const char *policies,
                      struct error *err);

/* Runs them all on that many threads; results do not depend on it. Stops early when interrupted: what
 * is done stays done. The first failure in the list's order is told: STATUS_INPUT, STATUS_IO, or
 * STATUS_INTERRUPTED. */
enum status runs_run(struct runs *runs, uint32_t threads, struct error *err);
void runs_free(struct runs *runs);

#endif
