/* validate/calibrate/fit_operators.c - see fit_operators.h. The fit alone; errors and the report
 * are fit_report.c's. */
#include "validate/calibrate/fit_operators.h"

#include "base/memory.h"
#include "validate/calibrate/fit_coefficients.h"
#include "validate/calibrate/fit_predict.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

#define AT(member) offsetof(struct operators, member)
static const struct coefficient gemm_coefficients[] = {
    { "gemm.fixed_ns", AT(gemm[FORMAT_BF16].fixed_ns), FORM_POSITIVE, 3000, 2 },
    { "gemm.hbm_efficiency", AT(gemm[FORMAT_BF16].hbm_efficiency), FORM_POSITIVE, 0.88, 2 },
    { "gemm.quantisation", AT(gemm[FORMAT_BF16].quantisation), FORM_SHARE, 0.5, 2 },
    { "gemm.epilogue_ns", AT(gemm[FORMAT_BF16].epilogue_ns), FORM_POSITIVE, 1000, 2 },
    { "gemm.split_ns", AT(gemm[FORMAT_BF16].split_ns), FORM_POSITIVE, 1000, 2 },
    { "gemm.split_traffic", AT(gemm[FORMAT_BF16].split_traffic), FORM_POSITIVE, 3, 2 },
    { "gemm.down_gain", AT(gemm[FORMAT_BF16].down_gain), FORM_ANY, 0.02, 0.1 },
    { "gemm.cache_gain", AT(gemm[FORMAT_BF16].cache_gain), FORM_POSITIVE, 0.1, 2 },
    { "gemm.size_slope", AT(gemm[FORMAT_BF16].size_slope), FORM_POSITIVE, 0.02, 1 },
};
#define GEMM_COEFFICIENTS (sizeof gemm_coefficients / sizeof *gemm_coefficients)

#define STREAM_COEFFICIENTS(name, kind)                                                            \
    {                                                                                              \
        { name ".fixed_ns", AT(stream[kind].fixed_ns), FORM_POSITIVE, 2000, 2 },                   \
            { name ".value_ns", AT(stream[kind].value_ns), FORM_POSITIVE, 0.3, 2 },                \
            { name ".efficiency", AT(stream[kind].efficiency), FORM_POSITIVE, 0.7, 2 },            \
            { name ".cache_gain", AT(stream[kind].cache_gain), FORM_POSITIVE, 0.3, 2 },            \
    }
enum { STREAM_FIXED, STREAM_VALUE, STREAM_EFFICIENCY, STREAM_GAIN, STREAM_FITTED };
static const struct coefficient stream_coefficients[STREAM_KINDS][STREAM_FITTED] = {
    [STREAM_NORM] = STREAM_COEFFICIENTS("norm", STREAM_NORM),
    [STREAM_ROPE] = STREAM_COEFFICIENTS("rope", STREAM_ROPE),
    [STREAM_ACTIVATION] = STREAM_COEFFICIENTS("activation", STREAM_ACTIVATION),
    [STREAM_SUM] = STREAM_COEFFICIENTS("sum", STREAM_SUM),
    [STREAM_EMBEDDING] = STREAM_COEFFICIENTS("embedding", STREAM_EMBEDDING),
};

/* The rows that one fit sees. */
struct rows {
    struct gpu_peak peak;
    const struct profile_row **row;
    size_t count;
    bool sum_as_norm; /* only sums within a norm's kernel were measured: they move as it does */
};

static void set_sum_as_norm(struct operators *operators)
{
    operators->stream[STREAM_SUM] = operators->stream[STREAM_NORM];
}

static void errors(const void *context, const struct operators *operators, double *out)
{
    const struct rows *rows = context;
    struct operators tied = *operators;
    if (rows->sum_as_norm)
        set_sum_as_norm(&tied);
    for (size_t i = 0; i < rows->count; i++)
        out[i] = log(fit_predict_ns(&tied, rows->peak, rows->row[i]) / rows->row[i]->measured_ns);
}

static bool is_chosen(const struct profile_row *row, struct fit_choice choice)
{
    bool third = choice.third > 0 && row->layer % FIT_THIRDS == choice.third - 1;
    bool product = choice.product > 0 && row->op == (enum profile_operator)(choice.product - 1);
    return row->model != choice.without && row->layer % choice.stride == 0 && !third && !product;
}

static void fit_products(const struct profile *profile, struct fit_choice choice, struct rows *rows,
                         struct operators *operators, struct fit_intervals *intervals)
{
    struct fit_part part = { .errors = errors, .context = rows };
    rows->count = 0;
    for (uint32_t i = 0; i < profile->count; i++)
        if (profile->row[i].op < PROFILE_PRODUCTS && is_chosen(&profile->row[i], choice))
            rows->row[rows->count++] = &profile->row[i];
    for (size_t i = 0; i < GEMM_COEFFICIENTS; i++)
        part.coefficient[part.coefficients++] = gemm_coefficients[i];
    for (uint32_t i = 0; i < TILES; i++)
        if (operators->gemm[FORMAT_BF16].efficiency[i] > 0)
            part.coefficient[part.coefficients++] =
                (struct coefficient){ fit_tile_keys[i],
                                      AT(gemm[FORMAT_BF16].efficiency) + i * sizeof(double),
                                      FORM_POSITIVE, fit_tile_prior(&tiles[i]), 2 };
    part.rows = rows->count;
    if (part.rows > 0)
        fit_part(&part, operators, intervals);
}

/* Of a single width, what a row's values take cannot be told from what a kernel does. */
static bool one_width(const struct rows *rows)
{
    for (size_t i = 1; i < rows->count; i++)
        if (rows->row[i]->outputs != rows->row[0]->outputs)
            return false;
    return true;
}

static bool only_fused_sums(const struct profile *profile)
{
    bool fused = false;
    for (uint32_t i = 0; i < profile->count; i++) {
        if (profile->row[i].op == PROFILE_SUM)
            return false;
        fused = fused || profile->row[i].summed > 0;
    }
    return fused;
}

static void fit_stream(const struct profile *profile, struct fit_choice choice, uint32_t kind,
                       struct rows *rows, struct operators *operators,
                       struct fit_intervals *intervals)
{
    struct fit_part part = { .errors = errors, .context = rows };
    rows->count = 0;
    for (uint32_t i = 0; i < profile->count; i++)
        if (profile->row[i].op == PROFILE_PRODUCTS + kind && is_chosen(&profile->row[i], choice))
            rows->row[rows->count++] = &profile->row[i];
    bool one = one_width(rows);
    for (size_t i = 0; i < STREAM_FITTED; i++) {
        struct coefficient *next = &part.coefficient[part.coefficients];
        *next = stream_coefficients[kind][i];
        /* Of one model the L2 may have held all that was moved, and would hide that HBM gives no
         * more than its peak. */
        if (one && i == STREAM_EFFICIENCY)
            next->form = FORM_SHARE;
        part.coefficients += !one || i != STREAM_VALUE ? 1 : 0;
    }
    part.rows = rows->count;
    if (part.rows == 0)
        return;
    if (one)
        operators->stream[kind].value_ns = 0;
    fit_part(&part, operators, intervals);
}

void fit_operators(const struct profile *profile, struct gpu_peak peak, struct fit_choice choice,
                   struct operators *operators, struct fit_intervals *intervals)
{
    struct rows rows = { .peak = peak, .row = memory_new(profile->count, sizeof *rows.row) };
    bool fused = only_fused_sums(profile);
    if (intervals != NULL)
        intervals->count = 0;
    fit_products(profile, choice, &rows, operators, intervals);
    for (uint32_t kind = 0; kind < STREAM_KINDS; kind++) {
        rows.sum_as_norm = fused && kind == STREAM_NORM;
        fit_stream(profile, choice, kind, &rows, operators, intervals);
    }
    if (fused)
        set_sum_as_norm(operators);
    free(rows.row);
}
