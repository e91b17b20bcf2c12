/* tests/traces/test_reuse.c - the curve of hits by capacity is what simulating each capacity gives,
 * to the block; the sampled one is near it, and is it where all blocks are sampled. */
#include "base/random.h"
#include "tests/support.h"
#include "tests/traces/slow_lru.h"
#include "traces/reuse.h"

#include <stdlib.h>

/* Requests of chains: each takes a random walk down a tree, and goes on where one of the last ones
 * ended or begins anew. With `torn`, some blocks are keys of no chain, and some stand twice. */
struct requests {
    uint64_t *keys;
    uint32_t *begin; /* of request i; [count] is the end */
    uint32_t count;
};

enum { REQUEST_BLOCKS = 40 };

static uint32_t one_request(struct requests *requests, uint32_t i, struct random *random, bool torn)
{
    uint64_t *keys = requests->keys + requests->begin[i], node = 0;
    uint32_t length = 1 + (uint32_t)random_below(random, REQUEST_BLOCKS / 2), count = 0;
    if (i > 0 && random_below(random, 2) == 0) { /* what one of the last requests began with */
        uint32_t back = 1 + (uint32_t)random_below(random, i < 300 ? i : 300), from = i - back;
        uint32_t most = requests->begin[from + 1] - requests->begin[from];
        count = 1 + (uint32_t)random_below(random, most);
        count = count < REQUEST_BLOCKS / 2 ? count : REQUEST_BLOCKS / 2;
        memcpy(keys, requests->keys + requests->begin[from], count * sizeof *keys);
        node = keys[count - 1];
    }
    for (uint32_t added = 0; added < length; added++) {
        node = (node + 1 + random_below(random, 3)) * UINT64_C(0x9E3779B97F4A7C15);
        keys[count++] = torn && random_below(random, 9) == 0 ? random_below(random, 30) : node;
    }
    return count;
}

static struct requests requests_at_random(uint32_t count, uint64_t stream, bool torn)
{
    struct random random = random_from(test_seed(), stream);
    struct requests requests = { .count = count };
    requests.keys = malloc((size_t)count * REQUEST_BLOCKS * sizeof *requests.keys);
    requests.begin = calloc((size_t)count + 1, sizeof *requests.begin);
    for (uint32_t i = 0; i < count; i++)
        requests.begin[i + 1] = requests.begin[i] + one_request(&requests, i, &random, torn);
    return requests;
}

static void free_requests(struct requests *requests)
{
    free(requests->keys);
    free(requests->begin);
}

static struct trace_reuse reuse_of(const struct requests *requests,
                                   const struct trace_reuse_config *config)
{
    struct reuse *reuse = reuse_new(config);
    struct trace_reuse result;
    for (uint32_t i = 0; i < requests->count; i++)
        reuse_request(reuse, requests->keys + requests->begin[i],
                      requests->begin[i + 1] - requests->begin[i]);
    reuse_result(reuse, &result);
    reuse_free(reuse);
    return result;
}

static uint64_t slow_hits(const struct requests *requests, uint32_t limit, bool deepest_first,
                          uint32_t *distinct)
{
    static struct slow_lru slow;
    uint64_t hits = 0;
    slow.count = 0, slow.limit = limit;
    for (uint32_t i = 0; i < requests->count; i++)
        hits += slow_request(&slow, requests->keys + requests->begin[i],
                             requests->begin[i + 1] - requests->begin[i], deepest_first);
    *distinct = slow.count;
    return hits;
}

/* ---- exact ---- */

static void compare_with_simulation(bool deepest_first, bool torn, uint32_t exact_blocks)
{
    struct requests requests = requests_at_random(700, 1 + torn, torn);
    struct trace_reuse_config config = trace_reuse_standard();
    uint32_t distinct;
    config.deepest_first = deepest_first;
    config.exact_blocks = exact_blocks;
    config.asked[config.asked_count++] = 7;
    config.asked[config.asked_count++] = 333;
    struct trace_reuse result = reuse_of(&requests, &config);
    ck_assert_uint_eq(result.references, requests.begin[requests.count]);
    for (uint32_t i = 0; i < result.capacities && result.capacity[i] <= SLOW_MOST; i++) {
        uint64_t hits =
            slow_hits(&requests, (uint32_t)result.capacity[i], deepest_first, &distinct);
        if (result.whole || result.capacity[i] <= result.exact_blocks)
            ck_assert_msg(result.hits[i] == (double)hits, "LRU of %llu blocks: %g, not %llu",
                          (unsigned long long)result.capacity[i], result.hits[i],
                          (unsigned long long)hits);
    }
    ck_assert(trace_reuse_hits(&result, 333) ==
              (double)slow_hits(&requests, 333, deepest_first, &distinct));
    if (result.whole) {
        ck_assert(result.unbounded_hits ==
                  (double)slow_hits(&requests, SLOW_MOST, deepest_first, &distinct));
        ck_assert(result.distinct_blocks == distinct);
    }
    free_requests(&requests);
}

START_TEST(the_curve_is_the_simulation_of_every_capacity)
{
    compare_with_simulation(false, false, 1 << 20);
    compare_with_simulation(false, true, 1 << 20);
}
END_TEST

START_TEST(so_it_is_where_the_deepest_block_is_touched_first)
{
    compare_with_simulation(true, false, 1 << 20);
    compare_with_simulation(true, true, 1 << 20);
}
END_TEST

START_TEST(a_stack_that_forgets_is_exact_as_deep_as_it_goes)
{
    compare_with_simulation(false, true, 400);
    compare_with_simulation(true, false, 50);
}
END_TEST

/* Chains whose ends are given up first: whatever is cached has all before it cached. */
START_TEST(touched_deepest_first_every_cached_block_of_a_chain_is_a_hit)
{
    struct requests requests = requests_at_random(2000, 4, false);
    struct trace_reuse_config config = trace_reuse_standard();
    config.deepest_first = true;
    config.asked[0] = 1, config.asked[1] = 3, config.asked[2] = 7, config.asked[3] = 15;
    config.asked_count = 4;
    struct trace_reuse result = reuse_of(&requests, &config);
    double cached = 0.0;
    for (uint32_t k = 0; k < TRACE_OCTAVES; k++) {
        cached +=
            result.octave[k]; /* blocks with a distance below 2^(k + 1), leading runs or not */
        if (k < 4)
            ck_assert(cached == trace_reuse_hits(&result, (UINT64_C(2) << k) - 1));
    }
    ck_assert(cached == result.unbounded_hits && cached > 0.0);
    free_requests(&requests);
}
END_TEST

START_TEST(distances_are_counted_by_octave)
{
    uint64_t keys[] = { 1, 2, 3, 1, 1 }; /* requests of one block: distances 3 and 1 */
    struct trace_reuse_config config = trace_reuse_standard();
    struct reuse *reuse = reuse_new(&config);
    struct trace_reuse result;
    for (int i = 0; i < 5; i++)
        reuse_request(reuse, &keys[i], 1);
    reuse_result(reuse, &result);
    reuse_free(reuse);
    ck_assert(result.octave[0] == 1.0 && result.octave[1] == 1.0 && result.octave[2] == 0.0);
    ck_assert(result.distinct_blocks == 3.0 && result.unbounded_hits == 2.0);
}
END_TEST

START_TEST(a_trace_without_blocks_has_nothing)
{
    struct trace_reuse_config config = trace_reuse_standard();
    struct reuse *reuse = reuse_new(&config);
    struct trace_reuse result;
    reuse_request(reuse, NULL, 0);
    reuse_result(reuse, &result);
    reuse_free(reuse);
    ck_assert(result.whole && result.references == 0 && result.distinct_blocks == 0.0);
}
END_TEST

/* ---- sampled ---- */

static void check_sampled_is_exact(const struct trace_reuse *result)
{
    ck_assert(result->whole && result->sample_rate == 1.0);
    ck_assert(result->error_most == 0.0 && result->error_mean == 0.0);
    for (uint32_t i = 0; i < result->capacities; i++)
        ck_assert(result->sampled[i] == result->hits[i]);
    ck_assert_uint_eq(result->sampled_references, result->references);
}

START_TEST(a_sample_of_all_blocks_is_the_exact_curve)
{
    struct requests requests = requests_at_random(3000, 5, true);
    struct trace_reuse_config config = trace_reuse_standard();
    struct trace_reuse result =
        reuse_of(&requests, &config); /* fewer blocks than the sample holds */
    check_sampled_is_exact(&result);
    config.sample_rate = 1.0;
    config.deepest_first = true;
    result = reuse_of(&requests, &config);
    check_sampled_is_exact(&result);
    free_requests(&requests);
}
END_TEST

enum { SEEDS = 12 };

/* Over seeds the deviation at a capacity was measured as 1.5 points: single samples are held to
 * four of them, their mean, which has no bias but what request lengths make, to four of its own. */
START_TEST(samples_are_near_the_exact_curve_and_their_mean_is_nearer)
{
    struct requests requests = requests_at_random(12000, 6, false);
    struct trace_reuse_config config = trace_reuse_standard();
    struct trace_reuse exact = reuse_of(&requests, &config), result;
    double all = (double)exact.references, sum[TRACE_CAPACITIES_MOST] = { 0 };
    config.sample_blocks = 4096;
    config.exact_blocks = 500; /* on the grid: the same capacities */
    for (config.sample_seed = 1; config.sample_seed <= SEEDS; config.sample_seed++) {
        result = reuse_of(&requests, &config);
        ck_assert(!result.whole && result.sample_rate < 0.1 && result.sampled_blocks <= 4096);
        ck_assert_double_eq_tol(result.distinct_blocks / exact.distinct_blocks, 1.0, 4.0 / 64);
        for (uint32_t i = 0; i < result.capacities; i++) {
            double error = (result.hits[i] - trace_reuse_hits(&exact, result.capacity[i])) / all;
            ck_assert_msg(error > -0.06 && error < 0.06, "seed %u, %llu blocks: off by %g",
                          (unsigned)config.sample_seed, (unsigned long long)result.capacity[i],
                          error);
            sum[i] += error;
        }
        ck_assert(result.error_mean <= result.error_most);
    }
    for (uint32_t i = 0; i < result.capacities; i++)
        ck_assert_msg(sum[i] / SEEDS > -0.018 && sum[i] / SEEDS < 0.018, "%llu blocks: off by %g",
                      (unsigned long long)result.capacity[i], sum[i] / SEEDS);
    free_requests(&requests);
}
END_TEST

START_TEST(a_fixed_rate_samples_that_share_of_blocks_and_another_seed_other_ones)
{
    struct requests requests = requests_at_random(12000, 7, false);
    struct trace_reuse_config config = trace_reuse_standard();
    config.sample_rate = 0.05;
    struct trace_reuse one = reuse_of(&requests, &config), again = reuse_of(&requests, &config);
    config.sample_seed = 1;
    struct trace_reuse other = reuse_of(&requests, &config);
    double expected = 0.05 * one.distinct_blocks;
    ck_assert_double_eq_tol((double)one.sampled_blocks / expected, 1.0, 0.07);
    ck_assert_uint_eq(one.sampled_references, again.sampled_references);
    ck_assert_uint_ne(one.sampled_references, other.sampled_references);
    free_requests(&requests);
}
END_TEST

/* What is held does not grow with the trace. */
START_TEST(memory_is_bounded)
{
    struct trace_reuse_config config = trace_reuse_standard();
    config.exact_blocks = 1000;
    config.sample_blocks = 1000;
    struct requests few = requests_at_random(3000, 8, false);
    struct requests many = requests_at_random(30000, 8, false);
    struct trace_reuse short_one = reuse_of(&few, &config), long_one = reuse_of(&many, &config);
    ck_assert(long_one.distinct_blocks > 5.0 * short_one.distinct_blocks);
    ck_assert_uint_eq(long_one.memory_bytes, short_one.memory_bytes);
    free_requests(&few);
    free_requests(&many);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("reuse");
    TCase *exact = tcase_create("exact");
    tcase_add_test(exact, the_curve_is_the_simulation_of_every_capacity);
    tcase_add_test(exact, so_it_is_where_the_deepest_block_is_touched_first);
    tcase_add_test(exact, a_stack_that_forgets_is_exact_as_deep_as_it_goes);
    tcase_add_test(exact, touched_deepest_first_every_cached_block_of_a_chain_is_a_hit);
    tcase_add_test(exact, distances_are_counted_by_octave);
    tcase_add_test(exact, a_trace_without_blocks_has_nothing);
    suite_add_tcase(suite, exact);
    TCase *sampled = tcase_create("sampled");
    tcase_add_test(sampled, a_sample_of_all_blocks_is_the_exact_curve);
    tcase_add_test(sampled, samples_are_near_the_exact_curve_and_their_mean_is_nearer);
    tcase_add_test(sampled, a_fixed_rate_samples_that_share_of_blocks_and_another_seed_other_ones);
    tcase_add_test(sampled, memory_is_bounded);
    suite_add_tcase(suite, sampled);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
