/* cli/sweep_options.h - what commands that run many experiments have in common: where the work is
 * done, Ctrl-C, progress, and being one rank of several. */
#ifndef REPRISE_CLI_SWEEP_OPTIONS_H
#define REPRISE_CLI_SWEEP_OPTIONS_H

#include "base/error.h"
#include "cli/progress.h"
#include "sweep/sweep.h"

/* Under mpirun: rank 0 does work(context), the others run what it sends them. Alone: just work().
 * threads: as --jobs says. */
enum status work_among_ranks(uint64_t threads,
                             enum status (*work)(struct ranks *ranks, void *context,
                                                 struct error *err),
                             void *context, struct error *err);

/* A sweep_watch's tell: context is a struct progress *; false once Ctrl-C was pressed. */
bool tell_progress(void *context, const struct sweep_count *count);

#endif
