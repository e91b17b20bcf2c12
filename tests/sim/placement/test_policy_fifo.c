/* tests/sim/placement/test_policy_fifo.c - what FIFO promises. */
#include "tests/sim/placement/policy_case.h"
#include "tests/support.h"

START_TEST(what_came_first_is_given_up_first)
{
    struct policy_case c;
    case_init(&c, &policy_fifo, 3, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_leave(&c, 1, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 2);
    case_free(&c);
}
END_TEST

START_TEST(use_does_not_count)
{
    struct policy_case c;
    case_init(&c, &policy_fifo, 3, TIER_DRAM);
    case_use(&c, 1, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

START_TEST(a_pinned_unit_is_passed_over_and_keeps_its_place)
{
    struct policy_case c;
    case_init(&c, &policy_fifo, 3, TIER_DRAM);
    case_pin(&c, 1);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 2);
    case_unpin(&c, 1);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

START_TEST(with_all_pinned_none_may_go)
{
    struct policy_case c;
    case_init(&c, &policy_fifo, 2, TIER_SSD);
    case_pin(&c, 1);
    case_pin(&c, 2);
    ck_assert_uint_eq(case_victim(&c, TIER_SSD), UNIT_NONE);
    case_free(&c);
}
END_TEST

START_TEST(tiers_have_orders_of_their_own)
{
    struct policy_case c;
    case_init(&c, &policy_fifo, 3, TIER_DRAM);
    case_enter(&c, 3, TIER_SSD);
    case_enter(&c, 1, TIER_SSD);
    ck_assert_uint_eq(case_victim(&c, TIER_SSD), 3);
    ck_assert_uint_eq(case_victim(&c, TIER_HBM), UNIT_NONE);
    case_free(&c);
}
END_TEST

/* Too plain to err as a list errs. */
static uint32_t slow_victim(const struct policy_case *c, enum tier tier)
{
    uint32_t oldest = UNIT_NONE;
    for (uint32_t unit = 1; unit <= CASE_UNITS; unit++)
        if (case_may_go(c, unit, tier) &&
            (oldest == UNIT_NONE ||
             c->record[unit].entered_at[tier] < c->record[oldest].entered_at[tier]))
            oldest = unit;
    return oldest;
}

START_TEST(any_sequence_of_calls_agrees_with_the_scan)
{
    case_compare(&policy_fifo, slow_victim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_fifo");
    TCase *tests = tcase_create("fifo");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_came_first_is_given_up_first);
    tcase_add_test(tests, use_does_not_count);
    tcase_add_test(tests, a_pinned_unit_is_passed_over_and_keeps_its_place);
    tcase_add_test(tests, with_all_pinned_none_may_go);
    tcase_add_test(tests, tiers_have_orders_of_their_own);
    tcase_add_test(tests, any_sequence_of_calls_agrees_with_the_scan);
    return test_main(suite);
}
