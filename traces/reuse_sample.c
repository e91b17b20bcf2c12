/* traces/reuse_sample.c - see reuse_sample.h. */
#include "traces/reuse_sample.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
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
    free(sample->heap);
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

/* ---- the heap of a fixed size: its first has the largest hash ---- */

static void push(struct reuse_sample *sample, struct reuse_sampled added)
{
    memory_grow(&sample->heap, &sample->heap_capacity, (uint64_t)sample->heap_count + 1,
                sizeof *sample->heap);
    uint32_t at = sample->heap_count++;
    for (; at > 0 && sample->heap[(at - 1) / 2].hash < added.hash; at = (at - 1) / 2)
        sample->heap[at] = sample->heap[(at - 1) / 2];
    sample->heap[at] = added;
}

static struct reuse_sampled pop(struct reuse_sample *sample)
{
    struct reuse_sampled *heap = sample->heap, first = heap[0];
    struct reuse_sampled moved = heap[--sample->heap_count];
    uint32_t at = 0, child;
    while ((child = 2 * at + 1) < sample->heap_count) {
        child += child + 1 < sample->heap_count && heap[child + 1].hash > heap[child].hash;
        if (heap[child].hash <= moved.hash)
            break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moved;
    return first;
}

/* Lowers the threshold until what is sampled fits. */
static void give_up_largest(struct reuse_sample *sample)
{
    while (sample->heap_count > sample->blocks_most) {
        struct reuse_sampled largest = pop(sample);
        reuse_stack_remove(&sample->stack, largest.handle);
        sample->threshold = largest.hash > 0 ? largest.hash - 1 : 0;
    }
    while (sample->heap_count > 0 && sample->heap[0].hash > sample->threshold)
        reuse_stack_remove(&sample->stack, pop(sample).handle);
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
        push(sample, (struct reuse_sampled){ hash_of(sample, key), handle });
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
        give_up_largest(sample);
}
