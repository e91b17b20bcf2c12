/* sweep/turn_log.c - see turn_log.h. */
#include "sweep/turn_log.h"

#include "base/memory.h"

#include <stdlib.h>

void turn_log_add(struct turn_log *log, const struct turn_times *turn)
{
    memory_grow(&log->item, &log->capacity, (uint64_t)log->count + 1, sizeof *log->item);
    log->item[log->count++] = (struct logged_turn){ .session = turn->session,
                                                    .asked_ns = turn->asked_ns,
                                                    .ttft_ns = turn->ttft_ns,
                                                    .turn = turn->turn,
                                                    .wanted_tokens = turn->wanted_tokens,
                                                    .reused_tokens = turn->reused_tokens };
}

static int compare(const void *left, const void *right)
{
    const struct logged_turn *a = left, *b = right;
    if (a->session != b->session)
        return a->session < b->session ? -1 : 1;
    return a->turn < b->turn ? -1 : a->turn > b->turn;
}

void turn_log_sort(struct turn_log *log)
{
    if (log->count > 0)
        qsort(log->item, log->count, sizeof *log->item, compare);
}

void turn_log_free(struct turn_log *log)
{
    free(log->item);
    *log = (struct turn_log){ 0 };
}
