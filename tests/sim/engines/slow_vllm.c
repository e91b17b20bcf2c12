/* tests/sim/engines/slow_vllm.c - vLLM v1: its HBM, and below it the CPU memory of its
 * OffloadingConnector. Source: vLLM v1/kv_offload/cpu/manager.py (CPUOffloadingManager),
 * policies/lru.py and arc.py, and distributed/kv_transfer/kv_connector/v1/offloading/scheduler.py
 * as of 2026-08-22. */
#include "tests/sim/engines/slow_hbm.h"
#include "tests/support.h"

#include <stdlib.h>

/* LRU has t1 alone. storing: what is being stored, and not ready yet. */
struct slow_vllm {
    struct slow_engine door;
    struct slow_hbm hbm;
    uint32_t dram;
    bool is_arc;
    struct slow_list t1, t2, b1, b2, storing;
    double target; /* target_t1_size */
};

static bool stores(const struct slow_vllm *vllm, uint64_t key)
{
    return slow_list_has(&vllm->t1, key) || slow_list_has(&vllm->t2, key);
}

static double ratio(const struct slow_list *others, const struct slow_list *ghosts)
{
    double step = (double)others->count / (double)ghosts->count;
    return step > 1.0 ? step : 1.0;
}

static void touch_ghost(struct slow_vllm *vllm, uint64_t key)
{
    double most = vllm->dram;
    if (slow_list_to_end(&vllm->b1, key)) {
        vllm->target += ratio(&vllm->b2, &vllm->b1);
        vllm->target = vllm->target < most ? vllm->target : most;
    } else if (slow_list_to_end(&vllm->b2, key)) {
        vllm->target -= ratio(&vllm->b1, &vllm->b2);
        vllm->target = vllm->target > 0.0 ? vllm->target : 0.0;
    }
}

static void touch_one(struct slow_vllm *vllm, uint64_t key)
{
    if (slow_list_has(&vllm->t1, key)) {
        bool stays = !vllm->is_arc || slow_list_has(&vllm->storing, key);
        slow_list_take(&vllm->t1, key);
        slow_list_push(stays ? &vllm->t1 : &vllm->t2, key);
    } else if (!slow_list_to_end(&vllm->t2, key)) {
        touch_ghost(vllm, key);
    }
}

static void touch(struct slow_vllm *vllm, const struct request *request)
{
    for (uint32_t i = request->blocks; i-- > 0;)
        touch_one(vllm, request->key[i]);
}

static void insert(struct slow_vllm *vllm, uint64_t key)
{
    slow_list_push(&vllm->t1, key);
    slow_list_take(&vllm->b1, key);
    slow_list_take(&vllm->b2, key);
}

static bool is_offered(const struct request *request, uint32_t from, uint64_t key)
{
    for (uint32_t i = from; i < request->blocks; i++)
        if (request->key[i] == key)
            return true;
    return false;
}

/* The next of the list, from *at on, that is not among those that are offered; 0: none. */
static uint64_t next_candidate(const struct slow_list *list, const struct request *request,
                               uint32_t from, uint32_t *at)
{
    while (*at < list->count && is_offered(request, from, list->key[*at]))
        (*at)++;
    return *at < list->count ? list->key[(*at)++] : 0;
}

static void forget(struct slow_vllm *vllm, const struct slow_list *candidates)
{
    for (uint32_t i = 0; i < candidates->count; i++) {
        bool was_in_t1 = slow_list_take(&vllm->t1, candidates->key[i]);
        slow_list_take(&vllm->t2, candidates->key[i]);
        if (vllm->is_arc)
            slow_list_push(was_in_t1 ? &vllm->b1 : &vllm->b2, candidates->key[i]);
    }
    while (vllm->b1.count > vllm->dram)
        slow_list_take_first(&vllm->b1);
    while (vllm->b2.count > vllm->dram)
        slow_list_take_first(&vllm->b2);
}

/* evict(): so many, or none. */
static bool evict(struct slow_vllm *vllm, const struct request *request, uint32_t from,
                  uint32_t count)
{
    struct slow_list candidates = { .count = 0 };
    uint32_t in_t1 = vllm->t1.count, t1_at = 0, t2_at = 0;
    while (candidates.count < count) {
        uint64_t key = 0;
        if (!vllm->is_arc || in_t1 >= (uint32_t)vllm->target)
            key = next_candidate(&vllm->t1, request, from, &t1_at);
        in_t1 -= key != 0;
        if (key == 0)
            key = next_candidate(&vllm->t2, request, from, &t2_at);
        if (key == 0)
            return false;
        slow_list_push(&candidates, key);
    }
    forget(vllm, &candidates);
    return true;
}

/* prepare_store() of the blocks from `from` on, a touch of all, complete_store(). */
static void store(struct slow_vllm *vllm, const struct request *request, uint32_t from)
{
    vllm->storing.count = 0;
    for (uint32_t i = from; i < request->blocks; i++)
        if (!stores(vllm, request->key[i]))
            slow_list_push(&vllm->storing, request->key[i]);
    uint32_t used = vllm->t1.count + vllm->t2.count, missing = vllm->storing.count;
    if (missing == 0)
        return;
    if (used + missing > vllm->dram && !evict(vllm, request, from, used + missing - vllm->dram))
        return;
    for (uint32_t i = 0; i < missing; i++)
        insert(vllm, vllm->storing.key[i]);
    touch(vllm, request);
    vllm->storing.count = 0;
}

static struct slow_hits vllm_request(struct slow_engine *engine, const struct request *request)
{
    struct slow_vllm *vllm = (struct slow_vllm *)engine;
    uint32_t hbm = slow_hbm_look_up(&vllm->hbm, request), run = hbm;
    while (run < request->blocks && stores(vllm, request->key[run]))
        run++;
    if (vllm->dram > 0) {
        touch(vllm, request);
        store(vllm, request, run > hbm ? run : 0);
    }
    slow_hbm_serve(&vllm->hbm, request, hbm);
    return (struct slow_hits){ hbm, run - hbm };
}

static void vllm_close(struct slow_engine *engine)
{
    free(engine);
}

struct slow_engine *slow_vllm_open(enum slow_order order, uint32_t hbm, uint32_t dram,
                                   bool has_one_copy)
{
    struct slow_vllm *vllm = calloc(1, sizeof *vllm);
    if (vllm == NULL || (order != SLOW_LRU && order != SLOW_ARC))
        ck_abort_msg("no such vLLM");
    vllm->door = (struct slow_engine){ vllm_request, vllm_close };
    vllm->dram = dram;
    vllm->is_arc = order == SLOW_ARC;
    slow_hbm_init(&vllm->hbm, hbm, has_one_copy);
    return &vllm->door;
}
