/* tests/sweep/test_axis.c - what `--vary` takes, and what it is refused for. */
#include "sweep/axis.h"

#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

static struct axis parsed(const char *text)
{
    struct axis axis;
    struct error err = { 0 };
    if (axis_parse(text, &axis, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("%s was refused", text);
    }
    return axis;
}

/* The values with commas between them. */
static void check_values(const char *text, const char *expected)
{
    struct axis axis = parsed(text);
    char values[512] = "";
    for (uint32_t i = 0; i < axis.count; i++) {
        strcat(values, i > 0 ? "," : "");
        strcat(values, axis.value[i]);
    }
    ck_assert_str_eq(values, expected);
    axis_free(&axis);
}

START_TEST(a_list_is_taken_as_it_stands)
{
    check_values("policy=scheduler-aware,lru+on-demand,none", "scheduler-aware,lru+on-demand,none");
    check_values("tiers.dram.capacity=64GB,1TB", "64GB,1TB");
    check_values("trace=../a.jsonl,b.jsonl", "../a.jsonl,b.jsonl");
}
END_TEST

START_TEST(logarithmic_values_are_a_factor_apart_and_keep_the_ends)
{
    check_values("tiers.dram.capacity=64GB..2048GB:log6",
                 "64000000000,128000000000,256000000000,512000000000,1020000000000,2048000000000");
}
END_TEST

START_TEST(linear_values_are_a_step_apart)
{
    check_values("workload.sessions_per_s=0.5..2:lin4", "0.5,1,1.5,2");
    check_values("engine.batch=8..32:lin4", "8,16,24,32");
}
END_TEST

START_TEST(a_whole_number_key_may_leave_out_the_count)
{
    check_values("gpus=1..4", "1,2,3,4");
}
END_TEST

START_TEST(a_range_may_stand_among_values_and_no_value_comes_twice)
{
    check_values("tiers.dram.capacity=0,1..100:log3,50,100", "0,1,10,100,50");
    check_values("gpus=1..4:log5", "1,2,3,4"); /* 1.41 rounds to 1, 2.83 to 3 */
}
END_TEST

START_TEST(a_range_without_a_count_is_continuous)
{
    struct axis axis = parsed("tiers.dram.capacity=64GB..2TB:log");
    ck_assert(axis.continuous && axis.logarithmic);
    char *low = axis_value_at(&axis, 0.0), *middle = axis_value_at(&axis, 0.5);
    ck_assert_str_eq(low, "64000000000");
    ck_assert_double_eq_tol(strtod(middle, NULL), 357770876400, 1); /* sqrt(64e9 * 2e12) */
    free(low);
    free(middle);
    axis_free(&axis);
}
END_TEST

START_TEST(shares_of_a_list_are_equally_wide)
{
    struct axis axis = parsed("policy=a,b,c,d");
    for (int i = 0; i < 4; i++) {
        char *first = axis_value_at(&axis, i * 0.25),
             *last = axis_value_at(&axis, i * 0.25 + 0.249);
        ck_assert_str_eq(first, axis.value[i]);
        ck_assert_str_eq(last, axis.value[i]);
        free(first);
        free(last);
    }
    axis_free(&axis);
}
END_TEST

START_TEST(values_are_shown_with_their_units)
{
    char text[32];
    ck_assert_str_eq(axis_show(axis_row("tiers.dram.capacity"), "128000000000", text, sizeof text),
                     "128 GB");
    ck_assert_str_eq(axis_show(axis_row("tiers.dram.capacity"), "hardware", text, sizeof text),
                     "hardware");
    ck_assert_str_eq(axis_show(axis_row("policy"), "lru", text, sizeof text), "lru");
}
END_TEST

static const char *const refused[][2] = {
    { "policy", "KEY=VALUE" },
    { "=lru", "KEY=VALUE" },
    { "polic=lru", "a key of an experiment" },
    { "policy=lru,,none", "values with commas" },
    { "policy=", "values with commas" },
    { "tiers.dram.capacity=64GB..2TB", "how many values" },
    { "tiers.dram.capacity=64GB..2TB:log1", "N from 2" },
    { "tiers.dram.capacity=64GB..2TB:log6x", "N from 2" },
    { "tiers.dram.capacity=64GB..2TB:cubic3", "logN, linN" },
    { "tiers.dram.capacity=2TB..64GB:log3", "from a lower" },
    { "tiers.dram.capacity=0..64GB:log3", "begins above 0" },
    { "tiers.dram.capacity=64GB..2s:log3", "a size" },
    { "tiers.dram.capacity=0,64GB..2TB:log", "by itself" },
    { "engine.batch=1..4096000", "how many values" },
    { "workload.seed=100000000000000000..100000000000000064", "whole numbers up to" },
};

START_TEST(what_cannot_be_meant_is_refused_with_what_can)
{
    struct axis axis;
    struct error err = { 0 };
    ck_assert_int_eq(axis_parse(refused[_i][0], &axis, &err), STATUS_INPUT);
    ck_assert_msg(strstr(err.expected, refused[_i][1]) != NULL, "%s: expected %s", refused[_i][0],
                  err.expected);
    axis_free(&axis);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("axis");
    TCase *tcase = tcase_create("axis");
    tcase_add_test(tcase, a_list_is_taken_as_it_stands);
    tcase_add_test(tcase, logarithmic_values_are_a_factor_apart_and_keep_the_ends);
    tcase_add_test(tcase, linear_values_are_a_step_apart);
    tcase_add_test(tcase, a_whole_number_key_may_leave_out_the_count);
    tcase_add_test(tcase, a_range_may_stand_among_values_and_no_value_comes_twice);
    tcase_add_test(tcase, a_range_without_a_count_is_continuous);
    tcase_add_test(tcase, shares_of_a_list_are_equally_wide);
    tcase_add_test(tcase, values_are_shown_with_their_units);
    tcase_add_loop_test(tcase, what_cannot_be_meant_is_refused_with_what_can, 0,
                        sizeof refused / sizeof *refused);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
