/* tests/base/test_ranges.c - ranges handed out never overlap, and come back to use. */
#include "base/ranges.h"

#include "base/memory.h"
#include "base/random.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

START_TEST(index_0_is_never_handed_out)
{
    struct ranges ranges;
    ranges_init(&ranges);
    ck_assert_uint_ge(ranges_take(&ranges, 1), 1);
    ranges_free(&ranges);
}
END_TEST

START_TEST(a_range_holds_its_count_rounded_up_to_a_power_of_two)
{
    ck_assert_uint_eq(ranges_size(1), 1);
    ck_assert_uint_eq(ranges_size(2), 2);
    ck_assert_uint_eq(ranges_size(3), 4);
    ck_assert_uint_eq(ranges_size(4), 4);
    ck_assert_uint_eq(ranges_size(1025), 2048);
}
END_TEST

START_TEST(a_returned_range_serves_the_next_request_of_its_size)
{
    struct ranges ranges;
    ranges_init(&ranges);
    uint32_t first = ranges_take(&ranges, 5);
    uint32_t high_water = ranges.high_water;
    ranges_return(&ranges, first, 5);
    ck_assert_uint_eq(ranges_take(&ranges, 7), first);
    ck_assert_uint_eq(ranges.high_water, high_water);
    ck_assert_uint_ne(ranges_take(&ranges, 5), first);
    ranges_free(&ranges);
}
END_TEST

#define INDICES 100000
#define HELD 64

struct held {
    uint32_t first, count;
};

/* Marks a range's indices in the slow model: one owner each. */
static void mark(bool *used, struct held held, bool taken)
{
    for (uint32_t i = held.first; i < held.first + ranges_size(held.count); i++) {
        ck_assert_uint_lt(i, INDICES);
        ck_assert_msg(used[i] != taken, "index %" PRIu32 " has two owners", i);
        used[i] = taken;
    }
}

START_TEST(ranges_never_overlap_whatever_is_taken_and_returned)
{
    struct random random = random_from(test_seed(), 0);
    struct ranges ranges;
    ranges_init(&ranges);
    bool *used = memory_new(INDICES, sizeof *used);
    struct held held[HELD] = { 0 };
    for (int step = 0; step < 4000; step++) {
        struct held *one = &held[random_below(&random, HELD)];
        if (one->count > 0) {
            mark(used, *one, false);
            ranges_return(&ranges, one->first, one->count);
            one->count = 0;
        } else {
            one->count = 1 + (uint32_t)random_below(&random, 100);
            one->first = ranges_take(&ranges, one->count);
            mark(used, *one, true);
            ck_assert_uint_le(one->first + ranges_size(one->count), ranges.high_water);
        }
    }
    free(used);
    ranges_free(&ranges);
}
END_TEST

START_TEST(an_index_space_that_is_used_up_ends_the_process)
{
    struct ranges ranges;
    ranges_init(&ranges);
    for (int i = 0; i < 4; i++)
        ranges_take(&ranges, UINT32_C(1) << 30);
}
END_TEST

START_TEST(a_range_beyond_the_index_space_ends_the_process)
{
    ranges_size((UINT32_C(1) << 31) + 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base/ranges");
    TCase *tcase = tcase_create("ranges");
    tcase_add_test(tcase, index_0_is_never_handed_out);
    tcase_add_test(tcase, a_range_holds_its_count_rounded_up_to_a_power_of_two);
    tcase_add_test(tcase, a_returned_range_serves_the_next_request_of_its_size);
    tcase_add_test(tcase, ranges_never_overlap_whatever_is_taken_and_returned);
    tcase_add_exit_test(tcase, an_index_space_that_is_used_up_ends_the_process, 3);
    tcase_add_exit_test(tcase, a_range_beyond_the_index_space_ends_the_process, 3);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
