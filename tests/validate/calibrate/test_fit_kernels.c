/* tests/validate/calibrate/test_fit_kernels.c - tables of single kernels are read or refused by
 * line and column; a fit to what a known GPU would have measured predicts shapes that it has not
 * seen; experts that a draw touches are counted as the draws do. */
#include "base/memory.h"
#include "base/random.h"
#include "models/models.h"
#include "tests/support.h"
#include "validate/calibrate/fit_kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GEMM "kernel_source,gemm_dtype,m,n,k,latency\n"
#define MOE                                                                                        \
    "kernel_source,moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,"      \
    "moe_ep_size,distribution,latency\n"

static struct table table_of(const char *text)
{
    char *path = test_temp_file(text);
    struct table table;
    struct error err = { 0 };
    ck_assert_int_eq(table_open(path, &table, &err), STATUS_OK);
    unlink(path);
    free(path);
    return table;
}

START_TEST(a_product_is_read_as_it_was_measured)
{
    struct table table = table_of(GEMM "a,bfloat16,8,512,1024,0.01\nb,fp8,16,256,128,1\n"
                                       "c,fp8_block,16,4096,4096,1\n");
    struct product_rows rows = { 0 };
    struct error err = { 0 };
    ck_assert_int_eq((int)table_kind(&table), TABLE_PRODUCTS);
    ck_assert_int_eq(product_rows_add(&rows, &table, 50 << 20, &err), STATUS_OK);
    ck_assert_uint_eq(rows.count, 3);
    const struct product *product = &rows.row[0].product;
    ck_assert_double_eq(product->tokens, 8);
    ck_assert_double_eq(product->outputs, 512);
    ck_assert_double_eq(product->inputs, 1024);
    ck_assert_double_eq(product->weight_bytes, 2);
    ck_assert_double_eq(rows.row[0].measured_ns, 10000);
    ck_assert_double_gt(product->resident, 0.9); /* six times a MiB in 50 */
    ck_assert(!product->launched_by_cpu);
    ck_assert_int_eq((int)rows.row[1].product.format, FORMAT_FP8);
    ck_assert(rows.row[1].product.quantised_apart);
    ck_assert(rows.row[2].product.launched_by_cpu);
    product_rows_free(&rows);
    table_free(&table);
}
END_TEST

START_TEST(what_is_no_measurement_is_refused_by_line_and_column)
{
    static const struct {
        const char *text, *key;
        uint64_t line;
    } refused[] = {
        { GEMM "a,fp7,8,512,1024,0.01\n", "gemm_dtype", 2 },
        { GEMM "a,fp8,8,512,1024,0.01\na,fp8,8,512,1024,0\n", "latency", 3 },
        { GEMM "a,fp8,-8,512,1024,1\n", "m", 2 },
        { "gemm_dtype,m,n,latency\nfp8,1,1,1\n", "k", 1 },
        { MOE "a,fp8,1,1,1,1,1,1,1,balanced,none\n", "latency", 2 },
        { "moe_dtype,num_tokens\nfp8,1\n", "hidden_size", 1 },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct table table = table_of(refused[i].text);
        struct product_rows products = { 0 };
        struct expert_rows experts = { 0 };
        struct error err = { 0 };
        enum status status = table_kind(&table) == TABLE_PRODUCTS
                                 ? product_rows_add(&products, &table, 1 << 20, &err)
                                 : expert_rows_add(&experts, &table, &err);
        ck_assert_int_eq(status, STATUS_INPUT);
        ck_assert_str_eq(err.key, refused[i].key);
        ck_assert_uint_eq(err.line, refused[i].line);
        product_rows_free(&products);
        expert_rows_free(&experts);
        table_free(&table);
    }
}
END_TEST

START_TEST(experts_are_read_on_one_rank_and_what_cannot_be_told_is_left_out)
{
    struct table table = table_of(MOE "triton,bfloat16,16,2048,768,8,128,4,1,balanced,0.5\n"
                                      "triton,bfloat16,16,2048,768,8,128,1,8,balanced,0.5\n"
                                      "triton,bfloat16,16,2048,768,8,128,32,1,balanced,0.5\n"
                                      "triton,bfloat16,16,2688,1856,6,128,1,1,balanced,0.5\n"
                                      "flashinfer_cutlass,fp8,16,2048,768,8,128,1,1,balanced,5\n"
                                      "triton,w4a16_mxfp4,1,2880,2880,4,128,1,1,power_law_1.2,1\n");
    struct expert_rows rows = { 0 };
    struct error err = { 0 };
    ck_assert_int_eq(expert_rows_add(&rows, &table, &err), STATUS_OK);
    ck_assert_uint_eq(rows.count, 2);
    ck_assert_double_eq(rows.row[0].call.inter, 192);
    ck_assert_double_eq(rows.row[0].call.pairs, 128);
    ck_assert_double_eq(rows.row[0].call.touched, 128);
    ck_assert(rows.row[0].call.even);
    ck_assert_int_eq((int)rows.row[1].call.format, FORMAT_MXFP4);
    ck_assert_double_eq(rows.row[1].call.touched, 4);
    expert_rows_free(&rows);
    table_free(&table);
}
END_TEST

/* The draw itself: log-uniform shares, rounded; what is lost goes to those that have most. */
static double drawn_touched(struct random *random, double tokens, double used, uint32_t experts)
{
    double share[512], sum = 0, pairs = tokens * used, rounded = 0, touched = 0;
    double least = pairs > experts ? 1 : 0.01;
    double most = pairs > experts ? fmax(0.8 * tokens, 1.01) : 2;
    for (uint32_t i = 0; i < experts; i++)
        sum += share[i] = least * exp(random_uniform(random) * log(most / least));
    for (uint32_t i = 0; i < experts; i++) {
        share[i] = round(share[i] / sum * pairs);
        rounded += share[i];
        touched += share[i] > 0 ? 1 : 0;
    }
    double lost = fmin(experts, pairs - rounded);
    return fmax(touched, lost);
}

START_TEST(touched_experts_are_as_many_as_the_draws_touch)
{
    static const double many[][2] = { { 8, 128 }, { 8, 256 }, { 4, 32 }, { 22, 512 } };
    struct random random = random_from(test_seed(), 4);
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        for (double tokens = 1; tokens < 20000; tokens *= 4) {
            double sum = 0, used = many[i][0], experts = many[i][1];
            for (int draw = 0; draw < 100; draw++)
                sum += fmax(used, drawn_touched(&random, tokens, used, (uint32_t)experts));
            double expected = table_touched_experts(tokens, used, experts, false);
            ck_assert_msg(fabs(expected / (sum / 100) - 1) < 0.25, "%g of %g, %g tokens: %g, %g",
                          used, experts, tokens, expected, sum / 100);
            ck_assert_double_eq(table_touched_experts(tokens, used, experts, true),
                                fmin(experts, used * tokens));
        }
}
END_TEST

/* ---- fits ---- */

struct known {
    struct hardware hardware;
    struct gpu_peak peak;
};

static struct known known_gpu(void)
{
    struct known known;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load("h100", &known.hardware, &err), STATUS_OK);
    known.peak =
        (struct gpu_peak){ known.hardware.flop_per_s / 1e9, known.hardware.hbm_bytes_per_s / 1e9,
                           known.hardware.fp8_flop_per_s / 1e9, 0 };
    return known;
}

static void no_error(double median, double p95)
{
    ck_assert_double_le(median, 0.03);
    ck_assert_double_le(p95, 0.12);
}

START_TEST(products_of_unseen_shapes_are_predicted_in_every_format)
{
    struct known known = known_gpu();
    static const enum number_format formats[] = { FORMAT_BF16, FORMAT_FP8 };
    struct product_rows rows = { .row = calloc(4000, sizeof *rows.row) };
    for (int f = 0; f < 2; f++)
        for (double tokens = 1; tokens <= 8192; tokens += 1 + floor(tokens / 3))
            for (double in = 1024; in <= 16384; in *= 2)
                for (double out = 1024; out <= 16384; out *= 2) {
                    struct product_row *row = &rows.row[rows.count++];
                    row->product = (struct product){ .tokens = tokens,
                                                     .inputs = in,
                                                     .outputs = out,
                                                     .groups = 1,
                                                     .weight_bytes = f == 0 ? 2 : 1,
                                                     .format = formats[f],
                                                     .quantised_apart = true };
                    row->measured_ns =
                        operator_product_ns(&known.hardware.operators, known.peak, &row->product);
                }
    struct operators fitted = known.hardware.operators;
    for (int f = 0; f < 2; f++)
        fitted.gemm[formats[f]].hbm_efficiency = 0.5; /* it does not start where it shall end */
    struct fit_origin origin = { "a known GPU", "today" };
    FILE *report = fopen("/dev/null", "w");
    fit_product_tables(&rows, known.peak, &origin, &fitted, report);
    fclose(report);
    for (int f = 0; f < 2; f++) {
        const struct gemm_record *record = &fitted.gemm[formats[f]].record;
        no_error(record->few_median_error, record->few_p95_error);
        no_error(record->many_median_error, record->many_p95_error);
        ck_assert_uint_eq(record->rows, rows.count / 2);
        ck_assert_str_eq(fitted.gemm[formats[f]].source, "a known GPU");
        ck_assert_double_eq_tol(fitted.gemm[formats[f]].hbm_efficiency /
                                    known.hardware.operators.gemm[formats[f]].hbm_efficiency,
                                1, 0.1);
    }
    ck_assert_uint_eq(fitted.gemm[FORMAT_NVFP4].record.rows, 0);
    product_rows_free(&rows);
}
END_TEST

START_TEST(experts_of_an_unseen_model_are_predicted)
{
    struct known known = known_gpu();
    struct expert_rows rows = { .row = calloc(4000, sizeof *rows.row) };
    for (uint32_t model = 0; model < 6; model++)
        for (double tokens = 1; tokens <= 16384; tokens *= 2)
            for (double ranks = 1; ranks <= 8; ranks *= 2) {
                struct expert_row *row = &rows.row[rows.count++];
                row->shape = model;
                row->call = (struct experts_call){
                    .tokens = tokens,
                    .pairs = 8 * tokens,
                    .touched = fmin(8 * tokens, 64 + 32 * model),
                    .hidden = 2048 + 1024 * (model % 3),
                    .inter = (1024 + 512 * model) / ranks,
                    .weight_bytes = 1,
                    .gated = true,
                    .even = true,
                    .format = FORMAT_FP8_BLOCK,
                };
                row->measured_ns = experts_ns(&known.hardware.operators.experts[FORMAT_FP8_BLOCK],
                                              known.peak, 132, &row->call);
            }
    struct operators fitted = known.hardware.operators;
    struct fit_origin origin = { "a known GPU", "" };
    FILE *report = fopen("/dev/null", "w");
    fit_expert_tables(&rows, known.peak, &origin, &fitted, report);
    fclose(report);
    const struct experts_fit *fit = &fitted.experts[FORMAT_FP8_BLOCK];
    no_error(fit->few_median_error, fit->few_p95_error);
    no_error(fit->many_median_error, fit->many_p95_error);
    ck_assert_uint_eq(fit->shapes, 6);
    ck_assert_double_eq(fitted.experts[FORMAT_FP8].hbm_efficiency, fit->hbm_efficiency);
    ck_assert_double_eq(fitted.experts[FORMAT_BF16].fixed_ns,
                        known.hardware.operators.experts[FORMAT_BF16].fixed_ns);
    expert_rows_free(&rows);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("validate/fit_kernels");
    TCase *tests = tcase_create("kernels");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_product_is_read_as_it_was_measured);
    tcase_add_test(tests, what_is_no_measurement_is_refused_by_line_and_column);
    tcase_add_test(tests, experts_are_read_on_one_rank_and_what_cannot_be_told_is_left_out);
    tcase_add_test(tests, touched_experts_are_as_many_as_the_draws_touch);
    tcase_add_test(tests, products_of_unseen_shapes_are_predicted_in_every_format);
    tcase_add_test(tests, experts_of_an_unseen_model_are_predicted);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
