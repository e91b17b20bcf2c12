/* plots/sweep_plots.h - pictures of a sweep: hit rate, TTFT and cost along its longest axis, a heat
 * map over two axes, cost against TTFT with the Pareto front, and a tornado of what each axis does
 * to the cost of the cheapest point. */
#ifndef REPRISE_PLOTS_SWEEP_PLOTS_H
#define REPRISE_PLOTS_SWEEP_PLOTS_H

#include "base/error.h"
#include "plots/sweep_view.h"

/* Draws into folder, which is created, each as .png and .svg: sweep_hits, sweep_ttft, sweep_cost
 * where there is an axis of numbers; sweep_heat where there are two, and a run for each pair of values; sweep_pareto; sweep_tornado
 * where something varies beside the cheapest point. Calls wrote(path) for each file. */
enum status sweep_plots_draw(const struct sweep_view *view, const char *folder,
                             void (*wrote)(const char *path, void *context), void *context,
                             struct error *err);

#endif
