/* tests/sim/placement/test_hbm_room.c - a turn that no other is in the way of gets HBM's room: what
 * HBM has of its own context does not stand in its way. */
#include "tests/sim/placement/scenario.h"
#include "tests/support.h"

enum { STEPS = TRIES(600), BLOCK = 16, BYTES_PER_TOKEN = 10 };

/* HBM of `tokens`, all of it cache, above a DRAM of `dram_tokens`; LRU. */
static struct placement *core_of(uint32_t unit_tokens, uint32_t tokens, uint32_t dram_tokens)
{
    struct placement_config config = {
        .policy = policy_find("lru"),
        .unit_tokens = unit_tokens,
        .bytes_per_token = BYTES_PER_TOKEN,
        .hbm_cache_bytes = (uint64_t)tokens * BYTES_PER_TOKEN,
        .keys = { .write = { [TIER_SSD] = WRITE_BACK, [TIER_REMOTE] = WRITE_BACK },
                  .inclusive = { [TIER_DRAM] = true, [TIER_SSD] = true },
                  .fetches_in_flight = 1 }
    };
    config.capacity_bytes[TIER_HBM] = (uint64_t)tokens * BYTES_PER_TOKEN;
    config.capacity_bytes[TIER_DRAM] = (uint64_t)dram_tokens * BYTES_PER_TOKEN;
    return placement_new(&config);
}

/* Ends every transfer that the core has begun. */
static void end_all(struct placement *core)
{
    struct action action;
    while (placement_take(core, &action, 1) > 0)
        if (action.id != 0)
            placement_transfer_ended(core, 0, action.id);
    placement_verify(core);
}

static enum prepare prepare(struct placement *core, uint32_t job, uint32_t cut_tokens,
                            uint32_t total_tokens, struct placement_hits *hits)
{
    enum prepare done = placement_prepare(core, 0, job, cut_tokens, total_tokens, TIER_SSD, hits);
    placement_verify(core);
    return done;
}

/* The prepared job's whole context is computed and saved; it ends. */
static void finish(struct placement *core, uint32_t job, uint32_t tokens)
{
    end_all(core);
    placement_save(core, 0, job, tokens);
    end_all(core);
    placement_finish(core, 0, job);
    end_all(core);
}

static uint32_t ask_session(struct placement *core, uint32_t context_tokens)
{
    return placement_queue(core, 0, &(uint64_t){ 1 }, 1, context_tokens, 1);
}

static uint64_t hbm_tokens_of(const struct placement *core, uint64_t key)
{
    uint32_t unit = placement_unit(core, key);
    return unit != UNIT_NONE ? placement_copy_bytes(core, unit, TIER_HBM) / BYTES_PER_TOKEN : 0;
}

/* ---- a session whose context overflowed ---- */

/* A first turn of 90 tokens fills HBM of 100; returns the hits of the next one, which keeps what
 * follows the cut and has 100 in all. */
static struct placement_hits turn_after_cut(uint32_t cut_tokens)
{
    struct placement *core = core_of(UINT32_MAX, 100, 0);
    struct placement_hits hits;
    uint32_t job = ask_session(core, 0);
    ck_assert_int_eq(prepare(core, job, 0, 90, &hits), PREPARE_DONE);
    finish(core, job, 90);
    ck_assert_uint_eq(hbm_tokens_of(core, 1), 90);
    job = ask_session(core, 90);
    ck_assert_int_eq(prepare(core, job, cut_tokens, 100, &hits), PREPARE_DONE);
    ck_assert_uint_eq(placement_used_bytes(core, TIER_HBM), 100 * BYTES_PER_TOKEN);
    ck_assert_uint_eq(placement_peak_bytes(core, TIER_HBM), 100 * BYTES_PER_TOKEN);
    finish(core, job, 100);
    placement_free(core);
    return hits;
}

START_TEST(what_is_cut_makes_room_for_the_turn_that_cuts_it)
{
    ck_assert_uint_eq(turn_after_cut(30).tokens[TIER_HBM], 60);
}
END_TEST

START_TEST(and_so_does_kv_that_has_become_useless)
{
    ck_assert_uint_eq(turn_after_cut(CUT_ALL).tokens[TIER_HBM], 0);
}
END_TEST

START_TEST(nothing_is_cut_while_another_job_has_the_room)
{
    struct placement *core = core_of(UINT32_MAX, 100, 0);
    struct placement_hits hits;
    uint32_t job = ask_session(core, 0);
    ck_assert_int_eq(prepare(core, job, 0, 50, &hits), PREPARE_DONE);
    finish(core, job, 50);
    uint32_t other = placement_queue(core, 0, &(uint64_t){ 2 }, 1, 0, 1);
    ck_assert_int_eq(prepare(core, other, 0, 40, &hits), PREPARE_DONE);
    job = ask_session(core, 50);
    ck_assert_int_eq(prepare(core, job, 20, 61, &hits), PREPARE_NO_ROOM);
    ck_assert_uint_eq(hbm_tokens_of(core, 1), 50);
    ck_assert_int_eq(prepare(core, job, 20, 60, &hits), PREPARE_DONE);
    ck_assert_uint_eq(hbm_tokens_of(core, 1), 30);
    placement_free(core);
}
END_TEST

START_TEST(what_will_be_cut_is_counted_on_and_so_not_evicted)
{
    struct placement *core = core_of(UINT32_MAX, 100, 0);
    struct placement_hits hits;
    const uint32_t tokens[] = { 50, 30 };
    for (uint64_t key = 1; key <= 2; key++) {
        uint32_t job = placement_queue(core, 0, &key, 1, 0, 1);
        ck_assert_int_eq(prepare(core, job, 0, tokens[key - 1], &hits), PREPARE_DONE);
        finish(core, job, tokens[key - 1]);
    }
    uint32_t job = ask_session(core, 50); /* whose KV was used least recently */
    ck_assert_int_eq(prepare(core, job, CUT_ALL, 90, &hits), PREPARE_DONE);
    ck_assert_uint_eq(hbm_tokens_of(core, 2), 0);
    ck_assert_uint_eq(placement_used_bytes(core, TIER_HBM), 90 * BYTES_PER_TOKEN);
    placement_free(core);
}
END_TEST

/* ---- blocks behind a gap ---- */

/* HBM of eight blocks, four of which hold the chain 1, 2, 3, 4 of a turn that ended. */
static struct placement *core_with_a_chain(void)
{
    struct placement *core = core_of(BLOCK, 8 * BLOCK, 0);
    struct placement_hits hits;
    uint32_t job = placement_queue(core, 0, (uint64_t[]){ 1, 2, 3, 4 }, 4, 4 * BLOCK, 4);
    ck_assert_int_eq(prepare(core, job, 0, 4 * BLOCK, &hits), PREPARE_DONE);
    finish(core, job, 4 * BLOCK);
    return core;
}

START_TEST(blocks_behind_a_gap_make_room_and_those_before_it_stay)
{
    struct placement *core = core_with_a_chain();
    struct placement_hits hits;
    const uint64_t keys[] = { 1, 11, 3, 4, 12, 13, 14, 15 };
    uint32_t job = placement_queue(core, 0, keys, 8, 8 * BLOCK, 8);
    ck_assert_int_eq(prepare(core, job, 0, 8 * BLOCK, &hits), PREPARE_DONE);
    ck_assert_uint_eq(hits.tokens[TIER_HBM], BLOCK);
    ck_assert_uint_eq(hbm_tokens_of(core, 1), BLOCK);
    ck_assert_uint_eq(hbm_tokens_of(core, 3) + hbm_tokens_of(core, 4), 0);
    finish(core, job, 8 * BLOCK);
    ck_assert_uint_eq(hbm_tokens_of(core, 4), BLOCK);
    placement_free(core);
}
END_TEST

START_TEST(where_there_is_room_blocks_behind_a_gap_stay_as_long_as_the_turn_runs)
{
    struct placement *core = core_with_a_chain();
    struct placement_hits hits;
    uint32_t job = placement_queue(core, 0, (uint64_t[]){ 1, 11, 3, 4 }, 4, 4 * BLOCK, 4);
    ck_assert_int_eq(prepare(core, job, 0, 4 * BLOCK, &hits), PREPARE_DONE); /* three of its own */
    uint32_t other = placement_queue(core, 0, (uint64_t[]){ 21, 22, 23 }, 3, 3 * BLOCK, 3);
    ck_assert_int_eq(prepare(core, other, 0, 3 * BLOCK, &hits), PREPARE_NO_ROOM);
    ck_assert_int_eq(prepare(core, other, 0, 2 * BLOCK, &hits), PREPARE_DONE);
    ck_assert_uint_eq(hbm_tokens_of(core, 2), 0);
    ck_assert_uint_eq(hbm_tokens_of(core, 3) + hbm_tokens_of(core, 4), 2 * BLOCK);
    placement_free(core);
}
END_TEST

/* ---- a last block that is longer than the job wants ---- */

/* HBM of 20 tokens, 14 of them a partial block; a turn wants the first eight, and 18 in all. */
START_TEST(a_turn_that_fills_hbm_writes_over_what_follows_in_its_last_block)
{
    struct placement *core = core_of(BLOCK, 20, 0);
    struct placement_hits hits;
    uint32_t job = placement_queue(core, 0, (uint64_t[]){ 1 }, 1, 8, 1);
    ck_assert_int_eq(prepare(core, job, 0, 14, &hits), PREPARE_DONE);
    finish(core, job, 14);
    job = placement_queue(core, 0, (uint64_t[]){ 1 }, 1, 8, 2);
    ck_assert_int_eq(prepare(core, job, 0, 18, &hits), PREPARE_DONE);
    ck_assert_uint_eq(hits.tokens[TIER_HBM], 8);
    ck_assert_uint_eq(placement_used_bytes(core, TIER_HBM), 18 * BYTES_PER_TOKEN);
    placement_extend(core, job, (uint64_t[]){ 2 }, 1);
    finish(core, job, 18);
    ck_assert_uint_eq(hbm_tokens_of(core, 1), BLOCK);
    ck_assert_uint_eq(hbm_tokens_of(core, 2), 2);
    placement_free(core);
}
END_TEST

START_TEST(but_not_over_what_another_job_has_there)
{
    struct placement *core = core_of(BLOCK, 20, 0);
    struct placement_hits hits;
    uint32_t job = placement_queue(core, 0, (uint64_t[]){ 1 }, 1, 8, 1);
    ck_assert_int_eq(prepare(core, job, 0, 14, &hits), PREPARE_DONE);
    end_all(core);
    placement_save(core, 0, job, 14);
    uint32_t other = placement_queue(core, 0, (uint64_t[]){ 1 }, 1, 8, 2);
    ck_assert_int_eq(prepare(core, other, 0, 18, &hits), PREPARE_NO_ROOM);
    finish(core, job, 14);
    ck_assert_int_eq(prepare(core, other, 0, 18, &hits), PREPARE_DONE);
    placement_free(core);
}
END_TEST

/* ---- any turns ---- */

/* Turns that take up to all of HBM, which keeps what it can of those that ended. */
static void run_tightly(struct placement_config config, uint64_t seed)
{
    struct scenario scenario;
    uint64_t most_tokens =
        config.unit_tokens == UINT32_MAX ? SCENARIO_SESSION_TOKENS_MAX : SCENARIO_CHAIN_TOKENS_MAX;
    config.capacity_bytes[TIER_HBM] = most_tokens * config.bytes_per_token;
    config.hbm_cache_bytes = config.capacity_bytes[TIER_HBM];
    scenario_init(&scenario, &config, seed, 7);
    for (int i = 0; i < STEPS; i++)
        scenario_step(&scenario);
    scenario_drain(&scenario);
    scenario_free(&scenario);
}

START_TEST(every_turn_ends_though_hbm_is_no_larger_than_the_longest)
{
    const int writes[] = { WRITE_THROUGH, WRITE_BACK, WRITE_LAZY };
    for (int i = 0; policy_at(i) != NULL; i++)
        for (int variant = 0; variant < 24; variant++) {
            struct placement_config config = scenario_config(policy_at(i), variant % 2 != 0);
            config.keys.write[TIER_DRAM] = writes[variant / 2 % 3];
            config.keys.write_ahead_tokens = 64;
            if (variant / 6 % 2 != 0)
                config.capacity_bytes[TIER_SSD] = 0;
            config.keys.leaf_only = variant >= 12;
            run_tightly(config, test_seed() + (uint64_t)(100 * i + variant));
        }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_hbm_room");
    TCase *tests = tcase_create("HBM's room");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_is_cut_makes_room_for_the_turn_that_cuts_it);
    tcase_add_test(tests, and_so_does_kv_that_has_become_useless);
    tcase_add_test(tests, nothing_is_cut_while_another_job_has_the_room);
    tcase_add_test(tests, what_will_be_cut_is_counted_on_and_so_not_evicted);
    tcase_add_test(tests, blocks_behind_a_gap_make_room_and_those_before_it_stay);
    tcase_add_test(tests, where_there_is_room_blocks_behind_a_gap_stay_as_long_as_the_turn_runs);
    tcase_add_test(tests, a_turn_that_fills_hbm_writes_over_what_follows_in_its_last_block);
    tcase_add_test(tests, but_not_over_what_another_job_has_there);
    tcase_add_test(tests, every_turn_ends_though_hbm_is_no_larger_than_the_longest);
    return test_main(suite);
}
