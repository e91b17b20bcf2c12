/* tests/base/test_spread.c - every part of a loop is done, once, in pieces of at least so many. */
#include "base/spread.h"

#include "base/memory.h"
#include "tests/support.h"

#include <stdatomic.h>
#include <stdlib.h>

struct seen {
    atomic_uint *times;
    atomic_uint calls, small;
    uint64_t count, least;
};

static void see(void *context, uint64_t begin, uint64_t end)
{
    struct seen *seen = context;
    atomic_fetch_add(&seen->calls, 1);
    if (end - begin < seen->least && end < seen->count)
        atomic_fetch_add(&seen->small, 1);
    for (uint64_t i = begin; i < end; i++)
        atomic_fetch_add(&seen->times[i], 1);
}

START_TEST(each_index_is_done_once)
{
    static const uint64_t counts[] = { 1, 2, 15, 16, 17, 999, 1000, 4097 };
    static const uint64_t leasts[] = { 1, 7, 100, 100000 };
    struct seen seen = { .count = counts[_i / 4], .least = leasts[_i % 4] };
    seen.times = memory_new(seen.count, sizeof *seen.times);
    spread(seen.count, seen.least, see, &seen);
    for (uint64_t i = 0; i < seen.count; i++)
        ck_assert_uint_eq(seen.times[i], 1);
    ck_assert_uint_eq(seen.small, 0);
    ck_assert(seen.calls >= 1 && seen.calls <= 16);
    free(seen.times);
}
END_TEST

START_TEST(nothing_to_do_is_nothing_done)
{
    struct seen seen = { 0 };
    spread(0, 10, see, &seen);
    ck_assert_uint_eq(seen.calls, 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("spread");
    tcase_add_loop_test(tests, each_index_is_done_once, 0, 32);
    tcase_add_test(tests, nothing_to_do_is_nothing_done);
    Suite *suite = suite_create("spread");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
