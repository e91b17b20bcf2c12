/* tests/sim/replay/test_replay.c - the replay's hits, policy by policy, equal those of caches that
 * are slow and plain; and what must hold of any replay. */
#include "sim/replay/replay.h"
#include "tests/sim/replay/chains.h"
#include "tests/sim/replay/slow_cache.h"
#include "tests/support.h"

#include <inttypes.h>
#include <string.h>

enum { REQUESTS = 3000, BLOCK_TOKENS = 16 };

static void compare(const struct policy *policy, uint32_t capacity, uint64_t seed)
{
    struct replay_config config = { .policy = policy,
                                    .blocks = { [TIER_DRAM] = capacity },
                                    .block_tokens = BLOCK_TOKENS,
                                    .recompute_base_ns = 100.0,
                                    .recompute_slope_ns = 1.0 };
    struct replay *replay = replay_new(&config);
    static struct slow_cache slow;
    struct random random = random_from(seed, 3);
    uint64_t hits = 0, keys[CHAIN_MOST];
    slow = (struct slow_cache){
        .policy = policy->name, .capacity = capacity, .base_ns = 100.0, .slope_ns = 1.0
    };
    for (uint32_t r = 0; r < REQUESTS; r++) {
        uint32_t count = draw_chain(&random, keys), run = 0;
        while (run < count && slow_holds(&slow, keys[run]))
            run++;
        hits += run;
        for (uint32_t i = 0; i < count; i++) {
            slow.last = i + 1 == count;
            slow_touch(&slow, keys[i], i);
        }
        replay_request(replay, keys, count, count * BLOCK_TOKENS);
        if (r % 100 == 99 && replay_finish(replay).all_hits != hits)
            ck_abort_msg("%s, %u blocks, seed %" PRIu64 ", request %u: %" PRIu64
                         " hits, the slow cache %" PRIu64,
                         policy->name, capacity, seed, r, replay_finish(replay).all_hits, hits);
    }
    ck_assert_uint_gt(hits, 0);
    replay_free(replay);
}

START_TEST(every_policy_hits_as_its_slow_reference)
{
    static const uint32_t capacities[] = { 1, 2, 5, 10, 20, 37, 64, 100 };
    for (int i = 0; policy_at(i) != NULL; i++)
        for (int c = 0; policy_at(i)->saves && c < 8; c++)
            compare(policy_at(i), capacities[c], test_seed() + (uint64_t)c);
}
END_TEST

static struct replay_result run(const struct replay_config *config, uint64_t seed)
{
    struct replay *replay = replay_new(config);
    struct random random = random_from(seed, 4);
    uint64_t keys[CHAIN_MOST];
    for (uint32_t r = 0; r < REQUESTS; r++) {
        uint32_t count = draw_chain(&random, keys);
        replay_request(replay, keys, count, count * BLOCK_TOKENS);
    }
    struct replay_result result = replay_finish(replay);
    replay_free(replay);
    return result;
}

START_TEST(blocks_in_a_tier_are_those_written_less_those_evicted)
{
    for (int i = 0; policy_at(i) != NULL; i++) {
        if (!policy_at(i)->saves)
            continue;
        for (int leaf_only = 0; leaf_only < 2; leaf_only++) {
            struct replay_config config = { .policy = policy_at(i),
                                            .blocks = { [TIER_DRAM] = 20, [TIER_SSD] = 60 },
                                            .inclusive = true,
                                            .leaf_only = leaf_only != 0 };
            struct replay_result result = run(&config, test_seed());
            for (int tier = TIER_DRAM; tier <= TIER_SSD; tier++)
                ck_assert_uint_eq(result.written[tier] - result.evicted[tier], config.blocks[tier]);
            ck_assert_uint_eq(result.all_hits, result.hits[TIER_DRAM] + result.hits[TIER_SSD]);
            ck_assert_uint_gt(result.hits[TIER_SSD], 0);
        }
    }
}
END_TEST

/* Two exclusive LRU tiers are one LRU of both sizes: what the first gives up is the second's
 * newest. */
START_TEST(exclusive_lru_tiers_hit_as_one_of_both_sizes)
{
    struct replay_config two = { .policy = &policy_lru,
                                 .blocks = { [TIER_DRAM] = 20, [TIER_SSD] = 44 } };
    struct replay_config one = { .policy = &policy_lru, .blocks = { [TIER_DRAM] = 64 } };
    ck_assert_uint_eq(run(&two, 5).all_hits, run(&one, 5).all_hits);
}
END_TEST

START_TEST(an_unlimited_cache_hits_alike_under_every_policy)
{
    struct replay_config config = { .policy = &policy_lru, .blocks = { [TIER_DRAM] = UINT64_MAX } };
    uint64_t hits = run(&config, 6).all_hits;
    for (int i = 0; policy_at(i) != NULL; i++) {
        config.policy = policy_at(i);
        if (config.policy->saves)
            ck_assert_uint_eq(run(&config, 6).all_hits, hits);
    }
}
END_TEST

START_TEST(the_time_saved_is_that_of_the_leading_blocks)
{
    const uint64_t keys[] = { 1, 2, 3 };
    struct replay_config config = { .policy = &policy_lru,
                                    .blocks = { [TIER_DRAM] = 10 },
                                    .block_tokens = 100,
                                    .recompute_base_ns = 10.0,
                                    .recompute_slope_ns = 0.1 };
    struct replay *replay = replay_new(&config);
    replay_request(replay, keys, 2, 200);
    replay_request(replay, keys, 3, 250);
    struct replay_result result = replay_finish(replay);
    ck_assert_double_eq(result.saved_ns, 200 * 10.0 + 0.1 * 200 * 200 / 2);
    ck_assert_double_eq(result.whole_ns, result.saved_ns + 300 * 10.0 + 0.1 * 300 * 300 / 2);
    replay_free(replay);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay");
    TCase *tests = tcase_create("replay");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, every_policy_hits_as_its_slow_reference);
    tcase_add_test(tests, blocks_in_a_tier_are_those_written_less_those_evicted);
    tcase_add_test(tests, exclusive_lru_tiers_hit_as_one_of_both_sizes);
    tcase_add_test(tests, an_unlimited_cache_hits_alike_under_every_policy);
    tcase_add_test(tests, the_time_saved_is_that_of_the_leading_blocks);
    return test_main(suite);
}
