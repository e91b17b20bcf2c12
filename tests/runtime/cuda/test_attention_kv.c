/* tests/runtime/cuda/test_attention_kv.c - attention by the CUDA kernels over KV that is stored as
 * fp8, and in layers with a window, equals the definition. On a GPU, or emulated (rig.h). */
#include "base/memory.h"
#include "tests/runtime/cuda/attention_case.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/runtime/cuda/rig.h"
#include "tests/runtime/formats.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>

/* What is stored is rounded the same way in the definition: what is left is as in
 * test_attention.c. */
static double tolerance(enum element element)
{
    return element == ELEMENT_BF16 ? 0.008 : 0.001;
}

static struct case_result check(const struct attention_case *c)
{
    struct case_result result = case_run(c);
    double error = relative_error(result.out, result.expected, result.count);
    ck_assert_msg(error <= tolerance(c->element), "relative error %g", error);
    ck_assert_msg(result.ways_agree, "the result depends on the order of threads or copies");
    ck_assert_msg(result.kv_exact, "the pool is not what was stored");
    return result;
}

/* ---- fp8 ---- */

static const struct {
    uint32_t head_dim, rope_dims;
    enum rotation rotation;
} widths[] = { { 16, 16, ROTATION_HALVES },     { 32, 32, ROTATION_HALVES },
               { 32, 32, ROTATION_NEIGHBOURS }, { 32, 20, ROTATION_HALVES },
               { 48, 48, ROTATION_NEIGHBOURS }, { 64, 64, ROTATION_HALVES },
               { 64, 64, ROTATION_NEIGHBOURS }, { 80, 32, ROTATION_HALVES },
               { 128, 128, ROTATION_HALVES },   { 128, 128, ROTATION_NEIGHBOURS },
               { 128, 0, ROTATION_NONE } };

START_TEST(every_head_width_and_rotation_of_fp8_in_prefill_and_decode)
{
    const struct attention_case c = { .element = _i % 3 == 1 ? ELEMENT_FP16 : ELEMENT_BF16,
                                      .heads = 4,
                                      .kv_heads = 2,
                                      .head_dim = widths[_i].head_dim,
                                      .page_tokens = 16,
                                      .rotation = widths[_i].rotation,
                                      .rope_dims = widths[_i].rope_dims,
                                      .kv_fp8 = true,
                                      .contexts = {
                                          { .cached_tokens = 50, .new_tokens = 17, .skip = 3 },
                                          { .cached_tokens = 99, .new_tokens = 1, .skip = 5 } } };
    struct case_result result = check(&c);
    ck_assert_uint_gt(result.prefills, 0);
    case_free(&result);
}
END_TEST

/* Every stage of a decode's tiles more than once; parts; more heads than rows. */
START_TEST(a_decode_batch_of_fp8_reads_each_context_whatever_its_length)
{
    const uint32_t head_dims[] = { 128, 64, 32 };
    const struct attention_case c = {
        .heads = 20,
        .kv_heads = 1,
        .head_dim = head_dims[_i],
        .page_tokens = 19,
        .rotation = ROTATION_HALVES,
        .kv_fp8 = true,
        .contexts = { { .cached_tokens = 0, .new_tokens = 1 },
                      { .cached_tokens = 64, .new_tokens = 2, .skip = 15 },
                      { .cached_tokens = 700, .new_tokens = 1, .skip = 2 } },
        .multiprocessors = _i == 0 ? 100 : 1
    };
    struct case_result result = check(&c);
    ck_assert_int_eq(result.merges > 0, _i == 0);
    case_free(&result);
}
END_TEST

START_TEST(fp8_keys_rotated_when_stored_are_not_turned_again)
{
    const struct attention_case c = { .heads = 2,
                                      .kv_heads = 1,
                                      .head_dim = 64,
                                      .page_tokens = 16,
                                      .rotation = ROTATION_HALVES,
                                      .pool_rotated = true,
                                      .kv_fp8 = true,
                                      .contexts = { { .cached_tokens = 50, .new_tokens = 40 },
                                                    { .cached_tokens = 80, .new_tokens = 1 } } };
    struct case_result result = check(&c);
    case_free(&result);
}
END_TEST

/* One token whose K is every bf16 there is: stored, and made elements again. */
enum { ALL = 1 << 16, WIDTH = 128, KV_HEADS = ALL / WIDTH };

static struct kernel_attention one_token(const uint16_t *elements)
{
    uint16_t *qkv = memory_new(WIDTH + 2 * ALL, sizeof *qkv);
    for (uint32_t i = 0; i < 2 * ALL; i++)
        qkv[WIDTH + i] = elements[i % ALL];
    const struct kernel_sequence sequence = { .new_tokens = 1 };
    const uint32_t page = 0;
    struct kernel_attention a = { .heads = 1,
                                  .kv_heads = KV_HEADS,
                                  .head_dim = WIDTH,
                                  .page_tokens = divisor_of(1),
                                  .page_stride = 2 * ALL,
                                  .kv_fp8 = true,
                                  .qkv = rig_copy_of(qkv, (WIDTH + 2 * ALL) * sizeof *qkv),
                                  .pool = rig_new((size_t)2 * ALL),
                                  .pages = rig_copy_of(&page, sizeof page),
                                  .sequences = rig_copy_of(&sequence, sizeof sequence),
                                  .rotated_keys = rig_new(ALL * sizeof *qkv),
                                  .wide_values = rig_new(ALL * sizeof *qkv) };
    free(qkv);
    return a;
}

static void free_token(const struct kernel_attention *a)
{
    rig_free((void *)(uintptr_t)a->qkv);
    rig_free(a->pool);
    rig_free((void *)(uintptr_t)a->pages);
    rig_free((void *)(uintptr_t)a->sequences);
    rig_free(a->rotated_keys);
    rig_free(a->wide_values);
}

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

START_TEST(every_bf16_is_stored_as_the_nearest_fp8_and_becomes_the_element_of_that_value)
{
    uint16_t *bits = memory_new(ALL, sizeof *bits), *wide = memory_new(2 * ALL, sizeof *wide);
    unsigned char *codes = memory_new(2 * ALL, 1);
    for (uint32_t i = 0; i < ALL; i++)
        bits[i] = (uint16_t)i;
    struct kernel_attention a = one_token(bits);
    const uint32_t zero = 0;
    uint32_t *index = rig_copy_of(&zero, sizeof zero);
    kernel_store_kv(&a, index, 1, false, rig_stream());
    kernel_widen_kv(&a, index, 1, 1, true, rig_stream());
    rig_read(codes, a.pool, (size_t)2 * ALL);
    rig_read(wide, a.rotated_keys, ALL * sizeof *wide);
    rig_read(wide + ALL, a.wide_values, ALL * sizeof *wide);
    for (uint32_t i = 0; i < 2 * ALL; i++) {
        double value = (double)element_value(ELEMENT_BF16, bits[i % ALL]);
        double expected = isnan(value) ? value : fp8_value(fp8_nearest(value));
        ck_assert_msg(isnan(value) ? isnan(fp8_value(codes[i]))
                                   : same(fp8_value(codes[i]), expected),
                      "%a: %02x", value, codes[i]);
        ck_assert_msg(same(fp8_value(codes[i]), (double)element_value(ELEMENT_BF16, wide[i])) ||
                          isnan(value),
                      "%02x: %04x", codes[i], wide[i]);
        ck_assert(!isnan(value) || isnan(element_value(ELEMENT_BF16, wide[i])));
    }
    free_token(&a);
    rig_free(index);
    free(bits);
    free(wide);
    free(codes);
}
END_TEST

/* ---- windows ---- */

/* Smaller than a tile of keys, as large, not a multiple; larger than the context. */
static const uint32_t windows[] = { 1, 30, 64, 100, 200, 5000 };
enum { WINDOWS = 2 * sizeof windows / sizeof *windows }; /* sliding, chunked */

START_TEST(a_prefill_sees_what_its_windows_have)
{
    const struct attention_case c = { .heads = 2,
                                      .kv_heads = 1,
                                      .head_dim = 32,
                                      .page_tokens = 16,
                                      .rotation = ROTATION_HALVES,
                                      .window_tokens = windows[_i / 2],
                                      .window_chunked = _i % 2 == 1,
                                      .contexts = {
                                          { .cached_tokens = 333, .new_tokens = 150, .skip = 3 },
                                          { .cached_tokens = 0, .new_tokens = 70 } } };
    struct case_result result = check(&c);
    case_free(&result);
}
END_TEST

START_TEST(a_decode_sees_what_its_window_has)
{
    const struct attention_case c = { .heads = 4,
                                      .kv_heads = 1,
                                      .head_dim = 64,
                                      .page_tokens = 19,
                                      .rotation = ROTATION_NEIGHBOURS,
                                      .window_tokens = windows[_i / 2],
                                      .window_chunked = _i % 2 == 1,
                                      .contexts = {
                                          { .cached_tokens = 398, .new_tokens = 4, .skip = 3 },
                                          { .cached_tokens = 29, .new_tokens = 1 },
                                          { .cached_tokens = 0, .new_tokens = 1 } } };
    struct case_result result = check(&c);
    case_free(&result);
}
END_TEST

/* Windows that are worth parts; KV as fp8, so that the scratch begins with the window too; without
 * RoPE, K goes there as it is. */
START_TEST(windows_over_fp8_in_parts)
{
    const struct attention_case c = {
        .heads = 1,
        .kv_heads = 1,
        .head_dim = 32,
        .page_tokens = 64,
        .rotation = _i == 0 ? ROTATION_HALVES : ROTATION_NONE,
        .kv_fp8 = true,
        .window_tokens = 1100,
        .contexts = { { .cached_tokens = 2000, .new_tokens = 140, .skip = 7 },
                      { .cached_tokens = 1500, .new_tokens = 1 } },
        .multiprocessors = 100
    };
    struct case_result result = check(&c);
    ck_assert_uint_gt(result.prefills, 2);
    ck_assert_uint_gt(result.merges, 1);
    case_free(&result);
}
END_TEST

int main(void)
{
    if (!rig_open())
        return TEST_SKIPPED;
    TCase *windows = tcase_create("windows");
    tcase_set_timeout(windows, 100);
    tcase_add_loop_test(windows, a_prefill_sees_what_its_windows_have, 0, WINDOWS);
    tcase_add_loop_test(windows, a_decode_sees_what_its_window_has, 0, WINDOWS);
    tcase_add_loop_test(windows, windows_over_fp8_in_parts, 0, 2);
    TCase *fp8_widths = tcase_create("fp8_widths"), *fp8 = tcase_create("fp8");
    tcase_set_timeout(fp8_widths, 100);
    tcase_set_timeout(fp8, 100);
    tcase_add_loop_test(fp8_widths, every_head_width_and_rotation_of_fp8_in_prefill_and_decode, 0,
                        sizeof widths / sizeof *widths);
    tcase_add_loop_test(fp8, a_decode_batch_of_fp8_reads_each_context_whatever_its_length, 0, 3);
    tcase_add_test(fp8, fp8_keys_rotated_when_stored_are_not_turned_again);
    tcase_add_test(fp8,
                   every_bf16_is_stored_as_the_nearest_fp8_and_becomes_the_element_of_that_value);
    Suite *suite = suite_create("CUDA attention, KV");
    suite_add_tcase(suite, windows);
    suite_add_tcase(suite, fp8_widths);
    suite_add_tcase(suite, fp8);
    return test_main(suite);
}
