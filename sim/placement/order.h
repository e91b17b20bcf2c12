/* sim/placement/order.h - a doubly linked list of unit handles whose links lie in an array beside the
 * units: O(1) at both ends and in the middle, no allocation. Handle 0 names no unit, so zeroed memory
 * is an empty list. */
#ifndef REPRISE_SIM_PLACEMENT_ORDER_H
#define REPRISE_SIM_PLACEMENT_ORDER_H

#include <stdint.h>

struct order_link {
    uint32_t prev, next;
};

/* passed: the last of those at the front that a walk has passed over (policy_first()), when the walks'
 * epoch was this; 0: none. */
struct order {
    uint32_t front, back, passed;
    uint64_t epoch;
};

static inline void order_push_back(struct order *order, struct order_link *link, uint32_t unit)
{
    link[unit] = (struct order_link){ .prev = order->back, .next = 0 };
    if (order->back != 0)
        link[order->back].next = unit;
    else
        order->front = unit;
    order->back = unit;
}

/* Just in front of `behind`, which is in the order. */
static inline void order_insert_before(struct order *order, struct order_link *link, uint32_t unit,
                                       uint32_t behind)
{
    uint32_t prev = link[behind].prev;
    order->passed = 0; /* it may be among those that were passed over */
    link[unit] = (struct order_link){ .prev = prev, .next = behind };
    link[behind].prev = unit;
    if (prev != 0)
        link[prev].next = unit;
    else
        order->front = unit;
}

static inline void order_remove(struct order *order, struct order_link *link, uint32_t unit)
{
    struct order_link at = link[unit];
    if (order->passed == unit)
        order->passed = at.prev;
    if (at.prev != 0)
        link[at.prev].next = at.next;
    else
        order->front = at.next;
    if (at.next != 0)
        link[at.next].prev = at.prev;
    else
        order->back = at.prev;
}

static inline void order_move_to_back(struct order *order, struct order_link *link, uint32_t unit)
{
    if (order->back == unit)
        return;
    order_remove(order, link, unit);
    order_push_back(order, link, unit);
}

/* What order_remove() will write. */
static inline void order_prefetch_neighbours(const struct order_link *link, uint32_t unit)
{
    __builtin_prefetch(&link[link[unit].prev], 1);
    __builtin_prefetch(&link[link[unit].next], 1);
}

#endif
