/* sim/placement/core.h - the state of the placement core and what its rooms ask of each other.
 * Private to sim/placement/.
 *
 * Floors, highest first. A file calls only what stands on lower floors, so that what one call can set
 * off is read downwards; policies are called through their table. tools/check-floors reads this list
 * and refuses a call that goes up or sideways.
 *   9. absent.c                        why a job's KV is not there: for who asks
 *   8. ended.c                         a transfer has ended: what follows
 *   8. placement.c inspect.c verify.c  the core comes and goes; what one may ask of it
 *   7. prepare.c save.c run.c          a job's life: reuses and loads, is saved, grows and ends
 *   6. queue.c release.c               its two ends: it waits; it has gone
 *   5. fetch.c write.c room_hbm.c      copies made ahead of need; HBM's room
 *   5. offer.c backup.c                what a job offers to DRAM, as engines do
 *   4. room.c                          DRAM's and SSD's: who is evicted
 *   3. chain.c transfer.c age.c        a job's units; copies in flight; time to live
 *   3. tenants.c                       whose units are
 *   3. tree.c                          units as nodes of a radix tree
 *   3. policies.c                      the table
 *   2. books.c policy_*.c              a copy comes, goes, is counted; who goes next
 *   2. pool_part.c                     what servers share, in parts
 *   1. unit.c pool.c env.c             entries; what servers share; what policies ask
 *   1. ranked.c reuse_ages.c sketch.c  what policies count with
 *   1. quota.c                         whose turn it is to give up
 *   1. losses.c first_asked.c          what happened to KV that has gone; who asked for it first */
#ifndef REPRISE_SIM_PLACEMENT_CORE_H
#define REPRISE_SIM_PLACEMENT_CORE_H

#include "base/ranges.h"
#include "sim/placement/losses.h"
#include "sim/placement/placement.h"
#include "sim/placement/quota.h"
#include "sim/placement/sketch.h"

/* One place in a queued job's chain. Slots of a job lie side by side, so a job's slot i is
 * chain + i; a unit's waiters are linked through them in queue order. */
struct slot {
    uint32_t unit;
    uint32_t next_waiter; /* while it waits; while it runs, enum mark */
    uint32_t sequence;    /* of the job */
    uint32_t job;
};

/* What a running job did with a slot's unit: reads it for its load; under SAVE_ONCE has offered, stored,
 * loaded or found it there as it was offered. */
enum mark {
    READS_POOL = 1,
    READS_BELOW = 2,
    MARK_OFFERED = 4,
    MARK_STORED = 8,
    MARK_REUSED = 16
};

enum job_state { JOB_FREE, JOB_QUEUED, JOB_RUNNING, JOB_DRAINING };

struct job {
    /* What is read of each job in the queue lies together. */
    uint32_t next;                            /* in the queue; also chains free jobs */
    uint32_t sequence;
    uint32_t chain, chain_count, chain_capacity; /* slots chain .. chain + count - 1 */
    uint32_t context_tokens;                  /* queued: of the chain; running: ready in HBM */
    bool wants_fetch;                         /* some of its chain may lie on SSD only */
    bool hurries;                             /* waits for no fetch */
    bool again;                               /* ran before: its use of its chain is counted */
    uint8_t tenant;
    enum job_state state;
    uint32_t total_tokens;                    /* running: of context for which it has HBM */
    uint32_t hbm_tokens;                      /* booked in HBM for this job alone */
    uint32_t save_goal_tokens;                /* to be saved; 0: nothing */
    uint32_t save_most_tokens;                /* never more of its context than this */
    uint32_t prompt_tokens;                   /* SAVE_NODES: fewer are a chunk */
    uint32_t found_most_tokens[TIER_COUNT];   /* what lies behind is not found in that tier */
    uint32_t offered_units;                   /* SAVE_ONCE, SAVE_EACH: the first ones, behind which it goes on;
                                                 SAVE_NODES: those that it found, or inserted */
    uint32_t save_transfer;                   /* in flight, or 0 */
    uint32_t shared_units;                    /* blocks: its first ones, all whole in HBM for all, and pinned */
    uint32_t unsaved_tokens;                  /* of the goal, counted as unsaved already */
    bool save_waits;                          /* in the list of saves that wait for room */
    uint32_t next_waiting_save;
    uint32_t loads_in_flight;
    struct kv_base base;                      /* sessions: of its context */
};

/* Bytes on their way. A transfer that changes copies holds its units in a list and each of them names
 * it in unit.transfer; what it will add is booked in `to` from its start on. */
struct transfer {
    enum action_kind kind;
    enum tier from, to;
    uint32_t job;
    uint32_t first_unit;    /* list through next_in_transfer; 0 for loads that keep nothing in DRAM */
    uint32_t last_unit;
    uint64_t moved_tokens;  /* what crosses the links */
    uint64_t booked_tokens; /* what `to` (a load that keeps: DRAM) has booked and not yet got */
    uint32_t next_free;
    bool live;
};

/* unit.transfer of one that takes part in none but must stay where it is for the moment. */
#define TRANSFER_HOLD UINT32_MAX

struct action_ring {
    struct action *item;
    uint32_t head, count, capacity;
};

/* The place of its i-th action, i < capacity. */
static inline struct action *action_at(const struct action_ring *ring, uint32_t i)
{
    uint64_t at = (uint64_t)ring->head + i;
    return &ring->item[at < ring->capacity ? at : at - ring->capacity];
}

struct placement {
    struct placement_config config;
    const struct policy *policy;
    struct policy_env env;
    struct unit_table units;
    uint64_t now_ns;

    /* used: copies + booked + (HBM) jobs' own. leaving: copies that were evicted and are still there. */
    uint64_t used_tokens[TIER_COUNT], leaving_tokens[TIER_COUNT], reserve_tokens;
    uint64_t hbm_idle_tokens, hbm_cache_tokens; /* copies in HBM that no job uses, and their limit */
    uint64_t peak_tokens[TIER_COUNT];

    struct slot *slot;
    struct ranges slots;
    uint32_t slot_capacity;
    struct job *job;
    uint32_t job_capacity, job_high_water, free_job;
    uint32_t queue_head, queue_tail, next_sequence;
    uint32_t queued;     /* jobs in the queue */
    uint32_t fetch_seen; /* of so many first jobs of the queue none wants a fetch, or shall have one; */
    uint32_t fetch_last; /* the last of them */
    uint32_t waiting_save_head, waiting_save_tail;
    uint64_t promised_tokens; /* of DRAM: room that is on its way for the first of these */

    struct transfer *transfer;
    uint32_t transfer_capacity, transfer_high_water, free_transfer;
    uint32_t fetches, writes, in_flight; /* transfers of these kinds, and all */
    uint64_t fetching_tokens;            /* what fetches bring */
    bool room_coming;                    /* the last resize could have waited */

    struct order age;     /* idle units, least recently used first */
    struct order clean;   /* evicted HBM copies, which lower tiers have or refuse: first go first */
    struct order counted; /* units whose uses are remembered, least recently used first */
    uint32_t counted_units, save_uses; /* a job saves units with so many uses */
    uint8_t tenant;     /* of jobs that are queued from now on */
    struct quotas *quotas; /* NULL: nobody has one */
    uint8_t priority[PLACEMENT_TENANTS_MOST];
    uint32_t tenants;   /* one more than the highest of them; 0 and 1: there is one */
    uint64_t ended_jobs;
    bool tells_shares, skips_drops;
    struct losses *losses; /* NULL: nobody asks */
    uint64_t behalf;       /* whose KV is moved now, in the driver's numbers */
    uint64_t evict_looked; /* so many intervals had gone by when DRAM's use was looked at */
    struct sketch promoting; /* loads from SSD by key, where promote_after asks for them */
    struct action_ring actions;
    struct placement_counters counters;
};

/* quota.c */
/* The order in which the unit is in the tier. */
static inline uint32_t order_of(const struct placement *core, uint32_t unit, enum tier tier)
{
    return core->quotas == NULL ? 0 : core->quotas->order[tier][core->units.unit[unit].tenant];
}
/* What the policy is given when it is told of the unit, or asked about HBM. */
static inline struct policy_env *env_of(struct placement *core, uint32_t unit, enum tier tier)
{
    return core->quotas == NULL ? &core->env : quota_env(core, order_of(core, unit, tier), tier);
}
static inline struct policy_env *env_of_hbm(struct placement *core)
{
    return core->quotas == NULL ? &core->env : quota_env(core, 0, TIER_HBM);
}
/* The unit's copy takes so many tokens more, or fewer; and of those that leave. */
static inline void quota_book(struct placement *core, uint32_t unit, enum tier tier, uint64_t more,
                              uint64_t fewer)
{
    if (core->quotas != NULL && tier != TIER_HBM)
        core->quotas->used_tokens[tier][order_of(core, unit, tier)] += more - fewer;
}
static inline void quota_leave(struct placement *core, uint32_t unit, enum tier tier, uint64_t more,
                               uint64_t fewer)
{
    core->leaving_tokens[tier] += more - fewer;
    if (core->quotas != NULL)
        core->quotas->leaving_tokens[tier][order_of(core, unit, tier)] += more - fewer;
}

/* books.c */
static inline uint64_t free_tokens(const struct placement *core, enum tier tier)
{
    uint64_t capacity = core->env.capacity_tokens[tier];
    return capacity > core->used_tokens[tier] ? capacity - core->used_tokens[tier] : 0;
}
void books_book(struct placement *core, enum tier tier, uint64_t tokens);
void books_unbook(struct placement *core, enum tier tier, uint64_t tokens);
/* The unit's copy in the tier is now `tokens` long (booked before): enters the policy if it is new. */
void books_set_copy(struct placement *core, uint32_t unit, enum tier tier, uint32_t tokens);
/* The unit is in the tier's order from now on; no more. */
void books_enter(struct placement *core, uint32_t unit, enum tier tier);
void books_leave(struct placement *core, uint32_t unit, enum tier tier, enum leave why);
/* The policy evicts the copy: it is `leaving` until it is dropped or taken back. */
void books_evict(struct placement *core, uint32_t unit, enum tier tier);
void books_take_back(struct placement *core, uint32_t unit, enum tier tier);
/* A leaving HBM copy can go whenever HBM needs its room. */
void books_is_clean(struct placement *core, uint32_t unit);
/* leaf_only: the unit is behind `parent` in its chain from now on, or begins it (a context that lost its
 * beginning): what was before it protects its copies no more. */
void books_follow(struct placement *core, uint32_t unit, uint32_t parent);
/* policy_env.key_of, policy_env.remembers. */
uint64_t books_key_of(const struct policy_env *env, uint32_t unit);
void books_remember(struct policy_env *env, uint32_t unit, enum tier tier, bool does);
/* SAVE_NODES: a first copy is on its way to the tier, where what it follows stays; it has come, or will not. */
void books_coming(struct placement *core, uint32_t unit, enum tier tier, bool comes);
/* The first job that waits for the unit may have to fetch it: a DRAM copy goes, or it was second. */
void books_fetch_again(struct placement *core, uint32_t unit);
/* For placement_absent(): the unit's KV, or a part of it, has gone or was not taken in. */
void books_note_loss(struct placement *core, uint32_t unit, enum absence why, enum tier from);
/* Drops the copy, unbooks it, tells the driver and counts what was the last copy of something. */
void books_drop_copy(struct placement *core, uint32_t unit, enum tier tier, enum loss loss);
/* Cuts the first `tokens` tokens off every copy of the unit. */
void books_cut_front(struct placement *core, uint32_t unit, uint32_t tokens, enum loss loss);
void books_pin(struct placement *core, uint32_t unit);
void books_unpin(struct placement *core, uint32_t unit);
/* A load reads the unit's copy below HBM; has read it. */
void books_read(struct placement *core, uint32_t unit, bool begins);
/* Tells the policy that waiters or pins of the unit changed. */
void books_wanted(struct placement *core, uint32_t unit);
/* Puts the unit into the list of the idle ones or forgets it, if nothing holds it any more. */
void books_settle(struct placement *core, uint32_t unit);
void books_act(struct placement *core, struct action action);
uint32_t books_stored_tokens(const struct unit *unit); /* the longer of its copies in DRAM and SSD */

/* The prefix that some job has loaded, through the pool on any server. */
uint32_t books_loaded_tokens(const struct placement *core, const struct unit *unit);

/* room.c, room_hbm.c: how soon a tier can have that much free. */
enum room { ROOM_NOW, ROOM_LATER, ROOM_NEVER };
/* order: of quotas, whose tokens these are; 0 where they are several's, or nobody has one. */
enum room room_in_dram(struct placement *core, uint32_t order, uint64_t tokens);
bool room_in_ssd(struct placement *core, uint32_t order, uint64_t tokens);
/* The same for `tokens` of several orders, of each as many as of[] says. Quotas first: who would be over
 * his makes room among his own, and then there is some for all. */
enum room room_for_orders(struct placement *core, enum tier tier, const uint64_t of[QUOTA_ORDERS],
                          uint64_t tokens);
enum room room_in_hbm(struct placement *core, uint64_t tokens);
/* The same for a unit itself, whose copies do not make room for it. */
/* SAVE_NODES: DRAM evicts nodes of as many tokens as are asked for, if there is no room for them; a unified
 * tree, of as many as are short. */
bool room_for_node(struct placement *core, uint32_t order, uint64_t tokens);
/* Evicts for `goal` tokens, and may do with fewer: the room that there is for `tokens`. */
enum room room_in_hbm_up_to(struct placement *core, uint64_t tokens, uint64_t goal);
/* What is free in HBM, or will be. */
uint64_t room_coming_in_hbm(const struct placement *core);
/* Holds the unit while room is made, lest that be made by dropping it. */
void room_hold(struct placement *core, uint32_t unit, bool holds);
/* The same for those of the chain's units from..to - 1 that nothing else holds. */
void room_hold_chain(struct placement *core, const struct job *job, uint32_t from, uint32_t to,
                     bool holds);
enum room room_in_dram_for(struct placement *core, uint32_t unit, uint64_t tokens);
bool room_in_ssd_for(struct placement *core, uint32_t unit, uint64_t tokens);
/* The same for a fetch of the unit wanted by the job of that sequence: evicts nothing that is wanted
 * sooner. */
enum room room_for_fetch(struct placement *core, uint32_t unit, uint64_t tokens, uint32_t sequence);
/* Demotes ahead until the reserve is free or on its way to be. */
void room_keep_reserve(struct placement *core);
/* evict_at: DRAM's use is looked at as often as it would have been by now. */
void room_keep_mark(struct placement *core);
/* HBM's idle copies are brought down to their limit. */
void room_trim_hbm(struct placement *core);

/* The tier in which the transfer's units get their copy: a load that keeps what passes fills DRAM. */
static inline enum tier transfer_fills(const struct transfer *transfer)
{
    return transfer->kind == ACTION_LOAD ? TIER_DRAM : transfer->to;
}

/* Whether a transfer under way brings the unit, or more of it, to the tier. */
static inline bool transfer_brings(const struct placement *core, const struct unit *entry,
                                   enum tier tier)
{
    return entry->transfer != 0 && entry->transfer != TRANSFER_HOLD &&
           transfer_fills(&core->transfer[entry->transfer]) == tier;
}

/* transfer.c */
uint32_t transfer_new(struct placement *core, enum action_kind kind, enum tier from, enum tier to,
                      uint32_t job);
/* The unit's copy in `to` will be brought up to goal_tokens: books what is missing. */
void transfer_add_unit(struct placement *core, uint32_t id, uint32_t unit, uint32_t goal_tokens);
/* It will not, after all: what was booked for it is free. The transfer has not begun. */
void transfer_remove_unit(struct placement *core, uint32_t id, uint32_t unit);
/* The pool gets the unit's first goal_tokens, of which it lacks `missing` (booked there). */
void transfer_add_to_pool(struct placement *core, uint32_t id, uint32_t unit, uint32_t goal_tokens,
                          uint32_t missing);
/* Emits its action and counts its bytes. */
void transfer_begin(struct placement *core, uint32_t id);
void transfer_free(struct placement *core, uint32_t id);

/* fetch.c */
void fetch_ahead(struct placement *core);

/* age.c */
void age_expire_all(struct placement *core);
static inline void age_expire(struct placement *core)
{
    if (core->config.pool != NULL || core->age.front != UNIT_NONE)
        age_expire_all(core);
}

/* chain.c */
static inline bool units_are_sessions(const struct placement *core)
{
    return core->config.unit_tokens == UINT32_MAX;
}
static inline uint32_t chain_unit(const struct placement *core, const struct job *job, uint32_t i)
{
    return core->slot[job->chain + i].unit;
}
/* Tokens of the chain's i-th unit when the chain is `tokens` long. */
static inline uint32_t chain_unit_tokens(const struct placement *core, uint32_t i, uint32_t tokens)
{
    uint64_t begin = (uint64_t)i * core->config.unit_tokens;
    if (begin >= tokens)
        return 0;
    uint64_t rest = tokens - begin;
    return rest < core->config.unit_tokens ? (uint32_t)rest : core->config.unit_tokens;
}
/* A queued job that has no chain yet; its handle and chain may be used again. */
uint32_t chain_new_job(struct placement *core);
void chain_free_job(struct placement *core, uint32_t handle);
/* So many slots side by side: the first one. May move core->slot. */
uint32_t chain_slots(struct placement *core, uint32_t count);
/* The unit of that key, which stands at place `depth` of a chain, behind the unit `parent`. */
uint32_t chain_intern(struct placement *core, uint64_t key, uint32_t depth, uint32_t parent);
/* leaf_only: each of the job's units is behind the one before it again. Where keys are no prefix hashes, a job
 * that was queued since may have put one of them behind a unit that this one does not hold: which what this
 * one holds would then keep from being evicted for it, for ever. */
void chain_follow(struct placement *core, const struct job *job);
/* The chain's units from..to - 1. */
void chain_pin(struct placement *core, const struct job *job, uint32_t from, uint32_t to);
/* The first `count`, deepest first: the order in which an unused chain shall be evicted. */
void chain_unpin(struct placement *core, const struct job *job, uint32_t count);
/* The leading units of the chain of which tiers below HBM have something. */
uint32_t chain_stored_run(const struct placement *core, const struct job *job);
/* Tells the policy, where it hears of that (keys.h), that the job uses the copies of its chain: at its end, at a store, or at
 * its start, where the first units_found of them are reused. */
enum moment { MOMENT_START, MOMENT_STORE, MOMENT_END };
void chain_use(struct placement *core, const struct job *job, enum moment moment,
               uint32_t units_found);
/* Ready blocks of the chain become copies in HBM that others can share; their HBM is the job's own no
 * more. A session is one job's at a time: its copy is made when the job is released. */
void chain_share(struct placement *core, struct job *job, uint32_t ready_tokens);
/* SAVE_NODES: of the chain's units from..to - 1 the job computed again those that HBM has, as a prompt's last
 * block: one copy stays, and the other's room is free, as in SGLang's cache_unfinished_req(). */
void chain_merge(struct placement *core, struct job *job, uint32_t from, uint32_t to);
/* For placement_absent(): of the job's first `tokens` no tier below HBM takes what it lacks. */
void chain_note_unsaved(struct placement *core, const struct job *job, uint32_t tokens);
/* Where somebody asks: the driver works for who uses the job's units from the from-th on. */
void chain_note_user(struct placement *core, const struct job *job, uint32_t from);
/* A job uses the unit, which is pinned. */
void chain_count_use(struct placement *core, uint32_t unit);

/* New KV is copied to DRAM as it becomes final, by its job; else when or before HBM gives it up. */
static inline bool core_saves_at_once(const struct placement *core)
{
    int write = core->config.keys.write[TIER_DRAM];
    return write == WRITE_THROUGH || write == WRITE_SELECTIVE;
}

/* How many jobs must have used a unit before it is written to the tier. */
static inline uint32_t core_write_uses(const struct placement *core, enum tier tier)
{
    const struct placement_keys *keys = &core->config.keys;
    return keys->write[tier] == WRITE_SELECTIVE ? keys->write_uses[tier] : 1;
}

/* Whether running jobs have marks in their slots. */
static inline bool core_marks(const struct placement *core)
{
    return core->units.reads || core->config.pool != NULL;
}

/* Whether the filter lets that much of the unit into the tier. */
static inline bool admits(const struct placement *core, const struct unit *unit, enum tier tier,
                          uint32_t tokens)
{
    return unit->uses >= core->config.keys.admit_uses[tier] &&
           (tier != TIER_SSD ||
            tokens * core->config.bytes_per_token >= core->config.keys.ssd_admit_bytes);
}

/* The pool's copy of the unit's KV. */
static inline struct kv_base base_of(const struct unit *unit)
{
    return (struct kv_base){ unit->base_tokens, unit->generation };
}
static inline uint32_t remote_tokens(const struct placement *core, const struct unit *unit)
{
    return core->config.pool != NULL ? pool_tokens(core->config.pool, unit->key, base_of(unit)) : 0;
}

/* tenants.c */
/* A job of the tenant is to compute the unit or to read it from the pool: it is its own, if nobody has
 * anything of it. */
void tenants_own(struct placement *core, uint32_t unit, uint8_t tenant);
/* The same of the job's units from the from-th on. */
void tenants_own_chain(struct placement *core, const struct job *job, uint32_t from);

/* write.c */
struct writes {
    uint32_t ssd, remote; /* transfers that gather units; 0: none yet */
};
/* The unit's DRAM copy may have become whole: writes it to where it is missing. */
void write_through(struct placement *core, uint32_t unit, struct writes *writes);
void writes_begin(struct placement *core, const struct writes *writes);
/* tiers.dram.staging: DRAM gives up the unit, if SSD has all of it and nothing holds it. */
void write_leave_stage(struct placement *core, uint32_t unit);
void write_through_chain(struct placement *core, const struct job *job);
/* HBM copies that go next are written to DRAM ahead. */
void write_ahead(struct placement *core);

/* queue.c */
void queue_leave(struct placement *core, uint32_t handle);
/* A queued job with the chain, and the place in the queue, of one that ran. */
uint32_t queue_put_again(struct placement *core, uint32_t ran, uint32_t context_tokens);

/* tree.c: SAVE_NODES. A node is a run of blocks of one chain that are all in the same tiers. */
static inline bool core_has_nodes(const struct placement *core)
{
    return core->config.keys.save == SAVE_NODES;
}
static inline bool tree_is_unified(const struct placement *core)
{
    return core->config.keys.tree == TREE_UNIFIED;
}
/* The unit before it in its node, or UNIT_NONE: it is the node's first. */
uint32_t tree_above(const struct placement *core, uint32_t unit);
/* Its node ends with the unit from now on: what was behind has gone, or is told apart. */
void tree_end_at(struct placement *core, uint32_t last);
/* A job is looked up: the nodes on its way are used, and the last one is split where they part. */
void tree_match(struct placement *core, const struct job *job);
/* The job's first `units` blocks are ready: what the tree lacks of them is a node from now on, the others
 * are used; unless it is a chunk, each node on the way that HBM has counts one insertion more. */
void tree_insert(struct placement *core, const struct job *job, uint32_t units, bool is_chunk);
/* The unit came into DRAM from below, and is a node by itself. */
void tree_fetched(struct placement *core, uint32_t unit);

/* backup.c: nodes of the job's first `units` blocks that were inserted often enough are written to DRAM. */
void backup_nodes(struct placement *core, const struct job *job, uint32_t units);

/* offer.c: SAVE_ONCE and SAVE_EACH. */
static inline bool core_offers(const struct placement *core)
{
    return core->config.keys.save == SAVE_ONCE || core->config.keys.save == SAVE_EACH;
}
static inline bool core_touches_at_end(const struct placement *core)
{
    return core->config.keys.save == SAVE_ONCE && core->config.keys.touch == TOUCH_END;
}
/* The job starts, having found its first units_found units and loading some of them, or none. */
void offer_start(struct placement *core, struct job *job, uint32_t units_found, bool loads);
/* What the job has ready and has not offered yet is offered to DRAM. */
void offer_ready(struct placement *core, uint32_t job);
/* The job goes: what found no room is lost. */
void offer_end(struct placement *core, const struct job *job);
/* A store of the job has ended. */
void offer_stored(struct placement *core, const struct job *job);

/* save.c */
/* Room may have been made: saves that wait for it. */
void save_retry(struct placement *core);
void save_ended(struct placement *core, uint32_t job);

/* release.c */
/* The job goes, if it has ended and has nothing more to save. */
void release_job(struct placement *core, uint32_t job);

static inline uint32_t above(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

static inline uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

#endif
