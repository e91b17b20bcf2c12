/* sim/engine/watch.h - for who wants to know all that happens in a run, as it happens: rows of turns,
 * copies, iterations and their layers. It costs a run nothing where nobody watches, and changes none of its results.
 * Calls come from the run's thread, in the order in which things end; what is pointed to is valid during
 * the call. Times are ns since the run began. A turn is named by its number (turn_row.turn). */
#ifndef REPRISE_SIM_ENGINE_WATCH_H
#define REPRISE_SIM_ENGINE_WATCH_H

#include "sim/engine/turn_row.h"
#include "sim/placement/placement.h"

#include <stdint.h>

/* A transfer that has ended. */
struct watch_copy {
    uint32_t server;
    enum action_kind kind; /* LOAD, SAVE, FETCH, DEMOTE, WRITE */
    enum tier from, to;
    uint64_t begin_ns, end_ns; /* begin: of a load, when its first layers might come */
    uint64_t size_bytes;       /* that crossed the links */
    uint64_t turn;             /* whose KV it is, or who waits for it; 0: nobody's in particular */
    uint64_t for_turn;         /* for whom it was begun; 0: for none */
};

/* A copy in a tier has gone. */
struct watch_drop {
    uint32_t server;
    enum tier from;
    uint64_t time_ns, size_bytes, tokens;
    enum loss why;
    enum tier left_in; /* the fastest tier that holds as much of it all the same; TIER_KINDS: none does */
    uint64_t turn;     /* that used it last; 0: none has */
    uint64_t session, turn_of_session; /* of that turn */
    uint64_t for_turn; /* for whom room was made; 0: for none */
};

struct watch_chunk {
    uint64_t turn;
    uint32_t tokens;
};

/* One iteration that prefills, or `repeats` that only decode. */
struct watch_iteration {
    uint32_t server;
    uint64_t begin_ns, end_ns, repeats;
    uint64_t wait_ns;   /* layers waited for KV */
    uint64_t decode_ns; /* what decoding takes of it; all of it where nothing is prefilled */
    const struct watch_chunk *chunk;
    uint32_t chunks, decodes;
};

/* An iteration that prefills, layer by layer; the turn whose KV its layers wait for, or its first one. */
struct watch_layers {
    uint32_t server, layers;
    uint64_t turn;
    const uint64_t *load_begin_ns; /* when the layer's KV began to come in; NULL: not known */
    const uint64_t *arrival_ns; /* when the layer's KV was in HBM; 0: it was there, or there is none */
    const uint64_t *begin_ns, *end_ns; /* its computation, without waiting */
};

/* What is NULL is left out. */
struct watch {
    void *context;
    void (*turn_ended)(void *context, const struct turn_row *row);
    void (*copied)(void *context, const struct watch_copy *copy);
    void (*dropped)(void *context, const struct watch_drop *drop);
    void (*iterated)(void *context, const struct watch_iteration *iteration);
    void (*computed_layers)(void *context, const struct watch_layers *layers);
    void (*stalled)(void *context, uint32_t server, uint64_t begin_ns, uint64_t end_ns); /* synchronous saving */
    void (*queued)(void *context, uint32_t server, uint64_t time_ns, uint32_t waiting);
    void (*measures)(void *context, uint64_t time_ns); /* the warm-up is over */
};

#endif
