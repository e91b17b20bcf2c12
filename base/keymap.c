/* base/keymap.c - see keymap.h: what changes the table.
 */
#include "base/keymap.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_BITS = 32, BITS_MIN = 5, BITS_MAX = 31 };

/* How many handles a table may hold: 3/4 of its slots. */
static uint32_t room(uint32_t mask)
{
    return (mask + 1) / 4 * 3;
}

static void new_slots(struct keymap *map, uint32_t bits)
{
    if (bits > BITS_MAX)
        memory_exhausted();
    uint32_t near = bits + KEYMAP_NEAR_BITS > HASH_BITS ? HASH_BITS - bits : KEYMAP_NEAR_BITS;
    map->bits = (uint8_t)bits;
    map->home_shift = (uint8_t)(HASH_BITS - bits);
    map->tag_shift = (uint8_t)(bits - near);
    map->near_shift = (uint8_t)(HASH_BITS - near);
    map->mask = (UINT32_C(1) << bits) - 1;
    map->reach = (UINT32_C(1) << near) - 1;
    map->count = 0;
    map->far = false;
    map->slot = memory_new((size_t)map->mask + 1, sizeof *map->slot);
}

void keymap_init(struct keymap *map, uint32_t expected)
{
    uint32_t bits = BITS_MIN;
    while (bits < BITS_MAX && room((UINT32_C(1) << bits) - 1) < expected)
        bits++;
    new_slots(map, bits);
}

void keymap_free(struct keymap *map)
{
    free(map->slot);
    map->slot = NULL;
}

void keymap_clear(struct keymap *map)
{
    memset(map->slot, 0, ((size_t)map->mask + 1) * sizeof *map->slot);
    map->count = 0;
    map->far = false;
}

uint64_t keymap_bytes(const struct keymap *map)
{
    return map->slot != NULL ? ((uint64_t)map->mask + 1) * sizeof *map->slot : 0;
}

static uint32_t hash_of(const struct keymap *map, struct keymap_keys keys, uint32_t at)
{
    return keymap_hash(keymap_key(keys, keymap_handle(map, at)));
}

/* How far the handle of a slot lies from its home. */
static inline uint32_t from_home(const struct keymap *map, struct keymap_keys keys, uint32_t at)
{
    if (map->far)
        return (at - keymap_home(map, hash_of(map, keys, at))) & map->mask;
    return (at - (map->slot[at] >> map->near_shift)) & map->reach;
}

/* Of a handle's hash, so much as a table of twice as many slots needs. */
static inline uint32_t hash_told(const struct keymap *map, struct keymap_keys keys, uint32_t at)
{
    if (map->far || map->bits + KEYMAP_NEAR_BITS >= HASH_BITS)
        return hash_of(map, keys, at);
    uint32_t home = (at - from_home(map, keys, at)) & map->mask;
    uint32_t behind_home = (map->slot[at] & ~map->mask) << KEYMAP_NEAR_BITS >> map->bits;
    return home << map->home_shift | behind_home;
}

/* Moves the handles from `at` on by one, up to the empty slot that ends their run. */
static inline void make_way(struct keymap *map, uint32_t at)
{
    const uint32_t mask = map->mask, near_shift = map->near_shift, reach = map->reach;
    for (uint32_t moved = map->slot[at]; moved != 0;) {
        at = (at + 1) & mask;
        uint32_t next = map->slot[at];
        map->slot[at] = moved;
        if (((at - (moved >> near_shift)) & reach) == 0)
            map->far = true; /* it is one further away than its bits say */
        moved = next;
    }
}

/* Behind all whose homes are not behind its own. */
static inline void put(struct keymap *map, struct keymap_keys keys, uint32_t hash, uint32_t handle)
{
    uint32_t at = keymap_home(map, hash), far = 0;
    for (; map->slot[at] != 0 && from_home(map, keys, at) >= far; at = (at + 1) & map->mask)
        far++;
    map->far = map->far || far > map->reach;
    make_way(map, at);
    map->slot[at] = (hash << map->tag_shift & ~map->mask) | handle;
    map->count++;
}

/* Homes of both tables ascend alike, so that both are gone through from end to end. */
static void grow(struct keymap *map, struct keymap_keys keys)
{
    struct keymap old = *map;
    new_slots(map, old.bits + 1U);
    for (uint32_t at = 0; at <= old.mask; at++)
        if (old.slot[at] != 0)
            put(map, keys, hash_told(&old, keys, at), keymap_handle(&old, at));
    free(old.slot);
}

void keymap_add(struct keymap *map, struct keymap_keys keys, uint32_t handle)
{
    assert(handle != 0);
    while (map->count >= room(map->mask) || handle > map->mask)
        grow(map, keys);
    put(map, keys, keymap_hash(keymap_key(keys, handle)), handle);
}

/* Those behind move nearer to their homes, up to one that is at home. */
void keymap_remove(struct keymap *map, struct keymap_keys keys, uint64_t key)
{
    uint32_t at = keymap_slot_of(map, keys, key);
    assert(map->slot[at] != 0);
    for (uint32_t next = (at + 1) & map->mask;
         map->slot[next] != 0 && from_home(map, keys, next) > 0; next = (next + 1) & map->mask) {
        map->slot[at] = map->slot[next];
        at = next;
    }
    map->slot[at] = 0;
    map->count--;
}
