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

/* Half the width of the 95 % confidence interval of what has that standard error, which itself is known
 * from degrees + 1 independent parts (Student's t). degrees > 0. */
double estimate_half_width(double standard_error, double degrees);

#endif
