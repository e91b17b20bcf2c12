/* tests/sim/placement/engine_model.h - engines' caches once more, as their sources put them: lists
 * that are searched and shifted, one request at a time. Shares no code with sim/.
 *
 * HBM is vLLM v1's queue of free blocks (v1/core/block_pool.py): a request takes the blocks that it
 * finds out of the queue, takes others from its front, and returns all to its end, the deepest
 * first. Below it, one store of blocks that new ones are copied to as they are computed, where those of the
 * running request stay. Engines that save otherwise are in tests/sim/engines. */
#ifndef REPRISE_TESTS_SIM_PLACEMENT_ENGINE_MODEL_H
#define REPRISE_TESTS_SIM_PLACEMENT_ENGINE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_MOST = 512 };

enum store_kind {
    STORE_NONE,
    STORE_TRTLLM,  /* TensorRT-LLM, evictionPolicy.cpp, without a retention config: LRU */
    STORE_KVBM,    /* Dynamo, pool/managed/inactive.rs */
    STORE_MOONCAKE /* Mooncake, master_service.cpp */
};

struct model_entry {
    uint64_t key, lease;
};

struct model_list {
    struct model_entry at[MODEL_MOST]; /* 0: the oldest */
    uint32_t count;
};

struct engine_model {
    enum store_kind kind;
    uint32_t hbm_blocks, store_blocks;
    struct model_list free, busy;     /* HBM: cached blocks in the queue, of the running request */
    struct model_list store;
    uint64_t now, lease; /* Mooncake's clock and its lease's length */
};

struct model_hits {
    uint32_t hbm, store;
};

/* The request comes, is computed, stored and ends before the next one comes. */
struct model_hits model_request(struct engine_model *model, const uint64_t *keys, uint32_t count);

#endif
