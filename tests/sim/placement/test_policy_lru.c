/* tests/sim/placement/test_policy_lru.c - what LRU promises. */
#include "tests/sim/placement/policy_case.h"
#include "tests/support.h"

START_TEST(what_nobody_used_for_longest_is_given_up)
{
    struct policy_case c;
    case_init(&c, &policy_lru, 3, TIER_DRAM);
    case_use(&c, 1, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 2);
    case_use(&c, 2, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 3);
    case_free(&c);
}
END_TEST

START_TEST(coming_in_is_a_use)
{
    struct policy_case c;
    case_init(&c, &policy_lru, 2, TIER_DRAM);
    case_leave(&c, 1, TIER_DRAM);
    case_enter(&c, 1, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 2);
    case_free(&c);
}
END_TEST

START_TEST(a_pin_is_no_use)
{
    struct policy_case c;
    case_init(&c, &policy_lru, 3, TIER_DRAM);
    case_pin(&c, 1);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 2);
    case_unpin(&c, 1);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

START_TEST(use_in_one_tier_says_nothing_of_another)
{
    struct policy_case c;
    case_init(&c, &policy_lru, 2, TIER_DRAM);
    case_enter(&c, 1, TIER_SSD);
    case_enter(&c, 2, TIER_SSD);
    case_use(&c, 1, TIER_SSD);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    ck_assert_uint_eq(case_victim(&c, TIER_SSD), 2);
    case_free(&c);
}
END_TEST

static uint32_t slow_victim(const struct policy_case *c, enum tier tier)
{
    uint32_t idlest = UNIT_NONE;
    for (uint32_t unit = 1; unit <= CASE_UNITS; unit++)
        if (case_may_go(c, unit, tier) &&
            (idlest == UNIT_NONE ||
             c->record[unit].used_at[tier] < c->record[idlest].used_at[tier]))
            idlest = unit;
    return idlest;
}

START_TEST(any_sequence_of_calls_agrees_with_the_scan)
{
    case_compare(&policy_lru, slow_victim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_lru");
    TCase *tests = tcase_create("lru");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_nobody_used_for_longest_is_given_up);
    tcase_add_test(tests, coming_in_is_a_use);
    tcase_add_test(tests, a_pin_is_no_use);
    tcase_add_test(tests, use_in_one_tier_says_nothing_of_another);
    tcase_add_test(tests, any_sequence_of_calls_agrees_with_the_scan);
    return test_main(suite);
}
