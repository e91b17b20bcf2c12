/* sweep/size.c - see size.h: objectives, verdicts, and what prices do to an answer. */
#include "sweep/size.h"

#include "base/memory.h"
#include "sim/engine/cost.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

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

static struct size_value judge(const struct size_question *question, const struct size_point *point,
                               const struct prices *prices, const struct metrics *metrics)
{
    struct size_value value = { .state = SIZE_RUN, .metrics = *metrics };
    double years = question->ssd_years_least < 0.0 ? prices->years : question->ssd_years_least;
    value.bill = cost_bill(&point->bought, prices, point->billing, metrics);
    value.objective = objective_of(question->objective, &value.bill);
    for (uint32_t i = 0; i < question->promise_count; i++)
        value.missed = fmax(value.missed, promise_violation(&question->promise[i], metrics));
    /* Nothing was measured: nothing is known to be kept. */
    if (!(metrics->turns > 0.0) || isnan(value.objective))
        value.missed = INFINITY;
    if (metrics->ssd_years > 0.0) /* else nothing is written */
        value.wear = years / metrics->ssd_years;
    value.violation = fmax(value.missed, value.wear);
    return value;
}

struct size_value size_judge(const struct size_question *question, const struct size_point *point,
                             const struct metrics *metrics)
{
    return judge(question, point, point->prices, metrics);
}

const struct promise *size_missed_most(const struct size_question *question,
                                       const struct size_value *value)
{
    const struct promise *most = &question->promise[0];
    for (uint32_t i = 1; i < question->promise_count; i++)
        if (promise_violation(&question->promise[i], &value->metrics) >
            promise_violation(most, &value->metrics))
            most = &question->promise[i];
    return most;
}

/* ---- what was found ---- */

const struct size_value *size_whole(const struct size_answer *answer, uint32_t point)
{
    return point != SIZE_NONE ? answer->value[SIZE_WHOLE][point] : NULL;
}

const struct size_point *size_point(const struct size_answer *answer, uint32_t point)
{
    return answer->space->point[point];
}

/* Costs that differ by less say nothing: what differs is electricity, by how a router chooses. */
#define SAME_COST 1.004

struct wanted {
    int kv;
    uint32_t axis, place;
};

static bool is_wanted(const struct size_answer *answer, uint32_t point, struct wanted wanted)
{
    const struct size_value *value = size_whole(answer, point);
    return value != NULL && value->state == SIZE_RUN && value->violation <= 1.0 &&
           (wanted.kv < 0 || (int)size_space_kv(answer->space, point) == wanted.kv) &&
           (wanted.axis == SIZE_NONE ||
            size_space_place(answer->space, point, wanted.axis) == wanted.place);
}

uint32_t size_cheapest(const struct size_answer *answer, int kv, uint32_t axis, uint32_t place)
{
    const struct wanted wanted = { kv, axis, place };
    double least = INFINITY;
    uint32_t best = SIZE_NONE;
    for (uint32_t i = 0; i < answer->space->count; i++)
        if (is_wanted(answer, i, wanted))
            least = fmin(least, size_whole(answer, i)->objective);
    for (uint32_t i = 0; i < answer->space->count; i++)
        if (is_wanted(answer, i, wanted) && size_whole(answer, i)->objective <= least * SAME_COST &&
            (best == SIZE_NONE ||
             size_whole(answer, i)->violation < size_whole(answer, best)->violation))
            best = i;
    return best;
}

/* ---- sensitivity to prices ---- */

static void scale_price(struct prices *prices, int which, double factor)
{
    double *const groups[SIZE_SENSITIVITIES][5] = {
        { &prices->rent_usd_per_gpu_hour, &prices->rent_usd_per_gpu_hour_of_4,
          &prices->rent_usd_per_gpu_hour_of_1, &prices->usd_per_gpu,
          &prices->usd_per_server_per_gpu },
        { &prices->rent_usd_per_dram_gb_hour, &prices->usd_per_dram_gb },
        { &prices->rent_usd_per_ssd_gb_hour, &prices->usd_per_ssd_gb },
        { &prices->usd_per_kwh },
    };
    for (int i = 0; i < 5 && groups[which][i] != NULL; i++)
        *groups[which][i] *= factor;
}

/* A drive whose own price is known is no matter of the price per GB. */
static struct size_value judge_scaled(const struct size_question *question,
                                      const struct size_point *point, const struct metrics *metrics,
                                      int which, double factor)
{
    struct size_point scaled = *point;
    struct prices prices = *point->prices;
    scale_price(&prices, which, factor);
    if (which == 2)
        scaled.bought.usd_per_drive *= factor;
    return judge(question, &scaled, &prices, metrics);
}

/* The recommended servers as long as none are cheaper by what says something. */
static double best_under(const struct size_question *question, const struct size_answer *answer,
                         int which, double factor, uint32_t *best)
{
    double of_best = NAN, least = INFINITY;
    *best = SIZE_NONE;
    for (uint32_t i = 0; i < answer->space->count; i++) {
        const struct size_value *whole = size_whole(answer, i);
        if (whole == NULL || whole->state != SIZE_RUN)
            continue;
        struct size_value value =
            judge_scaled(question, size_point(answer, i), &whole->metrics, which, factor);
        if (i == answer->best)
            of_best = value.objective;
        if (value.violation <= 1.0 && value.objective < least) {
            least = value.objective;
            *best = i;
        }
    }
    if (of_best <= least * SAME_COST)
        *best = answer->best;
    return of_best;
}

void size_sensitivities(const struct size_question *question, const struct size_answer *answer,
                        struct size_sensitivity out[SIZE_SENSITIVITIES])
{
    static const char *const names[SIZE_SENSITIVITIES] = { "GPUs and servers", "DRAM", "SSDs",
                                                           "electricity" };
    for (int which = 0; which < SIZE_SENSITIVITIES; which++) {
        struct size_sensitivity *at = &out[which];
        *at = (struct size_sensitivity){ .what = names[which], .low = 0.7, .high = 1.3 };
        at->objective_low = best_under(question, answer, which, at->low, &at->best_low);
        at->objective_high = best_under(question, answer, which, at->high, &at->best_high);
    }
}

void size_answer_free(struct size_answer *answer)
{
    for (int level = 0; level < SIZE_LEVELS; level++) {
        for (uint32_t i = 0; answer->value[level] != NULL && i < answer->space->count; i++)
            free(answer->value[level][i]);
        free(answer->value[level]);
    }
    free(answer->front);
    *answer = (struct size_answer){ 0 };
}
