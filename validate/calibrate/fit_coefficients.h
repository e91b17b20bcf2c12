/* validate/calibrate/fit_coefficients.h - a fit of named coefficients of a struct, each positive, a
 * share or any number, to measured times. Private to its folder. */
#ifndef REPRISE_VALIDATE_CALIBRATE_FIT_COEFFICIENTS_H
#define REPRISE_VALIDATE_CALIBRATE_FIT_COEFFICIENTS_H

#include "models/operators.h"
#include "validate/calibrate/fit_operators.h"
#include "validate/calibrate/fit_robust.h"

#include <stddef.h>

/* How a coefficient is fitted: what is positive by its logarithm, a share by its log odds. */
enum form { FORM_POSITIVE, FORM_SHARE, FORM_ANY };

struct coefficient {
    const char *key;
    size_t offset; /* of a double in struct operators */
    enum form form;
    double prior; /* before any measurement: the datasheet, or what such a kernel usually takes */
    double spread;
};

struct fit_part {
    struct coefficient coefficient[FIT_PARAMETERS_MAX];
    size_t coefficients, rows;
    /* Writes log(predicted / measured) of each row by these operators. */
    void (*errors)(const void *context, const struct operators *operators, double *out);
    const void *context;
    /* Kept away from 0, a parameter is varied by a hundredth of its logarithm whatever it is: wide
     * enough to see past the kinks of tiles. False: by a thousandth of itself. */
    bool wide;
};

void fit_part(const struct fit_part *part, struct operators *operators,
              struct fit_intervals *intervals);

static inline double *fit_member(struct operators *operators, size_t offset)
{
    return (double *)(void *)((char *)operators + offset);
}

/* What a library's tile attains is not known beforehand: larger ones reuse more of what they
 * load. */
double fit_tile_prior(const struct tile *tile);

/* Keys of the tiles, as in a timing file without the format's prefix. */
extern const char *const fit_tile_keys[TILES];

#endif
