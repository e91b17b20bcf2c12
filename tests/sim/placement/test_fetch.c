/* tests/sim/placement/test_fetch.c - look-ahead fetching beside what else wants DRAM's room. */
#include "tests/sim/placement/steps.h"
#include "tests/support.h"

/* The room on its way to DRAM was made for the save. A fetch that took it would bring up what the
 * save then has to demote again, and both would go on so for ever. */
START_TEST(a_fetch_takes_no_room_that_a_save_waits_for)
{
    struct steps steps = steps_with();
    struct placement_hits hits;
    steps.config.policy = policy_find("scheduler-aware");
    steps.config.fetches = true;
    steps.config.keys.inclusive[TIER_SSD] = false;
    steps.config.hbm_cache_bytes = 0;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 4);
    turn(&steps, 11, 4);
    turn(&steps, 21, 2); /* DRAM of 8 is full: 3 and 4 went to SSD */
    ck_assert_uint_eq(blocks_in(&steps, 3, 2, TIER_SSD), 2);
    uint32_t saved = ask(&steps, 31, 6);
    ck_assert_int_eq(prepare(&steps, saved, 6, &hits), PREPARE_DONE);
    ask(&steps, 41, 1); /* the queue's head, for which nothing is fetched */
    ask(&steps, 1, 4);
    look(&steps); /* room for the fetch of 3 is on its way */
    struct action demotion = steps.action[0];
    ck_assert_uint_eq(steps.actions, 1);
    ck_assert_int_eq(demotion.kind, ACTION_DEMOTE);
    placement_save(steps.core, ++steps.now_ns, saved, 6 * BLOCK);
    look(&steps); /* more of it, for the save */
    ck_assert_uint_eq(count(&steps, ACTION_SAVE, TIER_HBM, TIER_DRAM), 0);
    struct action more = steps.action[0];
    placement_transfer_ended(steps.core, ++steps.now_ns, demotion.id);
    look(&steps);
    ck_assert_uint_eq(count(&steps, ACTION_FETCH, TIER_SSD, TIER_DRAM), 0);
    placement_transfer_ended(steps.core, ++steps.now_ns, more.id);
    look(&steps);
    ck_assert_uint_eq(count(&steps, ACTION_SAVE, TIER_HBM, TIER_DRAM), 1);
    end_all(&steps);
    ck_assert_uint_eq(blocks_in(&steps, 31, 6, TIER_DRAM), 6);
    placement_free(steps.core);
}
END_TEST

/* The window is C_DRAM / S_kv jobs: of contexts of 4 blocks two in a DRAM of 8. The queue's head is
 * one of them. fetched: of those behind it, in a window of so many times as many. */
static void look_ahead(double times, uint32_t fetched)
{
    struct steps steps = steps_with();
    steps.config.keys.policy.scheduler_aware_fetching_window = times;
    steps.config.keys.fetches_in_flight = 2;
    steps.config.policy = policy_find("scheduler-aware");
    steps.config.fetches = true;
    steps.config.hbm_cache_bytes = 0;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 4);
    turn(&steps, 11, 4);
    turn(&steps, 21, 4);
    turn(&steps, 31, 4);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_SSD) + blocks_in(&steps, 11, 4, TIER_SSD), 8);
    ask(&steps, 41, 4);
    ask(&steps, 1, 4);
    ask(&steps, 11, 4);
    look(&steps);
    end_all(&steps);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), fetched > 0 ? 4 : 0);
    ck_assert_uint_eq(blocks_in(&steps, 11, 4, TIER_DRAM), fetched > 1 ? 4 : 0);
    placement_free(steps.core);
}

START_TEST(what_stands_behind_the_window_is_not_fetched)
{
    look_ahead(1.0, 1);
}
END_TEST

START_TEST(the_fetching_window_is_so_many_times_as_long)
{
    look_ahead(0.0, 0);
    look_ahead(0.5, 0);
    look_ahead(1.5, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_fetch");
    TCase *tests = tcase_create("fetching");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, a_fetch_takes_no_room_that_a_save_waits_for);
    tcase_add_test(tests, the_fetching_window_is_so_many_times_as_long);
    tcase_add_test(tests, what_stands_behind_the_window_is_not_fetched);
    return test_main(suite);
}
