/* validate/calibrate/fit_robust.c - see fit_robust.h. */
#include "validate/calibrate/fit_robust.h"

#include "base/memory.h"
#include "validate/calibrate/gsl_guard.h"

#include <assert.h>
#include <gsl/gsl_blas.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define REWEIGHTINGS 4
#define STEPS_MOST 12
#define DIFFERENCE 1e-3 /* a product's time has kinks: wide enough to see past them */

struct residual_call {
    const struct fit_problem *problem;
    double *plain; /* GSL asks for columns of a matrix too: vectors with a stride */
};

/* Residuals of the data, then one of each parameter's distance to its prior. */
static int all_residuals(const gsl_vector *at, void *context, gsl_vector *out)
{
    const struct residual_call *call = context;
    const struct fit_problem *problem = call->problem;
    assert(at->stride == 1);
    problem->residual(problem->context, at->data, call->plain);
    for (size_t i = 0; i < problem->residuals; i++)
        gsl_vector_set(out, i, call->plain[i]);
    for (size_t i = 0; i < problem->parameters; i++)
        gsl_vector_set(out, problem->residuals + i,
                       problem->scale * (at->data[i] - problem->prior[i]) /
                           problem->prior_spread[i]);
    return GSL_SUCCESS;
}

/* Soft-L1's weight: quadratic near 0, linear far out. */
static void reweigh(const struct fit_problem *problem, const gsl_vector *residual,
                    gsl_vector *weight)
{
    for (size_t i = 0; i < weight->size; i++) {
        double far = residual->data[i] / problem->scale;
        weight->data[i] = i < problem->residuals ? 1 / sqrt(1 + far * far) : 1;
    }
}

/* 1.4826 times the median of the absolute residuals: the deviation of a normal distribution. */
static double robust_spread(const double *residual, size_t count)
{
    double *sorted = memory_new(count, sizeof *sorted);
    for (size_t i = 0; i < count; i++)
        sorted[i] = fabs(residual[i]);
    gsl_sort(sorted, 1, count);
    double median = gsl_stats_median_from_sorted_data(sorted, 1, count);
    free(sorted);
    return 1.4826 * median;
}

static void describe(const struct fit_problem *problem, gsl_multifit_nlinear_workspace *work,
                     struct fit_answer *answer)
{
    size_t count = problem->residuals + problem->parameters;
    double *residual = memory_new(count, sizeof *residual);
    problem->residual(problem->context, answer->parameter, residual);
    answer->spread = robust_spread(residual, problem->residuals);
    gsl_matrix *covariance = gsl_matrix_alloc(problem->parameters, problem->parameters);
    gsl_multifit_nlinear_covar(gsl_multifit_nlinear_jac(work), 0, covariance);
    for (size_t i = 0; i < problem->parameters; i++)
        answer->half_width_95[i] =
            1.96 * answer->spread * sqrt(fmax(0, gsl_matrix_get(covariance, i, i)));
    gsl_matrix_free(covariance);
    free(residual);
}

void fit_robust(const struct fit_problem *problem, struct fit_answer *answer)
{
    size_t parameters = problem->parameters, count = problem->residuals + parameters;
    assert(parameters >= 1 && parameters <= FIT_PARAMETERS_MAX);
    gsl_guard();
    struct residual_call call = { problem, memory_new(problem->residuals, sizeof *call.plain) };
    gsl_multifit_nlinear_parameters settings = gsl_multifit_nlinear_default_parameters();
    settings.h_df = DIFFERENCE;
    settings.scale = gsl_multifit_nlinear_scale_levenberg;
    gsl_multifit_nlinear_fdf functions = {
        .f = all_residuals, .n = count, .p = parameters, .params = &call
    };
    gsl_multifit_nlinear_workspace *work =
        gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &settings, count, parameters);
    gsl_vector *weight = gsl_vector_alloc(count), *residual = gsl_vector_alloc(count);
    assert(work != NULL && weight != NULL && residual != NULL);
    gsl_vector_view at = gsl_vector_view_array(answer->parameter, parameters);
    answer->iterations = 0;
    for (int round = 0; round < REWEIGHTINGS; round++) {
        int why = 0;
        all_residuals(&at.vector, &call, residual);
        reweigh(problem, residual, weight);
        gsl_multifit_nlinear_winit(&at.vector, weight, &functions, work);
        /* Where no step helps, rounding or a kink has been reached: the best point stands. */
        gsl_multifit_nlinear_driver(STEPS_MOST, 1e-4, 1e-6, 0, NULL, NULL, &why, work);
        gsl_vector_memcpy(&at.vector, gsl_multifit_nlinear_position(work));
        answer->iterations += gsl_multifit_nlinear_niter(work);
    }
    describe(problem, work, answer);
    free(call.plain);
    gsl_vector_free(residual);
    gsl_vector_free(weight);
    gsl_multifit_nlinear_free(work);
}
