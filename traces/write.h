/* traces/write.h - traces into files, and traces changed on their way: faster, more or fewer
 * sessions, turns as requests of their own. Public interface of traces/. All of it streams. */
#ifndef REPRISE_TRACES_WRITE_H
#define REPRISE_TRACES_WRITE_H

#include "traces/traces.h"

/* What a file does not hold of the trace that it was written from. */
struct trace_loss {
    bool blocks; /* which prefixes are shared */
    bool tenants; /* whose sessions they are */
    bool loop;  /* that the trace was an open loop: its requests are read as sessions of one turn */
    bool begin; /* when the first one came: the format counts from it */
    uint64_t time_ns; /* times are rounded to this; 0: they are whole */
};

struct trace_written {
    uint64_t sessions, turns;
    struct trace_loss loss;
};

struct trace_writing {
    const char *format; /* one that is written */
    bool lossy;         /* shared prefixes are dropped where the format cannot hold them */
    /* Asked now and then; false: stop, and leave nothing. May be NULL. */
    bool (*go_on)(void *context);
    void *context;
};

/* Writes the rest of the trace; a path that ends in .zst or .gz is compressed. The file is there
 * whole or not at all; over one of that name it is put at the end. STATUS_INPUT: the format is not known or
 * cannot be written; it cannot hold the trace (times beyond TRACE_TIME_MOST_NS; turns that wait for replies
 * in a format of requests; shared prefixes, unless `lossy`); the trace itself is malformed. STATUS_IO: the disk.
 * STATUS_INTERRUPTED: go_on said so. */
enum status trace_write(struct trace *trace, const char *path, const struct trace_writing *how,
                        struct trace_written *written, struct error *err);

/* How turns become requests. */
struct trace_unrolling {
    uint32_t block_tokens;
    uint64_t token_ns; /* that each token of a reply is taken to need */
    /* Of every session's beginning, that all sessions have alike: their system prompt. */
    uint32_t shared_tokens;
    /* A prompt that would be longer is compacted first: to the shared tokens, so many others that
     * no one had before, and what is new. 0: no prompt is too long. */
    uint32_t context_tokens_most, compacted_tokens;
};
/* Each turn as a request of its own (open loop), whose prompt is the session's history and the
 * turn's, with block keys: full blocks are the session's, in every later turn again, or all
 * sessions' where they end within shared_tokens; a partial last one is of that turn alone. The next
 * turn comes when the reply is over, as token_ns has it, and its think time. Holds the sessions
 * that go on when the next one begins. Owns the trace, which must be a closed loop. */
struct trace *trace_unroll(struct trace *trace, const struct trace_unrolling *how);

/* What becomes of a trace's load. */
struct trace_scale {
    double rate; /* arrivals come so much sooner after each other. Think times stay, since people do
                    not think faster where there are more of them; requests of an open loop have no
                    other times, and all of theirs are divided */
    double
        think; /* think times are multiplied by it: for a server on which all takes another time */
    double sessions; /* so many as there were: whole copies, and of one a share. A copy's ids and
                        keys are its own, so that nothing is shared between copies */
    uint64_t shift_most_ns; /* a copy comes later by a time drawn up to this, before `rate` */
    uint64_t seed;          /* of shifts, and of which sessions are kept */
};
#define TRACE_SCALE_SESSIONS_MOST 1e6
/* Owns the trace; `rate`, `think` and `sessions` above 0, the latter at most the above. What would come later
 * than TRACE_TIME_MOST_NS, or think longer, is refused with the factor that fits. The trace is read
 * once, however many copies there are: held are its sessions of shift_most_ns, and a few words a copy.
 * A share keeps a session or drops it. Requests of an open loop that continue each other (one has the last
 * block of an earlier one, or the last but one, and is the first to have it again) are kept or
 * dropped together, for which two keys of each request are held. */
struct trace *trace_scaled(struct trace *trace, const struct trace_scale *scale);

#endif
