/* sim/placement/pool.h - the remote tier: KV that several servers' cores share, by key. A core asks it
 * what it holds, reads from it and writes to it; the copies themselves are transfers of that core's
 * server. Sizes are in tokens, times ns as the cores' are. No clock, thread or print.
 *
 * As in the cores a copy is a prefix of its unit's KV. A session's context may lose its first tokens;
 * servers hear of that at different times, so that they say which base a copy counts from. What is read
 * or written is not evicted; of the rest what was read or written least recently goes first, whatever
 * policy the servers have.
 * Sources: Mooncake Store at 3b5a594 (docs/source/design/store/mooncake-store.md: approximate LRU, what
 * has a lease or is not written whole is passed over); one writer a key is ours. */
#ifndef REPRISE_SIM_PLACEMENT_POOL_H
#define REPRISE_SIM_PLACEMENT_POOL_H

#include <stdbool.h>
#include <stdint.h>

struct pool;

/* Where a key's KV begins: tokens that were cut off its context so far, and how often all of it was
 * made useless. Blocks: 0, 0. */
struct kv_base {
    uint32_t tokens, generation;
};

struct pool_counters {
    uint64_t dropped_tokens; /* evicted for others */
    uint64_t expired_tokens;
    uint64_t cut_tokens; /* of contexts that lost their beginning, also what arrived too late for it */
};

/* ttl_ns: from the last reading or writing; 0: for ever. Never fails. */
struct pool *pool_new(uint64_t capacity_tokens, uint64_t ttl_ns);
void pool_free(struct pool *pool); /* NULL is fine */

/* How much of the key's KV from that base on it holds; 0: none. */
uint32_t pool_tokens(const struct pool *pool, uint64_t key, struct kv_base base);
/* How much of it some server has read since it was written. */
uint32_t pool_loaded_tokens(const struct pool *pool, uint64_t key, struct kv_base base);

/* The key, of which it holds something, is read from now on, up to `tokens`; no more. What was cut off
 * before its base goes, and what is being written from an older base is void when it arrives. */
void pool_read_begins(struct pool *pool, uint64_t now_ns, uint64_t key, struct kv_base base,
                      uint32_t tokens);
void pool_read_ended(struct pool *pool, uint64_t key);

/* Books what the pool lacks of the key's first `tokens` and returns how much that is: the caller
 * copies it and tells the end. 0: nothing to write, or it counts from an older base than what is
 * there, or someone else is writing, or there is no room. user: who writes, by a number (pool_part.h). */
uint32_t pool_write_begins(struct pool *pool, uint64_t now_ns, uint32_t user, uint64_t key,
                           struct kv_base base, uint32_t tokens);
void pool_write_ended(struct pool *pool, uint64_t now_ns, uint64_t key);

/* From now on keys of which the pool holds nothing any more are kept to be taken, for a driver whose
 * copies are real; false: none is left. */
void pool_tell_drops(struct pool *pool);
bool pool_take_drop(struct pool *pool, uint64_t *key);

/* What was not touched for ttl_ns goes. */
void pool_expire(struct pool *pool, uint64_t now_ns);

/* Copies and what is being written; the most at once so far; peaks start anew. */
uint64_t pool_used_tokens(const struct pool *pool);
uint64_t pool_peak_tokens(const struct pool *pool);
void pool_reset_peak(struct pool *pool);
const struct pool_counters *pool_counters(const struct pool *pool);

/* Recounts its books and asserts that they agree, for tests. Slow. */
void pool_verify(const struct pool *pool);

#endif
