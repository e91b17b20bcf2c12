/* tests/sim/placement/test_engines.c - the core under a preset's policy hits, request by request,
 * what a slow model of that engine hits: HBM and DRAM, written through, one request after the
 * other. */
#include "base/random.h"
#include "sim/placement/placement.h"
#include "tests/sim/placement/engine_model.h"
#include "tests/support.h"

#include <inttypes.h>
#include <string.h>

enum { BLOCK = 16, CHAIN_MOST = 12, REQUESTS = 4000, LEASE = 405, STEP_NS = 10 };

static void end_all(struct placement *core, uint64_t now)
{
    struct action action;
    while (placement_take(core, &action, 1) > 0)
        if (action.id != 0)
            placement_transfer_ended(core, now, action.id);
}

/* From asking to the end, with nothing beside it. */
static struct model_hits serve(struct placement *core, uint64_t now, const uint64_t *keys,
                               uint32_t count)
{
    struct placement_hits hits;
    uint32_t tokens = count * BLOCK;
    uint32_t job = placement_queue(core, now, keys, count, tokens, count);
    ck_assert_int_eq(placement_prepare(core, now, job, 0, tokens, TIER_SSD, &hits), PREPARE_DONE);
    end_all(core, now);
    placement_save(core, now, job, tokens);
    end_all(core, now);
    placement_finish(core, now, job);
    end_all(core, now);
    return (struct model_hits){ hits.tokens[TIER_HBM] / BLOCK, hits.tokens[TIER_DRAM] / BLOCK };
}

/* Chains of a tree of prefixes, some asked much more often than others. */
static uint32_t draw_request(struct random *random, uint64_t keys[CHAIN_MOST])
{
    uint32_t count = 1 + (uint32_t)random_below(random, CHAIN_MOST);
    uint64_t path = 1;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t branch = random_below(random, 4) < 3 ? 0 : random_below(random, 3);
        path = path * 3 + branch;
        keys[i] = path;
    }
    return count;
}

static struct placement *core_of(const char *policy, uint32_t hbm, uint32_t dram, bool leaf_only)
{
    struct placement_config config = {
        .policy = policy_find(policy),
        .unit_tokens = BLOCK,
        .bytes_per_token = 1,
        .capacity_bytes = { [TIER_HBM] = hbm * BLOCK, [TIER_DRAM] = dram * BLOCK },
        .hbm_cache_bytes = hbm * BLOCK,
        .keys = { .write = { [TIER_SSD] = WRITE_BACK, [TIER_REMOTE] = WRITE_BACK },
                  .inclusive = { [TIER_DRAM] = true, [TIER_SSD] = true },
                  .fetches_in_flight = 1,
                  .lease_ns = LEASE,
                  .leaf_only = leaf_only },
    };
    return placement_new(&config);
}

static void compare(const char *policy, enum store_kind kind, bool leaf_only, uint32_t hbm,
                    uint32_t dram, uint64_t seed)
{
    static struct engine_model model;
    model = (struct engine_model){
        .kind = kind, .hbm_blocks = hbm, .store_blocks = dram, .lease = LEASE
    };
    struct placement *core = core_of(policy, hbm, dram, leaf_only);
    struct random random = random_from(seed, 5);
    uint64_t keys[CHAIN_MOST], all = 0;
    for (uint32_t r = 0; r < REQUESTS; r++) {
        uint32_t count = draw_request(&random, keys);
        model.now += STEP_NS;
        struct model_hits slow = model_request(&model, keys, count);
        struct model_hits fast = serve(core, model.now, keys, count);
        all += slow.store;
        if (slow.hbm != fast.hbm || slow.store != fast.store)
            ck_abort_msg("%s, %u + %u blocks, seed %" PRIu64
                         ", request %u: %u + %u hits, the model "
                         "%u + %u",
                         policy, hbm, dram, seed, r, fast.hbm, fast.store, slow.hbm, slow.store);
    }
    ck_assert_msg(all > 100 || kind == STORE_NONE, "%s: the store was hardly asked", policy);
    placement_free(core);
}

static void compare_sizes(const char *policy, enum store_kind kind, bool leaf_only)
{
    static const uint32_t sizes[][2] = { { 12, 24 }, { 20, 40 }, { 16, 100 }, { 40, 60 } };
    for (int i = 0; i < 4; i++)
        compare(policy, kind, leaf_only, sizes[i][0], kind != STORE_NONE ? sizes[i][1] : 0,
                test_seed() + (uint64_t)i);
}

START_TEST(vllm_s_prefix_cache)
{
    compare_sizes("lru", STORE_NONE, false);
}
END_TEST

/* A request's blocks are used together, deepest first: so the least recently used block is always a
 * leaf, and a tree that gives up leaves only is no other cache. */
START_TEST(trtllm_s_tree_without_a_retention_config)
{
    compare_sizes("priority-lru", STORE_NONE, true);
    compare_sizes("priority-lru", STORE_TRTLLM, true);
}
END_TEST

START_TEST(kvbm_s_pools)
{
    compare_sizes("served-lru", STORE_KVBM, false);
}
END_TEST

START_TEST(mooncake_s_leases)
{
    compare_sizes("lease-lru", STORE_MOONCAKE, false);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_engines");
    TCase *tests = tcase_create("engines");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, vllm_s_prefix_cache);
    tcase_add_test(tests, trtllm_s_tree_without_a_retention_config);
    tcase_add_test(tests, kvbm_s_pools);
    tcase_add_test(tests, mooncake_s_leases);
    return test_main(suite);
}
