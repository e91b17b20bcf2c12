/* sim/placement/policy.h - what an eviction policy is, and the one list of them.
 *
 * A policy orders the units of each tier and names the next to give up. Bytes, books, transfers are
 * the core's (placement.c, room.c); the clock is the driver's. A policy sees each tier's units come,
 * be used and go, sees the queue if it cares, and answers victim(). */
#ifndef REPRISE_SIM_PLACEMENT_POLICY_H
#define REPRISE_SIM_PLACEMENT_POLICY_H

#include "sim/placement/unit.h"

#include <stddef.h>

#define SEQUENCE_NONE UINT32_MAX

/* What a policy may look at. state is its own memory, zeroed at the start; link[tier] is its to use for
 * units in that tier. The rest is read only. */
struct policy_env {
    void *state;
    struct unit_table *units;
    const struct slot *slots;        /* chain slots: who waits for a unit */
    uint32_t queue_head_sequence;    /* of the job at the queue's head; sequences grow by one a job */
    uint64_t capacity_tokens[TIER_COUNT];
    double mean_job_tokens;          /* running mean of the context of jobs that ended; 0: none yet */
};

struct policy {
    const char *name, *summary;
    size_t state_bytes;
    bool saves;  /* false: nothing is ever stored (recompute) */
    bool fetches; /* by default: the queue's KV on SSD is brought to DRAM ahead of its job */
    /* A copy of the unit is now in the tier, at its end of the order; has left it. */
    void (*enter)(struct policy_env *env, uint32_t unit, enum tier tier);
    void (*leave)(struct policy_env *env, uint32_t unit, enum tier tier);
    /* A job uses the copy in that tier. Optional. */
    void (*use)(struct policy_env *env, uint32_t unit, enum tier tier);
    /* The next waiter for the unit, or its being pinned, has changed. Optional. */
    void (*wanted)(struct policy_env *env, uint32_t unit);
    /* The unit to give up next in that tier, never a pinned one or one in a transfer; UNIT_NONE: none
     * may go. Gives the same answer until something changes. */
    uint32_t (*victim)(const struct policy_env *env, enum tier tier);
    /* Whether the unit's last copy must not be given up. Optional: none is protected. */
    bool (*keeps)(const struct policy_env *env, uint32_t unit);
    /* Frees what state points to. Optional. */
    void (*done)(struct policy_env *env);
};

/* <- a new policy: its name here, its file in sim/CMakeLists.txt, a row in docs/policies.md. */
#define POLICIES(X) X(scheduler_aware) X(lru) X(fifo) X(none)
#define POLICY_DECLARE(name) extern const struct policy policy_##name;
POLICIES(POLICY_DECLARE)

/* The policy of that name, or NULL. */
const struct policy *policy_find(const char *name);
/* The i-th of the list, or NULL behind its end. */
const struct policy *policy_at(int i);

static inline bool policy_pinned(const struct policy_env *env, uint32_t unit)
{
    const struct unit *entry = &env->units->unit[unit];
    return entry->pins > 0 || entry->transfer != 0;
}

/* Sequence of the first queued job that wants the unit, or SEQUENCE_NONE. */
uint32_t policy_next_use(const struct policy_env *env, uint32_t unit);

/* Jobs that fit into that many tokens of cache: the paper's C / S_kv, S_kv the running mean. Without
 * a mean yet, all. */
uint32_t policy_window_jobs(const struct policy_env *env, uint64_t tokens);

#endif
