/* tests/sim/test_sim_real.c - a published trace through engine and tiers. */
#include "sim/sim.h"
#include "tests/support.h"

#include <stdio.h>

enum { REQUESTS = 12031, BLOCKS = 288500, UNBOUNDED_HITS = 105710 }; /* reference values */

static struct metrics run_policy(const char *policy)
{
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    struct experiment experiment;
    struct sim_result result;
    char trace[512];
    snprintf(trace, sizeof trace, "trace=%s", test_data("traces/mooncake_conversation.jsonl"));
    ck_assert_int_eq(config_tree_parse("model: llama-3-8b\nhardware: h100\ngpus: 4\n"
                                       "warmup_turns: 0\nplacement.ttl: 0\n"
                                       "engine: {version: none, batch: 64, context_window: 131072}\n"
                                       "tiers.dram.capacity: 30TB\n",
                                       "test", &tree, &err),
                     STATUS_OK);
    ck_assert_int_eq(config_tree_set(tree, trace, &err), STATUS_OK);
    ck_assert_int_eq(experiment_from_tree(tree, NULL, &experiment, &err), STATUS_OK);
    config_tree_free(tree);
    snprintf(experiment.policy, sizeof experiment.policy, "%s", policy);
    ck_assert_int_eq(sim_run(&experiment, NULL, &result, &err), STATUS_OK);
    ck_assert(result.open_loop);
    struct metrics metrics = result.metrics;
    sim_result_free(&result);
    return metrics;
}

/* Nothing is given up, so blocks found are at most those of the unbounded prefix cache; what is missing
 * was asked for again before its first request had computed and saved it. */
START_TEST(with_room_for_all_the_blocks_found_are_the_unbounded_caches)
{
    struct metrics metrics = run_policy("lru");
    double found = metrics.hit_rate_blocks * BLOCKS;
    ck_assert_double_eq(metrics.turns, REQUESTS);
    ck_assert_double_le(found, UNBOUNDED_HITS + 0.5);
    ck_assert_double_gt(found, 0.97 * UNBOUNDED_HITS);
}
END_TEST

START_TEST(without_storing_nothing_is_found_and_ttft_is_longer)
{
    struct metrics none = run_policy("none"), lru = run_policy("lru");
    ck_assert_double_eq(none.hit_rate_blocks, 0.0);
    ck_assert_double_gt(none.ttft_mean_ns, lru.ttft_mean_ns);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("sim_real");
    TCase *tcase = tcase_create("mooncake");
    tcase_set_timeout(tcase, 100);
    tcase_add_test(tcase, with_room_for_all_the_blocks_found_are_the_unbounded_caches);
    tcase_add_test(tcase, without_storing_nothing_is_found_and_ttft_is_longer);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_data("traces/mooncake_conversation.jsonl") != NULL ? test_main(suite())
                                                                   : TEST_SKIPPED;
}
