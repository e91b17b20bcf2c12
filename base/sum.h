/* base/sum.h - a sum of many doubles that loses nothing on the way: what each addition rounds off is
 * kept beside it (Neumaier, 1974). Of whole numbers it is exact to 2^105, where a double alone
 * leaves out the ones from 2^53 on: what a long run adds up is as accurate at its end as at its
 * beginning. Zeroed memory is 0. */
#ifndef REPRISE_BASE_SUM_H
#define REPRISE_BASE_SUM_H

#include <math.h>

struct sum {
    double high, low; /* private; low: what high has left out */
};

/* high and value are finite. */
static inline void sum_add(struct sum *sum, double value)
{
    double high = sum->high + value;
    sum->low += fabs(sum->high) >= fabs(value) ? (sum->high - high) + value
                                               : (value - high) + sum->high;
    sum->high = high;
}

/* What another has summed: of whole numbers as exact as adding them one by one. */
static inline void sum_add_sum(struct sum *sum, const struct sum *other)
{
    sum_add(sum, other->high);
    sum_add(sum, other->low);
}

static inline double sum_value(const struct sum *sum)
{
    return sum->high + sum->low;
}

#endif
