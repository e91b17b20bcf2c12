/* sweep/bootstrap.h - how sure a statistic of one series over time is whose neighbours are alike, as turns
 * in one queue are: the circular block bootstrap (Politis and Romano, 1992). The time is cut into cells. A
 * resample is as many cells, drawn as blocks of consecutive ones that begin anywhere, so that what
 * neighbours have in common stays in it; behind the last cell comes the first. */
#ifndef REPRISE_SWEEP_BOOTSTRAP_H
#define REPRISE_SWEEP_BOOTSTRAP_H

#include <stdint.h>

struct bootstrap {
    uint32_t cells, block_cells, resamples; /* each >= 1; block_cells <= cells */
    uint64_t seed;                          /* the same seed, the same resamples */
};

/* How many cells long the memory of `series` (a value a cell) is: the last lag behind which five or more
 * autocorrelations in a row are no more than chance makes, by Politis and White's rule (Econometric Reviews
 * 23, 2004, section 3.2). 1 for a series without memory or of one value; `most` or more where it is at
 * least that long. */
uint32_t bootstrap_memory_cells(const double *series, uint32_t count, uint32_t most);

/* One resample: times[c], for each cell, how often it is in it; their sum is cells. */
struct random;
void bootstrap_resample(const struct bootstrap *bootstrap, struct random *random, uint32_t *times);

/* The standard deviation of statistic(context, times) over the resamples; where it gives NaN, that
 * resample is left out. NaN where fewer than two are left. */
double bootstrap_deviation(const struct bootstrap *bootstrap,
                           double (*statistic)(const void *context, const uint32_t *times),
                           const void *context);

#endif
