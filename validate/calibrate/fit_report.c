/* validate/calibrate/fit_report.c - errors of fitted operators, models left out, and the report. */
#include "validate/calibrate/fit_operators.h"

#include "base/memory.h"
#include "validate/calibrate/fit_predict.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

/* A layer is whole when every product and norm, RoPE, activation and sum was timed: 10 operators.
 */
#define LAYER_OPERATORS 10

struct fit_errors fit_errors_of(double *error, uint32_t count)
{
    struct fit_errors errors = { .count = count };
    if (count == 0)
        return errors;
    gsl_sort(error, 1, count);
    errors.bias = gsl_stats_median_from_sorted_data(error, 1, count);
    for (uint32_t i = 0; i < count; i++)
        error[i] = fabs(error[i]);
    gsl_sort(error, 1, count);
    errors.median = gsl_stats_median_from_sorted_data(error, 1, count);
    errors.p95 = gsl_stats_quantile_from_sorted_data(error, 1, count, 0.95);
    return errors;
}

struct fit_errors fit_operator_errors(const struct profile *profile, struct gpu_peak peak,
                                      const struct operators *operators, uint32_t model,
                                      enum profile_operator op)
{
    double *error = memory_new(profile->count, sizeof *error);
    uint32_t count = 0;
    for (uint32_t i = 0; i < profile->count; i++) {
        const struct profile_row *row = &profile->row[i];
        if (row->op == op && (model == FIT_NO_MODEL || row->model == model))
            error[count++] = fit_predict_ns(operators, peak, row) / row->measured_ns - 1;
    }
    struct fit_errors errors = fit_errors_of(error, count);
    free(error);
    return errors;
}

/* Appends the errors of whole layers; the rows of a layer follow one another. */
static uint32_t add_layer_errors(const struct profile *profile, struct gpu_peak peak,
                                 const struct operators *operators, uint32_t model, uint32_t ranks,
                                 double *error)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < profile->count;) {
        const struct profile_row *first = &profile->row[i];
        double predicted = 0, measured = 0;
        uint32_t operators_timed = 0;
        for (; i < profile->count && profile->row[i].layer == first->layer; i++) {
            const struct profile_row *row = &profile->row[i];
            predicted += row->times * fit_predict_ns(operators, peak, row);
            measured += row->times * row->measured_ns;
            operators_timed += fit_operators_of(row);
        }
        if (operators_timed == LAYER_OPERATORS && (ranks == 0 || first->ranks == ranks) &&
            (model == FIT_NO_MODEL || first->model == model))
            error[count++] = predicted / measured - 1;
    }
    return count;
}

struct fit_errors fit_layer_errors(const struct profile *profile, struct gpu_peak peak,
                                   const struct operators *operators, uint32_t model,
                                   uint32_t ranks)
{
    double *error = memory_new(profile->layers, sizeof *error);
    struct fit_errors errors =
        fit_errors_of(error, add_layer_errors(profile, peak, operators, model, ranks, error));
    free(error);
    return errors;
}

/* All models, each predicted by the fit that has not seen it. */
static struct fit_errors held_out_errors(const struct profile *profile, struct gpu_peak peak,
                                         const struct operators *held_out, uint32_t ranks)
{
    double *error = memory_new(profile->layers, sizeof *error);
    uint32_t count = 0;
    for (uint32_t m = 0; m < profile->models; m++)
        count += add_layer_errors(profile, peak, &held_out[m], m, ranks, error + count);
    struct fit_errors errors = fit_errors_of(error, count);
    free(error);
    return errors;
}

static void set_range(const struct profile *profile, struct fit_record *record)
{
    *record = (struct fit_record){ .rows = profile->layers,
                                   .models = profile->models,
                                   .inputs_least = UINT64_MAX,
                                   .outputs_least = UINT64_MAX };
    for (uint32_t i = 0; i < profile->count; i++) {
        const struct profile_row *row = &profile->row[i];
        record->tokens_most = row->tokens > record->tokens_most ? row->tokens : record->tokens_most;
        record->ranks_most = row->ranks > record->ranks_most ? row->ranks : record->ranks_most;
        if (row->op >= PROFILE_PRODUCTS)
            continue;
        uint64_t inputs = (uint64_t)row->inputs, outputs = (uint64_t)row->outputs;
        record->inputs_least = inputs < record->inputs_least ? inputs : record->inputs_least;
        record->inputs_most = inputs > record->inputs_most ? inputs : record->inputs_most;
        record->outputs_least = outputs < record->outputs_least ? outputs : record->outputs_least;
        record->outputs_most = outputs > record->outputs_most ? outputs : record->outputs_most;
    }
    if (record->inputs_least == UINT64_MAX)
        record->inputs_least = record->outputs_least = 0;
}

int fit_hold_out(const struct profile *profile, struct gpu_peak peak, uint32_t stride,
                 struct operators *operators, struct operators held_out[PROFILE_MODELS_MAX])
{
    struct fit_errors all = fit_layer_errors(profile, peak, operators, FIT_NO_MODEL, 0);
    set_range(profile, &operators->record);
    operators->record.median_error = all.median;
    operators->record.p95_error = all.p95;
    if (profile->models < 2)
        return 0;
    for (uint32_t m = 0; m < profile->models; m++) {
        held_out[m] = *operators;
        fit_operators(profile, peak, (struct fit_choice){ .stride = stride, .without = m },
                      &held_out[m], NULL);
    }
    struct fit_errors unseen = held_out_errors(profile, peak, held_out, 0);
    operators->record.held_out_median_error = unseen.median;
    operators->record.held_out_p95_error = unseen.p95;
    return 1;
}

/* ---- the report ---- */

static void print_errors(FILE *out, struct fit_errors errors)
{
    if (errors.count == 0)
        fprintf(out, " |");
    else
        fprintf(out, " %.1f / %.1f (%+.1f) |", 100 * errors.median, 100 * errors.p95,
                100 * errors.bias);
}

static void print_heading(FILE *out, const char *first, uint32_t columns, const char *const *name)
{
    fprintf(out, "| %s |", first);
    for (uint32_t i = 0; i < columns; i++)
        fprintf(out, " %s |", name[i]);
    fprintf(out, "\n|---|");
    for (uint32_t i = 0; i < columns; i++)
        fprintf(out, "---|");
    fprintf(out, "\n");
}

static void print_operators(FILE *out, const struct profile *profile, struct gpu_peak peak,
                            const struct operators *operators, const struct operators *held_out)
{
    const char *column[PROFILE_MODELS_MAX + 1] = { "all, fitted" };
    for (uint32_t m = 0; m < profile->models; m++)
        column[m + 1] = profile->model[m];
    print_heading(out, "operator", held_out != NULL ? profile->models + 1 : 1, column);
    for (int op = 0; op < (int)PROFILE_OPERATORS; op++) {
        fprintf(out, "| %s |", profile_operator_names[op]);
        print_errors(out, fit_operator_errors(profile, peak, operators, FIT_NO_MODEL,
                                              (enum profile_operator)op));
        for (uint32_t m = 0; held_out != NULL && m < profile->models; m++)
            print_errors(out, fit_operator_errors(profile, peak, &held_out[m], m,
                                                  (enum profile_operator)op));
        fprintf(out, "\n");
    }
}

static void print_layers(FILE *out, const struct profile *profile, struct gpu_peak peak,
                         const struct operators *operators, const struct operators *held_out)
{
    const char *column[PROFILE_MODELS_MAX + 2] = { "all, fitted" };
    uint32_t columns = 1;
    for (uint32_t m = 0; held_out != NULL && m < profile->models; m++)
        column[columns++] = profile->model[m];
    if (held_out != NULL)
        column[columns++] = "all, each unseen";
    print_heading(out, "ranks", columns, column);
    for (uint32_t ranks = 1; ranks <= 2 * operators->record.ranks_most; ranks *= 2) {
        bool all = ranks > operators->record.ranks_most;
        uint32_t chosen = all ? 0 : ranks;
        if (all)
            fprintf(out, "| any |");
        else
            fprintf(out, "| %" PRIu32 " |", ranks);
        print_errors(out, fit_layer_errors(profile, peak, operators, FIT_NO_MODEL, chosen));
        for (uint32_t m = 0; held_out != NULL && m < profile->models; m++)
            print_errors(out, fit_layer_errors(profile, peak, &held_out[m], m, chosen));
        if (held_out != NULL)
            print_errors(out, held_out_errors(profile, peak, held_out, chosen));
        fprintf(out, "\n");
    }
}

/* The digits after the third are of one machine's arithmetic library, not of the GPU: with them the
 * report would differ from one machine to the next. */
static void print_coefficient(FILE *out, double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.2e", value);
    fprintf(out, " %g |", strtod(text, NULL));
}

void fit_print_report(FILE *out, const struct profile *profile, struct gpu_peak peak,
                      const struct operators *operators, const struct fit_intervals *intervals,
                      const struct operators *held_out)
{
    fprintf(out, "### %s\n\n", operators->name);
    fprintf(out,
            "%" PRIu32 " measured layers of %" PRIu32 " models, 1 to %" PRIu32
            " tokens, 1 to %" PRIu32 " ranks. Source: %s.\n",
            operators->record.rows, operators->record.models, operators->record.tokens_most,
            operators->record.ranks_most, operators->source);
    fprintf(out, "\nErrors in %%: absolute median / 95th percentile (signed median).");
    if (held_out != NULL)
        fprintf(out, " A model's column is predicted by the fit to the *other* models.");
    fprintf(out, "\n\n**Whole layer**: all products and element-wise operators, no attention\n\n");
    print_layers(out, profile, peak, operators, held_out);
    fprintf(out, "\n**By operator**, 1 to %" PRIu32 " ranks\n\n", operators->record.ranks_most);
    print_operators(out, profile, peak, operators, held_out);
    fprintf(out, "\n**Coefficients**, with the 95 %% interval of the fit to all models, to three "
                 "digits\n\n"
                 "| coefficient | value | from | to |\n|---|---|---|---|\n");
    for (uint32_t i = 0; i < intervals->count; i++) {
        fprintf(out, "| %s |", intervals->interval[i].key);
        print_coefficient(out, intervals->interval[i].value);
        print_coefficient(out, intervals->interval[i].low);
        print_coefficient(out, intervals->interval[i].high);
        fprintf(out, "\n");
    }
    fprintf(out, "\n");
}
