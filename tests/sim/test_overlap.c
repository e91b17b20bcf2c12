/* tests/sim/test_overlap.c - layer-wise pre-loading: closed forms, and the paper's condition. */
#include "sim/overlap.h"

#include "base/random.h"
#include "tests/support.h"

enum { LAYERS = 40 };

/* Layers that come one after the other, load_ns apart, the first at first_ns + load_ns; the first
 * `buffered` were there from the start. */
static struct layer_arrivals arrivals_of(uint64_t first_ns, uint64_t load_ns, uint32_t buffered)
{
    struct layer_arrivals arrivals;
    layer_arrivals_reset(&arrivals, LAYERS);
    for (uint32_t i = buffered; i < LAYERS; i++)
        arrivals.arrival_ns[i] = first_ns + (i - buffered + 1) * load_ns;
    return arrivals;
}

START_TEST(with_all_kv_there_prefill_takes_its_layers)
{
    struct layer_arrivals arrivals = arrivals_of(0, 0, LAYERS);
    struct overlap_end end = overlap_prefill_end(&arrivals, 1000, 50);
    ck_assert_uint_eq(end.end_ns, 1000 + LAYERS * 50);
    ck_assert_uint_eq(end.wait_ns, 0);
    ck_assert_uint_eq(end.first_layer_ns, 1050);
}
END_TEST

START_TEST(a_faster_link_costs_one_layers_load_a_slower_one_all_of_it)
{
    struct layer_arrivals fast = arrivals_of(0, 30, 0), slow = arrivals_of(0, 70, 0);
    ck_assert_uint_eq(overlap_prefill_end(&fast, 0, 50).end_ns, 30 + LAYERS * 50);
    ck_assert_uint_eq(overlap_prefill_end(&slow, 0, 50).end_ns, LAYERS * 70 + 50);
}
END_TEST

START_TEST(without_pre_loading_computation_follows_the_load)
{
    struct layer_arrivals arrivals = arrivals_of(0, 70, 0);
    layer_arrivals_all_at(&arrivals, LAYERS * 70);
    struct overlap_end end = overlap_prefill_end(&arrivals, 0, 50);
    ck_assert_uint_eq(end.end_ns, LAYERS * 70 + LAYERS * 50);
    ck_assert_uint_eq(end.wait_ns, LAYERS * 70);
}
END_TEST

/* paper.md: with T_load * L_hist > T_pref * L_new, a read buffer of what the link lags behind hides the
 * load: N layers there at the start serve N layers' computation, while L - N come. */
START_TEST(a_read_buffer_of_what_the_link_lags_behind_hides_the_load)
{
    const uint64_t load_ns = 70, layer_ns = 50;
    /* Layer i is needed at i * 50 and comes at (i - N + 1) * 70: the last one decides N. */
    uint32_t needed = 0;
    while ((LAYERS - needed) * load_ns > (LAYERS - 1) * layer_ns)
        needed++;
    struct layer_arrivals enough = arrivals_of(0, load_ns, needed);
    struct layer_arrivals short_of = arrivals_of(0, load_ns, needed - 1);
    ck_assert_uint_eq(overlap_prefill_end(&enough, 0, layer_ns).wait_ns, 0);
    ck_assert_uint_gt(overlap_prefill_end(&short_of, 0, layer_ns).wait_ns, 0);
}
END_TEST

START_TEST(any_arrivals_agree_with_a_step_by_step_model)
{
    struct random random = random_from(test_seed(), 1);
    for (int round = 0; round < 2000; round++) {
        struct layer_arrivals arrivals;
        layer_arrivals_reset(&arrivals, LAYERS);
        for (int i = 0; i < LAYERS; i++)
            arrivals.arrival_ns[i] = random_below(&random, 4000);
        uint64_t layer_ns = 1 + random_below(&random, 100), start_ns = random_below(&random, 1000);
        uint64_t now_ns = start_ns, waited_ns = 0; /* nanosecond by nanosecond */
        for (int i = 0; i < LAYERS; i++) {
            while (now_ns < arrivals.arrival_ns[i]) {
                now_ns++;
                waited_ns++;
            }
            now_ns += layer_ns;
        }
        struct overlap_end end = overlap_prefill_end(&arrivals, start_ns, layer_ns);
        ck_assert_uint_eq(end.end_ns, now_ns);
        ck_assert_uint_eq(end.wait_ns, waited_ns);
    }
}
END_TEST

START_TEST(progress_at_a_constant_rate_spaces_layers_evenly)
{
    struct layer_arrivals arrivals;
    struct overlap_load load;
    layer_arrivals_reset(&arrivals, LAYERS);
    overlap_load_begin(&load, 0, LAYERS, 100, LAYERS * 1000);
    overlap_note_progress(&load, 100 + 7000, 3500.0, &arrivals); /* 0.5 bytes a ns */
    ck_assert_uint_eq(arrivals.arrival_ns[3], 0);                /* not in yet */
    overlap_load_end(&load, 100 + LAYERS * 2000, &arrivals);
    for (uint32_t i = 0; i < LAYERS; i++) {
        ck_assert_uint_ge(arrivals.arrival_ns[i], 100 + (i + 1) * 2000);
        ck_assert_uint_le(arrivals.arrival_ns[i], 100 + (i + 1) * 2000 + 1);
    }
}
END_TEST

START_TEST(of_two_flows_with_parts_of_a_layer_the_later_part_counts)
{
    struct layer_arrivals arrivals;
    struct overlap_load fast, slow;
    layer_arrivals_reset(&arrivals, 2);
    overlap_load_begin(&slow, 0, 2, 0, 200);
    overlap_load_begin(&fast, 0, 2, 0, 200);
    overlap_load_end(&fast, 100, &arrivals);
    overlap_load_end(&slow, 1000, &arrivals);
    ck_assert_uint_ge(arrivals.arrival_ns[0], 500);
    ck_assert_uint_ge(arrivals.arrival_ns[1], 1000);
}
END_TEST

START_TEST(a_save_starts_as_soon_as_it_cannot_overtake_the_computation)
{
    /* 40 layers end at 150, 200, ..., 2100. A fast link (10 a layer) must wait so as to end at 2110;
     * a slow one (80) starts with the first layer. */
    ck_assert_uint_eq(overlap_save_start(150, 2100, LAYERS, 10), 2100 - 39 * 10);
    ck_assert_uint_eq(overlap_save_start(150, 2100, LAYERS, 80), 150);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("overlap");
    TCase *tcase = tcase_create("layers");
    tcase_add_test(tcase, with_all_kv_there_prefill_takes_its_layers);
    tcase_add_test(tcase, a_faster_link_costs_one_layers_load_a_slower_one_all_of_it);
    tcase_add_test(tcase, without_pre_loading_computation_follows_the_load);
    tcase_add_test(tcase, a_read_buffer_of_what_the_link_lags_behind_hides_the_load);
    tcase_add_test(tcase, any_arrivals_agree_with_a_step_by_step_model);
    tcase_add_test(tcase, progress_at_a_constant_rate_spaces_layers_evenly);
    tcase_add_test(tcase, of_two_flows_with_parts_of_a_layer_the_later_part_counts);
    tcase_add_test(tcase, a_save_starts_as_soon_as_it_cannot_overtake_the_computation);
    suite_add_tcase(suite, tcase);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
