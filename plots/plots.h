/* plots/plots.h - pictures of runs in the store, made by gnuplot. */
#ifndef REPRISE_PLOTS_PLOTS_H
#define REPRISE_PLOTS_PLOTS_H

#include "base/error.h"
#include "sweep/compared_store.h"

#include <stdint.h>

enum plots_form {
    /* For slides and screens, a .png and a .svg each: overview (waits, where KV came from, cost: bars), ttft_cdf,
     * hits_over_time and bytes_by_link. */
    PLOTS_PICTURES,
    /* For a page's column, as wide as a phone, a .svg each: ttft_mean, ttft_p99, sources, cost, ttft_cdf, bytes_by_link,
     * and a hits_N for each policy. */
    PLOTS_COLUMN
};

/* Draws a comparison into folder, which is created. Several seeds of a policy are one: their mean, with its interval
 * where it is a bar. Calls wrote(path) for each file. STATUS_INPUT: more policies than anybody can tell apart. STATUS_IO:
 * gnuplot is missing or fails (its words are in the error), the folder cannot be written. */
enum status plots_draw(struct store *store, const struct compared_kept *kept, enum plots_form form,
                       const char *folder, void (*wrote)(const char *path, void *context),
                       void *context, struct error *err);

#endif
