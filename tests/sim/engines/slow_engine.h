/* tests/sim/engines/slow_engine.h - an engine's KV cache written down once more, as its source puts it and with
 * plain scans: what test_engine_hits.c holds our presets against. Nothing of sim/ may be here. Requests come one
 * after the other: each has ended, and its copies too, before the next one comes. */
#ifndef REPRISE_TESTS_SIM_ENGINES_SLOW_ENGINE_H
#define REPRISE_TESTS_SIM_ENGINES_SLOW_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

enum { REQUEST_BLOCKS_MOST = 19, BLOCK = 16 };

struct request {
    uint64_t key[REQUEST_BLOCKS_MOST]; /* of the prompt's whole blocks; never 0 */
    uint32_t blocks;                   /* >= 1 */
    uint32_t tail;                     /* tokens behind them, of no other request: fewer than a block */
    uint32_t reply;                    /* tokens, >= 1; prompt and reply begin at most one block more */
};

static inline uint32_t request_prompt(const struct request *request)
{
    return request->blocks * BLOCK + request->tail;
}

/* Whole blocks that were found. */
struct slow_hits {
    uint32_t hbm, dram;
};

/* The beginning of each engine's own struct, whom close() frees. */
struct slow_engine {
    struct slow_hits (*request)(struct slow_engine *engine, const struct request *request);
    void (*close)(struct slow_engine *engine);
};

enum slow_order { SLOW_LRU, SLOW_ARC, SLOW_LFU, SLOW_FIFO, SLOW_MRU, SLOW_SLRU };
enum slow_write { SLOW_THROUGH, SLOW_SELECTIVE, SLOW_BACK };

/* Sizes are in blocks; 0: no such tier. has_one_copy: as slow_hbm.h says. An order that the engine has not aborts
 * the test. */
struct slow_engine *slow_vllm_open(enum slow_order order, uint32_t hbm, uint32_t dram,
                                   bool has_one_copy);
struct slow_engine *slow_lmcache_open(enum slow_order order, uint32_t hbm, uint32_t dram,
                                      bool has_one_copy);
struct slow_engine *slow_sglang_open(enum slow_write write, enum slow_order order, uint32_t hbm,
                                     uint32_t dram);

#endif
