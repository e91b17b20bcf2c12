/* tests/validate/test_load.c - a load is the share of time that computing is busy, and one that no
 * rate gives is told. */
#include "validate/load.h"

#include "tests/sim/runs.h"

#include <stdio.h>
#include <stdlib.h>

#define LITTLE "warmup_turns: 0\nworkload: {mean_turns: 2, multi_turn_share: 0.5}\n"

static struct experiment experiment_with(uint32_t sessions)
{
    char setting[64];
    snprintf(setting, sizeof setting, "workload.sessions=%u", sessions);
    return experiment_of(LITTLE, (const char *[]){ setting, NULL });
}

static struct validated_load found(const struct experiment *experiment, double percent)
{
    struct load_search search;
    struct validated_load load;
    struct error err = { 0 };
    ck_assert_int_eq(load_search_begin(&search, experiment, &err), STATUS_OK);
    ck_assert_int_eq(load_find(&search, percent, &load, &err), STATUS_OK);
    return load;
}

static double busy_percent(struct experiment experiment, double rate)
{
    load_set_rate(&experiment, rate);
    return 100.0 * run_experiment(&experiment).gpu_utilisation;
}

START_TEST(at_the_rate_that_is_found_computing_is_busy_for_the_share_that_was_asked)
{
    struct experiment experiment = experiment_with(300);
    for (double percent = 20; percent < 90; percent += 30) {
        struct validated_load load = found(&experiment, percent);
        ck_assert(load.reached);
        ck_assert_double_eq_tol(busy_percent(experiment, load.rate), percent, 0.1);
    }
}
END_TEST

START_TEST(a_load_that_few_sessions_cannot_make_is_not_reached)
{
    struct experiment experiment = experiment_with(3);
    struct validated_load load = found(&experiment, 85);
    ck_assert(!load.reached);
    ck_assert_double_lt(load.most_percent, 84);
    ck_assert_double_gt(load.most_percent, load.least_percent);
    ck_assert(found(&experiment, load.most_percent / 2).reached);
    ck_assert(!found(&experiment, 150).reached); /* a multiple of what is not reached */
}
END_TEST

/* One session goes on as it does, whenever it comes. */
START_TEST(a_load_below_what_every_rate_gives_is_not_reached)
{
    struct experiment experiment = experiment_with(1);
    struct validated_load load = found(&experiment, 1e-3);
    ck_assert(!load.reached);
    ck_assert_double_gt(load.least_percent, 1e-3);
}
END_TEST

/* Of 300 sessions the last ones' think times leave the GPU idle for more than 15 % of the run. */
START_TEST(oversubscribed_is_a_multiple_of_a_high_load)
{
    struct experiment experiment = experiment_with(1000);
    struct validated_load high = found(&experiment, 85), more = found(&experiment, 170);
    ck_assert(high.reached && more.reached);
    ck_assert_double_eq_tol(more.rate, 2 * high.rate, 1e-6 * high.rate);
}
END_TEST

/* Its own times, made denser: sessions_per_s would change nothing. */
START_TEST(a_traces_load_is_set_by_its_times)
{
    static const char text[] = "session,arrival_s,think_s,prompt_tokens,reply_tokens\n"
                               "a,0,,1000,100\nb,100,,1000,100\nc,200,,1000,100\nd,300,,1000,100\n"
                               "e,400,,1000,100\nf,500,,1000,100\ng,600,,1000,100\n";
    char *path = test_temp_file(text), setting[256];
    snprintf(setting, sizeof setting, "trace=%s", path);
    struct experiment experiment =
        experiment_of("warmup_turns: 0\n", (const char *[]){ setting, NULL });
    ck_assert_str_eq(load_rate_key(&experiment), "import.rate");
    struct validated_load load = found(&experiment, 40);
    ck_assert(load.reached);
    ck_assert_double_eq_tol(busy_percent(experiment, load.rate), 40, 0.1);
    ck_assert_double_gt(load.rate, 1.0);
    remove(path);
    free(path);
}
END_TEST

/* As busy as so many in flight keep it, whatever the rates. */
START_TEST(at_fixed_concurrency_there_is_one_load)
{
    struct experiment experiment = experiment_with(100);
    struct validated_load load;
    struct error err = { 0 };
    experiment.workload.concurrency = 3;
    ck_assert_str_eq(load_rate_key(&experiment), "workload.concurrency");
    ck_assert_int_eq(load_of_concurrency(&experiment, &load, &err), STATUS_OK);
    ck_assert(load.reached);
    ck_assert_double_eq(load.rate, 3);
    ck_assert_double_eq(load.percent, busy_percent(experiment, load.rate));
    experiment.workload.sessions_per_s = 7;
    ck_assert_double_eq(load.percent, busy_percent(experiment, 3.02));
    ck_assert_double_gt(busy_percent(experiment, 4.0), load.percent);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("load");
    TCase *tcase = tcase_create("load");
    tcase_add_test(tcase, at_the_rate_that_is_found_computing_is_busy_for_the_share_that_was_asked);
    tcase_add_test(tcase, a_load_that_few_sessions_cannot_make_is_not_reached);
    tcase_add_test(tcase, a_load_below_what_every_rate_gives_is_not_reached);
    tcase_add_test(tcase, oversubscribed_is_a_multiple_of_a_high_load);
    tcase_add_test(tcase, a_traces_load_is_set_by_its_times);
    tcase_add_test(tcase, at_fixed_concurrency_there_is_one_load);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
