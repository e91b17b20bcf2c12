/* cli/sweep_options.c - see sweep_options.h. */
#include "cli/sweep_options.h"

#include "cli/interrupt.h"

#include <signal.h>

enum status work_among_ranks(uint64_t threads,
                             enum status (*work)(struct ranks *ranks, void *context,
                                                 struct error *err),
                             void *context, struct error *err)
{
    struct ranks *ranks = NULL;
    enum status status = ranks_begin(&ranks, err);
    if (status != STATUS_OK)
        return status;
    if (ranks_mine(ranks) == 0) {
        interrupt_catch();
        status = work(ranks, context, err);
        runner_dismiss(ranks);
    } else {
        /* Ctrl-C reaches all ranks: rank 0 stores what has ended and lets the others go. */
        signal(SIGINT, SIG_IGN);
        signal(SIGTERM, SIG_IGN);
        status = runner_serve(ranks, threads, err);
    }
    ranks_end(ranks);
    return status;
}

bool tell_progress(void *context, const struct sweep_count *count)
{
    uint32_t todo = count->total - count->found, done = count->finished - count->found;
    if (todo > 0)
        progress_draw(context, (double)done / todo, done, "runs");
    return !interrupt_asked();
}
