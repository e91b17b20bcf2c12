/* sim/replay/told.h - each request of a replay as a row of turns, before it changes anything: for who asks.
 * Private to sim/replay/. */
#ifndef REPRISE_SIM_REPLAY_TOLD_H
#define REPRISE_SIM_REPLAY_TOLD_H

#include "sim/replay/blocks.h"
#include "sim/replay/replay.h"

struct told;

struct told *told_new(const struct replay_teller *teller, uint32_t block_tokens);
void told_free(struct told *told); /* NULL is fine */
/* The request of so many keys, with their hashes, comes. */
void told_request(struct told *told, const struct blocks *blocks, const uint64_t *keys,
                  const uint32_t *hashes, uint32_t count, uint32_t prompt_tokens,
                  const struct replay_whose *about);
/* For the present request the block of the key was evicted from the last tier that had it. */
void told_lost(struct told *told, uint64_t key, enum tier from);

#endif
