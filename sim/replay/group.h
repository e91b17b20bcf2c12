/* sim/replay/group.h - a cache line of an index: the handles of a dozen blocks, with a byte of each
 * one's hash, which one instruction compares all at once. Private to sim/replay/. */
#ifndef REPRISE_SIM_REPLAY_GROUP_H
#define REPRISE_SIM_REPLAY_GROUP_H

#include <stdint.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* GROUP_FILL: blocks a group that an index has at most, on average; few then lie behind theirs. */
enum { GROUP_SLOTS = 12, GROUP_FILL = 7 };

/* Invariant: a slot is taken where its tag is not 0. `passed` are the blocks whose search begins here
 * or before and which lie behind: 0 ends a search. */
struct group {
    uint8_t tag[GROUP_SLOTS];
    uint32_t passed;
    uint32_t handle[GROUP_SLOTS];
};
_Static_assert(sizeof(struct group) == 64, "a group is a cache line");

/* The hash's low bits say the group, its high ones the tag. */
static inline uint8_t group_tag(uint32_t hash)
{
    uint8_t tag = (uint8_t)(hash >> 24);
    return tag != 0 ? tag : 1;
}

/* Of eight tags in a word: bit i says that tag[i] is that one. */
static inline uint32_t group_matches_8(const uint8_t tag[8], uint8_t wanted)
{
    const uint64_t each = UINT64_C(0x0101010101010101), low = UINT64_C(0x7F7F7F7F7F7F7F7F);
    uint64_t word;
    memcpy(&word, tag, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    word ^= each * wanted;
    /* The highest bit of each byte that is 0 now, and then those bits beside each other. */
    word = ~(((word & low) + low) | word | low);
    return (uint32_t)(((word >> 7) * UINT64_C(0x0102040810204080)) >> 56);
}

/* Without SSE2. Reads `passed` and the first handles beside the last tags. */
static inline uint32_t group_matches_plain(const struct group *group, uint8_t tag)
{
    const uint8_t *tags = (const uint8_t *)group;
    uint32_t matches = group_matches_8(tags, tag) | group_matches_8(tags + 8, tag) << 8;
    return matches & ((1U << GROUP_SLOTS) - 1);
}

/* Bit i: slot i has that tag; of 0: it is empty. */
static inline uint32_t group_matches(const struct group *group, uint8_t tag)
{
#ifdef __SSE2__
    __m128i tags = _mm_load_si128((const __m128i *)(const void *)group);
    __m128i same = _mm_cmpeq_epi8(tags, _mm_set1_epi8((char)tag));
    return (uint32_t)_mm_movemask_epi8(same) & ((1U << GROUP_SLOTS) - 1);
#else
    return group_matches_plain(group, tag);
#endif
}

#endif
