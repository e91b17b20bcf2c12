/* models/timing_rates.h - what a roofline divides by: one GPU's peaks as attained. Private to
 * models/. */
#ifndef REPRISE_MODELS_TIMING_RATES_H
#define REPRISE_MODELS_TIMING_RATES_H

#include "models/models.h"

#define TIMING_ACTIVATION_BYTES 2.0 /* bf16 and fp16, whatever the weights are */

/* Per ns. */
struct timing_rates {
    double gemm_flop, attention_flop, bytes;
};

static inline struct timing_rates timing_rates_of(const struct hardware *hardware)
{
    return (struct timing_rates){
        .gemm_flop = hardware->flop_per_s * hardware->gemm_efficiency / 1e9,
        .attention_flop = hardware->flop_per_s * hardware->attention_efficiency / 1e9,
        .bytes = hardware->hbm_bytes_per_s * hardware->hbm_efficiency / 1e9,
    };
}

#endif
