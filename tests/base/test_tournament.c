/* tests/base/test_tournament.c - the first of many changing numbers is the one that a scan finds.
 */
#include "base/tournament.h"

#include "base/random.h"
#include "tests/support.h"

#include <inttypes.h>

/* Too plain to err as a tree errs: the lowest key, of equal ones the lowest index. */
static uint32_t scan(const struct tournament *tournament)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < tournament->count; i++)
        if (tournament->key[i] < tournament->key[first])
            first = i;
    return first;
}

START_TEST(one_is_the_first_of_one)
{
    struct tournament tournament;
    tournament_init(&tournament, 1, 5);
    ck_assert_uint_eq(tournament_first(&tournament), 0);
    ck_assert_uint_eq(tournament_first_key(&tournament), 5);
    tournament_set(&tournament, 0, 7);
    ck_assert_uint_eq(tournament_first_key(&tournament), 7);
    tournament_free(&tournament);
}
END_TEST

START_TEST(of_equal_keys_the_lowest_index_is_first)
{
    struct tournament tournament;
    tournament_init(&tournament, 5, 9);
    ck_assert_uint_eq(tournament_first(&tournament), 0);
    tournament_set(&tournament, 4, 2);
    tournament_set(&tournament, 3, 2);
    ck_assert_uint_eq(tournament_first(&tournament), 3);
    tournament_set(&tournament, 3, 9);
    ck_assert_uint_eq(tournament_first(&tournament), 4);
    tournament_free(&tournament);
}
END_TEST

START_TEST(any_sequence_of_changes_agrees_with_a_scan)
{
    struct random random = random_from(test_seed(), 1);
    for (uint32_t count = 1; count < 70; count++) {
        struct tournament tournament;
        tournament_init(&tournament, count, 3);
        for (uint32_t step = 0; step < 500; step++) {
            /* Few different keys: ties are the rule. Now and then never. */
            uint64_t key = random_below(&random, 6);
            tournament_set(&tournament, (uint32_t)random_below(&random, count),
                           key == 5 ? UINT64_MAX : key);
            ck_assert_msg(tournament_first(&tournament) == scan(&tournament),
                          "seed %" PRIu64 ", count %" PRIu32 ", step %" PRIu32, test_seed(), count,
                          step);
        }
        tournament_free(&tournament);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("base_tournament");
    TCase *tcase = tcase_create("tournament");
    tcase_add_test(tcase, one_is_the_first_of_one);
    tcase_add_test(tcase, of_equal_keys_the_lowest_index_is_first);
    tcase_add_test(tcase, any_sequence_of_changes_agrees_with_a_scan);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
