/* plots/sweep_view.h - a sweep as pictures see it: the runs that count, what each costs, the point
 * that the others are held against, and which axes are worth drawing. */
#ifndef REPRISE_PLOTS_SWEEP_VIEW_H
#define REPRISE_PLOTS_SWEEP_VIEW_H

#include "base/error.h"
#include "sweep/pricing.h"
#include "validate/store/store_sweep.h"

#include <stdbool.h>

struct sweep_axis_view {
    const struct config_row *row;
    uint32_t count; /* distinct values, numbers in their order, else as they came */
    char **value;   /* the table's texts */
    bool number;
};

struct sweep_view {
    struct sweep_table table;
    struct sweep_axis_view *axes;
    uint32_t *shown, shown_count; /* rows that are done, of a search those on the whole workload */
    double *cost;                 /* $ per million tokens, of each shown row */
    enum billing billing;         /* which dollars these are */
    char prices[CONFIG_TEXT_BYTES]; /* whose: their names, "h100, h200" */
    uint32_t reference;           /* the shown row with the least cost */
    int x, series, y;             /* axes with more than one value: -1: none. x: the most values */
    bool grid;                    /* the reference differs from several rows in x only */
};

/* sweep 0: the latest. STATUS_INPUT: no such sweep, none of its runs is done, prices that do not tell
 * what is asked of one of its servers. The view is the
 * caller's to sweep_view_free(), whatever is returned. */
enum status sweep_view_load(struct store *store, int64_t sweep, const struct pricing *pricing,
                            struct sweep_view *view, struct error *err);
void sweep_view_free(struct sweep_view *view);

/* Whether the row takes the reference's values on all axes but a and b (-1: none). */
bool sweep_view_beside(const struct sweep_view *view, uint32_t row, int a, int b);

/* The value's place among the axis's values. */
uint32_t sweep_view_place(const struct sweep_view *view, int axis, uint32_t row);

/* "128 GB, lru"; returns out. */
char *sweep_view_name(const struct sweep_view *view, uint32_t row, char *out, size_t out_bytes);

/* Shown rows than which none is both cheaper and sooner (TTFT P99), cheapest first. front has room
 * for all shown; returns how many. */
uint32_t sweep_view_front(const struct sweep_view *view, uint32_t *front);

#endif
