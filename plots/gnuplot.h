/* plots/gnuplot.h - runs the gnuplot program, without a shell. */
#ifndef REPRISE_PLOTS_GNUPLOT_H
#define REPRISE_PLOTS_GNUPLOT_H

#include "base/error.h"

/* Runs a script by $GNUPLOT, else "gnuplot", found along $PATH, in folder, where alone it can write (confine.h), without
 * anybody's settings; what it says goes into log, a new file. Paths are absolute. $GNUPLOT can be a script that execs, but
 * none that starts programs. STATUS_IO with the log's last words when gnuplot is missing or fails. */
enum status gnuplot_run(const char *folder, const char *script, const char *log, struct error *err);

#endif
