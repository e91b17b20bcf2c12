/* validate/calibrate/fit_operators.c - see fit_operators.h. The fit alone; errors and the report
 * are fit_report.c's. */
#include "validate/calibrate/fit_operators.h"

#include "base/memory.h"
#include "validate/calibrate/fit_predict.h"
#include "validate/calibrate/fit_robust.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define AT(member) offsetof(struct operators, member)
#define SOFT_ERROR                                                                                 \
    (1.0 / 12) /* beyond 8 %, a row is a library's odd choice rather than a trend                  \
                */

/* How a coefficient is fitted: what is positive by its logarithm, a share by its log odds. */
enum form { FORM_POSITIVE, FORM_SHARE, FORM_ANY };

struct coefficient {
    const char *key;
    size_t offset;
    enum form form;
    double prior; /* before any measurement: the datasheet, or what such a kernel usually takes */
    double spread;
};

static const struct coefficient gemm_coefficients[] = {
    { "gemm.fixed_ns", AT(gemm.fixed_ns), FORM_POSITIVE, 3000, 2 },
    { "gemm.hbm_efficiency", AT(gemm.hbm_efficiency), FORM_POSITIVE, 0.88, 2 },
    { "gemm.quantisation", AT(gemm.quantisation), FORM_SHARE, 0.5, 2 },
    { "gemm.epilogue_ns", AT(gemm.epilogue_ns), FORM_POSITIVE, 1000, 2 },
    { "gemm.split_ns", AT(gemm.split_ns), FORM_POSITIVE, 1000, 2 },
    { "gemm.split_traffic", AT(gemm.split_traffic), FORM_POSITIVE, 3, 2 },
    { "gemm.down_gain", AT(gemm.down_gain), FORM_ANY, 0.02, 0.1 },
    { "gemm.cache_gain", AT(gemm.cache_gain), FORM_POSITIVE, 0.1, 2 },
    { "gemm.size_slope", AT(gemm.size_slope), FORM_POSITIVE, 0.02, 1 },
};
#define GEMM_COEFFICIENTS (sizeof gemm_coefficients / sizeof *gemm_coefficients)

static const char *const tile_keys[TILES] = {
    "gemm.tile.64x64",   "gemm.tile.64x128",       "gemm.tile.128x64",
    "gemm.tile.128x128", "gemm.tile.64x256",       "gemm.tile.128x256",
    "gemm.tile.256x128", "gemm.tile.128x128_pair", "gemm.tile.128x256_pair",
};

#define STREAM_COEFFICIENTS(name, kind)                                                            \
    {                                                                                              \
        { name ".fixed_ns", AT(stream[kind].fixed_ns), FORM_POSITIVE, 2000, 2 },                   \
            { name ".value_ns", AT(stream[kind].value_ns), FORM_POSITIVE, 0.3, 2 },                \
            { name ".efficiency", AT(stream[kind].efficiency), FORM_POSITIVE, 0.7, 2 },            \
            { name ".cache_gain", AT(stream[kind].cache_gain), FORM_POSITIVE, 0.3, 2 },            \
    }
static const struct coefficient stream_coefficients[STREAM_KINDS][4] = {
    [STREAM_NORM] = STREAM_COEFFICIENTS("norm", STREAM_NORM),
    [STREAM_ROPE] = STREAM_COEFFICIENTS("rope", STREAM_ROPE),
    [STREAM_ACTIVATION] = STREAM_COEFFICIENTS("activation", STREAM_ACTIVATION),
    [STREAM_SUM] = STREAM_COEFFICIENTS("sum", STREAM_SUM),
    [STREAM_EMBEDDING] = STREAM_COEFFICIENTS("embedding", STREAM_EMBEDDING),
};

/* One fit: the rows it sees and the coefficients that it may move. */
struct part {
    struct gpu_peak peak;
    struct operators operators; /* what is not fitted */
    const struct profile_row **row;
    size_t rows;
    struct coefficient coefficient[FIT_PARAMETERS_MAX];
    size_t coefficients;
};

static double *member(struct operators *operators, size_t offset)
{
    return (double *)(void *)((char *)operators + offset);
}

static double to_parameter(enum form form, double value)
{
    return form == FORM_POSITIVE ? log(value)
           : form == FORM_SHARE  ? log(value / (1 - value))
                                 : value;
}

static double from_parameter(enum form form, double parameter)
{
    return form == FORM_POSITIVE ? exp(parameter)
           : form == FORM_SHARE  ? 1 / (1 + exp(-parameter))
                                 : parameter;
}

static void set_all(const struct part *part, const double *parameter, struct operators *operators)
{
    for (size_t i = 0; i < part->coefficients; i++)
        *member(operators, part->coefficient[i].offset) =
            from_parameter(part->coefficient[i].form, parameter[i]);
}

static void residuals(const void *context, const double *parameter, double *out)
{
    const struct part *part = context;
    struct operators operators = part->operators;
    set_all(part, parameter, &operators);
    for (size_t i = 0; i < part->rows; i++)
        out[i] =
            log(fit_predict_ns(&operators, part->peak, part->row[i]) / part->row[i]->measured_ns);
}

static void keep_intervals(const struct part *part, const struct fit_answer *answer,
                           struct fit_intervals *intervals)
{
    for (size_t i = 0; intervals != NULL && i < part->coefficients; i++) {
        enum form form = part->coefficient[i].form;
        double at = answer->parameter[i], half = answer->half_width_95[i];
        assert(intervals->count < FIT_INTERVALS_MAX);
        intervals->interval[intervals->count++] =
            (struct fit_interval){ .key = part->coefficient[i].key,
                                   .value = from_parameter(form, at),
                                   .low = from_parameter(form, at - half),
                                   .high = from_parameter(form, at + half) };
    }
}

/* To four digits, far below the intervals: what a file says is what was judged. */
static void round_for_people(double *value)
{
    char text[32];
    snprintf(text, sizeof text, "%.4g", *value);
    *value = strtod(text, NULL);
}

static void fit_part(struct part *part, struct operators *operators,
                     struct fit_intervals *intervals)
{
    double prior[FIT_PARAMETERS_MAX], spread[FIT_PARAMETERS_MAX];
    struct fit_answer answer = { .spread = 0 };
    part->operators = *operators;
    for (size_t i = 0; i < part->coefficients; i++) {
        const struct coefficient *coefficient = &part->coefficient[i];
        prior[i] = to_parameter(coefficient->form, coefficient->prior);
        spread[i] = coefficient->spread;
        answer.parameter[i] = prior[i];
    }
    struct fit_problem problem = { .parameters = part->coefficients,
                                   .residuals = part->rows,
                                   .residual = residuals,
                                   .context = part,
                                   .prior = prior,
                                   .prior_spread = spread,
                                   .scale = SOFT_ERROR };
    fit_robust(&problem, &answer);
    set_all(part, answer.parameter, operators);
    for (size_t i = 0; i < part->coefficients; i++)
        round_for_people(member(operators, part->coefficient[i].offset));
    keep_intervals(part, &answer, intervals);
}

static bool is_chosen(const struct profile_row *row, struct fit_choice choice)
{
    return row->model != choice.without && row->layer % choice.stride == 0;
}

/* What a library's tile attains is not known beforehand: larger ones reuse more of what they load.
 */
static double tile_prior(const struct tile *tile)
{
    return 0.4 + 0.4 * sqrt(tile->rows * tile->columns / (128 * 256));
}

static void fit_products(const struct profile *profile, struct fit_choice choice, struct part *part,
                         struct operators *operators, struct fit_intervals *intervals)
{
    part->rows = part->coefficients = 0;
    for (uint32_t i = 0; i < profile->count; i++)
        if (profile->row[i].op < PROFILE_PRODUCTS && is_chosen(&profile->row[i], choice))
            part->row[part->rows++] = &profile->row[i];
    for (size_t i = 0; i < GEMM_COEFFICIENTS; i++)
        part->coefficient[part->coefficients++] = gemm_coefficients[i];
    for (uint32_t i = 0; i < TILES; i++)
        if (operators->gemm.efficiency[i] > 0)
            part->coefficient[part->coefficients++] =
                (struct coefficient){ tile_keys[i], AT(gemm.efficiency) + i * sizeof(double),
                                      FORM_POSITIVE, tile_prior(&tiles[i]), 2 };
    if (part->rows > 0)
        fit_part(part, operators, intervals);
}

static void fit_stream(const struct profile *profile, struct fit_choice choice, uint32_t kind,
                       struct part *part, struct operators *operators,
                       struct fit_intervals *intervals)
{
    part->rows = part->coefficients = 0;
    for (uint32_t i = 0; i < profile->count; i++)
        if (profile->row[i].op == PROFILE_PRODUCTS + kind && is_chosen(&profile->row[i], choice))
            part->row[part->rows++] = &profile->row[i];
    for (size_t i = 0; i < 4; i++)
        part->coefficient[part->coefficients++] = stream_coefficients[kind][i];
    if (part->rows > 0)
        fit_part(part, operators, intervals);
}

void fit_operators(const struct profile *profile, struct gpu_peak peak, struct fit_choice choice,
                   struct operators *operators, struct fit_intervals *intervals)
{
    struct part part = { .peak = peak, .row = memory_new(profile->count, sizeof *part.row) };
    if (intervals != NULL)
        intervals->count = 0;
    fit_products(profile, choice, &part, operators, intervals);
    for (uint32_t kind = 0; kind < STREAM_KINDS; kind++)
        fit_stream(profile, choice, kind, &part, operators, intervals);
    free(part.row);
}
