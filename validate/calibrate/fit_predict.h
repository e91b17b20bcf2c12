/* validate/calibrate/fit_predict.h - a measured row's time by the model. Private to its folder. */
#ifndef REPRISE_VALIDATE_CALIBRATE_FIT_PREDICT_H
#define REPRISE_VALIDATE_CALIBRATE_FIT_PREDICT_H

#include "models/operators.h"
#include "validate/calibrate/profile.h"

static inline double fit_predict_ns(const struct operators *operators, struct gpu_peak peak,
                                    const struct profile_row *row)
{
    if (row->op >= PROFILE_PRODUCTS)
        return operator_fused_ns(operators, peak, (enum stream_kind)(row->op - PROFILE_PRODUCTS),
                                 row->tokens, row->inputs, row->summed, row->outputs);
    struct product product = { .tokens = row->tokens,
                               .inputs = row->inputs,
                               .outputs = row->outputs,
                               .groups = 1,
                               .weight_bytes = 2,
                               .down = row->op == PROFILE_DOWN };
    return operator_product_ns(operators, peak, &product);
}

#endif
