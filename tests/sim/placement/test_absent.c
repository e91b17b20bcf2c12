/* tests/sim/placement/test_absent.c - what the core says of KV that a job does not find: cases
 * known by hand. That the tokens add up is held for random experiments (tests/random). */
#include "sim/placement/first_asked.h"
#include "tests/sim/placement/steps.h"
#include "tests/support.h"

static struct steps remembering(void (*change)(struct placement_config *config))
{
    struct steps steps = steps_with();
    if (change != NULL)
        change(&steps.config);
    steps.core = placement_new(&steps.config);
    placement_keep_losses(steps.core);
    return steps;
}

static struct placement_absent absent_of(struct steps *steps, uint64_t first_key, uint32_t blocks)
{
    uint32_t job = ask(steps, first_key, blocks);
    look(steps);
    return placement_absent(steps->core, job, 0, TIER_SSD, NULL);
}

/* HBM of 8 blocks and nothing below. */
static void hbm_alone(struct placement_config *config)
{
    config->capacity_bytes[TIER_DRAM] = config->capacity_bytes[TIER_SSD] = 0;
}

START_TEST(what_was_never_there_was_never_stored)
{
    struct steps steps = remembering(NULL);
    struct placement_absent absent = absent_of(&steps, 1, 3);
    ck_assert_uint_eq(absent.tokens[ABSENT_NEVER], 3 * BLOCK);
    ck_assert_int_eq(absent.first.why, ABSENT_NEVER);
    ck_assert_uint_eq(absent.first.time_ns, 0);
    placement_free(steps.core);
}
END_TEST

START_TEST(what_is_found_is_not_absent)
{
    struct steps steps = remembering(NULL);
    turn(&steps, 1, 3);
    struct placement_absent absent = absent_of(&steps, 1, 3);
    for (int why = 0; why < ABSENT_COUNT; why++)
        ck_assert_uint_eq(absent.tokens[why], 0);
    placement_free(steps.core);
}
END_TEST

START_TEST(an_eviction_says_when_and_for_whom)
{
    struct steps steps = remembering(hbm_alone);
    placement_on_behalf(steps.core, 41);
    turn(&steps, 1, 4);
    placement_on_behalf(steps.core, 42);
    turn(&steps, 11, 8);
    uint64_t ended_ns = steps.now_ns;
    placement_on_behalf(steps.core, 43);
    struct placement_absent absent = absent_of(&steps, 1, 4);
    ck_assert_uint_eq(absent.tokens[ABSENT_EVICTED], 4 * BLOCK);
    ck_assert_int_eq(absent.first.why, ABSENT_EVICTED);
    ck_assert_int_eq(absent.first.from, TIER_HBM);
    ck_assert_uint_eq(absent.first.behalf, 42);
    ck_assert_uint_le(absent.first.time_ns, ended_ns);
    ck_assert_uint_gt(absent.first.time_ns, 0);
    placement_free(steps.core);
}
END_TEST

static void without_ssd(struct placement_config *config)
{
    config->capacity_bytes[TIER_SSD] = 0;
}

/* HBM has let go of 1 to 4 when DRAM does, too. */
START_TEST(the_last_tier_that_had_it_is_named)
{
    struct steps steps = remembering(without_ssd);
    turn(&steps, 1, 4);
    turn(&steps, 11, 8);
    struct placement_absent absent = absent_of(&steps, 1, 4);
    ck_assert_uint_eq(absent.tokens[ABSENT_EVICTED], 4 * BLOCK);
    ck_assert_int_eq(absent.first.from, TIER_DRAM);
    placement_free(steps.core);
}
END_TEST

/* 1, 2, 3, 4 and then 1, 9: what follows 1 in the first chain is used less recently; one block of
 * it goes. */
START_TEST(behind_a_gap_is_what_is_there_without_what_is_before_it)
{
    struct steps steps = remembering(hbm_alone);
    turn(&steps, 1, 3);
    turn(&steps, 11, 5);
    turn(&steps, 2, 2);  /* 2 and 3 are younger than 1 */
    turn(&steps, 21, 1); /* 1 goes */
    struct placement_absent absent = absent_of(&steps, 1, 3);
    ck_assert_uint_eq(absent.tokens[ABSENT_EVICTED], BLOCK);
    ck_assert_uint_eq(absent.tokens[ABSENT_BEHIND], 2 * BLOCK);
    ck_assert_int_eq(absent.first.why, ABSENT_EVICTED);
    placement_free(steps.core);
}
END_TEST

/* The last block holds 8 tokens of it, and a longer context asks for 16. */
START_TEST(of_a_block_that_is_there_in_part_the_rest_was_never_stored)
{
    struct steps steps = remembering(NULL);
    const uint64_t keys[] = { 1, 2 };
    struct placement_hits hits;
    uint32_t job = placement_queue(steps.core, ++steps.now_ns, keys, 2, BLOCK + 8, 2);
    ck_assert_int_eq(
        placement_prepare(steps.core, ++steps.now_ns, job, 0, BLOCK + 8, TIER_SSD, &hits),
        PREPARE_DONE);
    look(&steps);
    end_all(&steps);
    placement_save(steps.core, ++steps.now_ns, job, BLOCK + 8);
    look(&steps);
    end_all(&steps);
    placement_finish(steps.core, ++steps.now_ns, job);
    look(&steps);
    struct placement_absent absent = absent_of(&steps, 1, 2);
    ck_assert_uint_eq(absent.tokens[ABSENT_NEVER], BLOCK);
    ck_assert_uint_eq(absent.tokens[ABSENT_BEHIND], 0);
    placement_free(steps.core);
}
END_TEST

static void expiring(struct placement_config *config)
{
    config->keys.ttl_ns = 1000;
}

START_TEST(what_outlived_its_time_has_expired)
{
    struct steps steps = remembering(expiring);
    turn(&steps, 1, 2);
    steps.now_ns += 5000;
    placement_on_behalf(steps.core, 9);
    turn(&steps, 11, 1);
    struct placement_absent absent = absent_of(&steps, 1, 2);
    ck_assert_uint_eq(absent.tokens[ABSENT_EXPIRED], 2 * BLOCK);
    ck_assert_uint_eq(absent.first.behalf, 0); /* nobody needed its room */
    placement_free(steps.core);
}
END_TEST

static void filtering(struct placement_config *config)
{
    config->keys.admit_uses[TIER_SSD] = 2;
}

/* DRAM evicts what was used once, which the SSD's filter does not take. */
START_TEST(what_a_filter_kept_out_was_refused)
{
    struct steps steps = remembering(filtering);
    turn(&steps, 1, 4);
    turn(&steps, 11, 8);
    turn(&steps, 21, 8);
    struct placement_absent absent = absent_of(&steps, 1, 4);
    ck_assert_uint_eq(absent.tokens[ABSENT_REFUSED], 4 * BLOCK);
    ck_assert_int_eq(absent.first.from, TIER_SSD);
    placement_free(steps.core);
}
END_TEST

START_TEST(another_server_s_is_elsewhere)
{
    struct steps here = remembering(NULL), there = remembering(NULL);
    turn(&there, 1, 2);
    uint32_t job = ask(&here, 1, 3);
    const struct placement *cores[] = { here.core, there.core };
    const struct placement_around around = { .others = cores, .count = 2 };
    struct placement_absent absent = placement_absent(here.core, job, 0, TIER_SSD, &around);
    ck_assert_uint_eq(absent.tokens[ABSENT_ELSEWHERE], 2 * BLOCK);
    ck_assert_uint_eq(absent.tokens[ABSENT_NEVER], BLOCK);
    placement_free(here.core);
    placement_free(there.core);
}
END_TEST

/* Blocks 1 and 2 were asked before, by turn 8, and never stored; 3 and 4 by nobody, or by turn 9
 * itself. */
START_TEST(what_is_asked_for_first_is_new_and_no_loss)
{
    struct steps steps = remembering(NULL);
    struct first_asked *first = first_asked_new();
    const struct placement_around around = { .first = first, .who = 9 };
    for (uint64_t key = 1; key <= 2; key++)
        first_asked_note(first, key, 8);
    uint32_t job = ask(&steps, 1, 4);
    for (uint64_t key = 1; key <= 4; key++)
        first_asked_note(first, key, 9);
    struct placement_absent absent = placement_absent(steps.core, job, 0, TIER_SSD, &around);
    ck_assert_uint_eq(absent.tokens[ABSENT_NEVER], 2 * BLOCK);
    ck_assert_uint_eq(absent.new_tokens, 2 * BLOCK);
    ck_assert_uint_eq(first_asked_by(first, 5), 0);
    first_asked_free(first);
    placement_free(steps.core);
}
END_TEST

static void of_sessions(struct placement_config *config)
{
    config->unit_tokens = UINT32_MAX;
}

/* A session of which the first 32 tokens are kept: the other 16 are nowhere, least of all
 * elsewhere. */
START_TEST(what_a_session_s_copy_lacks_is_absent_alone)
{
    struct steps steps = remembering(of_sessions);
    const uint64_t key = 5;
    struct placement_hits hits;
    uint32_t job = placement_queue(steps.core, ++steps.now_ns, &key, 1, 0, 1);
    placement_limit(steps.core, job,
                    (struct placement_limits){ 32, UINT32_MAX, UINT32_MAX, UINT32_MAX });
    ck_assert_int_eq(placement_prepare(steps.core, ++steps.now_ns, job, 0, 48, TIER_SSD, &hits),
                     PREPARE_DONE);
    look(&steps);
    finish(&steps, job, 3);
    end_all(&steps);
    job = placement_queue(steps.core, ++steps.now_ns, &key, 1, 48, 1);
    placement_limit(steps.core, job, (struct placement_limits){ 32, 0, UINT32_MAX, UINT32_MAX });
    const struct placement *cores[] = { steps.core };
    const struct placement_around around = { .others = cores, .count = 1 };
    struct placement_absent absent = placement_absent(steps.core, job, 0, TIER_SSD, &around);
    uint64_t sum = 0;
    for (int why = 0; why < ABSENT_COUNT; why++)
        sum += absent.tokens[why];
    ck_assert_uint_gt(sum, 0);
    ck_assert_uint_eq(absent.tokens[ABSENT_ELSEWHERE], 0);
    /* What its context was good for is gone. */
    absent = placement_absent(steps.core, job, CUT_ALL, TIER_SSD, &around);
    ck_assert_uint_eq(absent.tokens[ABSENT_INVALIDATED], 48);
    placement_free(steps.core);
}
END_TEST

START_TEST(a_limit_is_the_engine_s_rule)
{
    struct steps steps = remembering(NULL);
    turn(&steps, 1, 3);
    uint32_t job = ask(&steps, 1, 3);
    placement_limit(steps.core, job,
                    (struct placement_limits){ .save_tokens = UINT32_MAX,
                                               .hbm_tokens = 2 * BLOCK,
                                               .below_tokens = 2 * BLOCK,
                                               .prompt_tokens = UINT32_MAX });
    struct placement_absent absent = placement_absent(steps.core, job, 0, TIER_SSD, NULL);
    ck_assert_uint_eq(absent.tokens[ABSENT_LIMITED], BLOCK);
    placement_free(steps.core);
}
END_TEST

/* A drop is told with the name for whom it was done. */
START_TEST(actions_say_for_whom)
{
    struct steps steps = remembering(hbm_alone);
    turn(&steps, 1, 8);
    placement_on_behalf(steps.core, 7);
    struct placement_hits hits;
    uint32_t job = ask(&steps, 11, 1);
    ck_assert_int_eq(prepare(&steps, job, 1, &hits), PREPARE_DONE);
    ck_assert_uint_eq(count(&steps, ACTION_DROP, TIER_HBM, TIER_HBM), 1);
    ck_assert_uint_eq(steps.action[0].behalf, 7);
    placement_free(steps.core);
}
END_TEST

START_TEST(who_waits_for_a_unit_is_the_first_that_asked)
{
    struct steps steps = remembering(NULL);
    uint32_t first = ask(&steps, 1, 2);
    ask(&steps, 1, 2);
    ck_assert_uint_eq(placement_waiter(steps.core, placement_unit(steps.core, 1)), first);
    placement_free(steps.core);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("absent");
    TCase *tcase = tcase_create("absent");
    tcase_add_test(tcase, what_was_never_there_was_never_stored);
    tcase_add_test(tcase, what_is_found_is_not_absent);
    tcase_add_test(tcase, an_eviction_says_when_and_for_whom);
    tcase_add_test(tcase, the_last_tier_that_had_it_is_named);
    tcase_add_test(tcase, behind_a_gap_is_what_is_there_without_what_is_before_it);
    tcase_add_test(tcase, of_a_block_that_is_there_in_part_the_rest_was_never_stored);
    tcase_add_test(tcase, what_outlived_its_time_has_expired);
    tcase_add_test(tcase, what_a_filter_kept_out_was_refused);
    tcase_add_test(tcase, another_server_s_is_elsewhere);
    tcase_add_test(tcase, what_is_asked_for_first_is_new_and_no_loss);
    tcase_add_test(tcase, what_a_session_s_copy_lacks_is_absent_alone);
    tcase_add_test(tcase, a_limit_is_the_engine_s_rule);
    tcase_add_test(tcase, actions_say_for_whom);
    tcase_add_test(tcase, who_waits_for_a_unit_is_the_first_that_asked);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
