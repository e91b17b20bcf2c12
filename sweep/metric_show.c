/* sweep/metric_show.c - see metric_show.h. */
#include "sweep/metric_show.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* How many first characters two names share. */
static size_t common(const char *a, const char *b)
{
    size_t length = 0;
    while (a[length] != '\0' && a[length] == b[length])
        length++;
    return length;
}

enum status metric_find(const char *option, const char *name, int *metric, struct error *err)
{
    int nearest = 0;
    for (int i = 0; i < METRIC_COUNT; i++) {
        if (strcmp(metric_rows[i].name, name) == 0) {
            *metric = i;
            return STATUS_OK;
        }
        if (common(metric_rows[i].name, name) > common(metric_rows[nearest].name, name))
            nearest = i;
    }
    char expected[160];
    snprintf(expected, sizeof expected, "a metric of docs/metrics.md, such as %s",
             metric_rows[nearest].name);
    return error_input(err, NULL, 0, option, expected, name);
}

int metric_named(const char *name)
{
    int metric = 0;
    while (strcmp(metric_rows[metric].name, name) != 0)
        metric++;
    return metric;
}

bool metric_is_share(int metric)
{
    const char *name = metric_rows[metric].name;
    return strncmp(name, "hit_rate", 8) == 0 || strcmp(name, "gpu_utilisation") == 0 ||
           strcmp(name, "slo_attainment") == 0;
}

bool metric_is_untold(int metric, double value)
{
    const char *name = metric_rows[metric].name;
    return value == 0.0 && (strncmp(name, "rented_", 7) == 0 || strncmp(name, "owned_", 6) == 0 ||
                            strcmp(name, "ssd_years") == 0);
}

char *metric_show(int metric, double value, char *out, size_t out_bytes)
{
    const struct metric_row *row = &metric_rows[metric];
    if (isnan(value) || metric_is_untold(metric, value))
        snprintf(out, out_bytes, "-");
    else if (strcmp(row->unit, "ns") == 0)
        units_format(value, UNIT_DURATION, out, out_bytes);
    else if (strcmp(row->unit, "bytes") == 0)
        units_format(value, UNIT_BYTES, out, out_bytes);
    else if (strcmp(row->unit, "usd") == 0)
        snprintf(out, out_bytes, "$%.*f", fabs(value) < 10.0 ? 3 : 2, value);
    else if (metric_is_share(metric))
        snprintf(out, out_bytes, "%.2f %%", 100.0 * value);
    else
        units_format(value, UNIT_PLAIN, out, out_bytes);
    return out;
}

const char *metric_billing(int metric)
{
    return strncmp(metric_rows[metric].name, "cost_", 5) == 0 ? " (busy)" : "";
}
