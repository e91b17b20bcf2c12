/* traces/kv_chains.h - what an engine's KV events let one know of its requests and of its cache.
 * Private to traces/.
 *
 * Events tell what came into the cache and what left it, and nothing of requests. A stored block is
 * a miss; the chain of its parents was there, in use by the request that stored it. So:
 *   - A request begins with a block stored behind a parent that no request is growing, or behind
 *     none. The parents are what it found: its hits.
 *   - Blocks stored behind the end of a request's chain, at most `gap_ns` after its last, are the
 *     same request's: its prompt's next chunk, the full blocks of its reply. Later, or behind the
 *     middle of the chain, they are another request's.
 *   - A request that found all of its full blocks stores nothing, and is not seen. Nor are tokens
 *     that fill no block.
 * Hits are so a lower bound: what is unseen would have hit.
 *
 * Of the cache: blocks there, by server and medium. Engines keep a block of the same hash twice
 * where two requests compute it at once, and tell of both (vLLM, v1/core/block_pool.py): copies are
 * counted. A block stored again that was there and had been removed is one that a larger cache, or
 * a tier below, would have had.
 *
 * Memory: 48 bytes and a slot of an index for each block ever named, and the requests since the
 * oldest that may go on. */
#ifndef REPRISE_TRACES_KV_CHAINS_H
#define REPRISE_TRACES_KV_CHAINS_H

#include "traces/kv_batch.h"
#include "traces/traces.h"

struct kv_chains;

/* gap_ns: see above. */
struct kv_chains *kv_chains_new(uint64_t gap_ns);
void kv_chains_free(struct kv_chains *chains); /* NULL is fine */

/* The batches are told in the order of the log; times may not go back (kv_chains_server() says of
 * which server). */

/* The number of the server of that identity, from 1 in the order of their first batches, and the
 * time of its batch before, 0 for none; notes the new one's sequence number and counts those that
 * are missing since. */
uint32_t kv_chains_server(struct kv_chains *chains, const struct kv_batch *batch,
                          uint64_t *before_ns);

/* The event happened on that server. The keys of requests are the hashes. STATUS_INPUT: a hash with
 * two parents, which is none of a prefix. */
enum status kv_chains_tell(struct kv_chains *chains, uint32_t server, uint64_t time_ns,
                           const struct kv_event *event, const struct kv_where *where,
                           struct error *err);

/* Gives the first request that will not go on any more, in the order of their beginnings; false:
 * there is none yet. With `ended` none goes on. keys are valid until the next call. */
struct kv_chain {
    uint64_t begin_ns;
    const uint64_t *keys;
    uint32_t count;
    uint32_t hits; /* of the first blocks: they were there */
    uint32_t
        hits_below; /* of the next ones: they were in a tier below when they were stored again */
};
bool kv_chains_take(struct kv_chains *chains, uint64_t now_ns, bool ended, struct kv_chain *chain);

/* All that was told so far. */
struct trace_engine_log kv_chains_log(const struct kv_chains *chains);

#endif
