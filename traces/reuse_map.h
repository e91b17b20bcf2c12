/* traces/reuse_map.h - where the blocks of a stack (reuse_stack.h) lie, by their keys: an open-addressing
 * table of handles. Private to traces/.
 *
 * Handles are given from 1 on without gaps, so that none needs more bits than a slot's place has; the other
 * bits of a slot are of the key's hash: 8 of them in a table of 16 million slots, more in a smaller one. A
 * search so reads hardly any key but the right one, and a slot is 4 bytes over a load of at most 3/4.
 * (base/keymap.h takes handles of any size.) */
#ifndef REPRISE_TRACES_REUSE_MAP_H
#define REPRISE_TRACES_REUSE_MAP_H

#include "base/keymap.h"

#include <stdint.h>

struct reuse_block {
    uint64_t key;  /* of a free one: the next free one */
    uint32_t slot; /* of its last touch; REUSE_NO_SLOT: the handle is free */
    uint32_t note; /* the caller's; 0 in a new block */
};
#define REUSE_NO_SLOT UINT32_MAX

/* Invariant: slot[] holds each handle once, in the bits of `mask`; 0 is an empty slot. No slot is empty
 * between a handle's slot and the one that its key's hash says. */
struct reuse_map {
    uint32_t *slot;
    uint32_t mask; /* slots - 1, slots a power of two */
    uint32_t count;
};

void reuse_map_init(struct reuse_map *map, uint32_t expected);
void reuse_map_free(struct reuse_map *map);

/* Adds a handle, not above count + 1 and not 0, where the search for its key ended. May grow the table: then
 * all blocks up to that handle are read, and those that are not free are added anew. */
void reuse_map_add(struct reuse_map *map, const struct reuse_block *block, uint32_t at,
                   uint32_t handle);
/* Makes the table anew of the blocks [1, handles) that are not free. */
void reuse_map_fill(struct reuse_map *map, const struct reuse_block *block, uint32_t handles);
/* Removes the handle of a key that is there. */
void reuse_map_remove(struct reuse_map *map, const struct reuse_block *block, uint64_t key);

/* ---- inline: a search is made for every block of every request ---- */

static inline uint64_t reuse_map_hash(uint64_t key)
{
    return keymap_mix(key);
}

/* Asks the processor to fetch the slot where the search begins. */
static inline void reuse_map_prefetch(const struct reuse_map *map, uint64_t hash)
{
    __builtin_prefetch(&map->slot[(uint32_t)hash & map->mask]);
}

/* The first slot from `at` on that is empty, or has the bits of that hash: then it is most likely the key's. */
static inline uint32_t reuse_map_next(const struct reuse_map *map, uint64_t hash, uint32_t at)
{
    uint32_t bits = (uint32_t)(hash >> 32);
    while (map->slot[at] != 0 && ((map->slot[at] ^ bits) & ~map->mask) != 0)
        at = (at + 1) & map->mask;
    return at;
}

/* The same from where the search begins. */
static inline uint32_t reuse_map_first(const struct reuse_map *map, uint64_t hash)
{
    return reuse_map_next(map, hash, (uint32_t)hash & map->mask);
}

/* 0: it is empty. */
static inline uint32_t reuse_map_handle(const struct reuse_map *map, uint32_t at)
{
    return map->slot[at] & map->mask;
}

/* Where the search for the key ends that has come to `at`: at its handle's slot or an empty one. */
static inline uint32_t reuse_map_find(const struct reuse_map *map, const struct reuse_block *block,
                                      uint64_t key, uint64_t hash, uint32_t at)
{
    while (map->slot[at] != 0 && block[reuse_map_handle(map, at)].key != key)
        at = reuse_map_next(map, hash, (at + 1) & map->mask);
    return at;
}

#endif
