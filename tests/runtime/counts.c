/* tests/runtime/counts.c - see counts.h. */
#include "tests/runtime/counts.h"

#include <stdbool.h>
#include <string.h>

/* Metrics that depend on how long things take, which no two runs do alike; all others are counts.
 */
static bool is_of_time(const struct metric_row *row)
{
    static const char *const names[] = { "goodput_turns_per_s",
                                         "slo_attainment",
                                         "gpu_utilisation",
                                         "extrapolated_iterations",
                                         "extrapolated_time_share",
                                         "batch_mean",
                                         "queue_mean",
                                         "ssd_written_per_day_bytes",
                                         "ssd_dwpd",
                                         "ssd_years" };
    bool is = strncmp(row->name, "peak_", 5) == 0 || strcmp(row->unit, "ns") == 0 ||
              strcmp(row->unit, "usd") == 0 || strstr(row->unit, "/s") != NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        is |= strcmp(row->name, names[i]) == 0;
    return is;
}

const char *counts_different(const struct metrics *a, const struct metrics *b)
{
    for (int i = 0; i < METRIC_COUNT; i++)
        if (!is_of_time(&metric_rows[i]) && metric_value(a, i) != metric_value(b, i))
            return metric_rows[i].name;
    return NULL;
}
