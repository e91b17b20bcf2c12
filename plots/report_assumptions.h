/* plots/report_assumptions.h - what a page's numbers rest on. Private to plots/. */
#ifndef REPRISE_PLOTS_REPORT_ASSUMPTIONS_H
#define REPRISE_PLOTS_REPORT_ASSUMPTIONS_H

#include "plots/sweep_view.h"

#include <stdio.h>

/* Sources of the model, the server and the prices, and the keys whose defaults are assumed, with
 * the values that the experiment takes. */
enum status report_assumptions(FILE *out, const struct experiment *experiment,
                               const struct pricing *pricing, struct error *err);

/* The lists below the headings "Not modelled" of the documentation. */
enum status report_not_modelled(FILE *out, struct error *err);

#endif
