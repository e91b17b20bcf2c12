/* tests/sim/replay/test_bound.c - the bounds against a search of all that a cache could keep, and
 * against every policy. */
#include "sim/replay/bound.h"
#include "sim/replay/replay.h"
#include "tests/sim/replay/chains.h"
#include "tests/support.h"

#include <inttypes.h>
#include <string.h>

enum { BLOCK_TOKENS = 16, TINY_REQUESTS = 9, TINY_BLOCKS = 7, TINY_SETS = 1 << TINY_BLOCKS };
#define BASE_NS 100.0
#define SLOPE_NS 3.0

/* Blocks of a tiny trace are 0..TINY_BLOCKS-1, so that a cache is a set of bits. */
struct tiny {
    uint64_t keys[TINY_REQUESTS][TINY_BLOCKS];
    uint32_t count[TINY_REQUESTS];
};

/* Each block but the roots follows one with a smaller number. */
static struct tiny draw_tiny(struct random *random)
{
    struct tiny tiny;
    int parent[TINY_BLOCKS];
    for (int block = 0; block < TINY_BLOCKS; block++)
        parent[block] = (int)random_below(random, (uint64_t)block + 1) - 1;
    for (int r = 0; r < TINY_REQUESTS; r++) {
        int path[TINY_BLOCKS], depth = 0;
        for (int block = (int)random_below(random, TINY_BLOCKS); block >= 0; block = parent[block])
            path[depth++] = block;
        tiny.count[r] = (uint32_t)depth;
        for (int i = 0; i < depth; i++)
            tiny.keys[r][i] = (uint64_t)path[depth - 1 - i];
    }
    return tiny;
}

/* Any blocks in any order, each once in a request. */
static struct tiny draw_tiny_unordered(struct random *random)
{
    struct tiny tiny;
    for (int r = 0; r < TINY_REQUESTS; r++) {
        unsigned had = 0;
        tiny.count[r] = 0;
        do {
            uint64_t block = random_below(random, TINY_BLOCKS);
            if ((had >> block & 1) != 0)
                continue;
            had |= 1U << block;
            tiny.keys[r][tiny.count[r]++] = block;
        } while (random_below(random, 3) > 0 && tiny.count[r] < TINY_BLOCKS);
    }
    return tiny;
}

static double compute_ns(uint32_t blocks)
{
    double tokens = (double)blocks * BLOCK_TOKENS;
    return tokens * BASE_NS + SLOPE_NS * tokens * tokens / 2.0;
}

static double worth(const struct tiny *tiny, int request, unsigned cached, bool in_ns)
{
    uint32_t run = 0;
    while (run < tiny->count[request] && (cached >> tiny->keys[request][run] & 1) != 0)
        run++;
    return in_ns ? compute_ns(run) : (double)run;
}

/* The most that can be had: after each request a cache may keep any `capacity` of what it has and
 * of the request's blocks. Requests before counted_from are not counted. */
static double search(const struct tiny *tiny, uint32_t capacity, int counted_from, bool in_ns)
{
    static double best[TINY_SETS], next[TINY_SETS];
    double most = 0.0;
    for (int set = 1; set < TINY_SETS; set++)
        best[set] = -1.0;
    best[0] = 0.0;
    for (int r = 0; r < TINY_REQUESTS; r++) {
        unsigned asked = 0;
        for (uint32_t i = 0; i < tiny->count[r]; i++)
            asked |= 1U << tiny->keys[r][i];
        for (int set = 0; set < TINY_SETS; set++)
            next[set] = -1.0;
        for (unsigned set = 0; set < TINY_SETS; set++) {
            if (best[set] < 0.0)
                continue;
            double sum = best[set] + (r >= counted_from ? worth(tiny, r, set, in_ns) : 0.0);
            unsigned may = set | asked;
            most = sum > most ? sum : most;
            for (unsigned keep = may;; keep = (keep - 1) & may) {
                if ((uint32_t)__builtin_popcount(keep) <= capacity && sum > next[keep])
                    next[keep] = sum;
                if (keep == 0)
                    break;
            }
        }
        memcpy(best, next, sizeof best);
    }
    return most;
}

static struct bound_result bound_tiny(const struct tiny *tiny, uint32_t capacity, int counted_from)
{
    struct bound *bound = bound_new(BLOCK_TOKENS, BASE_NS, SLOPE_NS);
    for (int r = 0; r < TINY_REQUESTS; r++) {
        bound_count_from_here(bound, r >= counted_from);
        ck_assert(bound_request(bound, tiny->keys[r], tiny->count[r]));
    }
    bound_seal(bound);
    struct bound_result result = bound_of(bound, capacity);
    bound_free(bound);
    return result;
}

START_TEST(of_prefix_chains_the_bound_is_the_most_a_search_finds)
{
    struct random random = random_from(test_seed(), 1);
    for (int trial = 0; trial < 80; trial++) {
        struct tiny tiny = draw_tiny(&random);
        for (uint32_t capacity = 1; capacity <= 5; capacity++) {
            struct bound_result bound = bound_tiny(&tiny, capacity, 0);
            ck_assert_uint_eq(bound.hits, (uint64_t)search(&tiny, capacity, 0, false));
            ck_assert_double_ge(bound.saved_ns, search(&tiny, capacity, 0, true));
            ck_assert_double_ge(bound.saved_ns, bound.hits_ns);
        }
    }
}
END_TEST

START_TEST(without_an_order_of_blocks_no_search_finds_more)
{
    struct random random = random_from(test_seed(), 2);
    for (int trial = 0; trial < 80; trial++) {
        struct tiny tiny = draw_tiny_unordered(&random);
        for (uint32_t capacity = 1; capacity <= 4; capacity++) {
            struct bound_result bound = bound_tiny(&tiny, capacity, 0);
            ck_assert_uint_ge(bound.hits, (uint64_t)search(&tiny, capacity, 0, false));
            ck_assert_double_ge(bound.saved_ns, search(&tiny, capacity, 0, true));
        }
    }
}
END_TEST

START_TEST(what_a_warm_up_hits_is_not_counted)
{
    struct random random = random_from(test_seed(), 3);
    for (int trial = 0; trial < 60; trial++) {
        struct tiny tiny = draw_tiny(&random);
        for (uint32_t capacity = 1; capacity <= 4; capacity++) {
            uint64_t hits = bound_tiny(&tiny, capacity, 4).hits;
            ck_assert_uint_eq(hits, (uint64_t)search(&tiny, capacity, 4, false));
        }
    }
}
END_TEST

/* ---- policies ---- */

enum { REQUESTS = 1000 };

static struct bound *tell_chains(uint64_t seed)
{
    struct bound *bound = bound_new(BLOCK_TOKENS, BASE_NS, SLOPE_NS);
    struct random random = random_from(seed, 4);
    uint64_t keys[CHAIN_MOST];
    for (uint32_t r = 0; r < REQUESTS; r++)
        ck_assert(bound_request(bound, keys, draw_chain(&random, keys)));
    bound_seal(bound);
    return bound;
}

static struct replay_result replay_chains(const struct replay_config *config, uint64_t seed)
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

static void hold_to_bound(const struct bound *bound, const struct replay_config *config,
                          uint64_t seed)
{
    uint64_t blocks =
        config->blocks[TIER_HBM] + config->blocks[TIER_DRAM] + config->blocks[TIER_SSD];
    struct bound_result most = bound_of(bound, blocks);
    struct replay_result result = replay_chains(config, seed);
    ck_assert_msg(result.all_hits <= most.hits && result.saved_ns <= most.saved_ns * (1 + 1e-12),
                  "%s, %" PRIu64 " blocks, seed %" PRIu64 ": %" PRIu64 " hits, bound %" PRIu64,
                  config->policy->name, blocks, seed, result.all_hits, most.hits);
    ck_assert_uint_gt(most.hits, 0);
}

/* All four ways of two tiers, and one tier, with and without an order among blocks. */
static void hold_policy_to_bound(const struct policy *policy, const struct bound *bound,
                                 uint64_t seed)
{
    static const uint64_t sizes[] = { 1, 3, 10, 30, 90, 250 };
    for (int size = 0; size < 6; size++) {
        for (int way = 0; way < 16; way++) {
            struct replay_config config = { .policy = policy,
                                            .keys = POLICY_KEYS_STANDARD,
                                            .blocks = { [TIER_DRAM] = sizes[size] },
                                            .inclusive = (way & 1) != 0,
                                            .write_through = (way & 2) != 0,
                                            .leaf_only = (way & 4) != 0,
                                            .block_tokens = BLOCK_TOKENS,
                                            .recompute_base_ns = BASE_NS,
                                            .recompute_slope_ns = SLOPE_NS };
            config.blocks[TIER_SSD] = (way & 8) != 0 ? 2 * sizes[size] : 0;
            if ((way & 8) != 0 || (way & 3) == 0)
                hold_to_bound(bound, &config, seed);
        }
    }
}

START_TEST(no_policy_exceeds_the_bounds)
{
    for (uint64_t seed = test_seed(); seed < test_seed() + 2; seed++) {
        struct bound *bound = tell_chains(seed);
        for (int i = 0; policy_at(i) != NULL; i++)
            if (policy_at(i)->saves)
                hold_policy_to_bound(policy_at(i), bound, seed);
        bound_free(bound);
    }
}
END_TEST

START_TEST(without_a_limit_the_bound_is_what_lru_hits)
{
    struct replay_config config = { .policy = &policy_lru,
                                    .blocks = { [TIER_DRAM] = UINT64_MAX },
                                    .block_tokens = BLOCK_TOKENS,
                                    .recompute_base_ns = BASE_NS,
                                    .recompute_slope_ns = SLOPE_NS };
    struct bound *bound = tell_chains(7);
    struct bound_result most = bound_of(bound, UINT64_MAX);
    struct replay_result lru = replay_chains(&config, 7);
    ck_assert_uint_eq(most.hits, lru.all_hits);
    ck_assert_double_eq_tol(most.saved_ns / lru.saved_ns, 1.0, 1e-9);
    bound_free(bound);
}
END_TEST

/* A B C A B D A B C D with 2 places: MIN keeps A and B throughout, and hits four times. */
START_TEST(a_walk_by_hand)
{
    static const uint64_t walk[] = { 'A', 'B', 'C', 'A', 'B', 'D', 'A', 'B', 'C', 'D' };
    struct bound *bound = bound_new(1, 1.0, 0.0);
    for (int i = 0; i < 10; i++)
        ck_assert(bound_request(bound, &walk[i], 1));
    ck_assert_uint_eq(bound_of(bound, 2).hits, 4);
    ck_assert_uint_eq(bound_of(bound, 1).hits, 2);
    ck_assert_uint_eq(bound_of(bound, 4).hits, 6);
    ck_assert_uint_eq(bound_of(bound, 0).hits, 0);
    bound_free(bound);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay_bound");
    TCase *tests = tcase_create("bounds");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, of_prefix_chains_the_bound_is_the_most_a_search_finds);
    tcase_add_test(tests, without_an_order_of_blocks_no_search_finds_more);
    tcase_add_test(tests, what_a_warm_up_hits_is_not_counted);
    tcase_add_test(tests, no_policy_exceeds_the_bounds);
    tcase_add_test(tests, without_a_limit_the_bound_is_what_lru_hits);
    tcase_add_test(tests, a_walk_by_hand);
    return test_main(suite);
}
