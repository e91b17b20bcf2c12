/* base/event_heap.c - a 4-ary heap: half the levels of a binary one, and a node's children share a
 * cache line or two. Not base/heap.h, the other heaps' one: with that bench_sim takes 2 to 3 %
 * longer. */
#include "base/event_heap.h"

#include "base/memory.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ARITY = 4 };

void event_heap_init(struct event_heap *heap)
{
    memset(heap, 0, sizeof *heap);
}

void event_heap_free(struct event_heap *heap)
{
    free(heap->item);
}

static bool earlier(const struct event *a, const struct event *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->sequence < b->sequence;
}

void event_heap_push(struct event_heap *heap, uint64_t time_ns, uint32_t kind, uint32_t handle)
{
    memory_grow(&heap->item, &heap->capacity, (uint64_t)heap->count + 1, sizeof *heap->item);
    struct event event = { time_ns, heap->pushed++, kind, handle };
    uint32_t at = heap->count++;
    while (at > 0 && earlier(&event, &heap->item[(at - 1) / ARITY])) {
        heap->item[at] = heap->item[(at - 1) / ARITY];
        at = (at - 1) / ARITY;
    }
    heap->item[at] = event;
}

static uint32_t earliest_child(const struct event_heap *heap, uint32_t at)
{
    uint32_t first = ARITY * at + 1, best = first;
    for (uint32_t child = first + 1; child < first + ARITY && child < heap->count; child++)
        if (earlier(&heap->item[child], &heap->item[best]))
            best = child;
    return best;
}

struct event event_heap_pop(struct event_heap *heap)
{
    assert(heap->count > 0);
    struct event top = heap->item[0], last = heap->item[--heap->count];
    uint32_t at = 0;
    while (ARITY * at + 1 < heap->count) {
        uint32_t child = earliest_child(heap, at);
        if (!earlier(&heap->item[child], &last))
            break;
        heap->item[at] = heap->item[child];
        at = child;
    }
    heap->item[at] = last;
    return top;
}
