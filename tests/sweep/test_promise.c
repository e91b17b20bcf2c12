/* tests/sweep/test_promise.c - what may be promised, and how much of it is missed. */
#include "sweep/promise.h"

#include "tests/support.h"

#include <math.h>
#include <string.h>

static struct promise parsed(const char *text)
{
    struct promise promise;
    struct error err = { 0 };
    if (promise_parse(text, &promise, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("%s was refused", text);
    }
    return promise;
}

START_TEST(limits_are_in_the_metrics_unit)
{
    static const struct {
        const char *text, *metric;
        double limit;
        bool at_least;
    } cases[] = {
        { "ttft_p99=2s", "ttft_p99_ns", 2e9, false },
        { "tbt_p99_ns=50ms", "tbt_p99_ns", 50e6, false },
        { "e2e_p99=1.5min", "e2e_p99_ns", 90e9, false },
        { "goodput=99%", "slo_attainment", 0.99, true },
        { "slo_attainment=0.95", "slo_attainment", 0.95, true },
        { "tokens_per_s=500", "reply_tokens_per_s", 500, true },
        { "peak_dram_bytes=1TB", "peak_dram_bytes", 1e12, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct promise promise = parsed(cases[i].text);
        ck_assert_str_eq(metric_rows[promise.metric].name, cases[i].metric);
        ck_assert_double_eq_tol(promise.limit, cases[i].limit, 1e-6);
        ck_assert_int_eq(promise.at_least, cases[i].at_least);
    }
}
END_TEST

START_TEST(a_time_without_its_unit_is_refused)
{
    static const char *const bad[] = { "ttft_p99=2", "ttft_p99=2.5", "ttft_p99=1e9", "e2e_p99=30" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct promise promise;
        struct error err = { 0 };
        ck_assert_int_eq(promise_parse(bad[i], &promise, &err), STATUS_INPUT);
        ck_assert_msg(strstr(err.expected, "unit") != NULL, "%s: %s", bad[i], err.expected);
    }
}
END_TEST

START_TEST(what_is_no_promise_is_refused)
{
    static const char *const bad[] = {
        "ttft_p99",     "=2s",          "ttft_p98=2s",         "ttft_p99=fast", "ttft_p99=0s",
        "ttft_p99=-1s", "goodput=lots", "goodput=0%",          "ttft_p99=",     "peak_dram_bytes=5",
        "ttft_p99=50%", "goodput=1.5",  "hit_rate_tokens=101%"
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct promise promise;
        struct error err = { 0 };
        ck_assert_msg(promise_parse(bad[i], &promise, &err) == STATUS_INPUT, "%s was taken",
                      bad[i]);
    }
}
END_TEST

START_TEST(a_violation_of_one_is_the_limit_itself)
{
    struct metrics metrics = { .ttft_p99_ns = 3e9, .slo_attainment = 0.5 };
    struct promise ttft = parsed("ttft_p99=2s"), goodput = parsed("goodput=0.75");
    ck_assert_double_eq(promise_violation(&ttft, &metrics), 1.5);
    ck_assert_double_eq(promise_violation(&goodput, &metrics), 1.5);
    metrics = (struct metrics){ .ttft_p99_ns = 2e9, .slo_attainment = 0.0 };
    ck_assert_double_eq(promise_violation(&ttft, &metrics), 1.0);
    ck_assert(isinf(promise_violation(&goodput, &metrics)));
    metrics.ttft_p99_ns = NAN;
    ck_assert(isinf(promise_violation(&ttft, &metrics)));
}
END_TEST

START_TEST(promises_are_said_as_they_are_kept)
{
    struct promise ttft = parsed("ttft_p99=2s"), goodput = parsed("goodput=99%");
    char text[128];
    ck_assert_str_eq(promise_text(&ttft, text, sizeof text), "ttft_p99 <= 2.00 s");
    ck_assert_str_eq(promise_text(&goodput, text, sizeof text), "slo_attainment >= 99.00 %");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("promise");
    TCase *tcase = tcase_create("promise");
    tcase_add_test(tcase, limits_are_in_the_metrics_unit);
    tcase_add_test(tcase, a_time_without_its_unit_is_refused);
    tcase_add_test(tcase, what_is_no_promise_is_refused);
    tcase_add_test(tcase, a_violation_of_one_is_the_limit_itself);
    tcase_add_test(tcase, promises_are_said_as_they_are_kept);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
