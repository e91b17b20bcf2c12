/* traces/trace.c - a source being read: numbers its sessions, and gives its first error for ever.
 */
#include "base/memory.h"
#include "traces/source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct trace {
    const struct source *source;
    void *state;
    uint64_t sessions, last_arrival_ns;
    struct error failure; /* the first one; given again by every later call */
};

struct trace *trace_of(const struct source *source, void *state)
{
    struct trace *trace = memory_new(1, sizeof *trace);
    trace->source = source;
    trace->state = state;
    return trace;
}

void trace_close(struct trace *trace)
{
    if (trace == NULL)
        return;
    trace->source->close(trace->state);
    free(trace);
}

enum trace_step trace_next(struct trace *trace, struct trace_session *session, struct error *err)
{
    enum trace_step step = TRACE_ERROR;
    if (trace->failure.status == STATUS_OK) {
        memset(session, 0, sizeof *session);
        step = trace->source->next(trace->state, session, &trace->failure);
    }
    if (step == TRACE_ERROR && err->status == STATUS_OK)
        *err = trace->failure;
    if (step != TRACE_ITEM)
        return step;
    assert(session->turn_count > 0 && session->arrival_ns >= trace->last_arrival_ns);
    trace->last_arrival_ns = session->arrival_ns;
    session->id = trace->sessions++;
    return TRACE_ITEM;
}

struct trace_facts trace_facts(const struct trace *trace)
{
    return trace->source->facts(trace->state);
}

double trace_progress(const struct trace *trace)
{
    return trace->source->progress != NULL ? trace->source->progress(trace->state) : 0.0;
}

uint64_t trace_hash(const struct trace *trace)
{
    return trace->source->hash(trace->state);
}
