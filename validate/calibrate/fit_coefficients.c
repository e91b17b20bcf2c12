/* validate/calibrate/fit_coefficients.c - see fit_coefficients.h. */
#include "validate/calibrate/fit_coefficients.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Beyond 8 %, a row is a library's odd choice rather than a trend. */
#define SOFT_ERROR (1.0 / 12)
/* Tables of single kernels say many of them 12 % slower than their neighbours, whatever the shape,
 * and none so much faster: a fit goes nearer to the middle of them than to their mean. */
#define SOFT_ERROR_OF_TABLES (1.0 / 40)
#define WIDE_FROM 10.0

const char *const fit_tile_keys[TILES] = {
    "gemm.tile.64x64",   "gemm.tile.64x128",       "gemm.tile.128x64",
    "gemm.tile.128x128", "gemm.tile.64x256",       "gemm.tile.128x256",
    "gemm.tile.256x128", "gemm.tile.128x128_pair", "gemm.tile.128x256_pair",
};

double fit_tile_prior(const struct tile *tile)
{
    return 0.4 + 0.4 * sqrt(tile->rows * tile->columns / (128 * 256));
}

struct fitting {
    const struct fit_part *part;
    struct operators start; /* what is not fitted */
    double shift[FIT_PARAMETERS_MAX];
};

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

static void set_all(const struct fitting *fitting, const double *parameter,
                    struct operators *operators)
{
    const struct coefficient *coefficient = fitting->part->coefficient;
    for (size_t i = 0; i < fitting->part->coefficients; i++)
        *fit_member(operators, coefficient[i].offset) =
            from_parameter(coefficient[i].form, parameter[i] - fitting->shift[i]);
}

static void residuals(const void *context, const double *parameter, double *out)
{
    const struct fitting *fitting = context;
    struct operators operators = fitting->start;
    set_all(fitting, parameter, &operators);
    fitting->part->errors(fitting->part->context, &operators, out);
}

static void keep_intervals(const struct fitting *fitting, const struct fit_answer *answer,
                           struct fit_intervals *intervals)
{
    const struct fit_part *part = fitting->part;
    for (size_t i = 0; intervals != NULL && i < part->coefficients; i++) {
        enum form form = part->coefficient[i].form;
        double at = answer->parameter[i] - fitting->shift[i], half = answer->half_width_95[i];
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

void fit_part(const struct fit_part *part, struct operators *operators,
              struct fit_intervals *intervals)
{
    double prior[FIT_PARAMETERS_MAX], spread[FIT_PARAMETERS_MAX];
    struct fit_answer answer = { .spread = 0 };
    struct fitting fitting = { .part = part, .start = *operators };
    for (size_t i = 0; i < part->coefficients; i++) {
        const struct coefficient *coefficient = &part->coefficient[i];
        prior[i] = to_parameter(coefficient->form, coefficient->prior);
        fitting.shift[i] = part->wide ? WIDE_FROM - prior[i] : 0;
        prior[i] += fitting.shift[i];
        spread[i] = coefficient->spread;
        answer.parameter[i] = prior[i];
    }
    struct fit_problem problem = { .parameters = part->coefficients,
                                   .residuals = part->rows,
                                   .residual = residuals,
                                   .context = &fitting,
                                   .prior = prior,
                                   .prior_spread = spread,
                                   .scale = part->wide ? SOFT_ERROR_OF_TABLES : SOFT_ERROR };
    fit_robust(&problem, &answer);
    set_all(&fitting, answer.parameter, operators);
    for (size_t i = 0; i < part->coefficients; i++)
        round_for_people(fit_member(operators, part->coefficient[i].offset));
    keep_intervals(&fitting, &answer, intervals);
}
