/* tests/sim/replay/test_blocks.c - the index of a replay's blocks: whatever comes and goes, who is
 * there is found, and nobody else. */
#include "base/random.h"
#include "sim/replay/blocks.h"
#include "tests/support.h"

#include <inttypes.h>

enum { KEYS = 600, STEPS = 200000 };

/* Keys of four neighbouring groups, so that most lie behind theirs. */
static void draw_crowded(struct random *random, uint64_t keys[KEYS], uint32_t mask)
{
    for (uint32_t i = 0; i < KEYS; i++)
        do
            keys[i] = random_below(random, UINT64_C(1) << 40);
        while ((blocks_hash(keys[i]) & mask) > 3);
}

static void check_who_is_there(const struct blocks *blocks, const uint64_t keys[KEYS],
                               const uint32_t handles[KEYS])
{
    uint32_t there = 0;
    for (uint32_t i = 0; i < KEYS; i++) {
        there += handles[i] != 0;
        ck_assert_uint_eq(blocks_find(blocks, keys[i], blocks_hash(keys[i])), handles[i]);
    }
    ck_assert_uint_eq(blocks->live, there);
}

START_TEST(who_is_there_is_found_and_nobody_else)
{
    struct random random = random_from(test_seed(), 7);
    uint64_t keys[KEYS];
    uint32_t handles[KEYS] = { 0 };
    struct blocks blocks;
    blocks_init(&blocks, 1U << TIER_DRAM, 100, 2, false, false);
    draw_crowded(&random, keys, blocks.mask);
    for (uint32_t step = 0; step < STEPS; step++) {
        uint32_t i = (uint32_t)random_below(&random, step / 1000 % 2 == 0 ? KEYS : 40);
        if (handles[i] == 0) {
            handles[i] = blocks_add(&blocks, keys[i], blocks_hash(keys[i]));
        } else {
            blocks_remove(&blocks, handles[i]);
            handles[i] = 0;
        }
        if (step % 1000 == 0)
            check_who_is_there(&blocks, keys, handles);
    }
    for (uint32_t i = 0; i < KEYS; i++)
        if (handles[i] != 0)
            blocks_remove(&blocks, handles[i]);
    /* Or searches would go on for what has long gone. */
    for (uint32_t at = 0; at <= blocks.mask; at++)
        ck_assert_uint_eq(blocks.group[at].passed, 0);
    blocks_free(&blocks);
}
END_TEST

START_TEST(tables_that_grow_lose_nobody)
{
    struct blocks blocks;
    blocks_init(&blocks, 1U << TIER_DRAM, UINT64_MAX, 0, false, false);
    for (uint64_t key = 1; key <= 20000; key++)
        blocks_add(&blocks, key, blocks_hash(key));
    for (uint64_t key = 1; key <= 20000; key++)
        ck_assert_uint_eq(blocks.block[blocks_find(&blocks, key, blocks_hash(key))].key, key);
    ck_assert_uint_eq(blocks_find(&blocks, 20001, blocks_hash(20001)), 0);
    ck_assert_uint_lt(blocks_bytes(&blocks), 48 * 20000);
    blocks_free(&blocks);
}
END_TEST

START_TEST(tags_are_compared_alike_with_and_without_instructions_of_one_s_own)
{
    struct random random = random_from(test_seed(), 8);
    for (int round = 0; round < 20000; round++) {
        _Alignas(64) struct group group;
        uint8_t wanted = (uint8_t)random_below(&random, 256);
        uint32_t same = 0;
        memset(&group, wanted, sizeof group); /* what lies behind the tags is none */
        for (uint32_t i = 0; i < GROUP_SLOTS; i++) {
            uint8_t change = (uint8_t)(random_below(&random, 2) * random_below(&random, 256));
            group.tag[i] = wanted ^ change;
            same |= (uint32_t)(change == 0) << i;
        }
        ck_assert_uint_eq(group_matches(&group, wanted), same);
        ck_assert_uint_eq(group_matches_plain(&group, wanted), same);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replay_blocks");
    TCase *tests = tcase_create("replay_blocks");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, who_is_there_is_found_and_nobody_else);
    tcase_add_test(tests, tables_that_grow_lose_nobody);
    tcase_add_test(tests, tags_are_compared_alike_with_and_without_instructions_of_one_s_own);
    return test_main(suite);
}
