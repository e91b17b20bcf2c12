/* tests/validate/paper/test_paper.c - the paper's evaluation: its numbers as data, experiments
 * shared between figures, rows against known metrics, and controls that end as theory says. */
#include "tests/support.h"
#include "validate/paper/paper.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct paper *open_parts(const char *const *names, uint32_t count)
{
    struct error err = { 0 };
    struct paper *paper = NULL;
    if (paper_open(names, count, "/tmp", &paper, &err) != STATUS_OK)
        error_print(stderr, &err);
    ck_assert_int_eq(err.status, STATUS_OK);
    return paper;
}

static void report(struct paper *paper)
{
    struct error err = { 0 };
    ck_assert_int_eq(paper_report(paper, &err), STATUS_OK);
}

static void simulate(struct paper *paper)
{
    for (uint32_t i = 0; i < paper->run_count; i++) {
        struct error err = { 0 };
        struct sim_result result;
        if (sim_run(&paper->runs[i].experiment, NULL, &result, &err) != STATUS_OK)
            error_print(stderr, &err);
        ck_assert_int_eq(err.status, STATUS_OK);
        paper->runs[i].metrics = result.metrics;
        paper->runs[i].finished = true;
        sim_result_free(&result);
    }
}

static const struct paper_row *row_of(const struct paper *paper, const char *what)
{
    for (uint32_t i = 0; i < paper->row_count; i++)
        if (strcmp(paper->rows[i].what, what) == 0)
            return &paper->rows[i];
    ck_abort_msg("no row \"%s\"", what);
    return NULL;
}

/* ---- the numbers ---- */

START_TEST(the_shipped_file_holds_what_the_paper_prints)
{
    static const struct {
        const char *key;
        double value;
    } known[] = {
        { "figure13.hit_rate.llama-13b", 86 },
        { "figure13.hit_rate.falcon-40b", 90 },
        { "figure14.ttft_reduction.llama-65b", 61 },
        { "figure15.prefill_gain.llama-2-70b", 7.8 },
        { "figure16.gpu_time_gain.falcon-40b", 3.4 },
        { "figure17.cost_reduction.llama-13b", 70 },
        { "figure17.storage_share.llama-13b", 16.4 },
        { "figure19.buffer_15_layers", 61 },
        { "figure20.least", 13 },
        { "figure21.hit_rate_10tb.fifo", 48 },
        { "figure22.points_lost.llama-65b", 41.5 },
        { "figure23.high_hit_rate", 98 },
        { "figure24.dram.falcon-40b", 19.1 },
        { "figure25.high.gpu_hours", 7.01 },
        { "unknowns.think_time.standard", 60e9 },
        { "figure24.hbm_cache", 10e9 },
    };
    struct paper_numbers numbers;
    struct error err = { 0 };
    ck_assert_int_eq(paper_numbers_read(NULL, &numbers, &err), STATUS_OK);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        ck_assert_double_eq(paper_number(&numbers, known[i].key), known[i].value);
}
END_TEST

START_TEST(a_missing_or_unknown_number_is_refused)
{
    static const char *const contents[] = { "figure13: {hit_rate: {llama-13b: 86}}\n",
                                            "figure18: {something: 1}\n",
                                            "figure13: {hit_rate: {llama-13b: high}}\n" };
    struct paper_numbers numbers;
    struct error err = { 0 };
    char *path = test_temp_file(contents[_i]);
    ck_assert_int_eq(paper_numbers_read(path, &numbers, &err), STATUS_INPUT);
    ck_assert_int_ne(err.key[0], '\0');
    remove(path);
    free(path);
}
END_TEST

START_TEST(an_unknown_figure_is_refused)
{
    static const char *const names[] = { "13", "18" };
    struct error err = { 0 };
    struct paper *paper = NULL;
    ck_assert_int_eq(paper_open(names, 2, "/tmp", &paper, &err), STATUS_INPUT);
    ck_assert_str_eq(err.found, "18");
}
END_TEST

/* ---- planning ---- */

START_TEST(figures_share_the_runs_they_have_in_common)
{
    static const char *const one[] = { "14" };
    static const char *const several[] = { "13", "14", "15", "16", "17" };
    struct paper *alone = open_parts(one, 1), *together = open_parts(several, 5);
    ck_assert_uint_eq(alone->run_count, 8); /* four models, cached and recomputed */
    ck_assert_uint_eq(together->run_count, 8);
    paper_free(alone);
    paper_free(together);
}
END_TEST

START_TEST(every_run_differs_and_is_told_by_its_configuration)
{
    struct paper *paper = open_parts(NULL, 0);
    ck_assert_uint_gt(paper->run_count, 100);
    for (uint32_t i = 0; i < paper->run_count; i++) {
        struct error err = { 0 };
        struct config_tree *tree = NULL;
        struct experiment read_back;
        const struct paper_run *run = &paper->runs[i];
        for (uint32_t j = 0; j < i; j++)
            ck_assert_str_ne(run->config_yaml, paper->runs[j].config_yaml);
        ck_assert_int_eq(config_tree_parse(run->config_yaml, run->name, &tree, &err), STATUS_OK);
        ck_assert_int_eq(config_load(experiment_sections, tree, &read_back, &err), STATUS_OK);
        ck_assert_str_eq(read_back.model, run->experiment.model);
        ck_assert_uint_eq(read_back.ssd_bytes, run->experiment.ssd_bytes);
        config_tree_free(tree);
    }
    paper_free(paper);
}
END_TEST

START_TEST(the_common_set_up_is_the_papers)
{
    struct paper *paper = open_parts(NULL, 0);
    const struct experiment *standard = &paper->standard;
    ck_assert_uint_eq(standard->workload.sessions, 9000);
    ck_assert_uint_eq(standard->warmup_turns, 10000);
    ck_assert_uint_eq(standard->batch, 24);
    ck_assert_double_eq(standard->workload.sessions_per_s, 1.0);
    ck_assert_int_eq(standard->reuse, REUSE_ALWAYS);
    ck_assert_int_eq(standard->overflow, OVERFLOW_TRUNCATE_DECOUPLED);
    paper_free(paper);
}
END_TEST

/* ---- reporting ---- */

START_TEST(rows_say_what_the_metrics_say)
{
    static const char *const names[] = { "13", "14", "15", "16", "17" };
    struct paper *paper = open_parts(names, 5);
    for (uint32_t i = 0; i < paper->run_count; i++) {
        bool caches = strcmp(paper->runs[i].experiment.policy, "none") != 0;
        paper->runs[i].metrics = (struct metrics){
            .hit_rate_history_tokens = 0.9,
            .hit_rate_tokens = 0.75,
            .prefill_mean_ns = caches ? 25e6 : 100e6,
            .prefill_tokens_per_s = caches ? 4000 : 1000,
            .gpu_busy_ns = caches ? 2e12 : 6e12,
            .gpu_prefill_ns = caches ? 1e12 : 4e12,
            .gpu_decode_ns = caches ? 1e12 : 2e12,
            .cost_usd = caches ? 10 : 40,
            .cost_dram_usd = 1,
            .cost_ssd_usd = 1,
        };
    }
    report(paper);
    const struct paper_row *hit = row_of(paper, "hit rate over history tokens, llama-13b");
    ck_assert_double_eq_tol(hit->ours, 90.0, 1e-9);
    ck_assert_double_eq_tol(paper_difference(hit), 4.0, 1e-9);
    ck_assert_double_eq_tol(paper_relative(hit), 4.0 / 86.0, 1e-9);
    ck_assert_double_eq_tol(row_of(paper, "hit rate over all prompt tokens, llama-13b")->ours, 75.0,
                            1e-9);
    ck_assert_double_eq_tol(row_of(paper, "TTFT reduction, llama-65b")->ours, 75.0, 1e-9);
    ck_assert_double_eq_tol(row_of(paper, "prefill throughput gain, falcon-40b")->ours, 4.0, 1e-9);
    ck_assert_double_eq_tol(row_of(paper, "GPU time gain, llama-13b")->ours, 3.0, 1e-9);
    ck_assert_double_eq_tol(row_of(paper, "cost reduction, llama-13b")->ours, 75.0, 1e-9);
    ck_assert_double_eq_tol(row_of(paper, "storage's share of cost, llama-13b")->ours, 20.0, 1e-9);
    ck_assert(paper_all_passed(paper));
    paper_free(paper);
}
END_TEST

START_TEST(a_range_is_met_anywhere_within)
{
    struct paper_row row = { .low = 13, .high = 15, .ours = 14 };
    ck_assert_double_eq(paper_difference(&row), 0.0);
    row.ours = 16.5;
    ck_assert_double_eq_tol(paper_difference(&row), 1.5, 1e-12);
    ck_assert_double_eq_tol(paper_relative(&row), 0.1, 1e-12);
    row.ours = 12;
    ck_assert_double_eq_tol(paper_difference(&row), -1.0, 1e-12);
    row.low = row.high = NAN;
    ck_assert(isnan(paper_difference(&row)));
}
END_TEST

START_TEST(a_check_that_does_not_hold_is_told)
{
    static const char *const names[] = { "15" };
    struct paper *paper = open_parts(names, 1);
    for (uint32_t i = 0; i < paper->run_count; i++) {
        bool caches = strcmp(paper->runs[i].experiment.policy, "none") != 0;
        /* A gain of 4 in throughput and of 2 in time. */
        paper->runs[i].metrics = (struct metrics){ .prefill_mean_ns = caches ? 50e6 : 100e6,
                                                   .prefill_tokens_per_s = caches ? 4000 : 1000 };
    }
    report(paper);
    ck_assert(!paper_all_passed(paper));
    paper_free(paper);
}
END_TEST

/* ---- the simulator ---- */

START_TEST(pre_loading_and_saving_save_as_published_in_kind)
{
    static const char *const names[] = { "19", "20", "reference", "relations" };
    struct paper *paper = open_parts(names, 4);
    simulate(paper);
    report(paper);
    double none = row_of(paper, "prefill time saved, read buffer of 0 layers")->ours;
    double some = row_of(paper, "prefill time saved, read buffer of 5 layers")->ours;
    double full = row_of(paper, "prefill time saved, read buffer of 15 layers")->ours;
    ck_assert_double_gt(none, 20.0);
    ck_assert_double_gt(some, none + 2.0);
    ck_assert_double_gt(full, some + 2.0);
    double saved = row_of(paper, "execution time saved, prompts of 1000 tokens")->ours;
    ck_assert_double_gt(saved, 5.0);
    ck_assert_double_lt(saved, 30.0);
    ck_assert_double_lt(fabs(paper_relative(row_of(paper, "load of their KV"))), 0.01);
    paper_free(paper);
}
END_TEST

START_TEST(truncation_is_judged_by_what_was_measured)
{
    static const char *const names[] = { "tables" };
    struct paper *paper = open_parts(names, 1);
    ck_assert_uint_eq(paper->truncation_count, 2);
    ck_assert_uint_eq(paper->truncations[0].layers, 1);
    ck_assert_uint_eq(paper->truncations[1].layers, 4);
    paper->truncations[0] = (struct paper_truncation){ 1, _i == 0 ? 1e-6 : 2e-5, 0.5 };
    paper->truncations[1] = (struct paper_truncation){ 4, 0.25, _i == 2 ? 0.125 : 0.75 };
    report(paper);
    ck_assert_double_eq_tol(
        row_of(paper, "logits off recomputing, decoupled KV truncated, layers: 4")->ours, 25.0,
        1e-9);
    ck_assert_int_eq(paper_all_passed(paper), _i == 0);
    paper_free(paper);
}
END_TEST

START_TEST(negative_controls_end_as_theory_says)
{
    static const char *const names[] = { "controls" };
    struct paper *paper = open_parts(names, 1);
    simulate(paper);
    report(paper);
    ck_assert_uint_ge(paper->check_count, 8);
    for (uint32_t i = 0; i < paper->check_count; i++)
        ck_assert_msg(paper->checks[i].passed, "%s: %s", paper->checks[i].what,
                      paper->checks[i].found);
    paper_free(paper);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("paper");
    TCase *tests = tcase_create("paper");
    tcase_set_timeout(tests, 100);
    tcase_add_test(tests, the_shipped_file_holds_what_the_paper_prints);
    tcase_add_loop_test(tests, a_missing_or_unknown_number_is_refused, 0, 3);
    tcase_add_test(tests, an_unknown_figure_is_refused);
    tcase_add_test(tests, figures_share_the_runs_they_have_in_common);
    tcase_add_test(tests, every_run_differs_and_is_told_by_its_configuration);
    tcase_add_test(tests, the_common_set_up_is_the_papers);
    tcase_add_test(tests, rows_say_what_the_metrics_say);
    tcase_add_test(tests, a_range_is_met_anywhere_within);
    tcase_add_test(tests, a_check_that_does_not_hold_is_told);
    tcase_add_test(tests, pre_loading_and_saving_save_as_published_in_kind);
    tcase_add_loop_test(tests, truncation_is_judged_by_what_was_measured, 0, 3);
    tcase_add_test(tests, negative_controls_end_as_theory_says);
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
