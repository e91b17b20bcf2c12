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

/* Private. */
static inline bool event_is_earlier(const struct event *a, const struct event *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->sequence < b->sequence;
}

/* The earliest; the heap must not be empty. Valid until the next call that changes the heap. */
static inline const struct event *event_heap_first(const struct event_heap *heap)
{
    const struct event *first = &heap->item[heap->has_hole ? 1 : 0];
    for (uint32_t i = 2; heap->has_hole && i <= heap->count && i <= EVENT_HEAP_ARITY; i++)
        if (event_is_earlier(&heap->item[i], first))
            first = &heap->item[i];
    return first;
}

/* UINT64_MAX: nothing will happen. */
static inline uint64_t event_heap_next_ns(const struct event_heap *heap)
{
    return heap->count > 0 ? event_heap_first(heap)->time_ns : UINT64_MAX;
}

#endif
