/* sim/replay/replay.c - see replay.h. */
#include "sim/replay/replay.h"

#include "base/memory.h"
#include "sim/replay/loops.h"
#include "sim/replay/moves.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* ---- what tiers below and an order among blocks ask for ---- */

void replay_settle(struct replay *replay, uint32_t handle)
{
    if (replay->blocks.block[handle].kept != 0)
        return;
    if (replay->config.leaf_only)
        for (int tier = 0; tier < TIER_COUNT; tier++)
            if (replay->blocks.seen.children[tier] != NULL &&
                replay->blocks.seen.children[tier][handle] > 0)
                return;
    blocks_remove(&replay->blocks, handle);
}

/* The block before it has one more or one less in the tier that follows it. */
void replay_count_child(struct replay *replay, uint32_t handle, int tier, bool comes)
{
    if (!replay->config.leaf_only || replay->blocks.seen.parent[handle] == 0)
        return;
    uint32_t parent = replay->blocks.seen.parent[handle];
    uint32_t *children = &replay->blocks.seen.children[tier][parent];
    *children = comes ? *children + 1 : *children - 1;
    replay->env.may_go_epoch += *children == 0;
    if (*children == (comes ? 1U : 0U) && replay->policy->wanted != NULL)
        replay->policy->wanted(&replay->env, parent);
    if (!comes)
        replay_settle(replay, parent);
}

static bool enter_any(struct replay *replay, uint32_t handle, enum tier tier)
{
    return enter(replay, replay->policy, false, handle, tier);
}

void replay_move_down(struct replay *replay, uint32_t victim, enum tier tier)
{
    int below = replay->below[tier];
    if (below < TIER_COUNT && !in_tier(replay, victim, below))
        enter_any(replay, victim, (enum tier)below);
}

/* ---- several tiers, or an order among blocks: look first, then touch ---- */

static int fastest_of(const struct replay *replay, uint32_t handle)
{
    int tier = 0;
    while (tier < TIER_COUNT && !in_tier(replay, handle, tier))
        tier++;
    return tier;
}

static void count_hits(struct replay *replay, struct request request)
{
    uint32_t hits = 0;
    for (; hits < request.blocks; hits++) {
        int tier = fastest_of(replay, replay->chain[hits]);
        if (tier == TIER_COUNT)
            break;
        replay->result.hits[tier]++;
    }
    count_run(replay, hits, request.tokens);
}

static void write_through(struct replay *replay, uint32_t handle)
{
    for (int tier = replay->below[replay->fastest]; tier < TIER_COUNT; tier = replay->below[tier])
        if (!in_tier(replay, handle, tier))
            enter_any(replay, handle, (enum tier)tier);
}

static void touch(struct replay *replay, uint32_t handle)
{
    int found = fastest_of(replay, handle);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (!in_tier(replay, handle, tier))
            use_ghost(replay, replay->policy, handle, (enum tier)tier);
        else if (replay->policy->use != NULL)
            replay->policy->use(&replay->env, handle, (enum tier)tier);
    if (found == (int)replay->fastest)
        return;
    /* Taken out first, so that it is not its own tier's victim while it moves. */
    if (found < TIER_COUNT && !replay->config.inclusive)
        leave(replay, replay->policy, false, handle, (enum tier)found, LEAVE_REMOVED);
    enter_any(replay, handle, replay->fastest);
    if (found == TIER_COUNT && replay->config.write_through)
        write_through(replay, handle);
}

static uint32_t intern(struct replay *replay, uint64_t key, uint32_t hash, uint32_t depth)
{
    uint32_t handle = blocks_find(&replay->blocks, key, hash);
    if (handle == 0)
        handle = blocks_add(&replay->blocks, key, hash);
    if (replay->blocks.seen.depth != NULL)
        replay->blocks.seen.depth[handle] = depth;
    return handle;
}

/* A block that is in no tier follows the one before it in the request. */
static void follow(struct replay *replay, uint32_t i)
{
    uint32_t handle = replay->chain[i];
    uint32_t *parent = replay->blocks.seen.parent; /* grows with the blocks */
    if (parent != NULL && (replay->blocks.block[handle].kept & BLOCK_IN_ANY) == 0)
        parent[handle] = i > 0 ? replay->chain[i - 1] : 0;
}

static void intern_chain(struct replay *replay, uint32_t count)
{
    const struct pending *pending = &replay->pending;
    memory_grow(&replay->chain, &replay->chain_capacity, count, sizeof *replay->chain);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = pending->begin + i;
        uint32_t handle = intern(replay, pending->key[at], pending->hash[at], i);
        replay->blocks.block[handle].kept |= BLOCK_HELD;
        replay->chain[i] = handle;
        follow(replay, i);
    }
}

static void work_tiers(struct replay *replay, struct request request)
{
    uint32_t count = request.blocks;
    intern_chain(replay, count);
    count_hits(replay, request);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = replay->config.leaf_only ? count - 1 - i : i;
        replay->env.use.last = at + 1 == count;
        /* It may have gone for one touched before it, and what it followed with it. */
        follow(replay, at);
        touch(replay, replay->chain[at]);
    }
    for (uint32_t i = count; i-- > 0;) {
        struct block *block = &replay->blocks.block[replay->chain[i]];
        if ((block->kept & BLOCK_HELD) == 0)
            continue; /* the same block twice in one request */
        block->kept &= ~BLOCK_HELD;
        replay_settle(replay, replay->chain[i]);
    }
}

/* ---- a replay ---- */

static uint64_t key_of(const struct policy_env *env, uint32_t unit)
{
    const struct replay *replay =
        (const struct replay *)(const void *)((const char *)env - offsetof(struct replay, env));
    return replay->blocks.block[unit].key;
}

static void remembers(struct policy_env *env, uint32_t unit, enum tier tier, bool does)
{
    struct replay *replay = (struct replay *)(void *)((char *)env - offsetof(struct replay, env));
    struct block *block = &replay->blocks.block[unit];
    unsigned bit = BLOCK_REMEMBERED(tier);
    block->kept = does ? block->kept | bit : block->kept & ~bit;
    if (does)
        return;
    /* The oldest of a list has gone; not a ghost that has just come back, from anywhere in it. */
    if ((block->kept & BLOCK_IN(tier)) == 0) {
        if (!scout_meets(&replay->forgotten[tier], unit))
            scout_start(&replay->forgotten[tier], unit);
        scout_run(&replay->forgotten[tier], &replay->blocks, tier);
    }
    replay_settle(replay, unit);
}

struct replay *replay_new(const struct replay_config *config)
{
    struct replay *replay = memory_new(1, sizeof *replay);
    unsigned tiers = 0;
    uint64_t all = 0;
    replay->config = *config;
    replay->policy = config->policy;
    replay->fastest = TIER_COUNT;
    for (int tier = TIER_COUNT - 1, below = TIER_COUNT; tier >= 0; tier--) {
        replay->env.capacity_tokens[tier] = replay->env.capacity_units[tier] = config->blocks[tier];
        replay->below[tier] = below;
        if (config->blocks[tier] == 0)
            continue;
        tiers |= 1U << (unsigned)tier;
        all = config->blocks[tier] > UINT64_MAX - all ? UINT64_MAX : all + config->blocks[tier];
        replay->fastest = (enum tier)tier;
        below = tier;
    }
    assert(tiers != 0);
    blocks_init(&replay->blocks, tiers, all, (uint32_t)config->policy->note_bytes,
                config->policy->depths, config->leaf_only);
    replay->env.keys = config->keys;
    replay->env.units = &replay->blocks.seen;
    replay->env.state = memory_new(1, config->policy->state_bytes);
    replay->env.key_of = key_of;
    replay->env.remembers = remembers;
    replay->env.unit_tokens = config->block_tokens;
    replay->env.recompute_base_ns = config->recompute_base_ns;
    replay->env.recompute_slope_ns = config->recompute_slope_ns;
    replay->env.use = (struct policy_use){ .found = true, .served = true };
    bool alone = replay->below[replay->fastest] == TIER_COUNT && !config->leaf_only;
    replay->work = alone ? loop_of(config->policy) : work_tiers;
    if (config->teller.request != NULL)
        replay->told = told_new(&config->teller, config->block_tokens);
    return replay;
}

void replay_free(struct replay *replay)
{
    if (replay == NULL)
        return;
    if (replay->policy->done != NULL)
        replay->policy->done(&replay->env);
    blocks_free(&replay->blocks);
    free(replay->env.state);
    free(replay->pending.key);
    free(replay->pending.hash);
    free(replay->pending.guess);
    free(replay->pending.request);
    free(replay->chain);
    told_free(replay->told);
    free(replay);
}

/* ---- requests ---- */

static void work_one(struct replay *replay)
{
    struct pending *pending = &replay->pending;
    struct request request = pending->request[pending->first_request++];
    if (replay->told != NULL)
        told_request(replay->told, &replay->blocks, pending->key + pending->begin,
                     pending->hash + pending->begin, request.blocks, request.tokens,
                     &request.about);
    replay->result.requests++;
    replay->result.references += request.blocks;
    replay->result.prompt_tokens += request.tokens;
    replay->result.whole_ns += compute_ns(&replay->config, request.blocks);
    replay->work(replay, request);
    pending->begin += request.blocks;
}

static uint32_t less(uint32_t a, uint32_t b)
{
    return a > b ? a - b : 0;
}

/* Moves what is left to the arrays' front. */
static void compact(struct pending *pending)
{
    uint32_t keys = pending->end - pending->begin;
    uint32_t requests = pending->requests - pending->first_request;
    if (pending->begin > 0) {
        memmove(pending->key, pending->key + pending->begin, keys * sizeof *pending->key);
        memmove(pending->hash, pending->hash + pending->begin, keys * sizeof *pending->hash);
        memmove(pending->guess, pending->guess + pending->begin, keys * sizeof *pending->guess);
    }
    if (pending->first_request > 0)
        memmove(pending->request, pending->request + pending->first_request,
                requests * sizeof *pending->request);
    pending->guessed = less(pending->guessed, pending->begin);
    pending->ordered = less(pending->ordered, pending->begin);
    pending->begin = pending->first_request = 0;
    pending->end = keys;
    pending->requests = requests;
}

void replay_whose(struct replay *replay, const struct replay_whose *about)
{
    replay->about = *about;
}

void replay_request(struct replay *replay, const uint64_t *keys, uint32_t count,
                    uint32_t prompt_tokens)
{
    struct pending *pending = &replay->pending;
    memory_grow(&pending->key, &pending->key_capacity, (uint64_t)pending->end + count,
                sizeof *pending->key);
    memory_grow(&pending->hash, &pending->hash_capacity, (uint64_t)pending->end + count,
                sizeof *pending->hash);
    memory_grow(&pending->guess, &pending->guess_capacity, (uint64_t)pending->end + count,
                sizeof *pending->guess);
    memory_grow(&pending->request, &pending->request_capacity, (uint64_t)pending->requests + 1,
                sizeof *pending->request);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t hash = blocks_hash(keys[i]);
        pending->key[pending->end] = keys[i];
        pending->hash[pending->end++] = hash;
        blocks_prefetch_group(&replay->blocks, hash);
    }
    pending->request[pending->requests++] = (struct request){ count, prompt_tokens, replay->about };
    while (pending->first_request < pending->requests &&
           pending->end - pending->begin >=
               GROUP_AHEAD + pending->request[pending->first_request].blocks)
        work_one(replay);
    if (pending->begin >= 4096)
        compact(pending);
}

struct replay_result replay_finish(struct replay *replay)
{
    while (replay->pending.first_request < replay->pending.requests)
        work_one(replay);
    compact(&replay->pending);
    replay->result.live = replay->blocks.live;
    replay->result.memory_bytes = blocks_bytes(&replay->blocks);
    return replay->result;
}
