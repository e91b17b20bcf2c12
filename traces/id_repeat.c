/* traces/id_repeat.c - see id_repeat.h: a table of the ids seen, and sorting where that finds one
 * twice or is too slow. */
#include "traces/id_repeat.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define EMPTY UINT64_MAX /* no id has its highest bit */
enum { STEPS_AN_ID = 8 };

void id_repeat_free(struct id_repeat *room)
{
    free(room->slot);
}

static bool ascend(const uint64_t *ids, uint32_t count)
{
    uint32_t at = 1;
    while (at < count && ids[at - 1] < ids[at])
        at++;
    return at >= count;
}

/* false: one is there twice, or too many lie in one place; sorting says which. */
static bool all_differ(struct id_repeat *room, const uint64_t *ids, uint32_t count)
{
    uint32_t bits = 3;
    while (UINT64_C(1) << bits < 2 * (uint64_t)count)
        bits++;
    uint64_t slots = UINT64_C(1) << bits, steps = 0;
    memory_grow(&room->slot, &room->capacity, slots, sizeof *room->slot);
    memset(room->slot, 0xFF, slots * sizeof *room->slot);
    for (uint32_t i = 0; i < count; i++) {
        /* Fibonacci hashing: ids that follow each other are spread. */
        uint64_t at = ids[i] * UINT64_C(0x9E3779B97F4A7C15) >> (64 - bits);
        for (; room->slot[at] != EMPTY; at = (at + 1) & (slots - 1))
            if (room->slot[at] == ids[i] || ++steps > STEPS_AN_ID * (uint64_t)count)
                return false;
        room->slot[at] = ids[i];
    }
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

bool id_repeats(struct id_repeat *room, const uint64_t *ids, uint32_t count, uint64_t *repeated)
{
    if (ascend(ids, count) || all_differ(room, ids, count))
        return false;
    memcpy(room->slot, ids, count * sizeof *ids);
    qsort(room->slot, count, sizeof *room->slot, compare_ids);
    for (uint32_t i = 1; i < count; i++) {
        *repeated = room->slot[i];
        if (room->slot[i] == room->slot[i - 1])
            return true;
    }
    return false;
}
