/* sim/replay/state.h - what a replay holds. Private to sim/replay/. */
#ifndef REPRISE_SIM_REPLAY_STATE_H
#define REPRISE_SIM_REPLAY_STATE_H

#include "sim/replay/blocks.h"
#include "sim/replay/replay.h"
#include "sim/replay/scout.h"
#include "sim/replay/told.h"
#include "sim/replay/value.h"

struct request {
    uint32_t blocks, tokens;
    struct replay_whose about;
};

/* References told and not worked off: [begin, end). Before `guessed`, guess[] has what is probably the
 * key's block (blocks_guess()); before `ordered`, its neighbours in the policy's order were asked for. */
struct pending {
    uint64_t *key;
    uint32_t *hash, *guess;
    uint32_t key_capacity, hash_capacity, guess_capacity, begin, ordered, guessed, end;
    struct request *request;
    uint32_t request_capacity, first_request, requests;
};

struct replay {
    struct replay_config config;
    const struct policy *policy;
    void (*work)(struct replay *replay, struct request request);
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

static inline bool in_tier(const struct replay *replay, uint32_t handle, int tier)
{
    return (replay->blocks.block[handle].kept & BLOCK_IN(tier)) != 0;
}

/* Time to compute the leading `blocks` blocks of a context. */
static inline double compute_ns(const struct replay_config *config, uint64_t blocks)
{
    struct value value = { config->block_tokens, config->recompute_base_ns,
                           config->recompute_slope_ns };
    return value_of(&value, blocks);
}

static inline void count_run(struct replay *replay, uint32_t hits, uint32_t prompt_tokens)
{
    uint64_t tokens = (uint64_t)hits * replay->config.block_tokens;
    replay->result.all_hits += hits;
    replay->result.hit_tokens += tokens < prompt_tokens ? tokens : prompt_tokens;
    replay->result.saved_ns += compute_ns(&replay->config, hits);
}

#endif
