/* validate/calibrate/fit_kernels.c - see fit_kernels.h. */
#include "validate/calibrate/fit_kernels.h"

#include "base/memory.h"
#include "base/random.h"
#include "validate/calibrate/fit_coefficients.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FOLDS 5
#define NO_FOLD FOLDS
#define ROWS_MOST 2500 /* of a fit: more move no coefficient beyond its interval */
#define LEAST_WIDTH 512
#define FEW_TOKENS 256

/* The same fold on every machine, whatever order rows come in. */
static uint32_t fold_of(uint64_t shape)
{
    struct random random = random_from(shape, 17);
    return (uint32_t)random_below(&random, FOLDS);
}

/* ---- rows of one format ---- */

/* One measured time of either kind, and its prediction. */
struct kernel {
    const struct product_row *product; /* or */
    const struct expert_row *expert;
    uint32_t fold;
    double tokens, measured_ns;
};

struct kernels {
    struct gpu_peak peak;
    enum number_format format;
    struct kernel *kernel;
    size_t count;
};

static double predict_ns(const struct kernels *kernels, const struct kernel *kernel,
                         const struct operators *operators)
{
    if (kernel->product != NULL)
        return operator_product_ns(operators, kernels->peak, &kernel->product->product);
    return experts_ns(&operators->experts[kernels->format], kernels->peak,
                      operators->multiprocessors, &kernel->expert->call);
}

static void errors(const void *context, const struct operators *operators, double *out)
{
    const struct kernels *kernels = context;
    for (size_t i = 0; i < kernels->count; i++)
        out[i] = log(predict_ns(kernels, &kernels->kernel[i], operators) /
                     kernels->kernel[i].measured_ns);
}

/* Products by how many tokens and bytes of weights they have: a table has thousands of small shapes
 * and a hundred large ones, and served time is the sum of the large. Experts are one cell. */
static const double cell_tokens[] = { 1, 8, 16, 32, 64, 128, 256, 1024, 4096 };
static const double cell_bytes[] = { 8e6, 32e6, 100e6, 400e6 };
#define TOKEN_CELLS (sizeof cell_tokens / sizeof *cell_tokens + 1)
#define BYTE_CELLS (sizeof cell_bytes / sizeof *cell_bytes + 1)
#define CELLS (TOKEN_CELLS * BYTE_CELLS)

static size_t band(const double *edge, size_t edges, double value)
{
    size_t at = 0;
    while (at < edges && value > edge[at])
        at++;
    return at;
}

static size_t cell_of(const struct kernel *kernel)
{
    if (kernel->product == NULL)
        return 0;
    const struct product *product = &kernel->product->product;
    double bytes = product->inputs * product->outputs * product->weight_bytes;
    return band(cell_tokens, TOKEN_CELLS - 1, product->tokens) * BYTE_CELLS +
           band(cell_bytes, BYTE_CELLS - 1, bytes);
}

/* About ROWS_MOST rows that are not in `without`: half of them as many of every cell, half drawn
 * evenly over all. */
static struct kernels chosen(const struct kernels *all, uint32_t without)
{
    struct kernels some = *all;
    some.kernel = memory_new(all->count, sizeof *some.kernel);
    some.count = 0;
    size_t eligible[CELLS] = { 0 }, cells = 0;
    for (size_t i = 0; i < all->count; i++)
        if (all->kernel[i].fold != without)
            cells += eligible[cell_of(&all->kernel[i])]++ == 0 ? 1 : 0;
    double all_eligible = 0;
    for (size_t i = 0; i < CELLS; i++)
        all_eligible += (double)eligible[i];
    struct random random = random_from(without, 23);
    for (size_t i = 0; i < all->count; i++) {
        size_t in_cell = eligible[cell_of(&all->kernel[i])];
        double most = ROWS_MOST / 2.0 * (1.0 / (double)cells + (double)in_cell / all_eligible);
        if (all->kernel[i].fold != without &&
            ((double)in_cell <= most || (double)random_below(&random, in_cell) < most))
            some.kernel[some.count++] = all->kernel[i];
    }
    return some;
}

/* ---- fit, and leave out in turn ---- */

typedef void list_coefficients(const struct kernels *kernels, const struct operators *operators,
                               struct fit_part *part);

static void fit_without(const struct kernels *all, uint32_t without, list_coefficients *list,
                        struct operators *operators)
{
    struct kernels some = chosen(all, without);
    struct fit_part part = { .rows = some.count, .errors = errors, .context = &some, .wide = true };
    list(all, operators, &part);
    if (some.count > part.coefficients)
        fit_part(&part, operators, NULL);
    free(some.kernel);
}

struct bands {
    double few_median, few_p95, many_median, many_p95;
};

/* Of rows with more tokens than `above`, and at most `to`. */
static struct fit_errors errors_in(const struct kernels *all, const double *error, double above,
                                   double to)
{
    struct fit_errors found = { 0 };
    double *some = memory_new(all->count, sizeof *some);
    for (size_t i = 0; i < all->count; i++)
        if (all->kernel[i].tokens > above && all->kernel[i].tokens <= to)
            some[found.count++] = error[i];
    if (found.count > 0) {
        gsl_sort(some, 1, found.count);
        found.bias = gsl_stats_median_from_sorted_data(some, 1, found.count);
        for (uint32_t i = 0; i < found.count; i++)
            some[i] = fabs(some[i]);
        gsl_sort(some, 1, found.count);
        found.median = gsl_stats_median_from_sorted_data(some, 1, found.count);
        found.p95 = gsl_stats_quantile_from_sorted_data(some, 1, found.count, 0.95);
    }
    free(some);
    return found;
}

static void print_errors(FILE *report, const struct kernels *all, const double *error)
{
    static const double edge[] = { 0, 16, 64, 256, 1024, INFINITY };
    fprintf(report, "\n| tokens | rows | median | P95 | signed median |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i + 1 < sizeof edge / sizeof *edge; i++) {
        struct fit_errors found = errors_in(all, error, edge[i], edge[i + 1]);
        if (found.count == 0)
            continue;
        fprintf(report, "| %g to ", edge[i] + 1);
        if (isinf(edge[i + 1]))
            fprintf(report, "most");
        else
            fprintf(report, "%g", edge[i + 1]);
        fprintf(report, " | %" PRIu32 " | %.1f | %.1f | %+.1f |\n", found.count, 100 * found.median,
                100 * found.p95, 100 * found.bias);
    }
}

static bool only_fold(const struct kernels *all, uint32_t fold)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->kernel[i].fold != fold)
            return false;
    return true;
}

/* Fits all, and each fold by the others; prints what unseen shapes are predicted with. A fold that
 * is all there is cannot be left out: it is predicted by the fit to itself. */
static struct bands fit_and_judge(const struct kernels *all, list_coefficients *list,
                                  struct operators *operators, FILE *report)
{
    double *error = memory_new(all->count, sizeof *error);
    for (uint32_t fold = 0; fold < FOLDS; fold++) {
        struct operators unseen = *operators;
        fit_without(all, only_fold(all, fold) ? NO_FOLD : fold, list, &unseen);
        for (size_t i = 0; i < all->count; i++)
            if (all->kernel[i].fold == fold)
                error[i] =
                    predict_ns(all, &all->kernel[i], &unseen) / all->kernel[i].measured_ns - 1;
    }
    fit_without(all, NO_FOLD, list, operators);
    print_errors(report, all, error);
    /* Of one shape none was left out: nothing is known of others. */
    bool alone = all->count > 0 && only_fold(all, all->kernel[0].fold);
    for (size_t i = 0; alone && i < all->count; i++)
        error[i] = 0;
    struct fit_errors few = errors_in(all, error, 0, FEW_TOKENS);
    struct fit_errors many = errors_in(all, error, FEW_TOKENS, INFINITY);
    free(error);
    return (struct bands){ few.median, few.p95, many.median, many.p95 };
}

static double rounded(double error)
{
    return round(error * 1e4) / 1e4;
}

/* ---- products ---- */

#define IN_GEMM(format, member)                                                                    \
    (offsetof(struct operators, gemm) + (size_t)(format) * sizeof(struct gemm_fit) +               \
     offsetof(struct gemm_fit, member))

static void add(struct fit_part *part, const char *key, size_t offset, enum form form, double prior,
                double spread)
{
    part->coefficient[part->coefficients++] =
        (struct coefficient){ key, offset, form, prior, spread };
}

/* What a narrow format's kernels share with bf16's is looked for near it: what starts a kernel, and
 * in fp8_block, which was timed by launches that hide it, what quantising and small weights take.
 */
static void list_products(const struct kernels *kernels, const struct operators *operators,
                          struct fit_part *part)
{
    enum number_format f = kernels->format;
    const struct gemm_fit *fit = &operators->gemm[f], *bf16 = &operators->gemm[FORMAT_BF16];
    const struct gemm_fit *fp8 = &operators->gemm[FORMAT_FP8];
    bool narrow = f != FORMAT_BF16, block = f == FORMAT_FP8_BLOCK && gemm_fitted(fp8);
    const struct gemm_fit *like = block ? fp8 : bf16;
    add(part, "fixed_ns", IN_GEMM(f, fixed_ns), FORM_POSITIVE, narrow ? like->fixed_ns : 3000,
        narrow ? 0.2 : 2);
    add(part, "hbm_efficiency", IN_GEMM(f, hbm_efficiency), FORM_POSITIVE, 0.88, 2);
    add(part, "hbm_ramp", IN_GEMM(f, hbm_ramp), FORM_POSITIVE,
        block && fp8->hbm_ramp > 0 ? fp8->hbm_ramp : 0.1, block ? 0.2 : 1);
    add(part, "hbm_ramp_ns", IN_GEMM(f, hbm_ramp_ns), FORM_POSITIVE,
        block ? fp8->hbm_ramp_ns : 20000, block ? 0.2 : 1);
    add(part, "hbm_rows", IN_GEMM(f, hbm_rows), FORM_POSITIVE, 0.05, 1);
    if (f != FORMAT_FP8_BLOCK) {
        add(part, "one_token_gain", IN_GEMM(f, one_token_gain), FORM_ANY, 0, 0.1);
        add(part, "one_token_ns", IN_GEMM(f, one_token_ns), FORM_POSITIVE, 100, 2);
    }
    add(part, "l2_gain", IN_GEMM(f, l2_gain), FORM_POSITIVE, 1, 1);
    add(part, "quantisation", IN_GEMM(f, quantisation), FORM_SHARE, 0.5, 2);
    add(part, "epilogue_ns", IN_GEMM(f, epilogue_ns), FORM_POSITIVE, 1000, 2);
    add(part, "cache_gain", IN_GEMM(f, cache_gain), FORM_POSITIVE, 0.1, 2);
    add(part, "size_slope", IN_GEMM(f, size_slope), FORM_POSITIVE, 0.02, 1);
    if (fit->splits_most > 1) {
        add(part, "split_ns", IN_GEMM(f, split_ns), FORM_POSITIVE, 1000, 2);
        add(part, "split_traffic", IN_GEMM(f, split_traffic), FORM_POSITIVE, 3, 2);
    }
    if (narrow) {
        add(part, "quantise_ns", IN_GEMM(f, quantise_ns), FORM_POSITIVE,
            block ? fp8->quantise_ns : 2000, block ? 0.2 : 1);
        add(part, "quantise_row_ns", IN_GEMM(f, quantise_row_ns), FORM_POSITIVE,
            block && fp8->quantise_row_ns > 0 ? fp8->quantise_row_ns : 1, block ? 0.2 : 2);
        add(part, "quantise_efficiency", IN_GEMM(f, quantise_efficiency), FORM_POSITIVE,
            block ? fp8->quantise_efficiency : 0.6, block ? 0.2 : 1);
    }
    if (f == FORMAT_FP8_BLOCK) {
        add(part, "launch_ns", IN_GEMM(f, launch_ns), FORM_POSITIVE, 80000, 2);
        add(part, "launch_few_ns", IN_GEMM(f, launch_few_ns), FORM_POSITIVE, 80000, 2);
    }
    for (uint32_t i = 0; i < TILES; i++)
        if (fit->efficiency[i] > 0)
            add(part, fit_tile_keys[i], IN_GEMM(f, efficiency) + i * sizeof(double), FORM_POSITIVE,
                fit_tile_prior(&tiles[i]), 2);
}

static struct kernels products_of(const struct product_rows *rows, struct gpu_peak peak,
                                  enum number_format format)
{
    struct kernels kernels = { peak, format, memory_new(rows->count, sizeof *kernels.kernel), 0 };
    for (uint32_t i = 0; i < rows->count; i++) {
        const struct product *product = &rows->row[i].product;
        if (product->format == format && product->inputs >= LEAST_WIDTH &&
            product->outputs >= LEAST_WIDTH)
            kernels.kernel[kernels.count++] = (struct kernel){
                .product = &rows->row[i],
                .fold = fold_of((uint64_t)product->inputs * 1000003 + (uint64_t)product->outputs),
                .tokens = product->tokens,
                .measured_ns = rows->row[i].measured_ns
            };
    }
    return kernels;
}

static void start_from_bf16(struct operators *operators, enum number_format format)
{
    struct gemm_fit *fit = &operators->gemm[format];
    if (format == FORMAT_BF16 || gemm_fitted(fit))
        return;
    *fit = operators->gemm[FORMAT_BF16];
    fit->splits_most = 1;
    fit->quantise_efficiency = 0.6;
}

static uint64_t less(uint64_t a, double b)
{
    return (uint64_t)b < a ? (uint64_t)b : a;
}

static uint64_t more(uint64_t a, double b)
{
    return (uint64_t)b > a ? (uint64_t)b : a;
}

static struct gemm_record record_of(const struct kernels *kernels, struct bands bands)
{
    struct gemm_record record = { .rows = (uint32_t)kernels->count,
                                  .inputs_least = UINT64_MAX,
                                  .outputs_least = UINT64_MAX,
                                  .few_median_error = rounded(bands.few_median),
                                  .few_p95_error = rounded(bands.few_p95),
                                  .many_median_error = rounded(bands.many_median),
                                  .many_p95_error = rounded(bands.many_p95) };
    for (size_t i = 0; i < kernels->count; i++) {
        const struct product *product = &kernels->kernel[i].product->product;
        record.tokens_most = (uint32_t)more(record.tokens_most, product->tokens);
        record.inputs_least = less(record.inputs_least, product->inputs);
        record.inputs_most = more(record.inputs_most, product->inputs);
        record.outputs_least = less(record.outputs_least, product->outputs);
        record.outputs_most = more(record.outputs_most, product->outputs);
    }
    return record;
}

void fit_product_tables(const struct product_rows *rows, struct gpu_peak peak,
                        const struct fit_origin *origin, struct operators *operators, FILE *report)
{
    for (int f = 0; f < (int)NUMBER_FORMATS; f++) {
        enum number_format format = (enum number_format)f;
        struct kernels kernels = products_of(rows, peak, format);
        if (kernels.count > 0 && gpu_peak_flop(peak, format) > 0) {
            struct gemm_fit *fit = &operators->gemm[format];
            start_from_bf16(operators, format);
            fit->down_gain = 0; /* these tables have no activation's zeros */
            fprintf(report, "\n**Products, %s**: %zu measured, of shapes left out of the fit\n",
                    number_format_choices[format], kernels.count);
            struct bands bands = fit_and_judge(&kernels, list_products, operators, report);
            fit->record = record_of(&kernels, bands);
            snprintf(fit->source, sizeof fit->source, "%s", origin->source);
            snprintf(fit->date, sizeof fit->date, "%s", origin->date);
        }
        free(kernels.kernel);
    }
}

/* ---- experts ---- */

#define IN_EXPERTS(format, member)                                                                 \
    (offsetof(struct operators, experts) + (size_t)(format) * sizeof(struct experts_fit) +         \
     offsetof(struct experts_fit, member))

static void list_experts(const struct kernels *kernels, const struct operators *operators,
                         struct fit_part *part)
{
    static const double prior[EXPERT_TILES] = { 0.1, 0.4, 0.6 };
    static const char *const key[EXPERT_TILES] = { "tile.16", "tile.64", "tile.128" };
    enum number_format f = kernels->format;
    (void)operators;
    add(part, "fixed_ns", IN_EXPERTS(f, fixed_ns), FORM_POSITIVE, 20000, 1);
    add(part, "expert_ns", IN_EXPERTS(f, expert_ns), FORM_POSITIVE, 10, 1);
    add(part, "pair_ns", IN_EXPERTS(f, pair_ns), FORM_POSITIVE, 0.1, 1);
    add(part, "hbm_efficiency", IN_EXPERTS(f, hbm_efficiency), FORM_SHARE, 0.85, 1);
    add(part, "stream_efficiency", IN_EXPERTS(f, stream_efficiency), FORM_POSITIVE, 0.6, 1);
    for (uint32_t i = 0; i < EXPERT_TILES; i++)
        add(part, key[i], IN_EXPERTS(f, efficiency) + i * sizeof(double), FORM_POSITIVE, prior[i],
            1);
}

#define SHAPES_MOST 256

/* Models in the order in which they appear. */
static uint32_t shape_index(uint32_t shape, uint32_t *known, uint32_t *shapes)
{
    uint32_t index = 0;
    while (index < *shapes && known[index] != shape)
        index++;
    if (index == *shapes && *shapes < SHAPES_MOST)
        known[(*shapes)++] = shape;
    return index;
}

static struct kernels experts_of(const struct expert_rows *rows, struct gpu_peak peak,
                                 enum number_format format, uint32_t *shapes)
{
    struct kernels kernels = { peak, format, memory_new(rows->count, sizeof *kernels.kernel), 0 };
    uint32_t known[SHAPES_MOST];
    *shapes = 0;
    for (uint32_t i = 0; i < rows->count; i++)
        if (rows->row[i].call.format == format)
            kernels.kernel[kernels.count++] =
                (struct kernel){ .expert = &rows->row[i],
                                 .fold = shape_index(rows->row[i].shape, known, shapes) % FOLDS,
                                 .tokens = rows->row[i].call.tokens,
                                 .measured_ns = rows->row[i].measured_ns };
    return kernels;
}

static void fit_expert_format(const struct kernels *kernels, uint32_t shapes,
                              const struct fit_origin *origin, struct operators *operators,
                              FILE *report)
{
    struct experts_fit *fit = &operators->experts[kernels->format];
    fprintf(report, "\n**Experts, %s**: %zu measured of %" PRIu32 " models",
            number_format_choices[kernels->format], kernels->count, shapes);
    fprintf(report, shapes > 1 ? ", each left out of the fit in its turn\n"
                               : "; nothing can be left out: its predictions are of it\n");
    struct bands bands = fit_and_judge(kernels, list_experts, operators, report);
    fit->rows = (uint32_t)kernels->count;
    fit->shapes = shapes;
    fit->few_median_error = rounded(bands.few_median);
    fit->few_p95_error = rounded(bands.few_p95);
    fit->many_median_error = rounded(bands.many_median);
    fit->many_p95_error = rounded(bands.many_p95);
    snprintf(fit->source, sizeof fit->source, "%s", origin->source);
}

/* fp8 with a scale per tensor moves and multiplies the same bytes as fp8_block. */
static void fp8_as_block(struct operators *operators)
{
    struct experts_fit *fp8 = &operators->experts[FORMAT_FP8];
    const struct experts_fit *block = &operators->experts[FORMAT_FP8_BLOCK];
    *fp8 = *block;
    fp8->rows = fp8->shapes = 0;
    snprintf(fp8->source, sizeof fp8->source, "as fp8_block: %.200s", block->source);
}

void fit_expert_tables(const struct expert_rows *rows, struct gpu_peak peak,
                       const struct fit_origin *origin, struct operators *operators, FILE *report)
{
    bool fitted[NUMBER_FORMATS] = { false };
    for (int f = 0; f < (int)NUMBER_FORMATS; f++) {
        uint32_t shapes;
        struct kernels kernels = experts_of(rows, peak, (enum number_format)f, &shapes);
        fitted[f] = kernels.count > 0 && gpu_peak_flop(peak, kernels.format) > 0;
        if (fitted[f])
            fit_expert_format(&kernels, shapes, origin, operators, report);
        free(kernels.kernel);
    }
    if (fitted[FORMAT_FP8_BLOCK] && !fitted[FORMAT_FP8])
        fp8_as_block(operators);
}
