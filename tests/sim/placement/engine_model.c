/* tests/sim/placement/engine_model.c - see engine_model.h. */
#include "tests/sim/placement/engine_model.h"

#include "tests/support.h"

static int find(const struct model_list *list, uint64_t key)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->at[i].key == key)
            return (int)i;
    return -1;
}

static struct model_entry take(struct model_list *list, int index)
{
    struct model_entry entry = list->at[index];
    list->count--;
    for (uint32_t i = (uint32_t)index; i < list->count; i++)
        list->at[i] = list->at[i + 1];
    return entry;
}

static void push(struct model_list *list, struct model_entry entry)
{
    if (list->count >= MODEL_MOST)
        ck_abort_msg("the model is too small");
    list->at[list->count++] = entry;
}

static bool is_of(const uint64_t *keys, uint32_t count, uint64_t key)
{
    for (uint32_t i = 0; i < count; i++)
        if (keys[i] == key)
            return true;
    return false;
}

/* ---- the store ---- */

static bool stores(const struct engine_model *model, uint64_t key)
{
    return find(&model->store, key) >= 0;
}

static void to_end(struct engine_model *model, uint64_t key)
{
    int at = find(&model->store, key);
    if (at >= 0)
        push(&model->store, take(&model->store, at));
}

/* Whose leases end together go in the order of their touches; the engine leaves it open. */
static void touch_lease(struct engine_model *model, uint64_t key)
{
    int at = find(&model->store, key);
    if (at < 0)
        return;
    to_end(model, key);
    model->store.at[model->store.count - 1].lease = model->now + model->lease;
}

/* The look-up: whom it touches, from the last to the first. */
static void look_up(struct engine_model *model, const uint64_t *keys, uint32_t count,
                    uint32_t hbm_hits)
{
    uint32_t served = hbm_hits;
    while (served < count && stores(model, keys[served]))
        served++;
    for (uint32_t i = count; i-- > 0;) {
        if (model->kind == STORE_MOONCAKE)
            touch_lease(model, keys[i]);
        else if (model->kind == STORE_TRTLLM || (i >= hbm_hits && i < served))
            to_end(model, keys[i]);
    }
}

static bool evict(struct engine_model *model, const uint64_t *keys, uint32_t count)
{
    const struct model_list *store = &model->store;
    int best = -1;
    for (int i = 0; i < (int)store->count; i++) {
        if (is_of(keys, count, store->at[i].key))
            continue; /* in use */
        if (model->kind == STORE_MOONCAKE && store->at[i].lease > model->now)
            continue;
        if (best < 0 ||
            (model->kind == STORE_MOONCAKE && store->at[i].lease < store->at[best].lease))
            best = i;
    }
    if (best >= 0)
        take(&model->store, best);
    return best >= 0;
}

/* What the store lacks comes in. TensorRT-LLM's blocks are used until the request ends. */
static void store(struct engine_model *model, const uint64_t *keys, uint32_t count)
{
    uint32_t missing = 0;
    for (uint32_t i = 0; i < count; i++)
        missing += !stores(model, keys[i]);
    while (model->store.count + missing > model->store_blocks)
        if (!evict(model, keys, count))
            return;
    for (uint32_t i = count; i-- > 0;)
        if (!stores(model, keys[i]))
            push(&model->store, (struct model_entry){ .key = keys[i], .lease = model->now });
    for (uint32_t i = count; i-- > 0 && model->kind == STORE_TRTLLM;)
        to_end(model, keys[i]);
}

/* ---- requests ---- */

static uint32_t look_in_store(const struct engine_model *model, const uint64_t *keys,
                              uint32_t count, uint32_t hbm_hits)
{
    uint32_t run = hbm_hits;
    while (run < count && stores(model, keys[run]))
        run++;
    return run - hbm_hits;
}

struct model_hits model_request(struct engine_model *model, const uint64_t *keys, uint32_t count)
{
    struct model_hits hits = { 0 };
    while (hits.hbm < count && find(&model->free, keys[hits.hbm]) >= 0)
        hits.hbm++;
    hits.store = look_in_store(model, keys, count, hits.hbm);
    for (uint32_t i = 0; i < hits.hbm; i++)
        push(&model->busy, take(&model->free, find(&model->free, keys[i])));
    while (model->free.count + count > model->hbm_blocks)
        take(&model->free, 0);
    look_up(model, keys, count, hits.hbm);
    if (model->kind != STORE_NONE)
        store(model, keys, count);
    model->busy.count = 0;
    for (uint32_t i = count; i-- > 0;) {
        int at = find(&model->free, keys[i]); /* computed again: one copy is enough */
        if (at >= 0)
            take(&model->free, at);
        push(&model->free, (struct model_entry){ .key = keys[i] });
    }
    return hits;
}
