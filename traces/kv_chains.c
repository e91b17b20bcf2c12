/* traces/kv_chains.c - see kv_chains.h. */
#include "traces/kv_chains.h"

#include "base/keymap.h"
#include "base/memory.h"

#include <stdlib.h>

/* Invariant: parents make no circle: a block's parent is set once, to one that does not follow it.
 * copies[] of the GPU count only while `epoch` is the server's: all are gone otherwise. */
struct block {
    uint64_t key; /* of the index: the hash, made the server's own */
    uint64_t hash;
    uint32_t parent;  /* 0: none, or not known */
    uint32_t request; /* whose chain ends here: its number, modulo 2^32; see request_at() */
    uint32_t copies[KV_MEDIA], epoch;
    bool placed;     /* its parent is known, or that it has none */
    bool was_stored; /* on the GPU, once */
    bool leads;      /* blocks follow it */
};

struct request {
    uint64_t begin_ns, last_ns;
    uint32_t tip, stored, hits_below;
    bool run_below; /* all blocks that it stored so far were in a tier below */
};

struct server {
    uint64_t identity, last_ns, sequence;
    bool has_sequence, has_batch;
    uint32_t epoch;
    uint64_t resident, resident_peak;
};

struct kv_chains {
    uint64_t gap_ns;
    struct block *block; /* [0] is none */
    uint32_t block_capacity, blocks;
    struct keymap map;
    struct server *server; /* [0] is none; few */
    uint32_t server_capacity, servers;
    /* Requests first to last: number n lies in request[n % capacity]; capacity a power of two. */
    struct request *request;
    uint32_t request_capacity;
    uint64_t first, last; /* numbers [first, last) are not given yet; from 1 */
    uint64_t *keys;
    uint32_t keys_capacity;
    struct trace_engine_log log;
};

struct kv_chains *kv_chains_new(uint64_t gap_ns)
{
    enum { FEW = 64 };
    struct kv_chains *chains = memory_new(1, sizeof *chains);
    chains->gap_ns = gap_ns;
    chains->first = chains->last = 1;
    chains->request = memory_new(FEW, sizeof *chains->request);
    chains->request_capacity = FEW;
    memory_grow(&chains->block, &chains->block_capacity, 1, sizeof *chains->block);
    memory_grow(&chains->server, &chains->server_capacity, 1, sizeof *chains->server);
    keymap_init(&chains->map, FEW);
    return chains;
}

void kv_chains_free(struct kv_chains *chains)
{
    if (chains == NULL)
        return;
    keymap_free(&chains->map);
    free(chains->block);
    free(chains->server);
    free(chains->request);
    free(chains->keys);
    free(chains);
}

/* ---- servers ---- */

uint32_t kv_chains_server(struct kv_chains *chains, const struct kv_batch *batch,
                          uint64_t *before_ns)
{
    uint32_t number = 1;
    while (number <= chains->servers && chains->server[number].identity != batch->server)
        number++;
    if (number > chains->servers) {
        chains->servers = number;
        memory_grow(&chains->server, &chains->server_capacity, (uint64_t)number + 1,
                    sizeof *chains->server);
        chains->server[number].identity = batch->server;
    }
    struct server *server = &chains->server[number];
    *before_ns = server->has_batch ? server->last_ns : 0;
    server->has_batch = true;
    server->last_ns = batch->time_ns;
    /* A lower number than expected: the publisher began anew. */
    if (batch->has_sequence && server->has_sequence && batch->sequence > server->sequence + 1)
        chains->log.lost_batches += batch->sequence - server->sequence - 1;
    server->has_sequence = batch->has_sequence;
    server->sequence = batch->sequence;
    return number;
}

/* ---- blocks ---- */

static struct keymap_keys keys_of(const struct kv_chains *chains)
{
    return (struct keymap_keys){ chains->block, sizeof *chains->block };
}

static uint64_t own_key(uint32_t server, uint64_t hash)
{
    return server == 1 ? hash : hash ^ keymap_mix(server);
}

static uint32_t find(const struct kv_chains *chains, uint32_t server, uint64_t hash)
{
    return keymap_find(&chains->map, keys_of(chains), own_key(server, hash));
}

static uint32_t find_or_add(struct kv_chains *chains, uint32_t server, uint64_t hash)
{
    uint32_t handle = find(chains, server, hash);
    if (handle != 0)
        return handle;
    handle = ++chains->blocks;
    memory_grow(&chains->block, &chains->block_capacity, (uint64_t)handle + 1,
                sizeof *chains->block);
    chains->block[handle] = (struct block){ .key = own_key(server, hash), .hash = hash };
    keymap_add(&chains->map, keys_of(chains), handle);
    return handle;
}

/* On the GPU, those before the last clearing are no more. */
static uint32_t *copies_of(struct kv_chains *chains, uint32_t server, uint32_t handle,
                           enum kv_medium medium)
{
    struct block *block = &chains->block[handle];
    if (block->epoch != chains->server[server].epoch) {
        block->epoch = chains->server[server].epoch;
        block->copies[KV_GPU] = 0;
    }
    return &block->copies[medium];
}

static void count_copy(struct kv_chains *chains, uint32_t server, uint32_t handle,
                       enum kv_medium medium)
{
    struct server *of = &chains->server[server];
    uint32_t *copies = copies_of(chains, server, handle, medium);
    if (medium == KV_GPU && *copies == 0 && ++of->resident > of->resident_peak)
        of->resident_peak = of->resident;
    (*copies)++;
}

static bool follows(const struct kv_chains *chains, uint32_t handle, uint32_t ancestor)
{
    while (handle != 0 && handle != ancestor)
        handle = chains->block[handle].parent;
    return handle != 0;
}

/* A block's parent is what it was when the block was seen first. */
static enum status place(struct kv_chains *chains, uint32_t handle, uint32_t parent,
                         const struct kv_where *where, struct error *err)
{
    struct block *block = &chains->block[handle];
    bool same = block->placed && block->parent == parent;
    bool circle = handle == parent || (block->leads && follows(chains, parent, handle));
    if (same || (!block->placed && !circle)) {
        block->parent = parent;
        block->placed = true;
        chains->block[parent].leads = true;
        return STATUS_OK;
    }
    return kv_refuse(where, "parent_block_hash", "one parent for a hash, which stands for a prefix",
                     "another than before: an engine that hashes each block by itself (as old "
                     "versions of SGLang do) does not say prefixes",
                     err);
}

/* ---- requests ---- */

static struct request *request_at(struct kv_chains *chains, uint64_t number)
{
    return &chains->request[number & (chains->request_capacity - 1)];
}

static void grow_requests(struct kv_chains *chains)
{
    uint32_t before = chains->request_capacity;
    struct request *grown = memory_new((size_t)before * 2, sizeof *grown);
    for (uint64_t number = chains->first; number < chains->last; number++)
        grown[number & (2 * before - 1)] = *request_at(chains, number);
    free(chains->request);
    chains->request = grown;
    chains->request_capacity = 2 * before;
}

/* The number of the request that is growing at this block, or 0. Blocks hold the lower half. */
static uint64_t growing_at(struct kv_chains *chains, uint32_t handle, uint64_t time_ns)
{
    uint64_t number =
        chains->first + (uint32_t)(chains->block[handle].request - (uint32_t)chains->first);
    if (chains->block[handle].request == 0 || number >= chains->last)
        return 0;
    const struct request *request = request_at(chains, number);
    bool goes_on = request->tip == handle && time_ns - request->last_ns <= chains->gap_ns;
    return goes_on ? number : 0;
}

static uint64_t begin_request(struct kv_chains *chains, uint64_t time_ns)
{
    if (chains->last - chains->first == chains->request_capacity)
        grow_requests(chains);
    *request_at(chains, chains->last) =
        (struct request){ .begin_ns = time_ns, .last_ns = time_ns, .run_below = true };
    return chains->last++;
}

/* Before the block's copy is counted. */
static void note_stored(struct kv_chains *chains, uint32_t server, uint32_t handle,
                        struct request *request)
{
    struct block *block = &chains->block[handle];
    bool there = *copies_of(chains, server, handle, KV_GPU) > 0;
    bool below = !there && block->copies[KV_BELOW] > 0;
    chains->log.stored_blocks++;
    chains->log.stored_twice_blocks += there;
    chains->log.stored_again_blocks += !there && block->was_stored;
    chains->log.from_below_blocks += below;
    request->run_below = request->run_below && below;
    request->hits_below += request->run_below;
    request->stored++;
    block->was_stored = true;
}

/* Parents that the log does not know were there before it began, or in a batch that is lost. */
static uint32_t find_parent(struct kv_chains *chains, uint32_t server, const struct kv_event *event)
{
    if (!event->has_parent)
        return 0;
    uint32_t known = find(chains, server, event->parent);
    if (known != 0)
        return known;
    chains->log.unknown_parents++;
    known = find_or_add(chains, server, event->parent);
    count_copy(chains, server, known, KV_GPU);
    return known;
}

static enum status store(struct kv_chains *chains, uint32_t server, uint64_t time_ns,
                         const struct kv_event *event, const struct kv_where *where,
                         struct error *err)
{
    uint32_t parent = find_parent(chains, server, event);
    uint64_t number = parent != 0 ? growing_at(chains, parent, time_ns) : 0;
    if (number == 0)
        number = begin_request(chains, time_ns);
    struct request *request = request_at(chains, number);
    for (uint32_t i = 0; i < event->count; i++) {
        uint32_t handle = find_or_add(chains, server, event->hashes[i]);
        if (place(chains, handle, parent, where, err) != STATUS_OK)
            return err->status;
        note_stored(chains, server, handle, request);
        count_copy(chains, server, handle, KV_GPU);
        parent = handle;
    }
    request->last_ns = time_ns;
    request->tip = parent;
    chains->block[parent].request = (uint32_t)number;
    return STATUS_OK;
}

static void store_below(struct kv_chains *chains, uint32_t server, const struct kv_event *event)
{
    for (uint32_t i = 0; i < event->count; i++)
        count_copy(chains, server, find_or_add(chains, server, event->hashes[i]), KV_BELOW);
}

static void remove_blocks(struct kv_chains *chains, uint32_t server, const struct kv_event *event)
{
    for (uint32_t i = 0; i < event->count; i++) {
        uint32_t handle = find(chains, server, event->hashes[i]);
        uint32_t *copies = handle != 0 ? copies_of(chains, server, handle, event->medium) : NULL;
        if (event->medium == KV_GPU)
            chains->log.removed_blocks++;
        if (copies == NULL || *copies == 0) {
            chains->log.removed_unknown_blocks += event->medium == KV_GPU;
            continue;
        }
        (*copies)--;
        if (event->medium == KV_GPU && *copies == 0)
            chains->server[server].resident--;
    }
}

enum status kv_chains_tell(struct kv_chains *chains, uint32_t server, uint64_t time_ns,
                           const struct kv_event *event, const struct kv_where *where,
                           struct error *err)
{
    switch (event->kind) {
    case KV_STORED:
        if (event->medium == KV_GPU)
            return store(chains, server, time_ns, event, where, err);
        store_below(chains, server, event);
        break;
    case KV_REMOVED:
        remove_blocks(chains, server, event);
        break;
    case KV_CLEARED:
        chains->server[server].epoch++;
        chains->server[server].resident = 0;
        chains->log.clearings++;
        break;
    case KV_PASSED_OVER:
        chains->log.passed_over_events++;
    }
    return STATUS_OK;
}

/* ---- out ---- */

bool kv_chains_take(struct kv_chains *chains, uint64_t now_ns, bool ended, struct kv_chain *chain)
{
    if (chains->first == chains->last)
        return false;
    const struct request *request = request_at(chains, chains->first);
    if (!ended && now_ns - request->last_ns <= chains->gap_ns)
        return false;
    uint32_t count = 0;
    for (uint32_t at = request->tip; at != 0; at = chains->block[at].parent)
        count++;
    memory_grow(&chains->keys, &chains->keys_capacity, count, sizeof *chains->keys);
    for (uint32_t at = request->tip, i = count; at != 0; at = chains->block[at].parent)
        chains->keys[--i] = chains->block[at].hash;
    *chain = (struct kv_chain){ .begin_ns = request->begin_ns,
                                .keys = chains->keys,
                                .count = count,
                                .hits = count - request->stored,
                                .hits_below = request->hits_below };
    chains->first++;
    return true;
}

struct trace_engine_log kv_chains_log(const struct kv_chains *chains)
{
    struct trace_engine_log log = chains->log;
    log.servers = chains->servers;
    for (uint32_t i = 1; i <= chains->servers; i++)
        if (chains->server[i].resident_peak > log.resident_peak_blocks)
            log.resident_peak_blocks = chains->server[i].resident_peak;
    return log;
}
