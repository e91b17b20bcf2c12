/* tests/sim/placement/test_hbm_room.c - a turn that no other is in the way of gets HBM's room: what
 * HBM has of its own context does not stand in its way. */
#include "sim/placement/placement.h"
#include "tests/support.h"

enum { BYTES_PER_TOKEN = 10 };

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

int main(void)
{
    Suite *suite = suite_create("placement_hbm_room");
    TCase *tests = tcase_create("HBM's room");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_is_cut_makes_room_for_the_turn_that_cuts_it);
    tcase_add_test(tests, and_so_does_kv_that_has_become_useless);
    tcase_add_test(tests, nothing_is_cut_while_another_job_has_the_room);
    return test_main(suite);
}
