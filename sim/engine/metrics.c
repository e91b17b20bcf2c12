/* sim/engine/metrics.c - the table of metrics, expanded. */
#include "sim/engine/metrics.h"

#define METRIC_ROW(name, unit, title, meaning) { #name, unit, title, meaning },
const struct metric_row metric_rows[METRIC_COUNT] = { METRICS(METRIC_ROW) };

double metric_value(const struct metrics *metrics, int i)
{
#define METRIC_OFFSET(name, unit, title, meaning) offsetof(struct metrics, name),
    static const size_t offsets[METRIC_COUNT] = { METRICS(METRIC_OFFSET) };
    return metric_at(metrics, offsets[i]);
}

double metric_at(const struct metrics *metrics, size_t offset)
{
    return *(const double *)(const void *)((const char *)metrics + offset);
}
