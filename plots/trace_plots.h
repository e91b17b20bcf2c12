/* plots/trace_plots.h - a picture of what a trace's blocks say. */
#ifndef REPRISE_PLOTS_TRACE_PLOTS_H
#define REPRISE_PLOTS_TRACE_PLOTS_H

#include "traces/info.h"

/* Draws hits and misses under LRU against capacity, exact and sampled, and the reuse distances,
 * into `path`, a .png or .svg in a folder that is there. STATUS_INPUT: another name; a trace
 * without blocks. STATUS_IO: gnuplot is missing or fails (its words are in the error), the file
 * cannot be written. */
enum status trace_plots_draw(const struct trace_info *info, const struct trace_info_view *view,
                             const char *path, struct error *err);

#endif
