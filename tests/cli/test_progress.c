/* tests/cli/test_progress.c - the progress line says how far, how fast and how long yet. */
#include "cli/progress.h"

#include "base/units.h"
#include "tests/support.h"

START_TEST(half_way_the_rest_takes_as_long_again)
{
    char line[160];
    progress_line(0.5, 3000, "turns", 10 * NS_PER_S, line, sizeof line);
    ck_assert_str_eq(
        line, " 50 % [###############...............] 3.00k turns, 300 turns/s, 10.0 s left");
}
END_TEST

START_TEST(at_the_start_nothing_is_foretold)
{
    char line[160];
    progress_line(0.0, 0, "turns", 0, line, sizeof line);
    ck_assert_str_eq(line, "  0 % [..............................] 0 turns, 0 turns/s, ? left");
}
END_TEST

START_TEST(a_share_beyond_the_whole_is_shown_as_the_whole)
{
    char line[160];
    progress_line(1.2, 100, "runs", NS_PER_S, line, sizeof line);
    ck_assert_str_eq(line,
                     "100 % [##############################] 100 runs, 100 runs/s, 0 ns left");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("progress");
    TCase *lines = tcase_create("line");
    tcase_add_test(lines, half_way_the_rest_takes_as_long_again);
    tcase_add_test(lines, at_the_start_nothing_is_foretold);
    tcase_add_test(lines, a_share_beyond_the_whole_is_shown_as_the_whole);
    suite_add_tcase(suite, lines);
    return test_main(suite);
}
