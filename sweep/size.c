/* sweep/size.c - see size.h: promises, verdicts, neighbours, and what prices do to an answer. */
#include "sweep/size.h"

#include "base/memory.h"
#include "base/units.h"
#include "sweep/metric_show.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the user asks for ---- */

static enum unit_kind unit_of(int metric)
{
    const char *unit = metric_rows[metric].unit;
    if (strcmp(unit, "ns") == 0)
        return UNIT_DURATION;
    return strcmp(unit, "bytes") == 0 ? UNIT_BYTES : UNIT_PLAIN;
}

static enum status find_metric(const char *name, int *metric, struct error *err)
{
    char with_unit[64];
    struct error first = { 0 };
    if (metric_find("--slo", name, metric, &first) == STATUS_OK)
        return STATUS_OK;
    snprintf(with_unit, sizeof with_unit, "%.50s_ns", name);
    return metric_find("--slo", with_unit, metric, err);
}

enum status slo_parse(const char *text, struct slo *slo, struct error *err)
{
    const char *equals = strchr(text, '=');
    char name[64];
    if (equals == NULL || equals == text || (size_t)(equals - text) >= sizeof name)
        return error_input(err, NULL, 0, "--slo", "METRIC=LIMIT, such as ttft_p99=2s", text);
    memcpy(name, text, (size_t)(equals - text));
    name[equals - text] = '\0';
    enum status status = find_metric(name, &slo->metric, err);
    if (status != STATUS_OK)
        return status;
    enum unit_kind unit = unit_of(slo->metric);
    if (!units_parse(equals + 1, unit, &slo->limit) || !(slo->limit > 0.0))
        return error_input(err, NULL, 0, "--slo", units_expected(unit), equals + 1);
    return STATUS_OK;
}

static const char *const objectives[] = { "usd_per_mtok", "usd_per_session", "usd_per_month" };

const char *objective_name(enum objective objective)
{
    return objectives[objective];
}

enum status objective_parse(const char *text, enum objective *objective, struct error *err)
{
    for (int i = 0; i < 3; i++)
        if (strcmp(text, objectives[i]) == 0) {
            *objective = (enum objective)i;
            return STATUS_OK;
        }
    return error_input(err, NULL, 0, "--objective",
                       "usd_per_mtok, usd_per_session or usd_per_month", text);
}

/* ---- verdicts ---- */

static double objective_of(enum objective objective, const struct bill *bill)
{
    if (objective == OBJECTIVE_USD_PER_MTOK)
        return bill->usd_per_mtok;
    return objective == OBJECTIVE_USD_PER_SESSION ? bill->usd_per_session : bill->usd_per_month;
}

struct size_value size_judge(const struct size_question *question, const struct bought *bought,
                             const struct metrics *metrics)
{
    struct size_value value = { .state = SIZE_RUN, .metrics = *metrics };
    value.bill = bill_of(bought, &question->prices, question->billing, metrics);
    value.objective = objective_of(question->objective, &value.bill);
    value.violation = question->ssd_years_least / value.bill.ssd_years;
    for (uint32_t i = 0; i < question->slo_count; i++) {
        const struct slo *slo = &question->slo[i];
        value.violation = fmax(value.violation, metric_value(metrics, slo->metric) / slo->limit);
    }
    /* Nothing was measured: nothing is known to be kept. */
    if (!(metrics->turns > 0.0) || isnan(value.objective))
        value.violation = INFINITY;
    return value;
}

/* ---- neighbours ---- */

uint32_t size_neighbour(const struct plan *plan, uint32_t point, uint32_t axis, int steps)
{
    uint32_t stride = 1;
    for (uint32_t a = plan->axis_count; --a > axis;)
        stride *= plan->axes[a].count;
    int64_t index = point / stride % plan->axes[axis].count, moved = index + steps;
    if (moved < 0 || moved >= (int64_t)plan->axes[axis].count)
        return UINT32_MAX;
    return (uint32_t)((int64_t)point + steps * (int64_t)stride);
}

/* ---- sensitivity to prices ---- */

static void scale_price(struct prices *prices, int which, double factor)
{
    double *const groups[SIZE_SENSITIVITIES][3] = {
        { &prices->rent_usd_per_gpu_hour, &prices->usd_per_gpu, &prices->usd_per_server_per_gpu },
        { &prices->rent_usd_per_dram_gb_hour, &prices->usd_per_dram_gb, NULL },
        { &prices->rent_usd_per_ssd_gb_hour, &prices->usd_per_ssd_gb, NULL },
        { &prices->usd_per_kwh, NULL, NULL },
    };
    for (int i = 0; i < 3 && groups[which][i] != NULL; i++)
        *groups[which][i] *= factor;
}

static double best_under(const struct size_question *question, const struct size_answer *answer,
                         uint32_t *best)
{
    double of_best = NAN, least = INFINITY;
    *best = UINT32_MAX;
    for (uint32_t i = 0; i < answer->plan->count; i++) {
        if (answer->value[0][i].state != SIZE_RUN)
            continue;
        struct size_value value =
            size_judge(question, &answer->bought[i], &answer->value[0][i].metrics);
        if (i == answer->best)
            of_best = value.objective;
        if (value.violation <= 1.0 && value.objective < least) {
            least = value.objective;
            *best = i;
        }
    }
    return of_best;
}

void size_sensitivities(const struct size_question *question, const struct size_answer *answer,
                        struct size_sensitivity out[SIZE_SENSITIVITIES])
{
    static const char *const names[SIZE_SENSITIVITIES] = { "GPUs and servers", "DRAM", "SSD",
                                                           "electricity" };
    for (int which = 0; which < SIZE_SENSITIVITIES; which++) {
        struct size_question low = *question, high = *question;
        out[which] = (struct size_sensitivity){ .what = names[which], .low = 0.5, .high = 2.0 };
        scale_price(&low.prices, which, out[which].low);
        scale_price(&high.prices, which, out[which].high);
        out[which].objective_low = best_under(&low, answer, &out[which].best_low);
        out[which].objective_high = best_under(&high, answer, &out[which].best_high);
    }
}

void size_answer_free(struct size_answer *answer)
{
    for (int level = 0; level < SIZE_LEVELS; level++)
        free(answer->value[level]);
    free(answer->bought);
    free(answer->twin);
    free(answer->front);
    *answer = (struct size_answer){ 0 };
}
