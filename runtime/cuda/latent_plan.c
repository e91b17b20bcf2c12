/* runtime/cuda/latent_plan.c - see latent_plan.h. */
#include "runtime/cuda/latent_plan.h"

#include "base/memory.h"

#include <stdlib.h>

/* RESIDENT: latent.cu's __launch_bounds__. PART_TILES: fewer are not worth a part of their own:
 * loading the queries and merging weigh as much. */
enum { RESIDENT = 2, PART_TILES = 4 };

static uint32_t parts_of(uint32_t number, uint32_t size)
{
    return (number + size - 1) / size;
}

static uint32_t pairs_of(const struct kernel_sequence *s, uint32_t heads)
{
    return s->new_tokens * heads;
}

/* Causal: the keys that the last of the pairs from `first` on sees. */
static uint32_t end_key(const struct kernel_sequence *s, uint32_t heads, uint32_t first)
{
    uint32_t left = pairs_of(s, heads) - first;
    uint32_t last = first + (left < LATENT_PAIRS ? left : LATENT_PAIRS) - 1;
    return s->cached_tokens + last / heads + 1;
}

/* Tiles of a part: all that is to be read, spread over what runs at once. */
static uint32_t part_tiles(uint32_t heads, uint32_t multiprocessors,
                           const struct kernel_sequence *sequences, uint32_t count)
{
    uint64_t blocks = 0, tiles = 0, wanted = (uint64_t)multiprocessors * RESIDENT;
    for (uint32_t i = 0; i < count; i++) {
        const struct kernel_sequence *s = &sequences[i];
        uint64_t its = parts_of(pairs_of(s, heads), LATENT_PAIRS);
        blocks += its;
        tiles += its * parts_of(s->cached_tokens + s->new_tokens, LATENT_KEYS);
    }
    if (blocks >= wanted)
        return UINT32_MAX;
    uint64_t share = (tiles + wanted - 1) / wanted;
    return share > PART_TILES ? (uint32_t)share : PART_TILES;
}

static void add_merges(struct latent_plan *plan, uint32_t first_row, uint32_t pairs,
                       uint32_t first_part, uint32_t parts)
{
    memory_grow(&plan->merges, &plan->merge_capacity, plan->merge_count + (uint64_t)pairs,
                sizeof *plan->merges);
    for (uint32_t i = 0; i < pairs; i++)
        plan->merges[plan->merge_count++] =
            (struct kernel_merge){ first_row + i, first_part + i, LATENT_PAIRS, parts };
}

/* One block's keys in even parts of at most `share` tiles. */
static void cut(struct latent_plan *plan, const struct kernel_sequence *s, uint32_t sequence,
                uint32_t first_pair, uint32_t share)
{
    uint32_t heads = plan->heads, end = end_key(s, heads, first_pair);
    uint32_t tiles = parts_of(end, LATENT_KEYS), parts = share < tiles ? parts_of(tiles, share) : 1;
    uint32_t left = pairs_of(s, heads) - first_pair, first_part = plan->parts;
    memory_grow(&plan->works, &plan->work_capacity, plan->work_count + (uint64_t)parts,
                sizeof *plan->works);
    for (uint32_t i = 0; i < parts; i++) {
        uint32_t next = (uint32_t)((i + UINT64_C(1)) * tiles / parts) * LATENT_KEYS;
        plan->works[plan->work_count++] = (struct kernel_work){
            .sequence = sequence,
            .first_query = first_pair,
            .first_key = (uint32_t)((uint64_t)i * tiles / parts) * LATENT_KEYS,
            .end_key = next < end ? next : end,
            .part = parts > 1 ? first_part + i * LATENT_PAIRS : PART_NONE,
        };
    }
    if (parts == 1)
        return;
    plan->parts += parts * LATENT_PAIRS;
    add_merges(plan, s->first_row * heads + first_pair, left < LATENT_PAIRS ? left : LATENT_PAIRS,
               first_part, parts);
}

void latent_plan_build(struct latent_plan *plan, uint32_t heads, uint32_t multiprocessors,
                       const struct kernel_sequence *sequences, uint32_t count)
{
    uint32_t share = part_tiles(heads, multiprocessors, sequences, count);
    plan->heads = heads;
    plan->work_count = plan->merge_count = plan->parts = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t pair = 0; pair < pairs_of(&sequences[i], heads); pair += LATENT_PAIRS)
            cut(plan, &sequences[i], i, pair, share);
}

void latent_plan_free(struct latent_plan *plan)
{
    free(plan->works);
    free(plan->merges);
    *plan = (struct latent_plan){ 0 };
}
