/* tests/base/test_event_heap.c - events come in order of time, and of their push where times are
 * equal. */
#include "base/event_heap.h"

#include "base/random.h"
#include "tests/support.h"

START_TEST(events_at_one_time_come_in_the_order_of_their_push)
{
    struct event_heap heap;
    event_heap_init(&heap);
    for (uint32_t i = 0; i < 100; i++)
        event_heap_push(&heap, 5, 0, i);
    for (uint32_t i = 0; i < 100; i++)
        ck_assert_uint_eq(event_heap_pop(&heap).handle, i);
    ck_assert_uint_eq(event_heap_next_ns(&heap), UINT64_MAX);
    event_heap_free(&heap);
}
END_TEST

enum { EVENTS = 3000 };

START_TEST(any_pushes_and_pops_agree_with_a_search_for_the_least)
{
    struct random random = random_from(test_seed(), 2);
    struct event_heap heap;
    struct event slow[EVENTS];
    uint32_t live = 0;
    event_heap_init(&heap);
    for (uint32_t step = 0; step < 20000; step++) {
        if (live < EVENTS && (live == 0 || random_below(&random, 100) < 51)) {
            uint64_t time_ns = random_below(&random, 500);
            event_heap_push(&heap, time_ns, 1, step);
            slow[live++] = (struct event){ .time_ns = time_ns, .sequence = step, .handle = step };
            continue;
        }
        uint32_t least = 0;
        for (uint32_t i = 1; i < live; i++)
            if (slow[i].time_ns < slow[least].time_ns ||
                (slow[i].time_ns == slow[least].time_ns && slow[i].sequence < slow[least].sequence))
                least = i;
        ck_assert_uint_eq(event_heap_next_ns(&heap), slow[least].time_ns);
        ck_assert_uint_eq(event_heap_first(&heap)->handle, slow[least].handle);
        ck_assert_uint_eq(event_heap_pop(&heap).handle, slow[least].handle);
        slow[least] = slow[--live];
    }
    event_heap_free(&heap);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("event_heap");
    TCase *tcase = tcase_create("order");
    tcase_add_test(tcase, events_at_one_time_come_in_the_order_of_their_push);
    tcase_add_test(tcase, any_pushes_and_pops_agree_with_a_search_for_the_least);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
