/* traces/reuse.c - see reuse.h. */
#include "traces/reuse.h"

#include "base/memory.h"
#include "traces/reuse_counts.h"
#include "traces/reuse_sample.h"
#include "traces/reuse_stack.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct reuse {
    struct trace_reuse_config config;
    uint64_t capacity[TRACE_CAPACITIES_MOST];
    uint32_t capacities;
    bool whole; /* no block was deeper in the stack than it goes */
    uint64_t references;
    struct reuse_stack stack;
    struct reuse_counts exact;
    struct reuse_place *place; /* of the request in hand: where its blocks were */
    uint32_t place_capacity;
    uint64_t continued;
    double history_hits, shared_hits;
    struct reuse_sample sample;
    struct reuse_estimate estimate;
};

struct trace_reuse_config trace_reuse_standard(void)
{
    return (struct trace_reuse_config){ .exact_blocks = UINT32_C(4) << 20,
                                        .sample_blocks = UINT32_C(1) << 16 };
}

/* ---- capacities ---- */

/* Puts it where it belongs, unless it is there. */
static void add_capacity(struct reuse *reuse, uint64_t blocks)
{
    uint32_t at = reuse->capacities;
    while (at > 0 && reuse->capacity[at - 1] > blocks)
        at--;
    if (at > 0 && reuse->capacity[at - 1] == blocks)
        return;
    assert(reuse->capacities < TRACE_CAPACITIES_MOST);
    memmove(&reuse->capacity[at + 1], &reuse->capacity[at],
            (reuse->capacities - at) * sizeof *reuse->capacity);
    reuse->capacity[at] = blocks;
    reuse->capacities++;
}

static void add_capacities(struct reuse *reuse)
{
    static const uint64_t tenths[] = { 10, 12, 15, 20, 25, 30, 40, 50, 60, 80 };
    enum { DECADES = 10, STEPS = sizeof tenths / sizeof *tenths };
    uint64_t decade = 1;
    for (int i = 0; i < DECADES; i++, decade *= 10)
        for (int step = 0; step < STEPS; step++)
            if (tenths[step] * decade % 10 == 0)
                add_capacity(reuse, tenths[step] * decade / 10);
    for (uint32_t i = 0; i < reuse->config.asked_count; i++) {
        uint64_t asked = reuse->config.asked[i];
        uint64_t most = asked < REUSE_DEPTH_MOST ? asked : REUSE_DEPTH_MOST;
        add_capacity(reuse, asked);
        if (reuse->config.exact_blocks < most)
            reuse->config.exact_blocks = (uint32_t)most;
    }
    add_capacity(reuse, reuse->config.exact_blocks);
}

/* ---- the pass ---- */

struct reuse *reuse_new(const struct trace_reuse_config *config)
{
    assert(config->asked_count <= TRACE_ASKED_MOST);
    struct reuse *reuse = memory_new(1, sizeof *reuse);
    reuse->config = *config;
    reuse->whole = true;
    add_capacities(reuse);
    reuse_stack_init(&reuse->stack, reuse->config.exact_blocks);
    reuse_sample_init(&reuse->sample, config->sample_rate, config->sample_blocks,
                      config->sample_seed);
    reuse_counts_init(&reuse->exact, reuse->capacity, reuse->capacities);
    reuse_counts_init(&reuse->estimate.all, reuse->capacity, reuse->capacities);
    reuse_counts_init(&reuse->estimate.above, reuse->capacity, reuse->capacities);
    reuse->estimate.counted_most = reuse->config.exact_blocks;
    return reuse;
}

void reuse_free(struct reuse *reuse)
{
    if (reuse == NULL)
        return;
    reuse_stack_free(&reuse->stack);
    reuse_sample_free(&reuse->sample);
    free(reuse->place);
    free(reuse);
}

/* A block's note: it ended a request, and none has gone on from there. */
#define NOTE_END UINT32_C(1)

/* How many leading blocks are of a request that this one goes on from; 0: it continues none. */
static uint32_t take_history(struct reuse *reuse, uint32_t hits)
{
    for (uint32_t i = hits; i > 0; i--) {
        struct reuse_block *block = &reuse->stack.block[reuse->place[i - 1].handle];
        if ((block->note & NOTE_END) == 0)
            continue;
        block->note &= ~NOTE_END;
        return i;
    }
    return 0;
}

static void count_history(struct reuse *reuse, uint32_t hits)
{
    uint32_t history = take_history(reuse, hits);
    reuse->continued += history > 0;
    reuse->history_hits += history;
    reuse->shared_hits += hits - history;
}

/* New blocks only: one that was there is a prefix that others have as well. place[] tells which
 * were. */
static void mark_end(struct reuse *reuse, const uint64_t *keys, uint32_t count)
{
    uint32_t depth;
    for (uint32_t i = count > 2 ? count - 2 : 0; i < count; i++)
        if (!reuse_stack_reaches(&reuse->stack, reuse->place[i]))
            reuse->stack.block[reuse_stack_find(&reuse->stack, keys[i], &depth)].note |= NOTE_END;
}

/* All depths are those at the request's begin, as a cache is asked before it is changed. Returns
 * the length of the run that the whole stack would hit. */
static uint32_t exact_request(struct reuse *reuse, const uint64_t *keys, uint32_t count)
{
    struct reuse_run run = { 0 };
    uint32_t hits = 0;
    memory_grow(&reuse->place, &reuse->place_capacity, count, sizeof *reuse->place);
    reuse_stack_reserve(&reuse->stack, count);
    reuse_stack_find_all(&reuse->stack, keys, count, reuse->place);
    for (uint32_t i = 0; i < count; i++) {
        bool reached = reuse_stack_reaches(&reuse->stack, reuse->place[i]);
        reuse_counts_add(&reuse->exact, &run, reached ? reuse->place[i].depth : REUSE_NEVER, 1.0);
        hits += run.distance != REUSE_NEVER;
    }
    count_history(reuse, hits);
    reuse_stack_touch_all(&reuse->stack, keys, count, reuse->place, reuse->config.deepest_first);
    mark_end(reuse, keys, count);
    reuse->whole = reuse->whole && reuse->stack.live <= reuse->stack.depth_most;
    return hits;
}

void reuse_request(struct reuse *reuse, const uint64_t *keys, uint32_t count)
{
    if (count == 0)
        return;
    reuse->references += count;
    uint32_t hits = exact_request(reuse, keys, count);
    reuse_sample_request(&reuse->sample, keys, count, reuse->config.deepest_first, hits,
                         &reuse->estimate);
}

/* ---- what came of it ---- */

static bool is_exact(const struct trace_reuse *result, uint64_t capacity)
{
    return result->whole || capacity <= result->exact_blocks;
}

/* SHARDS-adj (FAST'15, section 3.3): a sample that by chance has or lacks the blocks that are used
 * most has too many references or too few; those blocks' distances are small, so that what is
 * missing belongs to the hits of any capacity. */
static void estimate(const struct reuse *reuse, struct trace_reuse *result)
{
    double all = (double)reuse->references, missing = all - reuse->estimate.all.references;
    reuse_counts_hits(&reuse->estimate.all, result->sampled);
    for (uint32_t i = 0; i < result->capacities; i++) {
        double hits = result->sampled[i] + missing;
        result->sampled[i] = hits < 0.0 ? 0.0 : hits > all ? all : hits;
    }
    result->distinct_blocks = (double)reuse->sample.stack.live / reuse_sample_rate(&reuse->sample);
}

/* Counts as far as they reach. Above, the estimate of what is above is added to them. */
static void lay_exact_over(const struct reuse *reuse, struct trace_reuse *result)
{
    double above = 0.0;
    uint32_t at = 0;
    reuse_counts_hits(&reuse->exact, result->hits);
    while (at < result->capacities && is_exact(result, result->capacity[at]))
        at++;
    double counted = result->hits[at - 1], most = (double)reuse->references;
    for (; at < result->capacities; at++) {
        above += reuse->estimate.above.run[at];
        result->hits[at] = counted + above < most ? counted + above : most;
    }
    if (result->whole) {
        result->distinct_blocks = reuse->stack.live;
        result->unbounded_hits = reuse->exact.runs;
    } else {
        above += reuse->estimate.above.run[at];
        result->unbounded_hits = counted + above < most ? counted + above : most;
    }
    for (uint32_t k = 0; k < TRACE_OCTAVES; k++)
        result->octave[k] = is_exact(result, (UINT64_C(2) << k) - 1)
                                ? reuse->exact.octave[k]
                                : reuse->estimate.all.octave[k];
}

static void compare(struct trace_reuse *result)
{
    double sum = 0.0;
    uint32_t compared = 0;
    for (uint32_t i = 0; i < result->capacities; i++) {
        double error = (result->sampled[i] - result->hits[i]) / (double)result->references;
        if (!is_exact(result, result->capacity[i]) ||
            (double)result->capacity[i] > result->distinct_blocks)
            break;
        error = error < 0.0 ? -error : error;
        sum += error;
        compared++;
        if (error > result->error_most)
            result->error_most = error;
    }
    result->error_mean = compared > 0 ? sum / compared : 0.0;
}

void reuse_result(const struct reuse *reuse, struct trace_reuse *result)
{
    *result = (struct trace_reuse){ .whole = reuse->whole,
                                    .deepest_first = reuse->config.deepest_first,
                                    .exact_blocks = reuse->config.exact_blocks,
                                    .references = reuse->references,
                                    .capacities = reuse->capacities,
                                    .continued = reuse->continued,
                                    .history_hits = reuse->history_hits,
                                    .shared_hits = reuse->shared_hits,
                                    .sample_rate = reuse_sample_rate(&reuse->sample),
                                    .sampled_blocks = reuse->sample.stack.live,
                                    .sampled_references = reuse->sample.references };
    memcpy(result->capacity, reuse->capacity, sizeof result->capacity);
    result->memory_bytes = reuse_stack_bytes(&reuse->stack) +
                           reuse_stack_bytes(&reuse->sample.stack) +
                           reuse->sample.by_hash.capacity * (uint64_t)sizeof(struct heap_item);
    if (reuse->references == 0)
        return;
    estimate(reuse, result);
    lay_exact_over(reuse, result);
    compare(result);
}

double trace_reuse_hits(const struct trace_reuse *reuse, uint64_t capacity)
{
    uint32_t i = 0;
    while (i < reuse->capacities && reuse->capacity[i] != capacity)
        i++;
    assert(i < reuse->capacities);
    return reuse->hits[i];
}
