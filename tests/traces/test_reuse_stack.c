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
    tcase_add_test(tcase, a_removed_block_is_gone_and_those_below_it_come_nearer);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
