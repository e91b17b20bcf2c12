/* sim/engine_run.h - the engine's door: one run of a prepared setup. Private to sim/. */
#ifndef REPRISE_SIM_ENGINE_RUN_H
#define REPRISE_SIM_ENGINE_RUN_H

#include "sim/engine.h"

/* Runs the trace to its end, or until progress stops it (result->interrupted). Fills the metrics but
 * for the cost, and the series. STATUS_INPUT or STATUS_IO: the trace's. */
enum status engine_run(const struct engine_setup *setup, struct trace *trace,
                       const struct sim_progress *progress, struct sim_result *result,
                       struct error *err);

#endif
