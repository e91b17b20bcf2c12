/* sim/replay/requests.h - any trace as requests for blocks, in the order of their time.
 * A trace with block keys is that already. Of a session trace, each turn asks for the full blocks
 * of its session's context up to and with its own reply, whose KV is made there: block i of session
 * s is (s, i), shared by no other session. Nothing is served here, so a turn comes its think time
 * after the turn before it, as if replies took no time; and no context is cut. Memory: the sessions
 * that have begun and not ended. (trace_unroll() makes traces for other tools, whose requests hold
 * prompts only: there a reply's KV is first seen, and missed, a turn later.) */
#ifndef REPRISE_SIM_REPLAY_REQUESTS_H
#define REPRISE_SIM_REPLAY_REQUESTS_H

#include "traces/traces.h"

struct asked {
    const uint64_t *keys;   /* until the next call */
    uint32_t count;         /* may be 0 */
    uint32_t prompt_tokens; /* the turn's whole prompt, history and all */
    /* Of the first blocks, what the engine that was recorded had (traces.h). */
    uint32_t measured_hits, measured_hits_below;
    uint64_t session, turn, asked_ns; /* whose; its turn, from 1 on; when, as if replies took no time */
};

struct requests;

/* The trace stays the caller's, and is read by requests_next() alone from now on. block_tokens: of
 * a session's blocks; a trace's own keep their size. STATUS_INPUT: single requests without keys,
 * of which nothing can be reused. */
enum status requests_new(struct trace *trace, uint32_t block_tokens, struct requests **requests,
                         struct error *err);
void requests_free(struct requests *requests); /* NULL is fine */

/* As trace_next(). STATUS_INPUT also for a context beyond 2^32 - 1 tokens. */
enum trace_step requests_next(struct requests *requests, struct asked *asked, struct error *err);

/* Tokens of each block. */
uint32_t requests_block_tokens(const struct requests *requests);

#endif
