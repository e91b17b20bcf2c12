/* sweep/estimate.c - see estimate.h. */
#include "sweep/estimate.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

#define ONE_TAIL 0.975

double estimate_half_width(double standard_error, double degrees)
{
    return gsl_cdf_tdist_Pinv(ONE_TAIL, degrees) * standard_error;
}

struct estimate estimate_of(const double *values, uint32_t count)
{
    struct estimate estimate = { .half_width = NAN };
    double mean = 0.0, squares = 0.0; /* Welford's: no cancellation */
    for (uint32_t i = 0; i < count; i++) {
        if (isnan(values[i]))
            continue;
        double from_mean = values[i] - mean;
        estimate.count++;
        mean += from_mean / estimate.count;
        squares += from_mean * (values[i] - mean);
    }
    estimate.mean = estimate.count > 0 ? mean : NAN;
    if (estimate.count > 1) {
        double degrees = estimate.count - 1.0;
        estimate.half_width = estimate_half_width(sqrt(squares / degrees / estimate.count), degrees);
    }
    return estimate;
}
