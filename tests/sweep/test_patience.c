/* tests/sweep/test_patience.c - a run is given up for what it does, and no run that goes on is. */
#include "sweep/patience.h"

#include "tests/support.h"

/* Tells until it is given up, each time with so many turns more; at most `most` of them. */
static uint64_t tells_until_lost(double turns_a_tell, uint64_t most)
{
    struct patience patience = { 0 };
    for (uint64_t i = 1; i <= most; i++)
        if (!patience_lasts(&patience, (uint64_t)((double)i * turns_a_tell)))
            return i;
    return 0;
}

START_TEST(a_run_of_which_no_turn_ends_is_given_up)
{
    uint64_t tells = tells_until_lost(0.0, 1000000);
    ck_assert_uint_gt(tells, 0);
    /* 200 turns are granted, of 100,000 events each. */
    ck_assert_uint_eq(tells, 201 * 100000 / 4096 + 1);
}
END_TEST

START_TEST(a_run_whose_turns_end_goes_on_however_long)
{
    /* 4,096 events for a tenth of a turn: 40,960 each. */
    ck_assert_uint_eq(tells_until_lost(0.1, 5000000), 0);
    /* And 409,600 are too many. */
    ck_assert_uint_gt(tells_until_lost(0.01, 5000000), 0);
}
END_TEST

START_TEST(what_is_given_up_stays_so)
{
    struct patience patience = { 0 };
    while (patience_lasts(&patience, 0))
        ;
    ck_assert(!patience_lasts(&patience, UINT32_MAX));
    ck_assert(patience.lost);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("patience");
    TCase *tcase = tcase_create("patience");
    tcase_add_test(tcase, a_run_of_which_no_turn_ends_is_given_up);
    tcase_add_test(tcase, a_run_whose_turns_end_goes_on_however_long);
    tcase_add_test(tcase, what_is_given_up_stays_so);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
