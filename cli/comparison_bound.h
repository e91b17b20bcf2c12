/* cli/comparison_bound.h - what no policy of a comparison could exceed: a bound on the share of
 * tokens that hit, from the trace's blocks alone (sim/replay/bound.h). */
#ifndef REPRISE_CLI_COMPARISON_BOUND_H
#define REPRISE_CLI_COMPARISON_BOUND_H

#include "cli/comparison.h"

/* Fills in comparison->bound, after comparison_run(). Not known: the trace has no block keys
 * (sessions come when a policy's replies end, so that there is no order to bind all policies),
 * turns were cut to the context window, it was generated, or warm-up turns cannot be told apart.
 * Reads the trace once more. */
enum status comparison_bound_find(struct comparison *comparison, struct error *err);

#endif
