/* tests/models/test_products.c - products and experts by number format: what the units, the bytes
 * and the library's rules must do to a time, whatever the coefficients are. */
#include "models/operators.h"
#include "tests/models/cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct gpu_peak peak_of(const struct hardware *hardware)
{
    return (struct gpu_peak){ hardware->flop_per_s / 1e9, hardware->hbm_bytes_per_s / 1e9,
                              hardware->fp8_flop_per_s / 1e9, hardware->fp4_flop_per_s / 1e9 };
}

static double product_ns(const struct hardware *hardware, enum number_format format, double tokens,
                         double inputs, double outputs)
{
    struct product product = { .tokens = tokens,
                               .inputs = inputs,
                               .outputs = outputs,
                               .groups = 1,
                               .weight_bytes = number_format_weight_bytes(format),
                               .format = format };
    return operator_product_ns(&hardware->operators, peak_of(hardware), &product);
}

static bool about(double value, double expected, double share)
{
    return fabs(value / expected - 1) < share;
}

START_TEST(narrow_weights_make_decode_faster_by_their_bytes)
{
    static const char *const servers[] = { "a100-80gb", "h100", "h200", "b200", "l40s" };
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        struct hardware hardware = shipped_hardware(servers[i]);
        double bf16 = product_ns(&hardware, FORMAT_BF16, 8, 16384, 16384);
        double fp8 = product_ns(&hardware, FORMAT_FP8, 8, 16384, 16384);
        double int4 = product_ns(&hardware, FORMAT_INT4, 8, 16384, 16384);
        ck_assert_msg(fp8 < 0.75 * bf16 && fp8 > 0.45 * bf16, "%s: %g, %g", servers[i], fp8, bf16);
        ck_assert_msg(int4 < fp8, "%s: %g, %g", servers[i], int4, fp8);
    }
}
END_TEST

/* Of weights beyond every L2, the tables' share of HBM bandwidth at 1 and at 64 tokens. */
START_TEST(a_large_product_reads_its_weights_as_fast_as_measured)
{
    static const struct {
        const char *server;
        double one, many;
    } measured[] = { { "l40s", 0.85, 0.75 },
                     { "a100-80gb", 0.78, 0.73 },
                     { "h100", 0.89, 0.85 },
                     { "b200", 0.81, 0.74 } };
    for (size_t i = 0; i < sizeof measured / sizeof *measured; i++) {
        struct hardware hardware = shipped_hardware(measured[i].server);
        double width = 16384, bytes = 2 * width * width, rate = peak_of(&hardware).bytes;
        double one = bytes / product_ns(&hardware, FORMAT_BF16, 1, width, width) / rate;
        double many = bytes / product_ns(&hardware, FORMAT_BF16, 64, width, width) / rate;
        ck_assert_msg(about(one, measured[i].one, 0.05), "%s: %g", measured[i].server, one);
        ck_assert_msg(about(many, measured[i].many, 0.05), "%s: %g", measured[i].server, many);
        ck_assert_double_eq_tol(product_ns(&hardware, FORMAT_BF16, 2, width, width),
                                product_ns(&hardware, FORMAT_BF16, 16, width, width),
                                0.01 * bytes / rate);
    }
}
END_TEST

START_TEST(one_token_by_itself_starts_and_reads_as_its_own_kernel_does)
{
    struct hardware h100 = shipped_hardware("h100");
    struct gemm_fit *fit = &h100.operators.gemm[FORMAT_BF16];
    fit->one_token_gain = fit->one_token_ns = 0;
    double small = product_ns(&h100, FORMAT_BF16, 1, 4096, 4096);
    double large = product_ns(&h100, FORMAT_BF16, 1, 32768, 32768);
    double two = product_ns(&h100, FORMAT_BF16, 2, 32768, 32768);
    fit->one_token_ns = 5000;
    ck_assert_double_eq_tol(product_ns(&h100, FORMAT_BF16, 1, 4096, 4096), small + 5000, 1);
    fit->one_token_ns = 0;
    fit->one_token_gain = 0.25;
    ck_assert(about(product_ns(&h100, FORMAT_BF16, 1, 32768, 32768), large / 1.25, 0.02));
    ck_assert_double_eq_tol(product_ns(&h100, FORMAT_BF16, 2, 32768, 32768), two, 1e-6);
}
END_TEST

START_TEST(units_for_a_format_make_prefill_faster_and_weights_alone_do_not)
{
    struct hardware a100 = shipped_hardware("a100-80gb"), b200 = shipped_hardware("b200");
    struct hardware h100 = shipped_hardware("h100");
    double width = 8192, tokens = 8192;
    double on_h100 = product_ns(&h100, FORMAT_BF16, tokens, width, width);
    double on_a100 = product_ns(&a100, FORMAT_BF16, tokens, width, width);
    ck_assert_double_lt(product_ns(&h100, FORMAT_FP8, tokens, width, width), 0.7 * on_h100);
    ck_assert(about(product_ns(&a100, FORMAT_FP8, tokens, width, width), on_a100, 0.03));
    ck_assert(about(product_ns(&h100, FORMAT_INT4, tokens, width, width), on_h100, 0.03));
    ck_assert_double_lt(product_ns(&b200, FORMAT_NVFP4, tokens, width, width),
                        0.8 * product_ns(&b200, FORMAT_FP8, tokens, width, width));
}
END_TEST

START_TEST(a_gpu_without_the_units_computes_in_bf16_whatever_was_fitted)
{
    struct hardware h100 = shipped_hardware("h100");
    struct gpu_peak peak = peak_of(&h100);
    const struct operators *operators = &h100.operators;
    ck_assert_int_eq((int)operators_computed_in(operators, peak, FORMAT_FP8_BLOCK),
                     FORMAT_FP8_BLOCK);
    ck_assert_int_eq((int)operators_computed_in(operators, peak, FORMAT_NVFP4), FORMAT_BF16);
    ck_assert_int_eq((int)operators_computed_in(operators, peak, FORMAT_MXFP4), FORMAT_BF16);
    peak.fp8_flop = 0;
    ck_assert_int_eq((int)operators_computed_in(operators, peak, FORMAT_FP8), FORMAT_BF16);
    struct operators without = *operators;
    memset(&without.gemm[FORMAT_FP8_BLOCK], 0, sizeof without.gemm[0]);
    ck_assert_int_eq((int)operators_computed_in(&without, peak_of(&h100), FORMAT_FP8_BLOCK),
                     FORMAT_FP8);
}
END_TEST

/* vLLM's CUTLASS takes another kernel from the 65th and the 129th token on. */
START_TEST(a_library_that_picks_its_tile_by_the_tokens_steps_there)
{
    struct hardware h100 = shipped_hardware("h100");
    const struct gemm_fit *fit = &h100.operators.gemm[FORMAT_FP8];
    ck_assert_double_eq(fit->small_tokens, 64);
    ck_assert_double_eq(fit->medium_tokens, 128);
    double step = product_ns(&h100, FORMAT_FP8, 129, 4096, 2048) /
                  product_ns(&h100, FORMAT_FP8, 128, 4096, 2048);
    double flat = product_ns(&h100, FORMAT_FP8, 128, 4096, 2048) /
                  product_ns(&h100, FORMAT_FP8, 127, 4096, 2048);
    ck_assert_double_gt(step, 1.05);
    ck_assert_double_lt(fabs(flat - 1), 0.01);
    /* Each class of tiles matters where it is taken, and nowhere else. */
    static const uint32_t tile[] = { 0, 1, 7 };
    static const double tokens[] = { 64, 128, 4096 };
    for (int t = 0; t < 3; t++) {
        struct hardware slow = h100;
        slow.operators.gemm[FORMAT_FP8].efficiency[tile[t]] /= 100;
        for (int n = 0; n < 3; n++) {
            double was = product_ns(&h100, FORMAT_FP8, tokens[n], 4096, 4096);
            double now = product_ns(&slow, FORMAT_FP8, tokens[n], 4096, 4096);
            ck_assert(t == n ? now > 2 * was : now == was);
        }
    }
}
END_TEST

START_TEST(quantising_apart_costs_a_kernel_and_reading_the_inputs)
{
    struct hardware h100 = shipped_hardware("h100");
    struct product product = { .tokens = 4096,
                               .inputs = 8192,
                               .outputs = 4096,
                               .groups = 1,
                               .weight_bytes = 1,
                               .format = FORMAT_FP8 };
    double fused = operator_product_ns(&h100.operators, peak_of(&h100), &product);
    product.quantised_apart = true;
    double apart = operator_product_ns(&h100.operators, peak_of(&h100), &product);
    ck_assert_double_gt(apart - fused, 4096.0 * 8192 * 3 / peak_of(&h100).bytes);
    product.format = FORMAT_BF16;
    product.weight_bytes = 2;
    double plain = operator_product_ns(&h100.operators, peak_of(&h100), &product);
    product.quantised_apart = false;
    ck_assert_double_eq(operator_product_ns(&h100.operators, peak_of(&h100), &product), plain);
}
END_TEST

START_TEST(a_kernel_that_sums_starts_once_and_moves_both)
{
    /* 1 byte/ns, an L2 of 100 bytes: at 100 bytes moved, half of the gain. */
    struct operators operators = { .multiprocessors = 1, .l2_bytes = 100 };
    operators.stream[STREAM_NORM] = (struct stream_fit){ 30, 1, 0.5, 0 };
    operators.stream[STREAM_SUM] = (struct stream_fit){ 1e6, 1e6, 0.25, 2 };
    const struct gpu_peak peak = { .flop = 1, .bytes = 1 };
    struct operator_parts parts = operator_fused_parts(&operators, peak, STREAM_NORM, 10, 3, 2, 10);
    ck_assert_double_eq_tol(parts.starting_ns, 30 + 10, 1e-9);
    ck_assert_double_eq_tol(parts.moving_ns, 60 / 0.5 + 40 / (0.25 * 2), 1e-9);
    ck_assert_double_eq_tol(operator_fused_ns(&operators, peak, STREAM_NORM, 10, 3, 2, 10),
                            sqrt(40.0 * 40 + 200.0 * 200), 1e-9);
    ck_assert_double_eq(operator_fused_ns(&operators, peak, STREAM_NORM, 10, 3, 0, 10),
                        operator_stream_ns(&operators, peak, STREAM_NORM, 10, 3, 10));
}
END_TEST

START_TEST(weights_in_the_cache_and_launches_by_the_cpu_are_a_measurements_alone)
{
    struct hardware l40s = shipped_hardware("l40s");
    struct product product = { .tokens = 1,
                               .inputs = 4096,
                               .outputs = 4096,
                               .groups = 1,
                               .weight_bytes = 1,
                               .format = FORMAT_FP8_BLOCK };
    double served = operator_product_ns(&l40s.operators, peak_of(&l40s), &product);
    product.resident = 1;
    ck_assert_double_lt(operator_product_ns(&l40s.operators, peak_of(&l40s), &product), served);
    product.launched_by_cpu = true;
    ck_assert_double_gt(operator_product_ns(&l40s.operators, peak_of(&l40s), &product), 4 * served);
}
END_TEST

START_TEST(generations_of_the_library_differ_where_the_issue_says)
{
    struct hardware h100 = shipped_hardware("h100");
    struct error err = { 0 };
    double now = product_ns(&h100, FORMAT_BF16, 512, 8192, 4096);
    double now_one = product_ns(&h100, FORMAT_BF16, 1, 8192, 8192);
    ck_assert_int_eq(operators_load("h100-2024", &h100.operators, &err), STATUS_OK);
    ck_assert_double_lt(now, 0.85 * product_ns(&h100, FORMAT_BF16, 512, 8192, 4096));
    ck_assert(about(now_one, product_ns(&h100, FORMAT_BF16, 1, 8192, 8192), 0.08));
}
END_TEST

/* ---- experts ---- */

static struct experts_call call_of(const struct hardware *hardware, double tokens)
{
    (void)hardware;
    return (struct experts_call){ .tokens = tokens,
                                  .pairs = 8 * tokens,
                                  .touched = 128 * (1 - pow(1 - 8 / 128.0, tokens)),
                                  .hidden = 4096,
                                  .inter = 1536,
                                  .weight_bytes = 2,
                                  .gated = true };
}

START_TEST(experts_take_at_least_their_weights_and_their_arithmetic)
{
    static const char *const servers[] = { "a100-80gb", "h100", "h200", "b200", "l40s" };
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        struct hardware hardware = shipped_hardware(servers[i]);
        const struct experts_fit *fit = &hardware.operators.experts[FORMAT_BF16];
        ck_assert(experts_fitted(fit));
        double before = 0;
        for (double tokens = 1; tokens <= 16384; tokens *= 2) {
            struct experts_call call = call_of(&hardware, tokens);
            double ns =
                experts_ns(fit, peak_of(&hardware), hardware.operators.multiprocessors, &call);
            double weights = call.touched * 3 * 4096 * 1536 * 2;
            double flop = 2 * call.pairs * 3 * 4096 * 1536;
            ck_assert_double_gt(ns, weights / peak_of(&hardware).bytes);
            ck_assert_double_gt(ns, flop / peak_of(&hardware).flop);
            ck_assert_double_ge(ns, before);
            before = ns;
        }
    }
}
END_TEST

START_TEST(the_floor_binds_one_token_and_expert_by_expert_decode_grows)
{
    struct hardware h100 = shipped_hardware("h100");
    const struct experts_fit *fit = &h100.operators.experts[FORMAT_BF16];
    struct experts_call small = call_of(&h100, 1);
    small.inter = 96; /* of 16 ranks */
    struct expert_parts parts = experts_parts(fit, peak_of(&h100), 132, &small);
    ck_assert_double_gt(parts.starting_ns, parts.moving_ns);
    ck_assert_double_gt(parts.whole_ns, fit->fixed_ns);
    struct experts_call few = call_of(&h100, 8), same = few;
    same.touched = 8;
    ck_assert_double_lt(experts_ns(fit, peak_of(&h100), 132, &same),
                        0.4 * experts_ns(fit, peak_of(&h100), 132, &few));
}
END_TEST

/* ---- the file ---- */

START_TEST(a_rule_without_a_tile_for_some_tokens_is_refused)
{
    struct hardware h100 = shipped_hardware("h100");
    struct error err = { 0 };
    ck_assert_int_eq(operators_check(&h100.operators, "x.yaml", &err), STATUS_OK);
    h100.operators.gemm[FORMAT_FP8].efficiency[0] = 0;
    ck_assert_int_eq(operators_check(&h100.operators, "x.yaml", &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "fp8.medium_tokens");
}
END_TEST

START_TEST(a_file_says_the_formats_that_were_fitted_and_no_others)
{
    struct hardware a100 = shipped_hardware("a100-80gb");
    struct config_section sections[OPERATORS_SECTIONS_MAX];
    operators_written(&a100.operators, sections);
    char *text = config_values_text(sections, &a100.operators);
    ck_assert_ptr_nonnull(strstr(text, "gemm.fixed_ns"));
    ck_assert_ptr_nonnull(strstr(text, "experts.bf16.fixed_ns"));
    ck_assert_ptr_null(strstr(text, "fp8.fixed_ns"));
    free(text);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/products");
    TCase *tests = tcase_create("products");
    tcase_add_test(tests, a_large_product_reads_its_weights_as_fast_as_measured);
    tcase_add_test(tests, one_token_by_itself_starts_and_reads_as_its_own_kernel_does);
    tcase_add_test(tests, narrow_weights_make_decode_faster_by_their_bytes);
    tcase_add_test(tests, units_for_a_format_make_prefill_faster_and_weights_alone_do_not);
    tcase_add_test(tests, a_gpu_without_the_units_computes_in_bf16_whatever_was_fitted);
    tcase_add_test(tests, a_library_that_picks_its_tile_by_the_tokens_steps_there);
    tcase_add_test(tests, quantising_apart_costs_a_kernel_and_reading_the_inputs);
    tcase_add_test(tests, a_kernel_that_sums_starts_once_and_moves_both);
    tcase_add_test(tests, weights_in_the_cache_and_launches_by_the_cpu_are_a_measurements_alone);
    tcase_add_test(tests, generations_of_the_library_differ_where_the_issue_says);
    tcase_add_test(tests, experts_take_at_least_their_weights_and_their_arithmetic);
    tcase_add_test(tests, the_floor_binds_one_token_and_expert_by_expert_decode_grows);
    tcase_add_test(tests, a_rule_without_a_tile_for_some_tokens_is_refused);
    tcase_add_test(tests, a_file_says_the_formats_that_were_fitted_and_no_others);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
