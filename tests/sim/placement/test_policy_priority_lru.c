/* tests/sim/placement/test_policy_priority_lru.c - what priority-lru promises, and TensorRT-LLM's
 * own cases (cpp/tests/unit_tests/batch_manager/evictionPolicyTest.cpp at 2a9abd9). */
#include "tests/sim/placement/policy_case.h"
#include "tests/support.h"

enum { BLOCK = 32 };

/* Unit u is the block at place (u - 1) % 5 of its context. */
static void init(struct policy_case *c, uint64_t retain_tokens, uint32_t priority)
{
    case_init(c, &policy_priority_lru, 0, TIER_DRAM);
    c->env.unit_tokens = BLOCK;
    c->env.keys.retain_tokens = retain_tokens;
    c->env.keys.retain_priority = priority;
    for (uint32_t unit = 1; unit <= CASE_UNITS; unit++)
        c->table.seen.depth[unit] = (unit - 1) % 5;
}

START_TEST(trtllm_s_lru_test_what_was_released_first_goes_first)
{
    struct policy_case c;
    init(&c, 0, 80);
    case_enter(&c, 2, TIER_HBM); /* releaseBlock(block2), then block1 */
    case_enter(&c, 1, TIER_HBM);
    ck_assert_uint_eq(case_victim(&c, TIER_HBM), 2);
    case_leave(&c, 2, TIER_HBM);
    ck_assert_uint_eq(case_victim(&c, TIER_HBM), 1);
    case_free(&c);
}
END_TEST

START_TEST(trtllm_s_priority_test_the_lower_priority_goes_first_though_released_later)
{
    struct policy_case c;
    init(&c, 1, 80);
    case_enter(&c, 1, TIER_HBM); /* place 0: priority 80 */
    case_enter(&c, 2, TIER_HBM); /* place 1: the standard one */
    ck_assert_uint_eq(case_victim(&c, TIER_HBM), 2);
    case_free(&c);
    init(&c, 1, 5);
    case_enter(&c, 2, TIER_HBM);
    case_enter(&c, 1, TIER_HBM); /* priority 5 */
    ck_assert_uint_eq(case_victim(&c, TIER_HBM), 1);
    case_free(&c);
}
END_TEST

START_TEST(a_standard_above_the_range_s_lets_the_range_go_first)
{
    struct policy_case c;
    init(&c, 1, 80);
    c.env.keys.priority_lru_standard_priority = 81;
    case_enter(&c, 2, TIER_HBM);
    case_enter(&c, 1, TIER_HBM);
    ck_assert_uint_eq(case_victim(&c, TIER_HBM), 1);
    case_free(&c);
}
END_TEST

START_TEST(trtllm_s_block_config_test_a_range_covers_blocks_that_begin_in_it)
{
    static const struct {
        uint64_t tokens;
        uint32_t covered;
    } cases[] = { { 0, 0 }, { 1, 1 }, { 32, 1 }, { 33, 2 }, { 63, 2 }, { 65, 3 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_case c;
        init(&c, cases[i].tokens, 80);
        for (uint32_t unit = 1; unit <= 5; unit++) /* one context, released deepest first */
            case_enter(&c, 6 - unit, TIER_HBM);
        uint32_t left = 5, victim;
        while (left > 0 && (victim = case_victim(&c, TIER_HBM)) > cases[i].covered) {
            case_leave(&c, victim, TIER_HBM);
            left--;
        }
        ck_assert_uint_eq(left, cases[i].covered);
        case_free(&c);
    }
}
END_TEST

static uint64_t worth(const struct policy_case *c, uint32_t unit, enum tier tier)
{
    const struct policy_keys *keys = &c->env.keys;
    uint64_t priority = c->table.seen.depth[unit] * BLOCK < keys->retain_tokens
                            ? 80
                            : keys->priority_lru_standard_priority;
    return (priority << 32) + c->record[unit].used_at[tier];
}

static uint32_t slow_victim(const struct policy_case *c, enum tier tier)
{
    return case_least(c, tier, worth);
}

START_TEST(any_sequence_of_calls_agrees_with_the_scan)
{
    struct policy_case c;
    init(&c, 2 * BLOCK, 80);
    case_compare_from(&c, slow_victim);
    case_free(&c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_priority_lru");
    TCase *tests = tcase_create("priority-lru");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, trtllm_s_lru_test_what_was_released_first_goes_first);
    tcase_add_test(tests,
                   trtllm_s_priority_test_the_lower_priority_goes_first_though_released_later);
    tcase_add_test(tests, a_standard_above_the_range_s_lets_the_range_go_first);
    tcase_add_test(tests, trtllm_s_block_config_test_a_range_covers_blocks_that_begin_in_it);
    tcase_add_test(tests, any_sequence_of_calls_agrees_with_the_scan);
    return test_main(suite);
}
