/* plots/live.h - a sweep's results to play with: one HTML file, without a server and without network, in which
 * sliders over the sweep's axes choose among the points that were computed. */
#ifndef REPRISE_PLOTS_LIVE_H
#define REPRISE_PLOTS_LIVE_H

#include "plots/sweep_view.h"
#include "validate/store/store.h"

/* Writes the page of the sweep (0: the latest) to path. STATUS_INPUT: no such sweep, or none of its runs is
 * done, or no key with several values. STATUS_IO: the file cannot be written. */
enum status live_write(struct store *store, int64_t sweep, const struct pricing *pricing,
                       const char *path, struct error *err);

#endif
