/* runtime/serve_state.h - the state of one run and what its rooms ask of each other. Private.
 *   serve.c            opening, the loop over what happens, closing
 *   serve_turns.c      sessions, their turns and tokens
 *   serve_compute.c    prefill and decode iterations
 *   serve_transfers.c  the core's actions as copies and disk requests */
#ifndef REPRISE_RUNTIME_SERVE_STATE_H
#define REPRISE_RUNTIME_SERVE_STATE_H

#include "base/event_heap.h"
#include "runtime/executor.h"
#include "runtime/pages.h"
#include "runtime/serve.h"
#include "sim/engine/collector.h"
#include "sim/placement/placement.h"

struct serve_turn_session {
    uint64_t id, asked_ns, start_ns, first_token_ns, last_token_ns, number;
    struct trace_turn *turns;
    uint32_t turn_count, turn;
    uint32_t history_tokens, prompt_tokens, reply_tokens, cut_tokens, left_tokens;
    uint64_t base; /* tokens cut off so far: the absolute index of the context's first */
    uint32_t job, next, passed_over_tokens;
    struct placement_hits hits;
    uint64_t wait_ns;
};

/* A load of a job whose layers a prefill waits for. */
struct job_load {
    uint32_t transfer;       /* index into serve.transfer, + 1; 0: none */
    uint32_t allowed_layers; /* may be queued: those of the read buffer, or all */
    uint32_t queued_layers;  /* their copies and events are in STREAM_LOAD */
    uint32_t queued_slices;  /* the same of slices, layer after layer */
    bool live;               /* its layers are to be waited for */
    struct backend_event **arrived;
};
enum { LOADS_A_JOB = 2, STAGES = 2, AFTER_SETS = 8 };

/* Of the job that is prefilled and the one that is prepared, in turns. */
struct stage {
    struct job_load load[LOADS_A_JOB];
};

struct job_note {
    uint32_t session; /* while its turn runs, + 1; 0 afterwards */
    uint32_t unit;
    uint64_t base; /* of the session at this turn */
    struct kv_copy hbm;
    uint32_t stage;
    uint32_t ready_tokens; /* of the context, told to the core */
    uint32_t after_set;    /* its prefill's events */
    bool prefilling, damaged, holds_place, stalls;
    uint64_t buffered_bytes;
};

/* One page of a transfer. */
struct page_move {
    uint32_t from, to, staged; /* staged: the DRAM page between SSD and HBM */
    uint32_t row, rows;        /* those of it that move (between HBM and DRAM) */
    uint64_t index;            /* absolute */
};

struct transfer_part {
    uint32_t unit;
    uint64_t end; /* absolute: what the copy will reach */
};

struct transfer_work {
    bool live, staged_writes;
    struct action action;
    struct page_move *page;
    uint32_t page_count, page_capacity;
    struct transfer_part *part;
    uint32_t part_count, part_capacity;
    uint32_t asked, answered; /* disk requests */
    bool *here;               /* a load from SSD: slices that have been answered, by number */
    uint32_t here_count, here_capacity; /* count: all before it have */
    struct backend_event *done;
    bool done_queued, copied; /* copied: done has happened */
    uint32_t next_copying;    /* index + 1 in its stream's queue; 0: the last */
};

/* Transfers whose copies are all queued on a stream, in the order of the stream: only the first can
 * be the next to end, so that one event is asked for, however many transfers are out. */
struct copying {
    uint32_t first, last; /* index + 1; 0: none */
};

enum compute_state { COMPUTE_IDLE, COMPUTE_PREFILL, COMPUTE_DECODE, COMPUTE_SAVE_STALL };

struct serve {
    const struct experiment *experiment;
    const struct serve_config *config;
    struct serve_report *report;
    struct model model;
    struct hardware hardware;
    struct timing timing;
    struct placement_config placement;
    uint64_t kv_bytes_per_token, kv_budget_bytes;
    uint32_t window_tokens, page_tokens;
    uint64_t slice_bytes, page_bytes;

    const struct backend *backend;
    struct device *device;
    struct executor *executor;
    struct ssd *ssd;
    uint32_t ssd_depth;
    struct placement *core;
    struct collector collector;
    struct event_heap events;
    struct trace *trace;
    struct error err;                    /* the first failure within the loop */
    uint64_t origin_ns, now_ns, tell_ns; /* tell_ns: when progress is told next */

    struct page_pool pool[TIER_COUNT];
    char *memory[TIER_COUNT]; /* HBM, DRAM */
    uint64_t *checksum;       /* [SSD page][layer] */
    struct kv_copy (*unit)[TIER_COUNT];
    uint32_t unit_capacity;

    struct serve_turn_session *session;
    uint32_t session_capacity, session_high_water, free_session;
    uint32_t arriving, queue_head, queue_tail, queue_count;
    struct job_note *note;
    uint32_t note_capacity;
    struct transfer_work *transfer;
    uint32_t transfer_capacity, transfers_live;
    struct copying copying[STREAM_COUNT];
    bool disk_changed; /* who may ask how much of the disk: not looked at yet */
    struct copy *copies;
    uint32_t copies_capacity;

    enum compute_state compute;
    uint64_t since_ns;
    uint32_t prepared, prefilling; /* sessions + 1 */
    uint32_t launched_layers, reused;
    bool save_began, iteration_queued;
    uint32_t stage_of_prepared;
    struct stage stage[STAGES];
    struct backend_event **after[AFTER_SETS];
    uint32_t after_set;
    struct backend_event *iteration;
    uint32_t *running, running_count, held_places, stalling_jobs, stalling_prefill;
    uint64_t write_buffer_used_bytes;
    uint32_t *tokens;

    struct iteration_log log;
    uint64_t queued_ns; /* the present iteration was all in the stream */

    uint64_t turns_asked, turns_started, turns_done;
    struct placement_counters counters_at_measure;
    double moved_bytes[4],
        moved_at_measure[4]; /* SSD read, SSD write, H2D, D2H, as the core counts */
};

enum moved { MOVED_SSD_READ, MOVED_SSD_WRITE, MOVED_H2D, MOVED_D2H };

/* serve.c */
uint64_t serve_now_ns(const struct serve *serve);
void serve_fail(struct serve *serve, const char *what, const char *reason);

/* serve_turns.c */
enum { SERVE_ARRIVAL, SERVE_TURN };
enum status turns_read_next(struct serve *serve, struct error *err);
void turns_ask_next(struct serve *serve, uint32_t session);
void turns_ended(struct serve *serve, uint32_t session);
uint32_t turns_token(const struct serve *serve, const struct serve_turn_session *session,
                     uint64_t index);

/* serve_compute.c */
void compute_look(struct serve *serve);
/* Takes in what has happened on STREAM_COMPUTE. true: something has. */
bool compute_poll(struct serve *serve);
void compute_saving_changed(struct serve *serve);

/* serve_transfers.c */
void transfers_act(struct serve *serve);
bool transfers_poll(struct serve *serve);
/* Queues what the job's loads may now move. */
void transfers_allow(struct serve *serve, uint32_t job, uint32_t layers);
/* A copy of the unit in the tier, after the core cut or dropped it. */
void transfers_follow_cut(struct serve *serve, uint32_t unit, uint64_t cut);
/* DRAM pages of the job's unit whose KV is bad are written again from HBM. */
void transfers_repair(struct serve *serve, uint32_t job);
struct kv_copy *transfers_copy(struct serve *serve, uint32_t unit, enum tier tier);

#endif
