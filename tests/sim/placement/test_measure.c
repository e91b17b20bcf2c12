/* tests/sim/placement/test_measure.c - what was stored or fetched in vain is counted against what
 * was stored or fetched: all of the one is part of the other, from when measuring began. */
#include "tests/sim/placement/steps.h"
#include "tests/support.h"

enum { BLOCK_BYTES = BLOCK * BYTES_PER_TOKEN };

static uint64_t fetched(const struct steps *steps)
{
    const struct placement_counters *counters = placement_counters(steps->core);
    return (counters->fetch_ssd_dram_bytes + counters->fetch_remote_dram_bytes) / BLOCK_BYTES;
}

static uint64_t unused(const struct steps *steps)
{
    return placement_counters(steps->core)->fetched_unused_bytes / BLOCK_BYTES;
}

static uint64_t never_loaded(const struct steps *steps)
{
    return placement_counters(steps->core)->stored_never_loaded_bytes / BLOCK_BYTES;
}

static struct steps fetching(void)
{
    struct steps steps = steps_with();
    steps.config.fetches = true;
    steps.config.hbm_cache_bytes = 0;
    return steps;
}

/* 1 to 4 are on SSD, and wanted behind a job of all of DRAM, whose handle is given. */
static uint32_t want_what_ssd_has(struct steps *steps)
{
    steps->core = placement_new(&steps->config);
    turn(steps, 1, 4);
    turn(steps, 11, 4);
    turn(steps, 21, 4);
    uint32_t head = ask(steps, 31, 8);
    ask(steps, 1, 4);
    look(steps);
    ck_assert_uint_eq(blocks_in(steps, 1, 4, TIER_SSD), 4);
    return head;
}

static void run_all_of_dram(struct steps *steps, uint32_t job)
{
    struct placement_hits hits;
    ck_assert_int_eq(prepare(steps, job, 8, &hits), PREPARE_DONE);
    finish(steps, job, 8);
    end_all(steps);
    ck_assert_uint_eq(blocks_in(steps, 1, 4, TIER_DRAM), 0);
}

START_TEST(what_is_fetched_and_evicted_before_its_turn_was_in_vain)
{
    struct steps steps = fetching();
    uint32_t head = want_what_ssd_has(&steps);
    end_all(&steps);
    ck_assert_uint_eq(fetched(&steps), 4);
    ck_assert_uint_eq(unused(&steps), 0);
    run_all_of_dram(&steps, head);
    ck_assert_uint_eq(unused(&steps), 4);
    placement_free(steps.core);
}
END_TEST

START_TEST(not_what_was_fetched_before_measuring_began)
{
    struct steps steps = fetching();
    uint32_t head = want_what_ssd_has(&steps);
    end_all(&steps);
    placement_start_measuring(steps.core);
    run_all_of_dram(&steps, head);
    ck_assert_uint_eq(unused(&steps), 0);
    placement_free(steps.core);
}
END_TEST

/* It is fetched when it comes, as it has moved then (sim/engine/moved.h). */
START_TEST(but_what_was_on_its_way)
{
    struct steps steps = fetching();
    uint32_t head = want_what_ssd_has(&steps);
    while (fetched(&steps) == 0) {
        ck_assert_int_eq(steps.action[0].kind, ACTION_DEMOTE);
        placement_transfer_ended(steps.core, ++steps.now_ns, steps.action[0].id);
        look(&steps);
    }
    ck_assert_uint_lt(fetched(&steps), 4);
    placement_start_measuring(steps.core);
    end_all(&steps);
    ck_assert_uint_eq(fetched(&steps), 4);
    run_all_of_dram(&steps, head);
    ck_assert_uint_eq(unused(&steps), 4);
    placement_free(steps.core);
}
END_TEST

/* Half of the block is in DRAM already: a turn wanted no more of it. */
START_TEST(nor_what_dram_had_before_the_fetch)
{
    struct steps steps = fetching();
    struct placement_hits hits;
    const uint64_t key = 1;
    steps.config.keys.dram_reserve_share = 0.25; /* or nothing that is loaded could stay */
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 1);
    for (uint64_t other = 11; other < 19; other++) {
        turn(&steps, other, 1);
        end_all(&steps);
    }
    ck_assert_uint_eq(blocks_in(&steps, 1, 1, TIER_SSD), 1);
    uint32_t half = placement_queue(steps.core, ++steps.now_ns, &key, 1, BLOCK / 2, 1);
    look(&steps);
    ck_assert_int_eq(
        placement_prepare(steps.core, ++steps.now_ns, half, 0, BLOCK / 2, TIER_SSD, &hits),
        PREPARE_DONE);
    look(&steps);
    end_all(&steps);
    placement_finish(steps.core, ++steps.now_ns, half);
    look(&steps);
    end_all(&steps);
    uint32_t unit = placement_unit(steps.core, key);
    ck_assert_uint_eq(placement_copy_bytes(steps.core, unit, TIER_DRAM), BLOCK_BYTES / 2);
    uint32_t head = ask(&steps, 31, 8);
    ask(&steps, 1, 1);
    look(&steps);
    end_all(&steps);
    const struct placement_counters *counters = placement_counters(steps.core);
    ck_assert_uint_eq(placement_copy_bytes(steps.core, unit, TIER_DRAM), BLOCK_BYTES);
    ck_assert_uint_eq(counters->fetch_ssd_dram_bytes, BLOCK_BYTES / 2);
    run_all_of_dram(&steps, head);
    ck_assert_uint_eq(counters->fetched_unused_bytes, BLOCK_BYTES / 2);
    placement_free(steps.core);
}
END_TEST

START_TEST(what_is_stored_and_never_loaded_was_in_vain)
{
    struct steps steps = steps_with();
    steps.config.hbm_cache_bytes = 0;
    steps.core = placement_new(&steps.config);
    turn(&steps, 1, 2);
    placement_start_measuring(steps.core);
    uint64_t before = placement_counters(steps.core)->stored_bytes;
    ck_assert_uint_eq(before, 2 * BLOCK_BYTES);
    turn(&steps, 11, 2);
    turn(&steps, 11, 2); /* loads them */
    turn(&steps, 21, 3);
    placement_end(steps.core);
    ck_assert_uint_eq(placement_counters(steps.core)->stored_bytes - before, 5 * BLOCK_BYTES);
    ck_assert_uint_eq(never_loaded(&steps), 3);
    placement_free(steps.core);
}
END_TEST

/* It is the other server's that stored it. */
START_TEST(not_what_came_from_the_pool)
{
    struct steps writer = fetching(), reader = fetching();
    struct pool *pool = pool_new(100 * BLOCK, 0);
    writer.config.pool = reader.config.pool = pool;
    writer.config.keys.write[TIER_REMOTE] = reader.config.keys.write[TIER_REMOTE] = WRITE_THROUGH;
    writer.config.capacity_bytes[TIER_SSD] = reader.config.capacity_bytes[TIER_SSD] = 0;
    writer.core = placement_new(&writer.config);
    reader.core = placement_new(&reader.config);
    turn(&writer, 1, 4);
    end_all(&writer);
    uint32_t head = ask(&reader, 31, 8);
    ask(&reader, 1, 4);
    look(&reader);
    end_all(&reader);
    ck_assert_uint_eq(fetched(&reader), 4);
    run_all_of_dram(&reader, head);
    ck_assert_uint_eq(unused(&reader), 4);
    ck_assert_uint_eq(never_loaded(&reader), 0);
    placement_free(writer.core);
    placement_free(reader.core);
    pool_free(pool);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_measure");
    TCase *tests = tcase_create("the measured part");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_is_fetched_and_evicted_before_its_turn_was_in_vain);
    tcase_add_test(tests, not_what_was_fetched_before_measuring_began);
    tcase_add_test(tests, but_what_was_on_its_way);
    tcase_add_test(tests, nor_what_dram_had_before_the_fetch);
    tcase_add_test(tests, what_is_stored_and_never_loaded_was_in_vain);
    tcase_add_test(tests, not_what_came_from_the_pool);
    return test_main(suite);
}
