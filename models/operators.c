/* models/operators.c - see operators.h. Evaluated when a timing is prepared, not while it is used:
 * clarity goes before speed. Only + - * / sqrt and exact_math's functions, so that a prediction is
 * the same on every machine. */
#include "models/operators.h"

#include "base/random.h"

#include <math.h>

#define ACTIVATION_BYTES 2.0
#define SPLIT_BYTES 4.0  /* partial sums are fp32 */
#define INPUTS_STEP 64.0 /* the k-loop's step */
#define MMA_ROWS 16.0    /* of one instruction: a tile has a multiple of them */
/* Rows at which tiles are half way from few rows, which do nothing but read weights, to 64, whose
 * inputs pass through the L2 beside them: the tables' rates fall from 16 tokens to 17. */
#define HBM_ROWS 24.0

/* cuBLAS's usual ones (CUTLASS, media/docs/efficient_gemm.md); the last two are Hopper's pairs. */
const struct tile tiles[TILES] = {
    { 64, 64, 1 },   { 64, 128, 1 },  { 128, 64, 1 },  { 128, 128, 1 }, { 64, 256, 1 },
    { 128, 256, 1 }, { 256, 128, 1 }, { 128, 128, 2 }, { 128, 256, 2 },
};

static const double splits[] = { 1, 2, 4 };
#define SPLITS (sizeof splits / sizeof *splits)

/* What one product is computed from. */
struct call {
    const struct operators *operators;
    const struct gemm_fit *fit;
    const struct product *product;
    struct gpu_peak peak;
    double flop;        /* per ns, of the units that compute it */
    double input_bytes; /* of an input, as they read it */
};

/* A maximum without a corner: what overlaps well, but not perfectly. */
static double smooth_max(double a, double b)
{
    double a2 = a * a, b2 = b * b;
    return sqrt(sqrt(a2 * a2 + b2 * b2));
}

/* Operands that stay in the L2 compute faster; large products draw more power and slow the clock.
 */
static double size_factor(const struct call *call)
{
    const struct gemm_fit *fit = call->fit;
    const struct product *product = call->product;
    double operands = product->groups * product->inputs * (product->tokens + product->outputs) *
                      call->input_bytes / (double)call->operators->l2_bytes;
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

static double waves(const struct call *call, double tile_count)
{
    double exact = tile_count / call->operators->multiprocessors, share = call->fit->quantisation;
    return share * ceil(exact) + (1 - share) * fmax(1, exact);
}

static bool is_one_token(const struct product *product)
{
    return product->groups <= 1 && product->tokens <= 1;
}

static double memory_ns(const struct call *call)
{
    const struct product *product = call->product;
    const struct gemm_fit *fit = call->fit;
    double weights = product->inputs * product->outputs * product->weight_bytes;
    double resident = product->resident * (1 - 1 / (1 + fit->l2_gain));
    double moved = product->tokens *
                   (product->inputs * call->input_bytes + product->outputs * ACTIVATION_BYTES);
    double ramp =
        fit->hbm_ramp / (1 + product->groups * weights / (call->peak.bytes * fit->hbm_ramp_ns));
    double rows = ceil(product->tokens / MMA_ROWS) * MMA_ROWS / HBM_ROWS, rows4 = rows * rows;
    rows4 *= rows4;
    double slowed = (1 + ramp) * (1 + fit->hbm_rows * rows4 / (1 + rows4)) /
                    (1 + (is_one_token(product) ? fit->one_token_gain : 0));
    return product->groups * (weights * (1 - resident) + moved) * slowed /
           (call->peak.bytes * fit->hbm_efficiency);
}

static double split_ns(const struct call *call, double split)
{
    const struct product *product = call->product;
    if (split <= 1)
        return 0;
    double bytes = product->groups * product->tokens * product->outputs * SPLIT_BYTES * split;
    return call->fit->split_ns + call->fit->split_traffic * bytes / call->peak.bytes;
}

/* Whether the library may take this tile. */
static bool may_take(const struct call *call, uint32_t i)
{
    const struct gemm_fit *fit = call->fit;
    double tokens = call->product->tokens;
    if (fit->efficiency[i] <= 0)
        return false;
    if (fit->medium_tokens <= 0)
        return true;
    bool small = tiles[i].rows <= 64 && tiles[i].columns <= 64;
    bool medium = tiles[i].rows <= 64 && !small;
    if (tokens <= fit->small_tokens)
        return small;
    return tokens <= fit->medium_tokens ? medium : !small && !medium;
}

/* The fastest tile and split. */
static double fastest_ns(const struct call *call, struct operator_parts *parts)
{
    const struct gemm_fit *fit = call->fit;
    const struct product *product = call->product;
    double per_multiprocessor = call->flop / call->operators->multiprocessors * size_factor(call);
    double moving_ns = memory_ns(call), best_ns = INFINITY;
    double starting_ns = fit->fixed_ns + (is_one_token(product) ? fit->one_token_ns : 0);
    for (uint32_t i = 0; i < TILES; i++) {
        if (!may_take(call, i))
            continue;
        double count = row_tiles(product, &tiles[i]) * ceil(product->outputs / tiles[i].columns);
        double area = tiles[i].rows * tiles[i].columns;
        double rate = per_multiprocessor * fit->efficiency[i];
        for (uint32_t s = 0; s < SPLITS && splits[s] <= fit->splits_most; s++) {
            double steps = ceil(product->inputs / splits[s] / INPUTS_STEP);
            double tile_ns =
                2 * area * steps * INPUTS_STEP / rate + fit->epilogue_ns * area / (128 * 128);
            double computing_ns = waves(call, count * splits[s]) * tile_ns;
            double with_split_ns = moving_ns + split_ns(call, splits[s]);
            double whole_ns = smooth_max(computing_ns, with_split_ns);
            if (whole_ns < best_ns)
                *parts = (struct operator_parts){ computing_ns, with_split_ns, starting_ns };
            best_ns = fmin(best_ns, whole_ns);
        }
    }
    return best_ns;
}

/* Reads the inputs as they are and writes them as the product takes them. */
static double quantise_ns(const struct call *call)
{
    const struct product *product = call->product;
    const struct gemm_fit *fit = call->fit;
    if (!product->quantised_apart || call->input_bytes >= ACTIVATION_BYTES)
        return 0;
    double values = product->groups * product->tokens * product->inputs;
    return fit->quantise_ns + product->groups * product->tokens * fit->quantise_row_ns +
           values * (ACTIVATION_BYTES + call->input_bytes) /
               (call->peak.bytes * fit->quantise_efficiency);
}

enum number_format operators_computed_in(const struct operators *operators, struct gpu_peak peak,
                                         enum number_format format)
{
    if (gemm_fitted(&operators->gemm[format]) && gpu_peak_flop(peak, format) > 0)
        return format;
    return format == FORMAT_FP8_BLOCK ? operators_computed_in(operators, peak, FORMAT_FP8)
                                      : FORMAT_BF16;
}

static struct call call_of(const struct operators *operators, struct gpu_peak peak,
                           const struct product *product)
{
    enum number_format in = operators_computed_in(operators, peak, product->format);
    return (struct call){ .operators = operators,
                          .fit = &operators->gemm[in],
                          .product = product,
                          .peak = peak,
                          .flop = gpu_peak_flop(peak, in),
                          .input_bytes = number_format_input_bytes(in) };
}

double operator_product_ns(const struct operators *operators, struct gpu_peak peak,
                           const struct product *product)
{
    struct call call = call_of(operators, peak, product);
    struct operator_parts parts;
    double whole_ns = fastest_ns(&call, &parts) + parts.starting_ns + quantise_ns(&call);
    if (!product->launched_by_cpu)
        return whole_ns;
    bool few = product->tokens < GEMM_FEW_LAUNCHED;
    return smooth_max(whole_ns, few ? call.fit->launch_few_ns : call.fit->launch_ns);
}

struct operator_parts operator_product_parts(const struct operators *operators,
                                             struct gpu_peak peak, const struct product *product)
{
    struct call call = call_of(operators, peak, product);
    struct operator_parts parts = { 0 };
    fastest_ns(&call, &parts);
    double quantising_ns = quantise_ns(&call);
    parts.starting_ns += quantising_ns > 0 ? call.fit->quantise_ns : 0;
    parts.moving_ns += quantising_ns > 0 ? quantising_ns - call.fit->quantise_ns : 0;
    return parts;
}

/* Of so many bytes of a kernel that moves `all` of them. */
static double moving_ns(const struct operators *operators, struct gpu_peak peak,
                        enum stream_kind kind, double bytes, double all)
{
    const struct stream_fit *fit = &operators->stream[kind];
    double part = all / (double)operators->l2_bytes;
    double gain = 1 + fit->cache_gain / (1 + part * part);
    return bytes / (peak.bytes * fit->efficiency * gain);
}

struct operator_parts operator_fused_parts(const struct operators *operators, struct gpu_peak peak,
                                           enum stream_kind kind, double tokens, double values,
                                           double sum_values, double width)
{
    const struct stream_fit *fit = &operators->stream[kind];
    double bytes = tokens * values * ACTIVATION_BYTES;
    double summed = tokens * sum_values * ACTIVATION_BYTES, all = bytes + summed;
    return (struct operator_parts){
        .moving_ns = moving_ns(operators, peak, kind, bytes, all) +
                     (summed > 0 ? moving_ns(operators, peak, STREAM_SUM, summed, all) : 0),
        .starting_ns = fit->fixed_ns + fit->value_ns * width
    };
}

double operator_fused_ns(const struct operators *operators, struct gpu_peak peak,
                         enum stream_kind kind, double tokens, double values, double sum_values,
                         double width)
{
    struct operator_parts parts =
        operator_fused_parts(operators, peak, kind, tokens, values, sum_values, width);
    return sqrt(parts.starting_ns * parts.starting_ns + parts.moving_ns * parts.moving_ns);
}

struct operator_parts operator_stream_parts(const struct operators *operators, struct gpu_peak peak,
                                            enum stream_kind kind, double tokens, double values,
                                            double width)
{
    return operator_fused_parts(operators, peak, kind, tokens, values, 0, width);
}

double operator_stream_ns(const struct operators *operators, struct gpu_peak peak,
                          enum stream_kind kind, double tokens, double values, double width)
{
    return operator_fused_ns(operators, peak, kind, tokens, values, 0, width);
}
