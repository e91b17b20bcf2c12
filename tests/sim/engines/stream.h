/* tests/sim/engines/stream.h - random requests whose prompts share beginnings, 1,000 s apart, and the trace of them. */
#ifndef REPRISE_TESTS_SIM_ENGINES_STREAM_H
#define REPRISE_TESTS_SIM_ENGINES_STREAM_H

#include "tests/sim/engines/slow_engine.h"

#include <stdbool.h>

/* bushy: paths of a tree of 30 roots, where a block is followed by one of three, up to 8 long; all alike. Those of
 * hits.txt. long: prompts go on from where an earlier one was left, mostly a recent one, up to `blocks_most` long. */
struct stream_recipe {
    uint64_t seed;
    uint32_t requests, reply, blocks_most;
    bool is_bushy;
    bool has_exact; /* half of the prompts end with a block */
};

struct stream {
    struct request *request;
    uint32_t count;
};

/* The caller frees with stream_free(). */
struct stream stream_draw(const struct stream_recipe *recipe);
/* What the trace holds, which stream_file() has written, or another with one request a line; reply > 0: in the place of
 * its own. */
struct stream stream_read(const char *path, uint32_t reply);
void stream_free(struct stream *stream);
/* A trace in the format `bailian`, as test_temp_file(). */
char *stream_file(const struct stream *stream);

#endif
