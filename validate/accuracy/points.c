/* validate/accuracy/points.c - groups, their errors, and the points that are furthest off. */
#include "validate/accuracy/points.h"

#include "base/memory.h"
#include "validate/calibrate/fit_operators.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *const accuracy_family_names[] = { ACCURACY_FAMILIES(CHOICE_WORD) };

bool points_is_key(const struct accuracy_key *one, const struct accuracy_key *other)
{
    return one->family == other->family && one->ranks == other->ranks && one->load == other->load &&
           strcmp(one->quantity, other->quantity) == 0 && strcmp(one->format, other->format) == 0 &&
           strcmp(one->engine, other->engine) == 0 && strcmp(one->model, other->model) == 0 &&
           strcmp(one->gpu, other->gpu) == 0;
}

uint32_t points_group(struct accuracy *accuracy, const struct accuracy_key *key)
{
    for (uint32_t i = accuracy->groups; i-- > 0;) /* a table's own groups are the last ones */
        if (points_is_key(&accuracy->group[i].key, key))
            return i;
    memory_grow(&accuracy->group, &accuracy->group_capacity, accuracy->groups + 1,
                sizeof *accuracy->group);
    accuracy->group[accuracy->groups] =
        (struct accuracy_group){ .key = *key, .held_out_median = NAN, .held_out_p95 = NAN };
    return accuracy->groups++;
}

static double off(double measured, double predicted)
{
    return fabs(predicted / measured - 1.0);
}

/* Keeps the list sorted; NULL: not among them. */
static struct accuracy_point *place(struct accuracy_worst *worst, double measured, double predicted)
{
    uint32_t at = worst->count;
    while (at > 0 && off(worst->point[at - 1].measured, worst->point[at - 1].predicted) <
                         off(measured, predicted))
        at--;
    if (at == ACCURACY_WORST)
        return NULL;
    uint32_t moved = (worst->count < ACCURACY_WORST ? worst->count : ACCURACY_WORST - 1) - at;
    memmove(&worst->point[at + 1], &worst->point[at], moved * sizeof worst->point[0]);
    worst->count += worst->count < ACCURACY_WORST;
    return &worst->point[at];
}

struct accuracy_point *points_add(struct accuracy *accuracy, uint32_t index, double measured,
                                  double predicted)
{
    struct accuracy_group *group = &accuracy->group[index];
    memory_grow(&group->measured, &group->capacity, group->count + 1, sizeof *group->measured);
    memory_grow(&group->predicted, &group->other_capacity, group->count + 1,
                sizeof *group->predicted);
    group->measured[group->count] = measured;
    group->predicted[group->count++] = predicted;
    struct accuracy_point *point = place(&accuracy->worst[group->key.family], measured, predicted);
    if (point != NULL)
        *point =
            (struct accuracy_point){ .group = index, .measured = measured, .predicted = predicted };
    return point;
}

void points_note(struct accuracy *accuracy, const char *format, ...)
{
    char text[512];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    memory_grow(&accuracy->note, &accuracy->note_capacity, accuracy->notes + 1,
                sizeof *accuracy->note);
    accuracy->note[accuracy->notes++] = memory_text(text);
}

void accuracy_free(struct accuracy *accuracy)
{
    for (uint32_t i = 0; i < accuracy->groups; i++) {
        free(accuracy->group[i].measured);
        free(accuracy->group[i].predicted);
    }
    for (uint32_t i = 0; i < accuracy->notes; i++)
        free(accuracy->note[i]);
    free(accuracy->group);
    free(accuracy->run);
    free(accuracy->note);
    *accuracy = (struct accuracy){ 0 };
}

/* ---- errors ---- */

struct accuracy_errors points_errors(double *error, uint32_t count)
{
    struct fit_errors errors = fit_errors_of(error, count);
    return (struct accuracy_errors){
        .median = errors.median, .p95 = errors.p95, .bias = errors.bias, .count = errors.count
    };
}

static bool is_that(const struct accuracy_group *group, const void *context)
{
    return group == context;
}

struct accuracy_errors accuracy_group_errors(const struct accuracy_group *group)
{
    struct accuracy one = { .groups = 1, .group = (struct accuracy_group *)group };
    return accuracy_errors(&one, is_that, group);
}

struct accuracy_errors accuracy_errors(const struct accuracy *accuracy,
                                       bool (*belongs)(const struct accuracy_group *group,
                                                       const void *context),
                                       const void *context)
{
    uint32_t count = 0, at = 0;
    for (uint32_t i = 0; i < accuracy->groups; i++)
        count += belongs(&accuracy->group[i], context) ? accuracy->group[i].count : 0;
    double *error = memory_new(count, sizeof *error);
    for (uint32_t i = 0; i < accuracy->groups; i++) {
        const struct accuracy_group *group = &accuracy->group[i];
        for (uint32_t k = 0; belongs(group, context) && k < group->count; k++)
            error[at++] = group->predicted[k] / group->measured[k] - 1.0;
    }
    struct accuracy_errors errors = points_errors(error, count);
    free(error);
    return errors;
}
