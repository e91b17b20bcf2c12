/* sim/engine.h - the serving engine in virtual time: the state of one run and what its rooms ask of
 * each other. Private to sim/.
 *   engine.c          the clock: events, arrivals, the queue, what the GPUs do next
 *   engine_turns.c    sessions and their turns: contexts, overflow, keys
 *   engine_gpu.c      prefill and decode iterations, saving's stalls
 *   engine_copies.c   the placement core's actions as flows over the links, layer by layer */
#ifndef REPRISE_SIM_ENGINE_H
#define REPRISE_SIM_ENGINE_H

#include "base/ranges.h"
#include "models/models.h"
#include "sim/collector.h"
#include "sim/event_heap.h"
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
    struct timing timing;
    struct placement_config placement;
    double link_bytes_per_s[LINK_COUNT];
    uint64_t link_latency_ns[LINK_COUNT];
    uint64_t kv_bytes_per_token, kv_budget_bytes;
    uint32_t window_tokens;
    uint32_t unit_tokens; /* UINT32_MAX: sessions */
    bool unit_keys;       /* the trace has block keys */
    bool open_loop;
};

enum engine_event {
    ENGINE_ARRIVAL, /* the session read ahead from the trace arrives */
    ENGINE_TURN,    /* a session's user has thought: its next turn is asked */
    ENGINE_GPU,     /* what the GPUs do ends; stale unless its handle is engine.gpu_sequence */
    ENGINE_SAVE     /* the session's prompt KV begins to be saved */
};

/* A session from its arrival to its last reply; its present turn is all that is outstanding. */
struct session {
    uint64_t id;
    uint64_t asked_ns, start_ns, last_token_ns;
    uint32_t turns, turn_count, turn; /* its turns are engine.turns[turns ..] */
    uint32_t keys, key_count;         /* open loop: its block keys are engine.keys[keys ..] */
    uint32_t history_tokens;          /* context before this turn, after truncation */
    uint32_t base_tokens;             /* tokens that truncation has cut off before it, block unit */
    uint32_t generation;              /* of block keys: a new one after an invalidation */
    uint32_t prompt_tokens, reply_tokens, cut_tokens; /* of this turn, clamped to the window */
    uint32_t left_tokens;             /* of the reply, still to be decoded */
    uint32_t job;                     /* the core's handle for this turn */
    uint32_t chain_keys;              /* given to the core so far */
    uint32_t next;                    /* in the queue or among free entries */
    uint64_t number;                  /* turns that started before this one */
    struct placement_hits hits;
    uint32_t passed_over_tokens;      /* found, but in a tier not worth loading from */
    bool save_began;
};

/* A load of the core's that layers of a prefill wait for. */
struct load {
    uint32_t action; /* its id; 0: this entry is free */
    uint32_t session;
    uint32_t links;  /* mask of the links it crosses */
    uint64_t size_bytes;
    uint32_t arrivals; /* which of engine.arrivals its layers come into */
    uint32_t flow;   /* moving now, or 0 */
    uint32_t begun_layers; /* its first layers that are moving or done */
    struct overlap_load progress;
};
#define LOADS_MAX 8 /* two a session; one session prefills and one is prepared */

/* What the engine notes of the core's jobs, by handle. */
struct job_note {
    uint32_t session;        /* while its turn runs; 0 afterwards */
    uint64_t buffered_bytes; /* of the write buffer, until it is released */
    bool holds_place;        /* the write buffer had no room: it keeps its place in the batch */
    bool stalls;             /* synchronous saving: the GPUs wait for its release */
};

enum gpu_state { GPU_IDLE, GPU_PREFILL_LOADING, GPU_PREFILL, GPU_DECODE, GPU_SAVE_STALL };

struct decode_segment {
    uint64_t start_ns, iterations;
    double base_ns, per_token_ns; /* iteration k (from 0) takes base + per_token * (context + k * batch) */
    double context_tokens, batch;
};

struct engine {
    const struct engine_setup *setup;
    struct trace *trace;
    struct placement *core;
    struct links links;
    struct event_heap events;
    struct collector collector;
    uint64_t now_ns;

    struct session *session;
    uint32_t session_capacity, session_high_water, free_session;
    struct ranges turn_ranges, key_ranges;
    struct trace_turn *turns;
    uint64_t *keys;
    uint32_t turns_capacity, keys_capacity;
    uint64_t *scratch_keys; /* a chain being built */
    uint32_t scratch_capacity;

    uint32_t arriving;                 /* read ahead from the trace, or 0 */
    uint32_t queue_head, queue_tail, queue_count;
    uint32_t prepared;                 /* the queue's former head: the core has prepared it; or 0 */
    uint32_t *running, running_count;  /* sessions that decode; room for the batch */
    uint32_t held_places;
    uint64_t write_buffer_used_bytes;
    struct job_note *note;
    uint32_t note_capacity;
    struct load load[LOADS_MAX];

    enum gpu_state gpu;
    uint32_t gpu_sequence;
    uint32_t prefilling;               /* session, in GPU_PREFILL_LOADING and GPU_PREFILL; else 0 */
    uint64_t gpu_since_ns;
    struct prefill_time prefill_time;
    uint64_t prefill_wait_ns;          /* of the present prefill: layers waiting for their KV */
    struct layer_arrivals arrivals[2]; /* when KV comes, of the prefilling and the prepared session */
    uint32_t arrivals_of_prefilling, arrivals_of_prepared;
    struct decode_segment segment;
    uint32_t stalling_prefill;         /* synchronous saving: the job whose prompt KV is waited for */
    uint32_t stalling_jobs;            /* and how many ended ones */

    uint64_t turns_asked, turns_started, turns_done, events_done;
    struct placement_counters counters_at_measure;
    double link_bytes_at_measure[LINK_COUNT];
};

/* engine_turns.c */
/* Reads the trace's next session into engine->arriving and schedules it. */
enum status turns_read_ahead(struct engine *engine, struct error *err);
/* The session's turn is asked now: fits it into the window and tells the core. */
void turns_ask(struct engine *engine, uint32_t session);
/* Block unit: tells the core the keys of blocks that ready_tokens of the context complete. */
void turns_extend_chain(struct engine *engine, uint32_t session, uint32_t ready_tokens);
/* The reply has ended: the next turn is scheduled, or the session forgotten. */
void turns_end(struct engine *engine, uint32_t session);
void turns_free(struct engine *engine);

/* engine_gpu.c */
/* The GPUs are between iterations: starts what comes next. */
void gpu_next(struct engine *engine);
/* Something that could let the queue's head in has changed: the decode segment ends at the iteration
 * that runs now, and an idle GPU looks again. */
void gpu_look_up(struct engine *engine);
void gpu_event(struct engine *engine, uint32_t sequence);
void gpu_save_event(struct engine *engine, uint32_t session);
/* All KV that the prefilling session loads is in HBM or known to come when. */
void gpu_loads_ended(struct engine *engine);
/* Saving of some job has moved on: a stall may be over. */
void gpu_saving_changed(struct engine *engine);

/* engine_copies.c */
/* Begins flows for what the core wants done; handles its releases. Call after each call into it. */
void copies_act(struct engine *engine);
/* The prefill of this session starts: what its read buffer did not hold may load now. */
void copies_start_rest(struct engine *engine, uint32_t session);
/* Notes how far the loads are; call before the links change. */
void copies_note_progress(struct engine *engine);
bool copies_loading(const struct engine *engine, uint32_t session);
/* A flow has ended. */
void copies_flow_ended(struct engine *engine, uint32_t flow_user);

#endif
