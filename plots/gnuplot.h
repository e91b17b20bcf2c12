/* plots/gnuplot.h - runs the gnuplot program, without a shell. */
#ifndef REPRISE_PLOTS_GNUPLOT_H
#define REPRISE_PLOTS_GNUPLOT_H

#include "base/error.h"

#include <stddef.h>

/* $GNUPLOT, else "gnuplot", found along $PATH. */
const char *gnuplot_program(void);

/* "gnuplot 5.4 patchlevel 4" into version. STATUS_IO: there is no such program. */
enum status gnuplot_version(char *version, size_t version_bytes, struct error *err);

/* Runs a script; what it says goes into log, a path. STATUS_IO with the log's last words when
 * gnuplot is missing or fails. */
enum status gnuplot_run(const char *script, const char *log, struct error *err);

#endif
