/* tests/sim/placement/test_policy_scheduler_aware.c - what the paper's eviction promises: first
 * what no queued job wants, else what is wanted furthest in the future; the window is never
 * dropped. */
#include "tests/sim/placement/policy_case.h"
#include "tests/support.h"

START_TEST(what_no_job_wants_goes_before_what_one_does)
{
    struct policy_case c;
    case_init(&c, &policy_scheduler_aware, 3, TIER_DRAM);
    case_queue(&c, 1);
    case_queue(&c, 2);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 3);
    case_free(&c);
}
END_TEST

START_TEST(of_wanted_units_the_queue_s_tail_goes_first)
{
    struct policy_case c;
    case_init(&c, &policy_scheduler_aware, 3, TIER_DRAM);
    case_queue(&c, 2);
    case_queue(&c, 3);
    case_queue(&c, 1);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_leave(&c, 1, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 3);
    case_free(&c);
}
END_TEST

START_TEST(of_unwanted_units_the_least_recently_used_goes_first)
{
    struct policy_case c;
    case_init(&c, &policy_scheduler_aware, 3, TIER_DRAM);
    case_use(&c, 1, TIER_DRAM);
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 2);
    case_free(&c);
}
END_TEST

/* Ten jobs of four tokens fit into DRAM and SSD of 40: the window is the queue's first ten. */
START_TEST(the_eviction_window_is_what_dram_and_ssd_hold_of_mean_jobs)
{
    struct policy_case c;
    case_init(&c, &policy_scheduler_aware, 12, TIER_SSD);
    c.env.capacity_tokens[TIER_DRAM] = 10;
    c.env.capacity_tokens[TIER_SSD] = 30;
    c.env.mean_job_tokens = 4.0;
    for (uint32_t unit = 1; unit <= 11; unit++)
        case_queue(&c, unit);
    ck_assert(policy_scheduler_aware.keeps(&c.env, 1));
    ck_assert(policy_scheduler_aware.keeps(&c.env, 10));
    ck_assert(!policy_scheduler_aware.keeps(&c.env, 11));
    ck_assert(!policy_scheduler_aware.keeps(&c.env, 12)); /* no job wants it */
    c.env.queue_head_sequence = 2;                        /* the first job has started */
    ck_assert(policy_scheduler_aware.keeps(&c.env, 11));
    case_free(&c);
}
END_TEST

START_TEST(the_eviction_window_is_so_many_times_as_long)
{
    static const struct {
        double times;
        uint32_t kept; /* of twelve jobs of 4 tokens, 10 of which fit into DRAM and SSD */
    } cases[] = { { 0.0, 0 }, { 0.5, 5 }, { 1.1, 11 }, { 3.0, 12 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct policy_case c;
        case_init(&c, &policy_scheduler_aware, 12, TIER_SSD);
        c.env.capacity_tokens[TIER_DRAM] = 10;
        c.env.capacity_tokens[TIER_SSD] = 30;
        c.env.keys.scheduler_aware_eviction_window = cases[i].times;
        for (uint32_t unit = 1; unit <= 12; unit++)
            case_queue(&c, unit);
        /* No job has ended: all fit, but into a window of none. */
        ck_assert(policy_scheduler_aware.keeps(&c.env, 12) == (cases[i].times > 0.0));
        c.env.mean_job_tokens = 4.0;
        for (uint32_t unit = 1; unit <= 12; unit++)
            ck_assert(policy_scheduler_aware.keeps(&c.env, unit) == (unit <= cases[i].kept));
        case_free(&c);
    }
}
END_TEST

/* That its job left the queue counts as a use: the job took it. */
static uint64_t recency(const struct unit_record *record, enum tier tier)
{
    return record->used_at[tier] > record->unqueued_at ? record->used_at[tier]
                                                       : record->unqueued_at;
}

static bool goes_before(const struct unit_record *a, const struct unit_record *b, enum tier tier)
{
    if ((a->sequence == 0) != (b->sequence == 0))
        return a->sequence == 0;
    return a->sequence == 0 ? recency(a, tier) < recency(b, tier) : a->sequence > b->sequence;
}

static uint32_t slow_victim(const struct policy_case *c, enum tier tier)
{
    uint32_t best = UNIT_NONE;
    for (uint32_t unit = 1; unit <= CASE_UNITS; unit++)
        if (case_may_go(c, unit, tier) &&
            (best == UNIT_NONE || goes_before(&c->record[unit], &c->record[best], tier)))
            best = unit;
    return best;
}

START_TEST(any_sequence_of_calls_agrees_with_the_scan)
{
    case_compare(&policy_scheduler_aware, slow_victim);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_scheduler_aware");
    TCase *tests = tcase_create("scheduler-aware");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_no_job_wants_goes_before_what_one_does);
    tcase_add_test(tests, of_wanted_units_the_queue_s_tail_goes_first);
    tcase_add_test(tests, of_unwanted_units_the_least_recently_used_goes_first);
    tcase_add_test(tests, the_eviction_window_is_what_dram_and_ssd_hold_of_mean_jobs);
    tcase_add_test(tests, the_eviction_window_is_so_many_times_as_long);
    tcase_add_test(tests, any_sequence_of_calls_agrees_with_the_scan);
    return test_main(suite);
}
