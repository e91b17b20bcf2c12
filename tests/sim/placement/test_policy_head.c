/* tests/sim/placement/test_policy_head.c - what LMCache's orders promise, and its own case for LFU
 * (tests/v1/storage_backend/test_cache_policy.py at 18359b0). */
#include "tests/sim/placement/policy_case.h"
#include "tests/support.h"

/* Blocks 1..3 of a context come in at once, deepest first, as the core tells it. */
static void enter_together(struct policy_case *c, const struct policy *policy)
{
    case_init(c, policy, 0, TIER_DRAM);
    for (uint32_t unit = 1; unit <= CASE_UNITS; unit++)
        c->table.seen.depth[unit] = unit - 1;
    c->env.arrivals = 1;
    for (uint32_t unit = 3; unit >= 1; unit--) {
        c->table.unit[unit].tokens[TIER_DRAM] = 1;
        policy->enter(&c->env, unit, TIER_DRAM);
    }
}

START_TEST(the_head_of_a_new_context_is_its_oldest)
{
    const struct policy *const policies[] = { &policy_head_lru, &policy_head_fifo,
                                              &policy_head_lfu };
    for (int i = 0; i < 3; i++) {
        struct policy_case c;
        enter_together(&c, policies[i]);
        for (uint32_t unit = 1; unit <= 3; unit++) {
            ck_assert_uint_eq(case_victim(&c, TIER_DRAM), unit);
            case_leave(&c, unit, TIER_DRAM);
        }
        case_free(&c);
    }
}
END_TEST

START_TEST(of_a_context_that_was_found_the_tail_is_the_oldest)
{
    struct policy_case c;
    enter_together(&c, &policy_head_lru);
    for (uint32_t unit = 3; unit >= 1; unit--) /* deepest first */
        case_use(&c, unit, TIER_DRAM);
    for (uint32_t unit = 3; unit >= 1; unit--) {
        ck_assert_uint_eq(case_victim(&c, TIER_DRAM), unit);
        case_leave(&c, unit, TIER_DRAM);
    }
    case_free(&c);
}
END_TEST

START_TEST(what_a_request_did_not_find_and_its_end_touch_nothing)
{
    struct policy_case c;
    enter_together(&c, &policy_head_lru);
    case_use_as(&c, 1, TIER_DRAM, (struct policy_use){ 0 });
    case_use_as(&c, 1, TIER_DRAM, (struct policy_use){ .ends = true });
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

START_TEST(mru_gives_up_the_last_block_of_the_last_context)
{
    struct policy_case c;
    enter_together(&c, &policy_head_mru);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 3);
    case_use(&c, 1, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

START_TEST(lmcache_s_lfu_test_a_c_b)
{
    struct policy_case c; /* a, b, c = 1, 2, 3 */
    enter_together(&c, &policy_head_lfu);
    case_use(&c, 2, TIER_DRAM);
    case_use(&c, 2, TIER_DRAM);
    case_use(&c, 3, TIER_DRAM);
    static const uint32_t expected[] = { 1, 3, 2 };
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(case_victim(&c, TIER_DRAM), expected[i]);
        case_leave(&c, expected[i], TIER_DRAM);
    }
    case_free(&c);
}
END_TEST

static uint64_t found_at(const struct policy_case *c, uint32_t unit, enum tier tier)
{
    return tier == TIER_HBM ? case_used_at(c, unit, tier) : c->record[unit].found_at[tier];
}

static uint64_t entered_at(const struct policy_case *c, uint32_t unit, enum tier tier)
{
    return tier == TIER_HBM ? case_used_at(c, unit, tier) : c->record[unit].entered_at[tier];
}

static uint64_t founds(const struct policy_case *c, uint32_t unit, enum tier tier)
{
    uint64_t count = tier == TIER_HBM ? 0 : c->record[unit].founds[tier];
    return (count << 32) + found_at(c, unit, tier);
}

static uint64_t newest(const struct policy_case *c, uint32_t unit, enum tier tier)
{
    return tier == TIER_HBM ? case_used_at(c, unit, tier) : UINT64_MAX - found_at(c, unit, tier);
}

static uint32_t slow_lru(const struct policy_case *c, enum tier tier)
{
    return case_least(c, tier, found_at);
}

static uint32_t slow_fifo(const struct policy_case *c, enum tier tier)
{
    return case_least(c, tier, entered_at);
}

static uint32_t slow_lfu(const struct policy_case *c, enum tier tier)
{
    return case_least(c, tier, founds);
}

static uint32_t slow_mru(const struct policy_case *c, enum tier tier)
{
    return case_least(c, tier, newest);
}

START_TEST(any_sequence_of_calls_agrees_with_the_scan)
{
    case_compare(&policy_head_lru, slow_lru);
    case_compare(&policy_head_fifo, slow_fifo);
    case_compare(&policy_head_lfu, slow_lfu);
    case_compare(&policy_head_mru, slow_mru);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_head");
    TCase *tests = tcase_create("head");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, the_head_of_a_new_context_is_its_oldest);
    tcase_add_test(tests, of_a_context_that_was_found_the_tail_is_the_oldest);
    tcase_add_test(tests, what_a_request_did_not_find_and_its_end_touch_nothing);
    tcase_add_test(tests, mru_gives_up_the_last_block_of_the_last_context);
    tcase_add_test(tests, lmcache_s_lfu_test_a_c_b);
    tcase_add_test(tests, any_sequence_of_calls_agrees_with_the_scan);
    return test_main(suite);
}
