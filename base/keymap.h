/* base/keymap.h - an open-addressing hash table from 64-bit keys to 32-bit handles.
 * The table holds handles only; the key of a handle is read from the caller's array, so that an
 * entry costs 4 bytes over a load of at most 3/4. Removal shifts back: there are no tombstones. */
#ifndef REPRISE_BASE_KEYMAP_H
#define REPRISE_BASE_KEYMAP_H

#include <stdint.h>

/* Invariant: slot[] holds each handle once; 0 is an empty slot (handle 0 names nothing). No slot is
 * empty between a handle's slot and the slot its key hashes to. */
struct keymap {
    uint32_t *slot;
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

/* Private. The slot at which the search for a key begins. */
static inline uint32_t keymap_home(const struct keymap *map, uint64_t key)
{
    return (uint32_t)keymap_mix(key) & map->mask;
}

/* Private. */
static inline uint64_t keymap_key(struct keymap_keys keys, uint32_t handle)
{
    return *(const uint64_t *)(const void *)((const char *)keys.records +
                                             (uint64_t)handle * keys.stride);
}

/* The handle whose key is `key`, or 0. */
static inline uint32_t keymap_find(const struct keymap *map, struct keymap_keys keys, uint64_t key)
{
    uint32_t at = keymap_home(map, key);
    while (map->slot[at] != 0 && keymap_key(keys, map->slot[at]) != key)
        at = (at + 1) & map->mask;
    return map->slot[at];
}

/* Asks the processor to fetch key's slot: ids of one request are known at once, so that their
 * look-ups can overlap. */
static inline void keymap_prefetch(const struct keymap *map, uint64_t key)
{
    __builtin_prefetch(&map->slot[keymap_home(map, key)]);
}

#endif
