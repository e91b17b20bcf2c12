/* validate/comparison.c - see comparison.h. */
#include "validate/comparison.h"

#include "base/memory.h"
#include "sim/engine/metrics.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Above this the queue grows without bound and utilisation says nothing of the arrival rate. */
static const double BISECTED_MOST_PERCENT = 90.0;

static enum status simulate(const struct experiment *experiment, struct metrics *metrics,
                            struct error *err)
{
    struct sim_result result;
    enum status status = sim_run(experiment, NULL, &result, err);
    if (status != STATUS_OK)
        return status;
    *metrics = result.metrics;
    sim_result_free(&result);
    return STATUS_OK;
}

/* The rate at which the simulator's computing is busy for that share of the time. Utilisation grows
 * with the rate; bisection over its logarithm. */
static enum status rate_of(const struct experiment *experiment, double load_percent, double *rate,
                           struct error *err)
{
    double bisected = load_percent < BISECTED_MOST_PERCENT ? load_percent : 85.0;
    double low = log(1e-3), high = log(1e4);
    struct experiment trial = *experiment;
    for (int i = 0; i < 40; i++) {
        struct metrics metrics;
        trial.workload.sessions_per_s = exp((low + high) / 2.0);
        enum status status = simulate(&trial, &metrics, err);
        if (status != STATUS_OK)
            return status;
        if (100.0 * metrics.gpu_utilisation < bisected)
            low = (low + high) / 2.0;
        else
            high = (low + high) / 2.0;
    }
    *rate = exp((low + high) / 2.0) * load_percent / bisected;
    return STATUS_OK;
}

static const struct {
    const char *name;
    double tolerance_percent;
    size_t offset;
} compared[] = {
#define COMPARED_ROW(metric, tolerance) { #metric, tolerance, offsetof(struct metrics, metric) },
    VALIDATED_METRICS(COMPARED_ROW)
};

static double value_of(const struct metrics *metrics, int i)
{
    return *(const double *)(const void *)((const char *)metrics + compared[i].offset);
}

static void compare(struct validated_point *point, const struct metrics *sim,
                    const struct metrics *runs, uint32_t count)
{
    double values[VALIDATED_RUNS_MOST];
    for (int i = 0; i < VALIDATED_COUNT; i++) {
        struct validated_metric *metric = &point->metric[i];
        for (uint32_t r = 0; r < count; r++)
            values[r] = value_of(&runs[r], i);
        *metric = (struct validated_metric){ .name = compared[i].name,
                                             .tolerance_percent = compared[i].tolerance_percent,
                                             .sim = value_of(sim, i),
                                             .run = gsl_stats_mean(values, 1, count),
                                             .half_width = NAN };
        if (count > 1)
            metric->half_width = gsl_cdf_tdist_Pinv(0.975, count - 1) *
                                 gsl_stats_sd(values, 1, count) / sqrt((double)count);
        bool both_zero = metric->run == 0.0 && metric->sim == 0.0;
        metric->error_percent = both_zero ? 0.0 : 100.0 * (metric->sim / metric->run - 1.0);
    }
}

struct stopper {
    const struct validation_config *config;
    double done, steps;
    bool stopped;
};

static bool tell_run(void *context, uint64_t turns, uint64_t expected, double share_read)
{
    struct stopper *stopper = context;
    double share = expected > 0 ? (double)turns / (double)expected : share_read;
    share = share < 1.0 ? share : 1.0;
    if (stopper->config->tell == NULL)
        return true;
    stopper->stopped =
        !stopper->config->tell(stopper->config->context, (stopper->done + share) / stopper->steps);
    return !stopper->stopped;
}

static enum status run_point(const struct validation_config *config,
                             const struct experiment *experiment, struct stopper *stopper,
                             struct validation *validation, struct validated_point *point,
                             struct error *err)
{
    struct metrics sim, runs[VALIDATED_RUNS_MOST];
    struct sim_progress progress = { tell_run, stopper };
    enum status status = simulate(experiment, &sim, err);
    for (uint32_t i = 0; i < config->repeats && status == STATUS_OK; i++) {
        struct sim_result result;
        struct serve_report report;
        status = serve_run(experiment, &config->serve, &progress, &result, &report, err);
        if (status != STATUS_OK)
            return status;
        runs[i] = result.metrics;
        sim_result_free(&result);
        memcpy(validation->device, report.device, sizeof validation->device);
        if (stopper->stopped)
            return error_interrupted(err);
        stopper->done++;
        for (int kind = 0; kind < ITERATION_KINDS; kind++)
            iteration_totals_add(&point->iterations[kind], &report.iterations[kind]);
        point->behind_percent +=
            100.0 * (double)report.late_ns / (double)(report.run_ns + 1) / config->repeats;
        point->utilisation_percent += 100.0 * runs[i].gpu_utilisation / config->repeats;
    }
    if (status == STATUS_OK)
        compare(point, &sim, runs, config->repeats);
    return status;
}

static enum status run_load(const struct validation_config *config, double load_percent,
                            struct stopper *stopper, struct validation *validation,
                            struct error *err)
{
    struct experiment experiment = config->experiment;
    double rate = 0.0;
    experiment_set_policy(&experiment, config->policies[0]);
    enum status status = rate_of(&experiment, load_percent, &rate, err);
    experiment.workload.sessions_per_s = rate;
    for (uint32_t i = 0; i < config->policy_count && status == STATUS_OK; i++) {
        struct validated_point point = { .load_percent = load_percent,
                                         .sessions_per_s = rate,
                                         .repeats = config->repeats };
        snprintf(point.policy, sizeof point.policy, "%s", config->policies[i]);
        experiment_set_policy(&experiment, config->policies[i]);
        status = run_point(config, &experiment, stopper, validation, &point, err);
        if (status != STATUS_OK)
            break;
        memory_grow(&validation->point, &validation->capacity, (uint64_t)validation->count + 1,
                    sizeof *validation->point);
        validation->point[validation->count++] = point;
    }
    return status;
}

enum status validate(const struct validation_config *config, struct validation *validation,
                     struct error *err)
{
    *validation = (struct validation){ .model = config->experiment.model,
                                       .hardware = config->experiment.hardware };
    struct stopper stopper = { .config = config,
                               .steps = (double)config->policy_count * config->load_count *
                                        config->repeats };
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < config->load_count && status == STATUS_OK; i++)
        status = run_load(config, config->loads_percent[i], &stopper, validation, err);
    return status;
}

/* ---- showing ---- */

struct store_validation validation_rows(const struct validation *validation)
{
    struct store_validation plain = { .model = validation->model,
                                      .hardware = validation->hardware,
                                      .device = validation->device };
    plain.rows = memory_new((uint64_t)validation->count * VALIDATED_COUNT, sizeof *plain.rows);
    for (uint32_t p = 0; p < validation->count; p++)
        for (int i = 0; i < VALIDATED_COUNT; i++) {
            const struct validated_point *point = &validation->point[p];
            const struct validated_metric *metric = &point->metric[i];
            plain.rows[plain.count++] =
                (struct store_validated){ .policy = point->policy,
                                          .metric = metric->name,
                                          .load_percent = point->load_percent,
                                          .sim = metric->sim,
                                          .run = metric->run,
                                          .half_width = metric->half_width,
                                          .tolerance_percent = metric->tolerance_percent,
                                          .error_percent = metric->error_percent,
                                          .repeats = point->repeats };
        }
    return plain;
}

static bool passes(const struct validated_point *point, const struct validated_metric *metric,
                   double scale)
{
    return metric->tolerance_percent == 0.0 || point->load_percent > 100.0 ||
           fabs(metric->error_percent) <= metric->tolerance_percent * scale;
}

bool validation_passes(const struct validation *validation, double scale)
{
    for (uint32_t p = 0; p < validation->count; p++)
        for (int i = 0; i < VALIDATED_COUNT; i++)
            if (!passes(&validation->point[p], &validation->point[p].metric[i], scale))
                return false;
    return true;
}

/* Times in ms, bytes in MB: one column width for all. */
static double shown(const char *name, double value)
{
    size_t length = strlen(name);
    if (length > 3 && strcmp(name + length - 3, "_ns") == 0)
        return value / 1e6;
    return strstr(name, "_bytes") != NULL ? value / 1e6 : value;
}

void validation_print(FILE *out, const struct validation *validation)
{
    fprintf(out,
            "%s on %s: %s\nTimes in ms, bytes in MB; run: mean of repeats and half of its 95 %% "
            "interval; * past its tolerance\n",
            validation->model, validation->hardware, validation->device);
    for (uint32_t p = 0; p < validation->count; p++) {
        const struct validated_point *point = &validation->point[p];
        fprintf(out, "\n%s, load %.0f %% (%.7g sessions/s; computing was busy %.0f %%), %u runs\n",
                point->policy, point->load_percent, point->sessions_per_s,
                point->utilisation_percent, point->repeats);
        if (point->behind_percent >= 0.05)
            fprintf(out, "  for %.1f %% of the time the machine was behind its held rates\n",
                    point->behind_percent);
        fprintf(out, "  %-18s %12s %12s %10s %9s\n", "metric", "sim", "run", "+-", "error");
        for (int i = 0; i < VALIDATED_COUNT; i++) {
            const struct validated_metric *metric = &point->metric[i];
            char width[32] = "-"; /* of one run */
            if (!isnan(metric->half_width))
                snprintf(width, sizeof width, "%.2f", shown(metric->name, metric->half_width));
            fprintf(out, "  %-18s %12.2f %12.2f %10s %+8.1f%%%s\n", metric->name,
                    shown(metric->name, metric->sim), shown(metric->name, metric->run), width,
                    metric->error_percent, passes(point, metric, 1.0) ? "" : " *");
        }
        iteration_totals_print(out, point->iterations);
    }
}

void validation_print_csv(FILE *out, const struct validation *validation)
{
    fprintf(out, "policy,load_percent,metric,sim,run,half_width,error_percent,tolerance_percent\n");
    for (uint32_t p = 0; p < validation->count; p++)
        for (int i = 0; i < VALIDATED_COUNT; i++) {
            const struct validated_metric *metric = &validation->point[p].metric[i];
            fprintf(out, "%s,%.0f,%s,%.17g,%.17g,%.17g,%.4f,%.0f\n", validation->point[p].policy,
                    validation->point[p].load_percent, metric->name, metric->sim, metric->run,
                    metric->half_width, metric->error_percent, metric->tolerance_percent);
        }
}
