/* cli/sweep_print.h - what `reprise sweep` shows of a sweep in the store. */
#ifndef REPRISE_CLI_SWEEP_PRINT_H
#define REPRISE_CLI_SWEEP_PRINT_H

#include "base/error.h"
#include "validate/store/store_sweep.h"

#include <stdio.h>

enum sweep_format {
    SWEEP_TABLE, /* a row a point, its replications together: means and 95 % confidence intervals */
    SWEEP_CSV,   /* a row a run, every metric in its base unit */
    SWEEP_JSON   /* the same as an array of objects */
};

/* metrics: the table's columns, names with commas between them; NULL: the usual ones. */
enum status sweep_print(FILE *out, const struct sweep_table *table, enum sweep_format format,
                        const char *metrics, struct error *err);
/* Refuses an unknown name in metrics, before any work. */
enum status sweep_print_check(const char *metrics, struct error *err);

#endif
