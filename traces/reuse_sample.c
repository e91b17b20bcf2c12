/* traces/reuse_sample.c - see reuse_sample.h. */
#include "traces/reuse_sample.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#define XXH_INLINE_ALL /* a hash of 8 bytes is shorter than a call */
#include <xxhash.h>

#define HASHES 0x1p64 /* how many there are */

void reuse_sample_init(struct reuse_sample *sample, double rate, uint32_t blocks_most,
                       uint64_t seed)
{
    assert(rate > 0.0 ? rate <= 1.0 : blocks_most >= 16);
    *sample = (struct reuse_sample){ .salt = seed, .threshold = UINT64_MAX };
    if (rate <= 0.0)
        sample->blocks_most = blocks_most;
    else if (rate < 1.0)
        sample->threshold = (uint64_t)(rate * HASHES);
    reuse_stack_init(&sample->stack, REUSE_DEPTH_MOST);
}

void reuse_sample_free(struct reuse_sample *sample)
{
    reuse_stack_free(&sample->stack);
    heap_free(&sample->by_hash);
    free(sample->chosen);
}

double reuse_sample_rate(const struct reuse_sample *sample)
{
    return sample->threshold == UINT64_MAX ? 1.0 : ((double)sample->threshold + 1.0) / HASHES;
}

static uint64_t hash_of(const struct reuse_sample *sample, uint64_t key)
{
    return XXH64(&key, sizeof key, sample->salt);
}

/* ---- of a fixed size ---- */

static uint64_t largest_hash(const struct reuse_sample *sample)
{
    return UINT64_MAX - sample->by_hash.item[0].first;
}

static void drop_largest(struct reuse_sample *sample)
{
    reuse_stack_remove(&sample->stack, heap_pop(&sample->by_hash).handle);
}

/* Lowers the threshold until what is sampled fits. */
static void evict_largest(struct reuse_sample *sample)
{
    while (sample->by_hash.count > sample->blocks_most) {
        uint64_t largest = largest_hash(sample);
        drop_largest(sample);
        sample->threshold = largest > 0 ? largest - 1 : 0;
    }
    while (sample->by_hash.count > 0 && largest_hash(sample) > sample->threshold)
        drop_largest(sample);
}

/* ---- requests ---- */

/* Fills chosen[] with the places of the sampled blocks in the request. */
static uint32_t choose_keys(struct reuse_sample *sample, const uint64_t *keys, uint32_t count)
{
    uint32_t chosen = 0;
    memory_grow(&sample->chosen, &sample->chosen_capacity, count, sizeof *sample->chosen);
    for (uint32_t i = 0; i < count; i++)
        if (hash_of(sample, keys[i]) <= sample->threshold)
            sample->chosen[chosen++] = i;
    return chosen;
}

static void touch(struct reuse_sample *sample, uint64_t key)
{
    uint32_t live = sample->stack.live;
    uint32_t handle = reuse_stack_touch(&sample->stack, key);
    if (sample->blocks_most > 0 && sample->stack.live > live)
        heap_push(&sample->by_hash,
                  (struct heap_item){ UINT64_MAX - hash_of(sample, key), handle, handle });
}

void reuse_sample_request(struct reuse_sample *sample, const uint64_t *keys, uint32_t count,
                          bool deepest_first, uint32_t counted, struct reuse_estimate *estimate)
{
    uint32_t chosen = choose_keys(sample, keys, count);
    double each = 1.0 / reuse_sample_rate(sample); /* what a sampled block stands for */
    struct reuse_run run = { 0 }, run_above = { .distance = estimate->counted_most + 1 };
    sample->references += chosen;
    reuse_stack_reserve(&sample->stack, chosen);
    for (uint32_t i = 0; i < chosen; i++) {
        uint32_t depth, at = sample->chosen[i];
        bool seen = reuse_stack_find(&sample->stack, keys[at], &depth) != 0;
        /* The block itself is one; those above it are sampled. */
        uint64_t distance = seen ? 1 + (uint64_t)((depth - 1) * each) : REUSE_NEVER;
        reuse_counts_add(&estimate->all, &run, distance, each);
        if (at >= counted)
            reuse_counts_add(&estimate->above, &run_above, distance, each);
    }
    for (uint32_t i = 0; i < chosen; i++)
        touch(sample, keys[sample->chosen[deepest_first ? chosen - 1 - i : i]]);
    if (sample->blocks_most > 0)
        evict_largest(sample);
}
