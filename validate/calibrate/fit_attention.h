/* validate/calibrate/fit_attention.h - fits models/attention.h's coefficients to measured launches,
 * and says how well they predict heads and lengths that the fit had not seen. */
#ifndef REPRISE_VALIDATE_CALIBRATE_FIT_ATTENTION_H
#define REPRISE_VALIDATE_CALIBRATE_FIT_ATTENTION_H

#include "models/attention.h"
#include "validate/calibrate/calibrate_from_profile.h"
#include "validate/calibrate/profile_attention.h"

/* What a fit does not see: a part of the heads (with their widths), a part of the lengths (with
 * their batches), or all launches behind a cached prefix. */
enum attention_hidden { HIDE_NOTHING, HIDE_HEADS, HIDE_LENGTHS, HIDE_CACHED };
#define ATTENTION_FOLDS 3

struct attention_choice {
    uint32_t rows_most; /* of a part: more are thinned out, evenly */
    enum attention_hidden hidden;
    uint32_t fold; /* < ATTENTION_FOLDS */
};

/* Whether the choice hides the launch. */
bool attention_is_hidden(const struct attention_launch *launch, struct attention_choice choice);

/* Fits *fit in place. Its facts (multiprocessors, L2, kernels, tiles) are kept; every coefficient
 * that the launches say something of starts from attention_rows' default. */
void fit_attention(const struct attention_profile *profile, struct gpu_peak peak,
                   struct attention_choice choice, struct attention_fit *fit);

/* A launch's time by the fit. */
double attention_predict_ns(const struct attention_fit *fit, struct gpu_peak peak,
                            const struct attention_launch *launch);

/* `reprise calibrate --from-profile` of tables of attention: fits, hides each part of heads and of
 * lengths in turn, prints the report (markdown) and writes calibration->out, whole or not at all.
 * calibration->stride is not asked. STATUS_INPUT: the hardware has no gpu.attention, or what
 * attention_profile_read() refuses. */
enum status calibrate_attention(const struct profile_calibration *calibration, FILE *report,
                                struct error *err);

#endif
