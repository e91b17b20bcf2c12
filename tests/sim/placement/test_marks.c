/* tests/sim/placement/test_marks.c - DRAM as newer engines have it: room in batches at a mark, what
 * only passes through it, and what of a job may be saved and found. */
#include "sim/placement/sketch.h"
#include "tests/sim/placement/steps.h"
#include "tests/support.h"

static struct steps without_hbm(void)
{
    struct steps steps = steps_with();
    steps.config.hbm_cache_bytes = 0;
    return steps;
}

START_TEST(over_its_mark_dram_gives_up_a_share_when_it_is_looked_at_and_none_on_demand)
{
    struct steps steps = without_hbm();
    steps.config.capacity_bytes[TIER_SSD] = 0;
    steps.config.keys.save = SAVE_EACH;
    steps.config.keys.evict_at = 0.75;
    steps.config.keys.evict_share = 0.5;
    steps.config.keys.evict_interval_ns = 1000;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 4);
    turn(&steps, 11, 3);
    turn(&steps, 21, 3); /* one finds room */
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 4);
    ck_assert_uint_eq(blocks_in(&steps, 21, 3, TIER_DRAM), 1);
    steps.now_ns = 1500;
    ask(&steps, 31, 1);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 0);
    ck_assert_uint_eq(blocks_in(&steps, 11, 3, TIER_DRAM), 3);
    ck_assert_uint_eq(blocks_in(&steps, 21, 3, TIER_DRAM), 1);
    placement_free(steps.core);
}
END_TEST

/* Blocks 1 to 4 are on SSD alone. */
static void put_on_ssd(struct steps *steps)
{
    steps->config.keys.write[TIER_SSD] = WRITE_THROUGH;
    steps->core = placement_new(&steps->config);
    turn(steps, 1, 4);
    turn(steps, 11, 8);
    ck_assert_uint_eq(blocks_in(steps, 1, 4, TIER_DRAM), 0);
    ck_assert_uint_eq(blocks_in(steps, 1, 4, TIER_SSD), 4);
}

START_TEST(what_is_loaded_stays_in_dram_but_for_its_first_times)
{
    struct steps steps = without_hbm();
    steps.config.keys.promote_after = 1;
    put_on_ssd(&steps);
    ck_assert_uint_eq(turn(&steps, 1, 4).tokens[TIER_SSD], 4 * BLOCK);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 0);
    ck_assert_uint_eq(turn(&steps, 1, 4).tokens[TIER_SSD], 4 * BLOCK);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 4);
    placement_free(steps.core);
}
END_TEST

START_TEST(where_nothing_stays_no_room_is_made_for_it)
{
    struct steps steps = without_hbm();
    steps.config.keys.promote_after = UINT64_MAX;
    put_on_ssd(&steps);
    turn(&steps, 1, 4);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 0);
    ck_assert_uint_eq(blocks_in(&steps, 11, 8, TIER_DRAM), 8);
    placement_free(steps.core);
}
END_TEST

START_TEST(a_stage_gives_up_what_ssd_has)
{
    struct steps steps = without_hbm();
    steps.config.keys.write[TIER_SSD] = WRITE_THROUGH;
    steps.config.keys.staging = true;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 4);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 0);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_SSD), 4);
    placement_free(steps.core);
}
END_TEST

START_TEST(a_job_is_saved_and_found_as_far_as_its_limits)
{
    struct steps steps = steps_with();
    struct placement_hits hits;
    steps.core = placement_new(&steps.config);
    uint32_t job = ask(&steps, 1, 4);
    placement_limit(steps.core, job,
                    (struct placement_limits){ 3 * BLOCK, UINT32_MAX, UINT32_MAX, 0 });
    ck_assert_int_eq(prepare(&steps, job, 4, &hits), PREPARE_DONE);
    finish(&steps, job, 4);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 3);
    job = ask(&steps, 1, 3);
    placement_limit(steps.core, job,
                    (struct placement_limits){ UINT32_MAX, 2 * BLOCK, UINT32_MAX, 0 });
    hits = placement_peek(steps.core, job, 0, TIER_SSD);
    ck_assert_uint_eq(hits.tokens[TIER_HBM], 2 * BLOCK);
    ck_assert_uint_eq(hits.tokens[TIER_DRAM], BLOCK);
    placement_limit(steps.core, job,
                    (struct placement_limits){ UINT32_MAX, 2 * BLOCK, 2 * BLOCK, 0 });
    hits = placement_peek(steps.core, job, 0, TIER_SSD);
    ck_assert_uint_eq(hits.tokens[TIER_HBM] + hits.tokens[TIER_DRAM], 2 * BLOCK);
    placement_free(steps.core);
}
END_TEST

START_TEST(a_sketch_counts_no_key_too_low_and_forgets_by_halves)
{
    struct sketch sketch = sketch_new(64, false, 15, 100);
    for (uint64_t key = 0; key < 9; key++)
        for (uint32_t times = 1; times <= 3; times++)
            ck_assert_uint_ge(sketch_add(&sketch, key), times);
    for (int i = 27; i < 99; i++)
        ck_assert_uint_le(sketch_add(&sketch, 7), 15);
    ck_assert_uint_eq(sketch_add(&sketch, 7), 15); /* the hundredth: halved after it */
    ck_assert_uint_eq(sketch_add(&sketch, 7), 8);
    sketch_free(&sketch);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_marks");
    TCase *tests = tcase_create("marks");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests,
                   over_its_mark_dram_gives_up_a_share_when_it_is_looked_at_and_none_on_demand);
    tcase_add_test(tests, what_is_loaded_stays_in_dram_but_for_its_first_times);
    tcase_add_test(tests, where_nothing_stays_no_room_is_made_for_it);
    tcase_add_test(tests, a_stage_gives_up_what_ssd_has);
    tcase_add_test(tests, a_job_is_saved_and_found_as_far_as_its_limits);
    tcase_add_test(tests, a_sketch_counts_no_key_too_low_and_forgets_by_halves);
    return test_main(suite);
}
