/* traces/trace.c - a source being read: numbers its sessions, and gives its first error for ever.
 */
#include "base/memory.h"
#include "traces/source.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
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

/* Nothing can be said of no request: every number of it would be zero, and look like a result. */
static enum trace_step refuse_empty(struct trace *trace)
{
    if (trace->source->refuse_empty != NULL)
        trace->source->refuse_empty(trace->state, &trace->failure);
    else
        error_input(&trace->failure, NULL, 0, "trace", "at least one request", "none");
    return TRACE_ERROR;
}

uint64_t trace_skips_total(const struct trace_skips *skips)
{
    uint64_t total = 0;
    for (int i = 0; i < SKIP_CAUSES; i++)
        total += skips->by[i];
    return total;
}

const struct trace_skip_words trace_skip_words[SKIP_CAUSES] = { TRACE_SKIPS(TRACE_SKIP_WORDS) };

void trace_skips_print(const struct trace_skips *skips, char *text, size_t text_bytes)
{
    const char *before = ": ";
    uint64_t total = trace_skips_total(skips);
    size_t used =
        (size_t)snprintf(text, text_bytes, "%" PRIu64 " record%s", total, total == 1 ? "" : "s");
    for (int i = 0; i < SKIP_CAUSES; i++) {
        if (skips->by[i] == 0 || used >= text_bytes)
            continue;
        if (skips->by[i] == total)
            used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", before,
                                     trace_skip_words[i].words);
        else
            used += (size_t)snprintf(text + used, text_bytes - used, "%s%" PRIu64 " %s", before,
                                     skips->by[i], trace_skip_words[i].words);
        before = ", ";
    }
}

enum trace_step trace_next(struct trace *trace, struct trace_session *session, struct error *err)
{
    enum trace_step step = TRACE_ERROR;
    if (trace->failure.status == STATUS_OK) {
        memset(session, 0, sizeof *session);
        step = trace->source->next(trace->state, session, &trace->failure);
    }
    if (step == TRACE_END && trace->sessions == 0)
        step = refuse_empty(trace);
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
