/* traces/conversations.c - see conversations.h. */
#include "traces/conversations.h"

#include "traces/draws.h"

void conversations_begin(struct conversations *conversations, const struct workload *workload)
{
    *conversations = (struct conversations){ .pending = pending_new(),
                                             .arrivals = random_from(workload->seed, 0),
                                             .per_s = workload->sessions_per_s };
}

void conversations_free(struct conversations *conversations)
{
    objects_free(&conversations->objects);
    pending_free(conversations->pending);
}

uint64_t conversations_arrival(struct conversations *conversations)
{
    uint64_t arrival_ns = conversations->until_ns;
    conversations->until_ns += draw_gap_ns(&conversations->arrivals, conversations->per_s);
    return arrival_ns;
}

enum trace_step conversations_next(struct conversations *conversations, struct lines *lines,
                                   enum status (*read)(void *state, struct json_record record,
                                                       struct error *err),
                                   void *state, struct trace_session *session, struct error *err)
{
    while (true) {
        struct json_record record;
        uint64_t until_ns = conversations->ended ? UINT64_MAX : conversations->until_ns;
        if (pending_take(conversations->pending, until_ns, session))
            return TRACE_ITEM;
        if (conversations->ended)
            return TRACE_END;
        enum lines_step step = objects_next(&conversations->objects, lines, &record, err);
        if (step == LINES_ERROR)
            return TRACE_ERROR;
        conversations->ended = step == LINES_END;
        if (conversations->ended)
            continue;
        enum status status = read(state, record, err);
        objects_done(&record);
        if (status != STATUS_OK)
            return TRACE_ERROR;
    }
}
