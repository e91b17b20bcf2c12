/* tests/base/test_clock.c - the clock goes forward, and sleeping does not end early. */
#include "base/clock.h"

#include "base/units.h"
#include "tests/support.h"

START_TEST(the_clock_never_goes_back)
{
    uint64_t before_ns = clock_now_ns();
    for (int i = 0; i < 10000; i++) {
        uint64_t now_ns = clock_now_ns();
        ck_assert_uint_ge(now_ns, before_ns);
        before_ns = now_ns;
    }
}
END_TEST

START_TEST(sleeping_ends_at_its_time_or_after_and_not_at_all_if_that_has_passed)
{
    uint64_t begin_ns = clock_now_ns(), until_ns = begin_ns + 3 * NS_PER_MS;
    clock_sleep_until(until_ns);
    ck_assert_uint_ge(clock_now_ns(), until_ns);
    clock_sleep_until(0);
    clock_sleep_until(begin_ns);
}
END_TEST

START_TEST(a_timespec_is_whole_seconds_and_the_rest)
{
    struct timespec time = clock_timespec(7 * NS_PER_S + 999999999);
    ck_assert_int_eq(time.tv_sec, 7);
    ck_assert_int_eq(time.tv_nsec, 999999999);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *tcase = tcase_create("clock");
    tcase_add_test(tcase, the_clock_never_goes_back);
    tcase_add_test(tcase, sleeping_ends_at_its_time_or_after_and_not_at_all_if_that_has_passed);
    tcase_add_test(tcase, a_timespec_is_whole_seconds_and_the_rest);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
