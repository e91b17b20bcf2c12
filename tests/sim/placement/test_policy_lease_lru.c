/* tests/sim/placement/test_policy_lease_lru.c - what lease-lru promises: who was read is safe for
 * the lease's time, and a read counts later than a write. */
#include "tests/sim/placement/policy_case.h"
#include "tests/support.h"

enum { LEASE = 30, STORED_LEASE = 12 };

static void init(struct policy_case *c, uint32_t count)
{
    case_init(c, &policy_lease_lru, count, TIER_DRAM);
    c->env.keys.lease_ns = LEASE;
}

START_TEST(what_was_read_stays_until_its_lease_has_ended)
{
    struct policy_case c;
    init(&c, 1);
    case_use(&c, 1, TIER_DRAM);
    c.now += LEASE - 1;
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), UNIT_NONE);
    c.now++;
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

START_TEST(what_is_written_within_the_lease_goes_before_what_was_read)
{
    struct policy_case c;
    init(&c, 1);
    case_use(&c, 1, TIER_DRAM);
    case_enter(&c, 2, TIER_DRAM); /* newer than the read, but a write has no lease */
    c.now += LEASE;
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 2);
    case_leave(&c, 2, TIER_DRAM);
    case_enter(&c, 3, TIER_DRAM); /* after the lease: the read is the older one */
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

START_TEST(a_job_s_end_reads_nothing)
{
    struct policy_case c;
    init(&c, 2);
    case_use_as(&c, 1, TIER_DRAM, (struct policy_use){ .ends = true });
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

START_TEST(what_was_stored_can_have_a_lease_of_its_own)
{
    struct policy_case c;
    init(&c, 0);
    c.env.keys.lease_lru_stored_lease = STORED_LEASE;
    case_enter(&c, 1, TIER_DRAM);
    c.now += STORED_LEASE - 1;
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), UNIT_NONE);
    c.now++;
    ck_assert_uint_eq(case_victim(&c, TIER_DRAM), 1);
    case_free(&c);
}
END_TEST

static uint64_t lease_end(const struct policy_case *c, uint32_t unit, enum tier tier)
{
    const struct unit_record *record = &c->record[unit];
    bool read = record->started_at[tier] > record->entered_at[tier];
    /* Doubled: of two that end at once, the one that was only written goes first. */
    return tier == TIER_HBM ? record->used_at[tier]
           : read           ? 2 * (record->started_at[tier] + LEASE) + 1
                            : 2 * (record->entered_at[tier] + c->env.keys.lease_lru_stored_lease);
}

static uint32_t slow_victim(const struct policy_case *c, enum tier tier)
{
    uint32_t unit = case_least(c, tier, lease_end);
    bool runs = unit != UNIT_NONE && tier != TIER_HBM && lease_end(c, unit, tier) / 2 > c->now;
    return runs ? UNIT_NONE : unit;
}

START_TEST(any_sequence_of_calls_agrees_with_the_scan)
{
    struct policy_case c;
    init(&c, 0);
    case_compare_from(&c, slow_victim);
    case_free(&c);
}
END_TEST

START_TEST(so_does_any_where_what_is_stored_has_a_lease)
{
    struct policy_case c;
    init(&c, 0);
    c.env.keys.lease_lru_stored_lease = STORED_LEASE;
    case_compare_from(&c, slow_victim);
    case_free(&c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("policy_lease_lru");
    TCase *tests = tcase_create("lease-lru");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, what_was_read_stays_until_its_lease_has_ended);
    tcase_add_test(tests, what_is_written_within_the_lease_goes_before_what_was_read);
    tcase_add_test(tests, a_job_s_end_reads_nothing);
    tcase_add_test(tests, what_was_stored_can_have_a_lease_of_its_own);
    tcase_add_test(tests, any_sequence_of_calls_agrees_with_the_scan);
    tcase_add_test(tests, so_does_any_where_what_is_stored_has_a_lease);
    return test_main(suite);
}
