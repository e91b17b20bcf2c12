/* sim/placement/policy_scheduler_aware.c - evicts what the job queue will want last.
 * Here: the order among units, by the queue. Source: CachedAttention (ATC'24), scheduler-aware
 * eviction: first a unit that no job in the eviction window wants, else the one wanted furthest in
 * the future; what is in the window is never dropped from the last tier. The window is (C_DRAM +
 * C_SSD) / S_kv jobs long. The paper leaves the order among units outside the window open: here
 * those that no queued job wants go first, least recently used first, then the queue's tail. */
#include "base/memory.h"
#include "sim/placement/policy.h"

#include <stdlib.h>

/* A unit in tier t is in exactly one of: idle[t], if no queued job wants it, front = least recently
 * used; heap[t], if one does and it is not pinned, the one wanted last on top; neither, if one does
 * and it is pinned (its place follows from the queue, so nothing is lost by taking it out).
 * Where it is stands in the unit's link: next = IN_HEAP and prev = its index, or next = NOWHERE. */
#define IN_HEAP UINT32_MAX
#define NOWHERE (UINT32_MAX - 1)

struct heap_item {
    uint32_t sequence, unit;
};

struct heap {
    struct heap_item *item;
    uint32_t count, capacity;
};

struct scheduler_aware {
    struct order idle[TIER_COUNT];
    struct heap heap[TIER_COUNT];
};

/* Later wanted is nearer the top; ties, which only blocks of one job can have, by handle. */
static bool above(struct heap_item a, struct heap_item b)
{
    return a.sequence != b.sequence ? a.sequence > b.sequence : a.unit > b.unit;
}

static void heap_put(struct heap *heap, struct order_link *link, uint32_t at, struct heap_item item)
{
    heap->item[at] = item;
    link[item.unit] = (struct order_link){ .prev = at, .next = IN_HEAP };
}

static void heap_rise(struct heap *heap, struct order_link *link, uint32_t at,
                      struct heap_item item)
{
    while (at > 0 && above(item, heap->item[(at - 1) / 2])) {
        heap_put(heap, link, at, heap->item[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    heap_put(heap, link, at, item);
}

static void heap_sink(struct heap *heap, struct order_link *link, uint32_t at,
                      struct heap_item item)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && above(heap->item[child + 1], heap->item[child]))
            child++;
        if (!above(heap->item[child], item))
            break;
        heap_put(heap, link, at, heap->item[child]);
        at = child;
    }
    heap_put(heap, link, at, item);
}

static void heap_add(struct heap *heap, struct order_link *link, struct heap_item item)
{
    memory_grow(&heap->item, &heap->capacity, (uint64_t)heap->count + 1, sizeof *heap->item);
    heap_rise(heap, link, heap->count++, item);
}

static void heap_remove(struct heap *heap, struct order_link *link, uint32_t at)
{
    struct heap_item last = heap->item[--heap->count];
    if (at == heap->count)
        return;
    if (at > 0 && above(last, heap->item[(at - 1) / 2]))
        heap_rise(heap, link, at, last);
    else
        heap_sink(heap, link, at, last);
}

static void take_out(struct scheduler_aware *aware, struct order_link *link, uint32_t unit,
                     enum tier tier)
{
    if (link[unit].next == IN_HEAP)
        heap_remove(&aware->heap[tier], link, link[unit].prev);
    else if (link[unit].next != NOWHERE)
        order_remove(&aware->idle[tier], link, unit);
}

static void put_in(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct scheduler_aware *aware = env->state;
    struct order_link *link = env->units->link[tier];
    uint32_t sequence = policy_next_use(env, unit);
    if (sequence == SEQUENCE_NONE)
        order_push_back(&aware->idle[tier], link, unit);
    else if (policy_stays(env, unit, tier))
        link[unit].next = NOWHERE;
    else
        heap_add(&aware->heap[tier], link, (struct heap_item){ sequence, unit });
}

static void scheduler_aware_leave(struct policy_env *env, uint32_t unit, enum tier tier,
                                  enum leave why)
{
    (void)why;
    take_out(env->state, env->units->link[tier], unit, tier);
}

static void scheduler_aware_use(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct scheduler_aware *aware = env->state;
    if (env->units->link[tier][unit].next < NOWHERE)
        order_move_to_back(&aware->idle[tier], env->units->link[tier], unit);
}

/* Idle units keep their place through pins, as in LRU; wanted ones follow the queue. */
static void scheduler_aware_wanted(struct policy_env *env, uint32_t unit)
{
    if (env->units->unit == NULL) /* a replay: no queue */
        return;
    const struct unit *entry = &env->units->unit[unit];
    bool is_wanted = entry->first_waiter != 0;
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (entry->tokens[tier] == 0 || unit_leaves(entry, (enum tier)tier))
            continue;
        bool was_wanted = env->units->link[tier][unit].next >= NOWHERE;
        if (!is_wanted && !was_wanted)
            continue;
        take_out(env->state, env->units->link[tier], unit, (enum tier)tier);
        put_in(env, unit, (enum tier)tier);
    }
}

static bool scheduler_aware_keeps(const struct policy_env *env, uint32_t unit)
{
    uint32_t sequence = policy_next_use(env, unit);
    if (sequence == SEQUENCE_NONE)
        return false;
    uint64_t stored_tokens = env->capacity_tokens[TIER_DRAM] + env->capacity_tokens[TIER_SSD];
    return sequence - env->queue_head_sequence < policy_window_jobs(env, stored_tokens);
}

static uint32_t scheduler_aware_victim(struct policy_env *env, enum tier tier)
{
    const struct scheduler_aware *aware = env->state;
    uint32_t unit = policy_first(env, &aware->idle[tier], tier);
    if (unit != UNIT_NONE)
        return unit;
    return aware->heap[tier].count > 0 ? aware->heap[tier].item[0].unit : UNIT_NONE;
}

static void scheduler_aware_done(struct policy_env *env)
{
    struct scheduler_aware *aware = env->state;
    for (int tier = 0; tier < TIER_COUNT; tier++)
        free(aware->heap[tier].item);
}

const struct policy policy_scheduler_aware = {
    .name = "scheduler-aware",
    .summary = "give up what the job queue wants last; fetch what it wants next",
    .state_bytes = sizeof(struct scheduler_aware),
    .saves = true,
    .fetches = true,
    .enter = put_in,
    .leave = scheduler_aware_leave,
    .use = scheduler_aware_use,
    .wanted = scheduler_aware_wanted,
    .victim = scheduler_aware_victim,
    .keeps = scheduler_aware_keeps,
    .done = scheduler_aware_done,
};
