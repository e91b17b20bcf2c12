/* validate/calibrate/fit_tokens.c - a profile of one model judged by what was left out of the fit:
 * whole layers at token counts that it has not seen, and each product by a fit to the others. */
#include "validate/calibrate/fit_operators.h"

#include "base/memory.h"
#include "validate/calibrate/fit_predict.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define FEW_TOKENS 256 /* as the records have it (models/operators.h) */

/* Errors and the token counts that they are at. */
struct judged {
    double *error;
    uint32_t *tokens;
    uint32_t count;
};

static struct judged judged_new(uint32_t capacity)
{
    return (struct judged){ memory_new(capacity, sizeof(double)),
                            memory_new(capacity, sizeof(uint32_t)), 0 };
}

static void judged_free(struct judged *judged)
{
    free(judged->error);
    free(judged->tokens);
}

static void add(struct judged *judged, uint32_t tokens, double predicted, double measured)
{
    judged->tokens[judged->count] = tokens;
    judged->error[judged->count++] = predicted / measured - 1;
}

/* Of more tokens than `above`, at most `to`. */
static struct fit_errors errors_in(const struct judged *judged, uint32_t above, uint32_t to)
{
    double *some = memory_new(judged->count, sizeof *some);
    struct fit_errors errors = { 0 };
    for (uint32_t i = 0; i < judged->count; i++)
        if (judged->tokens[i] > above && judged->tokens[i] <= to)
            some[errors.count++] = judged->error[i];
    if (errors.count > 0) {
        gsl_sort(some, 1, errors.count);
        errors.bias = gsl_stats_median_from_sorted_data(some, 1, errors.count);
        for (uint32_t i = 0; i < errors.count; i++)
            some[i] = fabs(some[i]);
        gsl_sort(some, 1, errors.count);
        errors.median = gsl_stats_median_from_sorted_data(some, 1, errors.count);
        errors.p95 = gsl_stats_quantile_from_sorted_data(some, 1, errors.count, 0.95);
    }
    free(some);
    return errors;
}

static void print_row(FILE *out, const char *what, const struct judged *judged)
{
    static const uint32_t edge[] = { 0, 16, 64, 256, 1024, UINT32_MAX };
    fprintf(out, "| %s |", what);
    for (size_t i = 0; i + 1 < sizeof edge / sizeof *edge; i++) {
        struct fit_errors errors = errors_in(judged, edge[i], edge[i + 1]);
        if (errors.count == 0)
            fprintf(out, " |");
        else
            fprintf(out, " %.1f / %.1f (%+.1f) |", 100 * errors.median, 100 * errors.p95,
                    100 * errors.bias);
    }
    fprintf(out, "\n");
}

/* ---- token counts left out ---- */

/* Rows of a layer follow one another. op: one operator alone; below 0: all, as often as a layer has
 * them. */
static void judge_operator(const struct profile *profile, struct gpu_peak peak,
                           const struct operators *held_out, int op, struct judged *judged)
{
    double predicted = 0, measured = 0;
    for (uint32_t i = 0; i < profile->count; i++) {
        const struct profile_row *row = &profile->row[i];
        double times = op < 0 ? row->times : (int)row->op == op ? 1 : 0;
        bool last = i + 1 == profile->count || row[1].layer != row->layer;
        predicted += times * fit_predict_ns(&held_out[row->layer % FIT_THIRDS], peak, row);
        measured += times * row->measured_ns;
        if (last && measured > 0)
            add(judged, row->tokens, predicted, measured);
        if (last)
            predicted = measured = 0;
    }
}

static void print_heading(FILE *out, const char *first)
{
    fprintf(out,
            "| %s | 1 to 16 | 17 to 64 | 65 to 256 | 257 to 1024 | 1025 to most |\n"
            "|---|---|---|---|---|---|\n",
            first);
}

static double rounded(double error)
{
    return round(error * 1e4) / 1e4;
}

static void leave_out_tokens(const struct profile *profile, struct gpu_peak peak, uint32_t stride,
                             struct operators *operators, FILE *report)
{
    struct operators *held_out = memory_new(FIT_THIRDS, sizeof *held_out);
    for (uint32_t third = 0; third < FIT_THIRDS; third++) {
        held_out[third] = *operators;
        fit_operators(
            profile, peak,
            (struct fit_choice){ .stride = stride, .without = FIT_NO_MODEL, .third = third + 1 },
            &held_out[third], NULL);
    }
    fprintf(report, "\n**Token counts left out**: every third, three times; errors in %%: absolute "
                    "median / 95th percentile (signed median)\n\n");
    print_heading(report, "tokens");
    for (int op = -1; op < (int)PROFILE_OPERATORS; op++) {
        struct judged judged = judged_new(profile->layers);
        judge_operator(profile, peak, held_out, op, &judged);
        if (op < 0) {
            struct fit_errors all = errors_in(&judged, 0, UINT32_MAX);
            operators->record.held_out_median_error = rounded(all.median);
            operators->record.held_out_p95_error = rounded(all.p95);
        }
        if (judged.count > 0)
            print_row(report, op < 0 ? "whole layer" : profile_operator_names[op], &judged);
        judged_free(&judged);
    }
    free(held_out);
}

/* ---- products left out ---- */

static void judge_unseen_product(const struct profile *profile, struct gpu_peak peak,
                                 uint32_t stride, enum profile_operator op,
                                 const struct operators *operators, struct judged *judged)
{
    struct operators unseen = *operators;
    const struct fit_choice choice = { .stride = stride,
                                       .without = FIT_NO_MODEL,
                                       .product = 1 + (uint32_t)op };
    fit_operators(profile, peak, choice, &unseen, NULL);
    for (uint32_t i = 0; i < profile->count; i++) {
        const struct profile_row *row = &profile->row[i];
        if (row->op == op)
            add(judged, row->tokens, fit_predict_ns(&unseen, peak, row), row->measured_ns);
    }
}

static void set_record(const struct profile *profile, const struct judged *judged,
                       struct operators *operators)
{
    const struct fit_record *layers = &operators->record;
    struct fit_errors few = errors_in(judged, 0, FEW_TOKENS);
    struct fit_errors many = errors_in(judged, FEW_TOKENS, UINT32_MAX);
    struct gemm_record *record = &operators->gemm[FORMAT_BF16].record;
    *record = (struct gemm_record){ .tokens_most = layers->tokens_most,
                                    .inputs_least = layers->inputs_least,
                                    .inputs_most = layers->inputs_most,
                                    .outputs_least = layers->outputs_least,
                                    .outputs_most = layers->outputs_most,
                                    .few_median_error = rounded(few.median),
                                    .few_p95_error = rounded(few.p95),
                                    .many_median_error = rounded(many.median),
                                    .many_p95_error = rounded(many.p95) };
    for (uint32_t i = 0; i < profile->count; i++)
        record->rows += profile->row[i].op < PROFILE_PRODUCTS ? 1 : 0;
}

static void leave_out_products(const struct profile *profile, struct gpu_peak peak, uint32_t stride,
                               struct operators *operators, FILE *report)
{
    struct judged all = judged_new(profile->count);
    fprintf(report, "\n**Products left out**: each predicted by the fit to the others\n\n");
    print_heading(report, "product");
    for (int op = 0; op < PROFILE_PRODUCTS; op++) {
        struct judged judged = judged_new(profile->count);
        judge_unseen_product(profile, peak, stride, (enum profile_operator)op, operators, &judged);
        if (judged.count > 0)
            print_row(report, profile_operator_names[op], &judged);
        for (uint32_t i = 0; i < judged.count; i++) {
            all.tokens[all.count] = judged.tokens[i];
            all.error[all.count++] = judged.error[i];
        }
        judged_free(&judged);
    }
    if (all.count > 0)
        set_record(profile, &all, operators);
    judged_free(&all);
}

void fit_hold_out_tokens(const struct profile *profile, struct gpu_peak peak, uint32_t stride,
                         struct operators *operators, FILE *report)
{
    leave_out_tokens(profile, peak, stride, operators, report);
    leave_out_products(profile, peak, stride, operators, report);
    operators->record.median_error = rounded(operators->record.median_error);
    operators->record.p95_error = rounded(operators->record.p95_error);
    fprintf(report, "\n");
}
