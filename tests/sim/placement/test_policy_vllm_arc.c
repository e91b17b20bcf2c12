/* tests/sim/placement/test_policy_vllm_arc.c - vLLM's own cases for its ARC, each by its name there
 * (tests/v1/kv_offload/test_cpu_manager.py at 04360ee), and where it is not the textbook's. That
 * any sequence agrees with a slow model is tests/sim/replay/test_replay.c's. */
#include "tests/sim/placement/policy_case.h"
#include "tests/support.h"

/* A DRAM of `capacity` blocks. */
static void init(struct policy_case *c, uint64_t capacity)
{
    case_init(c, &policy_vllm_arc, 0, TIER_DRAM);
    c->env.capacity_units[TIER_DRAM] = capacity;
}

static void store(struct policy_case *c, uint32_t first, uint32_t last)
{
    for (uint32_t unit = first; unit <= last; unit++)
        case_enter(c, unit, TIER_DRAM);
}

/* touch([a, b]) goes from the last to the first. */
static void touch(struct policy_case *c, uint32_t a, uint32_t b)
{
    case_use(c, b, TIER_DRAM);
    if (a != b)
        case_use(c, a, TIER_DRAM);
}

static uint32_t evict(struct policy_case *c)
{
    uint32_t victim = case_victim(c, TIER_DRAM);
    case_leave(c, victim, TIER_DRAM);
    return victim;
}

START_TEST(already_stored_block_not_evicted_during_prepare_store)
{
    struct policy_case c;
    init(&c, 4);
    store(&c, 1, 2);
    touch(&c, 1, 1);
    case_pin(&c, 2); /* protected: it is among what is stored */
    ck_assert_uint_eq(evict(&c), 1);
    case_free(&c);
}
END_TEST

START_TEST(arc_manager_eviction_with_load)
{
    struct policy_case c;
    init(&c, 4);
    store(&c, 1, 4);
    case_pin(&c, 2);
    case_pin(&c, 3);
    ck_assert_uint_eq(evict(&c), 1);
    ck_assert_uint_eq(evict(&c), 4);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), UNIT_NONE); /* the store of three fails */
    case_free(&c);
}
END_TEST

START_TEST(arc_manager_t1_t2_eviction_policy)
{
    struct policy_case c;
    init(&c, 4);
    store(&c, 1, 4);
    touch(&c, 3, 4);
    ck_assert_uint_eq(evict(&c), 1);
    case_free(&c);
}
END_TEST

START_TEST(arc_manager_touch_ordering)
{
    struct policy_case c;
    init(&c, 4);
    store(&c, 1, 4);
    touch(&c, 3, 4);
    touch(&c, 3, 4);
    touch(&c, 1, 1); /* touch([1, 3, 4]), whose 1 comes last */
    ck_assert_uint_eq(evict(&c), 2);
    store(&c, 5, 5);
    case_free(&c);
}
END_TEST

START_TEST(arc_manager_full_scenario)
{
    struct policy_case c;
    init(&c, 4);
    store(&c, 1, 2);
    store(&c, 3, 4);
    ck_assert_uint_eq(evict(&c), 1);
    store(&c, 5, 5);
    touch(&c, 2, 3);
    ck_assert_uint_eq(evict(&c), 4);
    store(&c, 6, 6);
    ck_assert_uint_gt(c.record[2].entered_at[TIER_DRAM], 0);
    ck_assert_uint_gt(c.record[3].entered_at[TIER_DRAM], 0);
    case_free(&c);
}
END_TEST

START_TEST(arc_manager_adaptive_target_a_ghost_of_t1_lets_t1_grow)
{
    struct policy_case c;
    init(&c, 2);
    store(&c, 1, 2);
    ck_assert_uint_eq(evict(&c), 1);
    store(&c, 3, 3);
    touch(&c, 3, 3); /* T1: 2. T2: 3 */
    touch(&c, 1, 1); /* in B1: the target is 1, which T1 has */
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 2);
    touch(&c, 1, 1); /* it stays a ghost, and counts again: the target is 2 */
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 3);
    case_free(&c);
}
END_TEST

START_TEST(unlike_the_textbook_s_a_ghost_that_comes_back_is_new)
{
    struct policy_case c;
    init(&c, 2);
    store(&c, 1, 2);
    ck_assert_uint_eq(evict(&c), 1);
    case_enter(&c, 1, TIER_DRAM);
    touch(&c, 2, 2); /* T2 */
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

START_TEST(arc_manager_ghost_list_bounds)
{
    struct policy_case c;
    init(&c, 2);
    store(&c, 1, 2);
    for (uint32_t unit = 3; unit < 20; unit++) {
        evict(&c);
        store(&c, unit, unit);
    }
    /* 16 and 17 are remembered, T1 is 18, 19; 14 is forgotten and does not move the target. */
    touch(&c, 19, 19);
    for (int i = 0; i < 4; i++)
        touch(&c, 14, 14);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 18);
    touch(&c, 17, 17);
    touch(&c, 17, 17);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 19);
    case_free(&c);
}
END_TEST

START_TEST(hbm_is_its_queue_of_free_blocks)
{
    struct policy_case c;
    init(&c, 2);
    case_enter(&c, 1, TIER_HBM);
    case_enter(&c, 2, TIER_HBM);
    case_use_as(&c, 1, TIER_HBM, (struct policy_use){ .ends = true });
    ck_assert_uint_eq(case_victim(&c, TIER_HBM), 2);
    case_free(&c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_vllm_arc");
    TCase *tests = tcase_create("vllm-arc");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, already_stored_block_not_evicted_during_prepare_store);
    tcase_add_test(tests, arc_manager_eviction_with_load);
    tcase_add_test(tests, arc_manager_t1_t2_eviction_policy);
    tcase_add_test(tests, arc_manager_touch_ordering);
    tcase_add_test(tests, arc_manager_full_scenario);
    tcase_add_test(tests, arc_manager_adaptive_target_a_ghost_of_t1_lets_t1_grow);
    tcase_add_test(tests, unlike_the_textbook_s_a_ghost_that_comes_back_is_new);
    tcase_add_test(tests, arc_manager_ghost_list_bounds);
    tcase_add_test(tests, hbm_is_its_queue_of_free_blocks);
    return test_main(suite);
}
