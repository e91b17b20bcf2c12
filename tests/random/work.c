/* tests/random/work.c - see work.h. */
#include "tests/random/work.h"

static double less(double a, double b)
{
    return a < b ? a : b;
}

/* Tokens of a unit of placement. */
static double unit_tokens(const struct experiment *experiment, const struct asked *asked)
{
    if (asked->block_tokens > 0)
        return asked->block_tokens;
    return experiment->unit == PLACE_BLOCKS ? experiment->block_tokens : 1e18;
}

/* Turns whose stored KV may be looked up each time that the queue moves. */
static double looks(const struct experiment *experiment, const struct asked *asked)
{
    double waiting = (double)asked->sessions;
    if (experiment->fetch_wait == FETCH_TIMEOUT)
        return waiting;
    return experiment->order == ORDER_LONGEST_PREFIX ? less(waiting, experiment->order_window)
                                                     : 1.0;
}

/* Who gives up a unit walks past those of the batch, each in no time. */
static double walks(const struct experiment *experiment, const struct asked *asked, double chains)
{
    const double share_of_a_step = 0.01;
    double batch = less((double)asked->sessions, experiment->batch);
    return asked->turns > 0 ? share_of_a_step * chains * batch * chains / (double)asked->turns
                            : 0.0;
}

double work_steps(const struct experiment *experiment, const struct asked *asked)
{
    const double turn = 20.0;
    double turns = (double)asked->turns, context = (double)asked->context_tokens;
    double chains = turns + context / unit_tokens(experiment, asked);
    double steps =
        1.0 + turn * turns + chains * looks(experiment, asked) + walks(experiment, asked, chains);
    if (experiment->router == ROUTE_PREFIX_AFFINITY)
        steps += chains * experiment->replicas;
    if (experiment->scheduling == SCHEDULE_CHUNKED)
        steps += context / experiment->chunk_tokens;
    if (experiment->allocation == ALLOCATE_GROW)
        steps += (double)asked->reply_tokens;
    return steps;
}
