/* base/keymap.h - an open-addressing hash table from 64-bit keys to 32-bit handles.
 * A slot holds a handle and 32 bits of its key's hash, 8 bytes over a load of at most 3/4; the key itself is
 * read from the caller's array, by a search at hardly any handle but the right one, by a removal at
 * that one alone. Removal shifts back: there are no tombstones. */
#ifndef REPRISE_BASE_KEYMAP_H
#define REPRISE_BASE_KEYMAP_H

#include <stdint.h>

struct keymap_slot {
    uint32_t handle, hash; /* handle 0: empty */
};

/* Invariant: slot[] holds each handle once; handle 0 names nothing. No slot is empty between a
 * handle's slot and the slot its key hashes to. */
struct keymap {
    struct keymap_slot *slot;
    uint32_t mask; /* slots - 1, slots a power of two */
    uint32_t count;
};

/* Where the key of handle h lies: *(const uint64_t *)((const char *)records + h * stride). */
struct keymap_keys {
    const void *records;
    uint32_t stride;
};

void keymap_init(struct keymap *map, uint32_t expected);
void keymap_free(struct keymap *map);
/* Adds a handle, not 0, whose key is in keys already and not in the map. May grow the table. */
void keymap_add(struct keymap *map, struct keymap_keys keys, uint32_t handle);
/* Removes the handle of a key that is in the map. */
void keymap_remove(struct keymap *map, struct keymap_keys keys, uint64_t key);

/* The functions below are inline: a look-up is made for every block of every request. */

/* Private. Every bit of the key decides (MurmurHash3's finaliser): ids that differ by one, or in
 * their upper bits only, must not crowd one place. */
static inline uint64_t keymap_mix(uint64_t key)
{
    key = (key ^ (key >> 33)) * UINT64_C(0xFF51AFD7ED558CCD);
    key = (key ^ (key >> 33)) * UINT64_C(0xC4CEB9FE1A85EC53);
    return key ^ (key >> 33);
}

/* Private. What a slot remembers of a key; its lowest bits say where the search for the key begins. */
static inline uint32_t keymap_hash(uint64_t key)
{
    return (uint32_t)keymap_mix(key);
}

/* Private. */
static inline uint64_t keymap_key(struct keymap_keys keys, uint32_t handle)
{
    return *(const uint64_t *)(const void *)((const char *)keys.records +
                                             (uint64_t)handle * keys.stride);
}

/* Private. The slot of the handle whose key is `key`, or the empty one that ends the search. */
static inline uint32_t keymap_slot_of(const struct keymap *map, struct keymap_keys keys,
                                      uint64_t key)
{
    uint32_t hash = keymap_hash(key), at = hash & map->mask;
    while (map->slot[at].handle != 0 &&
           (map->slot[at].hash != hash || keymap_key(keys, map->slot[at].handle) != key))
        at = (at + 1) & map->mask;
    return at;
}

/* The handle whose key is `key`, or 0. */
static inline uint32_t keymap_find(const struct keymap *map, struct keymap_keys keys, uint64_t key)
{
    return map->slot[keymap_slot_of(map, keys, key)].handle;
}

/* Asks the processor to fetch key's slot: ids of one request are known at once, so that their
 * look-ups can overlap. */
static inline void keymap_prefetch(const struct keymap *map, uint64_t key)
{
    __builtin_prefetch(&map->slot[keymap_hash(key) & map->mask]);
}

/* A handle that key most likely has, told from its hash alone; 0: none. For prefetching, when the slot was fetched before. */
static inline uint32_t keymap_guess(const struct keymap *map, uint64_t key)
{
    uint32_t hash = keymap_hash(key), at = hash & map->mask;
    while (map->slot[at].handle != 0 && map->slot[at].hash != hash)
        at = (at + 1) & map->mask;
    return map->slot[at].handle;
}

#endif
