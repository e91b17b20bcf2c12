/* traces/source.h - what a struct trace is underneath: a file in some format, a generator, another
 * trace that is changed on its way. Each is one const struct of functions. Private to traces/. */
#ifndef REPRISE_TRACES_SOURCE_H
#define REPRISE_TRACES_SOURCE_H

#include "traces/traces.h"

struct source {
    /* Gives sessions in order of arrival; ids are the trace's to give. */
    enum trace_step (*next)(void *state, struct trace_session *session, struct error *err);
    struct trace_facts (*facts)(const void *state);
    uint64_t (*hash)(const void *state);
    double (*progress)(const void *state); /* optional: 0 */
    /* Says why there was no session at all: STATUS_INPUT. Optional: there was none, no more. */
    enum status (*refuse_empty)(const void *state, struct error *err);
    void (*close)(void *state);
};

/* The trace owns state from here on. */
struct trace *trace_of(const struct source *source, void *state);

#endif
