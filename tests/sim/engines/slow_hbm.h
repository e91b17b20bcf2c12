/* tests/sim/engines/slow_hbm.h - vLLM v1's HBM: blocks, of which those that no request uses wait in a queue, and keep
 * their KV until they are taken from its front. Source: vLLM v1/core/block_pool.py, v1/core/kv_cache_manager.py
 * as of 2026-08-22. */
#ifndef REPRISE_TESTS_SIM_ENGINES_SLOW_HBM_H
#define REPRISE_TESTS_SIM_ENGINES_SLOW_HBM_H

#include "tests/sim/engines/slow_engine.h"
#include "tests/sim/engines/slow_list.h"

/* A block is its number, from 1. hash[]: the key of what it has, 0: of nothing whole; cached[]: since when. Two blocks may
 * have one key, as where a prompt's last block is computed again: the one that has it for longer is found. */
struct slow_hbm {
    bool has_one_copy; /* not vLLM's: of such two the older is free at once */
    struct slow_list queue;
    uint64_t hash[SLOW_LIST_MOST], cached[SLOW_LIST_MOST], clock;
    uint64_t table[REQUEST_BLOCKS_MOST + 1]; /* the running request's blocks */
    uint32_t held;
};

/* blocks == 0: nothing is ever found. */
void slow_hbm_init(struct slow_hbm *hbm, uint32_t blocks, bool has_one_copy);
/* get_computed_blocks(): the leading blocks that are there, of the prompt less one token. */
uint32_t slow_hbm_look_up(const struct slow_hbm *hbm, const struct request *request);
/* The request takes the blocks that it found, and others; computes, and returns all. */
void slow_hbm_serve(struct slow_hbm *hbm, const struct request *request, uint32_t found);

#endif
