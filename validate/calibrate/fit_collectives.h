/* validate/calibrate/fit_collectives.h - the coefficients of models/collectives.h from measured
 * all-reduces, and how far predictions are from measurements. */
#ifndef REPRISE_VALIDATE_CALIBRATE_FIT_COLLECTIVES_H
#define REPRISE_VALIDATE_CALIBRATE_FIT_COLLECTIVES_H

#include "models/collectives.h"
#include "validate/calibrate/profile_collectives.h"

#include <stdbool.h>
#include <stdio.h>

/* Sizes left out in turn: with the FOLDS-th part of them each. */
#define COLLECTIVE_FOLDS 3
#define COLLECTIVE_FOLD_NONE (-1)

/* Fits every curve but for its most_bytes, which say what goes where and are the engine's: those of
 * *fit stay. Where few sizes or none went a way, its curve stays near what the custom kernels' one
 * shot says of latency and links. fold: leaves out the sizes of that fold (0 to COLLECTIVE_FOLDS -
 * 1); COLLECTIVE_FOLD_NONE: fits all, and fills in record but for what was held out. */
void fit_collectives(const struct collective_profile *profile, int fold,
                     struct collective_fit *fit);

/* fit_collectives() on all rows, then on each fold for the record's held-out errors, which
 * held_out[fold] gives back as fits; rows of PyTorch's table are never fitted. */
void fit_collectives_whole(const struct collective_profile *profile, struct collective_fit *fit,
                           struct collective_fit held_out[COLLECTIVE_FOLDS]);

/* Which fold the row's size is in: sizes of all rows, sorted, in turn. */
int fit_collective_fold(const struct collective_profile *profile, double bytes);

/* What the fit says of a row, as its table measures. */
double fit_collective_predict_ns(const struct collective_fit *fit,
                                 const struct collective_row *row);

struct collective_errors {
    double median, p95; /* absolute */
    double bias;        /* median of the signed ones */
    uint32_t count;
};
/* Of the table's rows with that many ranks (0: any), of no less than bytes_least. With held_out
 * each row is predicted by the fit that did not see its size. */
struct collective_errors fit_collective_errors(const struct collective_profile *profile,
                                               const struct collective_fit *fit,
                                               const struct collective_fit *held_out,
                                               enum collective_table table, uint32_t ranks,
                                               double bytes_least);

/* Markdown: coefficients, errors, the rows that are furthest off. */
void fit_collectives_print(FILE *out, const struct collective_profile *profile,
                           const struct collective_fit *fit,
                           const struct collective_fit held_out[COLLECTIVE_FOLDS]);

#endif
