/* validate/calibrate/calibration_fit.c - robust lines and medians through a calibration's samples.
 * Lines: gsl_multifit_robust with the bisquare weight (GSL 2.7 manual, "Robust linear regression"):
 * a sample that another process disturbed does not pull the line. Samples are weighted by 1 / x,
 * since a duration's spread grows with it. */
#include "validate/calibrate/calibration.h"

#include "base/memory.h"
#include "validate/calibrate/gsl_guard.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_multifit.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct line {
    double base, slope, base_error, slope_error, residual;
    uint32_t samples;
};

static struct store_fit *add(struct calibration_fits *fits, const char *what, const char *parameter)
{
    memory_grow(&fits->fit, &fits->capacity, (uint64_t)fits->count + 1, sizeof *fits->fit);
    struct store_fit *fit = &fits->fit[fits->count++];
    snprintf(fit->what, sizeof fit->what, "%s", what);
    snprintf(fit->parameter, sizeof fit->parameter, "%s", parameter);
    return fit;
}

static double median(double *values, uint32_t count)
{
    gsl_sort(values, 1, count);
    return gsl_stats_median_from_sorted_data(values, 1, count);
}

/* y = base + slope x by relative residuals: both sides are divided by y. */
static void fit_relative(const double *x, const double *y, uint32_t count, struct line *line)
{
    gsl_matrix *design = gsl_matrix_alloc(count, 2);
    gsl_vector *ones = gsl_vector_alloc(count), *c = gsl_vector_alloc(2);
    gsl_matrix *covariance = gsl_matrix_alloc(2, 2);
    for (uint32_t i = 0; i < count; i++) {
        gsl_matrix_set(design, i, 0, 1.0 / y[i]);
        gsl_matrix_set(design, i, 1, x[i] / y[i]);
        gsl_vector_set(ones, i, 1.0);
    }
    gsl_multifit_robust_workspace *work =
        gsl_multifit_robust_alloc(gsl_multifit_robust_bisquare, count, 2);
    /* GSL_EMAXITER: the weights still move in their last digits; the line is as good. */
    gsl_multifit_robust(design, ones, c, covariance, work);
    line->base = gsl_vector_get(c, 0);
    line->slope = gsl_vector_get(c, 1);
    line->base_error = sqrt(fabs(gsl_matrix_get(covariance, 0, 0)));
    line->slope_error = sqrt(fabs(gsl_matrix_get(covariance, 1, 1)));
    double *residual = memory_new(count, sizeof *residual);
    for (uint32_t i = 0; i < count; i++)
        residual[i] = fabs((line->base + line->slope * x[i]) / y[i] - 1.0);
    line->residual = median(residual, count);
    line->samples = count;
    free(residual);
    gsl_multifit_robust_free(work);
    gsl_matrix_free(design);
    gsl_matrix_free(covariance);
    gsl_vector_free(ones);
    gsl_vector_free(c);
}

struct picked {
    double *x, *y, *value;
    uint32_t count;
};

static struct picked pick(const struct calibration_samples *samples, const char *what)
{
    struct picked picked = { .x = memory_new(samples->count, sizeof(double)),
                             .y = memory_new(samples->count, sizeof(double)),
                             .value = memory_new(samples->count, sizeof(double)) };
    for (uint32_t i = 0; i < samples->count; i++) {
        const struct sample *sample = &samples->sample[i];
        if (strcmp(sample->what, what) != 0)
            continue;
        picked.x[picked.count] = sample->x;
        picked.y[picked.count] = sample->y;
        picked.value[picked.count++] = sample->value_ns;
    }
    return picked;
}

static void picked_free(struct picked *picked)
{
    free(picked->x);
    free(picked->y);
    free(picked->value);
}

static enum status check_count(uint32_t count, const char *what, struct error *err)
{
    if (count >= 4)
        return STATUS_OK;
    return error_input(err, NULL, 0, what, "at least 4 samples for a fit", "fewer");
}

static void add_line(struct calibration_fits *fits, const char *what, const char *parameter,
                     double value, double error, const struct line *line)
{
    double t = gsl_cdf_tdist_Pinv(0.975, line->samples > 2 ? line->samples - 2 : 1);
    struct store_fit *fit = add(fits, what, parameter);
    fit->value = value;
    fit->low = value - t * error;
    fit->high = value + t * error;
    fit->residual = line->residual;
    fit->samples = line->samples;
}

/* The least or greatest of some values. */
static double edge(const double *values, uint32_t count, bool greatest)
{
    double found = values[0];
    for (uint32_t i = 1; i < count; i++)
        if (greatest ? values[i] > found : values[i] < found)
            found = values[i];
    return found;
}

/* The samples of x >= least_x, moved to the front; how many. */
static uint32_t keep_from(struct picked *picked, double least_x)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < picked->count; i++) {
        if (picked->x[i] < least_x)
            continue;
        picked->x[kept] = picked->x[i];
        picked->value[kept++] = picked->value[i];
    }
    return kept;
}

/* What the least copies took beyond their bytes at the line's rate. */
static double latency_of(const struct calibration_samples *samples, const char *what,
                         const struct line *line, struct calibration_fits *fits)
{
    struct picked picked = pick(samples, what);
    double least = edge(picked.x, picked.count, false);
    uint32_t count = 0;
    for (uint32_t i = 0; i < picked.count; i++)
        if (picked.x[i] == least)
            picked.value[count++] = picked.value[i] - least * line->slope;
    double latency_ns = median(picked.value, count);
    struct store_fit *fit = add(fits, what, "latency_ns");
    fit->value = latency_ns;
    fit->low = picked.value[0];
    fit->high = picked.value[count - 1];
    fit->residual = (fit->high - fit->low) / (latency_ns + least * line->slope);
    fit->samples = count;
    picked_free(&picked);
    return latency_ns > 0.0 ? latency_ns : 0.0;
}

static void add_rate(const struct calibration_samples *samples, const char *what,
                     const struct line *line, struct calibration_fits *fits, double *bytes_per_s,
                     double *latency_ns)
{
    double rate = 1e9 / line->slope, error = rate * line->slope_error / line->slope;
    add_line(fits, what, "bytes_per_s", rate, error, line);
    *bytes_per_s = rate;
    double above_ns = latency_of(samples, what, line, fits);
    if (latency_ns != NULL)
        *latency_ns = above_ns;
}

/* Time = latency + bytes / rate. The rate is that of the larger copies, which move nearly all
 * bytes: over five decades a line through all would follow the many small sizes, where a few
 * microseconds are most of it. */
static enum status fit_link(const struct calibration_samples *samples, const char *what,
                            struct calibration_fits *fits, double *bytes_per_s, double *latency_ns,
                            struct error *err)
{
    struct picked picked = pick(samples, what);
    enum status status = check_count(picked.count, what, err);
    if (status == STATUS_OK) {
        struct line line;
        double least = edge(picked.x, picked.count, false);
        double most = edge(picked.x, picked.count, true), middle = sqrt(least * most);
        bool several = false;
        for (uint32_t i = 0; i < picked.count; i++)
            several |= picked.x[i] >= middle && picked.x[i] < most;
        picked.count = keep_from(&picked, several ? middle : least);
        fit_relative(picked.x, picked.value, picked.count, &line);
        if (line.slope > 0.0)
            add_rate(samples, what, &line, fits, bytes_per_s, latency_ns);
        else
            status = error_io(err, what, "fit a rate",
                              "larger copies took no longer: the machine was busy with something "
                              "else");
    }
    picked_free(&picked);
    return status;
}

/* The median of a point's samples, with the order statistics that bound it. */
static double point(const struct picked *picked, double x, double y, struct calibration_fits *fits,
                    const char *what)
{
    double *values = memory_new(picked->count, sizeof *values), value = 0.0;
    uint32_t count = 0;
    for (uint32_t i = 0; i < picked->count; i++)
        if (picked->x[i] == x && picked->y[i] == y)
            values[count++] = picked->value[i];
    if (count > 0) {
        struct store_fit *fit = add(fits, what, "median_ns");
        value = median(values, count);
        *fit = (struct store_fit){ .x = x,
                                   .y = y,
                                   .value = value,
                                   .low = values[0],
                                   .high = values[count - 1],
                                   .samples = count,
                                   .residual = (values[count - 1] - values[0]) / value };
        snprintf(fit->what, sizeof fit->what, "%s", what);
        snprintf(fit->parameter, sizeof fit->parameter, "median_ns");
    }
    free(values);
    return value;
}

static uint32_t place(double *axis, uint32_t *count, double value)
{
    uint32_t i = 0;
    while (i < *count && axis[i] != value)
        i++;
    if (i == *count && i < MEASURED_MOST)
        axis[(*count)++] = value;
    return i;
}

/* The median over what does not depend on it: overhead belongs to the number of new tokens. */
static double overhead_of(const struct picked *picked, double new_tokens)
{
    double *values = memory_new(picked->count, sizeof *values);
    uint32_t count = 0;
    for (uint32_t i = 0; i < picked->count; i++)
        if (picked->x[i] == new_tokens)
            values[count++] = picked->value[i];
    double value = count > 0 ? median(values, count) : 0.0;
    free(values);
    return value;
}

static enum status fit_prefill(const struct calibration_samples *samples,
                               struct calibration_fits *fits, struct error *err)
{
    struct picked layer = pick(samples, "prefill_layer"), rest = pick(samples, "prefill_overhead");
    struct measured_timing *measured = &fits->measured;
    for (uint32_t i = 0; i < layer.count; i++) {
        place(measured->new_tokens, &measured->news, layer.x[i]);
        place(measured->cached_tokens, &measured->cacheds, layer.y[i]);
    }
    for (uint32_t i = 0; i < measured->news; i++) {
        measured->overhead_ns[i] = overhead_of(&rest, measured->new_tokens[i]);
        for (uint32_t j = 0; j < measured->cacheds; j++) {
            double value = point(&layer, measured->new_tokens[i], measured->cached_tokens[j], fits,
                                 "prefill_layer");
            measured->layer_ns[i][j] = value;
            measured->points += value > 0.0;
        }
    }
    picked_free(&layer);
    picked_free(&rest);
    if (measured->points < 4 || measured->points != measured->news * measured->cacheds)
        return error_input(err, NULL, 0, "prefill_layer", "a full grid of samples",
                           "a part of one");
    return STATUS_OK;
}

/* For each batch a line over the context. */
static enum status fit_decode(const struct calibration_samples *samples,
                              struct calibration_fits *fits, struct error *err)
{
    struct picked all = pick(samples, "decode");
    struct measured_timing *measured = &fits->measured;
    enum status status = check_count(all.count, "decode", err);
    for (uint32_t i = 0; i < all.count; i++)
        place(measured->batch, &measured->batches, all.x[i]);
    for (uint32_t b = 0; b < measured->batches && status == STATUS_OK; b++) {
        char what[48];
        struct line line;
        uint32_t count = 0;
        double *x = memory_new(all.count, sizeof *x), *y = memory_new(all.count, sizeof *y);
        for (uint32_t i = 0; i < all.count; i++)
            if (all.x[i] == measured->batch[b]) {
                x[count] = all.y[i];
                y[count++] = all.value[i];
            }
        status = check_count(count, "decode", err);
        if (status == STATUS_OK) {
            fit_relative(x, y, count, &line);
            snprintf(what, sizeof what, "decode of %.0f", measured->batch[b]);
            add_line(fits, what, "base_ns", line.base, line.base_error, &line);
            add_line(fits, what, "per_token_ns", line.slope, line.slope_error, &line);
            measured->base_ns[b] = line.base > 1.0 ? line.base : 1.0;
            measured->per_token_ns[b] = line.slope > 0.0 ? line.slope : 0.0;
        }
        free(x);
        free(y);
    }
    picked_free(&all);
    return status;
}

static void fit_points(const struct calibration_samples *samples, const char *what,
                       struct calibration_fits *fits)
{
    struct picked picked = pick(samples, what);
    for (uint32_t i = 0; i < picked.count; i++) {
        bool first = true;
        for (uint32_t before = 0; before < i && first; before++)
            first = picked.x[before] != picked.x[i] || picked.y[before] != picked.y[i];
        if (!first)
            continue;
        double time_ns = point(&picked, picked.x[i], picked.y[i], fits, what);
        if (strcmp(what, "gemm") == 0)
            fits->flop_per_s = 2.0 * picked.x[i] * picked.y[i] * picked.y[i] / time_ns * 1e9;
    }
    picked_free(&picked);
}

/* What the simulator says of a launch that prefills beside decoding sequences (fit's x and y), all
 * with `cached` tokens. */
static double mixed_predicted_ns(const struct measured_timing *measured,
                                 const struct store_fit *fit, uint32_t cached)
{
    const struct timing timing = { .measured = *measured, .is_measured = true };
    const struct timing_work work = { .prefills = 1,
                                      .prefill_new = (uint64_t)fit->x,
                                      .prefill_cached = cached,
                                      .decodes = (uint32_t)fit->y,
                                      .decode_context = (uint64_t)fit->y * (cached + UINT64_C(1)) };
    const struct prefill_time time = timing_mixed(&timing, &work);
    return (double)time.layer_ns * measured->shape[0] + (double)time.overhead_ns;
}

/* The median of what the points took besides. */
static void fit_mixed_layer(const struct store_fit *points, uint32_t count, uint32_t cached,
                            struct measured_timing *measured)
{
    double *besides_ns = memory_new(count, sizeof *besides_ns);
    for (uint32_t i = 0; i < count; i++)
        besides_ns[i] = (points[i].value - mixed_predicted_ns(measured, &points[i], cached)) /
                        measured->shape[0];
    double layer_ns = count > 0 ? median(besides_ns, count) : 0.0;
    measured->mixed_layer_ns = layer_ns > 0.0 ? layer_ns : 0.0;
    free(besides_ns);
}

/* Prefill and decode are fitted by then. */
static void fit_mixed(const struct calibration_samples *samples, struct calibration_fits *fits)
{
    const uint32_t first = fits->count, cached = samples->mixed_context_tokens;
    fit_points(samples, "mixed", fits);
    const struct store_fit *points = fits->fit + first;
    fits->mixed = fits->count - first;
    fit_mixed_layer(points, fits->mixed, cached, &fits->measured);
    for (uint32_t i = 0; i < fits->mixed; i++) {
        double over =
            points[i].value / mixed_predicted_ns(&fits->measured, &points[i], cached) - 1.0;
        if (i == 0 || over < fits->mixed_least)
            fits->mixed_least = over;
        if (i == 0 || over > fits->mixed_greatest)
            fits->mixed_greatest = over;
        fits->mixed_mean += over / fits->mixed;
    }
}

/* What both directions move together while both are busy. Equal copies begin at once; the faster
 * direction's end the first, and what the slower had moved by then is its bytes less what it moved
 * alone afterwards. */
static double sum_of_both(double h2d, double d2h, double h2d_both, double d2h_both)
{
    bool loads_first = h2d_both > d2h_both;
    double fast = loads_first ? h2d_both : d2h_both, slow = loads_first ? d2h_both : h2d_both;
    double slow_alone = loads_first ? d2h : h2d;
    double sum = 2.0 * fast - slow_alone * (fast / slow - 1.0);
    return sum > fast ? sum : fast; /* noise apart, the slower moves something too */
}

/* Directions that lose less together than this are independent: what is measured varies as much. */
static const double INDEPENDENT_SHARE = 0.95;

/* What bounds two directions while both move; 0: nothing. It may be less than one of them moves
 * alone: a disk that serves by turns does so. */
static double bound_of_both(double one, double other, double together)
{
    return together >= INDEPENDENT_SHARE * (one + other) ? 0.0 : together;
}

static enum status fit_copies(const struct calibration_samples *samples,
                              struct calibration_fits *fits, struct error *err)
{
    double h2d_both = 0.0, d2h_both = 0.0;
    enum status status =
        fit_link(samples, "copy_h2d", fits, &fits->h2d_bytes_per_s, &fits->h2d_latency_ns, err);
    if (status == STATUS_OK)
        status = fit_link(samples, "copy_d2h", fits, &fits->d2h_bytes_per_s, NULL, err);
    if (status == STATUS_OK)
        status = fit_link(samples, "copy_h2d_both", fits, &h2d_both, NULL, err);
    if (status == STATUS_OK)
        status = fit_link(samples, "copy_d2h_both", fits, &d2h_both, NULL, err);
    if (status != STATUS_OK)
        return status;
    double both = sum_of_both(fits->h2d_bytes_per_s, fits->d2h_bytes_per_s, h2d_both, d2h_both);
    fits->both_bytes_per_s = bound_of_both(fits->h2d_bytes_per_s, fits->d2h_bytes_per_s, both);
    return STATUS_OK;
}

/* ---- the disk ---- */

/* The rate at the size of a run's requests, slices or pages, with as many out as several transfers
 * have: small requests cost a disk more than their bytes, so that no line through sizes holds. */
static enum status fit_disk(const struct calibration_samples *samples, const char *what, bool pages,
                            struct calibration_fits *fits, double *bytes_per_s, double *latency_ns,
                            struct error *err)
{
    struct picked picked = pick(samples, what);
    if (picked.count == 0) {
        picked_free(&picked);
        return error_input(err, NULL, 0, what, "samples of the disk", "none");
    }
    double bytes = edge(picked.x, picked.count, pages);
    double time_ns = point(&picked, bytes, edge(picked.y, picked.count, true), fits, what);
    struct store_fit at_depth = fits->fit[fits->count - 1];
    double alone_ns = point(&picked, bytes, edge(picked.y, picked.count, false), fits, what);
    struct store_fit alone = fits->fit[fits->count - 1];
    struct store_fit *fit = add(fits, what, "bytes_per_s");
    fit->value = *bytes_per_s = bytes / time_ns * 1e9;
    fit->low = bytes / at_depth.high * 1e9;
    fit->high = bytes / at_depth.low * 1e9;
    fit->residual = at_depth.residual;
    fit->samples = at_depth.samples;
    fit = add(fits, what, "latency_ns");
    fit->value = alone_ns > time_ns ? alone_ns - time_ns : 0.0;
    fit->low = alone.low - time_ns;
    fit->high = alone.high - time_ns;
    fit->residual = alone.residual;
    fit->samples = alone.samples;
    if (latency_ns != NULL)
        *latency_ns = fit->value;
    picked_free(&picked);
    return STATUS_OK;
}

/* The rate of one direction while the other is busy; each has requests of one size and depth. */
static double rate_beside(const struct calibration_samples *samples, const char *what,
                          struct calibration_fits *fits)
{
    struct picked picked = pick(samples, what);
    double rate = 0.0;
    if (picked.count > 0)
        rate = picked.x[0] / point(&picked, picked.x[0], picked.y[0], fits, what) * 1e9;
    picked_free(&picked);
    return rate;
}

/* Unlike equal copies, which end one before the other, both are kept going as long. */
static void fit_disk_both(const struct calibration_samples *samples, struct calibration_fits *fits)
{
    double read = rate_beside(samples, "ssd_read_both", fits);
    double write = rate_beside(samples, "ssd_write_both", fits);
    if (read > 0.0 && write > 0.0)
        fits->ssd_both_bytes_per_s =
            bound_of_both(fits->ssd_read_bytes_per_s, fits->ssd_write_bytes_per_s, read + write);
}

enum status calibration_fit(const struct calibration_samples *samples, const struct model *model,
                            struct calibration_fits *fits, struct error *err)
{
    memset(fits, 0, sizeof *fits);
    gsl_guard();
    measured_timing_is_of(&fits->measured, model);
    enum status status = fit_prefill(samples, fits, err);
    if (status == STATUS_OK)
        status = fit_decode(samples, fits, err);
    if (status == STATUS_OK)
        status = fit_copies(samples, fits, err);
    if (status == STATUS_OK)
        status = fit_disk(samples, "ssd_read", false, fits, &fits->ssd_read_bytes_per_s,
                          &fits->ssd_latency_ns, err);
    if (status == STATUS_OK)
        status =
            fit_disk(samples, "ssd_write", true, fits, &fits->ssd_write_bytes_per_s, NULL, err);
    if (status == STATUS_OK)
        fit_disk_both(samples, fits);
    if (status == STATUS_OK)
        fit_mixed(samples, fits);
    fit_points(samples, "gemm", fits);
    fit_points(samples, "attention", fits);
    fit_points(samples, "prefill_alone", fits);
    fit_points(samples, "prefill_behind_decode", fits);
    fit_points(samples, "prefill_behind_pause", fits);
    fit_points(samples, "prefill_beside_copies", fits);
    if (status != STATUS_OK) {
        free(fits->fit);
        memset(fits, 0, sizeof *fits);
    }
    return status;
}
