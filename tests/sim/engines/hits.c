/* tests/sim/engines/hits.c - see hits.h. */
#include "tests/sim/engines/hits.h"

#include "tests/sim/runs.h"

#include <inttypes.h>
#include <stdio.h>

enum { KV_BYTES_PER_TOKEN = 131072 }; /* of the model */

static const char server[] = "model: llama-3.1-8b\nhardware: h100\ngpus: 1\nwarmup_turns: 0\n"
                             "engine.write_buffer: 0\n";

const struct engine engines[] = {
    { "vllm-lru", ENGINE_VLLM, SLOW_LRU, SLOW_THROUGH, NULL },
    { "vllm-offload-lru", ENGINE_VLLM, SLOW_LRU, SLOW_THROUGH, NULL },
    { "vllm-offload-arc", ENGINE_VLLM, SLOW_ARC, SLOW_THROUGH, NULL },
    { "lmcache-lru", ENGINE_LMCACHE, SLOW_LRU, SLOW_THROUGH, NULL },
    { "lmcache-lfu", ENGINE_LMCACHE, SLOW_LFU, SLOW_THROUGH, NULL },
    { "lmcache-fifo", ENGINE_LMCACHE, SLOW_FIFO, SLOW_THROUGH, NULL },
    { "lmcache-mru", ENGINE_LMCACHE, SLOW_MRU, SLOW_THROUGH, NULL },
    { "sglang-hicache-write_through", ENGINE_SGLANG, SLOW_LRU, SLOW_THROUGH, NULL },
    { "sglang-hicache-write_through_selective", ENGINE_SGLANG, SLOW_LRU, SLOW_SELECTIVE, NULL },
    { "sglang-hicache-write_back", ENGINE_SGLANG, SLOW_LRU, SLOW_BACK, NULL },
    { "sglang-hicache-write_through", ENGINE_SGLANG, SLOW_LFU, SLOW_THROUGH,
      "placement.eviction=radix-lfu" },
    { "sglang-hicache-write_through", ENGINE_SGLANG, SLOW_SLRU, SLOW_THROUGH,
      "placement.eviction=radix-slru" },
    { "sglang-hicache-write_through_selective", ENGINE_SGLANG, SLOW_LFU, SLOW_SELECTIVE,
      "placement.eviction=radix-lfu" },
    { 0 },
};

struct hits simulated_hits(const struct engine *engine, const char *trace, uint32_t hbm,
                           uint32_t dram, uint32_t requests)
{
    char path[512], policy[64], sizes[4][64];
    const char *settings[] = { path,     policy,   sizes[0],        sizes[1],
                               sizes[2], sizes[3], engine->setting, NULL };
    snprintf(path, sizeof path, "trace=%s", trace);
    snprintf(policy, sizeof policy, "policy=%s", engine->preset);
    snprintf(sizes[0], sizeof sizes[0], "max_turns=%u", requests);
    snprintf(sizes[1], sizeof sizes[1], "tiers.dram.capacity=%" PRIu64,
             (uint64_t)dram * BLOCK * KV_BYTES_PER_TOKEN);
    snprintf(sizes[2], sizeof sizes[2], hbm > 0 ? "engine.hbm_tokens=%u" : "tiers.hbm.cache=%u",
             hbm * BLOCK);
    snprintf(sizes[3], sizeof sizes[3], "engine.context_window=%u", hbm > 0 ? hbm * BLOCK : 8192);
    struct experiment experiment = experiment_of(server, settings);
    struct metrics metrics = run_experiment(&experiment);
    return (struct hits){ (uint64_t)metrics.hit_tokens_hbm, (uint64_t)metrics.hit_tokens_dram };
}

static struct slow_engine *open_slow(const struct engine *engine, uint32_t hbm, uint32_t dram,
                                     bool has_one_copy)
{
    switch (engine->kind) {
    case ENGINE_VLLM:
        return slow_vllm_open(engine->order, hbm, dram, has_one_copy);
    case ENGINE_LMCACHE:
        return slow_lmcache_open(engine->order, hbm, dram, has_one_copy);
    default:
        return slow_sglang_open(engine->write, engine->order, hbm, dram);
    }
}

struct hits slow_hits(const struct engine *engine, const struct stream *stream, uint32_t hbm,
                      uint32_t dram, uint32_t requests, bool has_one_copy)
{
    struct slow_engine *slow = open_slow(engine, hbm, dram, has_one_copy);
    struct hits all = { 0 };
    for (uint32_t i = 0; i < (requests > 0 ? requests : stream->count); i++) {
        const struct request *request = &stream->request[i];
        struct slow_hits hits = slow->request(slow, request);
        uint64_t computed = (uint64_t)(hits.hbm + hits.dram) * BLOCK == request_prompt(request);
        all.hbm += (uint64_t)hits.hbm * BLOCK;
        all.dram += (uint64_t)hits.dram * BLOCK - computed; /* the last token always is */
    }
    slow->close(slow);
    return all;
}
