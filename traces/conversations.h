/* traces/conversations.h - files of JSON objects of which each holds several requests: reads one
 * when those before it are given, and gives their sessions in order. What is held in memory are the
 * sessions of objects that overlap in time. Private to traces/. */
#ifndef REPRISE_TRACES_CONVERSATIONS_H
#define REPRISE_TRACES_CONVERSATIONS_H

#include "base/random.h"
#include "traces/objects.h"
#include "traces/pending.h"

/* Invariant: no object that is still to be read brings a session that arrives before until_ns. */
struct conversations {
    struct objects objects;
    struct pending *pending;
    uint64_t until_ns;
    bool ended;
    struct random arrivals;
    double per_s;
};

void conversations_begin(struct conversations *conversations, const struct workload *workload);
void conversations_free(struct conversations *conversations);

/* When an object begins that does not say so itself: the first one at 0, each other one after a gap
 * of the workload's arrivals. Moves until_ns to the one after it. */
uint64_t conversations_arrival(struct conversations *conversations);

/* Gives the next session. read puts the sessions of one object into pending and moves until_ns on;
 * it may put none. */
enum trace_step conversations_next(struct conversations *conversations, struct lines *lines,
                                   enum status (*read)(void *state, struct json_record record,
                                                       struct error *err),
                                   void *state, struct trace_session *session, struct error *err);

#endif
