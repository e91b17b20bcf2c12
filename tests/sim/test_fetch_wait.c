/* tests/sim/test_fetch_wait.c - reading ahead from SSD with thresholds and time-outs, as SGLang's
 * HiCache does: a case with known answers, and what the three ways of waiting must have to do with
 * each other. */
#include "models/models.h"
#include "tests/sim/runs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A context's last token is always computed. */
enum { BLOCKS = 40, BLOCK_TOKENS = 512, REUSED = BLOCKS * BLOCK_TOKENS - 1, FILLERS = 6 };

static char trace[64];

/* One context, others that push it out of HBM and DRAM, and the first once more. */
static void write_trace(void)
{
    snprintf(trace, sizeof trace, "/tmp/reprise_fetch_wait_%ld.jsonl", (long)getpid());
    FILE *out = fopen(trace, "w");
    ck_assert_ptr_nonnull(out);
    for (int request = 0; request <= FILLERS + 1; request++) {
        int context = request == FILLERS + 1 ? 0 : request;
        fprintf(out,
                "{\"timestamp\": %d, \"input_length\": %d, \"output_length\": 4, \"hash_ids\": [",
                20000 * request, BLOCKS * BLOCK_TOKENS);
        for (int block = 0; block < BLOCKS; block++)
            fprintf(out, "%s%d", block > 0 ? ", " : "", 1 + context * BLOCKS + block);
        fprintf(out, "]}\n");
    }
    fclose(out);
}

static void remove_trace(void)
{
    remove(trace);
}

/* The last request alone is measured. */
static struct metrics run_last(const char *settings)
{
    char yaml[1024];
    snprintf(
        yaml, sizeof yaml,
        "trace: %s\nmodel: mistral-7b\ngpus: 1\nwarmup_turns: %d\npolicy: lru+scheduler-aware\n"
        "engine: {hbm_utilisation: 0.25, scheduling: chunked, chunk_tokens: 8192, reuse: always}\n"
        "tiers: {hbm.cache: 1PB, dram: {capacity: 8GB, reserve: 0}, ssd: {capacity: 60GB, write: "
        "through}}\n"
        "placement.ttl: 0\n",
        trace, FILLERS + 1);
    return run_all(yaml, settings);
}

/* How long SSD to DRAM takes for all of the context. */
static double fetch_ns(void)
{
    struct model model;
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(model_load("mistral-7b", &model, &err), STATUS_OK);
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    double bytes = (double)model_kv_bytes_per_token(&model, 1) * BLOCKS * BLOCK_TOKENS;
    return bytes / hardware.ssd_read_bytes_per_s * 1e9 + (double)hardware.ssd_latency_ns;
}

START_TEST(a_turn_waits_for_its_fetch_and_no_longer)
{
    struct metrics metrics = run_last("engine.fetch_wait=timeout engine.fetch_timeout=1h");
    ck_assert_double_eq(metrics.turns, 1);
    ck_assert_double_eq(metrics.hit_tokens_dram, REUSED);
    ck_assert_double_eq_tol(metrics.queueing_mean_ns, fetch_ns(), 0.01 * fetch_ns());
}
END_TEST

START_TEST(at_its_time_out_it_starts_and_computes_what_has_not_come)
{
    struct metrics metrics = run_last("engine.fetch_wait=timeout engine.fetch_timeout=10ms "
                                      "engine.fetch_timeout_per_1024_tokens=0");
    ck_assert_double_eq(metrics.queueing_mean_ns, 10e6);
    ck_assert_double_eq(metrics.hit_tokens_dram + metrics.hit_tokens_ssd, 0);
}
END_TEST

START_TEST(the_time_out_grows_with_the_tokens_that_are_to_come)
{
    struct metrics metrics = run_last("engine.fetch_wait=timeout engine.fetch_timeout=10ms "
                                      "engine.fetch_timeout_per_1024_tokens=1ms");
    ck_assert_double_eq(metrics.queueing_mean_ns, 10e6 + 1e6 * BLOCKS * BLOCK_TOKENS / 1024);
}
END_TEST

START_TEST(best_effort_waits_for_nothing)
{
    struct metrics metrics = run_last("engine.fetch_wait=best-effort");
    ck_assert_double_eq(metrics.queueing_mean_ns, 0);
    ck_assert_double_eq(metrics.hit_tokens_dram + metrics.hit_tokens_ssd, 0);
}
END_TEST

START_TEST(below_the_threshold_nothing_is_read_or_waited_for)
{
    struct metrics metrics = run_last("engine.fetch_wait=timeout engine.fetch_min_tokens=20481");
    ck_assert_double_eq(metrics.queueing_mean_ns, 0);
    ck_assert_double_eq(metrics.fetch_ssd_dram_bytes, 0);
    metrics = run_last("engine.fetch_wait=complete engine.fetch_min_tokens=20481");
    ck_assert_double_eq(metrics.hit_tokens_ssd, 0);
    metrics = run_last("engine.fetch_wait=complete engine.fetch_min_tokens=20480");
    ck_assert_double_eq(metrics.hit_tokens_ssd, REUSED);
}
END_TEST

#define LOADED                                                                                     \
    "policy: sglang-hicache-write_through\nmodel: mistral-7b\ngpus: 1\nwarmup_turns: 0\n"          \
    "engine.hbm_utilisation: 0.25\n"                                                               \
    "tiers: {dram.capacity: 8GB, ssd.capacity: 60GB}\n"                                            \
    "workload: {sessions: 80, sessions_per_s: 1.0}\n"

static struct metrics run_loaded(const char *settings)
{
    char text[256];
    const char *parts[4] = { NULL };
    int count = 0;
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    struct experiment experiment;
    ck_assert_int_eq(config_tree_parse(LOADED, "test", &tree, &err), STATUS_OK);
    snprintf(text, sizeof text, "%s", settings);
    for (char *part = strtok(text, " "); part != NULL; part = strtok(NULL, " "))
        parts[count++] = part;
    for (int i = 0; i < count; i++)
        ck_assert_int_eq(config_tree_set(tree, parts[i], &err), STATUS_OK);
    ck_assert_int_eq(experiment_from_tree(tree, NULL, &experiment, &err), STATUS_OK);
    config_tree_free(tree);
    return run_experiment(&experiment);
}

START_TEST(no_time_at_all_is_best_effort_and_more_time_finds_more)
{
    struct metrics none =
        run_loaded("engine.fetch_timeout=0 engine.fetch_timeout_per_1024_tokens=0");
    struct metrics best_effort = run_loaded("engine.fetch_wait=best-effort");
    struct metrics all = run_loaded("engine.fetch_timeout=1h");
    ck_assert_double_eq(none.ttft_mean_ns, best_effort.ttft_mean_ns);
    ck_assert_double_eq(none.hit_rate_tokens, best_effort.hit_rate_tokens);
    ck_assert_double_gt(all.hit_rate_tokens, best_effort.hit_rate_tokens);
    ck_assert_double_eq(all.load_ssd_hbm_bytes, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fetch_wait");
    TCase *tests = tcase_create("fetch_wait");
    tcase_add_checked_fixture(tests, write_trace, remove_trace);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_turn_waits_for_its_fetch_and_no_longer);
    tcase_add_test(tests, at_its_time_out_it_starts_and_computes_what_has_not_come);
    tcase_add_test(tests, the_time_out_grows_with_the_tokens_that_are_to_come);
    tcase_add_test(tests, best_effort_waits_for_nothing);
    tcase_add_test(tests, below_the_threshold_nothing_is_read_or_waited_for);
    tcase_add_test(tests, no_time_at_all_is_best_effort_and_more_time_finds_more);
    return test_main(suite);
}
