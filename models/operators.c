/* models/operators.c - see operators.h. Evaluated when a timing is prepared, not while it is used:
 * clarity goes before speed. Only + - * / sqrt and exact_math's functions, so that a prediction is
 * the same on every machine. */
#include "models/operators.h"

#include "base/random.h"

#include <math.h>

#define ACTIVATION_BYTES 2.0
#define SPLIT_BYTES 4.0  /* partial sums are fp32 */
#define INPUTS_STEP 64.0 /* the k-loop's step */

/* cuBLAS's usual ones (CUTLASS, media/docs/efficient_gemm.md); the last two are Hopper's pairs. */
const struct tile tiles[TILES] = {
    { 64, 64, 1 },   { 64, 128, 1 },  { 128, 64, 1 },  { 128, 128, 1 }, { 64, 256, 1 },
    { 128, 256, 1 }, { 256, 128, 1 }, { 128, 128, 2 }, { 128, 256, 2 },
};

static const double splits[] = { 1, 2, 4 };
#define SPLITS (sizeof splits / sizeof *splits)

/* A maximum without a corner: what overlaps well, but not perfectly. */
static double smooth_max(double a, double b)
{
    double a2 = a * a, b2 = b * b;
    return sqrt(sqrt(a2 * a2 + b2 * b2));
}

/* Operands that stay in the L2 compute faster; large products draw more power and slow the clock.
 */
static double size_factor(const struct operators *operators, const struct product *product)
{
    const struct gemm_fit *fit = &operators->gemm;
    double operands = product->groups * product->inputs * (product->tokens + product->outputs) *
                      ACTIVATION_BYTES / (double)operators->l2_bytes;
    double slowed = exact_exp(-fit->size_slope * exact_log(1 + operands));
    return (1 + fit->cache_gain / (1 + operands)) * slowed *
           (product->down ? 1 + fit->down_gain : 1);
}

/* Groups have different numbers of tokens: on average the last tile of each is half full. */
static double row_tiles(const struct product *product, const struct tile *tile)
{
    double whole = product->tokens / (tile->rows * tile->together);
    if (product->groups <= 1)
        return ceil(whole) * tile->together;
    return fmax(1, whole + 0.5) * product->groups * tile->together;
}

static double waves(const struct operators *operators, double tile_count)
{
    double exact = tile_count / operators->multiprocessors, share = operators->gemm.quantisation;
    return share * ceil(exact) + (1 - share) * fmax(1, exact);
}

static double memory_ns(const struct operators *operators, struct gpu_peak peak,
                        const struct product *product)
{
    double weights = product->inputs * product->outputs * product->weight_bytes;
    double moved = product->tokens * (product->inputs + product->outputs) * ACTIVATION_BYTES;
    return product->groups * (weights + moved) / (peak.bytes * operators->gemm.hbm_efficiency);
}

static double split_ns(const struct operators *operators, struct gpu_peak peak,
                       const struct product *product, double split)
{
    if (split <= 1)
        return 0;
    double bytes = product->groups * product->tokens * product->outputs * SPLIT_BYTES * split;
    return operators->gemm.split_ns + operators->gemm.split_traffic * bytes / peak.bytes;
}

/* The fastest tile and split. */
static double fastest_ns(const struct operators *operators, struct gpu_peak peak,
                         const struct product *product, struct operator_parts *parts)
{
    const struct gemm_fit *fit = &operators->gemm;
    double per_multiprocessor =
        peak.flop / operators->multiprocessors * size_factor(operators, product);
    double moving_ns = memory_ns(operators, peak, product), best_ns = INFINITY;
    for (uint32_t i = 0; i < TILES; i++) {
        if (fit->efficiency[i] <= 0)
            continue;
        double count = row_tiles(product, &tiles[i]) * ceil(product->outputs / tiles[i].columns);
        double area = tiles[i].rows * tiles[i].columns;
        double rate = per_multiprocessor * fit->efficiency[i];
        for (uint32_t s = 0; s < SPLITS; s++) {
            double steps = ceil(product->inputs / splits[s] / INPUTS_STEP);
            double tile_ns =
                2 * area * steps * INPUTS_STEP / rate + fit->epilogue_ns * area / (128 * 128);
            double computing_ns = waves(operators, count * splits[s]) * tile_ns;
            double with_split_ns = moving_ns + split_ns(operators, peak, product, splits[s]);
            double whole_ns = smooth_max(computing_ns, with_split_ns);
            if (whole_ns < best_ns)
                *parts = (struct operator_parts){ computing_ns, with_split_ns, fit->fixed_ns };
            best_ns = fmin(best_ns, whole_ns);
        }
    }
    return best_ns;
}

double operator_product_ns(const struct operators *operators, struct gpu_peak peak,
                           const struct product *product)
{
    struct operator_parts parts;
    return operators->gemm.fixed_ns + fastest_ns(operators, peak, product, &parts);
}

struct operator_parts operator_product_parts(const struct operators *operators,
                                             struct gpu_peak peak, const struct product *product)
{
    struct operator_parts parts = { 0 };
    fastest_ns(operators, peak, product, &parts);
    return parts;
}

struct operator_parts operator_stream_parts(const struct operators *operators, struct gpu_peak peak,
                                            enum stream_kind kind, double tokens, double values,
                                            double width)
{
    const struct stream_fit *fit = &operators->stream[kind];
    double bytes = tokens * values * ACTIVATION_BYTES, part = bytes / (double)operators->l2_bytes;
    double gain = 1 + fit->cache_gain / (1 + part * part);
    return (struct operator_parts){ .moving_ns = bytes / (peak.bytes * fit->efficiency * gain),
                                    .starting_ns = fit->fixed_ns + fit->value_ns * width };
}

double operator_stream_ns(const struct operators *operators, struct gpu_peak peak,
                          enum stream_kind kind, double tokens, double values, double width)
{
    struct operator_parts parts =
        operator_stream_parts(operators, peak, kind, tokens, values, width);
    return sqrt(parts.starting_ns * parts.starting_ns + parts.moving_ns * parts.moving_ns);
}
