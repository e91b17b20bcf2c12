/* runtime/serve_state.h - the state of one run in real time and what its rooms ask of each other. What
 * is served next, placed where and evicted is the engine's (sim/engine/); here is what doing it needs.
 * Private.
 *   serve.c            opening, the loop over what happens, closing
 *   serve_compute.c    the engine's iterations on the device
 *   serve_transfers.c  the engine's copies: their pages, their beginning and end
 *   serve_layers.c     what moves between HBM and DRAM, layer by layer
 *   serve_disk.c       what is asked of the disk */
#ifndef REPRISE_RUNTIME_SERVE_STATE_H
#define REPRISE_RUNTIME_SERVE_STATE_H

#include "base/event_heap.h"
#include "runtime/executor.h"
#include "runtime/pages.h"
#include "runtime/serve.h"
#include "sim/engine/engine.h"

/* A load of a job whose layers a prefill waits for. */
struct job_load {
    uint32_t transfer;       /* index into serve.transfer, + 1; 0: none */
    uint32_t allowed_layers; /* may be queued, as the engine says */
    uint32_t queued_layers;  /* their copies and events are in STREAM_LOAD */
    uint32_t queued_slices;  /* the same of slices, layer after layer */
    bool live;               /* its layers are to be waited for */
    struct backend_event **arrived;
};
enum { LOADS_A_JOB = 2, AFTER_SETS = 8 };

/* Of the turn that is prefilled and the one that is prepared, as the engine numbers them. */
struct stage {
    struct job_load load[LOADS_A_JOB];
};

/* A turn that has HBM, by the core's handle of its job. */
struct job_note {
    uint32_t session, unit;
    uint64_t base; /* of the session at this turn: absolute index of its context's first token */
    struct kv_copy hbm;
    uint32_t stage;
    uint32_t after_set; /* its prefill's events */
    bool prefilling, damaged;
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

/* What the loop waits for besides the device and the disk. */
enum serve_event {
    SERVE_ARRIVAL, /* the session read ahead from the trace arrives */
    SERVE_TURN,    /* a session's user has thought: its next turn is asked */
    SERVE_LOOK     /* the engine wants to look again */
};

enum compute_state { COMPUTE_IDLE, COMPUTE_PREFILL, COMPUTE_DECODE };

/* What the device computes now. */
struct compute {
    enum compute_state state;
    struct engine_iteration iteration;
    uint64_t since_ns, queued_ns; /* it was begun; it was all in the stream */
    uint32_t reused;              /* a prefill: tokens before those that it computes */
    uint32_t launched_layers;
    bool save_began, queued;
    uint32_t after_set;
    struct backend_event **after[AFTER_SETS]; /* prefills' layers */
    struct backend_event *ended;
    uint32_t *tokens;
    struct sequence *sequences;
};

struct serve {
    const struct experiment *experiment;
    const struct serve_config *config;
    struct serve_report *report;
    struct engine_setup setup;
    struct service service;
    struct engine *engine; /* the service's only one */
    uint32_t page_tokens;
    uint64_t slice_bytes, page_bytes;

    const struct backend *backend;
    struct device *device;
    struct executor *executor;
    struct ssd *ssd;
    uint32_t ssd_depth;
    struct event_heap events;
    struct trace *trace;
    struct error err;                    /* the first failure within the loop */
    uint64_t origin_ns, now_ns, tell_ns; /* tell_ns: when progress is told next */

    struct page_pool pool[TIER_COUNT];
    char *memory[TIER_COUNT]; /* HBM, DRAM */
    uint64_t *checksum;       /* [SSD page][layer] */
    struct kv_copy (*unit)[TIER_COUNT];
    uint32_t unit_capacity;

    struct job_note *note;
    uint32_t note_capacity;
    struct transfer_work *transfer;
    uint32_t transfer_capacity, transfers_live;
    struct copying copying[STREAM_COUNT];
    bool disk_changed; /* who may ask how much of the disk: not looked at yet */
    struct copy *copies;
    uint32_t copies_capacity;
    struct stage stage[ENGINE_STAGES];
    struct compute compute;
    struct iteration_log log;
};

static inline struct session *session_at(const struct serve *serve, uint32_t handle)
{
    return &serve->service.sessions.item[handle];
}

static inline struct job_note *note_of(const struct serve *serve, const struct session *session)
{
    return &serve->note[session->job];
}

static inline uint32_t layers_of(const struct serve *serve)
{
    return serve->setup.model.layers;
}

/* serve.c */
uint64_t serve_now_ns(const struct serve *serve);
void serve_fail(struct serve *serve, const char *what, const char *reason);
/* Does what the engine wants copied and noted. */
void serve_act(struct serve *serve);
/* Something was told to the engine: does what it says is next. */
void serve_go_on(struct serve *serve);

/* serve_compute.c */
void compute_start(struct serve *serve, const struct engine_iteration *iteration);
/* Takes in what has happened on STREAM_COMPUTE. true: something has. */
bool compute_poll(struct serve *serve);

/* serve_transfers.c */
/* The session's turn was given HBM. */
void transfers_prepare(struct serve *serve, const struct engine_action *action);
void transfers_begin(struct serve *serve, const struct engine_action *action);
/* The load may go as far as its first action->layers layers. */
void transfers_allow(struct serve *serve, const struct engine_action *action);
void transfers_drop(struct serve *serve, uint32_t unit, enum tier tier);
void transfers_release(struct serve *serve, uint32_t job);
/* Takes in what has ended. true: something has. */
bool transfers_poll(struct serve *serve);
/* DRAM pages of the job's unit whose KV is bad are written again from HBM. */
void transfers_repair(struct serve *serve, const struct job_note *note);

/* serve_layers.c */
char *layers_slice(const struct serve *serve, enum tier tier, uint32_t page, uint32_t layer);
/* Rows of the page at move->index that tokens [begin, end) lie in. */
void layers_set_rows(const struct serve *serve, struct page_move *move, uint64_t begin,
                     uint64_t end);
/* The job's load that the transfer makes. */
struct job_load *layers_load_of(struct serve *serve, uint32_t transfer);
/* Queues copies of what may come in by now of the stage's loads, but at most their first `layers`
 * layers. */
void layers_queue_loads(struct serve *serve, uint32_t stage, uint32_t layers);
/* Of a load from SSD: slices that the disk has answered. */
void layers_queue_read(struct serve *serve, uint32_t transfer);
/* Queues a save, each layer behind its computation. */
void layers_queue_save(struct serve *serve, struct transfer_work *work,
                       const struct job_note *note);
/* Marks the transfers whose copies have been made. */
void layers_note_copied(struct serve *serve);

/* serve_disk.c */
/* Asks for what may be asked now, if anything has changed: of all transfers, since each one's share
 * depends on the others. */
void disk_pump(struct serve *serve);
/* Takes in what the disk has answered. true: something. */
bool disk_poll(struct serve *serve);
/* From DRAM to SSD, whether DRAM keeps it or not. */
bool disk_goes_down(const struct transfer_work *work);

#endif
