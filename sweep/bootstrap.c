/* sweep/bootstrap.c - see bootstrap.h. */
#include "sweep/bootstrap.h"

#include "base/memory.h"
#include "base/random.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

static double mean_of(const double *series, uint32_t count)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < count; i++)
        sum += series[i];
    return sum / count;
}

/* Of values `lag` cells apart, over count, as the source has it. */
static double covariance(const double *series, uint32_t count, double mean, uint32_t lag)
{
    double sum = 0.0;
    for (uint32_t i = 0; i + lag < count; i++)
        sum += (series[i] - mean) * (series[i + lag] - mean);
    return sum / count;
}

uint32_t bootstrap_memory_cells(const double *series, uint32_t count, uint32_t most)
{
    double mean = mean_of(series, count), decades = log10((double)count);
    double chance = 2.0 * sqrt(decades / count) * covariance(series, count, mean, 0);
    uint32_t quiet_enough = (uint32_t)fmax(5.0, ceil(sqrt(decades))), last = 1;
    /* A lag that counts begins the search anew behind it. */
    for (uint32_t lag = 2; lag < count && last < most && lag <= last + quiet_enough; lag++)
        if (fabs(covariance(series, count, mean, lag)) > chance)
            last = lag;
    return last;
}

/* ---- resampling ---- */

void bootstrap_resample(const struct bootstrap *bootstrap, struct random *random, uint32_t *times)
{
    uint32_t cells = bootstrap->cells;
    memset(times, 0, cells * sizeof *times);
    for (uint32_t drawn = 0; drawn < cells;) {
        uint32_t cell = (uint32_t)random_below(random, cells);
        /* The last block is cut, so that each resample is as long as the series. */
        for (uint32_t i = 0; i < bootstrap->block_cells && drawn < cells; i++, drawn++) {
            times[cell]++;
            cell = cell + 1 < cells ? cell + 1 : 0;
        }
    }
}

double bootstrap_deviation(const struct bootstrap *bootstrap,
                           double (*statistic)(const void *context, const uint32_t *times),
                           const void *context)
{
    struct random random = random_from(bootstrap->seed, 0);
    uint32_t *times = memory_new(bootstrap->cells, sizeof *times), count = 0;
    double mean = 0.0, squares = 0.0; /* Welford's: no cancellation */
    for (uint32_t i = 0; i < bootstrap->resamples; i++) {
        bootstrap_resample(bootstrap, &random, times);
        double value = statistic(context, times);
        if (isnan(value))
            continue;
        double from_mean = value - mean;
        count++;
        mean += from_mean / count;
        squares += from_mean * (value - mean);
    }
    free(times);
    return count > 1 ? sqrt(squares / (count - 1.0)) : NAN;
}
