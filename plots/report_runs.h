/* plots/report_runs.h - a comparison as a page tells it: what `reprise sim` says first, how the policies differ, pictures,
 * numbers, what was asked. Private to plots/. */
#ifndef REPRISE_PLOTS_REPORT_RUNS_H
#define REPRISE_PLOTS_REPORT_RUNS_H

#include "plots/report_figures.h"
#include "sweep/compared_store.h"

/* Writes the comparison that `run` belongs to (0: the latest) to figures->out; *experiment is the first policy's. */
enum status report_runs(struct store *store, int64_t run, struct figures *figures,
                        struct experiment *experiment, struct error *err);

#endif
