/* sweep/runner.h - runs many experiments: on this process's threads and, under mpirun, on every
 * other rank's. Work goes to whoever is free, one run at a time, so that a slow run or a slow
 * machine holds up nobody. Results do not depend on where they were made. */
#ifndef REPRISE_SWEEP_RUNNER_H
#define REPRISE_SWEEP_RUNNER_H

#include "sim/sim.h"
#include "sweep/ranks.h"

#include <stdbool.h>
#include <stdint.h>

struct runner;

/* How a run ended. */
struct outcome {
    struct error err;         /* .status STATUS_OK: result is whole */
    struct sim_result result; /* the receiver's to sim_result_free() when whole */
};

/* What the owner of the runs wants to know. All called from the thread in runner_run(). */
struct runner_events {
    /* A run ended; *outcome is the callee's. */
    void (*ended)(void *context, uint32_t item, struct outcome *outcome);
    /* All runs that have ended by now were told, `ended` of them: the moment to store them. Called
     * several times a second whether or not there are new ones; false stops the others. */
    bool (*caught_up)(void *context, uint32_t ended);
    void *context;
};

/* threads: of this rank, 0: one a core, or one where other ranks share the work. keep_series:
 * results come with their curves. inputs: what runs here share, the caller's (NULL: nothing). Only on rank 0. */
enum status runner_open(struct ranks *ranks, uint64_t threads, bool keep_series,
                        struct inputs *inputs, struct runner **runner, struct error *err);
void runner_close(struct runner *runner); /* NULL is fine */
struct inputs *runner_inputs(const struct runner *runner);

/* Lets the other ranks go, and waits until they do. Rank 0's last act, whatever happened before. */
void runner_dismiss(struct ranks *ranks);

/* Runs experiments[0..count-1]. STATUS_INTERRUPTED: stopped by caught_up(); runs under way are
 * dropped. A run's own failure is its outcome, and stops nothing. */
enum status runner_run(struct runner *runner, const struct experiment *const *experiments,
                       uint32_t count, const struct runner_events *events, struct error *err);

/* What every rank but 0 does: runs what it is sent until it is let go. */
enum status runner_serve(struct ranks *ranks, uint64_t threads, struct error *err);

#endif
