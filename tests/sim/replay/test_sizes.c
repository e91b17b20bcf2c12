/* tests/sim/replay/test_sizes.c - what one pass counts at several sizes of LRU is what a replay of
 * each counts. */
#include "sim/replay/sizes.h"
#include "tests/sim/replay/chains.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { REQUESTS = 2500, BLOCK_TOKENS = 16, SIZES_MOST = 64 };

static struct replay_config config_of(uint64_t blocks, enum tier tier)
{
    struct replay_config config = { .policy = &policy_lru,
                                    .keys = POLICY_KEYS_STANDARD,
                                    .block_tokens = BLOCK_TOKENS,
                                    .recompute_base_ns = 100.0,
                                    .recompute_slope_ns = 0.7 };
    config.blocks[tier] = blocks;
    return config;
}

struct pass {
    struct replay_config config[SIZES_MOST];
    struct replay *replay[SIZES_MOST];
    struct replay_sizes *sizes;
    uint32_t count;
};

static struct pass pass_of(const uint64_t *blocks, uint32_t count)
{
    struct pass pass = { .count = count };
    const struct replay_config *configs[SIZES_MOST];
    for (uint32_t i = 0; i < count; i++) {
        pass.config[i] = config_of(blocks[i], i % 5 == 1 ? TIER_SSD : TIER_DRAM);
        configs[i] = &pass.config[i];
        ck_assert(replay_sizes_can(configs[i]));
        pass.replay[i] = replay_new(configs[i]);
    }
    pass.sizes = replay_sizes_new(configs, count);
    return pass;
}

static void tell(struct pass *pass, const uint64_t *keys, uint32_t count, uint32_t tokens)
{
    replay_sizes_request(pass->sizes, keys, count, count, tokens);
    for (uint32_t i = 0; i < pass->count; i++)
        replay_request(pass->replay[i], keys, count, tokens);
}

/* All but the memory, which is the pass's. */
static void compare(struct pass *pass, uint64_t seed, uint32_t request)
{
    struct replay_result result[SIZES_MOST], *results[SIZES_MOST];
    for (uint32_t i = 0; i < pass->count; i++)
        results[i] = &result[i];
    replay_sizes_finish(pass->sizes, results);
    for (uint32_t i = 0; i < pass->count; i++) {
        struct replay_result expected = replay_finish(pass->replay[i]);
        expected.memory_bytes = result[i].memory_bytes;
        if (memcmp(&expected, &result[i], sizeof expected) != 0)
            ck_abort_msg("size %u, seed %" PRIu64 ", request %u: %" PRIu64 " hits, %" PRIu64
                         " written, %" PRIu64 " live; alone %" PRIu64 ", %" PRIu64 ", %" PRIu64,
                         i, seed, request, result[i].all_hits,
                         result[i].written[TIER_DRAM] + result[i].written[TIER_SSD], result[i].live,
                         expected.all_hits,
                         expected.written[TIER_DRAM] + expected.written[TIER_SSD], expected.live);
    }
}

static void end(struct pass *pass)
{
    for (uint32_t i = 0; i < pass->count; i++)
        replay_free(pass->replay[i]);
    replay_sizes_free(pass->sizes);
}

/* Chains, in which now and then a block stands twice, or a request has none. */
static void replay_chains(const uint64_t *blocks, uint32_t count, uint64_t seed)
{
    struct pass pass = pass_of(blocks, count);
    struct random random = random_from(seed, 9);
    uint64_t keys[2 * CHAIN_MOST];
    for (uint32_t r = 0; r < REQUESTS; r++) {
        uint32_t length = draw_chain(&random, keys);
        uint32_t repeated =
            random_below(&random, 4) == 0 ? (uint32_t)random_below(&random, length + 1) : 0;
        memcpy(keys + length, keys, repeated * sizeof *keys);
        length = random_below(&random, 50) == 0 ? 0 : length + repeated;
        tell(&pass, keys, length, length * BLOCK_TOKENS - (length > 0 ? r % BLOCK_TOKENS : 0));
        if (r < 40 || r % 100 == 99)
            compare(&pass, seed, r);
    }
    compare(&pass, seed, REQUESTS);
    end(&pass);
}

START_TEST(sizes_of_every_kind_count_as_alone)
{
    const uint64_t some[] = { 64, 5, 200, 20, 1, 37, 1000000, 100, 10, UINT64_MAX };
    const uint64_t neighbours[] = { 1, 2, 3, 4, 5, 6, 7, 8, 30, 31, 32, 33 };
    const uint64_t equal[] = { 20, 7, 20, 20, 7 };
    const uint64_t one[] = { 13 }, least[] = { 1 }, endless[] = { UINT64_MAX };
    for (uint64_t seed = test_seed(); seed < test_seed() + 3; seed++) {
        replay_chains(some, sizeof some / sizeof *some, seed);
        replay_chains(neighbours, sizeof neighbours / sizeof *neighbours, seed);
        replay_chains(equal, sizeof equal / sizeof *equal, seed);
        replay_chains(one, 1, seed);
        replay_chains(least, 1, seed);
        replay_chains(endless, 1, seed);
    }
}
END_TEST

START_TEST(any_sizes_count_as_alone)
{
    struct random random = random_from(test_seed(), 10);
    uint64_t blocks[SIZES_MOST];
    for (int round = 0; round < 6; round++) {
        uint32_t count = 1 + (uint32_t)random_below(&random, SIZES_MOST);
        for (uint32_t i = 0; i < count; i++)
            blocks[i] = 1 + random_below(&random, round % 2 == 0 ? 300 : 40);
        replay_chains(blocks, count, test_seed() + (uint64_t)round);
    }
}
END_TEST

static void hear(void *context, const struct turn_row *row)
{
    (void)context, (void)row;
}

START_TEST(what_needs_a_replay_of_its_own_has_one)
{
    struct replay_config config = config_of(10, TIER_DRAM);
    config.inclusive = config.write_through = true; /* mean nothing in one tier */
    ck_assert(replay_sizes_can(&config));
    config.blocks[TIER_SSD] = 100;
    ck_assert(!replay_sizes_can(&config));
    config = config_of(10, TIER_DRAM);
    config.policy = &policy_fifo;
    ck_assert(!replay_sizes_can(&config));
    config = config_of(10, TIER_DRAM);
    config.leaf_only = true;
    ck_assert(!replay_sizes_can(&config));
    config = config_of(10, TIER_DRAM);
    config.teller.request = hear;
    ck_assert(!replay_sizes_can(&config));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("LRU at several sizes");
    TCase *tcase = tcase_create("sizes");
    tcase_add_test(tcase, sizes_of_every_kind_count_as_alone);
    tcase_add_test(tcase, any_sizes_count_as_alone);
    tcase_add_test(tcase, what_needs_a_replay_of_its_own_has_one);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
