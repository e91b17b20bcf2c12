/* tests/traces/test_reuse_stack.c - depths in the LRU stack are those of a plain array in order of
 * use, whatever is touched, removed or forgotten. */
#include "base/random.h"
#include "tests/support.h"
#include "tests/traces/slow_lru.h"
#include "traces/reuse_stack.h"

static void check_depth(const struct reuse_stack *stack, const struct slow_lru *slow, uint64_t key)
{
    uint32_t depth = 0, place = slow_place(slow, key);
    uint32_t handle = reuse_stack_find(stack, key, &depth);
    uint32_t slow_depth = place < slow->count ? slow->count - place : 0;
    bool reached = slow_depth > 0 && slow_depth <= stack->depth_most;
    ck_assert_int_eq(handle != 0, reached);
    if (reached)
        ck_assert_uint_eq(depth, slow_depth);
}

/* Keys come back soon or late, some never: 30,000 touches move the blocks together many times. */
static void touch_at_random(uint32_t depth_most, uint32_t keys)
{
    static struct slow_lru slow;
    struct random random = random_from(test_seed(), keys);
    struct reuse_stack stack;
    slow.count = 0, slow.limit = SLOW_MOST;
    reuse_stack_init(&stack, depth_most);
    for (int step = 0; step < 30000; step++) {
        uint64_t bound = 1 + random_below(&random, keys), key = random_below(&random, bound);
        reuse_stack_reserve(&stack, 1);
        check_depth(&stack, &slow, key);
        reuse_stack_touch(&stack, key);
        slow_touch(&slow, key);
        ck_assert_uint_le(stack.live, 2 * depth_most + 2);
    }
    reuse_stack_free(&stack);
}

START_TEST(a_depth_is_the_place_in_an_array_in_order_of_use)
{
    touch_at_random(REUSE_DEPTH_MOST / 4, 2000);
}
END_TEST

START_TEST(what_lies_deeper_than_asked_may_be_forgotten_and_all_else_is_right)
{
    touch_at_random(1, 50);
    touch_at_random(100, 2000);
    touch_at_random(1999, 2000);
}
END_TEST

/* Requests of runs of keys, forwards and backwards, some keys twice: what is found of all of one at
 * once are the places before any of them was touched. */
static void touch_requests(uint32_t depth_most, uint32_t keys, bool last_first)
{
    static struct slow_lru slow;
    enum { COUNT_MOST = 200 };
    struct random random = random_from(test_seed(), keys);
    struct reuse_stack stack;
    uint64_t key[COUNT_MOST];
    struct reuse_place place[COUNT_MOST];
    slow.count = 0, slow.limit = SLOW_MOST;
    reuse_stack_init(&stack, depth_most);
    for (int request = 0; request < 600; request++) {
        uint32_t count = (uint32_t)random_below(&random, COUNT_MOST);
        for (uint32_t i = 0; i < count; i++)
            key[i] = i > 0 && random_below(&random, 9) > 0
                         ? (key[i - 1] + (request % 3 == 0 ? keys - 1 : 1)) % keys
                         : random_below(&random, keys);
        reuse_stack_reserve(&stack, count);
        reuse_stack_find_all(&stack, key, count, place);
        for (uint32_t i = 0; i < count; i++) {
            check_depth(&stack, &slow, key[i]);
            uint32_t at = slow_place(&slow, key[i]);
            uint32_t slow_depth = at < slow.count ? slow.count - at : 0;
            ck_assert_int_eq(reuse_stack_reaches(&stack, place[i]),
                             slow_depth > 0 && slow_depth <= depth_most);
            ck_assert(!reuse_stack_reaches(&stack, place[i]) || place[i].depth == slow_depth);
            ck_assert_int_eq(place[i].handle != 0, place[i].depth != 0);
        }
        reuse_stack_touch_all(&stack, key, count, place, last_first);
        for (uint32_t i = 0; i < count; i++)
            slow_touch(&slow, key[last_first ? count - 1 - i : i]);
    }
    reuse_stack_free(&stack);
}

START_TEST(a_requests_depths_are_those_before_it_and_its_touches_are_in_order)
{
    touch_requests(REUSE_DEPTH_MOST / 4, 2000, false);
    touch_requests(REUSE_DEPTH_MOST / 4, 1500, true);
    touch_requests(100, 1000, false);
    touch_requests(700, 1999, true);
}
END_TEST

static void slow_remove(struct slow_lru *lru, uint64_t key)
{
    uint32_t at = slow_place(lru, key);
    memmove(&lru->key[at], &lru->key[at + 1], (lru->count-- - at - 1) * sizeof *lru->key);
}

/* As a sample does that drops the blocks of the largest hashes. */
START_TEST(blocks_are_removed_and_come_back)
{
    static struct slow_lru slow;
    struct random random = random_from(test_seed(), 7);
    struct reuse_stack stack;
    uint32_t removed = 0;
    slow.count = 0, slow.limit = SLOW_MOST;
    reuse_stack_init(&stack, REUSE_DEPTH_MOST);
    for (int step = 0; step < 30000; step++) {
        uint32_t depth = 0, keys = step < 15000 ? 1530 : 300;
        uint64_t key = random_below(&random, keys);
        reuse_stack_reserve(&stack, 1);
        check_depth(&stack, &slow, key);
        uint32_t handle = reuse_stack_find(&stack, key, &depth);
        if (handle != 0 && random_below(&random, 3) == 0) {
            reuse_stack_remove(&stack, handle);
            slow_remove(&slow, key);
            removed++;
        } else {
            reuse_stack_touch(&stack, key);
            slow_touch(&slow, key);
        }
        ck_assert_uint_eq(stack.map.count, slow.count);
    }
    ck_assert_uint_gt(removed, 2000);
    reuse_stack_free(&stack);
}
END_TEST

START_TEST(a_removed_block_is_gone_and_those_below_it_come_nearer)
{
    struct reuse_stack stack;
    uint32_t depth;
    reuse_stack_init(&stack, 1000);
    reuse_stack_reserve(&stack, 4);
    for (uint64_t key = 1; key <= 3; key++)
        reuse_stack_touch(&stack, key);
    reuse_stack_remove(&stack, reuse_stack_find(&stack, 2, &depth));
    ck_assert_uint_eq(reuse_stack_find(&stack, 2, &depth), 0);
    ck_assert_uint_ne(reuse_stack_find(&stack, 1, &depth), 0);
    ck_assert_uint_eq(depth, 2);
    uint32_t handle = reuse_stack_touch(&stack, 4);
    ck_assert_uint_eq(stack.block[handle].note, 0);
    ck_assert_uint_eq(stack.high_water, 4); /* in the place of 2 */
    reuse_stack_free(&stack);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("reuse_stack");
    TCase *tcase = tcase_create("depths");
    tcase_add_test(tcase, a_depth_is_the_place_in_an_array_in_order_of_use);
    tcase_add_test(tcase, what_lies_deeper_than_asked_may_be_forgotten_and_all_else_is_right);
    tcase_add_test(tcase, a_requests_depths_are_those_before_it_and_its_touches_are_in_order);
    tcase_add_test(tcase, blocks_are_removed_and_come_back);
    tcase_add_test(tcase, a_removed_block_is_gone_and_those_below_it_come_nearer);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
