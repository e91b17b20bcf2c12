/* sim/placement/placement.h - the one door to the placement core: what happened goes in, what to do
 * comes out. No clock, file, thread or print behind it: simulator and runtime drive the same object
 * code. Time is ns since the run began and never goes back.
 *
 * The life of a job (one turn), each step an event that the driver tells:
 *   placement_queue     the turn is asked; the queue is in the order of asking
 *   placement_prepare   it is next (whichever the driver takes): what is stored is pinned, HBM is booked, loads begin
 *   placement_save      some of its new KV is final in HBM and may be saved
 *   placement_finish    its last token is out; once all is saved, ACTION_RELEASE frees its HBM
 * and placement_transfer_ended for each transfer that an action began. After each call the driver
 * takes the actions with placement_take().
 *
 * Units: a session's whole KV (PLACE_SESSIONS: a job's chain is one unit), or blocks of unit_tokens
 * tokens of a prefix chain, the last one partial. Both have one book-keeping. A unit's copy in a tier
 * is a prefix of its KV, so that a copy may be shorter than another but never contradicts it; a job
 * reuses the longest leading run of its chain that copies cover. Blocks in HBM are shared and pinned by
 * every job that uses them; a last, partial one is copied, since each job goes on writing into it.
 *
 * Tiers: HBM holds running jobs and, up to hbm_cache_tokens, KV of jobs that ended. New KV is saved to
 * DRAM (keys.write: when); when DRAM needs room it demotes to SSD what the policy evicts, unless SSD
 * has it already (written through). A share of DRAM is kept free by demoting ahead, so that a fetch or
 * save seldom waits. What SSD needs room for is dropped. A filter (keys.admit_uses, ssd_admit_bytes) keeps
 * KV out of a tier, however it would come there from a faster one. Behind them may be a pool (pool.h)
 * that several cores share: what it holds is found as in a slowest tier, and passes DRAM on its way
 * both up and down. docs/policies.md names the engines that do so. */
#ifndef REPRISE_SIM_PLACEMENT_PLACEMENT_H
#define REPRISE_SIM_PLACEMENT_PLACEMENT_H

#include "sim/placement/keys.h"
#include "sim/placement/policy.h"
#include "sim/placement/pool.h"

#include <stdbool.h>
#include <stdint.h>

struct placement;

struct placement_config {
    const struct policy *policy;
    struct placement_keys keys;
    bool fetches;             /* look-ahead fetching from SSD to DRAM... */
    bool fetch_head;          /* ...for the queue's head, too */
    uint32_t unit_tokens;     /* block size; UINT32_MAX: the unit is the session */
    uint64_t bytes_per_token; /* of KV; >= 1 */
    uint64_t capacity_bytes[TIER_COUNT];
    uint64_t hbm_cache_bytes;
    struct pool *pool;        /* the driver's; NULL: none. Needs DRAM */
    uint32_t pool_user;       /* who this core is among those that share it */
    /* Time to compute KV again, of a token at position p of its context: base + slope * p. For
     * policies that weigh it; both 0: all KV is alike. */
    double recompute_base_ns, recompute_slope_ns;
    bool quotas;              /* tenants may have some (struct placement_terms) */
};

#define PLACEMENT_NO_PRIORITY UINT32_MAX
/* What a tenant is given. */
struct placement_terms {
    double quota[TIER_COUNT]; /* of DRAM and SSD: the share that its KV may take; 1: no quota */
    uint32_t priority;        /* priority-lru: of its blocks, 0 to 100; PLACEMENT_NO_PRIORITY: as usual */
};

enum action_kind {
    ACTION_LOAD,   /* DRAM, SSD or the pool to HBM, for a job: its prefill needs it */
    ACTION_SAVE,   /* HBM to DRAM, or to SSD where DRAM has no room; a job's, or of idle units */
    ACTION_FETCH,  /* SSD or the pool to DRAM, ahead of the job */
    ACTION_DEMOTE, /* DRAM to SSD, or either to the pool: the faster one evicts it */
    ACTION_WRITE,  /* DRAM to SSD or the pool: DRAM keeps it */
    ACTION_DROP,   /* a unit's copy in `from` goes; nothing moves */
    ACTION_SHARE,  /* a job's KV of a unit is the unit's copy in HBM from now on, so long; nothing
                      moves. Only after placement_tell_shares() */
    ACTION_RELEASE /* the job's KV has left HBM: its handle is free */
};

/* Why a copy goes. */
enum loss {
    LOSS_DROPPED, /* evicted */
    LOSS_MOVED,   /* another tier has it now, and not both are to */
    LOSS_EXPIRED,
    LOSS_INVALIDATED
};

struct action {
    enum action_kind kind;
    enum tier from, to;
    uint32_t id;         /* comes back in placement_transfer_ended(); 0 for DROP and RELEASE; SHARE: the
                            unit's place in the job's chain */
    uint32_t unit;       /* DROP, SHARE: the unit; else the first of the transfer */
    uint32_t job;        /* LOAD, SAVE, SHARE, RELEASE: whose; SAVE of idle units, others: 0 */
    uint64_t size_bytes;
    uint64_t behalf;     /* for whom the core worked: placement_on_behalf() */
    uint64_t user;       /* DROP: for whom a job used the unit last; 0: none has, or nobody asks
                            (placement_keep_losses()) */
    enum loss why;       /* DROP */
    enum tier left_in;   /* DROP: the fastest tier that holds as much of it all the same; TIER_KINDS: none does */
};

/* What was reused: leading tokens of the chain, by the tier they are loaded from. */
struct placement_hits {
    uint32_t tokens[TIER_KINDS];
    uint32_t units_found, units_wanted;
    uint32_t loads; /* ACTION_LOADs that follow: one for each tier but HBM that has a part */
};

/* Totals since the start, in bytes; docs/metrics.md says what each is. */
enum { PLACEMENT_TENANTS_MOST = 16 };
struct placement_counters {
    uint64_t load_dram_hbm_bytes, load_ssd_hbm_bytes, fetch_ssd_dram_bytes;
    uint64_t save_hbm_dram_bytes, save_hbm_ssd_bytes, demote_dram_ssd_bytes, write_dram_ssd_bytes;
    uint64_t refused_dram_bytes, refused_ssd_bytes, refused_remote_bytes; /* by the filter */
    uint64_t load_remote_hbm_bytes, fetch_remote_dram_bytes;
    uint64_t write_dram_remote_bytes, demote_dram_remote_bytes, demote_ssd_remote_bytes;
    uint64_t fetched_unused_bytes; /* fetched ahead, and gone from DRAM before any job used it */
    uint64_t dropped_bytes, unsaved_bytes, expired_bytes, invalidated_bytes;
    uint64_t stored_bytes, stored_never_loaded_bytes; /* the latter: of the former, since measuring */
    uint64_t tenant_stored_bytes[PLACEMENT_TENANTS_MOST]; /* of stored_bytes, by whose they are */
};

/* config's values were checked by the caller; policy must be known. Never fails. */
struct placement *placement_new(const struct placement_config *config);
/* From now on its pool is this one, which tells it what the one before would. */
void placement_use_pool(struct placement *core, struct pool *pool);
void placement_free(struct placement *core); /* NULL is fine */

/* The jobs that are queued from now on are that tenant's; until then, tenant 0's. Its terms are those that
 * are told first; NULL: neither quota nor priority. */
void placement_set_tenant(struct placement *core, uint32_t tenant,
                          const struct placement_terms *terms);

/* A turn was asked whose context so far is the chain of keys, context_tokens long: a session's one key
 * (context_tokens of history, 0 at its first turn), or the blocks of its prompt or history. Up to
 * capacity >= count keys may be in the chain later (placement_extend). Returns the job's handle. */
uint32_t placement_queue(struct placement *core, uint64_t now_ns, const uint64_t *keys,
                         uint32_t count, uint32_t context_tokens, uint32_t capacity);

/* Sessions behind which is a pool: where the queued job's context begins, so that the pool's copy, which
 * other servers read and write, is taken for what it is. */
void placement_set_base(struct placement *core, uint32_t job, uint32_t base_tokens,
                        uint32_t generation);

/* Of the queued or running job's context only the first save_tokens are ever saved (a driver that keeps no
 * replies below HBM), and what ends behind hbm_tokens, or below_tokens, is not found in HBM, or below it: for
 * a prompt whose last token must be computed, and its block with it. UINT32_MAX: no such limit (that of
 * prompt_tokens is 0). */
struct placement_limits {
    uint32_t save_tokens, hbm_tokens, below_tokens;
    uint32_t prompt_tokens; /* SAVE_NODES: what is saved of fewer is a chunk, and counts for nothing */
};
void placement_limit(struct placement *core, uint32_t job, struct placement_limits limits);

enum prepare {
    PREPARE_DONE,
    PREPARE_WAIT,   /* its KV, or HBM for it, is on its way: ask again when a transfer has ended */
    PREPARE_NO_ROOM /* HBM is full of running jobs: ask again when one was released */
};
/* What a job would reuse if it were prepared now, loading from tiers up to `slowest`: for a driver that
 * decides whether a load is worth its time. loads is not set. */
struct placement_hits placement_peek(const struct placement *core, uint32_t job, uint32_t cut_tokens,
                                     enum tier slowest);

/* The queued job waits no longer for what is on its way to DRAM: it does without. */
void placement_hurry(struct placement *core, uint32_t job);

/* The queued job is next: books HBM for total_tokens of context (history, prompt and
 * reply), pins what is stored of its chain, takes the job out of the queue and begins its loads.
 * cut_tokens (sessions only): the context overflowed and lost its first tokens; later ones keep their
 * KV, since it is stored before position encoding. CUT_ALL: all of its KV is useless.
 * slowest: what lies in slower tiers only is computed again rather than loaded.
 * On WAIT and NO_ROOM nothing has changed. */
#define CUT_ALL UINT32_MAX
enum prepare placement_prepare(struct placement *core, uint64_t now_ns, uint32_t job,
                               uint32_t cut_tokens, uint32_t total_tokens, enum tier slowest,
                               struct placement_hits *hits);

/* The running job's context takes total_tokens from now on, more or fewer than before: a driver that
 * does not book the whole reply at once. more: it will go on behind them (SAVE_NODES: a block to spare, as
 * SGLang's decoding asks before each token). Fewer: at most what was grown may go back. false: HBM has no
 * room and nothing has changed. */
bool placement_resize(struct placement *core, uint64_t now_ns, uint32_t job, uint32_t total_tokens,
                      bool more);
/* Whether HBM has room for so many tokens, or would if all idle KV left it. */
bool placement_has_room(const struct placement *core, uint64_t tokens);
/* Whether idle KV that HBM gives up goes at once, and is not copied first. */
bool placement_drops_idle(const struct placement *core);
/* After a resize that failed: idle KV is on its way out of HBM, so that the next one may do. */
bool placement_room_coming(const struct placement *core);

/* The running job, none of whose loads is in flight, is preempted: it is queued again at its old place in
 * the order of asking; the first context_tokens of its chain are what it will want. Its HBM is free at
 * once: what is being saved goes on as if from a staging buffer, what waits to be saved is not.
 * ACTION_RELEASE of the old handle follows. Returns the new one. */
uint32_t placement_preempt(struct placement *core, uint64_t now_ns, uint32_t job,
                           uint32_t context_tokens);

/* More blocks follow the chain (the reply's, when their keys are known). */
void placement_extend(struct placement *core, uint32_t job, const uint64_t *keys, uint32_t count);

/* The first ready_tokens of the job's context are final in HBM: what lower tiers lack of them is
 * saved. Also says that prefix blocks are now in HBM for others to share. */
void placement_save(struct placement *core, uint64_t now_ns, uint32_t job, uint32_t ready_tokens);

/* The job's last token is out. ACTION_RELEASE follows, now or when the saving has ended. */
void placement_finish(struct placement *core, uint64_t now_ns, uint32_t job);

void placement_transfer_ended(struct placement *core, uint64_t now_ns, uint32_t id);

/* Moves up to `capacity` pending actions to items, in the order to do them; returns how many. Every
 * capacity gives the same sequence. */
uint32_t placement_take(struct placement *core, struct action *items, uint32_t capacity);

/* The warm-up is over: peaks start anew from what is used now, and what was stored or fetched so far is
 * not counted as never loaded or unused later on. Counters go on. */
void placement_start_measuring(struct placement *core);
/* The run is over: what is stored and was never loaded is counted. */
void placement_end(struct placement *core);

const struct placement_counters *placement_counters(const struct placement *core);
/* Books of a tier: copies, what is being copied into it, and in HBM the running jobs. */
uint64_t placement_used_bytes(const struct placement *core, enum tier tier);
/* Whether saving of what the job has ready is under way or waits for room. */
bool placement_saving(const struct placement *core, uint32_t job);
/* Tokens of the job's chain that are not saved yet, in bytes: what a write buffer would hold. */
uint64_t placement_unsaved_bytes(const struct placement *core, uint32_t job);
/* The most of it at once so far. */
uint64_t placement_peak_bytes(const struct placement *core, enum tier tier);

/* Recounts the books from the units and asserts that they agree, for tests: used bytes, capacities,
 * pins, waiters. Slow. */
void placement_verify(const struct placement *core);

/* The copy of the unit in the tier, in bytes (0: none), for tests and the runtime. */
uint64_t placement_copy_bytes(const struct placement *core, uint32_t unit, enum tier tier);
/* ---- why KV is not there: for who asks to know, after placement_keep_losses() ---- */

/* Why a token of a job's chain is not found. */
enum absence {
    ABSENT_NEVER,       /* nobody kept it on this server */
    ABSENT_EVICTED,     /* its last copy was evicted */
    ABSENT_EXPIRED,     /* its time to live was over */
    ABSENT_INVALIDATED, /* the context overflowed, and with it went what its KV was good for */
    ABSENT_UNSAVED,     /* no tier had room when it was to be saved */
    ABSENT_REFUSED,     /* a filter (admit_uses, admit_bytes) kept it out of the tier below */
    ABSENT_BEHIND,      /* it is there, but something before it in its chain is not */
    ABSENT_LIMITED,     /* it is there, but placement_limit() has it computed */
    ABSENT_ELSEWHERE,   /* another server has it */
    ABSENT_COUNT
};

/* What happened to KV of which nothing, or less than before, is left. */
struct placement_loss {
    enum absence why;
    enum tier from;   /* the tier that had it last, or would not take it */
    uint64_t time_ns;
    uint64_t behalf;  /* of what was evicted: for whom the core worked then (placement_on_behalf()); else 0 */
};

struct placement_absent {
    uint32_t tokens[ABSENT_COUNT];
    uint32_t new_tokens; /* in no row of tokens[]: this job asks for them first */
    struct placement_loss first; /* of the first token that is neither new nor there to be reused; why: ABSENT_NEVER and
                                    time_ns 0 where nothing is known */
};

/* Before the first job. From now on the core remembers, by key, the last loss of KV: 40 bytes each; and of each
 * unit, for whom a job used it last. */
void placement_keep_losses(struct placement *core);
/* What follows is done for this one, the driver's own number of a turn; 0: for none. */
void placement_on_behalf(struct placement *core, uint64_t who);
/* What the core itself does not know. */
struct placement_around {
    const struct placement *const *others; /* cores of other servers, which may hold it; itself does not count */
    uint32_t count;
    const struct first_asked *first; /* NULL: nothing is new */
    uint64_t who;                    /* whose job it is, in numbers of `first` */
};
/* Of the queued job's context, less cut_tokens as in placement_prepare(), the tokens that
 * placement_peek() does not find, by why. around: NULL is none of it. */
struct placement_absent placement_absent(const struct placement *core, uint32_t job,
                                         uint32_t cut_tokens, enum tier slowest,
                                         const struct placement_around *around);
/* The job that waits first for the unit; 0: none does. */
uint32_t placement_waiter(const struct placement *core, uint32_t unit);

/* Units that a transfer under way will change (a load: those that it keeps in DRAM), one after the
 * other, from UNIT_NONE to UNIT_NONE; *goal_tokens: how long the copy will be. For the runtime. */
uint32_t placement_transfer_next(const struct placement *core, uint32_t id, uint32_t after,
                                 uint32_t *goal_tokens);
/* The same for one unit: false if the transfer does not change it. */
bool placement_transfer_has(const struct placement *core, uint32_t id, uint32_t unit,
                            uint32_t *goal_tokens);
/* A job of that key will soon be queued: asks the processor to fetch where its unit is looked for (step 0), and then the
 * unit (step 1: some hundred instructions later). For speed alone. Returns the next step, PLACEMENT_EXPECTED: there is
 * none. */
enum { PLACEMENT_EXPECTED = 2 };
uint32_t placement_expect(const struct placement *core, uint64_t key, uint32_t step);
/* The unit of a key, or UNIT_NONE. */
uint32_t placement_unit(const struct placement *core, uint64_t key);
uint64_t placement_key(const struct placement *core, uint32_t unit);
/* What the pool has of the unit's KV, as this core counts it. */
uint32_t placement_remote_tokens(const struct placement *core, uint32_t unit);
/* How many units the chain of a job has that was not released, and the i-th. For the runtime. */
uint32_t placement_chain_length(const struct placement *core, uint32_t job);
uint32_t placement_chain_unit(const struct placement *core, uint32_t job, uint32_t i);
/* From now on there are ACTION_SHAREs: for a driver whose copies in HBM are real. */
void placement_tell_shares(struct placement *core);
/* From now on ACTION_DROP is not: for a driver that has no bytes of its own, and that nobody watches. */
void placement_skip_drops(struct placement *core);

#endif
