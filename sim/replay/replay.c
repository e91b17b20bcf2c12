/* sim/replay/replay.c - see replay.h. */
#include "sim/replay/replay.h"

#include "base/memory.h"
#include "sim/replay/blocks.h"
#include "sim/replay/scout.h"
#include "sim/replay/told.h"
#include "sim/replay/value.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* How many references ahead of the present one each stage runs: the slot's line, then the block and
 * its place in the policy's order, then that place's neighbours. A miss of memory is some 100 ns, a
 * reference some 50. */
enum { SLOT_AHEAD = 64, BLOCK_AHEAD = 32, ORDER_AHEAD = 16 };

struct request {
    uint32_t blocks, tokens;
    struct replay_whose about;
};

/* References told and not worked off. */
struct pending {
    uint64_t *key;
    uint32_t *hash;
    uint32_t key_capacity, hash_capacity, begin, end;
    struct request *request;
    uint32_t request_capacity, first_request, requests;
};

struct replay {
    struct replay_config config;
    const struct policy *policy;
    struct policy_env env;
    struct blocks blocks;
    struct pending pending;
    enum tier fastest;
    int below[TIER_COUNT]; /* the next slower tier, or TIER_COUNT */
    uint64_t used[TIER_COUNT];
    struct scout victims[TIER_COUNT][2]; /* of two lists: S3-FIFO's small and main */
    struct scout forgotten[TIER_COUNT];
    uint32_t *chain; /* handles of the present request; not in the fast path */
    uint32_t chain_capacity;
    struct replay_whose about; /* of the next request */
    struct told *told;         /* NULL: nobody is told */
    struct replay_result result;
};

static bool in_tier(const struct replay *replay, uint32_t handle, int tier)
{
    return (replay->blocks.block[handle].tiers >> tier & 1) != 0;
}

/* A block that no tier holds, no policy remembers and no block that is there follows, is forgotten.
 */
static void settle(struct replay *replay, uint32_t handle)
{
    const struct block *block = &replay->blocks.block[handle];
    if (block->tiers != 0 || block->remembered != 0)
        return;
    if (replay->config.leaf_only)
        for (int tier = 0; tier < TIER_COUNT; tier++)
            if (replay->blocks.seen.children[tier] != NULL &&
                replay->blocks.seen.children[tier][handle] > 0)
                return;
    blocks_remove(&replay->blocks, handle);
}

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
    unsigned bit = 1U << (unsigned)tier;
    block->remembered = (uint8_t)(does ? block->remembered | bit : block->remembered & ~bit);
    if (does)
        return;
    if (!scout_meets(&replay->forgotten[tier], unit))
        scout_start(&replay->forgotten[tier], unit);
    scout_run(&replay->forgotten[tier], &replay->blocks, tier);
    settle(replay, unit);
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
    free(replay->pending.request);
    free(replay->chain);
    told_free(replay->told);
    free(replay);
}

/* Time to compute the leading `blocks` blocks of a context. */
static double compute_ns(const struct replay_config *config, uint64_t blocks)
{
    struct value value = { config->block_tokens, config->recompute_base_ns,
                           config->recompute_slope_ns };
    return value_of(&value, blocks);
}

/* ---- one block comes and goes ---- */

/* The block before it has one more or one less in the tier that follows it. */
static void count_child(struct replay *replay, uint32_t handle, int tier, bool comes)
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
        settle(replay, parent);
}

static void leave(struct replay *replay, uint32_t handle, enum tier tier, enum leave why)
{
    replay->policy->leave(&replay->env, handle, tier, why);
    replay->blocks.block[handle].tiers &= (uint8_t) ~(1U << (unsigned)tier);
    replay->used[tier]--;
    count_child(replay, handle, (int)tier, false);
}

/* The tier gives up `victim` now. */
static void scout_victims(struct replay *replay, enum tier tier, uint32_t victim)
{
    struct scout *scout = replay->victims[tier];
    int which = scout_meets(&scout[0], victim)   ? 0
                : scout_meets(&scout[1], victim) ? 1
                : scout[1].idle >= scout[0].idle ? 1
                                                 : 0;
    if (scout[which].idle > 0)
        scout_start(&scout[which], victim);
    scout_run(&scout[which], &replay->blocks, tier);
}

static bool enter(struct replay *replay, uint32_t handle, enum tier tier);

/* The tier's victim goes, down to the next tier if it is not there. false: none may go. */
static bool evict(struct replay *replay, enum tier tier)
{
    uint32_t victim = replay->policy->victim(&replay->env, tier);
    if (victim == UNIT_NONE)
        return false;
    int below = replay->below[tier];
    replay->result.evicted[tier]++;
    scout_victims(replay, tier, victim);
    /* It is held by its tier until the next has it, so that its entry stays. */
    if (below < TIER_COUNT && !in_tier(replay, victim, below))
        enter(replay, victim, (enum tier)below);
    leave(replay, victim, tier, LEAVE_EVICTED);
    if (replay->told != NULL && replay->blocks.block[victim].tiers == 0)
        told_lost(replay->told, replay->blocks.block[victim].key, tier);
    settle(replay, victim);
    return true;
}

/* false: there is no room, since all that is there must stay. */
#define HELD (1U << TIER_COUNT) /* in block.remembered: by the request that is worked on */

static bool make_room(struct replay *replay, enum tier tier)
{
    while (replay->used[tier] >= replay->config.blocks[tier])
        if (!evict(replay, tier))
            return false;
    return true;
}

/* A block that comes back to where the policy remembers it. */
static void use_ghost(struct replay *replay, uint32_t handle, enum tier tier)
{
    if (replay->policy->uses_ghosts &&
        (replay->blocks.block[handle].remembered & (1U << (unsigned)tier)) != 0) {
        assert(replay->policy->use != NULL);
        replay->policy->use(&replay->env, handle, tier);
    }
}

static bool enter(struct replay *replay, uint32_t handle, enum tier tier)
{
    /* Counted before room is made: the block that it follows must not go for it. */
    count_child(replay, handle, (int)tier, true);
    if (replay->policy->coming != NULL)
        replay->policy->coming(&replay->env, handle, tier);
    /* Held: for room the policy may forget the very block that comes. */
    uint8_t held = replay->blocks.block[handle].remembered & HELD;
    replay->blocks.block[handle].remembered |= HELD;
    bool room = make_room(replay, tier);
    if (held == 0)
        replay->blocks.block[handle].remembered &= (uint8_t)~HELD;
    if (!room) {
        count_child(replay, handle, (int)tier, false);
        return false;
    }
    replay->used[tier]++;
    replay->env.arrivals++;
    replay->result.written[tier]++;
    replay->blocks.block[handle].tiers |= (uint8_t)(1U << (unsigned)tier);
    replay->policy->enter(&replay->env, handle, tier);
    return true;
}

static void count_run(struct replay *replay, uint32_t hits, uint32_t prompt_tokens)
{
    uint64_t tokens = (uint64_t)hits * replay->config.block_tokens;
    replay->result.all_hits += hits;
    replay->result.hit_tokens += tokens < prompt_tokens ? tokens : prompt_tokens;
    replay->result.saved_ns += compute_ns(&replay->config, hits);
}

/* ---- one tier: a single pass ---- */

static void prefetch_ahead(const struct replay *replay, uint32_t at, uint32_t end)
{
    const struct blocks *blocks = &replay->blocks;
    const struct pending *pending = &replay->pending;
    enum tier tier = replay->fastest;
    if (at + BLOCK_AHEAD < end) {
        uint32_t handle = blocks_guess(blocks, pending->hash[at + BLOCK_AHEAD]);
        __builtin_prefetch(&blocks->block[handle]);
        __builtin_prefetch(&blocks->seen.link[tier][handle], 1);
        if (replay->blocks.note_bytes > 0)
            __builtin_prefetch(
                (char *)blocks->seen.note[tier] + (size_t)handle * replay->blocks.note_bytes, 1);
    }
    if (at + ORDER_AHEAD < end && replay->policy->prefetch != NULL) {
        uint32_t handle = blocks_guess(blocks, pending->hash[at + ORDER_AHEAD]);
        if (handle != 0)
            replay->policy->prefetch(&replay->env, handle, tier);
    }
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

/* Until the first miss nothing enters, so nothing leaves: the leading run can be counted while
 * touching. */
static void work_one_tier(struct replay *replay, struct request request)
{
    struct pending *pending = &replay->pending;
    uint32_t count = request.blocks;
    enum tier tier = replay->fastest;
    uint32_t hits = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = pending->begin + i;
        prefetch_ahead(replay, at, pending->end);
        uint32_t handle = intern(replay, pending->key[at], pending->hash[at], i);
        replay->env.use.last = i + 1 == count;
        if (!in_tier(replay, handle, (int)tier)) {
            use_ghost(replay, handle, tier);
            if (!enter(replay, handle, tier))
                settle(replay, handle);
            continue;
        }
        hits += hits == i;
        if (replay->policy->use != NULL)
            replay->policy->use(&replay->env, handle, tier);
    }
    replay->result.hits[tier] += hits;
    count_run(replay, hits, request.tokens);
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
            enter(replay, handle, (enum tier)tier);
}

static void touch(struct replay *replay, uint32_t handle)
{
    int found = fastest_of(replay, handle);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        if (!in_tier(replay, handle, tier))
            use_ghost(replay, handle, (enum tier)tier);
        else if (replay->policy->use != NULL)
            replay->policy->use(&replay->env, handle, (enum tier)tier);
    if (found == (int)replay->fastest)
        return;
    /* Taken out first, so that it is not its own tier's victim while it moves. */
    if (found < TIER_COUNT && !replay->config.inclusive)
        leave(replay, handle, (enum tier)found, LEAVE_REMOVED);
    enter(replay, handle, replay->fastest);
    if (found == TIER_COUNT && replay->config.write_through)
        write_through(replay, handle);
}

static void intern_chain(struct replay *replay, uint32_t count)
{
    const struct pending *pending = &replay->pending;
    memory_grow(&replay->chain, &replay->chain_capacity, count, sizeof *replay->chain);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = pending->begin + i;
        uint32_t handle = intern(replay, pending->key[at], pending->hash[at], i);
        replay->blocks.block[handle].remembered |= HELD;
        replay->chain[i] = handle;
        uint32_t *parent = replay->blocks.seen.parent; /* grows with the blocks */
        if (parent != NULL && replay->blocks.block[handle].tiers == 0)
            parent[handle] = i > 0 ? replay->chain[i - 1] : 0;
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
        touch(replay, replay->chain[at]);
    }
    for (uint32_t i = count; i-- > 0;) {
        struct block *block = &replay->blocks.block[replay->chain[i]];
        if ((block->remembered & HELD) == 0)
            continue; /* the same block twice in one request */
        block->remembered &= (uint8_t)~HELD;
        settle(replay, replay->chain[i]);
    }
}

/* ---- requests ---- */

static void work_one(struct replay *replay)
{
    struct pending *pending = &replay->pending;
    struct request request = pending->request[pending->first_request++];
    bool simple = replay->below[replay->fastest] == TIER_COUNT && !replay->config.leaf_only;
    if (replay->told != NULL)
        told_request(replay->told, &replay->blocks, pending->key + pending->begin,
                     pending->hash + pending->begin, request.blocks, request.tokens,
                     &request.about);
    replay->result.requests++;
    replay->result.references += request.blocks;
    replay->result.prompt_tokens += request.tokens;
    replay->result.whole_ns += compute_ns(&replay->config, request.blocks);
    if (simple)
        work_one_tier(replay, request);
    else
        work_tiers(replay, request);
    pending->begin += request.blocks;
}

/* Moves what is left to the arrays' front. */
static void compact(struct pending *pending)
{
    uint32_t keys = pending->end - pending->begin;
    uint32_t requests = pending->requests - pending->first_request;
    if (pending->begin > 0) {
        memmove(pending->key, pending->key + pending->begin, keys * sizeof *pending->key);
        memmove(pending->hash, pending->hash + pending->begin, keys * sizeof *pending->hash);
    }
    if (pending->first_request > 0)
        memmove(pending->request, pending->request + pending->first_request,
                requests * sizeof *pending->request);
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
               SLOT_AHEAD + pending->request[pending->first_request].blocks)
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
