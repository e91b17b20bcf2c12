/* sim/placement/sketch.c - see sketch.h. */
#include "sim/placement/sketch.h"

#include "base/memory.h"

#include <stddef.h>
#include <stdlib.h>

struct sketch sketch_new(uint32_t columns, bool one_row, uint8_t most, uint64_t period)
{
    return (
        struct sketch){ .columns = columns, .one_row = one_row, .most = most, .period = period };
}

void sketch_free(struct sketch *sketch)
{
    free(sketch->count);
    sketch->count = NULL;
}

static size_t counters(const struct sketch *sketch)
{
    return (size_t)sketch->columns * (sketch->one_row ? 1 : SKETCH_HASHES);
}

/* A different mix for each row (splitmix64's steps). */
static size_t place(const struct sketch *sketch, uint64_t key, uint32_t hash)
{
    uint64_t x = key + (hash + 1) * UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    x = (x ^ x >> 31) % sketch->columns;
    return (size_t)x + (sketch->one_row ? 0 : (size_t)hash * sketch->columns);
}

static void halve(struct sketch *sketch)
{
    size_t count = counters(sketch);
    for (size_t i = 0; i < count; i++)
        sketch->count[i] /= 2;
    sketch->counted = 0;
}

uint8_t sketch_add(struct sketch *sketch, uint64_t key)
{
    uint8_t least = sketch->most;
    if (sketch->count == NULL)
        sketch->count = memory_new(counters(sketch), 1);
    for (uint32_t hash = 0; hash < SKETCH_HASHES; hash++) {
        uint8_t *count = &sketch->count[place(sketch, key, hash)];
        *count = (uint8_t)(*count + (*count < sketch->most));
        least = *count < least ? *count : least;
    }
    if (++sketch->counted >= sketch->period)
        halve(sketch);
    return least;
}
