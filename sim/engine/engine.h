/* sim/engine/engine.h - the door to the serving engine of one server: what happened goes in, what
 * the GPUs do next and what is to be copied come out. Behind it are the queue, the batch, HBM's
 * room and the placement core with its tiers; no clock, link, kernel, file or thread. Virtual time
 * (sim/) and real time (runtime/) drive the same object code. Time is ns since the run began and
 * never goes back.
 *
 * What a driver does, at each point in time at which something has happened:
 *   1. tells it: engine_ask(), engine_transfer_ended(), engine_prompt_ready(),
 *      engine_iteration_ended(), engine_look()
 *   2. while engine_step() says that something is to be begun or cut: takes the actions, does that
 *   3. takes the actions: engine_take()
 *
 * Files: queue.c who is next, preparing what a turn reuses; batch.c iterations, saving's stalls;
 * waiting.c what the others wait for; room.c HBM that grows with replies, and whom it costs their place; ends.c ends of prefills and
 * turns; loads.c the placement core's actions on their way to the driver, and how far loads may go.
 */
#ifndef REPRISE_SIM_ENGINE_ENGINE_H
#define REPRISE_SIM_ENGINE_ENGINE_H

#include "sim/engine/service.h"
#include "sim/placement/placement.h"

#include <stdbool.h>
#include <stdint.h>

struct engine;

/* index: of its server in the service. A server that only decodes keeps what it decodes and stores
 * nothing. The service outlives it. */
struct engine *engine_new(struct service *service, uint32_t index);
void engine_free(struct engine *engine); /* NULL is fine */

/* ---- what happened ---- */

/* A turn of the session will soon be asked, and of this server most likely: fetches what that will read, each step what
 * the one before has led to. For speed alone. Returns the next step, from 0; ENGINE_EXPECTED: there is none. */
enum { ENGINE_EXPECTED = PLACEMENT_EXPECTED };
uint32_t engine_expect_turn(const struct engine *engine, const struct session *session,
                            uint32_t step);
/* The session's turn, whose chain sessions_ask() gave, is asked of this server. */
void engine_ask(struct engine *engine, uint64_t now_ns, uint32_t session, struct chain chain);
/* What ENGINE_LOAD or ENGINE_COPY began has ended. Of several that end together, engine_look() is
 * called behind the last. */
void engine_transfer_ended(struct engine *engine, uint64_t now_ns, uint32_t transfer);
/* Something may be possible that was not: transfers have ended, or ENGINE_LOOK_AT's time has come.
 */
void engine_look(struct engine *engine, uint64_t now_ns);
/* Asynchronous saving of whole prefills: the first layer's KV of the prompt that is being prefilled
 * is made, so that saving it may begin. */
void engine_prompt_ready(struct engine *engine, uint64_t now_ns, uint32_t session);

/* An iteration that engine_step() gave has ended. */
struct iteration_end {
    uint64_t end_ns;              /* when it had, at or before now */
    uint64_t repeats;             /* how many there were: 1 but for decoding alone */
    uint64_t first_end_ns;        /* the end of the first of them */
    double gap_ns, gap_growth_ns; /* how long the second took, and by how much each took longer */
    uint64_t wait_ns;             /* layers waited for their KV */
    uint64_t decode_ns; /* prefills and decoding together: what decoding alone would have taken */
    bool extrapolated;  /* these times were (models/timing_range.h) */
};
void engine_iteration_ended(struct engine *engine, uint64_t now_ns,
                            const struct iteration_end *end);

/* ---- what the GPUs do ---- */

/* Part of a turn's prefill that one iteration computes: tokens new ones behind the session's
 * ready_tokens. */
struct chunk {
    uint32_t session, tokens;
};

/* Valid until it has ended. */
struct engine_iteration {
    const struct chunk *chunk; /* prefilled; none: decoding alone */
    const uint32_t *decode;    /* sessions that make a token each */
    uint32_t chunks, decodes;
    uint32_t loading; /* the session whose loads its layers wait for, or 0 */
    uint32_t stage;   /* theirs */
    uint64_t repeats; /* decoding alone: so many may follow each other unchanged */
    uint64_t decode_context, decode_window; /* tokens that `decode` attends to, in all; windowed layers */
    struct decode_time decode_time; /* decoding alone: the first of them, as a line that holds for some */
};

enum engine_step {
    ENGINE_NOTHING, /* until something happens */
    ENGINE_START,   /* *iteration begins now */
    ENGINE_CUT      /* of the iterations that repeat, the one that runs is to be the last */
};
/* most_repeats: of an iteration that decodes alone; a driver that makes one at a time says 1. */
enum engine_step engine_step(struct engine *engine, uint64_t now_ns, uint64_t most_repeats,
                             struct engine_iteration *iteration);

/* For a driver that knows that nothing happens before until_ns and that nobody watches: instead of the first
 * engine_step() after engine_iteration_ended(). Iterations of the batch that only decode, and are over before
 * then, begin and end here one after the other, as they would by engine_step(); *ended: how many. Then
 * ENGINE_START: *iteration begins at *now_ns, after the actions; ENGINE_NOTHING: it is *now_ns, and for
 * engine_step() to say what comes. */
enum engine_step engine_decode_on(struct engine *engine, uint64_t until_ns, uint64_t *now_ns,
                                  uint64_t *ended, struct engine_iteration *iteration);

/* ---- what is to be copied and noted ---- */

/* Turns whose KV comes in layer by layer: the one that is prefilled and the one that is prepared.
 */
enum { ENGINE_STAGES = 2 };

enum engine_action_kind {
    ENGINE_PREPARED,  /* the session's turn was given HBM; its loads follow, into `stage` */
    ENGINE_LOAD,      /* to HBM, its first `layers` layers for now */
    ENGINE_ALLOW,     /* the load in this slot may go as far as its first `layers` layers */
    ENGINE_COPY,      /* a transfer of any other kind (copy.kind) */
    ENGINE_DROP,      /* copy.unit's copy in copy.from is gone */
    ENGINE_SHARED,    /* copy.job's KV of copy.unit, copy.id-th of its chain, is a copy in HBM now;
                         only after engine_tell_shares() */
    ENGINE_PREEMPTED, /* copy.job's place in HBM is free, though saves of it may go on */
    ENGINE_RELEASED,  /* copy.job's KV has left HBM */
    ENGINE_LOOK_AT,   /* engine_look() is wanted at time_ns */
    ENGINE_TURN_AT,   /* the session's next turn is asked at time_ns */
    ENGINE_PREFILLED /* the session's turn is to be decoded by another server */
};

struct engine_action {
    enum engine_action_kind kind;
    uint32_t session, slot, stage, layers;
    uint32_t cut_tokens; /* PREPARED: what the session's copies have lost; CUT_ALL */
    uint32_t found_tokens; /* PREPARED: what it reuses of its chain, whole units but for the last */
    uint64_t time_ns;
    struct action copy; /* size_bytes: what crosses the links */
};

/* Layers of a load may all come in before its turn starts: then nothing waits for single ones. */
#define STAGE_NONE UINT32_MAX

/* The next of what is to be done, in the order to do it. false: there is nothing more. */
bool engine_take(struct engine *engine, struct engine_action *action);

/* ---- turns that one server prefills and another decodes ---- */

/* The decoding server takes the turn in if it has a place and HBM for all of it; its KV is then to
 * be sent there. false: not now. */
bool engine_expect(struct engine *decoder, uint64_t now_ns, uint32_t session);
/* The turn's KV, so many bytes, has left this server. */
void engine_handed_over(struct engine *engine, uint64_t now_ns, uint32_t session,
                        uint64_t size_bytes);
/* ... and is in the decoder's HBM. */
void engine_join(struct engine *decoder, uint64_t now_ns, uint32_t session);
/* A turn will come to this server for decoding. */
void engine_announce(struct engine *decoder, uint64_t now_ns, uint32_t session);

/* ---- what it knows ---- */

struct placement *engine_core(const struct engine *engine);
/* From now on ENGINE_SHARED is among the actions: for a driver whose copies in HBM are real. */
void engine_tell_shares(struct engine *engine);
/* From now on ENGINE_DROP is not: for a driver whose copies are not real, where nobody watches. */
void engine_skip_drops(struct engine *engine);
/* Turns that were asked here and have not ended. */
uint32_t engine_turns(const struct engine *engine);
/* Measured turns that have started here. */
uint64_t engine_turns_measured(const struct engine *engine);
/* Bytes of transfers that have ended, since the run began. */
uint64_t engine_moved_bytes(const struct engine *engine, enum link link);
/* Whether some load of the session's turn has not ended. */
bool engine_is_loading(const struct engine *engine, uint32_t session);
/* The run has ended, or is given up: what is measured as time is counted as far as the engine has come. */
void engine_end(struct engine *engine);
/* What placement counted since measuring began, and its tiers' peaks, added to metrics. */
void engine_add_metrics(struct engine *engine, struct metrics *metrics);
/* The same of the first `count` tenants. */
void engine_add_tenant_metrics(const struct engine *engine, struct tenant_result *tenants,
                               uint32_t count);
/* Turns that were asked here and have not started. */
uint32_t engine_waiting(const struct engine *engine);
/* From now on what it does is counted there: the service, or a part of it, whose pool it uses. */
void engine_serve_for(struct engine *engine, struct service *service);
/* Another pool than its service's, that of the whole or of a part. */
void engine_use_pool(struct engine *engine, struct pool *pool);
/* For service_start_measuring(). */
void engine_start_measuring(struct engine *engine);

#endif
