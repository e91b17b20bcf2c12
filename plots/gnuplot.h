/* plots/gnuplot.h - runs the gnuplot program, without a shell. */
#ifndef REPRISE_PLOTS_GNUPLOT_H
#define REPRISE_PLOTS_GNUPLOT_H

#include "base/error.h"

/* Runs a script by $GNUPLOT, else "gnuplot", found along $PATH; what it says goes into log, a path.
 * STATUS_IO with the log's last words when gnuplot is missing or fails. */
enum status gnuplot_run(const char *script, const char *log, struct error *err);

#endif
