/* validate/comparison_rows.c - a validation as rows: for the store and the picture, and as CSV; and
 * whether all of it is within tolerance. */
#include "base/csv_cell.h"
#include "validate/comparison.h"

#include "base/memory.h"
#include "validate/judge.h"

#include <math.h>
#include <stdlib.h>

static const char *unit_word(enum validated_unit unit)
{
    return unit == IN_POINTS ? "points" : "%";
}

/* ---- the store's ---- */

static struct store_validated metric_row(const struct validated_point *point,
                                         const struct validated_metric *metric)
{
    return (struct store_validated){ .policy = point->name,
                                     .metric = metric->name,
                                     .load_percent = point->load->percent,
                                     .sim = metric->sim,
                                     .sim_half_range = metric->sim_half_range,
                                     .run = metric->run,
                                     .half_width = metric->half_width,
                                     .tolerance = metric->tolerance,
                                     .tolerance_unit = unit_word(metric->unit),
                                     .error = metric->error,
                                     .repeats = point->repeats };
}

static struct store_difference difference_row(const struct validated_difference *difference,
                                              uint32_t repeats)
{
    return (struct store_difference){ .policy = difference->name,
                                      .minus = difference->minus,
                                      .metric = difference->of->name,
                                      .load_percent = difference->load->percent,
                                      .sim = difference->sim,
                                      .sim_half_range = difference->sim_half_range,
                                      .run = difference->run,
                                      .half_width = difference->half_width,
                                      .tolerance_percent = difference->tolerance_percent,
                                      .verdict = judge_verdict_word(difference->verdict),
                                      .repeats = repeats };
}

static struct store_load load_row(const struct validated_load *load)
{
    return (struct store_load){ .percent = load->percent,
                                .reached = load->reached,
                                .rate = load->rate,
                                .least_percent = load->least_percent,
                                .most_percent = load->most_percent,
                                .run_percent = load->reached ? load->run_percent : NAN };
}

struct store_validation validation_rows(const struct validation *validation)
{
    struct store_validation plain = { .model = validation->model,
                                      .hardware = validation->hardware,
                                      .device = validation->device,
                                      .rate_key = validation->rate_key };
    plain.rows =
        memory_new((size_t)validation->point_count * VALIDATED_COUNT + 1, sizeof *plain.rows);
    plain.differences =
        memory_new((size_t)validation->difference_count + 1, sizeof *plain.differences);
    plain.loads = memory_new((size_t)validation->load_count + 1, sizeof *plain.loads);
    for (uint32_t p = 0; p < validation->point_count; p++)
        for (int i = 0; i < VALIDATED_COUNT; i++)
            plain.rows[plain.count++] =
                metric_row(&validation->point[p], &validation->point[p].metric[i]);
    for (uint32_t i = 0; i < validation->difference_count; i++)
        plain.differences[plain.difference_count++] =
            difference_row(&validation->difference[i], validation->point[0].repeats);
    for (uint32_t i = 0; i < validation->load_count; i++)
        plain.loads[plain.load_count++] = load_row(&validation->load[i]);
    return plain;
}

void validation_rows_free(struct store_validation *rows)
{
    free(rows->rows);
    free(rows->differences);
    free(rows->loads);
}

/* ---- CSV ---- */

/* A difference's row says what is taken away; its error is in % of the runs' difference. */
void validation_print_csv(FILE *out, const struct validation *validation)
{
    fprintf(out,
            "policy,load_percent,metric,minus,sim,sim_half_range,run,half_width,error,tolerance,"
            "unit,verdict\n");
    for (uint32_t p = 0; p < validation->point_count; p++)
        for (int i = 0; i < VALIDATED_COUNT; i++) {
            const struct validated_point *point = &validation->point[p];
            const struct validated_metric *metric = &point->metric[i];
            csv_cell_put(out, point->name);
            fprintf(out, ",%.4g,%s,,%.17g,%.17g,%.17g,%.17g,%.4f,%.4g,%s,%s\n",
                    point->load->percent, metric->name, metric->sim, metric->sim_half_range,
                    metric->run, metric->half_width, metric->error, metric->tolerance,
                    unit_word(metric->unit),
                    metric->tolerance == 0.0    ? "not judged"
                    : judge_within(metric, 1.0) ? "within"
                    : judge_unsettled(metric)   ? "not settled"
                                                : "past");
        }
    for (uint32_t i = 0; i < validation->difference_count; i++) {
        const struct validated_difference *difference = &validation->difference[i];
        csv_cell_put(out, difference->name);
        fprintf(out, ",%.4g,%s,", difference->load->percent, difference->of->name);
        csv_cell_put(out, difference->minus);
        fprintf(out, ",%.17g,%.17g,%.17g,%.17g,%.4f,%.4g,%%,%s\n", difference->sim,
                difference->sim_half_range, difference->run, difference->half_width,
                difference->error_percent, difference->tolerance_percent,
                judge_verdict_word(difference->verdict));
    }
}

/* ---- the verdict ---- */

static bool difference_passes(const struct validated_difference *difference, double scale)
{
    bool judged = difference->verdict == VERDICT_AGREES ||
                  difference->verdict == VERDICT_DISAGREES ||
                  difference->verdict == VERDICT_UNSETTLED;
    return !judged || fabs(difference->error_percent) <= difference->tolerance_percent * scale;
}

bool validation_passes(const struct validation *validation, double scale)
{
    for (uint32_t i = 0; i < validation->load_count; i++)
        if (!judge_load_reached(&validation->load[i], scale))
            return false;
    for (uint32_t p = 0; p < validation->point_count; p++)
        if (!judge_point_within(&validation->point[p], scale))
            return false;
    for (uint32_t i = 0; i < validation->difference_count; i++)
        if (!difference_passes(&validation->difference[i], scale))
            return false;
    return true;
}
