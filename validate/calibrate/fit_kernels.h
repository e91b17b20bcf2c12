/* validate/calibrate/fit_kernels.h - fits products and experts of each number format to tables of
 * single kernels (kernel_tables.h), and says how well each predicts shapes that were left out. */
#ifndef REPRISE_VALIDATE_CALIBRATE_FIT_KERNELS_H
#define REPRISE_VALIDATE_CALIBRATE_FIT_KERNELS_H

#include "validate/calibrate/fit_operators.h"
#include "validate/calibrate/kernel_tables.h"

/* What the fit says of itself in the file. */
struct fit_origin {
    const char *source, *date; /* date: the library's, "" where it is not known */
};

/* Fits every format that the rows have and the GPU has units for (peak), in the order of
 * number_format.h. A format that *operators has a fit of keeps its facts (which tiles the library
 * has, how it takes them); another starts from bf16's tiles. Products narrower than 512 inputs or
 * outputs are not fitted: no model of today has them. A fifth of the shapes is left out in turn;
 * the errors of all five go into the record and the report (markdown). */
void fit_product_tables(const struct product_rows *rows, struct gpu_peak peak,
                        const struct fit_origin *origin, struct operators *operators, FILE *report);

/* The same of experts; a shape is a model's. */
void fit_expert_tables(const struct expert_rows *rows, struct gpu_peak peak,
                       const struct fit_origin *origin, struct operators *operators, FILE *report);

#endif
