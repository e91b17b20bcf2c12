/* validate/calibrate/fit_collectives_report.c - errors of fitted all-reduces, and the report. */
#include "base/memory.h"
#include "validate/calibrate/fit_collectives.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

static const char *const table_names[COLLECTIVE_TABLES] = { "in a CUDA graph", "called in a loop",
                                                            "nccl-tests", "PyTorch's NCCL" };

double fit_collective_predict_ns(const struct collective_fit *fit, const struct collective_row *row)
{
    switch (row->table) {
    case COLLECTIVE_TABLE_GRAPH:
        return collective_allreduce_ns(fit, row->ranks, row->bytes, COLLECTIVE_GRAPH);
    case COLLECTIVE_TABLE_CALLED:
        return collective_called_ns(fit, row->ranks, row->bytes);
    case COLLECTIVE_TABLE_NCCL:
    case COLLECTIVE_TABLE_PYTORCH:
    case COLLECTIVE_TABLES:
        break;
    }
    return collective_nccl_ns(fit, row->ranks, row->bytes);
}

/* By the fit that did not see the row's size, where there are such. */
static double error_of(const struct collective_profile *profile, const struct collective_fit *fit,
                       const struct collective_fit *held_out, const struct collective_row *row)
{
    if (held_out != NULL)
        fit = &held_out[fit_collective_fold(profile, row->bytes)];
    return fit_collective_predict_ns(fit, row) / row->measured_ns - 1;
}

struct collective_errors fit_collective_errors(const struct collective_profile *profile,
                                               const struct collective_fit *fit,
                                               const struct collective_fit *held_out,
                                               enum collective_table table, uint32_t ranks,
                                               double bytes_least)
{
    double *error = memory_new(profile->count, sizeof *error);
    struct collective_errors errors = { 0 };
    for (uint32_t i = 0; i < profile->count; i++) {
        const struct collective_row *row = &profile->row[i];
        if (row->table == table && (ranks == 0 || row->ranks == ranks) && row->bytes >= bytes_least)
            error[errors.count++] = error_of(profile, fit, held_out, row);
    }
    if (errors.count > 0) {
        gsl_sort(error, 1, errors.count);
        errors.bias = gsl_stats_median_from_sorted_data(error, 1, errors.count);
        for (uint32_t i = 0; i < errors.count; i++)
            error[i] = fabs(error[i]);
        gsl_sort(error, 1, errors.count);
        errors.median = gsl_stats_median_from_sorted_data(error, 1, errors.count);
        errors.p95 = gsl_stats_quantile_from_sorted_data(error, 1, errors.count, 0.95);
    }
    free(error);
    return errors;
}

static void print_curves(FILE *out, const struct collective_fit *fit)
{
    fprintf(out, "| ranks | kernel | up to | latency | rate | ramp | half of it at |\n"
                 "|---|---|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < COLLECTIVE_RANKS; i++)
        for (int path = 0; path < COLLECTIVE_PATHS; path++) {
            const struct collective_curve *curve = &fit->curve[i][path];
            if (curve->latency_ns <= 0)
                continue;
            char most[32] = "";
            if (path != COLLECTIVE_NCCL)
                snprintf(most, sizeof most, "%.0f B", curve->most_bytes);
            fprintf(out, "| %u | %s | %s | %.2f us | %.1f GB/s | %.1f us | %.0f kB |\n",
                    collective_ranks[i], collective_path_names[path], most, curve->latency_ns / 1e3,
                    curve->bytes_per_s / 1e9, curve->ramp_ns / 1e3, curve->half_bytes / 1e3);
        }
}

static void print_errors(FILE *out, const struct collective_profile *profile,
                         const struct collective_fit *fit, const struct collective_fit *held_out)
{
    fprintf(out,
            "\nErrors in %%: median, P95, signed median; then of sizes left out, each third in "
            "turn.\n\n"
            "| table | ranks | rows | median | P95 | bias | left out: median | P95 | bias |\n"
            "|---|---|---|---|---|---|---|---|---|\n");
    for (int table = 0; table < COLLECTIVE_TABLES; table++)
        for (int i = -1; i < COLLECTIVE_RANKS; i++) {
            uint32_t ranks = i < 0 ? 0 : collective_ranks[i];
            struct collective_errors in =
                fit_collective_errors(profile, fit, NULL, (enum collective_table)table, ranks, 0);
            struct collective_errors unseen = fit_collective_errors(
                profile, fit, held_out, (enum collective_table)table, ranks, 0);
            if (in.count == 0)
                continue;
            char all[16] = "all";
            if (i >= 0)
                snprintf(all, sizeof all, "%u", ranks);
            fprintf(out, "| %s | %s | %u | %.1f | %.1f | %+.1f | %.1f | %.1f | %+.1f |\n",
                    table_names[table], all, in.count, 100 * in.median, 100 * in.p95, 100 * in.bias,
                    100 * unseen.median, 100 * unseen.p95, 100 * unseen.bias);
        }
}

struct worst {
    const struct collective_row *row;
    double error;
};

static int by_error(const void *a, const void *b)
{
    double x = fabs(((const struct worst *)a)->error), y = fabs(((const struct worst *)b)->error);
    return (x < y) - (x > y);
}

static void print_worst(FILE *out, const struct collective_profile *profile,
                        const struct collective_fit *fit, const struct collective_fit *held_out)
{
    const uint32_t shown = 10;
    struct worst *worst = memory_new(profile->count, sizeof *worst);
    uint32_t count = 0;
    for (uint32_t i = 0; i < profile->count; i++)
        if (profile->row[i].table == COLLECTIVE_TABLE_GRAPH ||
            profile->row[i].table == COLLECTIVE_TABLE_NCCL)
            worst[count++] = (struct worst){ &profile->row[i],
                                             error_of(profile, fit, held_out, &profile->row[i]) };
    qsort(worst, count, sizeof *worst, by_error);
    fprintf(out, "\nFurthest off of those left out:\n\n"
                 "| table | ranks | bytes | measured | error |\n|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < count && i < shown; i++)
        fprintf(out, "| %s | %u | %.0f | %.1f us | %+.0f %% |\n", table_names[worst[i].row->table],
                worst[i].row->ranks, worst[i].row->bytes, worst[i].row->measured_ns / 1e3,
                100 * worst[i].error);
    free(worst);
}

void fit_collectives_print(FILE *out, const struct collective_profile *profile,
                           const struct collective_fit *fit,
                           const struct collective_fit held_out[COLLECTIVE_FOLDS])
{
    fprintf(out, "## All-reduce: %s\n\n%s; %u sizes from %.0f to %.0f bytes.\n\n", fit->name,
            fit->source, fit->record.rows, fit->record.bytes_least, fit->record.bytes_most);
    print_curves(out, fit);
    fprintf(
        out,
        "\nA copy within a GPU: %.2f us and %.0f GB/s. CPU of a call that is not captured: %.0f "
        "us (custom), %.0f us (symmetric).\n",
        fit->copy_latency_ns / 1e3, fit->copy_bytes_per_s / 1e9, fit->custom_call_ns / 1e3,
        fit->symmetric_call_ns / 1e3);
    print_errors(out, profile, fit, held_out);
    print_worst(out, profile, fit, held_out);
}
