/* tests/sim/runs.h - whole experiments in a line, for the suites that run the simulator. */
#ifndef REPRISE_TESTS_SIM_RUNS_H
#define REPRISE_TESTS_SIM_RUNS_H

#include "sim/sim.h"
#include "tests/support.h"

/* A small workload that overloads 13B on 2 GPUs and a DRAM of a few sessions, as the paper's does.
 */
#define SMALL                                                                                      \
    "warmup_turns: 200\n"                                                                          \
    "tiers: {dram: {capacity: 64GB}, ssd: {capacity: 200GB}}\n"                                    \
    "workload: {sessions: 400, sessions_per_s: 2.0}\n"

/* The experiment of the YAML with settings (ended by NULL; NULL: none) laid over it. */
struct experiment experiment_of(const char *yaml, const char *settings[]);
/* Aborts the test if it is refused. */
struct metrics run_experiment(const struct experiment *experiment);
struct metrics run(const char *yaml, const char *setting);
struct metrics run2(const char *yaml, const char *first, const char *second);
/* settings parted by blanks. */
struct metrics run_all(const char *yaml, const char *settings);

#endif
