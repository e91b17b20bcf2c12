/* tests/sim/replay/test_replay.c - the replay's hits, policy by policy, equal those of caches that
 * are slow and plain; and what must hold of any replay. */
#include "sim/replay/replay.h"
#include "tests/sim/replay/chains.h"
#include "tests/sim/replay/slow_cache.h"
#include "tests/support.h"

#include <inttypes.h>
#include <string.h>

enum { REQUESTS = 3000, BLOCK_TOKENS = 16 };

static const uint32_t capacities[] = { 1, 2, 5, 10, 20, 37, 64, 100 };
enum { CAPACITIES = sizeof capacities / sizeof *capacities };

/* The same constants as an experiment's keys. */
static struct policy_keys keys_of(const struct slow_constants *constants)
{
    return (struct policy_keys){ .two_q_in_share = constants->in / 100.0,
                                 .two_q_out_share = constants->out / 100.0,
                                 .s3_fifo_small_share = constants->small / 100.0,
                                 .s3_fifo_ghost_share = constants->s3_ghosts / 100.0,
                                 .s3_fifo_promote_uses = constants->promote,
                                 .s3_fifo_max_uses = constants->most,
                                 .arc_step = constants->arc_step / 100.0,
                                 .arc_first_target = constants->arc_first / 100.0,
                                 .vllm_arc_step = constants->vllm_step / 100.0,
                                 .vllm_arc_first_target = constants->vllm_first / 100.0,
                                 .vllm_arc_ghost_share = constants->vllm_ghosts / 100.0,
                                 .radix_slru_protected_uses = constants->slru };
}

/* The hits of both. */
static uint64_t compare(const struct policy *policy, const struct policy_keys *policy_keys,
                        const struct slow_constants *constants, uint32_t capacity, uint64_t seed)
{
    struct replay_config config = { .policy = policy,
                                    .keys = *policy_keys,
                                    .blocks = { [TIER_DRAM] = capacity },
                                    .block_tokens = BLOCK_TOKENS,
                                    .recompute_base_ns = 100.0,
                                    .recompute_slope_ns = 1.0 };
    struct replay *replay = replay_new(&config);
    static struct slow_cache slow;
    struct random random = random_from(seed, 3);
    uint64_t hits = 0, keys[CHAIN_MOST];
    slow = (struct slow_cache){ .policy = policy->name,
                                .constants = *constants,
                                .capacity = capacity,
                                .base_ns = 100.0,
                                .slope_ns = 1.0 };
    for (uint32_t r = 0; r < REQUESTS; r++) {
        uint32_t count = draw_chain(&random, keys), run = 0;
        while (run < count && slow_holds(&slow, keys[run]))
            run++;
        hits += run;
        for (uint32_t i = 0; i < count; i++) {
            slow.last = i + 1 == count;
            slow_touch(&slow, keys[i], i);
        }
        replay_request(replay, keys, count, count * BLOCK_TOKENS);
        if (r % 100 == 99 && replay_finish(replay).all_hits != hits)
            ck_abort_msg("%s, %u blocks, seed %" PRIu64 ", request %u: %" PRIu64
                         " hits, the slow cache %" PRIu64,
                         policy->name, capacity, seed, r, replay_finish(replay).all_hits, hits);
    }
    ck_assert_uint_gt(hits, 0);
    replay_free(replay);
    return hits;
}

START_TEST(every_policy_hits_as_its_slow_reference)
{
    const struct policy_keys standard = POLICY_KEYS_STANDARD;
    for (int i = 0; policy_at(i) != NULL; i++)
        for (int c = 0; policy_at(i)->saves && c < CAPACITIES; c++)
            compare(policy_at(i), &standard, &slow_standard, capacities[c],
                    test_seed() + (uint64_t)c);
}
END_TEST

/* What is not given is 0, and the other policies' own. */
static const struct {
    const struct policy *policy;
    struct slow_constants constants;
} others[] = {
    { &policy_two_q, { .in = 29, .out = 50 } },
    { &policy_two_q, { .in = 25, .out = 200 } },
    { &policy_two_q, { .in = 25 } },
    { &policy_two_q, { .out = 100 } },
    { &policy_two_q, { .in = 100, .out = 7 } },
    { &policy_s3_fifo, { .small = 29, .s3_ghosts = 100, .promote = 2, .most = 3 } },
    { &policy_s3_fifo, { .small = 10, .s3_ghosts = 250, .promote = 2, .most = 3 } },
    { &policy_s3_fifo, { .small = 10, .s3_ghosts = 0, .promote = 2, .most = 3 } },
    { &policy_s3_fifo, { .small = 10, .s3_ghosts = 100, .promote = 1, .most = 1 } },
    { &policy_s3_fifo, { .small = 10, .s3_ghosts = 100, .promote = 4, .most = 200 } },
    { &policy_s3_fifo, { .small = 0, .s3_ghosts = 30, .promote = 1, .most = 3 } },
    { &policy_s3_fifo, { .small = 100, .s3_ghosts = 100, .promote = 2, .most = 7 } },
    { &policy_arc, { .arc_step = 25 } },
    { &policy_arc, { .arc_step = 300, .arc_first = 40 } },
    { &policy_arc, { .arc_first = 50 } },
    { &policy_vllm_arc, { .vllm_step = 300, .vllm_ghosts = 100 } },
    { &policy_vllm_arc, { .vllm_step = 100, .vllm_first = 50, .vllm_ghosts = 29 } },
    { &policy_vllm_arc, { .vllm_first = 60 } },
    { &policy_radix_slru, { .slru = 5 } },
};

START_TEST(a_policy_of_other_constants_hits_as_its_slow_reference_with_them)
{
    const struct policy_keys standard = POLICY_KEYS_STANDARD;
    const struct policy_keys keys = keys_of(&others[_i].constants);
    int differ = 0;
    for (int c = 0; c < CAPACITIES; c++) {
        uint64_t seed = test_seed() + (uint64_t)c;
        uint64_t hits =
            compare(others[_i].policy, &keys, &others[_i].constants, capacities[c], seed);
        differ +=
            hits != compare(others[_i].policy, &standard, &slow_standard, capacities[c], seed);
    }
    ck_assert_int_gt(differ, 0);
}
END_TEST

/* Small and main have two places each; 1, 2 and 3 come to main as ghosts that are asked again. */
START_TEST(s3_fifo_s_main_goes_round_as_often_as_uses_count)
{
    static const uint64_t asked[] = { 1, 2, 3, 4, 5, 6, 1, 2, 3 };
    static const uint32_t used[] = { 9, 8, 7 };
    struct replay_config config = { .policy = &policy_s3_fifo,
                                    .keys = { .s3_fifo_small_share = 0.5,
                                              .s3_fifo_ghost_share = 2.0,
                                              .s3_fifo_promote_uses = 20,
                                              .s3_fifo_max_uses = 20 },
                                    .blocks = { [TIER_DRAM] = 4 },
                                    .block_tokens = BLOCK_TOKENS };
    struct replay *replay = replay_new(&config);
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        replay_request(replay, &asked[i], 1, BLOCK_TOKENS);
    for (uint64_t key = 1; key <= 3; key++)
        for (uint32_t i = 0; i < used[key - 1]; i++)
            replay_request(replay, &key, 1, BLOCK_TOKENS);
    ck_assert_uint_eq(replay_finish(replay).all_hits, 9 + 8 + 7);
    const uint64_t next[] = { 7, 1, 2 }; /* 7 takes the place of 3 */
    for (int i = 0; i < 3; i++)
        replay_request(replay, &next[i], 1, BLOCK_TOKENS);
    ck_assert_uint_eq(replay_finish(replay).all_hits, 9 + 8 + 7 + 2);
    replay_free(replay);
}
END_TEST

/* One context's first block, retained, or given up before the rest. */
START_TEST(priorities_are_the_keys)
{
    const uint64_t one[] = { 1, 2 }, other[] = { 3, 4 };
    static const uint32_t standard[] = { 35, 90 };
    for (int i = 0; i < 2; i++) {
        struct replay_config config = { .policy = &policy_priority_lru,
                                        .keys = { .retain_tokens = BLOCK_TOKENS,
                                                  .retain_priority = 80,
                                                  .priority_lru_standard_priority = standard[i] },
                                        .blocks = { [TIER_DRAM] = 3 },
                                        .block_tokens = BLOCK_TOKENS };
        struct replay *replay = replay_new(&config);
        replay_request(replay, one, 2, 2 * BLOCK_TOKENS);
        replay_request(replay, other, 2, 2 * BLOCK_TOKENS);
        replay_request(replay, one, 1, BLOCK_TOKENS);
        ck_assert_uint_eq(replay_finish(replay).all_hits, standard[i] < 80 ? 1 : 0);
        replay_free(replay);
    }
}
END_TEST

static struct replay_result run(const struct replay_config *config, uint64_t seed)
{
    struct replay *replay = replay_new(config);
    struct random random = random_from(seed, 4);
    uint64_t keys[CHAIN_MOST];
    for (uint32_t r = 0; r < REQUESTS; r++) {
        uint32_t count = draw_chain(&random, keys);
        replay_request(replay, keys, count, count * BLOCK_TOKENS);
    }
    struct replay_result result = replay_finish(replay);
    replay_free(replay);
    return result;
}

/* A copy of a policy is any policy: its calls go through its table. */
static void compare_loops(const struct policy *policy, const struct policy_keys *keys,
                          uint64_t blocks, uint64_t seed)
{
    const struct policy copy = *policy;
    struct replay_config config = { .policy = policy,
                                    .keys = *keys,
                                    .blocks = { [TIER_SSD] = blocks },
                                    .block_tokens = BLOCK_TOKENS,
                                    .recompute_base_ns = 100.0,
                                    .recompute_slope_ns = 1.0 };
    struct replay_result own = run(&config, seed);
    config.policy = &copy;
    struct replay_result any = run(&config, seed);
    ck_assert_msg(memcmp(&own, &any, sizeof own) == 0, "%s, %" PRIu64 " blocks, seed %" PRIu64,
                  policy->name, blocks, seed);
}

START_TEST(a_loop_of_a_policy_s_own_does_as_that_of_any)
{
    const struct policy_keys standard = POLICY_KEYS_STANDARD;
    struct policy_keys other = standard;
    other.s3_fifo_small_share = 0.4;
    other.s3_fifo_ghost_share = 2.5;
    other.s3_fifo_promote_uses = 1;
    other.arc_step = 3.0;
    other.arc_first_target = 0.4;
    for (int i = 0; policy_at(i) != NULL; i++)
        for (int c = 0; policy_at(i)->saves && c < CAPACITIES; c += 3) {
            compare_loops(policy_at(i), &standard, capacities[c], test_seed() + (uint64_t)c);
            compare_loops(policy_at(i), &other, capacities[c], test_seed() + (uint64_t)c);
        }
}
END_TEST

START_TEST(blocks_in_a_tier_are_those_written_less_those_evicted)
{
    for (int i = 0; policy_at(i) != NULL; i++) {
        if (!policy_at(i)->saves)
            continue;
        for (int leaf_only = 0; leaf_only < 2; leaf_only++) {
            struct replay_config config = { .policy = policy_at(i),
                                            .keys = POLICY_KEYS_STANDARD,
                                            .blocks = { [TIER_DRAM] = 20, [TIER_SSD] = 60 },
                                            .inclusive = true,
                                            .leaf_only = leaf_only != 0 };
            struct replay_result result = run(&config, test_seed());
            for (int tier = TIER_DRAM; tier <= TIER_SSD; tier++)
                ck_assert_uint_eq(result.written[tier] - result.evicted[tier], config.blocks[tier]);
            ck_assert_uint_eq(result.all_hits, result.hits[TIER_DRAM] + result.hits[TIER_SSD]);
            ck_assert_uint_gt(result.hits[TIER_SSD], 0);
        }
    }
}
END_TEST

/* Two exclusive LRU tiers are one LRU of both sizes: what the first gives up is the second's
 * newest. */
START_TEST(exclusive_lru_tiers_hit_as_one_of_both_sizes)
{
    struct replay_config two = { .policy = &policy_lru,
                                 .blocks = { [TIER_DRAM] = 20, [TIER_SSD] = 44 } };
    struct replay_config one = { .policy = &policy_lru, .blocks = { [TIER_DRAM] = 64 } };
    ck_assert_uint_eq(run(&two, 5).all_hits, run(&one, 5).all_hits);
}
END_TEST

START_TEST(an_unlimited_cache_hits_alike_under_every_policy)
{
    struct replay_config config = { .policy = &policy_lru,
                                    .keys = POLICY_KEYS_STANDARD,
                                    .blocks = { [TIER_DRAM] = UINT64_MAX } };
    uint64_t hits = run(&config, 6).all_hits;
    for (int i = 0; policy_at(i) != NULL; i++) {
        config.policy = policy_at(i);
        if (config.policy->saves)
            ck_assert_uint_eq(run(&config, 6).all_hits, hits);
    }
}
END_TEST

START_TEST(the_time_saved_is_that_of_the_leading_blocks)
{
    const uint64_t keys[] = { 1, 2, 3 };
    struct replay_config config = { .policy = &policy_lru,
                                    .blocks = { [TIER_DRAM] = 10 },
                                    .block_tokens = 100,
                                    .recompute_base_ns = 10.0,
                                    .recompute_slope_ns = 0.1 };
    struct replay *replay = replay_new(&config);
    replay_request(replay, keys, 2, 200);
    replay_request(replay, keys, 3, 250);
    struct replay_result result = replay_finish(replay);
    ck_assert_double_eq(result.saved_ns, 200 * 10.0 + 0.1 * 200 * 200 / 2);
    ck_assert_double_eq(result.whole_ns, result.saved_ns + 300 * 10.0 + 0.1 * 300 * 300 / 2);
    replay_free(replay);
}
END_TEST

struct heard {
    struct turn_row row[8];
    uint32_t rows;
};

static void hear(void *context, const struct turn_row *row)
{
    struct heard *heard = context;
    heard->row[heard->rows++] = *row;
}

/* LRU of 3 blocks. 1, 2, 3; then 4 evicts 1; then 1 to 3: 1 is missed, 2 and 3 are there behind it.
 */
START_TEST(a_request_s_row_says_who_evicted_what_it_misses)
{
    struct heard heard = { .rows = 0 };
    const struct replay_config config = { .policy = policy_find("lru"),
                                          .keys = POLICY_KEYS_STANDARD,
                                          .blocks = { [TIER_DRAM] = 3 },
                                          .block_tokens = 16,
                                          .teller = { hear, &heard } };
    struct replay *replay = replay_new(&config);
    const uint64_t first[] = { 1, 2, 3 }, second[] = { 4 };
    replay_whose(replay, &(struct replay_whose){ 7, 1, 1000 });
    replay_request(replay, first, 3, 48);
    replay_whose(replay, &(struct replay_whose){ 8, 1, 2000 });
    replay_request(replay, second, 1, 10);
    replay_whose(replay, &(struct replay_whose){ 7, 2, 3000 });
    replay_request(replay, first, 3, 50);
    replay_finish(replay);
    const struct turn_row *last = &heard.row[2];
    ck_assert_uint_eq(heard.rows, 3);
    ck_assert_uint_eq(heard.row[0].new_tokens, 48);
    ck_assert_uint_eq(heard.row[0].never_stored_tokens, 0);
    ck_assert_uint_eq(heard.row[0].lost_why, TURN_NOTHING);
    ck_assert_uint_eq(heard.row[1].new_tokens, 10); /* no more than the prompt has */
    ck_assert_uint_eq(last->turn, 3);
    ck_assert_uint_eq(last->session, 7);
    ck_assert_uint_eq(last->turn_of_session, 2);
    ck_assert_uint_eq(last->evicted_tokens, 16);
    ck_assert_uint_eq(last->behind_gap_tokens, 32);
    ck_assert_uint_eq(last->new_tokens, 2); /* behind its last whole block */
    ck_assert_uint_eq(last->lost_why, ABSENT_EVICTED);
    ck_assert_uint_eq(last->lost_tier, TIER_DRAM);
    ck_assert_uint_eq(last->lost_ns, 2000);
    ck_assert_uint_eq(last->lost_for_turn, 2);
    ck_assert_uint_eq(last->ttft_ns, TURN_NOTHING);
    replay_free(replay);
}
END_TEST

/* Room for 1 alone, which may not go for what follows it: 2 is wanted twice and never stored. As it
 * is asked for first it is new, and nothing is lost. */
START_TEST(what_is_asked_again_and_was_never_stored_is_not_new)
{
    struct heard heard = { .rows = 0 };
    const struct replay_config config = { .policy = policy_find("lru"),
                                          .keys = POLICY_KEYS_STANDARD,
                                          .blocks = { [TIER_DRAM] = 1 },
                                          .block_tokens = 16,
                                          .leaf_only = true,
                                          .teller = { hear, &heard } };
    struct replay *replay = replay_new(&config);
    const uint64_t chain[] = { 1, 2, 3 };
    replay_whose(replay, &(struct replay_whose){ 7, 1, 1000 });
    replay_request(replay, chain, 1, 16);
    replay_whose(replay, &(struct replay_whose){ 7, 2, 2000 });
    replay_request(replay, chain, 2, 32);
    replay_whose(replay, &(struct replay_whose){ 7, 3, 3000 });
    replay_request(replay, chain, 2, 32);
    replay_finish(replay);
    ck_assert_uint_eq(heard.row[1].new_tokens, 16);
    ck_assert_uint_eq(heard.row[1].lost_why, TURN_NOTHING);
    ck_assert_uint_eq(heard.row[2].new_tokens, 0);
    ck_assert_uint_eq(heard.row[2].never_stored_tokens, 16);
    ck_assert_uint_eq(heard.row[2].lost_why, ABSENT_NEVER);
    replay_free(replay);
}
END_TEST

/* A reply's blocks lie behind the prompt, and are the next turn's history. */
START_TEST(what_a_reply_made_is_not_new_to_the_next_turn)
{
    struct heard heard = { .rows = 0 };
    const struct replay_config config = { .policy = policy_find("lru"),
                                          .keys = POLICY_KEYS_STANDARD,
                                          .blocks = { [TIER_DRAM] = 1 },
                                          .block_tokens = 16,
                                          .teller = { hear, &heard } };
    struct replay *replay = replay_new(&config);
    const uint64_t chain[] = { 1, 2, 3 };
    replay_whose(replay, &(struct replay_whose){ 7, 1, 1000 });
    replay_request(replay, chain, 3, 16);
    replay_whose(replay, &(struct replay_whose){ 7, 2, 2000 });
    replay_request(replay, chain, 3, 48);
    replay_finish(replay);
    ck_assert_uint_eq(heard.row[0].new_tokens, 16);
    ck_assert_uint_eq(heard.row[1].new_tokens, 0);
    replay_free(replay);
}
END_TEST

/* Ids that are no prefix hashes, as sliding documents have them: a block goes for one of its own
 * request, and with it the entry of the block that it followed in another. */
START_TEST(a_block_that_went_for_its_own_request_follows_the_one_before_it_there)
{
    struct random random = random_from(test_seed(), 31);
    const struct replay_config config = { .policy = policy_find("lru"),
                                          .keys = POLICY_KEYS_STANDARD,
                                          .blocks = { [TIER_DRAM] = 64 },
                                          .block_tokens = 16,
                                          .leaf_only = true };
    struct replay *replay = replay_new(&config);
    for (uint32_t i = 0; i < 4000; i++) {
        uint64_t keys[48], first = random_below(&random, 400);
        uint32_t count = 1 + (uint32_t)random_below(&random, 48);
        for (uint32_t k = 0; k < count; k++)
            keys[k] = 1 + first + k;
        replay_request(replay, keys, count, count * 16);
    }
    struct replay_result result = replay_finish(replay);
    ck_assert_uint_eq(result.written[TIER_DRAM] - result.evicted[TIER_DRAM], 64);
    ck_assert_uint_gt(result.all_hits, 0);
    replay_free(replay);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay");
    TCase *tests = tcase_create("replay");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, every_policy_hits_as_its_slow_reference);
    tcase_add_loop_test(tests, a_policy_of_other_constants_hits_as_its_slow_reference_with_them, 0,
                        sizeof others / sizeof *others);
    tcase_add_test(tests, s3_fifo_s_main_goes_round_as_often_as_uses_count);
    tcase_add_test(tests, priorities_are_the_keys);
    tcase_add_test(tests, a_block_that_went_for_its_own_request_follows_the_one_before_it_there);
    tcase_add_test(tests, a_loop_of_a_policy_s_own_does_as_that_of_any);
    tcase_add_test(tests, blocks_in_a_tier_are_those_written_less_those_evicted);
    tcase_add_test(tests, exclusive_lru_tiers_hit_as_one_of_both_sizes);
    tcase_add_test(tests, an_unlimited_cache_hits_alike_under_every_policy);
    tcase_add_test(tests, a_request_s_row_says_who_evicted_what_it_misses);
    tcase_add_test(tests, what_is_asked_again_and_was_never_stored_is_not_new);
    tcase_add_test(tests, what_a_reply_made_is_not_new_to_the_next_turn);
    tcase_add_test(tests, the_time_saved_is_that_of_the_leading_blocks);
    return test_main(suite);
}
