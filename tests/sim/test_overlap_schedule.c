/* tests/sim/test_overlap_schedule.c - the time outside the GPU: an engine whose CPU works before
 * each iteration, and one whose CPU composes the next iteration while this one runs. The CPU's work
 * is so long here that an iteration of the latter takes as long as it does, to the ns. */
#include "tests/sim/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A decodes from 50 ms on; B comes while it does. */
static const char two_turns[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                "a,0,,100,400\n"
                                "b,1.010,,100,2\n";

/* Its second turn's metrics, of requests as in the text. */
static struct metrics second_of(const char *requests, const char *settings)
{
    char *path = test_temp_file(requests), yaml[1024];
    snprintf(yaml, sizeof yaml,
             "trace: %s\npolicy: none\nwarmup_turns: 1\nimport: {format: session-csv}\n"
             "engine: {scheduling: chunked}\n",
             path);
    struct metrics metrics = run_all(yaml, settings);
    unlink(path);
    free(path);
    return metrics;
}

START_TEST(a_turn_waits_for_the_iteration_that_is_composed_already)
{
    struct metrics second =
        second_of(two_turns, "engine.overlap_schedule=true engine.iteration_cpu=50ms");
    /* It comes into [1000, 1050); [1050, 1100) was composed at 1000; it is in [1100, 1150). */
    ck_assert_double_eq_tol(second.ttft_mean_ns, 140e6, 100);
    ck_assert_double_eq_tol(second.queueing_mean_ns, 90e6, 100);
    ck_assert_double_eq_tol(second.tbt_mean_ns, 50e6, 100);
}
END_TEST

START_TEST(who_comes_to_an_idle_engine_waits_for_nobody)
{
    static const char apart[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                "a,0,,100,3\n"
                                "b,1.010,,100,2\n";
    struct metrics second =
        second_of(apart, "engine.overlap_schedule=true engine.iteration_cpu=50ms");
    ck_assert_double_eq_tol(second.ttft_mean_ns, 50e6, 100);
}
END_TEST

/* The reply ends with the iteration into which the other one comes: nothing was composed ahead. */
START_TEST(behind_a_last_iteration_nothing_is_composed_ahead)
{
    static const char ends[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                               "a,0,,100,3\n"
                               "b,0.130,,100,2\n";
    struct metrics second =
        second_of(ends, "engine.overlap_schedule=true engine.iteration_cpu=50ms");
    ck_assert_double_eq_tol(second.ttft_mean_ns, 70e6, 100);
}
END_TEST

/* The iteration before the last ends while the other one waits: it is late for the last, too. */
START_TEST(who_came_late_is_let_in_as_soon_as_may_be)
{
    static const char late[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                               "a,0,,100,4\n"
                               "b,0.130,,100,2\n";
    struct metrics second =
        second_of(late, "engine.overlap_schedule=true engine.iteration_cpu=50ms");
    /* Into [100, 150); [150, 200) is a's last. */
    ck_assert_double_eq_tol(second.ttft_mean_ns, 120e6, 100);
}
END_TEST

/* c's last iteration ends a stretch of repeats while b waits, for whom the next is composed
 * already. */
START_TEST(who_came_late_holds_repeats_to_one)
{
    static const char stretch[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                  "a,0,,100,400\n"
                                  "c,0,,100,4\n"
                                  "b,0.230,,100,2\n";
    char settings[128];
    snprintf(settings, sizeof settings, "%s warmup_turns=2",
             "engine.overlap_schedule=true engine.iteration_cpu=50ms");
    struct metrics third = second_of(stretch, settings);
    /* a [0, 50), c beside it [50, 100), both until 250, a alone [250, 300), b [300, 350). */
    ck_assert_double_eq_tol(third.ttft_mean_ns, 120e6, 100);
}
END_TEST

START_TEST(what_is_hidden_behind_the_gpu_costs_nothing)
{
    struct metrics none =
        second_of(two_turns, "engine.overlap_schedule=true engine.iteration_cpu=0");
    struct metrics little =
        second_of(two_turns, "engine.overlap_schedule=true engine.iteration_cpu=1ms");
    ck_assert_double_eq(little.ttft_mean_ns, none.ttft_mean_ns);
    ck_assert_double_eq(little.tbt_mean_ns, none.tbt_mean_ns);
}
END_TEST

START_TEST(what_is_not_hidden_is_added_by_iteration_and_by_sequence)
{
    static const char together[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                   "a,0,,100,3\n"
                                   "b,0,,100,3\n";
    const char *cpu = "engine.iteration_cpu=3ms engine.sequence_cpu=2ms";
    struct metrics none = second_of(together, "engine.iteration_cpu=0");
    struct metrics both = second_of(together, cpu);
    /* It waits for the prefill of one, and is prefilled while that one decodes. */
    ck_assert_double_eq_tol(both.ttft_mean_ns - none.ttft_mean_ns, (3 + 2 + 3 + 2 * 2) * 1e6, 100);
    /* Of four gaps three are of two sequences, and the other one's last of one. */
    ck_assert_double_eq_tol(both.tbt_mean_ns - none.tbt_mean_ns, 6.5e6, 1e3);
}
END_TEST

/* 40 layers of 1 ms in a prefill of more tokens than graphs hold; what the CPU does before comes on
 * top, or where it is hidden with them. */
START_TEST(what_no_graph_holds_takes_its_launches_at_least)
{
    static const char apart[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                "a,0,,100,3\n"
                                "b,1.010,,100,2\n";
    const char *launches = "engine.layer_cpu=1ms engine.graph_tokens=99 engine.iteration_cpu=3ms";
    struct metrics captured = second_of(apart, "engine.layer_cpu=1ms engine.iteration_cpu=0");
    struct metrics none = second_of(apart, "engine.iteration_cpu=0");
    ck_assert_double_eq(captured.ttft_mean_ns, none.ttft_mean_ns);
    ck_assert_double_lt(none.ttft_mean_ns, 39e6);
    struct metrics before = second_of(apart, launches);
    ck_assert_double_eq_tol(before.ttft_mean_ns, 43e6, 100);
    char hidden_settings[256];
    snprintf(hidden_settings, sizeof hidden_settings, "%s engine.overlap_schedule=true", launches);
    struct metrics hidden = second_of(apart, hidden_settings);
    ck_assert_double_eq_tol(hidden.ttft_mean_ns, 43e6, 100);
    /* A token of a reply is in a graph. */
    ck_assert_double_eq_tol(hidden.tbt_mean_ns, none.tbt_mean_ns, 100);
}
END_TEST

START_TEST(a_gap_between_iterations_is_never_hidden)
{
    const char *hidden = "engine.overlap_schedule=true engine.iteration_cpu=1ms";
    char with_gap[128];
    snprintf(with_gap, sizeof with_gap, "%s engine.iteration_gap=2ms", hidden);
    struct metrics none = second_of(two_turns, hidden), gap = second_of(two_turns, with_gap);
    ck_assert_double_eq_tol(gap.tbt_mean_ns - none.tbt_mean_ns, 2e6, 1e4);
}
END_TEST

START_TEST(a_request_is_on_its_way_and_its_reply_too)
{
    static const char apart[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                "a,0,,2048,3\n"
                                "a,,1,1024,3\n";
    struct metrics none = second_of(apart, "");
    struct metrics both = second_of(apart, "engine.request_cpu=3ms engine.reply_cpu=2ms "
                                           "engine.request_cpu_per_1024_tokens=1024us");
    /* The second turn's context is tokenised: 2048 + 3 + 1024 tokens. */
    ck_assert_double_eq(both.ttft_outside_mean_ns, 5e6 + 3075e3);
    ck_assert_double_eq(both.ttft_mean_ns, none.ttft_mean_ns + 5e6 + 3075e3);
    ck_assert_double_eq(both.e2e_mean_ns, none.e2e_mean_ns + 5e6 + 3075e3);
    ck_assert_double_eq(both.queueing_mean_ns, none.queueing_mean_ns);
    ck_assert_double_eq(both.tbt_mean_ns, none.tbt_mean_ns);
}
END_TEST

/* A long prompt is still tokenised when a short one comes. */
START_TEST(no_request_overtakes_another_on_its_way)
{
    static const char order[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                                "a,0,,2048,1\n"
                                "b,0.010,,1,1\n";
    struct metrics second = second_of(order, "engine.request_cpu_per_1024_tokens=10ms");
    ck_assert_double_eq(second.ttft_outside_mean_ns, 10e6);
}
END_TEST

START_TEST(every_turn_is_served_by_an_engine_that_composes_ahead)
{
    struct metrics plain = run_all(SMALL, "warmup_turns=0 engine.scheduling=chunked");
    struct metrics ahead =
        run_all(SMALL, "warmup_turns=0 engine.scheduling=chunked engine.overlap_schedule=true");
    ck_assert_double_eq(ahead.turns, plain.turns);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("overlap_schedule");
    TCase *tcase = tcase_create("time outside the GPU");
    tcase_add_test(tcase, a_turn_waits_for_the_iteration_that_is_composed_already);
    tcase_add_test(tcase, who_comes_to_an_idle_engine_waits_for_nobody);
    tcase_add_test(tcase, behind_a_last_iteration_nothing_is_composed_ahead);
    tcase_add_test(tcase, who_came_late_is_let_in_as_soon_as_may_be);
    tcase_add_test(tcase, who_came_late_holds_repeats_to_one);
    tcase_add_test(tcase, what_is_hidden_behind_the_gpu_costs_nothing);
    tcase_add_test(tcase, what_is_not_hidden_is_added_by_iteration_and_by_sequence);
    tcase_add_test(tcase, what_no_graph_holds_takes_its_launches_at_least);
    tcase_add_test(tcase, a_gap_between_iterations_is_never_hidden);
    tcase_add_test(tcase, a_request_is_on_its_way_and_its_reply_too);
    tcase_add_test(tcase, no_request_overtakes_another_on_its_way);
    tcase_add_test(tcase, every_turn_is_served_by_an_engine_that_composes_ahead);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
