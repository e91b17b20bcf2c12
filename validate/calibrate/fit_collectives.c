/* validate/calibrate/fit_collectives.c - curves through measured all-reduces; see
 * fit_collectives.h. Their errors and the report: fit_collectives_report.c. */
#include "validate/calibrate/fit_collectives.h"

#include "base/memory.h"
#include "validate/calibrate/fit_robust.h"
#include "validate/calibrate/fit_write.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- one curve through points ---- */

struct points {
    double *bytes, *ns;
    size_t count;
};

/* Logarithms of the coefficients, so that none becomes negative. */
enum { LATENCY, BYTE, RAMP, HALF, CURVE_PARAMETERS };
#define LINE_PARAMETERS RAMP

struct curve_problem {
    const struct points *points;
    bool ramp;
};

static double curve_ns(const double *parameter, bool ramp, double bytes)
{
    double ns = exp(parameter[LATENCY]) + exp(parameter[BYTE]) * bytes;
    return ramp ? ns + exp(parameter[RAMP]) * bytes / (bytes + exp(parameter[HALF])) : ns;
}

static void curve_residual(const void *context, const double *parameter, double *out)
{
    const struct curve_problem *problem = context;
    for (size_t i = 0; i < problem->points->count; i++)
        out[i] = log(curve_ns(parameter, problem->ramp, problem->points->bytes[i]) /
                     problem->points->ns[i]);
}

static double absolute_sum(const struct curve_problem *problem, const double *parameter)
{
    double sum = 0;
    for (size_t i = 0; i < problem->points->count; i++)
        sum += fabs(log(curve_ns(parameter, problem->ramp, problem->points->bytes[i]) /
                        problem->points->ns[i]));
    return sum;
}

#define RESIDUAL_SCALE 0.05 /* a size 5 % off counts in full, one 50 % off as an outlier */

/* From the prior; keeps *best if that is no better. */
static void try_curve(const struct curve_problem *curve, const double *prior, const double *spread,
                      double *best, double *best_sum)
{
    struct fit_problem problem = {
        .parameters = curve->ramp ? CURVE_PARAMETERS : LINE_PARAMETERS,
        .residuals = curve->points->count,
        .residual = curve_residual,
        .context = curve,
        .prior = prior,
        .prior_spread = spread,
        .scale = RESIDUAL_SCALE,
    };
    struct fit_answer answer;
    memcpy(answer.parameter, prior, problem.parameters * sizeof *prior);
    fit_robust(&problem, &answer);
    double sum = absolute_sum(curve, answer.parameter);
    if (sum < *best_sum) {
        *best_sum = sum;
        memcpy(best, answer.parameter, problem.parameters * sizeof *best);
    }
}

static void keep(struct collective_curve *curve, const double *parameter, bool ramp)
{
    curve->latency_ns = exp(parameter[LATENCY]);
    curve->bytes_per_s = 1e9 / exp(parameter[BYTE]);
    curve->ramp_ns = ramp ? exp(parameter[RAMP]) : 0;
    curve->half_bytes = ramp ? exp(parameter[HALF]) : 0;
}

/* A line near what is expected of it: one size does not tell latency from rate. */
static void fit_line(const struct points *points, double latency_ns, double byte_ns,
                     struct collective_curve *curve)
{
    const double prior[] = { log(latency_ns), log(byte_ns) }, spread[] = { 0.7, 0.7 };
    double best[] = { log(latency_ns), log(byte_ns) }, best_sum = INFINITY;
    if (points->count > 0)
        try_curve(&(struct curve_problem){ points, false }, prior, spread, best, &best_sum);
    keep(curve, best, false);
}

/* A curve with its bend anywhere: starts from several. Expects rows. */
static void fit_ramp(const struct points *points, struct collective_curve *curve)
{
    double least_ns = INFINITY, most_bytes = 0, at_most_ns = 0, best_sum = INFINITY;
    for (size_t i = 0; i < points->count; i++) {
        least_ns = fmin(least_ns, points->ns[i]);
        at_most_ns = points->bytes[i] > most_bytes ? points->ns[i] : at_most_ns;
        most_bytes = fmax(most_bytes, points->bytes[i]);
    }
    const double halves[] = { 64e3, 256e3, 1e6, 4e6, 16e6 }, spread[] = { 3, 3, 3, 3 };
    double best[CURVE_PARAMETERS];
    for (size_t i = 0; i < sizeof halves / sizeof *halves; i++) {
        const double prior[] = { log(least_ns), log(at_most_ns / most_bytes), log(least_ns),
                                 log(halves[i]) };
        if (i == 0)
            memcpy(best, prior, sizeof best);
        try_curve(&(struct curve_problem){ points, true }, prior, spread, best, &best_sum);
    }
    keep(curve, best, true);
}

/* ---- which rows are on which curve ---- */

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int fit_collective_fold(const struct collective_profile *profile, double bytes)
{
    double *size = memory_new(profile->count, sizeof *size);
    for (uint32_t i = 0; i < profile->count; i++)
        size[i] = profile->row[i].bytes;
    qsort(size, profile->count, sizeof *size, compare_doubles);
    int smaller = 0;
    for (uint32_t i = 0; i < profile->count && size[i] < bytes; i++)
        smaller += i == 0 || size[i] != size[i - 1];
    free(size);
    return smaller % COLLECTIVE_FOLDS;
}

static bool is_on(const struct collective_row *row, const struct collective_fit *fit,
                  uint32_t ranks, enum collective_path path)
{
    if (row->ranks != ranks)
        return false;
    if (row->table == COLLECTIVE_TABLE_NCCL)
        return path == COLLECTIVE_NCCL;
    return row->table == COLLECTIVE_TABLE_GRAPH &&
           collective_path_of(fit, ranks, row->bytes) == path;
}

/* The caller frees bytes, which ns follow. */
static struct points points_of(const struct collective_profile *profile, int fold,
                               const struct collective_fit *fit, uint32_t ranks,
                               enum collective_path path)
{
    struct points points = { .bytes = memory_new(2 * (size_t)profile->count, sizeof(double)) };
    points.ns = points.bytes + profile->count;
    for (uint32_t i = 0; i < profile->count; i++) {
        const struct collective_row *row = &profile->row[i];
        if (!is_on(row, fit, ranks, path) ||
            (fold >= 0 && fit_collective_fold(profile, row->bytes) == fold))
            continue;
        points.bytes[points.count] = row->bytes;
        points.ns[points.count++] = row->measured_ns;
    }
    return points;
}

/* Bytes that cross a rank's links for one of the message. */
static double crossing(enum collective_path path, double ranks)
{
    return path == COLLECTIVE_ONE_SHOT ? ranks - 1 : 2 * (ranks - 1) / ranks;
}

/* The custom kernels of one number of ranks. Two shots wait for flags twice. */
static void fit_custom(const struct collective_profile *profile, int fold, uint32_t index,
                       double *link_byte_ns, struct collective_fit *fit)
{
    struct collective_curve *curve = fit->curve[index];
    double ranks = collective_ranks[index], flags_ns = 5000;
    for (enum collective_path path = COLLECTIVE_ONE_SHOT; path <= COLLECTIVE_SYMMETRIC; path++) {
        struct collective_curve none = { 0 };
        if (curve[path].most_bytes <= 0) {
            curve[path] = none;
            continue;
        }
        struct points points = points_of(profile, fold, fit, collective_ranks[index], path);
        fit_line(&points, path == COLLECTIVE_ONE_SHOT ? flags_ns : 2 * flags_ns,
                 *link_byte_ns * crossing(path, ranks), &curve[path]);
        free(points.bytes);
        if (path != COLLECTIVE_ONE_SHOT)
            continue;
        flags_ns = curve[path].latency_ns;
        if (index == 0) /* of two ranks a link is seen alone */
            *link_byte_ns = 1e9 / curve[path].bytes_per_s;
    }
}

static void fit_nccl(const struct collective_profile *profile, int fold, uint32_t index,
                     struct collective_fit *fit)
{
    for (enum collective_path path = COLLECTIVE_SERVED; path <= COLLECTIVE_NCCL; path++) {
        struct collective_curve *curve = &fit->curve[index][path];
        double most_bytes = curve->most_bytes;
        struct points points = points_of(profile, fold, fit, collective_ranks[index], path);
        *curve = (struct collective_curve){ 0 };
        if (points.count > 0 && (path == COLLECTIVE_NCCL || most_bytes > 0))
            fit_ramp(&points, curve);
        curve->most_bytes = most_bytes;
        free(points.bytes);
    }
}

/* ---- the CPU's calls, and copies ---- */

static double median_of(double *value, size_t count)
{
    if (count == 0)
        return 0;
    gsl_sort(value, 1, count);
    return gsl_stats_median_from_sorted_data(value, 1, count);
}

static bool is_custom(enum collective_path path)
{
    return path < COLLECTIVE_SYMMETRIC;
}

#define COPY_DOMINATES_BYTES (32.0 * 1024 * 1024)
#define CALL_DOMINATES 1.5 /* a loop that takes so much longer than the graph is the CPU's */

struct called {
    const struct collective_row *row;
    enum collective_path path;
    double graph_ns; /* the same message in a graph, measured */
};

/* The rows of the loop whose message a graph held too; returns how many. */
static uint32_t called_rows(const struct collective_profile *profile, int fold,
                            const struct collective_fit *fit, struct called *called)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < profile->count; i++) {
        const struct collective_row *row = &profile->row[i];
        if (row->table != COLLECTIVE_TABLE_CALLED ||
            (fold >= 0 && fit_collective_fold(profile, row->bytes) == fold))
            continue;
        for (uint32_t j = 0; j < profile->count; j++) {
            const struct collective_row *graph = &profile->row[j];
            if (graph->table != COLLECTIVE_TABLE_GRAPH || graph->ranks != row->ranks ||
                graph->bytes != row->bytes)
                continue;
            called[count++] = (struct called){ row, collective_path_of(fit, row->ranks, row->bytes),
                                               graph->measured_ns };
            break;
        }
    }
    return count;
}

/* A long message's loop is the graph's time and a copy: its rate. The custom kernels' loop copies
 * twice, once to where the others read. */
static void fit_copies(const struct called *called, uint32_t count, double *value,
                       struct collective_fit *fit)
{
    size_t rates = 0, latencies = 0;
    for (uint32_t i = 0; i < count; i++)
        if (called[i].row->bytes >= COPY_DOMINATES_BYTES && !is_custom(called[i].path) &&
            called[i].row->measured_ns > called[i].graph_ns)
            value[rates++] =
                called[i].row->bytes / (called[i].row->measured_ns - called[i].graph_ns);
    fit->copy_bytes_per_s = 1e9 * median_of(value, rates);
    for (uint32_t i = 0; i < count; i++) {
        double more_ns = called[i].row->measured_ns - called[i].graph_ns;
        if (is_custom(called[i].path) && rates > 0 && more_ns > 0 &&
            called[i].row->measured_ns < CALL_DOMINATES * called[i].graph_ns)
            value[latencies++] =
                fmax(0, more_ns / 2 - called[i].row->bytes / fit->copy_bytes_per_s * 1e9);
    }
    fit->copy_latency_ns = median_of(value, latencies);
}

static double call_ns(const struct called *called, uint32_t count, bool custom, double *value)
{
    size_t calls = 0;
    for (uint32_t i = 0; i < count; i++)
        if (is_custom(called[i].path) == custom &&
            (custom || called[i].path == COLLECTIVE_SYMMETRIC) &&
            called[i].row->measured_ns > CALL_DOMINATES * called[i].graph_ns)
            value[calls++] = called[i].row->measured_ns;
    return median_of(value, calls);
}

static void fit_calls(const struct collective_profile *profile, int fold,
                      struct collective_fit *fit)
{
    struct called *called = memory_new(profile->count, sizeof *called);
    double *value = memory_new(profile->count, sizeof *value);
    uint32_t count = called_rows(profile, fold, fit, called);
    fit_copies(called, count, value, fit);
    fit->custom_call_ns = call_ns(called, count, true, value);
    fit->symmetric_call_ns = call_ns(called, count, false, value);
    free(value);
    free(called);
}

static void round_all(struct collective_fit *fit)
{
    for (uint32_t i = 0; i < COLLECTIVE_RANKS; i++)
        for (uint32_t path = 0; path < COLLECTIVE_PATHS; path++) {
            struct collective_curve *curve = &fit->curve[i][path];
            fit_round(&curve->latency_ns);
            fit_round(&curve->bytes_per_s);
            fit_round(&curve->ramp_ns);
            fit_round(&curve->half_bytes);
        }
    fit_round(&fit->copy_latency_ns);
    fit_round(&fit->copy_bytes_per_s);
    fit_round(&fit->custom_call_ns);
    fit_round(&fit->symmetric_call_ns);
}

void fit_collectives(const struct collective_profile *profile, int fold, struct collective_fit *fit)
{
    double link_byte_ns = 1.0 / 100; /* of no measured pair: between PCIe's and NVLink's */
    for (uint32_t i = 0; i < COLLECTIVE_RANKS; i++) {
        fit_custom(profile, fold, i, &link_byte_ns, fit);
        fit_nccl(profile, fold, i, fit);
    }
    fit_calls(profile, fold, fit);
    round_all(fit);
}

void fit_collectives_whole(const struct collective_profile *profile, struct collective_fit *fit,
                           struct collective_fit held_out[COLLECTIVE_FOLDS])
{
    struct collective_record *record = &fit->record;
    fit_collectives(profile, COLLECTIVE_FOLD_NONE, fit);
    for (int fold = 0; fold < COLLECTIVE_FOLDS; fold++) {
        held_out[fold] = *fit;
        fit_collectives(profile, fold, &held_out[fold]);
    }
    *record = (struct collective_record){ .bytes_least = INFINITY };
    for (uint32_t i = 0; i < profile->count; i++) {
        if (profile->row[i].table == COLLECTIVE_TABLE_PYTORCH)
            continue;
        record->rows++;
        record->bytes_least = fmin(record->bytes_least, profile->row[i].bytes);
        record->bytes_most = fmax(record->bytes_most, profile->row[i].bytes);
    }
    struct collective_errors graph =
        fit_collective_errors(profile, fit, NULL, COLLECTIVE_TABLE_GRAPH, 0, 0);
    struct collective_errors nccl =
        fit_collective_errors(profile, fit, NULL, COLLECTIVE_TABLE_NCCL, 0, 0);
    struct collective_errors graph_out =
        fit_collective_errors(profile, fit, held_out, COLLECTIVE_TABLE_GRAPH, 0, 0);
    struct collective_errors nccl_out =
        fit_collective_errors(profile, fit, held_out, COLLECTIVE_TABLE_NCCL, 0, 0);
    record->graph_median_error = graph.median;
    record->graph_p95_error = graph.p95;
    record->nccl_median_error = nccl.median;
    record->nccl_p95_error = nccl.p95;
    record->held_out_graph_median_error = graph_out.median;
    record->held_out_graph_p95_error = graph_out.p95;
    record->held_out_nccl_median_error = nccl_out.median;
    record->held_out_nccl_p95_error = nccl_out.p95;
}
