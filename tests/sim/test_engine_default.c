/* tests/sim/test_engine_default.c - which engine an experiment gets that names none: the paper's on
 * the paper's server and on those that reprise's own runtime was measured on, a current one
 * elsewhere. */
#include "models/versions.h"
#include "tests/sim/runs.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct experiment on(const char *hardware, const char *setting)
{
    char server[CONFIG_TEXT_BYTES];
    snprintf(server, sizeof server, "hardware=%s", hardware);
    const char *settings[] = { server, setting, NULL };
    return experiment_of("{}", settings);
}

static void is_the_papers(struct experiment experiment)
{
    ck_assert_str_eq(experiment.version, ENGINE_VERSION_NONE);
    ck_assert_ptr_null(experiment_engine(&experiment));
    ck_assert_uint_eq(experiment.batch, 24);
    ck_assert_int_eq(experiment.scheduling, SCHEDULE_PREFILL_FIRST);
    ck_assert_int_eq(experiment.allocation, ALLOCATE_RESERVE);
    ck_assert_uint_eq(experiment.hbm_cache_bytes, 0);
}

START_TEST(a_server_of_today_runs_a_current_engine)
{
    struct experiment experiment = on("h100", NULL);
    ck_assert_str_eq(experiment_engine(&experiment), ENGINE_VERSION_CURRENT);
    ck_assert_uint_eq(experiment.batch, 1024); /* vllm/engine/arg_utils.py, on this GPU */
    ck_assert_uint_eq(experiment.chunk_tokens, 8192);
    ck_assert_int_eq(experiment.scheduling, SCHEDULE_CHUNKED);
    ck_assert_int_eq(experiment.allocation, ALLOCATE_GROW);
    ck_assert(experiment.overlap_schedule);
    experiment = on("l4", NULL); /* its limits there */
    ck_assert_str_eq(experiment_engine(&experiment), ENGINE_VERSION_CURRENT);
    ck_assert_uint_eq(experiment.batch, 256);
}
END_TEST

START_TEST(the_papers_server_runs_the_papers_engine)
{
    struct error err = { 0 };
    struct experiment experiment;
    is_the_papers(experiment_of("{}", NULL));
    is_the_papers(on("paper-4xa100", NULL));
    ck_assert_int_eq(experiment_from_tree(NULL, NULL, &experiment, &err), STATUS_OK);
    is_the_papers(experiment);
}
END_TEST

/* Its measured times are of reprise's own loop, which is the paper's engine. */
START_TEST(a_server_with_measured_times_runs_the_engine_they_were_measured_with)
{
    is_the_papers(on("h100-1x", NULL));
    is_the_papers(on("h200-1x", NULL));
}
END_TEST

START_TEST(what_the_experiment_names_goes_first)
{
    is_the_papers(on("h100", "engine.version=none"));
    is_the_papers(on("h100", "engine.version="));
    struct experiment experiment = on("h100", "engine.version=sglang-0.5");
    ck_assert_str_eq(experiment_engine(&experiment), "sglang-0.5");
    ck_assert_int_eq(experiment.scheduling, SCHEDULE_PREFILL_BATCHES);
    experiment = on("paper-4xa100", "engine.version=vllm-0.12");
    ck_assert_str_eq(experiment_engine(&experiment), "vllm-0.12");
    ck_assert_uint_eq(experiment.batch, 256);
    experiment = on("h100", "engine.version=hardware");
    ck_assert_str_eq(experiment_engine(&experiment), ENGINE_VERSION_CURRENT);
    experiment = on("h100", "engine.batch=48"); /* a key by itself, under the same engine */
    ck_assert_str_eq(experiment_engine(&experiment), ENGINE_VERSION_CURRENT);
    ck_assert_uint_eq(experiment.batch, 48);
    experiment = on("h100", "policy=trtllm-priority"); /* a preset's is its own */
    ck_assert_str_eq(experiment_engine(&experiment), "trtllm-1.0");
}
END_TEST

#define TODAY                                                                                      \
    "model: llama-3-8b\nhardware: h100\ngpus: 1\nwarmup_turns: 0\n"                                \
    "workload: {sessions: 100, think_time.mean: 5s}\n"

START_TEST(it_keeps_prefixes_in_hbm_by_default_unless_nothing_is_kept_at_all)
{
    ck_assert_double_gt(run(TODAY, "policy=lru").hit_tokens_hbm, 0);
    ck_assert_double_eq(run2(TODAY, "policy=lru", "tiers.hbm.cache=0").hit_tokens_hbm, 0);
    struct metrics metrics = run(TODAY, "policy=none");
    ck_assert_double_gt(metrics.turns, 100);
    ck_assert_double_eq(metrics.hit_rate_tokens, 0);
    ck_assert_double_eq(metrics.computed_tokens, metrics.wanted_tokens);
    ck_assert_uint_eq(on("h100", "engine.version=vllm-2023").hbm_cache_bytes, 0);
}
END_TEST

static void reads_back(struct experiment experiment, const char *version)
{
    char *text = config_values_text(experiment_sections, &experiment);
    struct experiment again = experiment_of(text, NULL);
    char *again_text = config_values_text(experiment_sections, &again);
    ck_assert_str_eq(text, again_text);
    ck_assert_str_eq(again.version, version);
    free(text);
    free(again_text);
}

/* And whatever the hardware's file comes to say: a stored run stays what it was. */
START_TEST(written_out_it_is_the_same_experiment)
{
    reads_back(on("h100", NULL), ENGINE_VERSION_CURRENT);
    reads_back(on("h100", "engine.version=none"), ENGINE_VERSION_NONE);
    reads_back(on("h100", "engine.version="), ENGINE_VERSION_NONE);
    reads_back(on("paper-4xa100", NULL), ENGINE_VERSION_NONE);
    reads_back(on("h100", "policy=kvbm"), "vllm-0.19");
}
END_TEST

START_TEST(a_version_that_is_not_there_is_refused_as_one)
{
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    struct experiment experiment;
    ck_assert_int_eq(config_tree_parse("engine.version: vllm-9", "test", &tree, &err), STATUS_OK);
    ck_assert_int_eq(experiment_from_tree(tree, NULL, &experiment, &err), STATUS_INPUT);
    config_tree_free(tree);
    ck_assert_str_eq(err.key, "engine.version");
    ck_assert_str_eq(err.found, "vllm-9");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine_default");
    TCase *tests = tcase_create("engine_default");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_server_of_today_runs_a_current_engine);
    tcase_add_test(tests, the_papers_server_runs_the_papers_engine);
    tcase_add_test(tests, a_server_with_measured_times_runs_the_engine_they_were_measured_with);
    tcase_add_test(tests, what_the_experiment_names_goes_first);
    tcase_add_test(tests, it_keeps_prefixes_in_hbm_by_default_unless_nothing_is_kept_at_all);
    tcase_add_test(tests, written_out_it_is_the_same_experiment);
    tcase_add_test(tests, a_version_that_is_not_there_is_refused_as_one);
    return test_main(suite);
}
