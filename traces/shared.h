/* traces/shared.h - a trace that several readers of one process read: made once, by whoever comes first to a place,
 * and held for the others. What a reader says (sessions, facts, hash, progress, its error) is what the trace itself
 * would say after as many sessions. Public interface of traces/.
 *
 * Memory: 112 bytes a session, 16 a turn, 8 a block key, and the facts anew wherever they change; a trace that needs
 * more than it may have is given up: its readers go on alone, each from the beginning. */
#ifndef REPRISE_TRACES_SHARED_H
#define REPRISE_TRACES_SHARED_H

#include "traces/traces.h"

struct shared_trace;

/* Opens the same trace again, for one reader alone. */
struct trace_again {
    enum status (*open)(void *context, struct trace **trace, struct error *err);
    void *context; /* outlives the shared trace */
};

/* Owns trace, of which nothing was read, from here on. most_bytes: what it may hold. */
struct shared_trace *shared_trace_new(struct trace *trace, const struct trace_again *again,
                                      uint64_t most_bytes);
/* It has no readers. NULL is fine. */
void shared_trace_free(struct shared_trace *shared);

/* A reader, at the beginning: the caller's to trace_close(), before the shared trace goes. Readers of several threads do
 * not see each other. Errors are again.open()'s. */
enum status shared_trace_open(struct shared_trace *shared, struct trace **trace, struct error *err);

/* Whether it has readers; how much it holds. */
bool shared_trace_is_read(struct shared_trace *shared);
uint64_t shared_trace_bytes(struct shared_trace *shared);

#endif
