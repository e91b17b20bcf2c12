/* sim/engine/outcome.h - what a run's counts come to: metrics, dollars, wear, and what they say. */
#ifndef REPRISE_SIM_ENGINE_OUTCOME_H
#define REPRISE_SIM_ENGINE_OUTCOME_H

#include "sim/engine/result.h"
#include "sim/engine/service.h"

/* Fills *result of the run that ends now but for `events` and `interrupted`. link_bytes: what
 * crossed each link in the measured part, of all servers. */
void outcome_set(struct service *service, const struct trace *trace, uint64_t now_ns,
                 struct sim_result *result);

/* Refuses a run whose warm-up took all turns: its every number would be 0. Not of a run that was
 * interrupted. */
enum status outcome_check(const struct service *service, const struct sim_result *result,
                          struct error *err);

#endif
