/* sim/placement/hbm_queue.h - HBM in the order of vLLM v1's queue of free blocks, for policies
 * whose own order is that of the tiers below: engines that offload leave HBM to it. A block comes
 * to the queue's end when its last user ends, deepest of a chain first; the front is taken first.
 * Source: vLLM vllm/v1/core/block_pool.py (free_blocks, get_new_blocks, touch) at 002f349. */
#ifndef REPRISE_SIM_PLACEMENT_HBM_QUEUE_H
#define REPRISE_SIM_PLACEMENT_HBM_QUEUE_H

#include "sim/placement/policy.h"

static inline void hbm_queue_enter(struct policy_env *env, struct order *queue, uint32_t unit)
{
    order_push_back(queue, env->units->link[TIER_HBM], unit);
}

static inline void hbm_queue_leave(struct policy_env *env, struct order *queue, uint32_t unit)
{
    order_remove(queue, env->units->link[TIER_HBM], unit);
}

static inline void hbm_queue_use(struct policy_env *env, struct order *queue, uint32_t unit)
{
    order_move_to_back(queue, env->units->link[TIER_HBM], unit);
}

static inline uint32_t hbm_queue_victim(const struct policy_env *env, struct order *queue)
{
    return policy_first(env, queue, TIER_HBM);
}

#endif
