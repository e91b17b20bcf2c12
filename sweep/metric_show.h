/* sweep/metric_show.h - metrics by name, and their values for people. */
#ifndef REPRISE_SWEEP_METRIC_SHOW_H
#define REPRISE_SWEEP_METRIC_SHOW_H

#include "base/error.h"
#include "sim/engine/metrics.h"

#include <stdbool.h>
#include <stddef.h>

/* The metric's place in metric_rows. STATUS_INPUT names option (as "--metric") and the nearest
 * known one. */
enum status metric_find(const char *option, const char *name, int *metric, struct error *err);

/* The place of the metric of that name, of which there is one. */
int metric_named(const char *name);

/* Whether the value is none: dollars of rent, or of owning, by a server that has no such prices; years of drives that
 * nothing was written to (metrics.h: 0). */
bool metric_is_untold(int metric, double value);

/* "1.23 s", "84.8 %" (rates and shares), "$0.905", "4.13 TB"; "-" for NaN and what is untold; returns out. */
char *metric_show(int metric, double value, char *out, size_t out_bytes);

/* Whether its values are shares, in [0, 1]. */
bool metric_is_share(int metric);

/* " (busy)" of a metric in dollars whose name does not say how they are billed, else "". */
const char *metric_billing(int metric);

#endif
