/* sweep/estimate.h - what replications of a point say: the mean and how sure it is. */
#ifndef REPRISE_SWEEP_ESTIMATE_H
#define REPRISE_SWEEP_ESTIMATE_H

#include <stdint.h>

struct estimate {
    uint32_t count;
    double mean;
    double half_width; /* of the 95 % confidence interval of the mean (Student's t); NaN for one */
};

/* Values that are NaN (not measured) are left out; none at all gives a NaN mean. */
struct estimate estimate_of(const double *values, uint32_t count);

#endif
