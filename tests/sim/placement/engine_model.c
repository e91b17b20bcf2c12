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
    return find(&model->t1, key) >= 0 || find(&model->t2, key) >= 0;
}

static void ghost_hit(struct engine_model *model, struct model_list *ghosts,
                      const struct model_list *others, int at, double sign)
{
    double step = (double)others->count / (double)ghosts->count, most = model->store_blocks;
    model->target += sign * (step > 1.0 ? step : 1.0);
    model->target = model->target < 0.0 ? 0.0 : model->target > most ? most : model->target;
    push(ghosts, take(ghosts, at));
}

static void touch_arc(struct engine_model *model, uint64_t key)
{
    int t1 = find(&model->t1, key), t2 = find(&model->t2, key);
    int b1 = find(&model->b1, key), b2 = find(&model->b2, key);
    if (t1 >= 0)
        push(&model->t2, take(&model->t1, t1));
    else if (t2 >= 0)
        push(&model->t2, take(&model->t2, t2));
    else if (b1 >= 0)
        ghost_hit(model, &model->b1, &model->b2, b1, 1.0);
    else if (b2 >= 0)
        ghost_hit(model, &model->b2, &model->b1, b2, -1.0);
}

static void to_end(struct engine_model *model, uint64_t key)
{
    int at = find(&model->t1, key);
    if (at >= 0)
        push(&model->t1, take(&model->t1, at));
}

/* Whose leases end together go in the order of their touches; the engine leaves it open. */
static void touch_lease(struct engine_model *model, uint64_t key)
{
    int at = find(&model->t1, key);
    if (at < 0)
        return;
    to_end(model, key);
    model->t1.at[model->t1.count - 1].lease = model->now + model->lease;
}

static void touch_lfu(struct engine_model *model, uint64_t key)
{
    struct model_entry entry = take(&model->t1, find(&model->t1, key));
    entry.uses++;
    push(&model->t1, entry); /* within a count, by when it was reached */
}

/* The look-up: whom it touches, from the last to the first. */
static void look_up(struct engine_model *model, const uint64_t *keys, uint32_t count,
                    uint32_t hbm_hits)
{
    uint32_t run = 0;
    while (run < count && stores(model, keys[run]))
        run++;
    uint32_t served = hbm_hits;
    while (served < count && stores(model, keys[served]))
        served++;
    for (uint32_t i = count; i-- > 0;) {
        switch (model->kind) {
        case STORE_LRU:
            to_end(model, keys[i]);
            break;
        case STORE_ARC:
            touch_arc(model, keys[i]);
            break;
        case STORE_LMC_LRU:
        case STORE_LMC_MRU:
            if (i < run)
                to_end(model, keys[i]);
            break;
        case STORE_LMC_LFU:
            if (i < run)
                touch_lfu(model, keys[i]);
            break;
        case STORE_KVBM:
            if (i >= hbm_hits && i < served)
                to_end(model, keys[i]);
            break;
        case STORE_MOONCAKE:
            touch_lease(model, keys[i]);
            break;
        default:
            break;
        }
    }
}

static int victim(const struct engine_model *model, const struct model_list *list,
                  const uint64_t *keys, uint32_t count)
{
    int best = -1;
    for (int i = 0; i < (int)list->count; i++) {
        const struct model_entry *entry = &list->at[i];
        if (is_of(keys, count, entry->key))
            continue; /* in use */
        if (model->kind == STORE_MOONCAKE && entry->lease > model->now)
            continue;
        bool better = best < 0 || model->kind == STORE_LMC_MRU ||
                      (model->kind == STORE_LMC_LFU && entry->uses < list->at[best].uses) ||
                      (model->kind == STORE_MOONCAKE && entry->lease < list->at[best].lease);
        best = better ? i : best;
    }
    return best;
}

static bool evict(struct engine_model *model, const uint64_t *keys, uint32_t count)
{
    struct model_list *list = &model->t1, *ghosts = NULL;
    int at = -1;
    if (model->kind != STORE_ARC || model->t1.count >= (uint32_t)model->target)
        at = victim(model, &model->t1, keys, count);
    if (model->kind == STORE_ARC) {
        ghosts = &model->b1;
        if (at < 0) {
            list = &model->t2;
            ghosts = &model->b2;
            at = victim(model, &model->t2, keys, count);
        }
    }
    if (at < 0)
        return false;
    struct model_entry gone = take(list, at);
    if (ghosts != NULL) {
        push(ghosts, gone);
        if (ghosts->count > model->store_blocks)
            take(ghosts, 0);
    }
    return true;
}

static void insert(struct engine_model *model, uint64_t key)
{
    int ghost = find(&model->b1, key);
    if (ghost >= 0)
        take(&model->b1, ghost);
    ghost = find(&model->b2, key);
    if (ghost >= 0)
        take(&model->b2, ghost);
    push(&model->t1, (struct model_entry){ .key = key, .uses = 1, .lease = model->now });
}

/* What the store lacks comes in, from the first to the last; some engines touch the request's
 * blocks again, at this and at its later stores. */
static void store(struct engine_model *model, const uint64_t *keys, uint32_t count)
{
    uint32_t missing = 0;
    for (uint32_t i = 0; i < count; i++)
        missing += !stores(model, keys[i]);
    while (model->t1.count + model->t2.count + missing > model->store_blocks)
        if (!evict(model, keys, count))
            return;
    bool tail_first = model->kind == STORE_KVBM || model->kind == STORE_MOONCAKE;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t key = keys[tail_first ? count - 1 - i : i];
        if (!stores(model, key))
            insert(model, key);
    }
    for (int again = 0; again < 2; again++)
        for (uint32_t i = count; i-- > 0;)
            if (model->kind == STORE_LRU)
                to_end(model, keys[i]);
            else if (model->kind == STORE_ARC && (again == 1 || find(&model->t2, keys[i]) >= 0))
                touch_arc(model, keys[i]);
            else if (model->kind == STORE_ARC)
                to_end(model, keys[i]); /* not ready yet: stays in T1 */
}

/* ---- requests ---- */

static uint32_t look_in_store(const struct engine_model *model, const uint64_t *keys,
                              uint32_t count, uint32_t hbm_hits)
{
    bool lmcache = model->kind >= STORE_LMC_LRU && model->kind <= STORE_LMC_MRU;
    uint32_t run = lmcache ? 0 : hbm_hits; /* LMCache counts from the context's beginning */
    while (run < count && stores(model, keys[run]))
        run++;
    return run > hbm_hits ? run - hbm_hits : 0;
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
