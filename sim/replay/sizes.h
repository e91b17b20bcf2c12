/* sim/replay/sizes.h - LRU at several sizes in one pass: what replay.h counts at each size. What a cache has is part of what
 * a larger one has, so that one order of blocks serves all. Of other policies that is not so, and each size needs a pass
 * of its own. */
#ifndef REPRISE_SIM_REPLAY_SIZES_H
#define REPRISE_SIM_REPLAY_SIZES_H

#include "sim/replay/replay.h"

#include <stdbool.h>

struct replay_sizes;

/* Whether a replay of this configuration can be one of the pass: LRU in one tier, whatever order blocks follow
 * each other in (not leaf-only), and nobody hears of its requests. */
bool replay_sizes_can(const struct replay_config *config);

/* configs: of replays that can be, which differ in their sizes and in which tier that is. */
struct replay_sizes *replay_sizes_new(const struct replay_config *const *configs, uint32_t count);
void replay_sizes_free(struct replay_sizes *sizes); /* NULL is fine */

/* As replay_request(). known: how many keys lie there, the request's and those of requests to come, at which look-ups
 * begin already; at least count. */
void replay_sizes_request(struct replay_sizes *sizes, const uint64_t *keys, uint32_t count,
                          uint32_t known, uint32_t prompt_tokens);

/* results[i]: of configs[i], the same in every count as replay_finish() has them; memory_bytes: of the whole pass. */
void replay_sizes_finish(const struct replay_sizes *sizes, struct replay_result *const *results);

#endif
