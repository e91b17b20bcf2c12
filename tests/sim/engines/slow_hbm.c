/* tests/sim/engines/slow_hbm.c - see slow_hbm.h. */
#include "tests/sim/engines/slow_hbm.h"

void slow_hbm_init(struct slow_hbm *hbm, uint32_t blocks, bool has_one_copy)
{
    hbm->has_one_copy = has_one_copy;
    for (uint32_t block = 1; block <= blocks; block++)
        slow_list_push(&hbm->queue, block);
}

static uint64_t cached_block(const struct slow_hbm *hbm, uint64_t key)
{
    uint64_t found = 0;
    for (uint32_t i = 0; i < hbm->queue.count; i++) {
        uint64_t block = hbm->queue.key[i];
        if (hbm->hash[block] == key && (found == 0 || hbm->cached[block] < hbm->cached[found]))
            found = block;
    }
    return found;
}

uint32_t slow_hbm_look_up(const struct slow_hbm *hbm, const struct request *request)
{
    uint32_t most = (request_prompt(request) - 1) / BLOCK, found = 0;
    while (found < most && cached_block(hbm, request->key[found]) != 0)
        found++;
    return found;
}

static void take(struct slow_hbm *hbm, uint64_t block)
{
    hbm->table[hbm->held++] = block;
}

/* free_blocks(): the last first; those without a hash are the next to be taken. */
static void free_all(struct slow_hbm *hbm)
{
    for (uint32_t i = hbm->held; i-- > 0;)
        if (hbm->hash[hbm->table[i]] == 0)
            slow_list_push_first(&hbm->queue, hbm->table[i]);
    for (uint32_t i = hbm->held; i-- > 0;)
        if (hbm->hash[hbm->table[i]] != 0)
            slow_list_push(&hbm->queue, hbm->table[i]);
    hbm->held = 0;
}

/* cache_full_blocks() */
static void cache(struct slow_hbm *hbm, uint64_t block, uint64_t key)
{
    uint64_t other = cached_block(hbm, key);
    if (hbm->has_one_copy && other != 0) {
        hbm->hash[other] = 0;
        slow_list_take(&hbm->queue, other);
        slow_list_push_first(&hbm->queue, other);
    }
    hbm->hash[block] = key;
    hbm->cached[block] = ++hbm->clock;
}

void slow_hbm_serve(struct slow_hbm *hbm, const struct request *request, uint32_t found)
{
    if (hbm->queue.count == 0)
        return;
    for (uint32_t i = 0; i < found; i++) {
        uint64_t block = cached_block(hbm, request->key[i]);
        slow_list_take(&hbm->queue, block);
        take(hbm, block);
    }
    uint32_t tokens = request_prompt(request) + request->reply - 1;
    while (hbm->held * BLOCK < tokens) {
        uint64_t block = slow_list_take_first(&hbm->queue);
        hbm->hash[block] = 0;
        take(hbm, block);
    }
    for (uint32_t i = found; i < request->blocks; i++)
        cache(hbm, hbm->table[i], request->key[i]);
    free_all(hbm);
}
