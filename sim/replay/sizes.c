/* sim/replay/sizes.c - see sizes.h. One order serves all sizes: blocks from the one touched last
 * on, of which a cache of C blocks has the first C (Mattson et al., IBM Systems Journal 9(2),
 * 1970). The sizes cut the order into parts; a block that is touched goes to the front, and each
 * cut before its place moves on by one block.
 *
 * So a request's leading run of hits, at a size, ends at the first of its blocks that lies behind
 * that size's cut: while the request is gone through, the least size that has hit all of it so far
 * only rises. */
#include "sim/replay/sizes.h"

#include "base/keymap.h"
#include "base/memory.h"
#include "sim/replay/value.h"

#include <stdlib.h>

/* How many references ahead of the present one each stage runs: the slot of the index, the block,
 * its neighbours. */
enum { SLOT_AHEAD = 48, BLOCK_AHEAD = 32, NEIGHBOURS_AHEAD = 16 };

/* Of block 0, which is none: newer is the oldest block, older the newest. */
struct placed {
    uint64_t key; /* first: the keymap reads it here. Of a free one: the next free one */
    uint32_t newer, older;
    uint32_t part; /* the least size that has it, of size[] */
};

struct size {
    uint64_t blocks;
    uint32_t last;  /* the block in place `blocks` of the order; 0: the order is shorter */
    uint64_t found; /* touches of blocks of this part */
    uint64_t all_hits, hit_tokens;
    double saved_ns;
};

/* Whose it is. */
struct asked_size {
    uint32_t size; /* of size[] */
    enum tier tier;
};

/* Invariant: block[] is linked in the order of its last touches; size[s].last is its block number
 * size[s].blocks, and parts rise along it, from each cut on. */
struct replay_sizes {
    struct size *size; /* ascending, each once */
    uint32_t count;
    uint32_t cuts;            /* sizes that the order is long enough for: the first ones */
    struct asked_size *asked; /* of each configuration */
    uint32_t asked_count;
    struct value value;
    struct placed *block;
    uint32_t capacity, high_water, free, live;
    struct keymap index;
    struct replay_result common; /* of all sizes alike */
    uint64_t not_found;          /* touches of blocks that no size has */
};

/* ---- which sizes ---- */

static enum tier tier_of(const struct replay_config *config)
{
    int tier = 0;
    while (config->blocks[tier] == 0)
        tier++;
    return (enum tier)tier;
}

bool replay_sizes_can(const struct replay_config *config)
{
    uint32_t tiers = 0;
    for (int tier = 0; tier < TIER_COUNT; tier++)
        tiers += config->blocks[tier] > 0;
    return config->policy == &policy_lru && tiers == 1 && !config->leaf_only &&
           config->teller.request == NULL;
}

static int compare_sizes(const void *a, const void *b)
{
    const struct size *x = a, *y = b;
    return x->blocks < y->blocks ? -1 : x->blocks > y->blocks;
}

/* The least size that has a block in this place of the order. */
static uint32_t part_of_place(const struct replay_sizes *sizes, uint64_t place)
{
    uint32_t part = 0;
    while (sizes->size[part].blocks < place)
        part++;
    return part;
}

static void set_sizes(struct replay_sizes *sizes, const struct replay_config *const *configs,
                      uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        sizes->size[i].blocks = configs[i]->blocks[tier_of(configs[i])];
    qsort(sizes->size, count, sizeof *sizes->size, compare_sizes);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || sizes->size[i].blocks != sizes->size[sizes->count - 1].blocks)
            sizes->size[sizes->count++] = sizes->size[i];
    for (uint32_t i = 0; i < count; i++) {
        enum tier tier = tier_of(configs[i]);
        sizes->asked[i] =
            (struct asked_size){ part_of_place(sizes, configs[i]->blocks[tier]), tier };
    }
}

struct replay_sizes *replay_sizes_new(const struct replay_config *const *configs, uint32_t count)
{
    struct replay_sizes *sizes = memory_new(1, sizeof *sizes);
    sizes->size = memory_new(count, sizeof *sizes->size);
    sizes->asked = memory_new(count, sizeof *sizes->asked);
    sizes->asked_count = count;
    set_sizes(sizes, configs, count);
    sizes->value = (struct value){ configs[0]->block_tokens, configs[0]->recompute_base_ns,
                                   configs[0]->recompute_slope_ns };
    sizes->high_water = 1;
    memory_grow(&sizes->block, &sizes->capacity, 1, sizeof *sizes->block);
    keymap_init(&sizes->index, 1024);
    return sizes;
}

void replay_sizes_free(struct replay_sizes *sizes)
{
    if (sizes == NULL)
        return;
    keymap_free(&sizes->index);
    free(sizes->block);
    free(sizes->asked);
    free(sizes->size);
    free(sizes);
}

/* ---- the order ---- */

static struct keymap_keys keys_of(const struct replay_sizes *sizes)
{
    return (struct keymap_keys){ .records = sizes->block, .stride = sizeof *sizes->block };
}

static void unlink_block(struct replay_sizes *sizes, uint32_t handle)
{
    const struct placed *placed = &sizes->block[handle];
    sizes->block[placed->newer].older = placed->older;
    sizes->block[placed->older].newer = placed->newer;
}

static void link_at_front(struct replay_sizes *sizes, uint32_t handle)
{
    struct placed *none = &sizes->block[0], *placed = &sizes->block[handle];
    placed->newer = 0;
    placed->older = none->older;
    placed->part = 0;
    sizes->block[none->older].newer = handle;
    none->older = handle;
}

/* A block comes to the front from part `from`, or from nowhere (count): each cut before it moves
 * on. The block itself is where it comes from no more, and not yet at the front. */
static void move_cuts(struct replay_sizes *sizes, uint32_t from, uint32_t coming)
{
    uint32_t cuts = from < sizes->cuts ? from : sizes->cuts;
    for (uint32_t s = 0; s < cuts; s++) {
        uint32_t last = sizes->size[s].last, newer = sizes->block[last].newer;
        sizes->block[last].part = s + 1;
        sizes->size[s].last = newer != 0 ? newer : coming; /* 0: a size of one block */
        __builtin_prefetch(&sizes->block[newer], 1);
    }
}

static void forget_oldest(struct replay_sizes *sizes)
{
    uint32_t oldest = sizes->block[0].newer;
    unlink_block(sizes, oldest);
    keymap_remove(&sizes->index, keys_of(sizes), sizes->block[oldest].key);
    sizes->block[oldest].key = sizes->free;
    sizes->free = oldest;
    sizes->live--;
}

/* The order has grown by one. */
static void set_cut(struct replay_sizes *sizes)
{
    if (sizes->cuts < sizes->count && sizes->size[sizes->cuts].blocks == sizes->live)
        sizes->size[sizes->cuts++].last = sizes->block[0].newer;
}

static void add_block(struct replay_sizes *sizes, uint64_t key)
{
    uint32_t handle = sizes->free;
    if (handle != 0) {
        sizes->free = (uint32_t)sizes->block[handle].key;
    } else {
        handle = sizes->high_water++;
        memory_grow(&sizes->block, &sizes->capacity, (uint64_t)handle + 1, sizeof *sizes->block);
    }
    sizes->block[handle].key = key;
    keymap_add(&sizes->index, keys_of(sizes), handle);
    move_cuts(sizes, sizes->count, handle);
    link_at_front(sizes, handle);
    if (++sizes->live > sizes->size[sizes->count - 1].blocks)
        forget_oldest(sizes);
    else
        set_cut(sizes);
}

static void use_block(struct replay_sizes *sizes, uint32_t handle)
{
    const struct placed *placed = &sizes->block[handle];
    uint32_t part = placed->part, newer = placed->newer;
    if (newer == 0)
        return; /* it is at the front */
    unlink_block(sizes, handle);
    move_cuts(sizes, part, handle);
    if (sizes->size[part].last == handle)
        sizes->size[part].last = newer;
    link_at_front(sizes, handle);
}

/* Touches the block; returns the least size that had it, count: none. */
static uint32_t touch(struct replay_sizes *sizes, uint64_t key)
{
    uint32_t handle = keymap_find(&sizes->index, keys_of(sizes), key);
    if (handle == 0) {
        sizes->not_found++;
        add_block(sizes, key);
        return sizes->count;
    }
    uint32_t part = sizes->block[handle].part;
    sizes->size[part].found++;
    use_block(sizes, handle);
    return part;
}

/* ---- requests ---- */

static void prefetch_neighbours(const struct replay_sizes *sizes, uint64_t key)
{
    const struct placed *placed = &sizes->block[keymap_guess(&sizes->index, key)];
    __builtin_prefetch(&sizes->block[placed->newer], 1);
    __builtin_prefetch(&sizes->block[placed->older], 1);
}

static void prefetch_ahead(const struct replay_sizes *sizes, const uint64_t *key, uint32_t known)
{
    if (SLOT_AHEAD < known)
        keymap_prefetch(&sizes->index, key[SLOT_AHEAD]);
    if (BLOCK_AHEAD < known)
        __builtin_prefetch(&sizes->block[keymap_guess(&sizes->index, key[BLOCK_AHEAD])], 1);
    if (NEIGHBOURS_AHEAD < known)
        prefetch_neighbours(sizes, key[NEIGHBOURS_AHEAD]);
}

/* The leading runs of sizes from..to-1 are `hits` blocks long. */
static void end_runs(struct replay_sizes *sizes, uint32_t from, uint32_t to, uint32_t hits,
                     uint32_t prompt_tokens)
{
    uint64_t tokens = (uint64_t)hits * sizes->value.block_tokens;
    tokens = tokens < prompt_tokens ? tokens : prompt_tokens;
    double saved_ns = value_of(&sizes->value, hits);
    for (uint32_t i = from; i < to; i++) {
        sizes->size[i].all_hits += hits;
        sizes->size[i].hit_tokens += tokens;
        sizes->size[i].saved_ns += saved_ns;
    }
}

static void count_request(struct replay_sizes *sizes, uint32_t count, uint32_t prompt_tokens)
{
    sizes->common.requests++;
    sizes->common.references += count;
    sizes->common.prompt_tokens += prompt_tokens;
    sizes->common.whole_ns += value_of(&sizes->value, count);
}

void replay_sizes_request(struct replay_sizes *sizes, const uint64_t *keys, uint32_t count,
                          uint32_t known, uint32_t prompt_tokens)
{
    uint32_t least = 0; /* that has hit all so far */
    count_request(sizes, count, prompt_tokens);
    for (uint32_t i = 0; i < count; i++) {
        prefetch_ahead(sizes, keys + i, known - i);
        uint32_t has = touch(sizes, keys[i]);
        if (has > least) {
            end_runs(sizes, least, has, i, prompt_tokens);
            least = has;
        }
    }
    end_runs(sizes, least, sizes->count, count, prompt_tokens);
}

/* ---- what it comes to ---- */

static uint64_t bytes_of(const struct replay_sizes *sizes)
{
    return sizes->capacity * sizeof *sizes->block +
           ((uint64_t)sizes->index.mask + 1) * sizeof *sizes->index.slot;
}

/* Whatever is touched and not found comes in, and what came in and is not there at the end was
 * evicted. */
static void finish_one(const struct replay_sizes *sizes, const struct asked_size *asked,
                       struct replay_result *result)
{
    const struct size *size = &sizes->size[asked->size];
    *result = sizes->common;
    result->all_hits = result->hits[asked->tier] = size->all_hits;
    result->hit_tokens = size->hit_tokens;
    result->saved_ns = size->saved_ns;
    result->written[asked->tier] = sizes->not_found;
    for (uint32_t i = asked->size + 1; i < sizes->count; i++)
        result->written[asked->tier] += sizes->size[i].found;
    result->live = sizes->live < size->blocks ? sizes->live : size->blocks;
    result->evicted[asked->tier] = result->written[asked->tier] - result->live;
    result->memory_bytes = bytes_of(sizes);
}

void replay_sizes_finish(const struct replay_sizes *sizes, struct replay_result *const *results)
{
    for (uint32_t i = 0; i < sizes->asked_count; i++)
        finish_one(sizes, &sizes->asked[i], results[i]);
}
