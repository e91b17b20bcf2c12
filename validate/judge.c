/* validate/judge.c - see judge.h. */
#include "validate/judge.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stddef.h>

static const struct {
    const char *name, *label;
    enum validated_unit unit;
    double tolerance;
    bool overloaded;
    size_t offset;
} compared[] = {
#define COMPARED_ROW(metric, label, unit, tolerance, overloaded)                                   \
    { #metric, label, unit, tolerance, overloaded, offsetof(struct metrics, metric) },
    VALIDATED_METRICS(COMPARED_ROW)
};

/* Metrics whose differences are compared. */
static const int differing[DIFFERENCES] = { VALIDATED_hit_rate_tokens, VALIDATED_ttft_mean_ns };

/* ---- numbers ---- */

static double value_of(const struct metrics *metrics, int i)
{
    return metric_at(metrics, compared[i].offset);
}

static double error_of(enum validated_unit unit, double sim, double run)
{
    if (sim == run)
        return 0.0;
    return unit == IN_POINTS ? 100.0 * (sim - run) : 100.0 * (sim / run - 1.0);
}

static double half_range(const double *values, size_t count)
{
    return (gsl_stats_max(values, 1, count) - gsl_stats_min(values, 1, count)) / 2.0;
}

static void runs_of(const struct point_results *results, int i, uint32_t count, double *values)
{
    for (uint32_t r = 0; r < count; r++)
        values[r] = value_of(&results->run[r], i);
}

/* ---- a point ---- */

static struct validated_metric judge_metric(const struct validated_point *point,
                                            const struct point_results *results, int i)
{
    double sims[VALIDATED_SIMS], runs[VALIDATED_RUNS_MOST] = { 0 };
    uint32_t count = point->repeats;
    bool judged = point->load->percent <= 100.0 || compared[i].overloaded;
    for (int s = 0; s < VALIDATED_SIMS; s++)
        sims[s] = value_of(&results->sim[s], i);
    runs_of(results, i, count, runs);
    struct validated_metric metric = { .name = compared[i].name,
                                       .label = compared[i].label,
                                       .unit = compared[i].unit,
                                       .tolerance = judged ? compared[i].tolerance : 0.0,
                                       .sim = sims[0],
                                       .sim_half_range = half_range(sims, VALIDATED_SIMS),
                                       .run = gsl_stats_mean(runs, 1, count),
                                       .half_width = NAN };
    if (count > 1)
        metric.half_width = gsl_cdf_tdist_Pinv(0.975, count - 1) * gsl_stats_sd(runs, 1, count) /
                            sqrt((double)count);
    metric.error = error_of(metric.unit, metric.sim, metric.run);
    return metric;
}

void judge_point(struct validated_point *point, const struct point_results *results)
{
    for (int i = 0; i < VALIDATED_COUNT; i++)
        point->metric[i] = judge_metric(point, results, i);
}

bool judge_within(const struct validated_metric *metric, double scale)
{
    return metric->tolerance == 0.0 || fabs(metric->error) <= metric->tolerance * scale;
}

bool judge_point_within(const struct validated_point *point, double scale)
{
    for (int i = 0; i < VALIDATED_COUNT; i++)
        if (!judge_within(&point->metric[i], scale))
            return false;
    return true;
}

bool judge_unsettled(const struct validated_metric *metric)
{
    return !judge_within(metric, 1.0) && fabs(metric->sim - metric->run) <= metric->half_width;
}

bool judge_load_reached(const struct validated_load *load, double scale)
{
    return load->reached && (load->percent > 100.0 || fabs(load->run_percent - load->percent) <=
                                                          LOAD_TOLERANCE_POINTS * scale);
}

/* ---- a difference ---- */

/* Half of the 95 % interval of the difference of two means of `count` values each; NaN: of one. */
static double welch_half_width(const double *a, const double *b, uint32_t count)
{
    if (count < 2)
        return NAN;
    double of_a = gsl_stats_variance(a, 1, count) / count,
           of_b = gsl_stats_variance(b, 1, count) / count, both = of_a + of_b;
    if (both <= 0.0)
        return 0.0;
    double freedom = both * both / ((of_a * of_a + of_b * of_b) / (count - 1));
    return gsl_cdf_tdist_Pinv(0.975, freedom) * sqrt(both);
}

/* What of either value alone would be within its tolerance says nothing of two values' difference.
 */
static double least_told(const struct validated_metric *of, const struct validated_metric *minus,
                         double tolerance)
{
    return of->unit == IN_POINTS ? tolerance / 100.0
                                 : tolerance / 100.0 * fmax(fabs(of->run), fabs(minus->run));
}

static enum validated_verdict judge(const struct validated_difference *difference, double least)
{
    double sim = difference->sim, run = difference->run;
    if (difference->tolerance_percent == 0.0)
        return VERDICT_UNJUDGED;
    /* Of one run the interval is not known, and holds nothing. An interval that holds 0 and a large
     * difference, too, says nothing of either. */
    if (fabs(sim) <= least && fabs(run) <= difference->half_width &&
        fabs(sim - run) <= difference->half_width)
        return VERDICT_NONE_SEEN;
    if (fabs(sim) <= least && fabs(run) <= least)
        return VERDICT_SMALL;
    /* In size, and so in sign. */
    if (fabs(difference->error_percent) <= difference->tolerance_percent)
        return VERDICT_AGREES;
    return fabs(sim - run) <= difference->half_width ? VERDICT_UNSETTLED : VERDICT_DISAGREES;
}

struct validated_difference judge_difference(const struct validated_point *point,
                                             const struct point_results *results,
                                             const struct validated_point *minus,
                                             const struct point_results *minus_results, int which)
{
    int i = differing[which];
    double sims[VALIDATED_SIMS], a[VALIDATED_RUNS_MOST] = { 0 }, b[VALIDATED_RUNS_MOST] = { 0 };
    const struct validated_metric *of = &point->metric[i], *less = &minus->metric[i];
    bool judged = point->load->percent <= 100.0 || compared[i].overloaded;
    for (int s = 0; s < VALIDATED_SIMS; s++)
        sims[s] = value_of(&results->sim[s], i) - value_of(&minus_results->sim[s], i);
    runs_of(results, i, point->repeats, a);
    runs_of(minus_results, i, point->repeats, b);
    struct validated_difference difference = { .name = point->name,
                                               .minus = minus->name,
                                               .load = point->load,
                                               .of = of,
                                               .sim = sims[0],
                                               .sim_half_range = half_range(sims, VALIDATED_SIMS),
                                               .run = of->run - less->run,
                                               .half_width = welch_half_width(a, b, point->repeats),
                                               .tolerance_percent =
                                                   judged ? DIFFERENCE_TOLERANCE_PERCENT : 0.0 };
    difference.error_percent = error_of(IN_PERCENT, difference.sim, difference.run);
    difference.verdict = judge(&difference, least_told(of, less, compared[i].tolerance));
    return difference;
}

const char *judge_verdict_word(enum validated_verdict verdict)
{
    static const char *const words[] = { VERDICTS(CHOICE_WORD) };
    return words[verdict];
}
