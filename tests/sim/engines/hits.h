/* tests/sim/engines/hits.h - a preset's hits in the simulator, and those of its engine written down once more. */
#ifndef REPRISE_TESTS_SIM_ENGINES_HITS_H
#define REPRISE_TESTS_SIM_ENGINES_HITS_H

#include "tests/sim/engines/stream.h"

/* In tokens. */
struct hits {
    uint64_t hbm, dram;
};

enum engine_kind { ENGINE_VLLM, ENGINE_LMCACHE, ENGINE_SGLANG };

struct engine {
    const char *preset;
    enum engine_kind kind;
    enum slow_order order;
    enum slow_write write;
    const char *setting; /* over the preset's own; NULL: none */
};

/* Every preset that has a slow engine, and other orders of SGLang's tree; ended by one without a preset. */
extern const struct engine engines[];

/* Of the first `requests` of the trace (0: all), as the head of hits.txt says how it is run; sizes in blocks. has_one_copy: as
 * slow_hbm.h says. */
struct hits simulated_hits(const struct engine *engine, const char *trace, uint32_t hbm, uint32_t dram,
                           uint32_t requests);
struct hits slow_hits(const struct engine *engine, const struct stream *stream, uint32_t hbm,
                      uint32_t dram, uint32_t requests, bool has_one_copy);

#endif
