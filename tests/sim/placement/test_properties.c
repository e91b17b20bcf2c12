/* tests/sim/placement/test_properties.c - what must hold of every policy of the list, through the
 * core's door: a new policy is tested the day it is listed. What each step checks is in scenario.c:
 * capacity at every tier, what jobs use is kept, bytes come and go by counted transfers and drops
 * only, and the books recounted. */
#include "tests/sim/placement/scenario.h"
#include "tests/support.h"

#include <inttypes.h>
#include <string.h>

/* Fewer do not fill the SSD under every policy. */
enum { STEPS_LEAST = 200, STEPS = TRIES(500) > STEPS_LEAST ? TRIES(500) : STEPS_LEAST };

static void run_cutting(const struct placement_config *config, uint64_t seed, bool cuts_fronts)
{
    struct scenario scenario;
    scenario_init(&scenario, config, seed, 7);
    scenario.cuts_fronts = cuts_fronts;
    for (int i = 0; i < STEPS; i++) {
        scenario_step(&scenario);
        if (i == STEPS / 3)
            scenario_measure(&scenario);
    }
    scenario_drain(&scenario);
    ck_assert_uint_gt(scenario.jobs_done, STEPS / 15);
    scenario_end(&scenario);
    scenario_free(&scenario);
}

static void run_scenario(const struct placement_config *config, uint64_t seed)
{
    run_cutting(config, seed, false);
}

/* Calls test for every policy, with blocks and with sessions. */
static void for_every_policy(void (*test)(const struct placement_config *config, uint64_t seed))
{
    for (int i = 0; policy_at(i) != NULL; i++) {
        for (int sessions = 0; sessions < 2; sessions++) {
            struct placement_config config = scenario_config(policy_at(i), sessions != 0);
            test(&config, test_seed() + (uint64_t)i);
        }
    }
}

START_TEST(random_turns_keep_capacities_pins_and_bytes)
{
    for_every_policy(run_scenario);
}
END_TEST

static void run_exclusive(const struct placement_config *config, uint64_t seed)
{
    struct placement_config exclusive = *config;
    exclusive.keys.inclusive[TIER_SSD] = false;
    exclusive.fetches = true;
    run_scenario(&exclusive, seed);
}

START_TEST(exclusive_tiers_with_fetching_too)
{
    for_every_policy(run_exclusive);
}
END_TEST

static void run_without_lower_tiers(const struct placement_config *config, uint64_t seed)
{
    struct placement_config less = *config;
    less.capacity_bytes[TIER_SSD] = 0;
    run_scenario(&less, seed);
    less.capacity_bytes[TIER_DRAM] = 0;
    run_scenario(&less, seed + 1);
    less.capacity_bytes[TIER_SSD] = config->capacity_bytes[TIER_SSD];
    run_scenario(&less, seed + 2);
    less.hbm_cache_bytes = 0;
    run_scenario(&less, seed + 3);
}

START_TEST(any_tier_may_be_missing)
{
    for_every_policy(run_without_lower_tiers);
}
END_TEST

/* At either end of the keys' ranges; leases end within the run. */
static void run_with_other_constants(const struct placement_config *config, uint64_t seed)
{
    static const struct policy_keys least = { .s3_fifo_promote_uses = 1,
                                              .s3_fifo_max_uses = 1,
                                              .reuse_rate_epochs = 1,
                                              .multi_lru_second_uses = 1,
                                              .multi_lru_third_uses = 1,
                                              .multi_lru_fourth_uses = 1 };
    static const struct policy_keys most = { .scheduler_aware_eviction_window = 1e6,
                                             .scheduler_aware_fetching_window = 1e6,
                                             .two_q_in_share = 1.0,
                                             .two_q_out_share = 100.0,
                                             .arc_step = 1e6,
                                             .arc_first_target = 1.0,
                                             .s3_fifo_small_share = 1.0,
                                             .s3_fifo_ghost_share = 100.0,
                                             .s3_fifo_promote_uses = 255,
                                             .s3_fifo_max_uses = 255,
                                             .vllm_arc_step = 1e6,
                                             .vllm_arc_first_target = 1.0,
                                             .vllm_arc_ghost_share = 100.0,
                                             .priority_lru_standard_priority = 100,
                                             .retain_tokens = 32,
                                             .lease_ns = 20000,
                                             .lease_lru_stored_lease = 20000,
                                             .reuse_rate_ghost_share = 100,
                                             .reuse_rate_epochs = 100000,
                                             .multi_lru_second_uses = 16,
                                             .multi_lru_third_uses = 16,
                                             .multi_lru_fourth_uses = 16,
                                             .radix_slru_protected_uses = 65535 };
    struct placement_config other = *config;
    other.keys.policy = least;
    run_scenario(&other, seed);
    other.keys.policy = most;
    run_scenario(&other, seed + 1);
}

START_TEST(with_any_constants_too)
{
    for_every_policy(run_with_other_constants);
}
END_TEST

static void run_with_ttl(const struct placement_config *config, uint64_t seed)
{
    struct placement_config mortal = *config;
    mortal.keys.ttl_ns = 20000; /* some forty steps */
    run_scenario(&mortal, seed);
}

START_TEST(with_a_time_to_live_too)
{
    for_every_policy(run_with_ttl);
}
END_TEST

static void run_leaf_only(const struct placement_config *config, uint64_t seed)
{
    struct placement_config leaf_only = *config;
    leaf_only.keys.leaf_only = true;
    run_scenario(&leaf_only, seed);
}

START_TEST(with_leaves_given_up_only_too)
{
    for_every_policy(run_leaf_only);
}
END_TEST

/* A block may be used in a chain that begins with it, when its parent's entry has no other reason
 * to stay. */
static void run_leaf_only_and_cut(const struct placement_config *config, uint64_t seed)
{
    struct placement_config leaf_only = *config;
    leaf_only.keys.leaf_only = config->unit_tokens != UINT32_MAX;
    for (int mode = 0; mode < 3; mode++) {
        leaf_only.keys.write[TIER_DRAM] = mode == 0   ? WRITE_THROUGH
                                          : mode == 1 ? WRITE_BACK
                                                      : WRITE_LAZY;
        leaf_only.keys.write_ahead_tokens = 64;
        run_cutting(&leaf_only, seed + (uint64_t)mode, leaf_only.keys.leaf_only);
    }
}

START_TEST(with_leaves_evicted_only_and_contexts_that_lost_their_beginning)
{
    for_every_policy(run_leaf_only_and_cut);
}
END_TEST

/* What the books hold of each tenant, and that it is no more than its quota, is recounted. */
static void run_with_quotas(const struct placement_config *config, uint64_t seed)
{
    struct placement_config shared = *config;
    shared.quotas = true;
    run_scenario(&shared, seed);
    shared.fetches = true;
    shared.keys.ttl_ns = 20000;
    run_scenario(&shared, seed + 1);
    shared.keys.inclusive[TIER_SSD] = false;
    shared.keys.dram_reserve_share = 0.2;
    run_scenario(&shared, seed + 2);
    shared.keys.inclusive[TIER_SSD] = true;
    shared.keys.leaf_only = true;
    shared.keys.write[TIER_SSD] = WRITE_THROUGH;
    run_scenario(&shared, seed + 3);
    shared.keys.write[TIER_DRAM] = WRITE_BACK;
    run_scenario(&shared, seed + 4);
    shared.keys.write[TIER_DRAM] = WRITE_LAZY;
    shared.keys.write_ahead_tokens = 64;
    run_scenario(&shared, seed + 5);
}

START_TEST(no_tenant_exceeds_its_quota)
{
    for_every_policy(run_with_quotas);
}
END_TEST

/* As engines save: blocks, which a running turn keeps in HBM alone. */
static void run_saving(const struct placement_config *config, uint64_t seed)
{
    struct placement_config saving = *config;
    if (config->unit_tokens == UINT32_MAX)
        return;
    for (int save = SAVE_ONCE; save <= SAVE_NODES; save++) {
        saving.keys.save = save;
        saving.keys.leaf_only = save == SAVE_NODES;
        int most = save == SAVE_NODES ? WRITE_BACK : WRITE_THROUGH;
        for (int write = WRITE_THROUGH; write <= most; write++) {
            saving.keys.write[TIER_DRAM] = write;
            saving.keys.write_uses[TIER_DRAM] = 2;
            run_cutting(&saving, seed + (uint64_t)write, save == SAVE_NODES);
            saving.keys.write[TIER_SSD] = WRITE_THROUGH;
            run_cutting(&saving, seed + (uint64_t)write, false);
            saving.keys.write[TIER_SSD] = WRITE_BACK;
        }
    }
}

START_TEST(with_every_way_to_save_too)
{
    for_every_policy(run_saving);
}
END_TEST

static void compare_capacities(const struct placement_config *config, uint64_t seed)
{
    static const uint32_t capacities[] = { 64, 1, 2, 5 };
    struct scenario whole, split;
    scenario_init(&whole, config, seed, capacities[0]);
    for (int i = 0; i < STEPS; i++)
        scenario_step(&whole);
    for (int c = 1; c < 4; c++) {
        scenario_init(&split, config, seed, capacities[c]);
        for (int i = 0; i < STEPS; i++)
            scenario_step(&split);
        ck_assert_uint_eq(split.log_count, whole.log_count);
        for (uint32_t i = 0; i < whole.log_count; i++) {
            const struct action *a = &whole.log[i], *b = &split.log[i];
            if (a->kind != b->kind || a->from != b->from || a->to != b->to || a->id != b->id ||
                a->unit != b->unit || a->job != b->job || a->size_bytes != b->size_bytes)
                ck_abort_msg("%s: seed %" PRIu64 ": action %u differs when taken %u at a time",
                             config->policy->name, seed, i, capacities[c]);
        }
        scenario_free(&split);
    }
    scenario_free(&whole);
}

START_TEST(every_action_buffer_gives_the_same_sequence)
{
    for_every_policy(compare_capacities);
}
END_TEST

/* ---- what the configuration promises ---- */

static void check_ttl(const struct placement_config *config, uint64_t seed)
{
    struct placement_config mortal = *config;
    struct scenario scenario;
    mortal.keys.ttl_ns = 1000000000;
    scenario_init(&scenario, &mortal, seed, 8);
    for (int i = 0; i < STEPS; i++)
        scenario_step(&scenario);
    scenario_drain(&scenario);
    uint64_t stored = scenario.copies[TIER_DRAM] + scenario.copies[TIER_SSD];
    ck_assert_uint_eq(stored > 0, config->policy->saves);
    /* All are idle: one nanosecond too early nothing has gone. */
    uint64_t key = 0, last_use_ns = scenario.now_ns;
    scenario.now_ns = last_use_ns + mortal.keys.ttl_ns;
    placement_queue(scenario.core, scenario.now_ns, &(uint64_t){ 1000 }, 1, 1, 1);
    for (key = 1; key <= SCENARIO_KEYS; key++)
        for (int tier = 0; tier < TIER_COUNT; tier++)
            ck_assert(placement_unit(scenario.core, key) == UNIT_NONE ||
                      placement_copy_bytes(scenario.core, placement_unit(scenario.core, key),
                                           (enum tier)tier) == 0);
    placement_verify(scenario.core);
    scenario_free(&scenario);
}

START_TEST(what_nobody_used_for_its_time_to_live_is_gone_from_every_tier)
{
    for_every_policy(check_ttl);
}
END_TEST

static void check_reserve(const struct placement_config *config, uint64_t seed)
{
    struct placement_config reserved = *config;
    struct scenario scenario;
    reserved.keys.dram_reserve_share = 0.4;
    scenario_init(&scenario, &reserved, seed, 8);
    for (int i = 0; i < STEPS; i++)
        scenario_step(&scenario);
    scenario_drain(&scenario);
    ck_assert_uint_le(placement_used_bytes(scenario.core, TIER_DRAM),
                      reserved.capacity_bytes[TIER_DRAM] * 6 / 10 + reserved.bytes_per_token);
    if (config->policy->saves)
        ck_assert_uint_gt(placement_used_bytes(scenario.core, TIER_SSD), 0);
    scenario_free(&scenario);
}

START_TEST(with_nothing_under_way_the_reserve_is_free)
{
    for_every_policy(check_reserve);
}
END_TEST

/* A step by step case with known answers, for the policies whose order it does not depend on. */
START_TEST(an_idle_unit_expires_at_its_time_and_not_before)
{
    struct placement_config config = scenario_config(policy_find("lru"), false);
    struct placement_hits hits;
    struct action action;
    const uint64_t key = 7, other = 8;
    config.hbm_cache_bytes = 0;
    config.keys.ttl_ns = 100;
    struct placement *core = placement_new(&config);
    uint32_t job = placement_queue(core, 0, &key, 1, 16, 1);
    ck_assert_int_eq(placement_prepare(core, 10, job, 0, 16, TIER_SSD, &hits), PREPARE_DONE);
    placement_save(core, 20, job, 16);
    ck_assert_uint_eq(placement_take(core, &action, 1), 1);
    ck_assert_int_eq(action.kind, ACTION_SAVE);
    placement_transfer_ended(core, 30, action.id);
    placement_finish(core, 40, job); /* its last use */
    placement_queue(core, 139, &other, 1, 16, 1);
    ck_assert_uint_eq(placement_copy_bytes(core, placement_unit(core, key), TIER_DRAM), 160);
    placement_queue(core, 140, &other, 1, 16, 1);
    ck_assert_uint_eq(placement_unit(core, key), UNIT_NONE);
    ck_assert_uint_eq(placement_counters(core)->expired_bytes, 160);
    placement_free(core);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_properties");
    TCase *tests = tcase_create("every policy");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, random_turns_keep_capacities_pins_and_bytes);
    tcase_add_test(tests, exclusive_tiers_with_fetching_too);
    tcase_add_test(tests, any_tier_may_be_missing);
    tcase_add_test(tests, with_any_constants_too);
    tcase_add_test(tests, with_a_time_to_live_too);
    tcase_add_test(tests, with_leaves_given_up_only_too);
    tcase_add_test(tests, with_leaves_evicted_only_and_contexts_that_lost_their_beginning);
    tcase_add_test(tests, no_tenant_exceeds_its_quota);
    tcase_add_test(tests, with_every_way_to_save_too);
    tcase_add_test(tests, every_action_buffer_gives_the_same_sequence);
    tcase_add_test(tests, what_nobody_used_for_its_time_to_live_is_gone_from_every_tier);
    tcase_add_test(tests, with_nothing_under_way_the_reserve_is_free);
    tcase_add_test(tests, an_idle_unit_expires_at_its_time_and_not_before);
    return test_main(suite);
}
