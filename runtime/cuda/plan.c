/* runtime/cuda/plan.c - see plan.h. */
#include "runtime/cuda/plan.h"

#include "base/memory.h"

#include <stdlib.h>

/* What of decode.cu resides on a multiprocessor at once (its __launch_bounds__), and how many times
 * that a decode should have, so that uneven parts even out. */
enum { DECODE_RESIDENT = 2, DECODE_WAVES = 2 };

/* The fewest keys that are worth a part of their own: below, loading the queries and merging weigh
 * as much as the keys. */
enum { DECODE_PART_KEYS = 256, PREFILL_PART_KEYS = 512 };

enum { HEADS_A_BLOCK = 16 }; /* of decode.cu */

static uint32_t context_tokens(const struct kernel_sequence *s)
{
    return s->cached_tokens + s->new_tokens;
}

static bool decodes(const struct plan_shape *shape, const struct kernel_sequence *s)
{
    return s->new_tokens == 1 && (!shape->turns_keys || shape->decode_turns_keys);
}

/* Where a block of queries' keys end: causal, so with the last query. */
static uint32_t end_key(const struct kernel_sequence *s, uint32_t first_query)
{
    uint32_t queries = s->new_tokens - first_query;
    return s->cached_tokens + first_query + (queries < PREFILL_QUERIES ? queries : PREFILL_QUERIES);
}

/* Keys a part: all of `keys`, which `blocks` blocks each read, spread over `wanted` blocks. */
static uint32_t part_keys(uint64_t keys, uint64_t blocks, uint64_t wanted, uint32_t fewest,
                          uint32_t tile)
{
    uint64_t share = (keys * blocks + wanted - 1) / wanted;
    if (share < fewest)
        share = fewest;
    share = (share + tile - 1) / tile * tile;
    return share < UINT32_MAX / 2 ? (uint32_t)share : UINT32_MAX / 2 / tile * tile;
}

/* One block's keys in parts; rows: the partial results of a part. */
static void cut(struct plan *plan, struct kernel_work **works, uint32_t *count, uint32_t *capacity,
                struct kernel_work whole, uint32_t keys_a_part, uint32_t rows)
{
    uint32_t parts = (whole.end_key + keys_a_part - 1) / keys_a_part;
    memory_grow(works, capacity, *count + parts, sizeof **works);
    for (uint32_t i = 0; i < parts; i++) {
        struct kernel_work *work = &(*works)[(*count)++];
        *work = whole;
        work->first_key = i * keys_a_part;
        if (whole.end_key - work->first_key > keys_a_part)
            work->end_key = work->first_key + keys_a_part;
        work->part = parts == 1 ? PART_NONE : plan->parts + i * rows;
    }
    if (parts > 1)
        plan->parts += parts * rows;
}

/* The rows of a block that was cut: row r's parts are first_part + r + i * rows. */
static void add_merges(struct plan *plan, uint32_t first_row, uint32_t valid_rows,
                       uint32_t first_part, uint32_t rows)
{
    uint32_t parts = (plan->parts - first_part) / rows;
    memory_grow(&plan->merges, &plan->merge_capacity, plan->merge_count + (uint64_t)valid_rows,
                sizeof *plan->merges);
    for (uint32_t r = 0; r < valid_rows; r++)
        plan->merges[plan->merge_count++] =
            (struct kernel_merge){ first_row + r, first_part + r, rows, parts };
}

static void plan_decode(struct plan *plan, const struct plan_shape *shape,
                        const struct kernel_sequence *sequences, uint32_t count)
{
    uint32_t group_blocks = (shape->heads / shape->kv_heads + HEADS_A_BLOCK - 1) / HEADS_A_BLOCK;
    uint64_t keys = 0;
    for (uint32_t i = 0; i < count; i++)
        keys += decodes(shape, &sequences[i]) ? context_tokens(&sequences[i]) : 0;
    uint32_t share = part_keys(keys, (uint64_t)shape->kv_heads * group_blocks,
                               (uint64_t)shape->multiprocessors * DECODE_RESIDENT * DECODE_WAVES,
                               DECODE_PART_KEYS, DECODE_KEYS);
    for (uint32_t i = 0; i < count; i++) {
        const struct kernel_sequence *s = &sequences[i];
        if (!decodes(shape, s))
            continue;
        uint32_t first_part = plan->parts;
        struct kernel_work whole = { .sequence = i, .end_key = context_tokens(s) };
        cut(plan, &plan->decode, &plan->decodes, &plan->decode_capacity, whole, share, 1);
        if (plan->parts > first_part)
            add_merges(plan, s->first_row, 1, first_part, 1);
    }
}

static uint32_t query_blocks(const struct kernel_sequence *s)
{
    return (s->new_tokens + PREFILL_QUERIES - 1) / PREFILL_QUERIES;
}

/* What a block's parts have, so that they are about `share` each and all alike: a short last part
 * would cost its block's start for little work, and its row a merge. In tiles of prefill_hopper.cu,
 * two of prefill.cu's. */
static uint32_t even_share(uint32_t keys, uint32_t share)
{
    const uint32_t tile = 2 * PREFILL_KEYS, parts = (keys + share / 2) / share;
    uint32_t even = parts > 1 ? (keys + parts - 1) / parts : keys;
    return (even + tile - 1) / tile * tile;
}

static void cut_prefill(struct plan *plan, const struct kernel_sequence *s, uint32_t sequence,
                        uint32_t share)
{
    for (uint32_t block = 0; block < query_blocks(s); block++) {
        uint32_t first = block * PREFILL_QUERIES, first_part = plan->parts;
        struct kernel_work whole = { .sequence = sequence,
                                     .first_query = first,
                                     .end_key = end_key(s, first) };
        cut(plan, &plan->prefill, &plan->prefills, &plan->prefill_capacity, whole,
            even_share(whole.end_key, share), PREFILL_QUERIES);
        if (plan->parts > first_part)
            add_merges(plan, s->first_row + first, whole.end_key - s->cached_tokens - first,
                       first_part, PREFILL_QUERIES);
    }
}

static void plan_prefill(struct plan *plan, const struct plan_shape *shape,
                         const struct kernel_sequence *sequences, uint32_t count)
{
    uint64_t keys = 0, blocks = 0;
    uint64_t wanted = (uint64_t)shape->multiprocessors * shape->prefill_resident;
    for (uint32_t i = 0; i < count; i++) {
        if (decodes(shape, &sequences[i]))
            continue;
        blocks += (uint64_t)query_blocks(&sequences[i]) * shape->heads;
        for (uint32_t b = 0; b < query_blocks(&sequences[i]); b++)
            keys += end_key(&sequences[i], b * PREFILL_QUERIES);
    }
    /* A GPU that is full by itself has nothing to gain from parts, and merges to lose. */
    uint32_t share = blocks >= wanted
                         ? UINT32_MAX / 2 / PREFILL_KEYS * PREFILL_KEYS
                         : part_keys(keys, shape->heads, wanted, PREFILL_PART_KEYS, PREFILL_KEYS);
    for (uint32_t i = 0; i < count; i++)
        if (!decodes(shape, &sequences[i]))
            cut_prefill(plan, &sequences[i], i, share);
}

/* Sequences whose keys prefill.cu needs turned. */
static void plan_rotation(struct plan *plan, const struct plan_shape *shape,
                          struct kernel_sequence *sequences, uint32_t count)
{
    memory_grow(&plan->rotated, &plan->rotated_capacity, count, sizeof *plan->rotated);
    for (uint32_t i = 0; i < count; i++) {
        sequences[i].rotated_row = (uint32_t)plan->rotated_rows;
        if (!shape->turns_keys || decodes(shape, &sequences[i]))
            continue;
        uint32_t tokens = context_tokens(&sequences[i]);
        plan->rotated[plan->rotated_count++] = i;
        plan->rotated_rows += tokens;
        if (tokens > plan->rotated_longest)
            plan->rotated_longest = tokens;
    }
}

static int longer_first(const void *left, const void *right)
{
    const struct kernel_work *a = left, *b = right;
    uint32_t a_keys = a->end_key - a->first_key, b_keys = b->end_key - b->first_key;
    if (a_keys != b_keys)
        return a_keys > b_keys ? -1 : 1;
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence ? -1 : 1;
    if (a->first_query != b->first_query)
        return a->first_query < b->first_query ? -1 : 1;
    return a->first_key < b->first_key ? -1 : a->first_key > b->first_key;
}

void kernel_plan_build(struct plan *plan, const struct plan_shape *shape,
                       struct kernel_sequence *sequences, uint32_t count)
{
    plan->prefills = plan->decodes = plan->merge_count = plan->parts = 0;
    plan->rotated_count = plan->rotated_longest = 0;
    plan->rotated_rows = 0;
    plan_rotation(plan, shape, sequences, count);
    plan_prefill(plan, shape, sequences, count);
    plan_decode(plan, shape, sequences, count);
    if (plan->prefills > 1)
        qsort(plan->prefill, plan->prefills, sizeof *plan->prefill, longer_first);
    if (plan->decodes > 1)
        qsort(plan->decode, plan->decodes, sizeof *plan->decode, longer_first);
}

void kernel_plan_free(struct plan *plan)
{
    free(plan->prefill);
    free(plan->decode);
    free(plan->merges);
    free(plan->rotated);
    *plan = (struct plan){ 0 };
}
