/* base/keymap.h - an open-addressing hash table from 64-bit keys to 32-bit handles.
 * A slot is 4 bytes, over a load of at most 3/4. Callers give handles from 1 on, so that none needs more bits than
 * a slot's place has; the other bits are of the key's hash, and hardly any key but the right one is read from the
 * caller's array. Handles lie in the order of their keys' hashes (Robin Hood hashing: Celis, Larson and Munro,
 * FOCS 1985), so that few lie far from where their search begins. Growing and removing read no keys: what a slot
 * remembers begins with the last bits of where its search begins, and the place says the rest. There are no tombstones. */
#ifndef REPRISE_BASE_KEYMAP_H
#define REPRISE_BASE_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

/* Of a hash's first 32 bits a handle's home is the first ones, as many as the mask has. Its slot remembers, above the
 * handle's bits, the last 5 of these (fewer where the mask leaves fewer) and as many of those behind them as
 * have room. */
enum { KEYMAP_NEAR_BITS = 5 };

/* Invariant: slot[] holds each handle once, in the bits of `mask`; 0 is an empty slot. No slot is empty between a
 * handle's slot and its home, and homes ascend within such a run. */
struct keymap {
    uint32_t *slot;
    uint32_t mask; /* slots - 1, slots a power of two */
    uint32_t count;
    uint32_t reach;     /* how far from its home a handle may lie if its slot is to tell: all bits up to one */
    uint8_t bits;       /* of the mask */
    uint8_t home_shift; /* right, from a hash's first 32 bits to the home */
    uint8_t tag_shift;  /* left, from them to what a slot remembers */
    uint8_t near_shift; /* right, from a slot to the home's last bits */
    bool far;           /* a handle may lie further from its home than `reach` */
};

/* Where the key of handle h lies: *(const uint64_t *)((const char *)records + h * stride). */
struct keymap_keys {
    const void *records;
    uint32_t stride;
};

void keymap_init(struct keymap *map, uint32_t expected);
void keymap_free(struct keymap *map);
/* Makes it empty, as large as it was. */
void keymap_clear(struct keymap *map);
/* Adds a handle, not 0, whose key is in keys already and not in the map. May grow the table, which has more slots
 * than the highest handle says. */
void keymap_add(struct keymap *map, struct keymap_keys keys, uint32_t handle);
/* Removes the handle of a key that is in the map. */
void keymap_remove(struct keymap *map, struct keymap_keys keys, uint64_t key);
/* All memory of it. */
uint64_t keymap_bytes(const struct keymap *map);

/* The functions below are inline: a look-up is made for every block of every request. */

#define KEYMAP_FACTOR_1 UINT64_C(0xFF51AFD7ED558CCD)
#define KEYMAP_FACTOR_2 UINT64_C(0xC4CEB9FE1A85EC53)

/* keymap_mix() but for its last step, which undoes itself: of p ^ p >> 33 it makes p. */
static inline uint64_t keymap_mix_most(uint64_t key)
{
    key = (key ^ (key >> 33)) * KEYMAP_FACTOR_1;
    return (key ^ (key >> 33)) * KEYMAP_FACTOR_2;
}

/* Every bit of the key decides (MurmurHash3's finaliser): ids that differ by one, or in their upper bits only, must not
 * crowd one place. */
static inline uint64_t keymap_mix(uint64_t key)
{
    key = keymap_mix_most(key);
    return key ^ (key >> 33);
}

/* What the functions below want of a key. */
static inline uint32_t keymap_hash(uint64_t key)
{
    return (uint32_t)(keymap_mix(key) >> 32);
}

/* Where the search for a key of that hash begins. */
static inline uint32_t keymap_home(const struct keymap *map, uint32_t hash)
{
    return hash >> map->home_shift;
}

/* Private. The first slot from `at` on that is empty, or remembers what it would of that hash. */
static inline uint32_t keymap_likely_from(const struct keymap *map, uint32_t hash, uint32_t at)
{
    uint32_t tag = hash << map->tag_shift;
    while (map->slot[at] != 0 && ((map->slot[at] ^ tag) & ~map->mask) != 0)
        at = (at + 1) & map->mask;
    return at;
}

/* The first slot for a key of that hash that is empty, or most likely the key's. */
static inline uint32_t keymap_likely(const struct keymap *map, uint32_t hash)
{
    return keymap_likely_from(map, hash, keymap_home(map, hash));
}

/* Of a slot; 0: it is empty. */
static inline uint32_t keymap_handle(const struct keymap *map, uint32_t at)
{
    return map->slot[at] & map->mask;
}

/* Private. */
static inline uint64_t keymap_key(struct keymap_keys keys, uint32_t handle)
{
    return *(const uint64_t *)(const void *)((const char *)keys.records +
                                             (uint64_t)handle * keys.stride);
}

/* The slot of the handle whose key is `key`, or the empty one that ends the search; `at`: a likely one. */
static inline uint32_t keymap_slot_from(const struct keymap *map, struct keymap_keys keys,
                                        uint64_t key, uint32_t hash, uint32_t at)
{
    while (map->slot[at] != 0 && keymap_key(keys, keymap_handle(map, at)) != key)
        at = keymap_likely_from(map, hash, (at + 1) & map->mask);
    return at;
}

/* Private. The same of a key alone. */
static inline uint32_t keymap_slot_of(const struct keymap *map, struct keymap_keys keys,
                                      uint64_t key)
{
    uint32_t hash = keymap_hash(key);
    return keymap_slot_from(map, keys, key, hash, keymap_likely(map, hash));
}

/* The handle whose key is `key`, or 0. */
static inline uint32_t keymap_find(const struct keymap *map, struct keymap_keys keys, uint64_t key)
{
    return keymap_handle(map, keymap_slot_of(map, keys, key));
}

/* Asks the processor to fetch the slot where the search for a key of that hash begins. */
static inline void keymap_prefetch_home(const struct keymap *map, uint32_t hash)
{
    __builtin_prefetch(&map->slot[keymap_home(map, hash)]);
}

/* The same for a key: ids of one request are known at once, so that their look-ups can overlap. */
static inline void keymap_prefetch(const struct keymap *map, uint64_t key)
{
    keymap_prefetch_home(map, keymap_hash(key));
}

/* A handle that key most likely has, told from its hash alone; 0: none. For prefetching, when the slot was fetched before. */
static inline uint32_t keymap_guess(const struct keymap *map, uint64_t key)
{
    return keymap_handle(map, keymap_likely(map, keymap_hash(key)));
}

#endif
