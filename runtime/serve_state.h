/* runtime/serve_state.h - the state of one run in real time, its servers, and what its rooms ask of each
 * other. What is served next, placed where and evicted is the engine's (sim/engine/); here is what doing it needs.
 * Private.
 *   serve.c             the loop over what happens, what the engine says is done
 *   serve_check.c       an experiment's numbers, what of them can be done, pages
 *   serve_open.c        memory, devices, disks
 *   serve_books.c       what is known while it runs
 *   serve_compute.c     the engine's iterations on the device
 *   serve_iterations.c  each beside what timing says of it
 *   serve_tokens.c      which tokens a context has
 *   serve_pages.c       which pages jobs and units have in HBM: shared, copied, cut, given up
 *   serve_transfers.c   the engine's copies: their beginning and end
 *   serve_moves.c       which pages a transfer moves
 *   serve_layers.c      what moves between HBM and DRAM, layer by layer
 *   serve_disk.c        what is asked of the disk and of the pool
 *
 * Places. Units are what the core's books count: a session, or a block of its chain. A unit's copy
 * has pages of its own numbering: a block's count from its first token, a session's from the
 * session's first ever, so that truncation changes none. A job's pages in HBM count as its units'
 * do, one unit after the other: the first token of its context is at note->origin, which is 0 where
 * units are blocks. */
#ifndef REPRISE_RUNTIME_SERVE_STATE_H
#define REPRISE_RUNTIME_SERVE_STATE_H

#include "base/event_heap.h"
#include "runtime/executor.h"
#include "runtime/pages.h"
#include "runtime/remote.h"
#include "runtime/serve.h"
#include "sim/engine/engine.h"

/* A load of a job whose layers a prefill waits for. */
struct job_load {
    uint32_t transfer;       /* index into serve.transfer, + 1; 0: it has ended */
    uint32_t allowed_layers; /* may be queued, as the engine says */
    uint32_t queued_layers;  /* their copies and events are in STREAM_LOAD */
    uint32_t queued_slices;  /* the same of slices, layer after layer */
    bool used;
    struct backend_event **arrived; /* by layer; made when first used */
};
enum { LOADS_A_JOB = 3, AFTER_SETS = 8 };

/* Loads of the turn that is prefilled and of the one that is prepared, as the engine numbers them,
 * which stay until the stage is another's: indices into serve.load. */
struct stage {
    uint32_t load[LOADS_A_JOB], loads;
};

/* A turn that has HBM, by the core's handle of its job. */
struct job_note {
    uint32_t session;
    uint64_t origin;    /* of its places: see above */
    struct kv_copy hbm; /* its pages; its end says nothing */
    struct kv_copy held; /* pages that are being copied from, held until its first iteration ended */
    uint32_t found_tokens;
    uint32_t stage;
    uint32_t after_set; /* its prefill's events */
    bool prefilling, damaged;
};

/* One page of a transfer. */
struct page_move {
    uint32_t from, to, staged; /* staged: the DRAM page between SSD and HBM */
    uint32_t row, rows;        /* those of it that move (between HBM and DRAM) */
    uint32_t unit;
    uint64_t index; /* among the unit's */
    uint64_t key;   /* to the pool: the unit's */
    uint64_t begin; /* to the pool: where the unit's KV begins */
    bool kept;      /* a load through DRAM, whose copy of the unit takes the staged page */
    bool fresh;     /* `to` is no page of the copy yet and replaces one of it when all has come */
};

struct transfer_part {
    uint32_t unit;
    uint64_t end; /* place: what the copy will reach */
};

struct transfer_work {
    bool live, staged_writes;
    struct action action;
    struct page_move *page;
    uint32_t page_count, page_capacity;
    struct transfer_part *part;
    uint32_t part_count, part_capacity;
    uint32_t load;              /* a load: index into serve.load */
    uint32_t asked, answered; /* disk requests */
    bool *here;               /* a load from SSD: slices that have been answered, by number */
    uint32_t here_count, here_capacity; /* count: all before it have */
    struct backend_event *done;
    bool done_queued, copied;   /* copied: done has happened */
    bool left_hbm;              /* its pages there are others' again */
    uint32_t next_copying;    /* index + 1 in its stream's queue; 0: the last */
};

/* Transfers whose copies are all queued on a stream, in the order of the stream: only the first can
 * be the next to end, so that one event is asked for, however many transfers are out. */
struct copying {
    uint32_t first, last; /* index + 1; 0: none */
};

/* What the loop waits for besides the device and the disk. */
enum serve_event {
    SERVE_TURN, /* a session arrives, or its user has thought: its next turn is asked */
    SERVE_LOOK  /* + a server's number: its engine wants to look again */
};

enum compute_state { COMPUTE_IDLE, COMPUTE_PREFILL, COMPUTE_DECODE };

/* What the device computes now. */
struct compute {
    enum compute_state state;
    struct engine_iteration iteration;
    uint64_t since_ns, queued_ns; /* it was begun; it was all in the stream */
    uint32_t redone;              /* 1 + the chunk that is computed again, alone; 0: none is */
    uint32_t launched_layers;
    bool save_began, queued;
    uint32_t after_set;
    struct backend_event **after[AFTER_SETS]; /* prefills' layers */
    struct backend_event *ended;
    uint32_t *tokens;
    struct sequence *sequences;
    float *logits; /* for tests that observe */
};

/* What the servers of a run have in common. */
struct run {
    const struct experiment *experiment;
    const struct serve_config *config;
    struct serve_report *report;
    struct engine_setup setup;
    struct service service;
    const struct backend *backend;
    struct event_heap events;
    struct trace *trace;
    struct iteration_log log;
    struct error err;                    /* the first failure within the loop */
    uint64_t origin_ns, now_ns, tell_ns; /* tell_ns: when progress is told next */
    uint32_t page_tokens;
    uint32_t unit_pages; /* of a block; sessions: 0 */
    uint32_t planes;     /* of a slice (backend.h) */
    uint64_t slice_bytes, page_bytes;
    struct remote remote;
    struct serve_machine *machine, *own_machine; /* own: NULL where the caller keeps one */
    struct serve *serve; /* service.engines */
    uint32_t serves;
};

/* What pages are written to and read from by requests: the SSD, and the way to the pool. */
struct disk {
    struct ssd *ssd; /* NULL: there is none */
    uint32_t depth;
    uint64_t *checksum; /* [page][layer] */
};
enum { DISKS = TIER_KINDS - TIER_SSD };

/* One server. */
struct serve {
    struct run *run;
    struct engine *engine; /* the service's */
    struct device *device; /* the machine's */
    uint64_t late_before_ns; /* the device's, of runs before */
    struct executor *executor;
    struct disk disk[DISKS]; /* by tier, from TIER_SSD on */
    struct page_pool pool[TIER_COUNT];
    char *memory[TIER_COUNT]; /* HBM, DRAM */
    struct kv_copy (*unit)[TIER_COUNT];
    uint32_t unit_capacity;

    struct job_note *note;
    uint32_t note_capacity;
    uint32_t unplaced; /* the job that was prepared last, until its pages are found; 0: none */
    struct job_load *load;
    uint32_t load_capacity;
    struct transfer_work *transfer;
    uint32_t transfer_capacity, transfers_live;
    struct copying copying[STREAM_COUNT];
    bool disk_changed; /* who may ask how much of the disk: not looked at yet */
    struct copy *copies;
    uint32_t copies_capacity;
    struct stage stage[ENGINE_STAGES];
    struct compute compute;
};

static inline struct session *session_at(const struct serve *serve, uint32_t handle)
{
    return &serve->run->service.sessions.item[handle];
}

static inline struct job_note *note_of(const struct serve *serve, const struct session *session)
{
    return &serve->note[session->job];
}

static inline uint32_t layers_of(const struct serve *serve)
{
    return serve->run->setup.model.layers;
}

static inline bool is_chunked(const struct serve *serve)
{
    return experiment_chunks(serve->run->experiment);
}

/* serve.c */
uint64_t run_now_ns(const struct run *run);
void serve_fail(struct serve *serve, const char *what, const char *reason);
/* Does what the engine wants copied and noted. */
void serve_act(struct serve *serve);
/* Something was told to the engine: does what it says is next. */
void serve_go_on(struct serve *serve);

/* serve_check.c */
/* Derives the experiment's numbers and opens its trace. STATUS_INPUT: what the runtime cannot do. */
enum status open_setup(struct run *run, struct error *err);

/* serve_open.c */
/* Device, memory and disks of each server, and the pool. */
enum status open_machines(struct run *run, struct error *err);
/* Carries out what is queued. */
void close_disks(struct serve *serve);
void close_machines(struct run *run, bool failed);
/* Pages of a tier: its capacity, a quarter for pages that are not full where copies lie in it, and
 * some: in HBM two a turn, for its first and its last, and two that are copied; in the others those
 * that pass through. */
uint32_t pages_of(const struct run *run, enum tier tier);
/* The most new tokens of an iteration. */
uint32_t rows_of(const struct run *run);

/* serve_books.c */
void open_books(struct run *run);
/* Waits for what is under way. */
void close_books(struct run *run);
/* An event a layer. */
struct backend_event **events_new(const struct serve *serve);

/* serve_tokens.c */
/* Token `index` of the session's present context: the same number whenever the same KV is meant. */
uint32_t token_at(const struct serve *serve, const struct session *session, uint64_t index);

/* serve_compute.c */
void compute_start(struct serve *serve, const struct engine_iteration *iteration);
/* Takes in what has happened on STREAM_COMPUTE. true: something has. */
bool compute_poll(struct serve *serve);

/* serve_iterations.c */
/* The present iteration ended at end_ns, and that is seen now: what the engine is told of it. */
struct iteration_end iterations_log(struct serve *serve, uint64_t end_ns, uint64_t waited_ns);

/* serve_pages.c */
/* The unit's copy in one of the server's own tiers. */
struct kv_copy *pages_copy(struct serve *serve, uint32_t unit, enum tier tier);
/* The tier's pages, of the pool those that all servers share. */
struct page_pool *pages_pool(struct serve *serve, enum tier tier);
uint32_t pages_tokens(const struct serve *serve, uint64_t bytes);
/* Where units' own places begin, and those of the i-th unit of a chain in a job's. */
uint64_t pages_unit_begin(const struct serve *serve, const struct job_note *note);
uint64_t pages_unit_shift(const struct serve *serve, uint32_t i);
/* Tokens of the i-th unit when the chain is `tokens` long. */
uint32_t pages_unit_tokens(const struct serve *serve, uint32_t i, uint32_t tokens);
/* How many of the unit's first `want` tokens its copy in the tier has. */
uint32_t pages_covered(struct serve *serve, uint32_t unit, enum tier tier, uint64_t begin,
                       uint32_t want);
/* The session's turn was given HBM. */
void pages_prepare(struct serve *serve, const struct engine_action *action);
/* Finds the pages of the job that was prepared last: what HBM has of its chain is shared, but a
 * page that the job will write into is copied. */
void pages_place(struct serve *serve);
/* The job has pages for so many tokens of context. */
void pages_need(struct serve *serve, struct job_note *note, uint32_t tokens);
/* The job's KV of a unit is the unit's copy in HBM. */
void pages_share(struct serve *serve, const struct action *action);
void pages_drop(struct serve *serve, uint32_t unit, enum tier tier);
void pages_release(struct serve *serve, uint32_t job);
/* Copies for which pages were held have been made. */
void pages_let_go(struct serve *serve, struct job_note *note);
/* The place of the session's first token, by its copy in the tier. */
uint64_t pages_base(struct serve *serve, uint32_t unit, enum tier tier);
/* DRAM pages of the session's chain whose KV is bad are written again from HBM, as far as the turn's
 * first ready_tokens reach. */
void pages_repair(struct serve *serve, const struct session *session, uint32_t ready_tokens);

/* serve_transfers.c */
/* The tier in which the transfer's parts get their copy. */
static inline enum tier transfers_fill(const struct transfer_work *work)
{
    return work->action.kind == ACTION_LOAD ? TIER_DRAM : work->action.to;
}
void transfers_begin(struct serve *serve, const struct engine_action *action);
/* The load may go as far as its first action->layers layers. */
void transfers_allow(struct serve *serve, const struct engine_action *action);
/* Takes in what has ended. true: something has. */
bool transfers_poll(struct serve *serve);
/* Waits until some save's copies have been made, so that their pages in HBM are free. false: none
 * is under way. */
bool transfers_wait_for_a_save(struct serve *serve);

/* serve_moves.c: fill in the transfer's pages and parts; false: there are no pages (the run fails) */
bool moves_of_load(struct serve *serve, struct transfer_work *work);
bool moves_of_save(struct serve *serve, struct transfer_work *work);      /* a job's */
bool moves_of_idle_save(struct serve *serve, struct transfer_work *work); /* of units in HBM */
bool moves_of_pages(struct serve *serve, struct transfer_work *work);     /* between all others */

/* serve_layers.c */
char *layers_slice(const struct serve *serve, enum tier tier, uint32_t page, uint32_t layer);
/* Rows of the page at move->index that tokens [begin, end) lie in. */
void layers_set_rows(const struct serve *serve, struct page_move *move, uint64_t begin,
                     uint64_t end);
/* The stage is another turn's from now on. */
void layers_clear_stage(struct serve *serve, uint32_t stage);
/* A record for a load, whose index is given. */
uint32_t layers_new_load(struct serve *serve);
/* Queues copies of what may come in by now of the stage's loads, but at most their first `layers`
 * layers. */
void layers_queue_loads(struct serve *serve, uint32_t stage, uint32_t layers);
/* The load has ended. */
void layers_end_load(struct serve *serve, uint32_t load);
/* Queues what the transfer's load may copy by now, wherever it comes from. */
void layers_queue_load(struct serve *serve, struct transfer_work *work);
/* Queues a save, each layer behind its computation; note NULL: all is computed. */
void layers_queue_save(struct serve *serve, struct transfer_work *work,
                       const struct job_note *note);
/* Copies rows of a page within HBM, behind what is queued on STREAM_COMPUTE. */
void layers_copy_within_hbm(struct serve *serve, uint32_t from, uint32_t to, uint32_t row,
                            uint32_t rows);
/* The next transfer whose copies have been made, which is marked so; NULL: none. */
struct transfer_work *layers_next_copied(struct serve *serve);

/* serve_disk.c */
/* Asks for what may be asked now, if anything has changed: of all transfers, since each one's share
 * depends on the others. */
void disk_pump(struct serve *serve);
/* Takes in what the disk has answered. true: something. */
bool disk_poll(struct serve *serve);
/* How many the transfer makes in all. */
uint32_t disk_requests(const struct serve *serve, const struct transfer_work *work);
/* To a slower tier than DRAM, whether DRAM keeps it or not. */
bool disk_goes_down(const struct transfer_work *work);

#endif
