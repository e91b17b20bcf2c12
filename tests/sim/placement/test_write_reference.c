/* tests/sim/placement/test_write_reference.c - hits by tier in every mode of writing HBM's KV to
 * DRAM, against lists of keys: turns one after the other, each transfer ended before anything else
 * happens, blocks under LRU, HBM that is all cache. */
#include "base/random.h"
#include "sim/placement/placement.h"
#include "tests/support.h"

#include <string.h>

enum { BLOCK = 16, CHAIN = 5, LEAVES = 32, HBM = 14, DRAM = 18, KEYS = 128, TURNS = 3000 };
enum mode { THROUGH, SELECTIVE, BACK, AHEAD, FILTERED, EXCLUSIVE, MODES };

/* ---- the core, one turn at a time ---- */

static void end_transfers(struct placement *core, uint64_t *now_ns)
{
    struct action action;
    while (placement_take(core, &action, 1) > 0)
        if (action.id != 0)
            placement_transfer_ended(core, ++*now_ns, action.id);
}

static struct placement_hits turn(struct placement *core, uint64_t *now_ns, const uint64_t *keys,
                                  uint32_t count)
{
    struct placement_hits hits;
    uint32_t job = placement_queue(core, ++*now_ns, keys, count, count * BLOCK, count);
    while (placement_prepare(core, ++*now_ns, job, 0, count * BLOCK, TIER_SSD, &hits) !=
           PREPARE_DONE)
        end_transfers(core, now_ns);
    end_transfers(core, now_ns);
    placement_save(core, ++*now_ns, job, count * BLOCK);
    end_transfers(core, now_ns);
    placement_finish(core, ++*now_ns, job);
    end_transfers(core, now_ns);
    return hits;
}

/* ---- the lists ---- */

/* Keys in the order in which they go. */
struct list {
    uint64_t key[KEYS];
    int count;
};

struct lists {
    enum mode mode;
    struct list hbm, clean, dram; /* clean: of HBM, gone first */
    uint32_t uses[KEYS];
    const uint64_t *chain; /* of the turn that runs: stays... */
    uint32_t chain_count;  /* ...and while room is made for it, what it hits */
};

static bool has(const struct list *list, uint64_t key)
{
    for (int i = 0; i < list->count; i++)
        if (list->key[i] == key)
            return true;
    return false;
}

static bool take_out(struct list *list, uint64_t key)
{
    for (int i = 0; i < list->count; i++)
        if (list->key[i] == key) {
            memmove(&list->key[i], &list->key[i + 1],
                    (size_t)(list->count - i - 1) * sizeof list->key[0]);
            list->count--;
            return true;
        }
    return false;
}

static void put_last(struct list *list, uint64_t key)
{
    take_out(list, key);
    list->key[list->count++] = key;
}

static bool in_use(const struct lists *lists, uint64_t key)
{
    for (uint32_t i = 0; i < lists->chain_count; i++)
        if (lists->chain[i] == key)
            return true;
    return false;
}

/* The first that may go; 0: none. */
static uint64_t next_to_go(const struct lists *lists, const struct list *list, uint64_t but)
{
    for (int i = 0; i < list->count; i++)
        if (!in_use(lists, list->key[i]) && list->key[i] != but)
            return list->key[i];
    return 0;
}

static bool dram_room(struct lists *lists, int blocks, uint64_t but)
{
    uint64_t key;
    while (DRAM - lists->dram.count < blocks && (key = next_to_go(lists, &lists->dram, but)) != 0)
        take_out(&lists->dram, key);
    return DRAM - lists->dram.count >= blocks;
}

static int hbm_used(const struct lists *lists)
{
    return lists->hbm.count + lists->clean.count;
}

/* Written when they go: to DRAM in the order in which they went, and gone then. */
static void evict_back(struct lists *lists, int blocks)
{
    struct list written = { 0 };
    while (HBM - hbm_used(lists) + written.count < blocks) {
        uint64_t key = 0;
        for (int i = 0; i < lists->hbm.count && key == 0; i++)
            if (!in_use(lists, lists->hbm.key[i]) && !has(&written, lists->hbm.key[i]))
                key = lists->hbm.key[i];
        if (has(&lists->dram, key) || !dram_room(lists, written.count + 1, key))
            take_out(&lists->hbm, key);
        else
            put_last(&written, key);
    }
    for (int i = 0; i < written.count; i++) {
        put_last(&lists->dram, written.key[i]);
        take_out(&lists->hbm, written.key[i]);
    }
}

static void evict(struct lists *lists, int blocks)
{
    if (lists->mode == BACK || lists->mode == EXCLUSIVE) {
        evict_back(lists, blocks);
        return;
    }
    while (HBM - hbm_used(lists) < blocks) {
        if (lists->clean.count > 0)
            take_out(&lists->clean, lists->clean.key[0]);
        else
            take_out(&lists->hbm, next_to_go(lists, &lists->hbm, 0));
    }
}

/* `more` blocks of HBM are the running turn's, in no list yet. */
static void write_ahead(struct lists *lists, int more)
{
    const int ahead = 4;
    struct list written = { 0 };
    if (lists->mode != AHEAD)
        return;
    while (HBM - hbm_used(lists) - more + lists->clean.count < ahead) {
        uint64_t key = next_to_go(lists, &lists->hbm, 0);
        if (key == 0)
            break;
        if (!has(&lists->dram, key)) {
            if (!dram_room(lists, 1, key))
                break;
            put_last(&lists->dram, key); /* it is not looked for before its copy has ended */
            put_last(&written, key);
        }
        take_out(&lists->hbm, key);
        put_last(&lists->clean, key);
    }
    /* Behind those that DRAM had already. */
    for (int i = 0; i < written.count; i++)
        put_last(&lists->clean, written.key[i]);
}

static void use(struct lists *lists)
{
    for (uint32_t i = lists->chain_count; i-- > 0;) {
        if (has(&lists->hbm, lists->chain[i]))
            put_last(&lists->hbm, lists->chain[i]);
        if (has(&lists->dram, lists->chain[i]))
            put_last(&lists->dram, lists->chain[i]);
    }
}

static void save(struct lists *lists)
{
    uint32_t least = lists->mode == SELECTIVE || lists->mode == FILTERED ? 2 : 1;
    struct list missing = { 0 };
    if (lists->mode == BACK || lists->mode == AHEAD || lists->mode == EXCLUSIVE)
        return;
    for (uint32_t i = lists->chain_count; i-- > 0;)
        if (!has(&lists->dram, lists->chain[i]) && lists->uses[lists->chain[i]] >= least)
            put_last(&missing, lists->chain[i]);
    if (!dram_room(lists, missing.count, 0))
        return;
    for (int i = 0; i < missing.count; i++)
        put_last(&lists->dram, missing.key[i]);
}

static void forget_uses(struct lists *lists)
{
    for (uint64_t key = 1; key < KEYS && lists->mode != FILTERED; key++)
        if (!has(&lists->hbm, key) && !has(&lists->clean, key) && !has(&lists->dram, key) &&
            !in_use(lists, key))
            lists->uses[key] = 0;
}

static void look_up(const struct lists *lists, int *hbm, int *dram)
{
    *hbm = *dram = 0;
    for (uint32_t i = 0; i < lists->chain_count; i++) {
        uint64_t key = lists->chain[i];
        if (has(&lists->hbm, key) || has(&lists->clean, key))
            ++*hbm;
        else if (has(&lists->dram, key))
            ++*dram;
        else
            break;
    }
}

/* The first `count` blocks of the chain stay from now on. */
static void pin(struct lists *lists, uint32_t count)
{
    lists->chain_count = count;
    for (uint32_t i = 0; i < count; i++)
        if (take_out(&lists->clean, lists->chain[i]))
            put_last(&lists->hbm, lists->chain[i]);
}

static void slow_turn(struct lists *lists, const uint64_t *keys, uint32_t count, int *hbm,
                      int *dram)
{
    lists->chain = keys;
    lists->chain_count = count;
    look_up(lists, hbm, dram);
    int own = (int)count - *hbm;
    pin(lists, (uint32_t)(*hbm + *dram));
    evict(lists, own);
    pin(lists, count);
    forget_uses(lists);
    for (uint32_t i = 0; i < count; i++)
        lists->uses[keys[i]]++;
    use(lists);
    write_ahead(lists, own);
    for (uint32_t i = count; i-- > 0;)
        if (!has(&lists->hbm, keys[i]))
            put_last(&lists->hbm, keys[i]);
    save(lists);
    use(lists);
    lists->chain_count = 0;
    for (uint32_t i = 0; i < count && lists->mode == EXCLUSIVE; i++)
        take_out(&lists->dram, keys[i]);
    write_ahead(lists, 0);
    forget_uses(lists);
}

/* ---- together ---- */

static struct placement_config config_of(enum mode mode)
{
    uint64_t block = BLOCK;
    struct placement_config config = {
        .policy = policy_find("lru"),
        .unit_tokens = BLOCK,
        .bytes_per_token = 1,
        .capacity_bytes = { HBM * block, DRAM * block, 0 },
        .hbm_cache_bytes = HBM * block,
        .keys = { .write = { [TIER_SSD] = WRITE_BACK, [TIER_REMOTE] = WRITE_BACK },
                  .inclusive = { [TIER_DRAM] = true, [TIER_SSD] = true },
                  .fetches_in_flight = 1,
                  .count_units = KEYS }
    };
    if (mode == BACK || mode == EXCLUSIVE)
        config.keys.write[TIER_DRAM] = WRITE_BACK;
    if (mode == AHEAD)
        config.keys.write[TIER_DRAM] = WRITE_LAZY;
    config.keys.write_ahead_tokens = 4 * BLOCK;
    if (mode == SELECTIVE)
        config.keys.write[TIER_DRAM] = WRITE_SELECTIVE;
    config.keys.inclusive[TIER_DRAM] = mode != EXCLUSIVE;
    config.keys.write_uses[TIER_DRAM] = 2;
    config.keys.admit_uses[TIER_DRAM] = mode == FILTERED ? 2 : 1;
    return config;
}

/* A path in a tree: a block's key says which one is before it. */
static uint32_t make_chain(struct random *random, uint64_t keys[CHAIN])
{
    static const uint32_t first[CHAIN] = { 1, 5, 13, 29, 61 };
    static const uint32_t shift[CHAIN] = { 3, 2, 1, 0, 0 };
    uint32_t leaf = (uint32_t)random_below(random, LEAVES);
    leaf = random_below(random, 2) == 0 ? leaf % 6 : leaf;
    uint32_t count = 1 + (uint32_t)random_below(random, CHAIN);
    for (uint32_t i = 0; i < count; i++)
        keys[i] = first[i] + (leaf >> shift[i]);
    return count;
}

START_TEST(hits_are_those_of_lists)
{
    enum mode mode = (enum mode)_i;
    struct placement_config config = config_of(mode);
    struct placement *core = placement_new(&config);
    struct lists lists = { .mode = mode };
    struct random random = random_from(test_seed(), (uint64_t)mode);
    uint64_t now_ns = 0, keys[CHAIN], from_dram = 0;
    for (int i = 0; i < TURNS; i++) {
        uint32_t count = make_chain(&random, keys);
        int hbm, dram;
        struct placement_hits hits = turn(core, &now_ns, keys, count);
        slow_turn(&lists, keys, count, &hbm, &dram);
        if ((int)hits.tokens[TIER_HBM] != hbm * BLOCK ||
            (int)hits.tokens[TIER_DRAM] != dram * BLOCK)
            ck_abort_msg("mode %d, turn %d: HBM %u and %d, DRAM %u and %d", mode, i,
                         hits.tokens[TIER_HBM] / BLOCK, hbm, hits.tokens[TIER_DRAM] / BLOCK, dram);
        from_dram += hits.tokens[TIER_DRAM];
    }
    ck_assert_uint_gt(from_dram, 0);
    placement_free(core);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_write_reference");
    TCase *tests = tcase_create("modes");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, hits_are_those_of_lists, 0, MODES);
    return test_main(suite);
}
