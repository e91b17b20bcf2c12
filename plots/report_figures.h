/* plots/report_figures.h - pictures on their way into a page: drawn into a temporary folder, and taken from there.
 * Private to plots/. */
#ifndef REPRISE_PLOTS_REPORT_FIGURES_H
#define REPRISE_PLOTS_REPORT_FIGURES_H

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>

struct figures {
    FILE *out;          /* the page */
    const char *folder; /* that they are drawn into */
    uint32_t count;     /* so far: their number on the page */
    struct error err;   /* the first that could not be taken */
};

/* Called for each file that was drawn (context: struct figures): an SVG goes into the page, all are removed. */
void figures_take(const char *path, void *context);

#endif
