/* tests/runtime/test_window.c - which layers have a window, and what it lets a token see. */
#include "models/models.h"
#include "runtime/backend.h"
#include "tests/support.h"

static struct attention_dims shape_of(uint32_t layers, uint32_t windowed)
{
    return (struct attention_dims){ .layers = layers,
                                     .window = { .layers = windowed, .tokens = 100 } };
}

static uint32_t windows_before(const struct attention_dims *shape, uint32_t layer)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < layer; i++)
        count += layer_window(shape, i) == 100;
    return count;
}

START_TEST(as_many_layers_are_windowed_as_the_model_says_and_they_are_spread_evenly)
{
    for (uint32_t layers = 1; layers <= 70; layers++)
        for (uint32_t windowed = 0; windowed <= layers; windowed++) {
            const struct attention_dims shape = shape_of(layers, windowed);
            ck_assert_uint_eq(windows_before(&shape, layers), windowed);
            for (uint32_t i = 0; i < layers; i++) { /* never off its share by a layer */
                double share = (double)windowed * i / layers;
                ck_assert_double_lt(windows_before(&shape, i) - share, 1.0);
                ck_assert_double_ge(windows_before(&shape, i) - share, 0.0);
            }
        }
}
END_TEST

START_TEST(gemmas_windows_lie_where_gemma_has_them)
{
    const struct attention_dims two = shape_of(42, 21), three = shape_of(48, 40);
    for (uint32_t i = 0; i < 42; i++)
        ck_assert_int_eq(layer_window(&two, i) > 0, i % 2 == 0);
    for (uint32_t i = 0; i < 48; i++)
        ck_assert_int_eq(layer_window(&three, i) > 0, (i + 1) % 6 != 0);
}
END_TEST

/* models.h counts the tokens that the last of a context sees: timing and kernels mean the same. */
START_TEST(a_token_sees_as_many_as_timing_counts)
{
    for (int chunked = 0; chunked <= 1; chunked++)
        for (uint32_t window = 1; window <= 20; window++) {
            const struct timing timing = { .window_tokens = window, .window_chunked = chunked };
            uint32_t before = 0;
            for (uint32_t position = 0; position < 100; position++) {
                uint32_t begin = window_begin(window, chunked, position);
                ck_assert_uint_eq(position + 1 - begin,
                                  timing_window_context(&timing, position + 1));
                ck_assert_uint_ge(begin, before); /* never falls */
                before = begin;
            }
        }
    ck_assert_uint_eq(window_begin(0, false, 1000), 0);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("window");
    tcase_add_test(tests, as_many_layers_are_windowed_as_the_model_says_and_they_are_spread_evenly);
    tcase_add_test(tests, gemmas_windows_lie_where_gemma_has_them);
    tcase_add_test(tests, a_token_sees_as_many_as_timing_counts);
    Suite *suite = suite_create("window");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
