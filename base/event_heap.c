/* base/event_heap.c - a 4-ary heap: half the levels of a binary one, and a node's children share a
 * cache line or two. Not base/heap.h, the other heaps' one: with that bench_sim takes 2 to 3 %
 * longer. */
#include "base/event_heap.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { ARITY = EVENT_HEAP_ARITY };

void event_heap_init(struct event_heap *heap)
{
    memset(heap, 0, sizeof *heap);
}

void event_heap_free(struct event_heap *heap)
{
    free(heap->item);
}

/* The earliest child of those below item[end]. */
static uint32_t earliest_child(const struct event_heap *heap, uint32_t at, uint32_t end)
{
    uint32_t first = ARITY * at + 1, best = first;
    for (uint32_t child = first + 1; child < first + ARITY && child < end; child++)
        if (event_is_earlier(&heap->item[child], &heap->item[best]))
            best = child;
    return best;
}

/* Puts the event in the hole's place, or further down below item[end]. */
static void fill_hole(struct event_heap *heap, struct event event, uint32_t end)
{
    uint32_t at = 0;
    while (ARITY * at + 1 < end) {
        uint32_t child = earliest_child(heap, at, end);
        if (!event_is_earlier(&heap->item[child], &event))
            break;
        heap->item[at] = heap->item[child];
        at = child;
    }
    heap->item[at] = event;
    heap->has_hole = false;
}

void event_heap_push(struct event_heap *heap, uint64_t time_ns, uint32_t kind, uint32_t handle)
{
    struct event event = { time_ns, heap->pushed++, kind, handle };
    if (heap->has_hole) {
        heap->count++;
        fill_hole(heap, event, heap->count);
        return;
    }
    memory_grow(&heap->item, &heap->capacity, (uint64_t)heap->count + 1, sizeof *heap->item);
    uint32_t at = heap->count++;
    while (at > 0 && event_is_earlier(&event, &heap->item[(at - 1) / ARITY])) {
        heap->item[at] = heap->item[(at - 1) / ARITY];
        at = (at - 1) / ARITY;
    }
    heap->item[at] = event;
}

static void close_hole(struct event_heap *heap)
{
    if (heap->count > 0)
        fill_hole(heap, heap->item[heap->count], heap->count);
    heap->has_hole = false;
}

struct event event_heap_pop(struct event_heap *heap)
{
    assert(heap->count > 0);
    if (heap->has_hole)
        close_hole(heap);
    heap->count--;
    heap->has_hole = true;
    return heap->item[0];
}
