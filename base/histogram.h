/* base/histogram.h - a distribution of durations in constant memory, with a stated error.
 * Buckets are linear within each octave, 512 an octave: a quantile is within 0.2 % of the exact
 * one; count, sum, minimum and maximum are exact. Idea: HdrHistogram. */
#ifndef REPRISE_BASE_HISTOGRAM_H
#define REPRISE_BASE_HISTOGRAM_H

#include "base/sum.h"

#include <stdint.h>

/* How far a quantile may be from the exact one, in words. */
#define HISTOGRAM_ERROR "0.2 %"

struct histogram {
    uint64_t *bucket; /* owned */
    uint64_t count, min, max;
    struct sum sum;
};

void histogram_init(struct histogram *histogram);
void histogram_free(struct histogram *histogram);
void histogram_reset(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t value, uint64_t times);
/* Adds round(first + step * k) `times` times for each k = 0..count-1: the iteration times of a
 * batch whose context grows by one token each. Costs O(buckets touched), not O(count). step >= 0.
 */
void histogram_add_ramp(struct histogram *histogram, double first, double step, uint64_t count,
                        uint64_t times);
/* Adds all that the other holds. */
void histogram_add_all(struct histogram *histogram, const struct histogram *other);
/* The smallest recorded bucket value v such that at least q of the count is <= v; q in [0, 1].
 * 0 when empty. q = 0 gives min, q = 1 max, exactly. */
uint64_t histogram_quantile(const struct histogram *histogram, double q);
double histogram_mean(const struct histogram *histogram); /* 0 when empty */

#endif
