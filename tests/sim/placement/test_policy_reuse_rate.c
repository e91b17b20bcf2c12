/* tests/sim/placement/test_policy_reuse_rate.c - what goes first under reuse-rate, what it learns,
 * and what it remembers. That any sequence of requests agrees with a slow model is
 * tests/sim/replay/test_replay.c's. */
#include "sim/placement/reuse_rate.h"
#include "tests/sim/placement/policy_case.h"
#include "tests/support.h"

#include <stdlib.h>

static void init(struct policy_case *c, uint64_t capacity)
{
    case_init(c, &policy_reuse_rate, 0, TIER_DRAM);
    c->env.capacity_units[TIER_DRAM] = c->env.capacity_units[TIER_SSD] = capacity;
}

static void enter_at(struct policy_case *c, uint32_t unit, uint32_t depth)
{
    c->table.seen.depth[unit] = depth;
    case_enter(c, unit, TIER_DRAM);
}

static uint32_t evict(struct policy_case *c)
{
    uint32_t victim = case_victim(c, TIER_DRAM);
    case_leave(c, victim, TIER_DRAM);
    return victim;
}

/* ---- the order of what nothing is known of ---- */

START_TEST(of_units_used_alike_what_lies_longest_goes_first)
{
    struct policy_case c;
    case_init(&c, &policy_reuse_rate, 4, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_use(&c, 1, TIER_DRAM);
    case_use(&c, 2, TIER_DRAM);
    ck_assert_uint_eq(evict(&c), 3);
    ck_assert_uint_eq(evict(&c), 4);
    ck_assert_uint_eq(evict(&c), 1);
    case_free(&c);
}
END_TEST

START_TEST(a_job_s_end_makes_its_units_new_and_is_no_use_more)
{
    struct policy_case c;
    case_init(&c, &policy_reuse_rate, 3, TIER_DRAM);
    case_use_as(&c, 1, TIER_DRAM, (struct policy_use){ .ends = true });
    ck_assert_uint_eq(evict(&c), 2);
    ck_assert_uint_eq(evict(&c), 3);
    case_enter(&c, 5, TIER_DRAM);
    ck_assert_uint_eq(evict(&c), 1); /* as if used once: older than 5, which was used once */
    case_free(&c);
}
END_TEST

START_TEST(a_chain_goes_from_its_end_whether_it_is_told_upwards_or_downwards)
{
    for (int downwards = 0; downwards < 2; downwards++) {
        struct policy_case c;
        init(&c, CASE_UNITS);
        for (uint32_t i = 0; i < 6; i++)
            enter_at(&c, downwards ? 6 - i : i + 1, downwards ? 5 - i : i);
        for (uint32_t unit = 6; unit >= 1; unit--)
            ck_assert_uint_eq(evict(&c), unit);
        case_free(&c);
    }
}
END_TEST

/* Its last block mostly holds the prompt's own last words. */
START_TEST(what_ends_its_chain_goes_before_what_is_as_old)
{
    struct policy_case c;
    init(&c, CASE_UNITS);
    case_enter(&c, 1, TIER_DRAM);
    c.env.use.last = true;
    case_enter(&c, 2, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 2);
    c.env.unit_tokens = UINT32_MAX; /* but of sessions each ends its chain */
    case_enter(&c, 3, TIER_DRAM);
    case_leave(&c, 2, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

/* ---- the queue ---- */

START_TEST(what_a_queued_job_wants_goes_last_and_the_queue_s_tail_first)
{
    struct policy_case c;
    case_init(&c, &policy_reuse_rate, 4, TIER_DRAM);
    case_queue(&c, 2);
    case_queue(&c, 1);
    case_queue(&c, 3);
    ck_assert_uint_eq(evict(&c), 4);
    ck_assert_uint_eq(evict(&c), 3);
    case_unqueue(&c, 2);
    ck_assert_uint_eq(evict(&c), 2);
    ck_assert_uint_eq(evict(&c), 1);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), UNIT_NONE);
    case_free(&c);
}
END_TEST

START_TEST(what_the_window_wants_is_kept_in_the_last_tier)
{
    struct policy_case c;
    case_init(&c, &policy_reuse_rate, 3, TIER_SSD);
    c.env.capacity_tokens[TIER_DRAM] = c.env.capacity_tokens[TIER_SSD] = 2;
    c.env.mean_job_tokens = 4.0; /* one job */
    case_queue(&c, 1);
    case_queue(&c, 2);
    ck_assert(policy_reuse_rate.keeps(&c.env, 1));
    ck_assert(!policy_reuse_rate.keeps(&c.env, 2));
    ck_assert(!policy_reuse_rate.keeps(&c.env, 3));
    case_free(&c);
}
END_TEST

/* Which idle one goes is the policy's; that it is one, and which wanted one where there is none,
 * the scan's. */
static uint32_t slow_victim(const struct policy_case *c, enum tier tier)
{
    struct policy_case *asked = (struct policy_case *)(uintptr_t)c;
    uint32_t last = UNIT_NONE, named = c->policy->victim(&asked->env, tier);
    for (uint32_t unit = 1; unit <= CASE_UNITS; unit++) {
        if (!case_may_go(c, unit, tier))
            continue;
        if (c->record[unit].sequence == 0)
            return named != UNIT_NONE && case_may_go(c, named, tier) &&
                           c->record[named].sequence == 0
                       ? named
                       : unit;
        if (last == UNIT_NONE || c->record[unit].sequence > c->record[last].sequence)
            last = unit;
    }
    return last;
}

START_TEST(any_sequence_of_calls_takes_the_idle_first_and_the_wanted_from_the_tail)
{
    case_compare(&policy_reuse_rate, slow_victim);
}
END_TEST

/* ---- what it learns ---- */

static int64_t remembered, remembered_most;
static bool is_ghost[CASE_UNITS + 1];

static void count_remembered(struct policy_env *env, uint32_t unit, enum tier tier, bool does)
{
    (void)env, (void)tier;
    is_ghost[unit] = does;
    remembered += does ? 1 : -1;
    remembered_most = remembered > remembered_most ? remembered : remembered_most;
}

static void init_counting(struct policy_case *c, uint64_t capacity)
{
    init(c, capacity);
    c->env.remembers = count_remembered;
    remembered = remembered_most = 0;
    for (uint32_t unit = 0; unit <= CASE_UNITS; unit++)
        is_ghost[unit] = false;
}

static uint32_t count_here(const struct policy_case *c)
{
    uint32_t here = 0;
    for (uint32_t unit = 1; unit <= CASE_UNITS; unit++)
        here += c->record[unit].entered_at[TIER_DRAM] != 0;
    return here;
}

/* A reference: used where it is, or remembered; else it comes, in the place of another. */
static void refer(struct policy_case *c, uint32_t unit, uint32_t capacity)
{
    bool here = c->record[unit].entered_at[TIER_DRAM] != 0;
    if (here || is_ghost[unit])
        case_use(c, unit, TIER_DRAM);
    if (here)
        return;
    if (count_here(c) == capacity)
        evict(c);
    case_enter(c, unit, TIER_DRAM);
}

/* Units 1 and 2 are asked for every eight references; between them come six strangers, which come
 * back when they are forgotten. LRU would lose both each time. */
START_TEST(what_is_used_again_stays_while_what_came_later_and_once_goes)
{
    struct policy_case c;
    uint32_t stranger = 3;
    init_counting(&c, 6);
    for (uint32_t step = 0; step < 800; step++) {
        bool known = step % 8 < 2;
        refer(&c, known ? 1 + step % 8 : stranger, 6);
        if (!known)
            stranger = stranger == CASE_UNITS ? 3 : stranger + 1;
        if (step > 400)
            ck_assert(c.record[1].entered_at[TIER_DRAM] != 0 &&
                      c.record[2].entered_at[TIER_DRAM] != 0);
    }
    case_free(&c);
}
END_TEST

START_TEST(a_unit_that_left_and_comes_back_has_been_used_as_often_as_before)
{
    struct policy_case c;
    case_init(&c, &policy_reuse_rate, 1, TIER_DRAM);
    ck_assert_uint_eq(evict(&c), 1);
    case_use(&c, 1, TIER_DRAM); /* while it is a ghost */
    case_enter(&c, 1, TIER_DRAM);
    case_enter(&c, 2, TIER_DRAM);
    ck_assert_uint_eq(evict(&c), 2); /* newer, but used less often */
    c.policy->leave(&c.env, 1, TIER_DRAM, LEAVE_REMOVED);
    case_enter(&c, 1, TIER_DRAM);
    case_enter(&c, 3, TIER_DRAM);
    ck_assert_uint_eq(evict(&c), 1); /* what was removed is forgotten */
    case_free(&c);
}
END_TEST

START_TEST(a_unit_from_the_tier_above_has_been_used_as_often_as_there)
{
    struct policy_case c;
    case_init(&c, &policy_reuse_rate, 1, TIER_DRAM);
    case_use(&c, 1, TIER_DRAM);
    case_enter(&c, 1, TIER_SSD);
    case_enter(&c, 2, TIER_SSD);
    ck_assert_uint_eq(case_victim(&c, TIER_SSD), 2);
    case_free(&c);
}
END_TEST

START_TEST(four_ghosts_are_remembered_for_each_unit_that_fits)
{
    struct policy_case c;
    init_counting(&c, 5);
    for (uint32_t step = 0; step < 500; step++) {
        case_enter(&c, 1 + step % CASE_UNITS, TIER_DRAM);
        if (step >= 4)
            evict(&c);
    }
    ck_assert_int_eq(remembered, 20);
    ck_assert_int_eq(remembered_most, 21); /* until the oldest is forgotten */
    case_free(&c);
}
END_TEST

static double reused(const struct policy_case *c, uint32_t step)
{
    const struct reuse_ages *ages = &tier_of(&c->env, TIER_DRAM)->ages;
    double sum = 0.0;
    for (uint32_t kind = 0; kind < AGE_KINDS; kind++)
        sum += ages->reused[kind][step];
    return sum;
}

static double reused_ever(const struct policy_case *c)
{
    double sum = 0.0;
    for (uint32_t step = 0; step < AGE_STEPS; step++)
        sum += reused(c, step);
    return sum;
}

/* A queue of minutes is not the session's own silence. */
START_TEST(a_unit_s_age_ends_when_a_job_that_wants_it_joins_the_queue)
{
    struct policy_case c;
    case_init(&c, &policy_reuse_rate, 3, TIER_DRAM); /* an epoch each */
    case_queue(&c, 1);
    ck_assert_double_eq(reused(&c, 2), 1.0);
    case_enter(&c, 4, TIER_DRAM);
    case_enter(&c, 5, TIER_DRAM);
    case_unqueue(&c, 1);
    case_use(&c, 1, TIER_DRAM);
    ck_assert_double_eq(reused_ever(&c), 1.0); /* not once more */
    case_use_as(&c, 1, TIER_DRAM, (struct policy_use){ .ends = true });
    ck_assert_double_eq(reused_ever(&c), 1.0);
    case_use(&c, 1, TIER_DRAM); /* of which no queue was told */
    ck_assert_double_eq(reused_ever(&c), 2.0);
    ck_assert_double_eq(reused(&c, 1), 1.0);
    case_free(&c);
}
END_TEST

START_TEST(a_ghost_that_is_asked_for_teaches_too)
{
    struct policy_case c;
    case_init(&c, &policy_reuse_rate, 4, TIER_DRAM);
    ck_assert_uint_eq(evict(&c), 1);
    case_queue(&c, 1);
    ck_assert_double_eq(reused(&c, 3), 1.0);
    case_free(&c);
}
END_TEST

/* ---- ages ---- */

START_TEST(steps_of_age_are_two_an_octave_and_end_where_the_next_begin)
{
    for (uint32_t step = 0; step < AGE_STEPS; step++) {
        ck_assert_uint_eq(age_step(age_of_step(step)), step);
        if (step + 1 < AGE_STEPS)
            ck_assert_uint_eq(age_step(age_of_step(step + 1) - 1), step);
    }
    ck_assert_uint_eq(age_of_step(AGE_STEPS - 1), AGE_EPOCHS);
    ck_assert_uint_eq(age_step(UINT32_MAX), AGE_STEPS - 1);
}
END_TEST

/* A thousand are watched; of those, 400 are forgotten before they are two epochs old; 300 of the
 * other 600 are used again at that age. The forgotten ones say nothing of it: half of those that
 * came so far. */
START_TEST(what_was_forgotten_before_says_nothing_of_a_later_age)
{
    struct reuse_ages *ages = calloc(1, sizeof *ages);
    const uint32_t inner = AGE_KINDS / 2;
    ages_begin(ages);
    double before = ages_rate(ages, inner, 0);
    for (int i = 0; i < 1000; i++)
        ages_watch(ages, inner, 0);
    ages_advance(ages);
    for (int i = 0; i < 400; i++)
        ages_unwatch(ages, inner, 0);
    ages_advance(ages);
    for (int i = 0; i < 300; i++) {
        ages_reused(ages, inner, 0);
        ages_unwatch(ages, inner, 0);
    }
    ages_advance(ages);
    ages_advance(ages);            /* every fourth: rates are new */
    double chance = 300.5 / 608.0; /* with what is expected of 8 */
    double rate = chance / (1.0 - chance / 2.0);
    ck_assert_double_eq(ages->rate[inner][2], rate);
    ck_assert_double_eq(ages->rate[inner][0], rate); /* it is still to come */
    ck_assert_double_lt(ages->rate[inner][3], before);
    /* No kind used more often is rated below it; nor what ends chains above its like. */
    ck_assert_double_eq(ages->rate[AGE_KINDS - 1][2], rate);
    ck_assert_double_le(ages->rate[0][2], rate);
    free(ages);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_reuse_rate");
    TCase *tests = tcase_create("reuse-rate");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, of_units_used_alike_what_lies_longest_goes_first);
    tcase_add_test(tests, a_job_s_end_makes_its_units_new_and_is_no_use_more);
    tcase_add_test(tests, a_chain_goes_from_its_end_whether_it_is_told_upwards_or_downwards);
    tcase_add_test(tests, what_ends_its_chain_goes_before_what_is_as_old);
    tcase_add_test(tests, what_a_queued_job_wants_goes_last_and_the_queue_s_tail_first);
    tcase_add_test(tests, what_the_window_wants_is_kept_in_the_last_tier);
    tcase_add_test(tests, any_sequence_of_calls_takes_the_idle_first_and_the_wanted_from_the_tail);
    tcase_add_test(tests, what_is_used_again_stays_while_what_came_later_and_once_goes);
    tcase_add_test(tests, a_unit_that_left_and_comes_back_has_been_used_as_often_as_before);
    tcase_add_test(tests, a_unit_from_the_tier_above_has_been_used_as_often_as_there);
    tcase_add_test(tests, four_ghosts_are_remembered_for_each_unit_that_fits);
    tcase_add_test(tests, a_unit_s_age_ends_when_a_job_that_wants_it_joins_the_queue);
    tcase_add_test(tests, a_ghost_that_is_asked_for_teaches_too);
    tcase_add_test(tests, steps_of_age_are_two_an_octave_and_end_where_the_next_begin);
    tcase_add_test(tests, what_was_forgotten_before_says_nothing_of_a_later_age);
    return test_main(suite);
}
