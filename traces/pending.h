/* traces/pending.h - sessions that were read before it is their turn: what comes out is in order of
 * arrival, and at one arrival in the order in which it was put in. Private to traces/. */
#ifndef REPRISE_TRACES_PENDING_H
#define REPRISE_TRACES_PENDING_H

#include "traces/traces.h"

struct pending;

struct pending *pending_new(void);
void pending_free(struct pending *pending);

/* Copies the session: its arrival, its turns (one or more) and its keys. */
void pending_add(struct pending *pending, const struct trace_session *session);
/* Gives the earliest session if it arrives by until_ns. Its arrays hold until the next call of any
 * function. */
bool pending_take(struct pending *pending, uint64_t until_ns, struct trace_session *session);

#endif
