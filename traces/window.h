/* traces/window.h - the sessions of a trace between its slowest and its fastest reader: read once, held
 * for as long as somebody still comes to them. Private to traces/. */
#ifndef REPRISE_TRACES_WINDOW_H
#define REPRISE_TRACES_WINDOW_H

#include "traces/traces.h"

struct window;

/* The trace is the caller's and outlives it. */
struct window *window_new(struct trace *trace);
void window_free(struct window *window);

/* The trace's n-th session, from 0: at most one behind those that were read, none that was forgotten.
 * TRACE_ITEM: *session and its arrays hold until it is forgotten; TRACE_END: there are fewer;
 * TRACE_ERROR: trace_next()'s. */
enum trace_step window_at(struct window *window, uint64_t n, struct trace_session *session,
                          struct error *err);
/* Nobody comes to those before the n-th any more. */
void window_forget(struct window *window, uint64_t n);

#endif
