/* sim/cluster_run.h - the cluster's door: one run of a prepared setup. Private to sim/. */
#ifndef REPRISE_SIM_CLUSTER_RUN_H
#define REPRISE_SIM_CLUSTER_RUN_H

#include "sim/engine.h"

/* Runs the trace to its end, or until progress stops it (result->interrupted). Fills the metrics
 * but for the cost, and the series. STATUS_INPUT or STATUS_IO: the trace's. */
enum status cluster_run(const struct engine_setup *setup, struct trace *trace,
                        const struct sim_progress *progress, struct sim_result *result,
                        struct error *err);

#endif
