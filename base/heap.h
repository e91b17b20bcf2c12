/* base/heap.h - the first of many: a binary heap of 32-bit handles, lowest key on top.
 * A key is two numbers, compared in this order; where keys are unique (`then` a sequence number or the
 * handle itself) what comes off the top is the same whatever was done before. "Last first" is a key of
 * differences: UINT64_MAX - x. The key lies beside the handle, so that comparing reads the heap alone.
 *
 * What only comes off the top needs heap_push() and heap_pop(). A heap out of which any handle may be
 * taken is *placed*: for each handle its user has a uint32_t, in which the heap writes where the handle
 * stands. Its handles are put in and taken out with the functions that have `places`, and no others. */
#ifndef REPRISE_BASE_HEAP_H
#define REPRISE_BASE_HEAP_H

#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct heap_item {
    uint64_t first, then; /* the key */
    uint32_t handle;
};

/* Invariant: item[i] comes before item[2 i + 1] and item[2 i + 2]; so item[0] is the first of all.
 * Zeroed memory is an empty heap. */
struct heap {
    struct heap_item *item;
    uint32_t count, capacity;
};

/* Where the place of handle h lies: *(uint32_t *)((char *)records + h * stride). */
struct heap_places {
    void *records; /* NULL: not placed */
    uint32_t stride;
};

static inline void heap_free(struct heap *heap)
{
    free(heap->item);
}

/* A number as part of a key: of any two the lower has the lower key. -0 comes before 0. */
static inline uint64_t heap_key_of(double number)
{
    uint64_t bits, sign = UINT64_C(1) << 63;
    memcpy(&bits, &number, sizeof bits);
    return (bits & sign) != 0 ? ~bits : bits | sign;
}

/* Private. */
static inline int heap_before(const struct heap_item *a, const struct heap_item *b)
{
    return a->first < b->first || (a->first == b->first && a->then < b->then);
}

/* Private. */
static inline void heap_set(struct heap *heap, struct heap_places places, uint32_t at,
                            struct heap_item item)
{
    heap->item[at] = item;
    if (places.records != NULL)
        *(uint32_t *)(void *)((char *)places.records + (uint64_t)item.handle * places.stride) = at;
}

/* Private. The item, whose place `at` may be too low for it, and what it passes get their places. */
static inline void heap_rise(struct heap *heap, struct heap_places places, uint32_t at,
                             struct heap_item item)
{
    for (; at > 0 && heap_before(&item, &heap->item[(at - 1) / 2]); at = (at - 1) / 2)
        heap_set(heap, places, at, heap->item[(at - 1) / 2]);
    heap_set(heap, places, at, item);
}

/* Private. The same downwards. */
static inline void heap_sink(struct heap *heap, struct heap_places places, uint32_t at,
                             struct heap_item item)
{
    for (uint32_t child; (child = 2 * at + 1) < heap->count; at = child) {
        if (child + 1 < heap->count && heap_before(&heap->item[child + 1], &heap->item[child]))
            child++;
        if (!heap_before(&heap->item[child], &item))
            break;
        heap_set(heap, places, at, heap->item[child]);
    }
    heap_set(heap, places, at, item);
}

static inline void heap_put(struct heap *heap, struct heap_places places, struct heap_item item)
{
    memory_grow(&heap->item, &heap->capacity, (uint64_t)heap->count + 1, sizeof *heap->item);
    heap_rise(heap, places, heap->count++, item);
}

/* Takes out what stands at place `at`. */
static inline void heap_take(struct heap *heap, struct heap_places places, uint32_t at)
{
    struct heap_item last = heap->item[--heap->count];
    if (at == heap->count)
        return;
    if (at > 0 && heap_before(&last, &heap->item[(at - 1) / 2]))
        heap_rise(heap, places, at, last);
    else
        heap_sink(heap, places, at, last);
}

static inline void heap_push(struct heap *heap, struct heap_item item)
{
    heap_put(heap, (struct heap_places){ 0 }, item);
}

/* The heap must not be empty. */
static inline struct heap_item heap_pop(struct heap *heap)
{
    struct heap_item top = heap->item[0];
    heap_take(heap, (struct heap_places){ 0 }, 0);
    return top;
}

#endif
