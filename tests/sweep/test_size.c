/* tests/sweep/test_size.c - the search finds what trying everything finds, for less. */
#include "sweep/size.h"

#include "base/units.h"
#include "tests/sim/import_trace.h"
#include "tests/support.h"
#include "tests/validate/store/cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char base[] =
    "{model: llama-3-70b, hardware: h100, warmup_turns: 100, workload: {sessions: 120,"
    " sessions_per_s: 0.5, prompt_tokens.mean: 1200, reply_tokens.mean: 150, mean_turns: 6}}";
static const char *const axes[] = { "replicas=1,2,3,4", "gpus=2,4,8",
                                    "tiers.dram.capacity=0,64GB,128GB,256GB,512GB",
                                    "tiers.ssd.capacity=0,16TB",
                                    "policy=scheduler-aware,lru,none" };

static struct plan planned(const char *yaml, const char *const *vary, uint32_t count)
{
    struct config_tree *tree;
    struct design grid = { .kind = DESIGN_GRID };
    struct plan plan;
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_parse(yaml, "test", &tree, &err), STATUS_OK);
    if (plan_make(tree, vary, count, &grid, 1, &plan, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("plan refused");
    }
    config_tree_free(tree);
    return plan;
}

static bool tell(void *context, double share, uint32_t runs)
{
    (void)context;
    (void)runs;
    ck_assert(share >= 0.0 && share <= 1.0 + 1e-9);
    return true;
}

static struct size_question question_on(const struct plan *plan, double ttft_s)
{
    struct size_question question = {
        .plan = plan, .slo_count = 1, .billing = BILL_OWNED, .ssd_years_least = 4, .command = "test"
    };
    struct error err = { 0 };
    char slo[32];
    snprintf(slo, sizeof slo, "ttft_p99=%gs", ttft_s);
    ck_assert_int_eq(slo_parse(slo, &question.slo[0], &err), STATUS_OK);
    ck_assert_int_eq(prices_load("h100", NULL, 0, &question.prices, &err), STATUS_OK);
    return question;
}

static struct size_answer answered(const struct size_question *question, const char *path,
                                   uint32_t threads)
{
    struct size_answer answer;
    struct size_watch watch = { tell, NULL };
    struct error err = { 0 };
    struct ranks *ranks;
    struct runner *runner;
    struct store *store = store_opened(path);
    ck_assert_int_eq(ranks_begin(&ranks, &err), STATUS_OK);
    ck_assert_int_eq(runner_open(ranks, threads, false, &runner, &err), STATUS_OK);
    if (size_search(question, runner, store, &watch, &answer, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("search failed");
    }
    runner_close(runner);
    ranks_end(ranks);
    store_close(store);
    return answer;
}

START_TEST(the_search_is_within_2_percent_of_trying_everything)
{
    static const double ttft_s[] = { 1.0, 4.0 };
    struct plan plan = planned(base, axes, 5);
    struct size_question question = question_on(&plan, ttft_s[_i]);
    char *path = database_path();
    struct size_answer found = answered(&question, path, 2);
    question.exhaustive = true;
    struct size_answer all = answered(&question, path, 2);
    ck_assert_uint_ne(all.best, UINT32_MAX);
    ck_assert_uint_ne(found.best, UINT32_MAX);
    double reached = found.value[0][found.best].objective, best = all.value[0][all.best].objective;
    ck_assert_msg(reached <= 1.02 * best, "%g s: %g against %g", ttft_s[_i], reached, best);
    ck_assert(found.value[0][found.best].violation <= 1.0);
    ck_assert_uint_lt(found.runs[0], all.runs[0]);
    size_answer_free(&found);
    size_answer_free(&all);
    database_remove(path);
    plan_free(&plan);
}
END_TEST

START_TEST(threads_and_what_is_stored_change_nothing)
{
    struct plan plan = planned(base, axes, 5);
    struct size_question question = question_on(&plan, 1.0);
    char *path = database_path();
    struct size_answer one = answered(&question, path, 1), again = answered(&question, path, 3);
    int64_t runs = sql_number(path, "SELECT count(*) FROM run");
    ck_assert_uint_eq(one.best, again.best);
    ck_assert_uint_eq(one.front_count, again.front_count);
    ck_assert_mem_eq(one.front, again.front, one.front_count * sizeof *one.front);
    for (uint32_t i = 0; i < plan.count; i++)
        ck_assert_int_eq(one.value[0][i].state, again.value[0][i].state);
    ck_assert_int_le(runs, one.runs[0] + one.runs[1] + one.runs[2]);
    ck_assert_int_eq(sql_number(path, "SELECT count(*) FROM sweep_run"),
                     one.runs[0] + one.runs[1] + one.runs[2]);
    size_answer_free(&one);
    size_answer_free(&again);
    database_remove(path);
    plan_free(&plan);
}
END_TEST

START_TEST(no_point_of_the_front_is_worse_in_both)
{
    struct plan plan = planned(base, axes, 5);
    struct size_question question = question_on(&plan, 1.0);
    char *path = database_path();
    struct size_answer answer = answered(&question, path, 2);
    ck_assert_uint_gt(answer.front_count, 1);
    for (uint32_t i = 1; i < answer.front_count; i++) {
        const struct size_value *before = &answer.value[0][answer.front[i - 1]];
        const struct size_value *value = &answer.value[0][answer.front[i]];
        ck_assert(value->objective >= before->objective);
        ck_assert(value->metrics.ttft_p99_ns < before->metrics.ttft_p99_ns);
        ck_assert(value->bill.ssd_years >= 4);
    }
    size_answer_free(&answer);
    database_remove(path);
    plan_free(&plan);
}
END_TEST

START_TEST(an_impossible_promise_is_told_with_the_nearest_point)
{
    struct plan plan = planned(base, axes, 5);
    struct size_question question = question_on(&plan, 0.001);
    char *path = database_path();
    struct size_answer answer = answered(&question, path, 2);
    ck_assert_uint_eq(answer.best, UINT32_MAX);
    ck_assert_uint_eq(answer.best_without, UINT32_MAX);
    ck_assert_uint_ne(answer.nearest, UINT32_MAX);
    ck_assert(answer.value[0][answer.nearest].violation > 1.0);
    size_answer_free(&answer);
    database_remove(path);
    plan_free(&plan);
}
END_TEST

/* First turns only: there is no history to keep. */
START_TEST(where_nothing_comes_back_no_kv_is_kept)
{
    struct plan plan =
        planned("{model: llama-3-8b, hardware: h100, warmup_turns: 0, workload:"
                " {sessions: 300, multi_turn_share: 0, mean_turns: 1}}",
                (const char *[]){ "replicas=1,2", "tiers.dram.capacity=0,64GB,256GB",
                                  "tiers.ssd.capacity=0", "gpus=1", "policy=lru,none" },
                5);
    struct size_question question = question_on(&plan, 5.0);
    char *path = database_path();
    struct size_answer answer = answered(&question, path, 2);
    ck_assert_uint_ne(answer.best, UINT32_MAX);
    ck_assert_uint_eq(answer.best, answer.best_without);
    ck_assert(!answer.bought[answer.best].keeps_kv);
    size_answer_free(&answer);
    database_remove(path);
    plan_free(&plan);
}
END_TEST

START_TEST(replicas_share_the_sessions_over_the_same_time)
{
    struct plan plan = planned("{workload: {sessions: 100, sessions_per_s: 2}, warmup_turns: 10}",
                               (const char *[]){ "replicas=1,4" }, 1);
    const struct experiment *one = &plan.runs[0].experiment, *four = &plan.runs[1].experiment;
    ck_assert_uint_eq(one->workload.sessions, 100);
    ck_assert_uint_eq(four->workload.sessions, 25);
    ck_assert_double_eq(four->workload.sessions_per_s, 0.5);
    ck_assert_uint_eq(four->workload.concurrency, 0);
    ck_assert_uint_eq(four->warmup_turns, 3);
    ck_assert_uint_eq(plan.runs[1].replicas, 4);
    plan_free(&plan);
}
END_TEST

START_TEST(replicas_share_what_is_in_flight)
{
    struct plan plan = planned("{workload: {sessions: 100, concurrency: 10}}",
                               (const char *[]){ "replicas=1,4" }, 1);
    ck_assert_uint_eq(plan.runs[0].experiment.workload.concurrency, 10);
    ck_assert_uint_eq(plan.runs[1].experiment.workload.concurrency, 3);
    plan_free(&plan);
}
END_TEST

START_TEST(a_neighbour_differs_on_one_axis_only)
{
    struct plan plan = planned(base, axes, 5);
    for (uint32_t point = 0; point < plan.count; point++)
        for (uint32_t a = 0; a < plan.axis_count; a++) {
            uint32_t next = size_neighbour(&plan, point, a, 1);
            if (next == UINT32_MAX)
                continue;
            ck_assert_uint_eq(size_neighbour(&plan, next, a, -1), point);
            for (uint32_t b = 0; b < plan.axis_count; b++)
                ck_assert_int_eq(
                    strcmp(plan.points.value[point * 5 + b], plan.points.value[next * 5 + b]) != 0,
                    a == b);
        }
    plan_free(&plan);
}
END_TEST

START_TEST(a_trace_file_is_read_as_the_import_keys_say)
{
    char *trace = import_trace_file(), *path = database_path(), yaml[512];
    snprintf(yaml, sizeof yaml,
             "{warmup_turns: 0, trace: %s, import: {format: " IMPORT_TRACE_FORMAT
             ", session_gap: " IMPORT_TRACE_GAP "}}",
             trace);
    struct plan plan = planned(yaml, (const char *[]){ "gpus=1,2", "engine.batch=1..60:lin60" }, 2);
    ck_assert_uint_eq(plan.count, 120); /* so many that parts of the trace are run first */
    struct size_question question = question_on(&plan, 100);
    struct size_answer answer = answered(&question, path, 1);
    ck_assert_uint_ne(answer.best, UINT32_MAX);
    const struct metrics *best = &answer.value[0][answer.best].metrics;
    ck_assert(best->turns == IMPORT_TRACE_TURNS && best->sessions == IMPORT_TRACE_SESSIONS);
    size_answer_free(&answer);
    plan_free(&plan);
    database_remove(path);
    unlink(trace);
    free(trace);
}
END_TEST

START_TEST(promises_and_objectives_are_read)
{
    struct slo slo;
    struct error err = { 0 };
    ck_assert_int_eq(slo_parse("ttft_p99=2s", &slo, &err), STATUS_OK);
    ck_assert_str_eq(metric_rows[slo.metric].name, "ttft_p99_ns");
    ck_assert_double_eq(slo.limit, 2e9);
    ck_assert_int_eq(slo_parse("tbt_p99_ns=50ms", &slo, &err), STATUS_OK);
    ck_assert_double_eq(slo.limit, 50e6);
    static const char *const bad[] = { "ttft_p99",      "=2s",         "ttft_p98=2s",
                                       "ttft_p99=fast", "ttft_p99=0s", "ttft_p99=-1s" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (struct error){ 0 };
        ck_assert_int_eq(slo_parse(bad[i], &slo, &err), STATUS_INPUT);
    }
    enum objective objective;
    err = (struct error){ 0 };
    ck_assert_int_eq(objective_parse("usd_per_month", &objective, &err), STATUS_OK);
    ck_assert_int_eq(objective, OBJECTIVE_USD_PER_MONTH);
    ck_assert_int_eq(objective_parse("euros", &objective, &err), STATUS_INPUT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("size");
    TCase *tcase = tcase_create("size");
    tcase_set_timeout(tcase, 100);
    tcase_add_loop_test(tcase, the_search_is_within_2_percent_of_trying_everything, 0, 2);
    tcase_add_test(tcase, threads_and_what_is_stored_change_nothing);
    tcase_add_test(tcase, no_point_of_the_front_is_worse_in_both);
    tcase_add_test(tcase, an_impossible_promise_is_told_with_the_nearest_point);
    tcase_add_test(tcase, where_nothing_comes_back_no_kv_is_kept);
    tcase_add_test(tcase, replicas_share_the_sessions_over_the_same_time);
    tcase_add_test(tcase, replicas_share_what_is_in_flight);
    tcase_add_test(tcase, a_neighbour_differs_on_one_axis_only);
    tcase_add_test(tcase, a_trace_file_is_read_as_the_import_keys_say);
    tcase_add_test(tcase, promises_and_objectives_are_read);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
