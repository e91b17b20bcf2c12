/* tests/sim/engines/slow_lmcache.c - LMCache within vLLM, whose HBM is above it. Source: LMCache
 * v1/cache_engine.py (lookup, store), v1/storage_backend/local_cpu_backend.py (allocate,
 * touch_cache, submit_put_task) and cache_policy/{lru,lfu,fifo,mru}.py at 9f5cee0. */
#include "tests/sim/engines/slow_hbm.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

struct chunk {
    uint64_t key;
    uint32_t frequency;
};

/* hot: in the order of the last hit, or put (FIFO: of the put). Invariant: free + count is all the
 * room there is, but for that of chunks which are being stored. */
struct slow_lmcache {
    struct slow_engine door;
    struct slow_hbm hbm;
    enum slow_order order;
    struct chunk hot[SLOW_LIST_MOST];
    uint32_t count, free;
};

static uint32_t find(const struct slow_lmcache *cache, uint64_t key)
{
    uint32_t at = 0;
    while (at < cache->count && cache->hot[at].key != key)
        at++;
    return at;
}

static struct chunk take(struct slow_lmcache *cache, uint32_t at)
{
    struct chunk chunk = cache->hot[at];
    cache->count--;
    memmove(&cache->hot[at], &cache->hot[at + 1], (cache->count - at) * sizeof *cache->hot);
    return chunk;
}

/* touch_cache(): what the look-up found, the last first. */
static void touch(struct slow_lmcache *cache, const struct request *request, uint32_t found)
{
    for (uint32_t i = found; i-- > 0 && cache->order != SLOW_FIFO;) {
        struct chunk chunk = take(cache, find(cache, request->key[i]));
        chunk.frequency++;
        cache->hot[cache->count++] = chunk;
    }
}

static uint32_t candidate(const struct slow_lmcache *cache)
{
    uint32_t best = 0;
    if (cache->order == SLOW_MRU)
        return cache->count - 1;
    for (uint32_t i = 1; i < cache->count && cache->order == SLOW_LFU; i++)
        if (cache->hot[i].frequency < cache->hot[best].frequency)
            best = i;
    return best;
}

static bool allocate(struct slow_lmcache *cache)
{
    if (cache->free == 0 && cache->count == 0)
        return false;
    if (cache->free == 0)
        take(cache, candidate(cache));
    else
        cache->free--;
    return true;
}

/* Room is made for all, whether they are there or not, and then they are put. */
static void store(struct slow_lmcache *cache, const struct request *request, uint32_t from)
{
    uint32_t end = from;
    while (end < request->blocks && allocate(cache))
        end++;
    for (uint32_t i = from; i < end; i++) {
        if (find(cache, request->key[i]) < cache->count)
            cache->free++;
        else
            cache->hot[cache->count++] = (struct chunk){ request->key[i], 1 };
    }
}

static struct slow_hits lmcache_request(struct slow_engine *engine, const struct request *request)
{
    struct slow_lmcache *cache = (struct slow_lmcache *)engine;
    uint32_t hbm = slow_hbm_look_up(&cache->hbm, request), found = 0;
    while (found < request->blocks && find(cache, request->key[found]) < cache->count)
        found++;
    touch(cache, request, found);
    store(cache, request, found);
    slow_hbm_serve(&cache->hbm, request, hbm);
    return (struct slow_hits){ hbm, found > hbm ? found - hbm : 0 };
}

static void lmcache_close(struct slow_engine *engine)
{
    free(engine);
}

struct slow_engine *slow_lmcache_open(enum slow_order order, uint32_t hbm, uint32_t dram,
                                      bool has_one_copy)
{
    struct slow_lmcache *cache = calloc(1, sizeof *cache);
    if (cache == NULL || dram >= SLOW_LIST_MOST || order == SLOW_ARC || order == SLOW_SLRU)
        ck_abort_msg("no such LMCache");
    cache->door = (struct slow_engine){ lmcache_request, lmcache_close };
    cache->order = order;
    cache->free = dram;
    slow_hbm_init(&cache->hbm, hbm, has_one_copy);
    return &cache->door;
}
