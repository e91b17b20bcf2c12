/* sim/placement/unit_heap.h - a heap of units by key, whose places stand in the units' links: next says
 * that the unit is in the heap and prev where, or next says that it is nowhere. So a unit can be in
 * this heap or in a list (order.h), whose handles are lower. */
#ifndef REPRISE_SIM_PLACEMENT_UNIT_HEAP_H
#define REPRISE_SIM_PLACEMENT_UNIT_HEAP_H

#include "base/heap.h"
#include "sim/placement/order.h"

#include <stdbool.h>

#define UNIT_IN_HEAP UINT32_MAX
#define UNIT_NOWHERE (UINT32_MAX - 1)

static inline struct heap_places unit_heap_places(struct order_link *link)
{
    return (struct heap_places){ &link->prev, sizeof *link };
}

static inline void unit_heap_put(struct heap *heap, struct order_link *link, struct heap_item item)
{
    link[item.handle].next = UNIT_IN_HEAP;
    heap_put(heap, unit_heap_places(link), item);
}

/* Takes the unit out, if it is there. */
static inline void unit_heap_take(struct heap *heap, struct order_link *link, uint32_t unit)
{
    if (link[unit].next != UNIT_IN_HEAP)
        return;
    heap_take(heap, unit_heap_places(link), link[unit].prev);
    link[unit].next = UNIT_NOWHERE;
}

static inline uint32_t unit_heap_first(const struct heap *heap)
{
    return heap->count > 0 ? heap->item[0].handle : 0;
}

#endif
