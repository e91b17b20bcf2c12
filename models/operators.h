/* models/operators.h - how long one operator of a transformer takes on one GPU, by its shape, with
 * coefficients fitted to measurements (models/timing/NAME.yaml; `reprise calibrate --from-profile`
 * fits them). Whole layers and iterations are timing.c's; attention, all-reduce and what a model
 * consists of are not here.
 *
 * The model is what a GPU does, not a table. A matrix product is cut into tiles, tiles are dealt to
 * the multiprocessors in waves, its weights pass through HBM meanwhile; of the tiles and splits
 * that the library has, the fastest is taken. Element-wise operators move bytes; a row takes time
 * by its width; what fits the L2 cache moves faster. docs/model.md has each equation. Ideas: tile
 * and wave quantisation, NVIDIA's "Matrix Multiplication Background User's Guide"; operators timed
 * by themselves and summed, Vidur (arXiv 2405.05465). */
#ifndef REPRISE_MODELS_OPERATORS_H
#define REPRISE_MODELS_OPERATORS_H

#include "models/experts.h"

#include <stdbool.h>
#include <stdint.h>

/* Element-wise operators, by how a kernel of that kind behaves. */
enum stream_kind {
    STREAM_NORM,
    STREAM_ROPE,
    STREAM_ACTIVATION,
    STREAM_SUM,
    STREAM_EMBEDDING,
    STREAM_KINDS
};

/* A thread block's part of a product: rows (tokens) by columns (outputs); together: neighbouring
 * multiprocessors that take row tiles in groups (a Hopper cluster), so that rows are padded to the
 * group. */
struct tile {
    double rows, columns, together;
};
#define TILES 9
extern const struct tile tiles[TILES];

/* What the fit of a number format's products saw, and how well it predicts shapes (inputs x
 * outputs) that were left out of it: absolute errors relative to the measured time, to 256 tokens
 * and beyond. 0 where it is not known. */
struct gemm_record {
    uint32_t rows, tokens_most;
    uint64_t inputs_least, inputs_most, outputs_least, outputs_most;
    double few_median_error, few_p95_error, many_median_error, many_p95_error;
};

/* Products of one number format. efficiency[i]: the share of that format's peak that tiles[i]
 * attains while its waves are full; 0: the GPU's library has no such tile; all 0: this format was
 * not fitted. A library has a date: products of 2026 are up to 40 % faster than those of 2024. */
struct gemm_fit {
    char source[CONFIG_TEXT_BYTES];
    char date[CONFIG_TEXT_BYTES]; /* of the library that was measured, as far as it is known */
    double fixed_ns;              /* per kernel, whatever its size */
    double hbm_efficiency;        /* attained share of HBM bandwidth, weights and activations */
    double hbm_ramp;      /* slower by this share while the weights are few */
    double hbm_ramp_ns;   /* weights of so long at the full rate are half way up */
    double hbm_rows;      /* slower by this share while a tile has many rows: HBM_ROWS */
    /* One token by itself is a matrix-vector product, for which libraries have a kernel of its own:
     * reads weights faster by this share, and takes so much longer whatever their size. */
    double one_token_gain, one_token_ns;
    double l2_gain;       /* weights that the L2 holds already are read so much faster */
    double quantisation;  /* 0: a last wave costs its share; 1: as much as a full one */
    double epilogue_ns;   /* per wave of 128 x 128 tiles: start of the k-loop and writing out */
    double splits_most;   /* of the inputs over tiles: 1, 2 or 4 */
    double split_ns;      /* fixed cost of splitting the inputs over tiles */
    double split_traffic; /* HBM traffic of the parts' sums, in times their bytes */
    double down_gain;     /* how much faster the down projection computes: after an activation
                             most inputs are near 0, which draws less power */
    double cache_gain;    /* computing is faster by this share while operands fit the L2 */
    double size_slope;    /* and slower by this power of operands over L2: power, misses */
    /* Tokens up to which the library takes its tile of 64 x 64, and then those of 64 rows, whether
     * or not they are the fastest (vLLM's CUTLASS kernels); 0: it takes what is fastest. */
    double small_tokens, medium_tokens;
    double efficiency[TILES];
    /* Quantising the inputs, where a kernel by itself does it: its start, a row, and the share of
     * HBM bandwidth that its bytes attain. */
    double quantise_ns, quantise_row_ns, quantise_efficiency;
    /* The CPU's, where no CUDA graph hides it: no product is shorter then. Below
     * GEMM_FEW_LAUNCHED tokens vLLM takes another kernel for fp8_block, with a launch of its own. */
    double launch_ns, launch_few_ns;
    struct gemm_record record;
};
#define GEMM_FEW_LAUNCHED 32
extern const struct config_row gemm_rows[]; /* keys of one gemm_fit, below "gemm." or "fp8." */

struct stream_fit {
    double fixed_ns;   /* per kernel */
    double value_ns;   /* per value of a row: one row is one block's work, whatever the tokens */
    double efficiency; /* attained share of HBM bandwidth */
    double cache_gain; /* faster by this share while the bytes fit the L2 */
};

/* What the fit saw and how well it did; 0 where it is not known. Errors are absolute, relative to
 * the measured time, of whole layers: of the rows fitted, and of models left out of the fit; where
 * there is one model, of token counts left out. */
struct fit_record {
    uint32_t rows, models, tokens_most, ranks_most;
    uint64_t inputs_least, inputs_most, outputs_least, outputs_most; /* of a rank's products */
    double median_error, p95_error;
    double held_out_median_error, held_out_p95_error;
};

struct operators {
    char name[CONFIG_TEXT_BYTES];
    char source[CONFIG_TEXT_BYTES];
    uint32_t multiprocessors;
    uint64_t l2_bytes;
    struct gemm_fit gemm[NUMBER_FORMATS];
    struct experts_fit experts[NUMBER_FORMATS];
    struct stream_fit stream[STREAM_KINDS];
    struct fit_record record;
};

/* The schema of models/timing/NAME.yaml: what every file says, then a section for each number
 * format that may be fitted, of products and of experts. Ended by rows == NULL. */
extern const struct config_section operators_sections[];

/* Copies the sections that a file of these operators says: formats that were not fitted are left
 * out. `sections` has room for as many as operators_sections. */
void operators_written(const struct operators *operators, struct config_section *sections);
#define OPERATORS_SECTIONS_MAX 16

/* Reads models/timing/NAME.yaml, or a path. STATUS_INPUT: as models_load()s, and operators_check().
 */
enum status operators_load(const char *name_or_path, struct operators *operators,
                           struct error *err);

/* STATUS_INPUT: a format whose library takes its tile by the tokens lacks one for some number. */
enum status operators_check(const struct operators *operators, const char *path, struct error *err);

static inline bool gemm_fitted(const struct gemm_fit *fit)
{
    double sum = 0;
    for (int i = 0; i < TILES; i++)
        sum += fit->efficiency[i];
    return sum > 0;
}

/* A product on one rank: tokens x inputs by inputs x outputs, `groups` such products in one kernel
 * (1; a mixture's touched experts), each of that many tokens on average. */
struct product {
    double tokens, inputs, outputs, groups;
    double weight_bytes;       /* of a weight */
    bool down;                 /* reads what an activation made */
    enum number_format format; /* that the weights are in */
    /* A kernel by itself quantises the inputs before (a compiler may write them quantised in the
     * norm or activation that makes them). Nothing for formats that leave inputs as they are. */
    bool quantised_apart;
    /* How a table was measured; nothing of it in serving. The share of the weights that the L2
     * holds since the kernel's last run; launched by the CPU, kernel by kernel. */
    double resident;
    bool launched_by_cpu;
};

/* The format whose fit and units serve a product of weights in `format`: itself; fp8_block's next
 * is fp8; then bf16, which reads the narrow weights and computes in bf16 (weight-only). */
enum number_format operators_computed_in(const struct operators *operators, struct gpu_peak peak,
                                         enum number_format format);

double operator_product_ns(const struct operators *operators, struct gpu_peak peak,
                           const struct product *product);

/* What a time is made of, each as long as it would take by itself: the longest binds. A product's
 * are those of the tile and split that were taken; of an element-wise operator, starting holds a
 * row's own work. */
struct operator_parts {
    double computing_ns, moving_ns, starting_ns;
};
struct operator_parts operator_product_parts(const struct operators *operators,
                                             struct gpu_peak peak, const struct product *product);
struct operator_parts operator_stream_parts(const struct operators *operators, struct gpu_peak peak,
                                            enum stream_kind kind, double tokens, double values,
                                            double width);

/* Time of an element-wise operator whose every token moves `values` values of 2 bytes in rows of
 * `width` values. */
double operator_stream_ns(const struct operators *operators, struct gpu_peak peak,
                          enum stream_kind kind, double tokens, double values, double width);

/* The same of a kernel that sums before: sum_values more, which move as a sum's do, in a kernel
 * that starts once and works on a row once. What fits the L2 is all that it moves. sum_values 0: it
 * does not sum. */
struct operator_parts operator_fused_parts(const struct operators *operators, struct gpu_peak peak,
                                           enum stream_kind kind, double tokens, double values,
                                           double sum_values, double width);
double operator_fused_ns(const struct operators *operators, struct gpu_peak peak,
                         enum stream_kind kind, double tokens, double values, double sum_values,
                         double width);

#endif
