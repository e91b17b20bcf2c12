/* tests/traces/test_generator.c - the ShareGPT-like workload has the published statistics, and is the
 * same wherever it is drawn. */
#include "tests/support.h"
#include "traces/info.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct workload standard(void)
{
    const struct config_section sections[] = { { .prefix = "", .rows = workload_rows }, { 0 } };
    struct workload workload;
    struct error err = { 0 };
    ck_assert_int_eq(config_load(sections, NULL, &workload, &err), STATUS_OK);
    return workload;
}

static struct trace_info info_of(const struct workload *workload)
{
    struct trace *trace;
    struct trace_info info;
    struct error err = { 0 };
    ck_assert_int_eq(trace_generate(workload, &trace, &err), STATUS_OK);
    ck_assert_int_eq(trace_info_read(trace, NULL, &info, &err), STATUS_OK);
    trace_close(trace);
    return info;
}

/* paper.md, Workload. Bounds: 4 standard errors of 9,000 sessions, and for the two shares of long
 * sessions, which the shape parameters were solved for, one point more. */
START_TEST(the_published_statistics_hold)
{
    struct workload workload = standard();
    workload.seed = (uint64_t)_i + 1;
    struct trace_info info = info_of(&workload);
    double sessions = (double)info.sessions;
    ck_assert_uint_eq(info.sessions, 9000);
    ck_assert_double_eq_tol((double)info.multi_turn_sessions / sessions, 0.73, 0.019);
    ck_assert_double_eq_tol((double)info.turns / sessions, 5.75, 0.30);
    ck_assert_double_eq_tol((double)info.sessions_over_2k / sessions, 0.47, 0.031);
    ck_assert_double_eq_tol((double)info.sessions_over_4k / sessions, 0.30, 0.030);
    ck_assert_double_eq_tol((double)info.duration_ns / 1e9 / sessions, 1.0, 0.043);
}
END_TEST

#define FROZEN UINT64_C(10542397110354571908)

/* Sums over the first sessions, frozen: another machine or compiler must draw the same. */
START_TEST(the_same_seed_gives_the_same_workload_everywhere)
{
    struct workload workload = standard();
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    uint64_t mixed = 0;
    workload.sessions = 500;
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    while (trace_next(trace, &session, &err) == TRACE_ITEM) {
        mixed = mixed * 31 + session.arrival_ns;
        for (uint32_t i = 0; i < session.turn_count; i++)
            mixed = mixed * 31 + session.turns[i].prompt_tokens * 7 + session.turns[i].reply_tokens +
                    session.turns[i].think_ns;
    }
    trace_close(trace);
    ck_assert_msg(mixed == FROZEN, "%llu", (unsigned long long)mixed);
}
END_TEST

enum { COMPARED = 300 };

START_TEST(think_time_leaves_arrivals_and_lengths_as_they_were)
{
    struct workload workload = standard(), other = standard();
    other.think_mean_ns = 7;
    other.think_time = THINK_CONSTANT;
    struct trace *a, *b;
    struct trace_session one, two;
    struct error err = { 0 };
    ck_assert_int_eq(trace_generate(&workload, &a, &err), STATUS_OK);
    ck_assert_int_eq(trace_generate(&other, &b, &err), STATUS_OK);
    for (int i = 0; i < COMPARED; i++) {
        ck_assert_int_eq(trace_next(a, &one, &err), TRACE_ITEM);
        ck_assert_int_eq(trace_next(b, &two, &err), TRACE_ITEM);
        ck_assert_uint_eq(one.arrival_ns, two.arrival_ns);
        ck_assert_uint_eq(one.turn_count, two.turn_count);
        for (uint32_t t = 0; t < one.turn_count; t++) {
            ck_assert_uint_eq(one.turns[t].prompt_tokens, two.turns[t].prompt_tokens);
            ck_assert_uint_eq(one.turns[t].reply_tokens, two.turns[t].reply_tokens);
            ck_assert_uint_eq(two.turns[t].think_ns, t > 0 ? 7 : 0);
        }
    }
    trace_close(a);
    trace_close(b);
}
END_TEST

/* Kolmogorov-Smirnov at 0.1 %: 1.95 / sqrt(n). */
START_TEST(arrival_gaps_are_exponential)
{
    enum { GAPS = 4000 };
    static double gaps[GAPS];
    struct workload workload = standard();
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    uint64_t before_ns = 0;
    workload.sessions_per_s = 2.0;
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    for (int i = 0; i < GAPS; i++) {
        ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
        gaps[i] = (double)(session.arrival_ns - before_ns) / 1e9;
        before_ns = session.arrival_ns;
    }
    trace_close(trace);
    double worst = 0.0;
    for (int i = 0; i < GAPS; i++) {
        int below = 0;
        for (int j = 0; j < GAPS; j++)
            below += gaps[j] <= gaps[i];
        worst = fmax(worst, fabs((double)below / GAPS - (1.0 - exp(-2.0 * gaps[i]))));
    }
    ck_assert_double_lt(worst, 1.95 / sqrt(GAPS) + 1.0 / GAPS);
}
END_TEST

START_TEST(a_mean_that_the_share_cannot_have_is_refused)
{
    struct workload workload = standard();
    struct trace *trace;
    struct error err = { 0 };
    workload.mean_turns = 1.5;
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "workload.mean_turns");
}
END_TEST

/* The first sessions of the workload, which have one turn each. */
static void draw_turns(const struct workload *workload, struct trace_turn turn[COMPARED])
{
    struct trace *trace;
    struct trace_session session;
    struct error err = { 0 };
    ck_assert_int_eq(trace_generate(workload, &trace, &err), STATUS_OK);
    for (int i = 0; i < COMPARED; i++) {
        ck_assert_int_eq(trace_next(trace, &session, &err), TRACE_ITEM);
        ck_assert_uint_eq(session.turn_count, 1);
        turn[i] = session.turns[0];
    }
    trace_close(trace);
}

static struct workload single_turns(enum lengths lengths)
{
    struct workload workload = standard();
    workload.multi_turn_share = 0.0;
    workload.mean_turns = 1.0;
    workload.lengths = (int)lengths;
    return workload;
}

/* Of 300 draws of 11 lengths each is there, and each in about 27: within 4.5 deviations of 5. */
START_TEST(uniform_lengths_are_all_alike_from_least_to_most)
{
    enum { LEAST = 90, MOST = 100, LENGTHS_COUNT = MOST - LEAST + 1 };
    struct workload workload = single_turns(LENGTHS_UNIFORM);
    struct trace_turn turn[COMPARED];
    int prompts[LENGTHS_COUNT] = { 0 }, together = 0;
    workload.prompt_tokens_least = LEAST;
    workload.prompt_tokens_most = MOST;
    workload.reply_tokens_least = workload.reply_tokens_most = 7;
    draw_turns(&workload, turn);
    for (int i = 0; i < COMPARED; i++) {
        ck_assert_uint_ge(turn[i].prompt_tokens, LEAST);
        ck_assert_uint_le(turn[i].prompt_tokens, MOST);
        ck_assert_uint_eq(turn[i].reply_tokens, 7);
        prompts[turn[i].prompt_tokens - LEAST]++;
    }
    for (int i = 0; i < LENGTHS_COUNT; i++)
        ck_assert_msg(prompts[i] > 4 && prompts[i] < 50, "%d: %d times", LEAST + i, prompts[i]);
    workload.reply_tokens_least = LEAST; /* a prompt and its reply are drawn apart */
    workload.reply_tokens_most = MOST;
    draw_turns(&workload, turn);
    for (int i = 0; i < COMPARED; i++)
        together += turn[i].prompt_tokens == turn[i].reply_tokens;
    ck_assert_int_lt(together, 50);
}
END_TEST

START_TEST(constant_lengths_are_the_means)
{
    struct workload workload = single_turns(LENGTHS_CONSTANT);
    struct trace_turn turn[COMPARED];
    draw_turns(&workload, turn);
    for (int i = 0; i < COMPARED; i++) {
        ck_assert_uint_eq(turn[i].prompt_tokens, 250);
        ck_assert_uint_eq(turn[i].reply_tokens, 525);
    }
}
END_TEST

START_TEST(a_least_length_above_the_most_is_refused_where_it_counts)
{
    struct workload workload = single_turns(LENGTHS_UNIFORM);
    struct trace *trace;
    struct error err = { 0 };
    workload.reply_tokens_least = workload.reply_tokens_most + 1;
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "workload.reply_tokens.least");
    workload.lengths = LENGTHS_CONSTANT;
    ck_assert_int_eq(trace_generate(&workload, &trace, &err), STATUS_OK);
    trace_close(trace);
}
END_TEST

START_TEST(at_an_infinite_rate_all_come_at_once)
{
    const struct config_section sections[] = { { .prefix = "", .rows = workload_rows }, { 0 } };
    struct config_tree *tree = NULL;
    struct workload workload;
    struct error err = { 0 };
    ck_assert_int_eq(config_tree_parse("{sessions_per_s: inf, sessions: 300}", "test", &tree, &err),
                     STATUS_OK);
    ck_assert_int_eq(config_load(sections, tree, &workload, &err), STATUS_OK);
    config_tree_free(tree);
    struct trace_info info = info_of(&workload);
    ck_assert_uint_eq(info.sessions, 300);
    ck_assert_uint_eq(info.duration_ns, 0);
    char *text = config_values_text(sections, &workload); /* as it is stored and read again */
    ck_assert_ptr_nonnull(strstr(text, "sessions_per_s: inf\n"));
    free(text);
}
END_TEST

START_TEST(the_hash_tells_parameters_apart)
{
    struct workload workload = standard();
    struct trace_info before = info_of(&workload), same = info_of(&workload);
    workload.think_mean_ns++;
    struct trace_info after = info_of(&workload);
    ck_assert_uint_eq(before.hash, same.hash);
    ck_assert_uint_ne(before.hash, after.hash);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("generator");
    TCase *tcase = tcase_create("workload");
    tcase_add_loop_test(tcase, the_published_statistics_hold, 0, 10);
    tcase_add_test(tcase, the_same_seed_gives_the_same_workload_everywhere);
    tcase_add_test(tcase, think_time_leaves_arrivals_and_lengths_as_they_were);
    tcase_add_test(tcase, arrival_gaps_are_exponential);
    tcase_add_test(tcase, a_mean_that_the_share_cannot_have_is_refused);
    tcase_add_test(tcase, uniform_lengths_are_all_alike_from_least_to_most);
    tcase_add_test(tcase, constant_lengths_are_the_means);
    tcase_add_test(tcase, a_least_length_above_the_most_is_refused_where_it_counts);
    tcase_add_test(tcase, at_an_infinite_rate_all_come_at_once);
    tcase_add_test(tcase, the_hash_tells_parameters_apart);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
