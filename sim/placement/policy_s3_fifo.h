/* sim/placement/policy_s3_fifo.h - three queues: a small one (small_share of the tier) that units
 * come into, a main one for what was used promote_uses times or more while in the small one, and a
 * ghost queue of what the small one evicted, ghost_share of what main holds; what comes back while
 * it is a ghost goes to main. Source: Yang et al., "FIFO queues are all you need for cache
 * eviction" (SOSP'23), algorithm 1. It may evict one unit of each queue at once (a move that
 * overfills main, then the small queue's next); here the first suffices, since room for one was
 * asked.
 *
 * Calls are inline, since a replay has them within its loop (sim/replay/loops.c). */
#ifndef REPRISE_SIM_PLACEMENT_POLICY_S3_FIFO_H
#define REPRISE_SIM_PLACEMENT_POLICY_S3_FIFO_H

#include "sim/placement/policy.h"

enum s3_where { S3_NEW, S3_SMALL, S3_MAIN, S3_GHOST, S3_WHERE_COUNT };

struct s3_note {
    uint8_t where, uses; /* uses: 0 to max_uses */
};

/* Invariant: a unit in tier t is in list[t][S3_SMALL] or [S3_MAIN], one that is remembered in [S3_GHOST];
 * front = oldest. chosen: the answer given last, until something changes. */
struct s3_fifo {
    struct order list[TIER_COUNT][S3_WHERE_COUNT];
    uint64_t count[TIER_COUNT][S3_WHERE_COUNT];
    uint32_t chosen[TIER_COUNT];
};

static inline struct s3_note *s3_note_of(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    return (struct s3_note *)env->units->note[tier] + unit;
}

static inline void s3_move(struct policy_env *env, uint32_t unit, enum tier tier, enum s3_where to)
{
    struct s3_fifo *s3 = env->state;
    struct s3_note *at = s3_note_of(env, unit, tier);
    if (at->where != S3_NEW) {
        order_remove(&s3->list[tier][at->where], env->units->link[tier], unit);
        s3->count[tier][at->where]--;
    }
    if (to != S3_NEW) {
        order_push_back(&s3->list[tier][to], env->units->link[tier], unit);
        s3->count[tier][to]++;
    }
    at->where = (uint8_t)to;
}

static inline uint64_t s3_capacity(const struct policy_env *env, enum tier tier)
{
    const struct s3_fifo *s3 = env->state;
    return policy_capacity(env, tier, s3->count[tier][S3_SMALL] + s3->count[tier][S3_MAIN]);
}

static inline uint64_t s3_small_capacity(const struct policy_env *env, enum tier tier)
{
    return policy_share(s3_capacity(env, tier), env->keys.s3_fifo_small_share);
}

static inline uint64_t s3_main_capacity(const struct policy_env *env, enum tier tier)
{
    uint64_t whole = s3_capacity(env, tier), small = s3_small_capacity(env, tier);
    return small < whole ? whole - small : 0;
}

/* One at least though main holds none, so that what leaves now is not forgotten at once. */
static inline uint64_t s3_ghost_capacity(const struct policy_env *env, enum tier tier)
{
    return policy_share(s3_main_capacity(env, tier), env->keys.s3_fifo_ghost_share);
}

static inline void s3_fifo_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct s3_fifo *s3 = env->state;
    bool known = s3_note_of(env, unit, tier)->where == S3_GHOST;
    s3->chosen[tier] = UNIT_NONE;
    s3_move(env, unit, tier, known ? S3_MAIN : S3_SMALL);
    s3_note_of(env, unit, tier)->uses = 0;
    if (known)
        policy_forget(env, unit, tier);
}

static inline void s3_fifo_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    struct s3_fifo *s3 = env->state;
    bool remember = why == LEAVE_EVICTED && s3_note_of(env, unit, tier)->where == S3_SMALL;
    s3->chosen[tier] = UNIT_NONE;
    s3_move(env, unit, tier, remember ? S3_GHOST : S3_NEW);
    if (!remember)
        return;
    policy_remember(env, unit, tier);
    while (s3->count[tier][S3_GHOST] > s3_ghost_capacity(env, tier)) {
        uint32_t oldest = s3->list[tier][S3_GHOST].front;
        s3_move(env, oldest, tier, S3_NEW);
        policy_forget(env, oldest, tier);
    }
}

static inline void s3_fifo_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct s3_fifo *s3 = env->state;
    struct s3_note *used = s3_note_of(env, unit, tier);
    if (env->use.ends)
        return;
    s3->chosen[tier] = UNIT_NONE;
    if (used->uses < env->keys.s3_fifo_max_uses)
        used->uses++;
}

/* Main's oldest that was not used since it last came to the front; the others go round once more.
 */
static inline uint32_t s3_main_victim(struct policy_env *env, enum tier tier)
{
    struct s3_fifo *s3 = env->state;
    uint64_t steps = (env->keys.s3_fifo_max_uses + 1) * s3->count[tier][S3_MAIN];
    uint32_t unit = policy_first(env, &s3->list[tier][S3_MAIN], tier);
    for (; unit != UNIT_NONE && s3_note_of(env, unit, tier)->uses > 0 && steps > 0; steps--) {
        s3_note_of(env, unit, tier)->uses--;
        s3_move(env, unit, tier, S3_MAIN);
        unit = policy_first(env, &s3->list[tier][S3_MAIN], tier);
    }
    return unit;
}

/* The small queue's oldest that was not used often enough; others move to main, until that is too
 * full. */
static inline uint32_t s3_small_victim(struct policy_env *env, enum tier tier)
{
    struct s3_fifo *s3 = env->state;
    uint32_t unit = policy_first(env, &s3->list[tier][S3_SMALL], tier);
    while (unit != UNIT_NONE && s3_note_of(env, unit, tier)->uses >= env->keys.s3_fifo_promote_uses) {
        s3_note_of(env, unit, tier)->uses = 0;
        s3_move(env, unit, tier, S3_MAIN);
        if (s3->count[tier][S3_MAIN] > s3_main_capacity(env, tier)) {
            uint32_t from_main = s3_main_victim(env, tier);
            if (from_main != UNIT_NONE)
                return from_main;
        }
        unit = policy_first(env, &s3->list[tier][S3_SMALL], tier);
    }
    return unit;
}

static inline uint32_t s3_fifo_victim(struct policy_env *env, enum tier tier)
{
    struct s3_fifo *s3 = env->state;
    uint32_t unit = s3->chosen[tier];
    if (unit != UNIT_NONE && !policy_stays(env, unit, tier))
        return unit;
    bool from_small = s3->count[tier][S3_SMALL] >= s3_small_capacity(env, tier);
    unit = from_small ? s3_small_victim(env, tier) : s3_main_victim(env, tier);
    if (unit == UNIT_NONE)
        unit = from_small ? s3_main_victim(env, tier) : s3_small_victim(env, tier);
    s3->chosen[tier] = unit;
    return unit;
}

#define POLICY_CALLS_s3_fifo                                                                       \
    {                                                                                              \
        .name = "s3-fifo",                                                                         \
        .summary = "give up new units soon unless used twice, by queues alone",                    \
        .state_bytes = sizeof(struct s3_fifo),                                                     \
        .note_bytes = sizeof(struct s3_note),                                                      \
        .saves = true,                                                                             \
        .enter = s3_fifo_enter,                                                                    \
        .leave = s3_fifo_leave,                                                                    \
        .use = s3_fifo_use,                                                                        \
        .victim = s3_fifo_victim,                                                                  \
    }

#endif
