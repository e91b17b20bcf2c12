/* sim/engine/state.h - the state of one engine and what its rooms ask of each other. Private to
 * sim/engine/; engine.h lists the rooms. */
#ifndef REPRISE_SIM_ENGINE_STATE_H
#define REPRISE_SIM_ENGINE_STATE_H

#include "sim/engine/engine.h"
#include "sim/engine/moved.h"

/* A load of the core's that a prefill waits for. */
struct load {
    uint32_t transfer; /* its id; 0: this entry is free */
    uint32_t session;
    uint32_t stage;
    uint32_t layers; /* that may come in so far */
};

/* What the engine notes of the core's jobs, by handle. */
struct job_note {
    uint32_t session;        /* while its turn runs; 0 afterwards */
    uint64_t turn;           /* its number (session.asked), until it is released */
    uint64_t buffered_bytes; /* of the write buffer, until it is released */
    bool holds_place;        /* the write buffer had no room: it keeps its place in the batch */
    bool stalls;             /* synchronous saving: the GPUs wait for its release */
    bool writes_state;       /* its next save replaces the session's snapshot of the state */
};

/* For who watches: when a transfer began, and whose it is. */
struct begun {
    uint64_t time_ns, turn;
};

/* Handles of sessions in order; room for all that can be in it is there from the start. */
struct handles {
    uint32_t *item, count;
};

enum gpus { GPUS_IDLE, GPUS_BUSY, GPUS_STALLED };

/* What the next engine_step() has to see to, in this order. */
enum pending {
    PENDING_AHEAD = 1, /* an iteration has begun: prepare the next turn */
    PENDING_STALL = 2, /* saving has moved on: a stall may be over */
    PENDING_NEXT = 4,  /* the GPUs are between iterations */
    PENDING_LOOK = 8   /* a turn may be let in */
};

struct engine {
    struct service *service;
    const struct engine_setup *setup;
    uint32_t index;
    uint64_t now_ns; /* of the driver's last call */
    struct placement *core;

    uint32_t queue_head, queue_tail; /* turns that wait, linked by session.next */
    struct handles prepared;         /* their loads have begun; paper: one at most */
    struct handles prefilling;       /* started, and not all of their context is ready */
    struct handles running;          /* decode */
    struct handles joining;          /* handed over: decode from the next iteration on */
    uint32_t completed;              /* of the running: replies that are whole, for ends_completed() */
    uint32_t held_places;
    uint32_t expected;   /* turns on their way here for decoding */
    uint32_t turns_here; /* asked here and not ended */
    uint64_t write_buffer_used_bytes;
    struct job_note *note;
    uint32_t note_capacity;
    struct load *load;
    uint32_t loads, loads_used; /* entries; those in use are among the first loads_used */
    uint32_t loading;           /* in use */

    enum gpus gpus;
    unsigned pending;
    uint64_t gpus_since_ns;
    uint64_t ended_ns, last_start_ns; /* when the driver told of the last iteration's end; its start */
    bool held_back; /* someone who waits was late for the iteration that was composed last */
    struct engine_iteration iteration;
    uint32_t least_left; /* tokens of a reply that decodes in it, at least */
    struct chunk *chunk;
    uint32_t stage_of_prefilling, stage_of_prepared;
    struct handles stalling_prefills; /* synchronous saving: jobs whose prompt KV is waited for */
    uint32_t stalling_jobs;           /* and how many ended ones */
    bool waits_for_room;              /* replies grow, and HBM is being freed for them */

    uint32_t waiting; /* asked here and not started */
    enum wait_cause wait_cause; /* theirs, since then */
    uint64_t wait_since_ns;
    uint64_t waited_ns[WAIT_COUNT]; /* for so long somebody waited, by why */
    bool waits_for_kv; /* the next turn was not prepared, since KV is on its way */

    struct engine_action *action; /* for the driver: action[actions_taken .. actions) */
    uint32_t actions_taken, actions, action_capacity;
    bool undrained; /* the core may have some that are not in it yet */

    struct action *moving;        /* transfers that have not ended, by their id */
    uint32_t moving_capacity;
    struct begun *begun;          /* the same ones', where somebody watches */
    struct watch_chunk *watch_chunk;
    uint32_t begun_capacity, watch_chunks;
    struct moved moved, moved_at_measure;
    struct placement_counters counters_at_measure;
    uint64_t turns_measured;
};

static inline struct session *session_of(const struct engine *engine, uint32_t handle)
{
    return &engine->service->sessions.item[handle];
}

static inline const struct experiment *experiment_of(const struct engine *engine)
{
    return engine->setup->experiment;
}

static inline struct collector *collector_of(const struct engine *engine)
{
    return &engine->service->collector;
}

static inline bool is_chunked(const struct engine *engine)
{
    return experiment_chunks(experiment_of(engine));
}

static inline bool saves_synchronously(const struct engine *engine)
{
    return experiment_of(engine)->saving == SAVING_SYNCHRONOUS;
}

static inline bool loads_in_background(const struct engine *engine)
{
    return experiment_of(engine)->preloading == PRELOAD_BACKGROUND;
}

/* What the core does now is for the session's turn. */
static inline void on_behalf_of(struct engine *engine, uint32_t handle)
{
    placement_on_behalf(engine->core, session_of(engine, handle)->asked);
}

static inline void handles_add(struct handles *handles, uint32_t handle)
{
    handles->item[handles->count++] = handle;
}
void handles_remove(struct handles *handles, uint32_t at); /* the others keep their order */

/* engine.c */
/* So many turns more (or fewer) are here; the router knows at once. */
void engine_add_turns(struct engine *engine, int turns);
/* The job is the session's turn from now on. */
void engine_note_job(struct engine *engine, uint32_t job, uint32_t session);
/* What of its job may be saved and found, which depends on its prompt. */
void engine_limit_job(struct engine *engine, const struct session *session);

/* queue.c */
void queue_push(struct engine *engine, uint32_t session);
/* In front of all: it has waited already. */
void queue_push_front(struct engine *engine, uint32_t session);
/* With look-ahead loading: prepares turns while others compute. */
void queue_prepare_ahead(struct engine *engine);
/* The next turn that can start, taken out; 0: none can. */
uint32_t queue_take(struct engine *engine);
/* Whether queue_take() may find one, of those who were here by then. */
bool queue_may_start(const struct engine *engine, uint64_t by_ns);

/* waiting.c */
/* So many turns more (or fewer) wait here from now on. */
void waiting_add(struct engine *engine, int turns);
/* All is done that can be done now: why the others wait may have changed. */
void waiting_look(struct engine *engine);
/* Their waiting is counted as far as the engine has come. */
void waiting_count(struct engine *engine);

/* batch.c */
bool batch_place_left(const struct engine *engine);
/* What the GPUs begin, if they are idle. */
enum engine_step batch_next(struct engine *engine, uint64_t most_repeats);
/* engine_decode_on()'s iterations. */
enum engine_step batch_decode_on(struct engine *engine, uint64_t until_ns, uint64_t *ended);
/* A stall is over: the GPUs are idle. */
void batch_end_stall(struct engine *engine);
/* Decoding repeats, and somebody could be let in behind the iteration that runs. */
bool batch_wants_cut(const struct engine *engine);

/* room.c */
/* Context for which a turn is given HBM when it is prepared. */
uint32_t room_at_start(const struct engine *engine, const struct session *session);
/* HBM for the next token of each turn that decodes, taken from the latest ones if need be. Returns
 * whether a turn was preempted. Sets engine->waits_for_room if idle KV is being written back to
 * make it: then the GPUs wait (SGLang's write_back evicts so). */
bool room_for_next_tokens(struct engine *engine);
/* The same where nobody need lose his for it. false: somebody must, or something be waited for; ask
 * room_for_next_tokens(). */
bool room_grow(struct engine *engine);
/* HBM for up to `iterations` more tokens of each; returns for how many there is, at least 1. */
uint64_t room_for_repeats(struct engine *engine, uint64_t iterations);
/* Whether there is HBM for no iteration but one, however many are asked for. */
bool room_is_for_one(const struct engine *engine);
/* Fewer were made: gives back what they did not need. */
void room_give_back(struct engine *engine);

/* ends.c */
void ends_save(struct engine *engine, uint32_t session, uint32_t ready_tokens);
/* The session's context is ready and its next token was out at end_ns. */
void ends_prefill(struct engine *engine, uint32_t session, uint64_t end_ns);
/* Turns whose reply is complete leave the batch; the others keep their order. */
void ends_completed(struct engine *engine, uint64_t end_ns);
/* The job's KV is needed here no more; what is not saved yet waits in the write buffer. */
void ends_job(struct engine *engine, uint32_t job);

/* loads.c */
/* Something for the driver to do, for the caller to fill in before it adds another. */
struct engine_action *actions_add(struct engine *engine, enum engine_action_kind kind);
/* Takes in what the core wants done. Call after each call into it. */
void actions_drain(struct engine *engine);
/* A transfer that was a load has ended, or another. */
void loads_ended(struct engine *engine, uint32_t transfer);
/* The prefill of this session starts: what its read buffer did not hold may load now. */
void loads_start_rest(struct engine *engine, uint32_t session);

#endif
