/* runtime/cuda/plan.c - see plan.h. */
#include "runtime/cuda/plan.h"

#include "base/memory.h"
#include "runtime/backend.h"

#include <stdlib.h>

/* What of decode.cu resides on a multiprocessor at once: its __launch_bounds__. */
enum { DECODE_RESIDENT = 2 };

/* The fewest keys that are worth a part of their own: below, loading the queries and merging weigh
 * as much as the keys. */
enum { DECODE_PART_TILES = 4, PREFILL_PART_KEYS = 512 };

enum { HEADS_A_BLOCK = 16 }; /* of decode.cu */

static uint32_t context_tokens(const struct kernel_sequence *s)
{
    return s->cached_tokens + s->new_tokens;
}

static bool decodes(const struct plan_shape *shape, const struct kernel_sequence *s)
{
    return s->new_tokens <= PLAN_DECODE_QUERIES && (!shape->turns_keys || shape->decode_turns_keys);
}

/* Where a query's keys begin, and so those of a block of queries of which it is the first. */
static uint32_t begin_key(const struct plan_shape *shape, const struct kernel_sequence *s,
                          uint32_t first_query)
{
    return window_begin(shape->window_tokens, shape->window_chunked,
                        s->cached_tokens + first_query);
}

/* Where a block of queries' keys end: causal, so with the last query. */
static uint32_t end_key(const struct kernel_sequence *s, uint32_t first_query)
{
    uint32_t queries = s->new_tokens - first_query;
    return s->cached_tokens + first_query + (queries < PREFILL_QUERIES ? queries : PREFILL_QUERIES);
}

static uint32_t tiles_of(uint32_t keys, uint32_t tile)
{
    return (keys + tile - 1) / tile;
}

/* One block's keys in parts of at most `share` tiles, as even as tiles are; rows: the partial
 * results of a part. */
static void cut(struct plan *plan, struct kernel_work **works, uint32_t *count, uint32_t *capacity,
                struct kernel_work whole, uint32_t share, uint32_t tile, uint32_t rows)
{
    uint32_t tiles = tiles_of(whole.end_key - whole.first_key, tile);
    uint32_t parts = tiles_of(tiles, share);
    memory_grow(works, capacity, *count + parts, sizeof **works);
    for (uint32_t i = 0; i < parts; i++) {
        struct kernel_work *work = &(*works)[(*count)++];
        *work = whole;
        work->first_key += (uint32_t)((uint64_t)i * tiles / parts) * tile;
        if (i + 1 < parts)
            work->end_key = whole.first_key + (uint32_t)((i + UINT64_C(1)) * tiles / parts) * tile;
        work->part = parts == 1 ? PART_NONE : plan->parts + i * rows;
        work->merge = plan->merge_count - plan->prefill_merges; /* which add_merges() will add */
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

/* ---- decode ---- */

/* Tiles that the query of the sequence reads that sees most. */
static uint32_t decode_tiles(const struct plan_shape *shape, const struct kernel_sequence *s)
{
    uint32_t most = 0;
    for (uint32_t query = 0; query < s->new_tokens; query++) {
        uint32_t keys = s->cached_tokens + query + 1 - begin_key(shape, s, query);
        most = keys > most ? keys : most;
    }
    return tiles_of(most, DECODE_KEYS);
}

/* How long decode takes with parts of at most `share` tiles, in tenths of what one tile takes all
 * slots (blocks that run at once). A block costs its tiles and about one more to begin and end;
 * joining parts about one, as when it was a launch of its own: not measured since. Blocks share
 * what memory gives: those of a last wave that fills the slots by half take half as long, but fewer
 * than nine tenths of the slots do not get all of it. */
enum { FULL_TENTHS = 9, ENOUGH_WAVES = 4 };

struct decode_load {
    const struct plan_shape *shape;
    const struct kernel_sequence *sequences;
    uint32_t count;
    uint64_t slots, blocks_a_part;
    uint32_t longest; /* context, in tiles */
};

/* *enough: smaller parts would give nothing. */
static uint64_t decode_time(const struct decode_load *load, uint32_t share, bool *enough)
{
    uint64_t tiles = 0, blocks = 0, longest = 0;
    bool merged = false;
    for (uint32_t i = 0; i < load->count; i++) {
        const struct kernel_sequence *s = &load->sequences[i];
        if (!decodes(load->shape, s))
            continue;
        uint32_t its_tiles = decode_tiles(load->shape, s);
        uint32_t parts = tiles_of(its_tiles, share), part = tiles_of(its_tiles, parts);
        tiles += load->blocks_a_part * s->new_tokens * its_tiles;
        blocks += load->blocks_a_part * s->new_tokens * parts;
        longest = part > longest ? part : longest;
        merged |= parts > 1;
    }
    uint64_t time = 10 * (tiles + blocks), last = blocks % load->slots;
    uint64_t alone = FULL_TENTHS * load->slots * (longest + 1);
    *enough = alone <= time && blocks >= ENOUGH_WAVES * load->slots;
    if (last > 0 && 10 * last < FULL_TENTHS * load->slots)
        time += (FULL_TENTHS * load->slots - 10 * last) * (tiles / blocks + 1);
    return (time > alone ? time : alone) + (merged ? 10 * load->slots : 0);
}

/* The longest context in one part, two, three..., then in steps of an eighth. */
static uint32_t decode_share(const struct decode_load *load)
{
    uint32_t best = load->longest;
    bool enough = false;
    uint64_t best_time = decode_time(load, best, &enough);
    for (uint32_t parts = 2; !enough; parts += parts / 8 + 1) {
        uint32_t share = tiles_of(load->longest, parts);
        if (share < DECODE_PART_TILES)
            break;
        uint64_t time = decode_time(load, share, &enough);
        if (time < best_time) {
            best_time = time;
            best = share;
        }
    }
    return best;
}

static void plan_decode(struct plan *plan, const struct plan_shape *shape,
                        const struct kernel_sequence *sequences, uint32_t count)
{
    uint32_t group_blocks = (shape->heads / shape->kv_heads + HEADS_A_BLOCK - 1) / HEADS_A_BLOCK;
    struct decode_load load = { .shape = shape,
                                .sequences = sequences,
                                .count = count,
                                .slots = (uint64_t)shape->multiprocessors * DECODE_RESIDENT,
                                .blocks_a_part = (uint64_t)shape->kv_heads * group_blocks };
    for (uint32_t i = 0; i < count; i++) {
        if (!decodes(shape, &sequences[i]))
            continue;
        uint32_t tiles = decode_tiles(shape, &sequences[i]);
        load.longest = tiles > load.longest ? tiles : load.longest;
    }
    if (load.longest == 0)
        return;
    uint32_t share = decode_share(&load);
    for (uint32_t i = 0; i < count; i++) {
        const struct kernel_sequence *s = &sequences[i];
        if (!decodes(shape, s))
            continue;
        for (uint32_t query = 0; query < s->new_tokens; query++) {
            uint32_t first_part = plan->parts;
            struct kernel_work whole = { .sequence = i,
                                         .first_query = query,
                                         .first_key = begin_key(shape, s, query),
                                         .end_key = s->cached_tokens + query + 1 };
            cut(plan, &plan->decode, &plan->decodes, &plan->decode_capacity, whole, share,
                DECODE_KEYS, 1);
            if (plan->parts > first_part)
                add_merges(plan, s->first_row + query, 1, first_part, 1);
        }
    }
}

/* ---- prefill ---- */

static uint32_t query_blocks(const struct kernel_sequence *s)
{
    return (s->new_tokens + PREFILL_QUERIES - 1) / PREFILL_QUERIES;
}

/* Of prefill_hopper.cu; two of prefill.cu's. */
enum { PREFILL_TILE = 2 * PREFILL_KEYS };

/* Tiles of a block's parts when each shall have about `share` keys: as many parts as come nearest.
 * One more would be a short one that costs its block's start and its rows a merge, and often a
 * wave.
 */
static uint32_t even_share(uint32_t keys, uint32_t share)
{
    const uint32_t parts = (keys + share / 2) / share;
    return tiles_of(parts > 1 ? tiles_of(keys, parts) : keys, PREFILL_TILE);
}

static void cut_prefill(struct plan *plan, const struct plan_shape *shape,
                        const struct kernel_sequence *s, uint32_t sequence, uint32_t share)
{
    for (uint32_t block = 0; block < query_blocks(s); block++) {
        uint32_t first = block * PREFILL_QUERIES, first_part = plan->parts;
        struct kernel_work whole = { .sequence = sequence,
                                     .first_query = first,
                                     .first_key = begin_key(shape, s, first),
                                     .end_key = end_key(s, first) };
        cut(plan, &plan->prefill, &plan->prefills, &plan->prefill_capacity, whole,
            even_share(whole.end_key - whole.first_key, share * PREFILL_KEYS), PREFILL_TILE,
            PREFILL_QUERIES);
        if (plan->parts > first_part)
            add_merges(plan, s->first_row + first, whole.end_key - s->cached_tokens - first,
                       first_part, PREFILL_QUERIES);
    }
}

/* Tiles a part: all of `keys`, which `blocks` blocks each read, spread over `wanted` blocks. */
static uint32_t part_tiles(uint64_t keys, uint64_t blocks, uint64_t wanted)
{
    uint64_t share = (keys * blocks + wanted - 1) / wanted;
    if (share < PREFILL_PART_KEYS)
        share = PREFILL_PART_KEYS;
    share = (share + PREFILL_KEYS - 1) / PREFILL_KEYS;
    return share < UINT32_MAX / PREFILL_KEYS ? (uint32_t)share : UINT32_MAX / PREFILL_KEYS;
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
            keys += end_key(&sequences[i], b * PREFILL_QUERIES) -
                    begin_key(shape, &sequences[i], b * PREFILL_QUERIES);
    }
    /* A GPU that is full by itself has nothing to gain from parts, and merges to lose. */
    uint32_t share =
        blocks >= wanted ? UINT32_MAX / PREFILL_KEYS : part_tiles(keys, shape->heads, wanted);
    for (uint32_t i = 0; i < count; i++)
        if (!decodes(shape, &sequences[i]))
            cut_prefill(plan, shape, &sequences[i], i, share);
}

/* Sequences whose keys prefill.cu needs turned, or their KV as elements. */
static void plan_rotation(struct plan *plan, const struct plan_shape *shape,
                          struct kernel_sequence *sequences, uint32_t count)
{
    memory_grow(&plan->rotated, &plan->rotated_capacity, count, sizeof *plan->rotated);
    for (uint32_t i = 0; i < count; i++) {
        sequences[i].rotated_row = (uint32_t)plan->rotated_rows;
        if ((!shape->turns_keys && !shape->widens_kv) || decodes(shape, &sequences[i]))
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
    /* Queries that read the same keys run beside each other, so that HBM is asked once. */
    if (a->first_key != b->first_key)
        return a->first_key < b->first_key ? -1 : 1;
    return a->first_query < b->first_query ? -1 : a->first_query > b->first_query;
}

void kernel_plan_build(struct plan *plan, const struct plan_shape *shape,
                       struct kernel_sequence *sequences, uint32_t count)
{
    plan->prefills = plan->decodes = plan->parts = 0;
    plan->merge_count = plan->prefill_merges = 0;
    plan->rotated_count = plan->rotated_longest = 0;
    plan->rotated_rows = 0;
    plan_rotation(plan, shape, sequences, count);
    plan_prefill(plan, shape, sequences, count);
    plan->prefill_merges = plan->merge_count;
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
