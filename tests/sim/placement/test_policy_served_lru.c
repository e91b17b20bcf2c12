/* tests/sim/placement/test_policy_served_lru.c - what served-lru promises: a tier below HBM knows
 * what it served, and nothing else. */
#include "tests/sim/placement/policy_case.h"
#include "tests/support.h"

START_TEST(what_a_faster_tier_served_leaves_no_trace)
{
    struct policy_case c;
    case_init(&c, &policy_served_lru, 3, TIER_DRAM);
    case_use_as(&c, 1, TIER_DRAM, (struct policy_use){ .found = true });
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_use_as(&c, 1, TIER_DRAM, (struct policy_use){ .found = true, .served = true });
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 2);
    case_free(&c);
}
END_TEST

START_TEST(in_hbm_a_job_s_end_counts)
{
    struct policy_case c;
    case_init(&c, &policy_served_lru, 3, TIER_HBM);
    case_use_as(&c, 1, TIER_HBM, (struct policy_use){ .ends = true });
    ck_assert_uint_eq(case_victim(&c, TIER_HBM), 2);
    case_free(&c);
}
END_TEST

static uint64_t served_at(const struct policy_case *c, uint32_t unit, enum tier tier)
{
    return tier == TIER_HBM ? case_used_at(c, unit, tier) : c->record[unit].served_at[tier];
}

static uint32_t slow_victim(const struct policy_case *c, enum tier tier)
{
    return case_least(c, tier, served_at);
}

START_TEST(any_sequence_of_calls_agrees_with_the_scan)
{
    case_compare(&policy_served_lru, slow_victim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_served_lru");
    TCase *tests = tcase_create("served-lru");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_a_faster_tier_served_leaves_no_trace);
    tcase_add_test(tests, in_hbm_a_job_s_end_counts);
    tcase_add_test(tests, any_sequence_of_calls_agrees_with_the_scan);
    return test_main(suite);
}
