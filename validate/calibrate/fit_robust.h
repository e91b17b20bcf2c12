/* validate/calibrate/fit_robust.h - a nonlinear least-squares fit that outliers do not pull, on
 * GSL. */
#ifndef REPRISE_VALIDATE_CALIBRATE_FIT_ROBUST_H
#define REPRISE_VALIDATE_CALIBRATE_FIT_ROBUST_H

#include <stddef.h>

#define FIT_PARAMETERS_MAX 32

/* residual(context, parameter, out) writes `residuals` values, relative errors as logarithms: 0.1
 * is 10 % off. Each parameter is drawn towards its prior: one prior_spread away weighs as much as
 * one residual of `scale`, so that what the data do not tell stays where it was. */
struct fit_problem {
    size_t parameters, residuals;
    void (*residual)(const void *context, const double *parameter, double *out);
    const void *context;
    const double *prior, *prior_spread;
    double scale; /* a residual beyond it counts less than its square, soft-L1 */
};

struct fit_answer {
    double parameter[FIT_PARAMETERS_MAX];
    double half_width_95[FIT_PARAMETERS_MAX]; /* of a confidence interval, from the covariance */
    double spread;                            /* robust standard deviation of the residuals */
    size_t iterations;
};

/* Levenberg-Marquardt (gsl_multifit_nlinear) inside iteratively re-weighted least squares, from
 * answer->parameter. Deterministic. Fails only by a bug of ours or exhausted memory: asserts. */
void fit_robust(const struct fit_problem *problem, struct fit_answer *answer);

#endif
