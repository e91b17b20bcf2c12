/* sim/engine.h - serving in virtual time: the state of one run and what its rooms ask of each
 * other. A cluster is one clock, one trace and one or several engines; an engine is a server: its
 * GPUs, its tiers with their placement core, its links. Private to sim/. cluster.c          the
 * clock: events, arrivals; what a run's counts come to engine_turns.c     sessions and their turns:
 * contexts, overflow, keys router.c           which server a turn goes to engine_queue.c     turns
 * that wait: who is next, preparing what they reuse engine_gpu.c       iterations: prefills,
 * chunks, decoding in closed form; saving's stalls engine_room.c      HBM that grows with replies,
 * and whom it costs their place engine_ends.c      ends of prefills and turns: what is counted,
 * saved, freed engine_copies.c    the placement core's actions as flows over the links, layer by
 * layer engine_handover.c  a prefilled turn's KV on its way to the server that decodes it */
#ifndef REPRISE_SIM_ENGINE_H
#define REPRISE_SIM_ENGINE_H

#include "base/event_heap.h"
#include "base/ranges.h"
#include "models/models.h"
#include "sim/engine/collector.h"
#include "sim/engine/kv_layout.h"
#include "sim/links.h"
#include "sim/overlap.h"
#include "sim/placement/placement.h"
#include "sim/sim.h"
#include "traces/traces.h"

/* What was derived from the experiment's names and files before the clock starts. */
struct engine_setup {
    const struct experiment *experiment;
    struct model model;
    struct hardware hardware;
    struct drive drive;
    struct timing timing;
    struct placement_config placement;
    double link_bytes_per_s[LINK_COUNT];
    double both_bytes_per_s[PAIR_COUNT]; /* a pair of links together; 0: no such bound */
    uint64_t link_latency_ns[LINK_COUNT];
    struct kv_layout kv;
    uint64_t kv_budget_bytes;
    uint64_t remote_bytes; /* 0: no pool */
    uint32_t window_tokens;
    uint32_t unit_tokens; /* UINT32_MAX: sessions */
    bool unit_keys;       /* the trace has block keys */
    bool open_loop;
};

enum engine_event {
    ENGINE_ARRIVAL, /* the session read ahead from the trace arrives */
    ENGINE_TURN,    /* a session's user has thought: its next turn is asked */
    ENGINE_GPU,     /* what the GPUs do ends; stale unless its handle is engine.gpu_sequence */
    ENGINE_SAVE,    /* the session's prompt KV begins to be saved */
    ENGINE_LOOK     /* a turn has waited long enough for its fetch */
};

/* A session from its arrival to its last reply; its present turn is all that is outstanding. */
struct session {
    uint64_t id;
    uint64_t asked_ns, start_ns, last_token_ns, first_token_ns;
    uint32_t turns, turn_count, turn; /* its turns are cluster.turns[turns ..] */
    uint32_t keys, key_count;         /* open loop: its block keys are cluster.keys[keys ..] */
    uint32_t history_tokens;          /* context before this turn, after truncation */
    uint32_t base_tokens;             /* tokens that truncation has cut off before it */
    uint32_t generation;              /* invalidations so far: block keys are new after one */
    uint32_t seen; /* cluster.seen[seen ..]: what each server knows of its cuts */
    uint32_t prompt_tokens, reply_tokens, cut_tokens; /* of this turn, clamped to the window */
    uint32_t kv_cut;         /* session unit: what its server's copies lose first; CUT_ALL */
    uint32_t left_tokens;    /* of the reply, still to be made */
    uint32_t prefill_tokens; /* context that must be in HBM before the next token */
    uint32_t ready_tokens;   /* of it: loaded or computed */
    uint32_t booked_tokens;  /* of context, for which it has HBM */
    uint32_t server, job;    /* where it is prefilled, and the core's handle there */
    uint32_t decode_server, decode_job; /* where it is decoded, if elsewhere */
    uint32_t chain_keys;                /* given to the core so far */
    uint32_t next;                      /* in a queue or among free entries */
    uint64_t look_ns;                   /* when its ENGINE_LOOK is due, or was */
    uint64_t number;                    /* turns that started before this one */
    struct placement_hits hits;
    uint32_t passed_over_tokens; /* found, but in a tier not worth loading from */
    bool urgent;                 /* engine.order: priority */
    bool started;                /* this turn's first prefill has begun */
};

/* How much of a session's truncation a server's copies have been told of. */
struct seen {
    uint32_t base_tokens, generation;
};

/* A load of the core's that a prefill waits for. */
#define ARRIVALS_NONE UINT32_MAX
struct load {
    uint32_t action; /* its id; 0: this entry is free */
    uint32_t session;
    uint32_t links; /* mask of the links it crosses */
    uint64_t size_bytes;
    uint32_t arrivals;     /* which of engine.arrivals its layers come into, or ARRIVALS_NONE */
    uint32_t flow;         /* moving now, or 0 */
    uint32_t begun_layers; /* its first layers that are moving or done */
    struct overlap_load progress;
};

/* What the engine notes of the core's jobs, by handle. */
struct job_note {
    uint32_t session;        /* while its turn runs; 0 afterwards */
    uint64_t buffered_bytes; /* of the write buffer, until it is released */
    bool holds_place;        /* the write buffer had no room: it keeps its place in the batch */
    bool stalls;             /* synchronous saving: the GPUs wait for its release */
    bool writes_state;       /* its next save replaces the session's snapshot of the state */
};

enum gpu_state { GPU_IDLE, GPU_LOADING, GPU_ITERATION, GPU_DECODE, GPU_SAVE_STALL };

/* Part of a turn's prefill that one iteration computes. */
struct chunk {
    uint32_t session, tokens;
};

/* An iteration that prefills; with chunked scheduling the batch decodes in it too. */
struct iteration {
    uint64_t start_ns, wait_ns; /* wait: layers waiting for their KV */
    uint64_t decode_ns;         /* what decoding alone would have taken */
    uint32_t chunks, decodes;
    uint32_t loading; /* the session whose loads its layers wait for, or 0 */
};

struct decode_segment {
    uint64_t start_ns, iterations;
    /* Iteration k (from 0) takes base + per_token * (context + k * batch), and for windowed layers
     * + window_token * (window + k * those whose window grows). */
    double base_ns, per_token_ns, window_token_ns;
    double context_tokens, batch, window_tokens, window_batch;
};

/* Handles of sessions in order; room for all that can be in it is there from the start. */
struct handles {
    uint32_t *item, count;
};

struct cluster;

struct engine {
    struct cluster *cluster;
    const struct engine_setup *setup;
    uint32_t index;
    struct placement *core;
    struct links links;

    uint32_t queue_head, queue_tail; /* turns that wait, linked by session.next */
    struct handles prepared;         /* their loads have begun; paper: one at most */
    struct handles prefilling;       /* started, and not all of their context is ready */
    struct handles running;          /* decode */
    struct handles joining;          /* handed over: decode from the next iteration on */
    uint32_t held_places;
    uint32_t turns_here;                              /* asked here and not ended, for the router */
    uint32_t handover_head, handover_tail, handovers; /* turns to come for decoding; moving now */
    uint64_t write_buffer_used_bytes;
    struct job_note *note;
    uint32_t note_capacity;
    struct load *load;
    uint32_t loads, loads_used; /* entries; those in use are among the first loads_used */
    uint32_t loading;           /* in use */

    enum gpu_state gpu;
    uint32_t gpu_sequence;
    uint64_t gpu_since_ns;
    struct iteration iteration;
    struct chunk *chunk;
    struct layer_arrivals
        arrivals[2]; /* when KV comes, of the prefilling and the prepared session */
    uint32_t arrivals_of_prefilling, arrivals_of_prepared;
    struct decode_segment segment;
    struct handles stalling_prefills; /* synchronous saving: jobs whose prompt KV is waited for */
    uint32_t stalling_jobs;           /* and how many ended ones */
    bool waits_for_room;              /* replies grow, and HBM is being freed for them */

    struct placement_counters counters_at_measure;
    double link_bytes_at_measure[LINK_COUNT];
    uint64_t turns_at_measure, turns_routed;
};

struct cluster {
    const struct engine_setup *setup;
    struct trace *trace;
    struct event_heap events;
    struct collector collector;
    uint64_t now_ns;
    struct engine *engine;
    uint32_t engines;
    uint32_t prefill_engines; /* the first ones take turns; if fewer than all, the others decode */
    uint32_t next_server;     /* round robin */
    struct pool *pool;        /* the remote tier, or NULL */
    struct pool_counters pool_at_measure;

    struct session *session;
    uint32_t session_capacity, session_high_water, free_session;
    struct ranges turn_ranges, key_ranges, seen_ranges;
    struct trace_turn *turns;
    uint64_t *keys;
    struct seen *seen;
    uint32_t turns_capacity, keys_capacity, seen_capacity;
    uint64_t *scratch_keys; /* a chain being built */
    uint32_t scratch_capacity;
    uint32_t arriving; /* read ahead from the trace, or 0 */

    uint32_t waiting; /* turns asked whose prefill has not begun */
    uint64_t turns_asked, turns_started, turns_done, events_done;
};

static inline struct session *session_of(const struct engine *engine, uint32_t handle)
{
    return &engine->cluster->session[handle];
}

static inline uint64_t now_of(const struct engine *engine)
{
    return engine->cluster->now_ns;
}

static inline bool is_chunked(const struct engine *engine)
{
    return engine->setup->experiment->scheduling == SCHEDULE_CHUNKED;
}

/* Tokens of the turn whose place in the context is known by now. */
static inline uint32_t context_now(const struct session *session)
{
    return session->history_tokens + session->prompt_tokens + session->reply_tokens -
           session->left_tokens;
}

/* A state cannot be taken back to before what was cut off: it is as if all KV were invalidated. */
static inline bool is_invalidating(const struct engine_setup *setup)
{
    return setup->experiment->overflow == OVERFLOW_INVALIDATE || setup->model.state_layers > 0;
}

/* Where a turn's KV may lie. */
static inline enum tier slowest_tier(const struct engine *engine)
{
    return engine->cluster->pool != NULL ? TIER_REMOTE : TIER_SSD;
}

static inline void handles_add(struct handles *handles, uint32_t handle)
{
    handles->item[handles->count++] = handle;
}
void handles_remove(struct handles *handles, uint32_t at); /* the others keep their order */

/* cluster.c */
void cluster_schedule(struct engine *engine, uint64_t time_ns, enum engine_event kind,
                      uint32_t handle);
/* The first measured turn starts now: all counts are of what follows. */
void cluster_start_measuring(struct cluster *cluster);

/* engine_turns.c */
/* Reads the trace's next session into cluster->arriving and schedules it. */
enum status turns_read_ahead(struct cluster *cluster, struct error *err);
/* The session's turn is asked now: fits it into the window, routes it, tells that server's core.
 * Returns the server. */
struct engine *turns_ask(struct cluster *cluster, uint32_t session);
/* Block unit: tells the core the keys of blocks that ready_tokens of the context complete. */
void turns_extend_chain(struct engine *engine, uint32_t session, uint32_t ready_tokens);
/* The reply has ended: the next turn is scheduled, or the session forgotten. */
void turns_end(struct cluster *cluster, uint32_t session);
void turns_free(struct cluster *cluster);

/* router.c */
/* The server that the session's turn goes to; its chain is count keys, context_tokens long. */
uint32_t router_pick(struct cluster *cluster, const struct session *session, const uint64_t *keys,
                     uint32_t count, uint32_t context_tokens);
/* Of the servers that decode, the one with the fewest turns. */
uint32_t router_pick_decoder(const struct cluster *cluster);

/* engine_queue.c */
void queue_push(struct engine *engine, uint32_t session);
/* In front of all: it has waited already. */
void queue_push_front(struct engine *engine, uint32_t session);
/* With look-ahead loading: prepares turns while others compute. */
void queue_prepare_ahead(struct engine *engine);
/* The next turn that can start, taken out; 0: none can. */
uint32_t queue_take(struct engine *engine);
/* Whether queue_take() may find one. */
bool queue_may_start(const struct engine *engine);

/* engine_gpu.c */
/* The GPUs are between iterations: starts what comes next. */
void gpu_next(struct engine *engine);
/* Something that could let a turn in has changed: the decode segment ends at the iteration that
 * runs now, and an idle GPU looks again. */
void gpu_look_up(struct engine *engine);
void gpu_event(struct engine *engine, uint32_t sequence);
/* All KV that the iteration loads is in HBM or known to come when. */
void gpu_loads_ended(struct engine *engine);
/* Saving of some job has moved on: a stall may be over. */
void gpu_saving_changed(struct engine *engine);
bool gpu_place_left(const struct engine *engine);

/* engine_room.c */
/* Context for which a turn is given HBM when it is prepared. */
uint32_t room_at_start(const struct engine *engine, const struct session *session);
/* HBM for the next token of each turn that decodes, taken from the latest ones if need be. Returns
 * whether a turn was pushed out. Sets engine->waits_for_room if idle KV is being written back to
 * make it: then the GPUs wait (SGLang's write_back evicts so). */
bool room_for_next_tokens(struct engine *engine);
/* HBM for up to `iterations` more tokens of each; returns for how many there is, at least 1. */
uint64_t room_for_segment(struct engine *engine, uint64_t iterations);
/* The segment ended after fewer: gives back what it did not need. */
void room_give_back(struct engine *engine);

/* engine_ends.c */
void ends_save(struct engine *engine, uint32_t session, uint32_t ready_tokens);
/* The session's context is ready and its next token is out. */
void ends_prefill(struct engine *engine, uint32_t session);
/* Turns whose reply is complete leave the batch; the others keep their order. */
void ends_completed(struct engine *engine);
/* The job's KV is needed here no more; what is not saved yet waits in the write buffer. */
void ends_job(struct engine *engine, uint32_t job);
uint32_t ends_reused_tokens(const struct session *session);

/* engine_copies.c */
/* Begins flows for what the core wants done; handles its releases. Call after each call into it. */
void copies_act(struct engine *engine);
/* The prefill of this session starts: what its read buffer did not hold may load now. */
void copies_start_rest(struct engine *engine, uint32_t session);
/* Notes how far the loads are; call before the links change. */
void copies_note_progress(struct engine *engine);
bool copies_loading(const struct engine *engine, uint32_t session);
/* Sends the session's context to the server that decodes it. */
void copies_hand_over(struct engine *engine, uint32_t session, uint64_t size_bytes);
/* A flow has ended. */
void copies_flow_ended(struct engine *engine, uint32_t flow_user);

/* engine_handover.c */
/* The prefilled turn goes to another server for decoding, as soon as that one has room. */
void handover_begin(struct engine *engine, uint32_t session);
/* A place or HBM may be free here: takes in turns that wait for it. */
void handover_take(struct engine *engine);
void handover_ended(struct engine *engine, uint32_t session);

#endif
