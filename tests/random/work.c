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

/* What is done of each unit of a chain in no time, a step for a hundred. */
#define SHARE_OF_A_STEP 0.01

/* Who gives up a unit walks past those of the batch. */
static double walks(const struct experiment *experiment, const struct asked *asked, double chains)
{
    double batch = less((double)asked->sessions, experiment->batch);
    return SHARE_OF_A_STEP * chains * batch * chains / (double)asked->turns;
}

/* Each chunk of a prompt looks through its chain. */
static double chunks(const struct experiment *experiment, const struct asked *asked, double chains)
{
    double count = (double)asked->context_tokens / experiment->chunk_tokens;
    return count * (1.0 + SHARE_OF_A_STEP * chains / (double)asked->turns);
}

double work_steps(const struct experiment *experiment, const struct asked *asked)
{
    const double turn = 20.0;
    if (asked->turns == 0)
        return 1.0;
    double turns = (double)asked->turns, context = (double)asked->context_tokens;
    double chains = turns + context / unit_tokens(experiment, asked);
    double steps =
        turn * turns + chains * looks(experiment, asked) + walks(experiment, asked, chains);
    if (experiment->router == ROUTE_PREFIX_AFFINITY)
        steps += chains * experiment->replicas;
    if (experiment_chunks(experiment))
        steps += chunks(experiment, asked, chains);
    if (experiment->allocation == ALLOCATE_GROW)
        steps += (double)asked->reply_tokens;
    return steps;
}
