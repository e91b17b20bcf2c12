/* tests/sim/placement/test_quotas.c - tenants' quotas: who makes room, whose a shared block is, and
 * that a tenant with a quota has in DRAM and SSD what it would have alone with as much of them. */
#include "base/random.h"
#include "tests/sim/placement/steps.h"
#include "tests/support.h"

#include <inttypes.h>

static const struct placement_terms none = { .quota = { 1, 1, 1 },
                                             .priority = PLACEMENT_NO_PRIORITY };

static struct placement_terms quotas(double dram, double ssd)
{
    return (struct placement_terms){ .quota = { 1, dram, ssd }, .priority = PLACEMENT_NO_PRIORITY };
}

/* DRAM of 8 blocks, SSD of so many; HBM keeps nothing. */
static struct steps steps_of(const char *policy, uint64_t ssd_blocks, bool with_quotas)
{
    struct steps steps = steps_with();
    steps.config.policy = policy_find(policy);
    steps.config.hbm_cache_bytes = 0;
    steps.config.capacity_bytes[TIER_SSD] = ssd_blocks * BLOCK * BYTES_PER_TOKEN;
    steps.config.quotas = with_quotas;
    steps.core = placement_new(&steps.config);
    return steps;
}

static struct placement_hits turn_of(struct steps *steps, uint32_t tenant,
                                     const struct placement_terms *terms, uint64_t first_key,
                                     uint32_t blocks)
{
    placement_set_tenant(steps->core, tenant, terms);
    return turn(steps, first_key, blocks);
}

START_TEST(who_is_over_its_quota_gives_up_its_own)
{
    struct steps steps = steps_of("lru", 0, true);
    const struct placement_terms half = quotas(0.5, 1);
    turn_of(&steps, 0, &half, 1, 4);
    turn_of(&steps, 1, &half, 11, 4); /* DRAM is full */
    turn_of(&steps, 1, &half, 21, 3);
    ck_assert_uint_eq(blocks_in(&steps, 1, 4, TIER_DRAM), 4);
    ck_assert_uint_eq(blocks_in(&steps, 11, 4, TIER_DRAM), 1);
    ck_assert_uint_eq(blocks_in(&steps, 21, 3, TIER_DRAM), 3);
    /* Even where there is room: of 4 blocks, 1 is left of its quota. */
    placement_free(steps.core);
    steps = steps_of("lru", 0, true);
    turn_of(&steps, 1, &half, 11, 3);
    turn_of(&steps, 1, &half, 21, 2);
    ck_assert_uint_eq(blocks_in(&steps, 11, 3, TIER_DRAM), 2);
    placement_free(steps.core);
}
END_TEST

START_TEST(more_at_once_than_a_quota_is_not_stored)
{
    struct steps steps = steps_of("lru", 0, true);
    const struct placement_terms half = quotas(0.5, 1);
    turn_of(&steps, 0, &half, 1, 3);
    turn_of(&steps, 0, &half, 11, 5);
    ck_assert_uint_eq(blocks_in(&steps, 1, 3, TIER_DRAM), 3);
    ck_assert_uint_eq(blocks_in(&steps, 11, 5, TIER_DRAM), 0);
    placement_free(steps.core);
}
END_TEST

START_TEST(without_a_quota_a_tenant_takes_what_others_leave)
{
    struct steps steps = steps_of("lru", 0, true);
    const struct placement_terms quarter = quotas(0.25, 1);
    turn_of(&steps, 0, &none, 1, 7);
    turn_of(&steps, 1, &quarter, 11, 2); /* the others' share is 6 blocks: they are over it */
    ck_assert_uint_eq(blocks_in(&steps, 1, 7, TIER_DRAM), 6);
    turn_of(&steps, 0, &none, 21, 3);
    ck_assert_uint_eq(blocks_in(&steps, 11, 2, TIER_DRAM), 2);
    ck_assert_uint_eq(blocks_in(&steps, 21, 3, TIER_DRAM), 3);
    ck_assert_uint_eq(blocks_in(&steps, 1, 7, TIER_DRAM), 3);
    placement_free(steps.core);
}
END_TEST

/* What both ask for is the one's who computed it first, and counts for its quota. */
START_TEST(a_shared_block_is_of_who_computed_it_first)
{
    struct steps steps = steps_of("lru", 0, true);
    const struct placement_terms half = quotas(0.5, 1);
    turn_of(&steps, 0, &half, 1, 2);
    turn_of(&steps, 1, &half, 1, 6); /* 2 are there; 4 are its own */
    ck_assert_uint_eq(blocks_in(&steps, 1, 6, TIER_DRAM), 6);
    ck_assert_uint_eq(placement_counters(steps.core)->tenant_stored_bytes[0],
                      2 * BLOCK * BYTES_PER_TOKEN);
    ck_assert_uint_eq(placement_counters(steps.core)->tenant_stored_bytes[1],
                      4 * BLOCK * BYTES_PER_TOKEN);
    turn_of(&steps, 0, &half, 11, 3);
    ck_assert_uint_eq(blocks_in(&steps, 1, 2, TIER_DRAM), 1);
    placement_free(steps.core);
}
END_TEST

/* One tenant asks for a few contexts again and again, the other for new ones only. Each turn of the
 * former hits the same blocks as without the other, with its share of DRAM and SSD alone: for every
 * policy, whatever it orders by. */
static void compare_with_alone(const struct policy *policy, uint64_t ssd_blocks, uint64_t seed)
{
    const struct placement_terms half = quotas(0.5, 0.5);
    struct steps shared = steps_of(policy->name, ssd_blocks, true);
    struct steps alone = steps_of(policy->name, ssd_blocks / 2, false);
    placement_free(alone.core);
    alone.config.capacity_bytes[TIER_DRAM] /= 2;
    alone.core = placement_new(&alone.config);
    struct random random = random_from(seed, 0);
    uint64_t hits = 0, new_key = 1000;
    for (int i = 0; i < 400; i++) {
        uint64_t first = 1 + 10 * random_below(&random, 4);
        uint32_t blocks = 1 + (uint32_t)random_below(&random, 3);
        struct placement_hits with = turn_of(&shared, 0, &half, first, blocks);
        struct placement_hits without = turn(&alone, first, blocks);
        hits += without.units_found;
        for (int tier = 0; tier < TIER_COUNT; tier++)
            ck_assert_msg(with.tokens[tier] == without.tokens[tier],
                          "%s, seed %" PRIu64 ", turn %d, tier %d: %u and alone %u", policy->name,
                          seed, i, tier, with.tokens[tier], without.tokens[tier]);
        for (uint64_t more = random_below(&random, 3); more > 0; more--, new_key += 10)
            turn_of(&shared, 1, &half, new_key, 1 + (uint32_t)random_below(&random, 4));
    }
    ck_assert_uint_gt(hits, 100);
    placement_free(shared.core);
    placement_free(alone.core);
}

START_TEST(a_tenant_has_what_it_would_have_alone)
{
    for (int i = 0; policy_at(i) != NULL; i++) {
        if (!policy_at(i)->saves)
            continue;
        compare_with_alone(policy_at(i), 0, test_seed() + (uint64_t)i);
        compare_with_alone(policy_at(i), 16, test_seed() + (uint64_t)i);
    }
}
END_TEST

/* As engines save: once, one by one, or whole nodes of a tree. Each step recounts what everybody
 * holds, and that it is within his quota (look()). */
START_TEST(quotas_are_kept_however_kv_is_saved)
{
    const struct placement_terms terms[] = { quotas(0.5, 0.25), quotas(0.25, 1), none };
    for (int save = SAVE_LACKING; save <= SAVE_NODES; save++) {
        struct steps steps = steps_with();
        struct random random = random_from(test_seed(), (uint64_t)save);
        steps.config.quotas = true;
        steps.config.keys.save = save;
        steps.config.keys.leaf_only = save == SAVE_NODES;
        steps.core = placement_new(&steps.config);
        uint64_t stored = 0;
        for (int i = 0; i < 400; i++) {
            uint32_t tenant = (uint32_t)random_below(&random, 3);
            uint64_t first = 1 + 100 * tenant + 10 * random_below(&random, 4);
            first = random_below(&random, 5) == 0 ? 901 : first; /* that all ask for */
            turn_of(&steps, tenant, &terms[tenant], first, 1 + (uint32_t)random_below(&random, 4));
        }
        for (int tenant = 0; tenant < 3; tenant++)
            stored += placement_counters(steps.core)->tenant_stored_bytes[tenant];
        ck_assert_uint_gt(stored, 0);
        ck_assert_uint_eq(stored, placement_counters(steps.core)->stored_bytes);
        placement_free(steps.core);
    }
}
END_TEST

/* Under priority-lru. */
START_TEST(a_tenant_s_priority_is_its_blocks)
{
    struct steps steps = steps_of("priority-lru", 0, false);
    const struct placement_terms high = { .quota = { 1, 1, 1 }, .priority = 60 };
    turn_of(&steps, 0, &high, 1, 3);
    turn_of(&steps, 1, &none, 11, 4);
    turn_of(&steps, 1, &none, 21, 5);
    ck_assert_uint_eq(blocks_in(&steps, 1, 3, TIER_DRAM), 3);
    ck_assert_uint_eq(blocks_in(&steps, 11, 4, TIER_DRAM), 0);
    placement_free(steps.core);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("placement_quotas");
    TCase *tests = tcase_create("quotas");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, who_is_over_its_quota_gives_up_its_own);
    tcase_add_test(tests, more_at_once_than_a_quota_is_not_stored);
    tcase_add_test(tests, without_a_quota_a_tenant_takes_what_others_leave);
    tcase_add_test(tests, a_shared_block_is_of_who_computed_it_first);
    tcase_add_test(tests, a_tenant_has_what_it_would_have_alone);
    tcase_add_test(tests, quotas_are_kept_however_kv_is_saved);
    tcase_add_test(tests, a_tenant_s_priority_is_its_blocks);
    return test_main(suite);
}
