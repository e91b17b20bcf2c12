/* sim/replay/bound.c - see bound.h: one pass that numbers references and joins each to the next of
 * its block; MIN over that array, which needs no keys: a block in the cache is the position of its
 * next reference. */
#include "sim/replay/bound.h"

#include "base/keymap.h"
#include "base/memory.h"
#include "sim/replay/farthest.h"
#include "sim/replay/value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Positions in chunks, so that growing neither copies nor leaves half of the memory unused. */
enum { CHUNK_BITS = 18, CHUNK = 1 << CHUNK_BITS };
#define NEVER UINT32_MAX
struct chunk {
    uint32_t next[CHUNK];        /* position of the block's next reference; NEVER: there is none */
    uint64_t begins[CHUNK / 64]; /* bit: a request's first reference */
};

struct known {
    uint64_t key;  /* first: the keymap reads it here */
    uint32_t last; /* position of its latest reference */
};

/* Intervals between two references of a block, by time saved for each reference that it lasts.
 * Buckets follow the leading bits of a double: sign and exponent, and 7 bits of fraction. */
enum {
    RATIO_SHIFT = 45,
    EXPONENT_LEAST = -64,
    EXPONENT_MOST = 64,
    BUCKETS_EACH = 1 << 7,
    BUCKETS = (EXPONENT_MOST - EXPONENT_LEAST) * BUCKETS_EACH
};
struct bucket {
    double value_ns, length, ratio_most;
};

struct bound {
    struct value value;
    struct chunk **chunk;
    uint32_t chunk_capacity;
    uint64_t count; /* references */
    bool before_counting;
    struct known *known; /* [0] is never used */
    uint32_t known_count, known_capacity;
    struct keymap map;
    struct bucket *bucket;
    uint64_t *intervals; /* that end at a block of that depth */
    uint32_t intervals_capacity;
    uint64_t intervals_all;
};

struct bound *bound_new(uint32_t block_tokens, double recompute_base_ns, double recompute_slope_ns)
{
    struct bound *bound = memory_new(1, sizeof *bound);
    bound->value = (struct value){ block_tokens, recompute_base_ns, recompute_slope_ns };
    bound->bucket = memory_new(BUCKETS, sizeof *bound->bucket);
    keymap_init(&bound->map, 1024);
    return bound;
}

void bound_seal(struct bound *bound)
{
    free(bound->known);
    keymap_free(&bound->map);
    bound->known = NULL;
    bound->known_capacity = 0;
    bound->map = (struct keymap){ 0 };
}

void bound_free(struct bound *bound)
{
    if (bound == NULL)
        return;
    bound_seal(bound);
    for (uint64_t at = 0; at < bound->count; at += CHUNK)
        free(bound->chunk[at >> CHUNK_BITS]);
    free(bound->chunk);
    free(bound->bucket);
    free(bound->intervals);
    free(bound);
}

uint64_t bound_bytes(const struct bound *bound)
{
    uint64_t chunks = (bound->count + CHUNK - 1) >> CHUNK_BITS;
    return chunks * sizeof(struct chunk) + keymap_bytes(&bound->map) +
           (uint64_t)bound->known_capacity * sizeof *bound->known;
}

/* ---- telling ---- */

static struct keymap_keys known_keys(const struct bound *bound)
{
    return (struct keymap_keys){ .records = bound->known, .stride = sizeof *bound->known };
}

static double block_value(const struct bound *bound, uint64_t depth)
{
    return value_of(&bound->value, depth + 1) - value_of(&bound->value, depth);
}

static void add_interval(struct bound *bound, uint32_t depth, uint64_t length)
{
    double value = block_value(bound, depth), ratio = value / (double)length;
    uint64_t bits;
    memcpy(&bits, &ratio, sizeof bits);
    int64_t at = (int64_t)(bits >> RATIO_SHIFT) - (1023 + EXPONENT_LEAST) * BUCKETS_EACH;
    at = at < 0 ? 0 : at >= BUCKETS ? BUCKETS - 1 : at;
    struct bucket *bucket = &bound->bucket[at];
    bucket->value_ns += value;
    bucket->length += (double)length;
    bucket->ratio_most = ratio > bucket->ratio_most ? ratio : bucket->ratio_most;
    memory_grow(&bound->intervals, &bound->intervals_capacity, (uint64_t)depth + 1,
                sizeof *bound->intervals);
    bound->intervals[depth]++;
    bound->intervals_all++;
}

static void make_position(struct bound *bound, bool begins)
{
    uint64_t at = bound->count++, c = at >> CHUNK_BITS;
    if (at % CHUNK == 0) {
        memory_grow(&bound->chunk, &bound->chunk_capacity, c + 1, sizeof *bound->chunk);
        bound->chunk[c] = memory_new(1, sizeof **bound->chunk);
        memset(bound->chunk[c]->next, 0xFF, sizeof bound->chunk[c]->next);
    }
    bound->chunk[c]->begins[at % CHUNK / 64] |= (uint64_t)begins << at % 64;
}

static void join(struct bound *bound, uint64_t key, uint32_t depth)
{
    uint32_t at = (uint32_t)bound->count;
    uint32_t handle = keymap_find(&bound->map, known_keys(bound), key);
    make_position(bound, depth == 0);
    if (handle == 0) {
        handle = ++bound->known_count;
        memory_grow(&bound->known, &bound->known_capacity, (uint64_t)handle + 1,
                    sizeof *bound->known);
        bound->known[handle].key = key;
        keymap_add(&bound->map, known_keys(bound), handle);
    } else if (!bound->before_counting) {
        uint32_t last = bound->known[handle].last;
        bound->chunk[last >> CHUNK_BITS]->next[last % CHUNK] = at;
        add_interval(bound, depth, at - last);
    }
    bound->known[handle].last = at;
}

bool bound_request(struct bound *bound, const uint64_t *keys, uint32_t count)
{
    if (bound->count + count >= NEVER)
        return false;
    for (uint32_t i = 0; i < count; i++)
        keymap_prefetch(&bound->map, keys[i]);
    for (uint32_t i = 0; i < count; i++)
        join(bound, keys[i], i);
    return true;
}

void bound_count_from_here(struct bound *bound, bool counts)
{
    bound->before_counting = !counts;
}

/* ---- asking ---- */

/* MIN, with bypass. Whoever is hit keeps its place, whatever its next reference: that keeps blocks
 * beside those that they follow until room is wanted. */
static void belady(const struct bound *bound, uint64_t blocks, struct bound_result *result)
{
    struct farthest cached;
    uint64_t room = blocks, depth = 0;
    farthest_init(&cached, bound->count);
    for (uint64_t at = 0; at < bound->count; at++) {
        const struct chunk *chunk = bound->chunk[at >> CHUNK_BITS];
        uint32_t next = chunk->next[at % CHUNK];
        depth = (chunk->begins[at % CHUNK / 64] >> at % 64 & 1) != 0 ? 0 : depth + 1;
        if (farthest_has(&cached, at)) {
            farthest_remove(&cached, at);
            room++;
            result->hits++;
            result->hits_ns += block_value(bound, depth);
        }
        if (next == NEVER)
            continue;
        if (room == 0) {
            uint64_t farthest = farthest_last(&cached);
            if (farthest < next)
                continue;
            farthest_remove(&cached, farthest);
            room++;
        }
        farthest_add(&cached, next);
        room--;
    }
    farthest_free(&cached);
}

static double saved_by_place(const struct bound *bound, uint64_t blocks)
{
    double places = (double)blocks * (double)bound->count, saved_ns = 0.0;
    for (int i = BUCKETS - 1; i >= 0 && places > 0.0; i--) {
        const struct bucket *bucket = &bound->bucket[i];
        double part = bucket->ratio_most * places;
        saved_ns += bucket->length <= places || part > bucket->value_ns ? bucket->value_ns : part;
        places -= bucket->length;
    }
    return saved_ns;
}

/* Deeper blocks take longer. */
static double saved_by_dearest(const struct bound *bound, uint64_t hits)
{
    double saved_ns = 0.0;
    for (uint32_t depth = bound->intervals_capacity; depth-- > 0 && hits > 0;) {
        uint64_t taken = bound->intervals[depth] < hits ? bound->intervals[depth] : hits;
        saved_ns += (double)taken * block_value(bound, depth);
        hits -= taken;
    }
    return saved_ns;
}

struct bound_result bound_of(const struct bound *bound, uint64_t blocks)
{
    struct bound_result result = { 0 };
    if (blocks == 0 || bound->count == 0)
        return result;
    belady(bound, blocks, &result);
    result.saved_ns = fmin(saved_by_place(bound, blocks), saved_by_dearest(bound, result.hits));
    /* Sums in another order may round to less than what they bound. */
    result.saved_ns = fmax(result.saved_ns, result.hits_ns);
    return result;
}
