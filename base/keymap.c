/* base/keymap.c - see keymap.h: what changes the table. Collisions are resolved by linear probing.
 */
#include "base/keymap.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

#define MASK_MIN 15

/* How many handles a table may hold: 3/4 of its slots. The largest table has a slot for every
 * handle there can be, and one more. */
static uint32_t room(uint32_t mask)
{
    return mask == UINT32_MAX ? UINT32_MAX : (mask + 1) / 4 * 3;
}

void keymap_init(struct keymap *map, uint32_t expected)
{
    map->count = 0;
    map->mask = MASK_MIN;
    while (room(map->mask) < expected)
        map->mask = 2 * map->mask + 1;
    map->slot = memory_new((size_t)map->mask + 1, sizeof *map->slot);
}

void keymap_free(struct keymap *map)
{
    free(map->slot);
    map->slot = NULL;
}

static void put(struct keymap *map, struct keymap_slot slot)
{
    uint32_t at = slot.hash & map->mask;
    while (map->slot[at].handle != 0)
        at = (at + 1) & map->mask;
    map->slot[at] = slot;
}

static void grow(struct keymap *map)
{
    struct keymap old = *map;
    map->mask = 2 * old.mask + 1;
    map->slot = memory_new((size_t)map->mask + 1, sizeof *map->slot);
    for (uint64_t at = 0; at <= old.mask; at++)
        if (old.slot[at].handle != 0)
            put(map, old.slot[at]);
    free(old.slot);
}

void keymap_add(struct keymap *map, struct keymap_keys keys, uint32_t handle)
{
    assert(handle != 0);
    if (map->count >= room(map->mask))
        grow(map);
    put(map, (struct keymap_slot){ handle, keymap_hash(keymap_key(keys, handle)) });
    map->count++;
}

/* Fills the hole with the next handle that may move there: one whose search would have passed it.
 * Each move leaves a new hole, until an empty slot ends the run. */
static void close_hole(struct keymap *map, uint32_t hole)
{
    for (uint32_t at = (hole + 1) & map->mask; map->slot[at].handle != 0;
         at = (at + 1) & map->mask) {
        uint32_t from_home = (at - map->slot[at].hash) & map->mask;
        uint32_t from_hole = (at - hole) & map->mask;
        if (from_home >= from_hole) {
            map->slot[hole] = map->slot[at];
            hole = at;
        }
    }
    map->slot[hole].handle = 0;
}

void keymap_remove(struct keymap *map, struct keymap_keys keys, uint64_t key)
{
    uint32_t at = keymap_slot_of(map, keys, key);
    assert(map->slot[at].handle != 0);
    close_hole(map, at);
    map->count--;
}
