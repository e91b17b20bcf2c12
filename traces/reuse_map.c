/* traces/reuse_map.c - see reuse_map.h: what changes the table. */
#include "traces/reuse_map.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MASK_MIN 15

/* How many handles a table may hold: 3/4 of its slots. */
static uint32_t room(uint32_t mask)
{
    return (mask + 1) / 4 * 3;
}

void reuse_map_init(struct reuse_map *map, uint32_t expected)
{
    map->count = 0;
    map->mask = MASK_MIN;
    while (room(map->mask) < expected)
        map->mask = 2 * map->mask + 1;
    map->slot = memory_new((size_t)map->mask + 1, sizeof *map->slot);
}

void reuse_map_free(struct reuse_map *map)
{
    free(map->slot);
    map->slot = NULL;
}

static uint32_t slot_of(const struct reuse_map *map, uint64_t hash, uint32_t handle)
{
    return ((uint32_t)(hash >> 32) & ~map->mask) | handle;
}

static void put(struct reuse_map *map, uint64_t hash, uint32_t handle)
{
    uint32_t at = (uint32_t)hash & map->mask;
    while (map->slot[at] != 0)
        at = (at + 1) & map->mask;
    map->slot[at] = slot_of(map, hash, handle);
}

/* Slots are written at random: each is fetched some blocks ahead. */
static void put_all(struct reuse_map *map, const struct reuse_block *block, uint32_t handles)
{
    enum { AHEAD = 16 };
    map->count = 0;
    for (uint32_t handle = 1; handle < handles; handle++) {
        if (handle + AHEAD < handles)
            reuse_map_prefetch(map, reuse_map_hash(block[handle + AHEAD].key));
        if (block[handle].slot == REUSE_NO_SLOT)
            continue;
        put(map, reuse_map_hash(block[handle].key), handle);
        map->count++;
    }
}

static void grow(struct reuse_map *map, const struct reuse_block *block, uint32_t handles)
{
    free(map->slot);
    map->mask = 2 * map->mask + 1;
    assert(map->mask < UINT32_MAX);
    map->slot = memory_new((size_t)map->mask + 1, sizeof *map->slot);
    put_all(map, block, handles);
}

void reuse_map_add(struct reuse_map *map, const struct reuse_block *block, uint32_t at,
                   uint32_t handle)
{
    assert(handle != 0 && map->slot[at] == 0);
    uint64_t hash = reuse_map_hash(block[handle].key);
    if (map->count >= room(map->mask)) {
        grow(map, block, handle); /* full: no handle is free, and this one is the highest */
        put(map, hash, handle);
    } else {
        map->slot[at] = slot_of(map, hash, handle);
    }
    map->count++;
}

void reuse_map_fill(struct reuse_map *map, const struct reuse_block *block, uint32_t handles)
{
    memset(map->slot, 0, ((size_t)map->mask + 1) * sizeof *map->slot);
    put_all(map, block, handles);
}

/* Fills the hole with the next handle that may move there: one whose search would have passed it.
 * Each move leaves a new hole, until an empty slot ends the run. */
static void close_hole(struct reuse_map *map, const struct reuse_block *block, uint32_t hole)
{
    for (uint32_t at = (hole + 1) & map->mask; map->slot[at] != 0; at = (at + 1) & map->mask) {
        uint64_t hash = reuse_map_hash(block[reuse_map_handle(map, at)].key);
        uint32_t from_home = (at - (uint32_t)hash) & map->mask;
        uint32_t from_hole = (at - hole) & map->mask;
        if (from_home >= from_hole) {
            map->slot[hole] = map->slot[at];
            hole = at;
        }
    }
    map->slot[hole] = 0;
}

void reuse_map_remove(struct reuse_map *map, const struct reuse_block *block, uint64_t key)
{
    uint64_t hash = reuse_map_hash(key);
    uint32_t at = reuse_map_find(map, block, key, hash, reuse_map_first(map, hash));
    assert(map->slot[at] != 0);
    close_hole(map, block, at);
    map->count--;
}
