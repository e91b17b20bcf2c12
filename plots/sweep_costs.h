/* plots/sweep_costs.h - what each row of a sweep costs; of sweep_view_load(), and nobody else's. */
#ifndef REPRISE_PLOTS_SWEEP_COSTS_H
#define REPRISE_PLOTS_SWEEP_COSTS_H

#include "plots/sweep_view.h"

/* Fills cost, billing and prices of a view whose shown rows are known, one at least. Where one server's prices do not tell
 * of owning, all are billed as rented: dollars of different kinds do not stand in one picture. */
enum status sweep_costs_find(struct store *store, const struct pricing *pricing, struct sweep_view *view,
                             struct error *err);

#endif
