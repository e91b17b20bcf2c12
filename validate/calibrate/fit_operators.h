/* validate/calibrate/fit_operators.h - fits models/operators.h's coefficients to measured
 * operators, and says how well they predict operators, layers, and models that were left out of the
 * fit. */
#ifndef REPRISE_VALIDATE_CALIBRATE_FIT_OPERATORS_H
#define REPRISE_VALIDATE_CALIBRATE_FIT_OPERATORS_H

#include "models/operators.h"
#include "validate/calibrate/profile.h"

#include <stdint.h>
#include <stdio.h>

#define FIT_NO_MODEL UINT32_MAX

#define FIT_THIRDS 3

/* Which rows are fitted: every stride-th token count, and not those of model `without`. Of a single
 * model: third 1 to FIT_THIRDS: not every third token count, from that one on; product: 1 + enum
 * profile_operator of one that is left out. 0: none is. */
struct fit_choice {
    uint32_t stride, without, third, product;
};

/* A coefficient with its 95 % interval, as fitted (positive ones on a logarithmic scale). */
struct fit_interval {
    const char *key; /* as in operators_rows */
    double value, low, high;
};
#define FIT_INTERVALS_MAX 48
struct fit_intervals {
    struct fit_interval interval[FIT_INTERVALS_MAX];
    uint32_t count;
};

/* Fits *operators in place. Its facts (multiprocessors, L2, which tiles there are) are kept; its
 * coefficients are where the fit starts. intervals may be NULL. */
void fit_operators(const struct profile *profile, struct gpu_peak peak, struct fit_choice choice,
                   struct operators *operators, struct fit_intervals *intervals);

/* Absolute relative errors, and the signed median. */
struct fit_errors {
    double median, p95, bias;
    uint32_t count;
};

/* Of count errors, predicted / measured - 1; sorts them in place. */
struct fit_errors fit_errors_of(double *error, uint32_t count);

/* Predicts every row of `model` (FIT_NO_MODEL: of all). ranks 0: of any number. */
struct fit_errors fit_operator_errors(const struct profile *profile, struct gpu_peak peak,
                                      const struct operators *operators, uint32_t model,
                                      enum profile_operator op);
struct fit_errors fit_layer_errors(const struct profile *profile, struct gpu_peak peak,
                                   const struct operators *operators, uint32_t model,
                                   uint32_t ranks);

/* Times of a layer that are measured of a row: a norm that sums first is two of the operators. */
static inline uint32_t fit_operators_of(const struct profile_row *row)
{
    return row->times * (row->summed > 0 ? 2 : 1);
}

/* Leaves each model out in turn: held_out[m] is the fit that has not seen model m. With fewer than
 * two models nothing can be held out, and 0 is returned; else 1. Fills operators->record from the
 * profile, the fit and, if held out, from all predictions of unseen models together. */
int fit_hold_out(const struct profile *profile, struct gpu_peak peak, uint32_t stride,
                 struct operators *operators, struct operators held_out[PROFILE_MODELS_MAX]);

/* The same of a profile of one model: held_out[t] is the fit that has not seen every third token
 * count from the t-th on. Fills operators->record with the errors of whole layers at token counts
 * that were left out, and bf16's products' with those of each product predicted by a fit to the
 * other three. Prints both by tokens. */
void fit_hold_out_tokens(const struct profile *profile, struct gpu_peak peak, uint32_t stride,
                         struct operators *operators, FILE *report);

/* Markdown: coefficients with their intervals, errors by operator and by layer. held_out NULL: no
 * table of unseen models. */
void fit_print_report(FILE *out, const struct profile *profile, struct gpu_peak peak,
                      const struct operators *operators, const struct fit_intervals *intervals,
                      const struct operators *held_out);

#endif
