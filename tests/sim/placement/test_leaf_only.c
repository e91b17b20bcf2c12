/* tests/sim/placement/test_leaf_only.c - no tier evicts a block while it holds one that follows it.
 * Under FIFO, since in LRU what follows is older anyway. */
#include "tests/sim/placement/steps.h"
#include "tests/support.h"

/* DRAM of 8 blocks and nothing behind it; oldest first: 2, 1, 4, 3. */
static struct steps two_turns(bool leaf_only)
{
    struct steps steps = steps_with();
    steps.config.policy = policy_find("fifo");
    steps.config.hbm_cache_bytes = steps.config.capacity_bytes[TIER_SSD] = 0;
    steps.config.keys.leaf_only = leaf_only;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 2);
    turn(&steps, 1, 4);
    return steps;
}

/* DRAM gets room for one. */
static void evict_one(struct steps *steps)
{
    turn(steps, 11, 4);
    ck_assert_uint_eq(blocks_in(steps, 1, 4, TIER_DRAM), 4);
    turn(steps, 21, 1);
    ck_assert_uint_eq(blocks_in(steps, 1, 4, TIER_DRAM), 3);
}

START_TEST(what_follows_goes_first)
{
    struct steps steps = two_turns(true);
    evict_one(&steps);
    ck_assert_uint_eq(blocks_in(&steps, 4, 1, TIER_DRAM), 0);
    turn(&steps, 22, 1);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 2);
    ck_assert_uint_eq(blocks_in(&steps, 1, 2, TIER_DRAM), 2);
    placement_free(steps.core);
}
END_TEST

START_TEST(and_without_the_rule_it_is_the_oldest)
{
    struct steps steps = two_turns(false);
    evict_one(&steps);
    ck_assert_uint_eq(blocks_in(&steps, 2, 1, TIER_DRAM), 0);
    placement_free(steps.core);
}
END_TEST

/* A context of which the beginning was cut off: 3 and 4 are reused without 1 and 2. */
START_TEST(what_begins_a_context_protects_nothing_before_it)
{
    struct steps steps = two_turns(true);
    struct placement_hits hits = turn(&steps, 3, 2);
    ck_assert_uint_eq(hits.units_found, 2);
    evict_one(&steps);
    ck_assert_uint_eq(blocks_in(&steps, 2, 1, TIER_DRAM), 0);
    placement_free(steps.core);
}
END_TEST

/* 2 has gone while 3, which followed it, is wanted by a job that begins with it. */
START_TEST(a_block_outlives_what_was_before_it)
{
    struct steps steps = two_turns(true);
    uint32_t job = ask(&steps, 3, 2);
    struct placement_hits hits;
    turn(&steps, 11, 4);
    turn(&steps, 21, 4);
    turn(&steps, 31, 4);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 0);
    ck_assert_uint_eq(placement_unit(steps.core, 2), UNIT_NONE);
    ck_assert_int_eq(prepare(&steps, job, 2, &hits), PREPARE_DONE);
    end_all(&steps);
    finish(&steps, job, 2);
    ck_assert_uint_eq(blocks_in(&steps, 3, 2, TIER_DRAM), 2);
    turn(&steps, 41, 4);
    turn(&steps, 51, 4);
    ck_assert_uint_eq(placement_unit(steps.core, 3), UNIT_NONE);
    placement_free(steps.core);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_leaf_only");
    TCase *tests = tcase_create("leaves only");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_follows_goes_first);
    tcase_add_test(tests, and_without_the_rule_it_is_the_oldest);
    tcase_add_test(tests, what_begins_a_context_protects_nothing_before_it);
    tcase_add_test(tests, a_block_outlives_what_was_before_it);
    return test_main(suite);
}
