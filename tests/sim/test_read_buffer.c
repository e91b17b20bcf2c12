/* tests/sim/test_read_buffer.c - what the HBM read buffer promises: the next turn's first layers
 * come while others compute, and never at the cost of the turn that is being prefilled. The set-up
 * is that of CachedAttention's figure 19: 13B on one GPU, 1K tokens of history, 100 new ones. */
#include "sim/overlap.h"
#include "sim/sim.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>

/* Think time 0: each second turn waits behind all first ones, so that the queue is never empty and
 * the measured turns are the second ones. Replies differ a little, so that batch places come free
 * one by one and not all at once. */
#define TURNS 64
static const char figure19[] =
    "gpus: 1\n"
    "warmup_turns: 64\n"
    "tiers: {dram: {reserve: 0}}\n"
    "engine: {batch: 16, reuse: always, write_buffer: 100GB}\n"
    "workload: {sessions: 64, sessions_per_s: 100000, multi_turn_share: 1, mean_turns: 2,"
    " session_length_cv: 0, prompt_tokens: {mean: 100, cv: 0},"
    " reply_tokens: {mean: 900, cv: 0.25}, think_time: {distribution: constant, mean: 0}}\n";

static struct metrics run_with(const char *preloading, const char *buffer_layers)
{
    struct error err = { 0 };
    struct config_tree *tree = NULL;
    struct experiment experiment;
    struct sim_result result;
    enum status status = config_tree_parse(figure19, "figure 19", &tree, &err);
    if (status == STATUS_OK)
        status = config_tree_set(tree, preloading, &err);
    if (status == STATUS_OK)
        status = config_tree_set(tree, buffer_layers, &err);
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, &experiment, &err);
    if (status == STATUS_OK)
        status = sim_run(&experiment, NULL, &result, &err);
    config_tree_free(tree);
    if (status != STATUS_OK)
        error_print(stderr, &err);
    ck_assert_int_eq(status, STATUS_OK);
    struct metrics metrics = result.metrics;
    sim_result_free(&result);
    ck_assert_double_eq(metrics.turns, TURNS);
    ck_assert_double_eq(metrics.hit_rate_history_tokens, 1.0);
    return metrics;
}

/* A prefill of 100 tokens after 1,000 whose first `buffered` layers are there at its start. */
static double recurrence_ns(uint32_t buffered)
{
    struct model model;
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(model_load("llama-13b", &model, &err), STATUS_OK);
    ck_assert_int_eq(hardware_load("paper-4xa100", &hardware, &err), STATUS_OK);
    struct timing timing = timing_new(&model, &hardware, 1);
    struct prefill_time time = timing_prefill(&timing, 100, 1000);
    double layer_load_ns = 1000.0 * (double)model_kv_bytes_per_token(&model, 1) / model.layers /
                           hardware.h2d_bytes_per_s_per_gpu * 1e9;
    struct layer_arrivals arrivals;
    layer_arrivals_reset(&arrivals, model.layers);
    for (uint32_t layer = buffered; layer < model.layers; layer++)
        arrivals.arrival_ns[layer] =
            hardware.pcie_latency_ns + (uint64_t)(layer_load_ns * (layer - buffered + 1));
    return (double)(overlap_prefill_end(&arrivals, 0, time.layer_ns).end_ns + time.overhead_ns);
}

START_TEST(a_full_buffer_saves_what_the_recurrence_says)
{
    static const struct {
        const char *setting;
        uint32_t layers;
    } cases[] = { { "engine.read_buffer_layers=0", 0 },
                  { "engine.read_buffer_layers=5", 5 },
                  { "engine.read_buffer_layers=15", 15 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double median_ns = run_with("engine.preloading=layers", cases[i].setting).prefill_p50_ns;
        double expected_ns = recurrence_ns(cases[i].layers);
        ck_assert_msg(fabs(median_ns / expected_ns - 1.0) < 0.04, "%s: %g ns, not about %g",
                      cases[i].setting, median_ns, expected_ns);
    }
}
END_TEST

/* Were the next turn's layers to share the link with those that the present turn waits for, a
 * buffer would give nothing while turns follow each other closely. */
START_TEST(more_buffer_never_makes_prefill_slower)
{
    static const char *const settings[] = { "engine.read_buffer_layers=0",
                                            "engine.read_buffer_layers=5",
                                            "engine.read_buffer_layers=10",
                                            "engine.read_buffer_layers=15",
                                            "engine.read_buffer_layers=40" };
    double before_ns = run_with("engine.preloading=none", settings[0]).prefill_mean_ns;
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
        double now_ns = run_with("engine.preloading=layers", settings[i]).prefill_mean_ns;
        ck_assert_double_lt(now_ns, before_ns * (i < 4 ? 0.95 : 1.0));
        before_ns = now_ns;
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("read buffer");
    TCase *tests = tcase_create("figure 19");
    tcase_add_test(tests, a_full_buffer_saves_what_the_recurrence_says);
    tcase_add_test(tests, more_buffer_never_makes_prefill_slower);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
