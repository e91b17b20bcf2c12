/* sim/engine/findings.h - what a run's metrics mean, in sentences for people: what makes its numbers
 * doubtful, what holds its turns up and which key would change that. What only a comparison of runs
 * shows is not said here. */
#ifndef REPRISE_SIM_ENGINE_FINDINGS_H
#define REPRISE_SIM_ENGINE_FINDINGS_H

#include "sim/engine/result.h"
#include "sim/engine/service.h"
#include "traces/traces.h"

/* Fills result->finding, most important first, from its metrics, which are whole by now. */
void findings_set(const struct service *service, const struct trace_facts *facts,
                  struct sim_result *result);

#endif
