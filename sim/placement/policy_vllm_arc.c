/* sim/placement/policy_vllm_arc.c - the "arc" of vLLM's CPU offloading, which is not FAST'03's
 * (that is policy_arc.c). Where it differs: what comes enters T1 even if it is a ghost; a ghost is
 * asked when a request looks its blocks up, and stays one, at its list's recent end; T1 evicts as
 * soon as it is as long as the target, which begins at 0; B1 and B2 hold up to ghost_share
 * of a tier's blocks each; and a request's later stores touch its earlier blocks again, so that
 * what it stored itself moves to T2, but not what a store has just stored. Source: vLLM
 * vllm/v1/kv_offload/cpu/policies/arc.py at 02957b5 (touch, insert, evict_until), the calls to
 * touch() in vllm/distributed/kv_transfer/kv_connector/v1/offloading/scheduler.py at 0072b0b. The
 * tiers below HBM only. */
#include "sim/placement/arc_lists.h"
#include "sim/placement/hbm_queue.h"

/* lists: of the tiers below HBM. */
struct vllm_arc {
    struct order hbm;
    struct arc_lists lists; /* target: target_t1_size */
};

static void vllm_arc_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct vllm_arc *arc = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_enter(env, &arc->hbm, unit);
        return;
    }
    bool was_ghost = arc_where(env, unit, tier) != NEW;
    arc_move(env, &arc->lists, unit, tier, T1);
    if (was_ghost)
        policy_forget(env, unit, tier);
}

static void vllm_arc_leave(struct policy_env *env, uint32_t unit, enum tier tier, enum leave why)
{
    struct vllm_arc *arc = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_leave(env, &arc->hbm, unit);
        return;
    }
    if (why != LEAVE_EVICTED) {
        arc_move(env, &arc->lists, unit, tier, NEW);
        return;
    }
    enum where ghosts = arc_where(env, unit, tier) == T1 ? B1 : B2;
    uint64_t most =
        policy_share(arc_capacity(env, &arc->lists, tier), env->keys.vllm_arc_ghost_share);
    arc_move(env, &arc->lists, unit, tier, ghosts);
    policy_remember(env, unit, tier);
    while (arc->lists.count[tier][ghosts] > most)
        arc_forget_oldest(env, &arc->lists, tier, ghosts);
}

static double *target_of(const struct policy_env *env, enum tier tier)
{
    struct vllm_arc *arc = env->state;
    return arc_target(env, &arc->lists, tier, env->keys.vllm_arc_first_target);
}

static void adapt(struct policy_env *env, enum tier tier, enum where ghosts, double capacity)
{
    const struct vllm_arc *arc = env->state;
    double b1 = (double)arc->lists.count[tier][B1], b2 = (double)arc->lists.count[tier][B2];
    double ratio = ghosts == B1 ? b2 / b1 : b1 / b2;
    double step = env->keys.vllm_arc_step * (ratio > 1.0 ? ratio : 1.0);
    double *target = target_of(env, tier);
    *target += ghosts == B1 ? step : -step;
    *target = *target < 0.0 ? 0.0 : *target > capacity ? capacity : *target;
}

static void vllm_arc_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct vllm_arc *arc = env->state;
    if (tier == TIER_HBM) {
        hbm_queue_use(env, &arc->hbm, unit);
        return;
    }
    enum where at = arc_where(env, unit, tier);
    if (at == B1 || at == B2)
        adapt(env, tier, at, (double)arc_capacity(env, &arc->lists, tier));
    arc_move(env, &arc->lists, unit, tier, at == T1 && !env->use.fresh ? T2 : at);
}

/* T2's, too, if T1 is long enough but in use; T1's never if it is not: then none may go. */
static uint32_t vllm_arc_victim(struct policy_env *env, enum tier tier)
{
    struct vllm_arc *arc = env->state;
    if (tier == TIER_HBM)
        return hbm_queue_victim(env, &arc->hbm);
    uint32_t unit = UNIT_NONE;
    if (arc->lists.count[tier][T1] >= (uint64_t)*target_of(env, tier))
        unit = policy_first(env, &arc->lists.list[tier][T1], tier);
    return unit != UNIT_NONE ? unit : policy_first(env, &arc->lists.list[tier][T2], tier);
}

/* At most `most` of the list's units that may go. */
static uint64_t count_goers(const struct policy_env *env, const struct order *order, enum tier tier,
                            uint64_t most)
{
    uint64_t goers = 0;
    for (uint32_t unit = order->front; unit != UNIT_NONE && goers < most;
         unit = env->units->link[tier][unit].next)
        goers += !policy_stays(env, unit, tier);
    return goers;
}

/* Whether T1, of which at most `most` go, and T2 give so many: evict() takes nothing if it cannot
 * take all. */
static bool yields_with(const struct policy_env *env, enum tier tier, uint64_t units, uint64_t most)
{
    const struct vllm_arc *arc = env->state;
    uint64_t from_t1 =
        count_goers(env, &arc->lists.list[tier][T1], tier, most < units ? most : units);
    uint64_t rest = units - from_t1;
    return count_goers(env, &arc->lists.list[tier][T2], tier, rest) == rest;
}

/* T1 gives for as long as it is not shorter than its target. */
static bool vllm_arc_yields(const struct policy_env *env, enum tier tier, uint64_t units)
{
    const struct vllm_arc *arc = env->state;
    uint64_t t1 = arc->lists.count[tier][T1], target = (uint64_t)*target_of(env, tier);
    return yields_with(env, tier, units, t1 < target ? 0 : t1 - target + 1);
}

/* From 0.31 on T1 gives what T2 has not. */
static uint32_t vllm_arc_31_victim(struct policy_env *env, enum tier tier)
{
    struct vllm_arc *arc = env->state;
    uint32_t unit = vllm_arc_victim(env, tier);
    return unit != UNIT_NONE || tier == TIER_HBM
               ? unit
               : policy_first(env, &arc->lists.list[tier][T1], tier);
}

static bool vllm_arc_31_yields(const struct policy_env *env, enum tier tier, uint64_t units)
{
    return yields_with(env, tier, units, units);
}

const struct policy policy_vllm_arc_31 = {
    .name = "vllm-arc-0.31",
    .summary = "the same from vLLM 0.31 on: T1 gives what T2 has not",
    .state_bytes = sizeof(struct vllm_arc),
    .note_bytes = sizeof(uint8_t),
    .saves = true,
    .uses_ghosts = true,
    .enter = vllm_arc_enter,
    .leave = vllm_arc_leave,
    .use = vllm_arc_use,
    .victim = vllm_arc_31_victim,
    .yields = vllm_arc_31_yields,
};

const struct policy policy_vllm_arc = {
    .name = "vllm-arc",
    .summary = "the ARC of vLLM's CPU offloading: what comes is new even if it was known",
    .state_bytes = sizeof(struct vllm_arc),
    .note_bytes = sizeof(uint8_t),
    .saves = true,
    .uses_ghosts = true,
    .enter = vllm_arc_enter,
    .leave = vllm_arc_leave,
    .use = vllm_arc_use,
    .victim = vllm_arc_victim,
    .yields = vllm_arc_yields,
};
