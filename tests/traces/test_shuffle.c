/* tests/traces/test_shuffle.c - an order that is computed is a permutation, and a random one. */
#include "tests/support.h"
#include "traces/shuffle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

START_TEST(each_number_has_one_place)
{
    static bool seen[5000];
    for (uint64_t count = 1; count <= 5000; count = count < 70 ? count + 1 : count * 7 / 5) {
        struct shuffle shuffle = shuffle_of(count, count * 3);
        memset(seen, 0, sizeof seen);
        for (uint64_t place = 0; place < count; place++) {
            uint64_t number = shuffle_at(&shuffle, place);
            ck_assert_uint_lt(number, count);
            ck_assert(!seen[number]);
            seen[number] = true;
        }
    }
}
END_TEST

/* Of four numbers all 24 orders, each as often as the others: chi-squared of 23 degrees is below 58
 * but once in ten thousand. */
START_TEST(all_orders_are_alike)
{
    enum { SEEDS = 24000 };
    uint32_t count[256] = { 0 };
    double chi = 0.0, orders = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct shuffle shuffle = shuffle_of(4, seed);
        uint32_t order = 0;
        for (uint64_t place = 0; place < 4; place++)
            order = order << 2 | (uint32_t)shuffle_at(&shuffle, place);
        count[order]++;
    }
    for (int i = 0; i < 256; i++) {
        double off = count[i] - SEEDS / 24.0;
        orders += count[i] > 0;
        chi += count[i] > 0 ? off * off / (SEEDS / 24.0) : 0.0;
    }
    ck_assert(orders == 24);
    ck_assert_double_lt(chi, 58);
}
END_TEST

START_TEST(a_long_order_is_asked_for_anywhere)
{
    struct shuffle shuffle = shuffle_of(UINT64_C(1000000000000000003), 1);
    double sum = 0.0;
    for (uint64_t i = 0; i < 10000; i++)
        sum += (double)shuffle_at(&shuffle, i) / 1e18;
    ck_assert_double_eq_tol(sum / 10000, 0.5, 5.0 / sqrt(12.0 * 10000));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shuffle");
    TCase *tcase = tcase_create("shuffle");
    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, each_number_has_one_place);
    tcase_add_test(tcase, all_orders_are_alike);
    tcase_add_test(tcase, a_long_order_is_asked_for_anywhere);
    return test_main(suite);
}
