/* sim/engine/watching.h - what the engine notes of a turn for who watches (watch.h), beside its books.
 * Where nobody does, each call returns at once. Private to sim/engine/. */
#ifndef REPRISE_SIM_ENGINE_WATCHING_H
#define REPRISE_SIM_ENGINE_WATCHING_H

#include "sim/engine/state.h"

/* Of a turn, from its being asked to its end. */
struct turn_note {
    uint64_t prepared_ns, load_wait_ns;
    uint64_t waited_ns[WAIT_COUNT]; /* the server's, as the turn came; from its start on, the turn's */
    struct placement_absent absent;
    uint64_t found_tokens, too_slow_tokens, not_fetched_tokens;
    uint64_t preemptions, computed_again_tokens;
};

/* Whose turn it is, however long ago it ended: KV outlives it. */
struct turn_place {
    uint64_t session;
    uint32_t turn_of_session;
};

/* The turn has come to the server. */
void watching_asked(struct engine *engine, uint32_t session);
/* The core is about to be asked to prepare it: why it lacks what it does not find. */
void watching_look(struct engine *engine, uint32_t session);
/* It was prepared. found: in any tier; allowed: in those that the engine loads from at a turn's start; hits:
 * in those worth it. */
void watching_prepared(struct engine *engine, uint32_t session, const struct placement_hits *found,
                       const struct placement_hits *allowed, const struct placement_hits *hits);
void watching_started(struct engine *engine, uint32_t session);
void watching_preempted(struct engine *engine, uint32_t session);
/* Of its context so many tokens are computed once more. */
void watching_prefills_again(struct engine *engine, uint32_t session, uint32_t tokens);
/* The engine's iteration has ended, and its turns have not been told of it. */
void watching_iteration(struct engine *engine, const struct iteration_end *end);
void watching_stalled(struct engine *engine); /* a stall ends */
void watching_queue(struct engine *engine);   /* its length has changed */
void watching_ended(struct engine *engine, uint32_t session, uint64_t end_ns, bool measured);
/* The transfer begins to move; has ended. */
void watching_moves(struct engine *engine, uint32_t transfer);
void watching_moved(struct engine *engine, uint32_t transfer);
void watching_dropped(struct engine *engine, const struct action *copy);
void watching_free(struct engine *engine);

#endif
