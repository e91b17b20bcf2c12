/* sim/placement/policy_two_q.c - a unit comes into a short queue (A1in, in_share of the tier) and
 * is remembered when it leaves that (A1out, keys for out_share of the tier); only what is asked
 * again while it is remembered comes into the long list (Am), which is LRU. A use in A1in changes
 * nothing: uses close together count once. Source: Johnson and Shasha, "2Q: a low overhead high
 * performance buffer management replacement algorithm" (VLDB'94), full version, Kin = 25 %, Kout =
 * 50 %. */
#include "sim/placement/policy.h"

enum where { NEW, A1_IN, A1_OUT, AM, WHERE_COUNT };

/* Invariant: a unit in tier t is in list[t][A1_IN] or [AM], one that is remembered in [A1_OUT]; its
 * note says which. front = the next to go. */
struct two_q {
    struct order list[TIER_COUNT][WHERE_COUNT];
    uint64_t count[TIER_COUNT][WHERE_COUNT];
};

static uint8_t *where(const struct policy_env *env, uint32_t unit, enum tier tier)
{
    return (uint8_t *)env->units->note[tier] + unit;
}

static void move(struct policy_env *env, uint32_t unit, enum tier tier, enum where to)
{
    struct two_q *two_q = env->state;
    uint8_t *at = where(env, unit, tier);
    if (*at != NEW) {
        order_remove(&two_q->list[tier][*at], env->units->link[tier], unit);
        two_q->count[tier][*at]--;
    }
    if (to != NEW) {
        order_push_back(&two_q->list[tier][to], env->units->link[tier], unit);
        two_q->count[tier][to]++;
    }
    *at = (uint8_t)to;
}

static uint64_t share(const struct policy_env *env, enum tier tier, double part)
{
    const struct two_q *two_q = env->state;
    uint64_t now = two_q->count[tier][A1_IN] + two_q->count[tier][AM];
    return policy_share(policy_capacity(env, tier, now), part);
}

static void two_q_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    bool known = *where(env, unit, tier) == A1_OUT;
    move(env, unit, tier, known ? AM : A1_IN);
    if (known)
        policy_forget(env, unit, tier);
}

static void two_q_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    struct two_q *two_q = env->state;
    bool remember = why == LEAVE_EVICTED && *where(env, unit, tier) == A1_IN;
    move(env, unit, tier, remember ? A1_OUT : NEW);
    if (!remember)
        return;
    policy_remember(env, unit, tier);
    while (two_q->count[tier][A1_OUT] > share(env, tier, env->keys.two_q_out_share)) {
        uint32_t oldest = two_q->list[tier][A1_OUT].front;
        move(env, oldest, tier, NEW);
        policy_forget(env, oldest, tier);
    }
}

static void two_q_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    if (env->use.ends)
        return;
    if (*where(env, unit, tier) == AM)
        move(env, unit, tier, AM);
}

static uint32_t two_q_victim(struct policy_env *env, enum tier tier)
{
    struct two_q *two_q = env->state;
    uint64_t in_most = share(env, tier, env->keys.two_q_in_share);
    enum where first = two_q->count[tier][A1_IN] > in_most ? A1_IN : AM;
    uint32_t unit = policy_first(env, &two_q->list[tier][first], tier);
    if (unit != UNIT_NONE)
        return unit;
    return policy_first(env, &two_q->list[tier][first == AM ? A1_IN : AM], tier);
}

const struct policy policy_two_q = {
    .name = "2q",
    .summary = "give up new units soon, but remember them: what is asked again is kept by recency",
    .state_bytes = sizeof(struct two_q),
    .note_bytes = sizeof(uint8_t),
    .saves = true,
    .enter = two_q_enter,
    .leave = two_q_leave,
    .use = two_q_use,
    .victim = two_q_victim,
};
