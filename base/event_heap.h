/* base/event_heap.h - the future of a run: events by time, ties in the order they were pushed. */
#ifndef REPRISE_BASE_EVENT_HEAP_H
#define REPRISE_BASE_EVENT_HEAP_H

#include <stdbool.h>
#include <stdint.h>

struct event {
    uint64_t time_ns;
    uint64_t sequence; /* of its push: breaks ties */
    uint32_t kind, handle;
};

enum { EVENT_HEAP_ARITY = 4 }; /* private */

/* Invariant: a 4-ary heap of `count` events; item[0] is the earliest. With has_hole item[0] is none, since it
 * was taken, and item[1 .. count] are those of the heap that it leaves: what is pushed next mostly comes soon,
 * and takes its place at the cost of a few comparisons. */
struct event_heap {
    struct event *item;
    uint32_t count, capacity;
    uint64_t pushed;
    bool has_hole;
};

void event_heap_init(struct event_heap *heap);
void event_heap_free(struct event_heap *heap);
void event_heap_push(struct event_heap *heap, uint64_t time_ns, uint32_t kind, uint32_t handle);
/* The heap must not be empty. */
struct event event_heap_pop(struct event_heap *heap);

/* The earliest; the heap must not be empty. Valid until the next call that changes the heap. */
static inline const struct event *event_heap_first(const struct event_heap *heap)
{
    const struct event *first = &heap->item[heap->has_hole ? 1 : 0];
    for (uint32_t i = 2; heap->has_hole && i <= heap->count && i <= EVENT_HEAP_ARITY; i++) {
        const struct event *event = &heap->item[i];
        if (event->time_ns < first->time_ns ||
            (event->time_ns == first->time_ns && event->sequence < first->sequence))
            first = event;
    }
    return first;
}

/* UINT64_MAX: nothing will happen. */
static inline uint64_t event_heap_next_ns(const struct event_heap *heap)
{
    if (!heap->has_hole)
        return heap->count > 0 ? heap->item[0].time_ns : UINT64_MAX;
    uint64_t next_ns = UINT64_MAX;
    for (uint32_t i = 1; i <= heap->count && i <= EVENT_HEAP_ARITY; i++)
        next_ns = heap->item[i].time_ns < next_ns ? heap->item[i].time_ns : next_ns;
    return next_ns;
}

#endif
