/* base/histogram.c - see histogram.h. Values below 2 * 512 have a bucket each; above, an octave's
 * 512 buckets are as wide as the octave's lowest value over 512. */
#include "base/histogram.h"

#include "base/memory.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OCTAVE_BITS 9
#define OCTAVE_BUCKETS (UINT32_C(1) << OCTAVE_BITS)
/* The octaves of shift 0 (which also holds what is below 512) to 54. */
#define BUCKETS ((64 - OCTAVE_BITS + 1) * OCTAVE_BUCKETS)

/* How many of value's lowest bits its bucket leaves out. */
static uint32_t shift_of(uint64_t value)
{
    if (value < OCTAVE_BUCKETS)
        return 0;
    uint32_t highest_bit = 63 - (uint32_t)__builtin_clzll(value);
    return highest_bit - OCTAVE_BITS;
}

static uint32_t bucket_of(uint64_t value)
{
    uint32_t shift = shift_of(value);
    return shift * OCTAVE_BUCKETS + (uint32_t)(value >> shift);
}

/* The highest value of the bucket that value is in. */
static uint64_t bucket_end(uint64_t value)
{
    return value | ((UINT64_C(1) << shift_of(value)) - 1);
}

/* The inverse of bucket_of, up to the bits within the bucket. */
static uint64_t bucket_value(uint32_t bucket)
{
    uint32_t shift = bucket < 2 * OCTAVE_BUCKETS ? 0 : bucket / OCTAVE_BUCKETS - 1;
    return (uint64_t)(bucket - shift * OCTAVE_BUCKETS) << shift;
}

void histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
    histogram->bucket = memory_new(BUCKETS, sizeof *histogram->bucket);
}

void histogram_free(struct histogram *histogram)
{
    free(histogram->bucket);
    histogram->bucket = NULL;
}

void histogram_reset(struct histogram *histogram)
{
    uint64_t *bucket = histogram->bucket;
    if (histogram->count > 0) { /* what was never counted was never touched, and stays so */
        uint32_t first = bucket_of(histogram->min), last = bucket_of(histogram->max);
        memset(&bucket[first], 0, (last - first + 1) * sizeof *bucket);
    }
    *histogram = (struct histogram){ .bucket = bucket };
}

static void count_values(struct histogram *histogram, uint64_t low, uint64_t high, uint64_t times)
{
    if (histogram->count == 0 || low < histogram->min)
        histogram->min = low;
    if (high > histogram->max)
        histogram->max = high;
    histogram->bucket[bucket_of(low)] += times;
    histogram->count += times;
}

void histogram_add(struct histogram *histogram, uint64_t value, uint64_t times)
{
    if (times == 0)
        return;
    count_values(histogram, value, value, times);
    sum_add(&histogram->sum, (double)value * (double)times);
}

struct ramp {
    double first, step;
    uint64_t count;
};

static uint64_t ramp_value(const struct ramp *ramp, uint64_t k)
{
    double value = ramp->first + ramp->step * (double)k;
    if (!(value < 0x1p63))
        return value < 0x1p64 ? (uint64_t)value : UINT64_MAX; /* whole already */
    uint64_t whole = (uint64_t)value;
    return whole + (value - (double)whole >= 0.5); /* as round(), which is a call */
}

/* How many k have a value <= limit, given that the first `known` have. The division may be off by
 * its rounding; ramp_value() decides, so that the buckets are those of adding one by one. */
static uint64_t ramp_up_to(const struct ramp *ramp, uint64_t limit, uint64_t known)
{
    double guess = ((double)limit + 0.5 - ramp->first) / ramp->step;
    uint64_t k = guess < (double)ramp->count ? (uint64_t)guess : ramp->count;
    if (k < known)
        k = known;
    while (k > known && ramp_value(ramp, k - 1) > limit)
        k--;
    while (k < ramp->count && ramp_value(ramp, k) <= limit)
        k++;
    return k;
}

void histogram_add_ramp(struct histogram *histogram, double first, double step, uint64_t count,
                        uint64_t times)
{
    assert(first >= 0 && step >= 0);
    if (count == 0 || times == 0)
        return;
    const struct ramp ramp = { first, step, count };
    for (uint64_t k = 0; k < count;) {
        uint64_t low = ramp_value(&ramp, k);
        uint64_t next = step > 0 ? ramp_up_to(&ramp, bucket_end(low), k + 1) : count;
        count_values(histogram, low, ramp_value(&ramp, next - 1), (next - k) * times);
        k = next;
    }
    double mean = first + step * 0.5 * (double)(count - 1);
    sum_add(&histogram->sum, mean * (double)count * (double)times);
}

void histogram_add_all(struct histogram *histogram, const struct histogram *other)
{
    if (other->count == 0)
        return;
    for (uint32_t i = bucket_of(other->min), last = bucket_of(other->max); i <= last; i++)
        histogram->bucket[i] += other->bucket[i];
    if (histogram->count == 0 || other->min < histogram->min)
        histogram->min = other->min;
    if (other->max > histogram->max)
        histogram->max = other->max;
    histogram->count += other->count;
    sum_add_sum(&histogram->sum, &other->sum);
}

/* The least whole number of values that is at least q of the count. */
static uint64_t rank_of(const struct histogram *histogram, double q)
{
    double rank = ceil(q * (double)histogram->count);
    if (rank < 1)
        return 1;
    return rank < (double)histogram->count ? (uint64_t)rank : histogram->count;
}

/* The first bucket from which on that rank is to be looked for one by one; *below: what lies before
 * it. Many at a time, as vectors: a curve is two hundred quantiles. */
static uint32_t skip_below(const struct histogram *histogram, uint64_t rank, uint64_t *below)
{
    enum { MANY = 16 };
    uint32_t at = bucket_of(histogram->min);
    for (; at + MANY <= BUCKETS; at += MANY) {
        uint64_t many = 0;
        for (uint32_t i = 0; i < MANY; i++)
            many += histogram->bucket[at + i];
        if (*below + many >= rank)
            break;
        *below += many;
    }
    return at;
}

uint64_t histogram_quantile(const struct histogram *histogram, double q)
{
    assert(q >= 0 && q <= 1);
    if (histogram->count == 0)
        return 0;
    if (q == 0)
        return histogram->min;
    uint64_t rank = rank_of(histogram, q), below = 0;
    uint32_t bucket = skip_below(histogram, rank, &below);
    while ((below += histogram->bucket[bucket]) < rank)
        bucket++;
    uint64_t value = bucket_end(bucket_value(bucket));
    return value < histogram->max ? value : histogram->max;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0 : sum_value(&histogram->sum) / (double)histogram->count;
}
