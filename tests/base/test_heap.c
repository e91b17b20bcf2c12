/* tests/base/test_heap.c - what comes off a heap is what a search for the least finds. */
#include "base/heap.h"

#include "base/random.h"
#include "tests/support.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>

START_TEST(the_lowest_key_comes_first_and_the_second_number_breaks_ties)
{
    const struct heap_item item[] = { { 2, 0, 10 }, { 1, 7, 11 }, { 1, 3, 12 }, { 0, 9, 13 } };
    struct heap heap = { 0 };
    for (int i = 0; i < 4; i++)
        heap_push(&heap, item[i]);
    for (uint32_t handle = 13; handle >= 10; handle--)
        ck_assert_uint_eq(heap_pop(&heap).handle, handle);
    ck_assert_uint_eq(heap.count, 0);
    heap_free(&heap);
}
END_TEST

START_TEST(numbers_as_keys_are_in_the_order_of_numbers)
{
    const double rising[] = { -INFINITY, -1e300, -2.0, -1.0, -1e-300,     -0.0,  0.0,
                              1e-310,    1e-300, 0.5,  1.0,  1.0 + 1e-15, 1e300, INFINITY };
    for (size_t i = 1; i < sizeof rising / sizeof *rising; i++)
        ck_assert_uint_lt(heap_key_of(rising[i - 1]), heap_key_of(rising[i]));
}
END_TEST

enum { HANDLES = 300 };

/* As callers have it: the place lies in a larger record. */
struct record {
    uint64_t before;
    uint32_t place;
    uint32_t after;
};

struct fixture {
    struct heap heap;
    struct record record[HANDLES];
    struct heap_item in[HANDLES]; /* slow: by handle, in[h].handle == h while it is in the heap */
    bool is_in[HANDLES];
};

static struct heap_places places_of(struct fixture *f)
{
    return (struct heap_places){ &f->record->place, sizeof *f->record };
}

static bool comes_before(const struct heap_item *a, const struct heap_item *b)
{
    return a->first != b->first ? a->first < b->first : a->then < b->then;
}

static const struct heap_item *slow_first(const struct fixture *f)
{
    const struct heap_item *first = NULL;
    for (uint32_t h = 0; h < HANDLES; h++)
        if (f->is_in[h] && (first == NULL || comes_before(&f->in[h], first)))
            first = &f->in[h];
    return first;
}

START_TEST(any_puts_and_takes_agree_with_a_search_for_the_least)
{
    const uint64_t seed = test_seed();
    struct random random = random_from(seed, 3);
    static struct fixture f;
    uint32_t live = 0;
    for (uint32_t step = 0; step < 50000; step++) {
        uint32_t h = (uint32_t)random_below(&random, HANDLES);
        if (f.is_in[h]) {
            ck_assert_uint_eq(f.heap.item[f.record[h].place].handle, h);
            heap_take(&f.heap, places_of(&f), f.record[h].place);
        } else {
            f.in[h] = (struct heap_item){ random_below(&random, 20), step, h };
            heap_put(&f.heap, places_of(&f), f.in[h]);
        }
        f.is_in[h] = !f.is_in[h];
        live += f.is_in[h] ? 1U : -1U;
        const struct heap_item *first = slow_first(&f);
        ck_assert_msg(f.heap.count == live, "seed %" PRIu64 ", step %u", seed, step);
        if (first != NULL)
            ck_assert_msg(f.heap.item[0].handle == first->handle, "seed %" PRIu64 ", step %u", seed,
                          step);
        ck_assert_uint_eq(f.record[h].before + f.record[h].after, 0);
    }
    heap_free(&f.heap);
}
END_TEST

START_TEST(any_pushes_and_pops_agree_with_a_search_for_the_least)
{
    const uint64_t seed = test_seed();
    struct random random = random_from(seed, 4);
    static struct fixture f;
    uint32_t live = 0;
    for (uint32_t step = 0; step < 50000; step++) {
        uint32_t h = (uint32_t)random_below(&random, HANDLES);
        if (!f.is_in[h]) {
            f.in[h] = (struct heap_item){ random_below(&random, 20), UINT64_MAX - step, h };
            heap_push(&f.heap, f.in[h]);
            f.is_in[h] = true;
            live++;
        } else {
            const struct heap_item *first = slow_first(&f);
            ck_assert_msg(heap_pop(&f.heap).handle == first->handle, "seed %" PRIu64 ", step %u",
                          seed, step);
            f.is_in[first->handle] = false;
            live--;
        }
        ck_assert_uint_eq(f.heap.count, live);
    }
    heap_free(&f.heap);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("heap");
    TCase *tcase = tcase_create("order");
    tcase_add_test(tcase, the_lowest_key_comes_first_and_the_second_number_breaks_ties);
    tcase_add_test(tcase, numbers_as_keys_are_in_the_order_of_numbers);
    tcase_add_test(tcase, any_puts_and_takes_agree_with_a_search_for_the_least);
    tcase_add_test(tcase, any_pushes_and_pops_agree_with_a_search_for_the_least);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
