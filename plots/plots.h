/* plots/plots.h - pictures of runs in the store, made by gnuplot. */
#ifndef REPRISE_PLOTS_PLOTS_H
#define REPRISE_PLOTS_PLOTS_H

#include "base/error.h"
#include "validate/store/store.h"

#include <stdint.h>

/* Draws the comparison that `run` belongs to (0: the latest) into folder, which is created: for
 * each of overview (waits, where KV came from, cost: bars), ttft_cdf, hits_over_time and
 * bytes_by_link a .png and a .svg. Calls wrote(path) for each file. STATUS_IO: gnuplot is missing or fails (its words are
 * in the error), the folder cannot be written. */
enum status plots_draw(struct store *store, int64_t run, const char *folder,
                       void (*wrote)(const char *path, void *context), void *context,
                       struct error *err);

#endif
