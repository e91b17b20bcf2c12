/* tests/random/trial.h - runs one experiment in a process of its own, within bounds of time and
 * memory, and says what was wrong with it. A refusal is none. */
#ifndef REPRISE_TESTS_RANDOM_TRIAL_H
#define REPRISE_TESTS_RANDOM_TRIAL_H

#include "tests/random/invariants.h"
#include "tests/random/settings.h"

#include <stdbool.h>
#include <stdint.h>

#define TRIAL_KIND_BYTES 150

struct fault {
    char kind[160]; /* the same for the same fault of other experiments */
    char detail[512];
};

#define TRIAL_FAULTS_MOST (INVARIANT_COUNT + 3)

struct trial {
    bool is_refused;
    char refusal[640];
    uint32_t faults;
    struct fault fault[TRIAL_FAULTS_MOST];
    double cpu_s, bound_s; /* of all runs of it */
    uint64_t events;
};

/* As sim_run(). */
typedef enum status run_experiment(const struct experiment *experiment,
                                   const struct sim_progress *progress, struct sim_result *result,
                                   struct error *err);

struct trial_options {
    run_experiment *run; /* NULL: sim_run(); tests plant faults here */
    bool twice;          /* in one process: the second run must give the same bits */
    double most_cpu_s;   /* a tighter bound than the usual one; 0: none */
};

/* The bound of CPU time grows with the experiment's work (work.h): see trial.c. */
struct trial trial_run(const struct settings *settings, struct trial_options options);

/* CPU time and memory that a release build may take for so much work; under sanitizers more. */
void trial_bounds(double steps, double *cpu_s, uint64_t *bytes);

/* What a program said as it died, as a kind: its assertion's or its sanitizer's. false: neither. */
bool trial_kind_of_heard(const char *text, char kind[TRIAL_KIND_BYTES]);

/* Whether the trial has a fault of that kind. */
bool trial_has(const struct trial *trial, const char *kind);

#endif
