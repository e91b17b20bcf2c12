/* validate/store/metric_values.c - see metric_values.h. */
#include "validate/store/metric_values.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#define MEMBER_OFFSET(name, unit, title, meaning) offsetof(struct metrics, name),
static const size_t member_offset[METRIC_COUNT] = { METRICS(MEMBER_OFFSET) };

static double *member(struct metrics *metrics, int i)
{
    return (double *)(void *)((char *)metrics + member_offset[i]);
}

void metrics_set_unknown(struct metrics *metrics)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        *member(metrics, i) = NAN;
}

void metrics_set(struct metrics *metrics, const char *name, double value)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (strcmp(metric_rows[i].name, name) == 0) {
            *member(metrics, i) = value;
            return;
        }
}
