/* sim/placement/ranked.c - see ranked.h. */
#include "sim/placement/ranked.h"

#include "base/memory.h"

#include <stdlib.h>

#define IN_HEAP UINT32_MAX
#define NOWHERE (UINT32_MAX - 1)

struct heap_view {
    uint32_t *unit;
    uint32_t count;
    const struct ranked_note *note;
    struct order_link *link;
};

static struct heap_view view_of(const struct policy_env *env, enum tier tier)
{
    const struct ranked *ranked = env->state;
    return (struct heap_view){ ranked->unit[tier], ranked->count[tier], env->units->note[tier],
                               env->units->link[tier] };
}

static bool before(const struct heap_view *heap, uint32_t a, uint32_t b)
{
    const struct ranked_note *x = &heap->note[a], *y = &heap->note[b];
    return x->rank < y->rank || (!(y->rank < x->rank) && x->order < y->order);
}

static void put(const struct heap_view *heap, uint32_t at, uint32_t unit)
{
    heap->unit[at] = unit;
    heap->link[unit] = (struct order_link){ .prev = at, .next = IN_HEAP };
}

static void rise(const struct heap_view *heap, uint32_t at, uint32_t unit)
{
    for (; at > 0 && before(heap, unit, heap->unit[(at - 1) / 2]); at = (at - 1) / 2)
        put(heap, at, heap->unit[(at - 1) / 2]);
    put(heap, at, unit);
}

static void sink(const struct heap_view *heap, uint32_t at, uint32_t unit)
{
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && before(heap, heap->unit[child + 1], heap->unit[child]))
            child++;
        if (!before(heap, heap->unit[child], unit))
            break;
        put(heap, at, heap->unit[child]);
        at = child;
    }
    put(heap, at, unit);
}

static void add(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct ranked *ranked = env->state;
    uint32_t at = ranked->count[tier]++;
    memory_grow(&ranked->unit[tier], &ranked->capacity[tier], ranked->count[tier],
                sizeof(uint32_t));
    struct heap_view heap = view_of(env, tier);
    rise(&heap, at, unit);
}

static void take_out(struct policy_env *env, uint32_t unit, enum tier tier)
{
    struct ranked *ranked = env->state;
    struct order_link *link = &env->units->link[tier][unit];
    if (link->next != IN_HEAP)
        return;
    uint32_t at = link->prev, last = ranked->unit[tier][--ranked->count[tier]];
    link->next = NOWHERE;
    if (last == unit)
        return;
    struct heap_view heap = view_of(env, tier);
    if (at > 0 && before(&heap, last, heap.unit[(at - 1) / 2]))
        rise(&heap, at, last);
    else
        sink(&heap, at, last);
}

void ranked_moved(struct policy_env *env, uint32_t unit, enum tier tier)
{
    take_out(env, unit, tier);
    if (!policy_stays(env, unit, tier))
        add(env, unit, tier);
}

void ranked_enter(struct policy_env *env, uint32_t unit, enum tier tier)
{
    ranked_note(env, unit, tier)->in_tier = 1;
    env->units->link[tier][unit].next = NOWHERE;
    ranked_moved(env, unit, tier);
}

void ranked_leave(struct policy_env *env, uint32_t unit, enum tier tier)
{
    take_out(env, unit, tier);
    ranked_note(env, unit, tier)->in_tier = 0;
}

void ranked_wanted(struct policy_env *env, uint32_t unit)
{
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        if (env->units->note[tier] == NULL || !ranked_note(env, unit, (enum tier)tier)->in_tier)
            continue;
        bool is_in = env->units->link[tier][unit].next == IN_HEAP;
        if (is_in == policy_stays(env, unit, (enum tier)tier))
            ranked_moved(env, unit, (enum tier)tier);
    }
}

uint32_t ranked_victim(struct policy_env *env, enum tier tier)
{
    const struct ranked *ranked = env->state;
    return ranked->count[tier] > 0 ? ranked->unit[tier][0] : UNIT_NONE;
}

void ranked_done(struct policy_env *env)
{
    struct ranked *ranked = env->state;
    for (int tier = 0; tier < TIER_COUNT; tier++)
        free(ranked->unit[tier]);
}
