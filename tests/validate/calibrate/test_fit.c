/* tests/validate/calibrate/test_fit.c - profiles are read or refused by their line; a fit finds the
 * coefficients that made its data, and outliers do not pull it. */
#include "base/random.h"
#include "models/models.h"
#include "tests/support.h"
#include "validate/calibrate/fit_operators.h"
#include "validate/calibrate/fit_robust.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a line through points, two of which lie ---- */

struct points {
    double x[20], y[20];
};

static void line_residual(const void *context, const double *parameter, double *out)
{
    const struct points *points = context;
    for (int i = 0; i < 20; i++)
        out[i] = parameter[0] + parameter[1] * points->x[i] - points->y[i];
}

START_TEST(outliers_do_not_pull_the_fit)
{
    struct points points;
    for (int i = 0; i < 20; i++) {
        points.x[i] = i;
        points.y[i] = 1 + 0.5 * i + (i % 2 ? 0.001 : -0.001);
    }
    points.y[3] += 50;
    points.y[17] += 80;
    const double prior[] = { 0, 0 }, spread[] = { 1e6, 1e6 };
    struct fit_problem problem = { 2, 20, line_residual, &points, prior, spread, 0.01 };
    struct fit_answer answer = { .parameter = { 0, 0 } };
    fit_robust(&problem, &answer);
    ck_assert_double_eq_tol(answer.parameter[0], 1, 0.05);
    ck_assert_double_eq_tol(answer.parameter[1], 0.5, 0.005);
    ck_assert_double_lt(answer.half_width_95[1], 0.01);
    ck_assert_double_gt(answer.half_width_95[1], 0);
}
END_TEST

START_TEST(what_the_data_do_not_tell_stays_at_its_prior)
{
    struct points points = { { 0 }, { 0 } }; /* x is 0 everywhere: no slope to be seen */
    const double prior[] = { 3, 7 }, spread[] = { 1e6, 1 };
    struct fit_problem problem = { 2, 20, line_residual, &points, prior, spread, 0.1 };
    struct fit_answer answer = { .parameter = { 3, 5 } };
    fit_robust(&problem, &answer);
    ck_assert_double_eq_tol(answer.parameter[0], 0, 1e-3);
    ck_assert_double_eq_tol(answer.parameter[1], 7, 1e-2);
}
END_TEST

/* ---- profiles ---- */

static const char plain_heading[] = "model,operator,ranks,tokens,inputs,outputs,time_us\n";

static enum status read_text(const char *heading, const char *lines, struct profile *profile,
                             struct error *err)
{
    char text[2048];
    snprintf(text, sizeof text, "%s%s", heading, lines);
    char *path = test_temp_file(text);
    enum status status = profile_read(path, "a100", profile, err);
    unlink(path);
    free(path);
    return status;
}

START_TEST(a_plain_profile_is_read_layer_by_layer)
{
    struct profile profile;
    struct error err = { 0 };
    ck_assert_int_eq(read_text(plain_heading,
                               "x,qkv,2,16,4096,6144,20.5\nx,norm,2,16,8192,4096,4\n"
                               "x,qkv,2,32,4096,6144,21\ny,qkv,2,32,4096,6144,21\n",
                               &profile, &err),
                     STATUS_OK);
    ck_assert_uint_eq(profile.count, 4);
    ck_assert_uint_eq(profile.layers, 3);
    ck_assert_uint_eq(profile.models, 2);
    ck_assert_uint_eq(profile.row[1].layer, 0);
    ck_assert_int_eq((int)profile.row[1].op, PROFILE_NORM);
    ck_assert_double_eq(profile.row[0].measured_ns, 20500);
    ck_assert_str_eq(profile.model[1], "y");
    profile_free(&profile);
}
END_TEST

START_TEST(what_is_no_profile_is_refused_by_its_line)
{
    static const struct {
        const char *heading, *lines, *key;
        uint64_t line;
    } refused[] = {
        { plain_heading, "x,qkv,1,16,4096,6144,0\n", "time_us", 2 },
        { plain_heading, "x,qkv,1,16,4096,6144,nan\n", "time_us", 2 },
        { plain_heading, "x,qkv,1,16,4096,6144,1\nx,qkz,1,16,4096,6144,1\n", "operator", 3 },
        { plain_heading, "x,qkv,1,1.5,4096,6144,1\n", "tokens", 2 },
        { plain_heading, "x,qkv,0,16,4096,6144,1\n", "ranks", 2 },
        { plain_heading, "x,qkv,1,16,4096\n", "line", 2 },
        { "operator,ranks\n", "qkv,1\n", "model", 2 },
        { "a,b\n", "1,2\n", "heading", 1 },
        { plain_heading, "", "--from-profile", 0 },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct profile profile;
        struct error err = { 0 };
        ck_assert_msg(read_text(refused[i].heading, refused[i].lines, &profile, &err) ==
                          STATUS_INPUT,
                      "%s", refused[i].lines);
        ck_assert_str_eq(err.key, refused[i].key);
        ck_assert_uint_eq(err.line, refused[i].line);
        profile_free(&profile);
    }
    struct profile none;
    struct error err = { 0 };
    ck_assert_int_eq(profile_read("/nowhere", "a100", &none, &err), STATUS_IO);
    profile_free(&none);
}
END_TEST

/* ---- a fit to what a known GPU would have measured ---- */

static void add(struct profile *profile, enum profile_operator op, uint32_t tokens, double inputs,
                double outputs)
{
    profile->row[profile->count++] = (struct profile_row){ .op = op,
                                                           .layer = profile->layers++,
                                                           .ranks = 1,
                                                           .tokens = tokens,
                                                           .times = 1,
                                                           .inputs = inputs,
                                                           .outputs = outputs };
}

START_TEST(a_fit_finds_the_gpu_that_made_its_data)
{
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load("a100-80gb", &hardware, &err), STATUS_OK);
    struct gpu_peak peak = { .flop = hardware.flop_per_s / 1e9,
                             .bytes = hardware.hbm_bytes_per_s / 1e9 };
    struct operators truth = hardware.operators;
    struct profile profile = { .row = calloc(2000, sizeof *profile.row), .models = 1 };
    for (uint32_t tokens = 1; tokens <= 4096; tokens += 1 + tokens / 4)
        for (double width = 1024; width <= 16384; width *= 2) {
            add(&profile, PROFILE_UP, tokens, 4096, width);
            add(&profile, PROFILE_DOWN, tokens, width, 4096);
            add(&profile, PROFILE_NORM, tokens, 2 * width, width);
        }
    for (uint32_t i = 0; i < profile.count; i++) {
        struct profile_row *row = &profile.row[i];
        struct product product = { .tokens = row->tokens,
                                   .inputs = row->inputs,
                                   .outputs = row->outputs,
                                   .groups = 1,
                                   .weight_bytes = 2,
                                   .down = row->op == PROFILE_DOWN };
        row->measured_ns = row->op == PROFILE_NORM
                               ? operator_stream_ns(&truth, peak, STREAM_NORM, row->tokens,
                                                    row->inputs, row->outputs)
                               : operator_product_ns(&truth, peak, &product);
    }
    struct operators fitted = truth;
    struct fit_intervals intervals;
    fit_operators(&profile, peak, (struct fit_choice){ .stride = 1, .without = FIT_NO_MODEL }, &fitted, &intervals);
    for (int op = 0; op < PROFILE_OPERATORS; op++) {
        struct fit_errors errors =
            fit_operator_errors(&profile, peak, &fitted, FIT_NO_MODEL, (enum profile_operator)op);
        ck_assert_double_le(errors.median, 0.01);
        ck_assert_double_le(errors.p95, 0.05);
    }
    ck_assert_double_eq_tol(fitted.gemm[FORMAT_BF16].hbm_efficiency / truth.gemm[FORMAT_BF16].hbm_efficiency, 1, 0.03);
    ck_assert_double_eq_tol(
        fitted.stream[STREAM_NORM].efficiency / truth.stream[STREAM_NORM].efficiency, 1, 0.02);
    ck_assert_uint_gt(intervals.count, 15);
    profile_free(&profile);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("validate/fit");
    TCase *tests = tcase_create("fit");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, outliers_do_not_pull_the_fit);
    tcase_add_test(tests, what_the_data_do_not_tell_stays_at_its_prior);
    tcase_add_test(tests, a_plain_profile_is_read_layer_by_layer);
    tcase_add_test(tests, what_is_no_profile_is_refused_by_its_line);
    tcase_add_test(tests, a_fit_finds_the_gpu_that_made_its_data);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
