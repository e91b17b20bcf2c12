/* traces/id_repeat.c - see id_repeat.h: a table of the ids seen, and sorting where that finds one
 * twice or is too slow. */
#include "traces/id_repeat.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_AN_ID = 8 };
enum { FEW_IDS = 1 << 16, SLOTS_OF_FEW = 4, SLOTS_OF_MANY = 2 }; /* for each id: many take memory */

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

/* All slots are empty to the next look. */
static void begin_look(struct id_repeat *room, uint32_t slots)
{
    memory_grow(&room->slot, &room->capacity, slots, sizeof *room->slot);
    if (++room->look == 0) {
        memset(room->slot, 0, room->capacity * sizeof *room->slot);
        room->look = 1;
    }
}

/* false: one is there twice, or too many lie in one place; sorting says which. */
static bool all_differ(struct id_repeat *room, const uint64_t *ids, uint32_t count)
{
    uint64_t slots = (uint64_t)count * (count <= FEW_IDS ? SLOTS_OF_FEW : SLOTS_OF_MANY);
    uint32_t bits = 3;
    while (UINT64_C(1) << bits < slots)
        bits++;
    uint64_t mask = (UINT64_C(1) << bits) - 1, steps = 0;
    begin_look(room, (uint32_t)mask + 1);
    const uint64_t look = (uint64_t)room->look << 32;
    for (uint32_t i = 0; i < count; i++) {
        /* Fibonacci hashing: ids that follow each other are spread. */
        uint64_t at = ids[i] * UINT64_C(0x9E3779B97F4A7C15) >> (64 - bits);
        for (; room->slot[at] >> 32 == room->look; at = (at + 1) & mask)
            if (ids[(uint32_t)room->slot[at]] == ids[i] || ++steps > STEPS_AN_ID * (uint64_t)count)
                return false;
        room->slot[at] = look | i;
    }
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* *repeated: the least that is there twice. */
static bool sorted_repeat(const uint64_t *sorted, uint32_t count, uint64_t *repeated)
{
    uint32_t at = 1;
    while (at < count && sorted[at - 1] != sorted[at])
        at++;
    *repeated = sorted[at - 1];
    return at < count;
}

bool id_repeats(struct id_repeat *room, const uint64_t *ids, uint32_t count, uint64_t *repeated)
{
    if (ascend(ids, count) || all_differ(room, ids, count))
        return false;
    uint64_t *sorted = room->slot; /* and empty slots again */
    memcpy(sorted, ids, count * sizeof *ids);
    qsort(sorted, count, sizeof *sorted, compare_ids);
    bool repeats = sorted_repeat(sorted, count, repeated);
    memset(sorted, 0, count * sizeof *sorted);
    return repeats;
}
