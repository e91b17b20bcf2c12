/* plots/report.h - runs and sweeps as one HTML page that needs no other file and no network: what
 * was asked, tables, pictures, what is assumed, and what is not modelled. */
#ifndef REPRISE_PLOTS_REPORT_H
#define REPRISE_PLOTS_REPORT_H

#include "plots/sweep_view.h"
#include "validate/store/store.h"

struct report_question {
    const int64_t *runs; /* each stands for the comparison it belongs to */
    uint32_t run_count;
    int64_t sweep;                /* 0: none */
    struct pricing pricing; /* of the sweep's runs */
};

/* Writes the page to path. STATUS_INPUT: no such run or sweep. STATUS_IO: gnuplot is missing or
 * fails, the file cannot be written. */
enum status report_write(struct store *store, const struct report_question *question,
                         const char *path, struct error *err);

#endif
