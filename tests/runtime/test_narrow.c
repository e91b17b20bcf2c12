/* tests/runtime/test_narrow.c - the host's conversions between floats and what KV is stored in,
 * against the formats' definitions. */
#include "base/random.h"
#include "runtime/host/host.h"
#include "runtime/host/narrow.h"
#include "tests/runtime/formats.h"
#include "tests/support.h"

#include <math.h>

static void is_nearest_fp8(float value)
{
    uint8_t found = fp8_of_float(value), expected = fp8_nearest((double)value);
    ck_assert_msg(found == expected, "%a: %02x, not %02x", (double)value, found, expected);
}

START_TEST(every_fp8_code_is_the_value_that_it_defines_and_comes_back)
{
    for (uint32_t code = 0; code < 256; code++) {
        float value = float_of_fp8((uint8_t)code);
        double defined = fp8_value((uint8_t)code);
        ck_assert_int_eq(isnan(value), isnan(defined));
        ck_assert(isnan(value) ||
                  ((double)value == defined && !signbit(value) == !signbit(defined)));
        ck_assert_uint_eq(fp8_of_float(value), code);
    }
}
END_TEST

/* Between two neighbours: the middle, and the floats just beside it. */
START_TEST(a_float_becomes_the_nearest_fp8_and_a_tie_the_even_one)
{
    for (int code = 0; code < 0x7e; code++) {
        float middle = (float)((fp8_value((uint8_t)code) + fp8_value((uint8_t)(code + 1))) / 2);
        for (int side = -1; side <= 1; side++) {
            float value = side == 0 ? middle : nextafterf(middle, side < 0 ? -1.0F : 1000.0F);
            is_nearest_fp8(value);
            is_nearest_fp8(-value);
        }
    }
}
END_TEST

START_TEST(fp8_saturates_at_448_and_keeps_nan)
{
    const float large[] = { 448.0F, 463.9F, 464.0F, 465.0F, 480.0F, 1e30F, INFINITY };
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        ck_assert(float_of_fp8(fp8_of_float(large[i])) == 448.0F);
        ck_assert(float_of_fp8(fp8_of_float(-large[i])) == -448.0F);
    }
    ck_assert(isnan(float_of_fp8(fp8_of_float(NAN))));
    ck_assert(isnan(float_of_fp8(fp8_of_float(-NAN))));
}
END_TEST

/* Every exponent, both signs: floats of random bits. */
START_TEST(many_floats_become_the_nearest_fp8_and_bf16)
{
    struct random random = random_from(test_seed(), 0);
    for (int i = 0; i < 200000; i++) {
        float value = float_of_bits((uint32_t)random_below(&random, UINT64_C(1) << 32));
        if (i % 2 == 0) /* where fp8 has its values */
            value = (float)random_normal(&random) * (i % 4 == 0 ? 0.02F : 100.0F);
        if (isnan(value))
            continue;
        is_nearest_fp8(value);
        double rounded = fabsf(value) < 0x1p-126F ? 0 : bf16_nearest((double)value);
        if (rounded != 0 && fabs(rounded) < 0x1p128)
            ck_assert_msg((double)float_of_bf16(bf16_of_float(value)) == rounded, "%a",
                          (double)value);
    }
}
END_TEST

START_TEST(bf16_keep_infinity_nan_and_every_code)
{
    for (uint32_t code = 0; code < 1U << 16; code++) {
        float value = float_of_bf16((uint16_t)code);
        if (isnan(value))
            ck_assert(isnan(float_of_bf16(bf16_of_float(value))));
        else
            ck_assert_uint_eq(bf16_of_float(value), code);
    }
    ck_assert_uint_eq(bf16_of_float(3.4e38F), 0x7f80); /* above the largest: infinity */
}
END_TEST

/* As many as fill vectors, and some more. */
START_TEST(rows_are_converted_value_by_value)
{
    enum { COUNT = 83 };
    struct random random = random_from(test_seed(), 1);
    float from[COUNT], back[COUNT];
    uint16_t narrow[COUNT];
    for (int i = 0; i < COUNT; i++)
        from[i] = (float)random_normal(&random);
    kv_narrow(KV_FP8_E4M3, from, COUNT, narrow);
    kv_widen(KV_FP8_E4M3, narrow, COUNT, back);
    for (int i = 0; i < COUNT; i++)
        ck_assert(back[i] == float_of_fp8(fp8_of_float(from[i])));
    kv_narrow(KV_BF16, from, COUNT, narrow);
    kv_widen(KV_BF16, narrow, COUNT, back);
    for (int i = 0; i < COUNT; i++)
        ck_assert(back[i] == float_of_bf16(bf16_of_float(from[i])));
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("narrow");
    tcase_add_test(tests, every_fp8_code_is_the_value_that_it_defines_and_comes_back);
    tcase_add_test(tests, a_float_becomes_the_nearest_fp8_and_a_tie_the_even_one);
    tcase_add_test(tests, fp8_saturates_at_448_and_keeps_nan);
    tcase_add_test(tests, many_floats_become_the_nearest_fp8_and_bf16);
    tcase_add_test(tests, bf16_keep_infinity_nan_and_every_code);
    tcase_add_test(tests, rows_are_converted_value_by_value);
    Suite *suite = suite_create("narrow");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
