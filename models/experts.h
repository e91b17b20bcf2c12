/* models/experts.h - how long the routed experts of a layer take: the pair of grouped products
 * (gate and up, down) with all that a fused kernel does around them - sorting tokens by expert,
 * gathering rows, activation, the weighted sum -, by tokens per expert. Coefficients are fitted to
 * tables of whole calls (`reprise calibrate --from-profile`, aiconfigurator's moe tables: vLLM's
 * Triton, Marlin and CUTLASS kernels in CUDA graphs); the router's own product is not in them. */
#ifndef REPRISE_MODELS_EXPERTS_H
#define REPRISE_MODELS_EXPERTS_H

#include "base/config_tree.h"
#include "models/number_format.h"

#include <stdint.h>

/* Rows of a tile: an expert's tokens are padded to a multiple, and the kernel is launched with the
 * rows that suit the tokens per expert. */
#define EXPERT_TILES 3
extern const double expert_tile_rows[EXPERT_TILES]; /* 16, 64, 128 */

/* One number format's. Where the efficiencies are 0 nothing was fitted. */
struct experts_fit {
    char source[CONFIG_TEXT_BYTES];
    double fixed_ns;                 /* per call: routing, sorting, five kernels' starts */
    double expert_ns;                /* and per touched expert */
    double pair_ns;                  /* per token and expert that it chose */
    double hbm_efficiency;           /* attained share of HBM bandwidth, weights */
    double stream_efficiency;        /* the same, rows gathered and written between the products */
    double efficiency[EXPERT_TILES]; /* attained share of the format's peak */
    uint32_t rows, shapes;           /* fitted; errors are of shapes left out of the fit */
    double few_median_error, few_p95_error;   /* to 256 tokens */
    double many_median_error, many_p95_error; /* and beyond */
};
extern const struct config_row experts_rows[]; /* keys of one experts_fit, below "experts.fp8." */

/* One layer's routed experts on one rank. */
struct experts_call {
    double tokens;        /* of the batch that at least one expert here is asked for */
    double pairs;         /* of a token and an expert here: tokens x experts a token chooses */
    double touched;       /* experts here that have a token, 1 <= touched <= pairs */
    double hidden, inter; /* inter: an expert's width on this rank */
    double weight_bytes;  /* of a weight */
    bool gated;           /* gate and up, else up alone */
    bool even;            /* every touched expert has as many tokens; else they differ, and on
                             average the last tile of each is half full */
    enum number_format format;
};

static inline bool experts_fitted(const struct experts_fit *fit)
{
    return fit->efficiency[0] > 0;
}

/* What the time is made of, each by itself; the whole is their smooth maximum (per product) plus
 * starting. multiprocessors: of the GPU. fit must be fitted, and the GPU have units for the format
 * (or the format be weight-only). */
struct expert_parts {
    double computing_ns, moving_ns, starting_ns, whole_ns;
};
struct expert_parts experts_parts(const struct experts_fit *fit, struct gpu_peak peak,
                                  uint32_t multiprocessors, const struct experts_call *call);

static inline double experts_ns(const struct experts_fit *fit, struct gpu_peak peak,
                                uint32_t multiprocessors, const struct experts_call *call)
{
    return experts_parts(fit, peak, multiprocessors, call).whole_ns;
}

#endif
