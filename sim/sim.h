/* sim/sim.h - the simulator's public interface: an experiment in, what it measured out.
 * A run is a pure function of its configuration and trace: no global state, no wall clock, no
 * printing; runs in several threads do not see each other. */
#ifndef REPRISE_SIM_SIM_H
#define REPRISE_SIM_SIM_H

#include "base/error.h"
#include "sim/engine/experiment.h"
#include "sim/engine/inputs.h"
#include "sim/engine/result.h"

/* Runs one experiment. progress may be NULL. STATUS_INPUT: the model does not fit, an unknown
 * policy, a malformed trace... On STATUS_OK *result is the caller's to sim_result_free(). */
enum status sim_run(const struct experiment *experiment, const struct sim_progress *progress,
                    struct sim_result *result, struct error *err);
/* The same, of one of several runs that share what they read (inputs; NULL: of one alone), on up to so many
 * threads, at least 1: the result does not depend on how many. What of a fleet is done at once, and what
 * cannot be, and when a run begins anew: docs/scale.md. */
enum status sim_run_from(struct inputs *inputs, uint32_t threads,
                         const struct experiment *experiment, const struct sim_progress *progress,
                         struct sim_result *result, struct error *err);

/* The core's policies, for --help and tables: calls visit(name, summary). */
void sim_policies(void (*visit)(const char *name, const char *summary, void *context),
                  void *context);

#endif
