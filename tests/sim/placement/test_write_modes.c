/* tests/sim/placement/test_write_modes.c - when each tier gets its copy, step by step, and that
 * every mode and filter keeps what every policy must keep. */
#include "tests/sim/placement/scenario.h"
#include "tests/sim/placement/steps.h"
#include "tests/support.h"

enum { STEPS = TRIES(300) };

/* ---- random turns in every mode ---- */

static void run_scenario(const struct placement_config *config, uint64_t seed)
{
    struct scenario scenario;
    scenario_init(&scenario, config, seed, 7);
    for (int i = 0; i < STEPS; i++) {
        scenario_step(&scenario);
        if (i == STEPS / 3)
            scenario_measure(&scenario);
    }
    scenario_drain(&scenario);
    scenario_check_counters(&scenario);
    ck_assert_uint_gt(scenario.jobs_done, STEPS / 50);
    scenario_end(&scenario);
    scenario_free(&scenario);
}

static void for_every_mode(const struct placement_config *standard, uint64_t seed)
{
    for (unsigned mode = 0; mode < 18; mode++) {
        struct placement_config config = *standard;
        const int dram[] = { WRITE_THROUGH, WRITE_BACK, WRITE_LAZY };
        int *write = config.keys.write;
        write[TIER_DRAM] = dram[mode % 3];
        write[TIER_SSD] = mode / 3 % 2 != 0 ? WRITE_THROUGH : WRITE_BACK;
        config.keys.write_ahead_tokens = 64;
        config.keys.write_uses[TIER_DRAM] = config.keys.write_uses[TIER_SSD] = 2;
        if (mode / 6 == 1) {
            config.keys.admit_uses[TIER_DRAM] = 2;
            if (write[TIER_SSD] == WRITE_THROUGH)
                write[TIER_SSD] = WRITE_SELECTIVE;
        }
        if (mode / 6 == 2) {
            config.keys.admit_uses[TIER_SSD] = 2;
            if (write[TIER_DRAM] == WRITE_THROUGH)
                write[TIER_DRAM] = WRITE_SELECTIVE;
            config.keys.ssd_admit_bytes = 8 * BYTES_PER_TOKEN;
            config.keys.inclusive[TIER_DRAM] = write[TIER_DRAM] != WRITE_BACK;
            config.fetches = true;
        }
        config.keys.count_units = 30;
        config.keys.leaf_only = mode % 4 == 0;
        config.keys.ttl_ns = mode % 5 == 0 ? 20000 : 0;
        run_scenario(&config, seed + mode);
    }
}

START_TEST(random_turns_keep_capacities_pins_and_bytes_in_every_mode)
{
    for (int i = 0; policy_at(i) != NULL; i++)
        for (int sessions = 0; sessions < 2; sessions++) {
            struct placement_config config = scenario_config(policy_at(i), sessions != 0);
            for_every_mode(&config, test_seed() + 100 * (uint64_t)i);
        }
}
END_TEST

START_TEST(and_where_a_tier_is_missing)
{
    for (int sessions = 0; sessions < 2; sessions++) {
        struct placement_config config = scenario_config(policy_find("lru"), sessions != 0);
        config.capacity_bytes[TIER_SSD] = 0;
        for_every_mode(&config, test_seed());
        config.capacity_bytes[TIER_DRAM] = 0;
        for_every_mode(&config, test_seed() + 1);
        config.capacity_bytes[TIER_SSD] = 60 * BLOCK * BYTES_PER_TOKEN;
        for_every_mode(&config, test_seed() + 2);
    }
}
END_TEST

/* ---- step by step ---- */

START_TEST(written_through_ssd_has_what_dram_has_and_dram_gives_up_at_once)
{
    struct steps steps = steps_with();
    steps.config.keys.write[TIER_SSD] = WRITE_THROUGH;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 4);
    end_all(&steps);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 4);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_SSD), 4);
    turn(&steps, 11, 4);
    turn(&steps, 21, 4); /* DRAM gives up the first four: nothing moves for it */
    end_all(&steps);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 0);
    const struct placement_counters *counters = placement_counters(steps.core);
    ck_assert_uint_eq(counters->write_dram_ssd_bytes, 12 * BLOCK * BYTES_PER_TOKEN);
    ck_assert_uint_eq(counters->demote_dram_ssd_bytes, 0);
    placement_free(steps.core);
}
END_TEST

START_TEST(selective_writes_what_was_used_twice)
{
    struct steps steps = steps_with();
    steps.config.keys.write[TIER_DRAM] = WRITE_SELECTIVE;
    steps.config.keys.write_uses[TIER_DRAM] = 2;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 3);
    ck_assert_uint_eq(blocks_in(&steps, 1, 3, TIER_DRAM), 0);
    struct placement_hits hits = turn(&steps, 1, 2);
    ck_assert_uint_eq(hits.tokens[TIER_HBM], 2 * BLOCK);
    ck_assert_uint_eq(blocks_in(&steps, 1, 3, TIER_DRAM), 2);
    placement_free(steps.core);
}
END_TEST

START_TEST(written_back_hbm_is_free_when_the_copy_has_ended)
{
    struct steps steps = steps_with();
    struct placement_hits hits;
    steps.config.keys.write[TIER_DRAM] = WRITE_BACK;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 5);
    ck_assert_uint_eq(placement_counters(steps.core)->save_hbm_dram_bytes, 0);
    uint32_t job = ask(&steps, 11, 5);
    ck_assert_int_eq(prepare(&steps, job, 5, &hits), PREPARE_WAIT);
    ck_assert_uint_eq(count(&steps, ACTION_SAVE, TIER_HBM, TIER_DRAM), 1);
    ck_assert_uint_eq(steps.action[0].job, 0);
    ck_assert_uint_eq(steps.action[0].size_bytes, 2 * BLOCK * BYTES_PER_TOKEN);
    end_all(&steps);
    ck_assert_int_eq(prepare(&steps, job, 5, &hits), PREPARE_DONE);
    /* A chain's deepest blocks go first. */
    ck_assert_uint_eq(blocks_in(&steps, 4, 2, TIER_DRAM), 2);
    ck_assert_uint_eq(blocks_in(&steps, 4, 2, TIER_HBM), 0);
    ck_assert_uint_eq(blocks_in(&steps, 1, 3, TIER_DRAM), 0);
    placement_free(steps.core);
}
END_TEST

START_TEST(a_turn_that_comes_back_while_its_kv_is_written_finds_it_in_hbm)
{
    struct steps steps = steps_with();
    struct placement_hits hits;
    steps.config.keys.write[TIER_DRAM] = WRITE_BACK;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 5);
    uint32_t other = ask(&steps, 11, 5), again = ask(&steps, 1, 5);
    ck_assert_int_eq(prepare(&steps, other, 5, &hits), PREPARE_WAIT);
    uint32_t writes = steps.action[0].id;
    ck_assert_int_eq(prepare(&steps, again, 5, &hits), PREPARE_DONE);
    ck_assert_uint_eq(hits.tokens[TIER_HBM], 5 * BLOCK);
    placement_transfer_ended(steps.core, ++steps.now_ns, writes);
    look(&steps);
    ck_assert_uint_eq(blocks_in(&steps, 1, 5, TIER_HBM), 5);
    ck_assert_uint_eq(blocks_in(&steps, 1, 5, TIER_DRAM), 2);
    placement_free(steps.core);
}
END_TEST

START_TEST(lazily_hbm_writes_what_goes_next_and_gives_it_up_at_once)
{
    struct steps steps = steps_with();
    struct placement_hits hits;
    steps.config.keys.write[TIER_DRAM] = WRITE_LAZY;
    steps.config.keys.write_ahead_tokens = 5 * BLOCK;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 5); /* three blocks are free: two more are to be stored */
    ck_assert_uint_eq(count(&steps, ACTION_SAVE, TIER_HBM, TIER_DRAM), 1);
    end_all(&steps);
    ck_assert_uint_eq(blocks_in(&steps, 4, 2, TIER_DRAM), 2);
    ck_assert_uint_eq(blocks_in(&steps, 1, 5, TIER_HBM), 5);
    uint32_t job = ask(&steps, 11, 5);
    ck_assert_int_eq(prepare(&steps, job, 5, &hits), PREPARE_DONE);
    ck_assert_uint_eq(blocks_in(&steps, 1, 3, TIER_HBM), 3);
    ck_assert_uint_eq(placement_counters(steps.core)->dropped_bytes, 0);
    uint32_t soon = ask(&steps, 21, 2); /* the others are being stored: not yet */
    uint32_t writes = count(&steps, ACTION_SAVE, TIER_HBM, TIER_DRAM);
    ck_assert_uint_eq(writes, 1);
    struct action write = steps.action[steps.actions - 1];
    ck_assert_int_eq(prepare(&steps, soon, 2, &hits), PREPARE_WAIT);
    placement_transfer_ended(steps.core, ++steps.now_ns, write.id);
    ck_assert_int_eq(prepare(&steps, soon, 2, &hits), PREPARE_DONE);
    ck_assert_uint_eq(placement_counters(steps.core)->dropped_bytes, 0);
    placement_free(steps.core);
}
END_TEST

START_TEST(what_is_not_stored_in_time_is_lost)
{
    struct steps steps = steps_with();
    struct placement_hits hits;
    steps.config.keys.write[TIER_DRAM] = WRITE_LAZY;
    steps.config.keys.write_ahead_tokens = BLOCK;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 5); /* three blocks are free */
    ck_assert_uint_eq(placement_counters(steps.core)->save_hbm_dram_bytes, 0);
    uint32_t job = ask(&steps, 11, 5);
    ck_assert_int_eq(prepare(&steps, job, 5, &hits), PREPARE_DONE);
    ck_assert_uint_eq(placement_counters(steps.core)->dropped_bytes, 2 * BLOCK * BYTES_PER_TOKEN);
    placement_free(steps.core);
}
END_TEST

START_TEST(exclusive_dram_gives_up_what_hbm_keeps)
{
    struct steps steps = steps_with();
    steps.config.keys.write[TIER_DRAM] = WRITE_BACK;
    steps.config.keys.inclusive[TIER_DRAM] = false;
    steps.config.capacity_bytes[TIER_SSD] = 0;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 5);
    uint32_t job = ask(&steps, 11, 5);
    struct placement_hits hits;
    prepare(&steps, job, 5, &hits);
    end_all(&steps);
    prepare(&steps, job, 5, &hits);
    finish(&steps, job, 5);
    ck_assert_uint_eq(blocks_in(&steps, 1, 5, TIER_DRAM), 2);
    job = ask(&steps, 1, 5); /* two from DRAM, three from HBM, and two of the others go */
    prepare(&steps, job, 5, &hits);
    end_all(&steps);
    ck_assert_int_eq(prepare(&steps, job, 5, &hits), PREPARE_DONE);
    ck_assert_uint_eq(hits.tokens[TIER_DRAM], 2 * BLOCK);
    end_all(&steps);
    finish(&steps, job, 5);
    ck_assert_uint_eq(blocks_in(&steps, 1, 5, TIER_HBM), 5);
    ck_assert_uint_eq(blocks_in(&steps, 1, 5, TIER_DRAM), 0);
    ck_assert_uint_eq(blocks_in(&steps, 11, 5, TIER_HBM) + blocks_in(&steps, 11, 5, TIER_DRAM), 5);
    placement_free(steps.core);
}
END_TEST

START_TEST(uses_are_counted_though_the_kv_is_gone_as_long_as_they_are_remembered)
{
    struct steps steps = steps_with();
    steps.config.hbm_cache_bytes = 0;
    steps.config.keys.admit_uses[TIER_DRAM] = 2;
    steps.config.keys.count_units = 4;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 2);
    ck_assert_uint_eq(blocks_in(&steps, 1, 2, TIER_DRAM), 0);
    ck_assert_uint_eq(placement_counters(steps.core)->refused_dram_bytes,
                      2 * BLOCK * BYTES_PER_TOKEN);
    turn(&steps, 1, 2);
    ck_assert_uint_eq(blocks_in(&steps, 1, 2, TIER_DRAM), 2);
    turn(&steps, 11, 2);
    turn(&steps, 21, 4); /* more than are remembered: 11 and 12 are known no more */
    turn(&steps, 11, 2);
    ck_assert_uint_eq(blocks_in(&steps, 11, 2, TIER_DRAM), 0);
    turn(&steps, 11, 2);
    ck_assert_uint_eq(blocks_in(&steps, 11, 2, TIER_DRAM), 2);
    placement_free(steps.core);
}
END_TEST

START_TEST(what_ssd_does_not_let_in_is_dropped_not_demoted)
{
    struct steps steps = steps_with();
    steps.config.hbm_cache_bytes = 0;
    steps.config.keys.admit_uses[TIER_SSD] = 2;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 4);
    turn(&steps, 1, 2);
    turn(&steps, 11, 4);
    turn(&steps, 21, 4); /* DRAM holds eight: two of use once, two of use twice must go */
    end_all(&steps);
    ck_assert_uint_eq(blocks_in(&steps, 1, 2, TIER_SSD), 2);
    ck_assert_uint_eq(blocks_in(&steps, 3, 2, TIER_SSD), 0);
    const struct placement_counters *counters = placement_counters(steps.core);
    ck_assert_uint_eq(counters->refused_ssd_bytes, 2 * BLOCK * BYTES_PER_TOKEN);
    ck_assert_uint_eq(counters->demote_dram_ssd_bytes, 2 * BLOCK * BYTES_PER_TOKEN);
    placement_free(steps.core);
}
END_TEST

START_TEST(what_is_too_short_for_the_ssd_stays_off_it)
{
    struct steps steps = steps_with();
    steps.config.hbm_cache_bytes = 0;
    steps.config.keys.write[TIER_SSD] = WRITE_THROUGH;
    steps.config.keys.ssd_admit_bytes = BLOCK * BYTES_PER_TOKEN + 1;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 4);
    turn(&steps, 11, 4);
    turn(&steps, 21, 4);
    end_all(&steps);
    ck_assert_uint_eq(placement_counters(steps.core)->write_dram_ssd_bytes, 0);
    ck_assert_uint_eq(placement_counters(steps.core)->refused_ssd_bytes,
                      4 * BLOCK * BYTES_PER_TOKEN);
    placement_free(steps.core);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_write_modes");
    TCase *tests = tcase_create("write modes");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, random_turns_keep_capacities_pins_and_bytes_in_every_mode);
    tcase_add_test(tests, and_where_a_tier_is_missing);
    tcase_add_test(tests, written_through_ssd_has_what_dram_has_and_dram_gives_up_at_once);
    tcase_add_test(tests, selective_writes_what_was_used_twice);
    tcase_add_test(tests, written_back_hbm_is_free_when_the_copy_has_ended);
    tcase_add_test(tests, a_turn_that_comes_back_while_its_kv_is_written_finds_it_in_hbm);
    tcase_add_test(tests, lazily_hbm_writes_what_goes_next_and_gives_it_up_at_once);
    tcase_add_test(tests, what_is_not_stored_in_time_is_lost);
    tcase_add_test(tests, exclusive_dram_gives_up_what_hbm_keeps);
    tcase_add_test(tests, uses_are_counted_though_the_kv_is_gone_as_long_as_they_are_remembered);
    tcase_add_test(tests, what_ssd_does_not_let_in_is_dropped_not_demoted);
    tcase_add_test(tests, what_is_too_short_for_the_ssd_stays_off_it);
    return test_main(suite);
}
