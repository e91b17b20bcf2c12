/* plots/validation_plots.h - a validation as a picture: what the simulator said, what the runs did.
 */
#ifndef REPRISE_PLOTS_VALIDATION_PLOTS_H
#define REPRISE_PLOTS_VALIDATION_PLOTS_H

#include "validate/store/store_measured.h"

/* Draws it into path, PNG or SVG as its name ends: mean, P50 and P99 of TTFT and turns/s over the
 * load, a line a policy for the simulator, the runs' means with their 95 % intervals as points.
 * STATUS_INPUT: another ending; STATUS_IO: gnuplot or the file. */
enum status validation_plots_draw(const struct store_validation *validation, const char *path,
                                  struct error *err);

#endif
