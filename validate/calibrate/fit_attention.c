/* validate/calibrate/fit_attention.c - see fit_attention.h. The fit alone; errors, the report and
 * the file are fit_attention_report.c's. */
#include "validate/calibrate/fit_attention.h"

#include "base/memory.h"
#include "validate/calibrate/fit_robust.h"
#include "validate/calibrate/fit_write.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOFT_ERROR (1.0 / 12) /* beyond 8 %, a launch is a library's odd choice, not a trend */
#define KEY_BYTES 64

/* What is positive is fitted by its logarithm, a share by its log odds, what is over 1 by the
 * logarithm of the rest. */
enum form { FORM_POSITIVE, FORM_SHARE, FORM_OVER_ONE };

struct coefficient {
    const struct config_row *row;
    enum form form;
};

/* One fit: the launches it sees and the coefficients that it may move. */
struct part {
    struct gpu_peak peak;
    struct attention_fit fit; /* what is not fitted */
    const struct attention_launch **launch;
    size_t launches;
    struct coefficient coefficient[FIT_PARAMETERS_MAX];
    size_t coefficients;
};

/* ---- coefficients ---- */

static const struct config_row *row_of(const char *key)
{
    const struct config_row *row = attention_rows;
    while (row->key != NULL && strcmp(row->key, key) != 0)
        row++;
    assert(row->key != NULL);
    return row;
}

static double *member(struct attention_fit *fit, const struct config_row *row)
{
    return (double *)(void *)((char *)fit + row->offset);
}

static double to_parameter(enum form form, double value)
{
    return form == FORM_POSITIVE ? log(value)
           : form == FORM_SHARE  ? log(value / (1 - value))
                                 : log(value - 1);
}

static double from_parameter(enum form form, double parameter)
{
    return form == FORM_POSITIVE ? exp(parameter)
           : form == FORM_SHARE  ? 1 / (1 + exp(-parameter))
                                 : 1 + exp(parameter);
}

static double clamped(double value, double low, double high)
{
    return fmin(fmax(value, low), high);
}

/* Within what a file may say. */
static void set_all(const struct part *part, const double *parameter, struct attention_fit *fit)
{
    for (size_t i = 0; i < part->coefficients; i++) {
        const struct config_row *row = part->coefficient[i].row;
        double value = from_parameter(part->coefficient[i].form, parameter[i]);
        *member(fit, row) = clamped(value, row->min, row->max);
    }
}

static void add(struct part *part, enum form form, const char *prefix, const char *name)
{
    char key[2 * KEY_BYTES];
    snprintf(key, sizeof key, "%s.%s", prefix, name);
    assert(part->coefficients < FIT_PARAMETERS_MAX);
    part->coefficient[part->coefficients++] = (struct coefficient){ row_of(key), form };
}

/* ---- a part ---- */

static void residuals(const void *context, const double *parameter, double *out)
{
    const struct part *part = context;
    struct attention_fit fit = part->fit;
    set_all(part, parameter, &fit);
    for (size_t i = 0; i < part->launches; i++)
        out[i] = log(attention_predict_ns(&fit, part->peak, part->launch[i]) /
                     part->launch[i]->measured_ns);
}

static void fit_part(struct part *part, struct attention_fit *fit)
{
    double prior[FIT_PARAMETERS_MAX], spread[FIT_PARAMETERS_MAX];
    struct fit_answer answer = { .spread = 0 };
    if (part->launches == 0)
        return;
    part->fit = *fit;
    for (size_t i = 0; i < part->coefficients; i++) {
        const struct coefficient *coefficient = &part->coefficient[i];
        prior[i] = to_parameter(coefficient->form, strtod(coefficient->row->standard, NULL));
        answer.parameter[i] = prior[i];
        spread[i] = 2;
    }
    struct fit_problem problem = { .parameters = part->coefficients,
                                   .residuals = part->launches,
                                   .residual = residuals,
                                   .context = part,
                                   .prior = prior,
                                   .prior_spread = spread,
                                   .scale = SOFT_ERROR };
    fit_robust(&problem, &answer);
    set_all(part, answer.parameter, fit);
    for (size_t i = 0; i < part->coefficients; i++)
        fit_round(member(fit, part->coefficient[i].row));
}

/* ---- which launches ---- */

/* Numbers that differ by a constant factor fall into any fold. */
static uint32_t fold_of(double a, double b, double c)
{
    uint64_t mixed = (uint64_t)a * 0x9e3779b97f4a7c15u ^ (uint64_t)b * 0xc2b2ae3d27d4eb4fu ^
                     (uint64_t)c * 0x165667b19e3779f9u;
    return (uint32_t)((mixed ^ mixed >> 31) * 0x9e3779b97f4a7c15u >> 40) % ATTENTION_FOLDS;
}

bool attention_is_hidden(const struct attention_launch *launch, struct attention_choice choice)
{
    double context =
        launch->decode_sequences > 0 ? launch->decode_context / launch->decode_sequences : 0;
    switch (choice.hidden) {
    case HIDE_HEADS:
        return fold_of(launch->heads, launch->kv_heads, launch->head_dim) == choice.fold;
    case HIDE_LENGTHS:
        return fold_of(launch->new_tokens, launch->cached_tokens, context) == choice.fold;
    case HIDE_CACHED:
        return launch->cached_tokens > 0;
    case HIDE_NOTHING:
        break;
    }
    return false;
}

/* The launches that `wants` takes and the choice does not hide, thinned out. */
static void take(const struct attention_profile *profile, struct attention_choice choice,
                 bool (*wants)(const struct attention_launch *launch, double kv_bytes),
                 double bytes, struct part *part)
{
    part->launches = part->coefficients = 0;
    for (uint32_t i = 0; i < profile->count; i++)
        if (wants(&profile->launch[i], bytes) && !attention_is_hidden(&profile->launch[i], choice))
            part->launch[part->launches++] = &profile->launch[i];
    size_t stride = choice.rows_most > 0 ? part->launches / choice.rows_most + 1 : 1, kept = 0;
    for (size_t i = 0; i < part->launches; i += stride)
        part->launch[kept++] = part->launch[i];
    part->launches = kept;
}

static bool decodes(const struct attention_launch *launch, double kv_bytes)
{
    return !launch->latent && launch->kv_bytes == kv_bytes && launch->part == ATTENTION_DECODE;
}

static bool prefills(const struct attention_launch *launch, double kv_bytes)
{
    return !launch->latent && launch->kv_bytes == kv_bytes && launch->part != ATTENTION_DECODE;
}

static bool is_latent(const struct attention_launch *launch, double kv_bytes)
{
    return launch->latent && launch->kv_bytes <= kv_bytes;
}

/* ---- kinds of parts ---- */

static const char *const width_names[ATTENTION_WIDTHS] = { "64", "128", "192", "256", "512" };
static const double width_most[ATTENTION_WIDTHS] = { 64, 128, 192, 256, 1e9 };

static bool any(const struct attention_launch *launch)
{
    (void)launch;
    return true;
}

static bool windowed(const struct attention_launch *launch)
{
    return launch->window_tokens > 0;
}

/* FlashInfer's larger tile. */
static bool many_share(const struct attention_launch *launch)
{
    return launch->heads / launch->kv_heads > 16;
}

/* Adds a width's coefficient where a launch that tells it has such heads. */
static void add_widths(struct part *part, const char *prefix, const char *name,
                       bool (*tells)(const struct attention_launch *launch))
{
    double from = 0;
    for (int w = 0; w < ATTENTION_WIDTHS; from = width_most[w++]) {
        bool seen = false;
        for (size_t i = 0; i < part->launches && !seen; i++)
            seen = part->launch[i]->head_dim > from && part->launch[i]->head_dim <= width_most[w] &&
                   tells(part->launch[i]);
        char width[KEY_BYTES / 2];
        snprintf(width, sizeof width, "%s.%s", width_names[w], name);
        if (seen)
            add(part, FORM_POSITIVE, prefix, width);
    }
}

static bool any_cold(const struct part *part)
{
    for (size_t i = 0; i < part->launches; i++)
        if (part->launch[i]->cold)
            return true;
    return false;
}

static bool any_wider(const struct part *part, double head_dim)
{
    for (size_t i = 0; i < part->launches; i++)
        if (part->launch[i]->head_dim > head_dim)
            return true;
    return false;
}

static bool any_mixed(const struct part *part)
{
    for (size_t i = 0; i < part->launches; i++)
        if (part->launch[i]->part == ATTENTION_MIXED)
            return true;
    return false;
}

static void fit_decode(const struct attention_profile *profile, struct attention_choice choice,
                       double bytes, const char *prefix, struct part *part,
                       struct attention_fit *fit)
{
    static const char *const names[] = { "decode_ns",         "split_ns",         "split_part_ns",
                                         "tile_bytes_per_ns", "decode_overlap",   "decode_mix",
                                         "head_ns",           "decode_flop_share" };
    const struct attention_coefficients *from = bytes < 2 ? &fit->narrow : &fit->wide;
    bool second = from->kernel == ATTENTION_FLASH_2, third = from->kernel == ATTENTION_FLASH_3;
    take(profile, choice, decodes, bytes, part);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add(part, FORM_POSITIVE, prefix, names[i]);
    add(part, FORM_OVER_ONE, prefix, "splits_most");
    if (!any_cold(part)) {
        add(part, FORM_POSITIVE, prefix, "l2_start");
        add(part, FORM_POSITIVE, prefix, "l2_fade");
        add(part, FORM_OVER_ONE, prefix, "l2_gain");
    }
    if (third) {
        add(part, FORM_POSITIVE, prefix, "sequence_ns");
        add(part, FORM_POSITIVE, prefix, "hidden_keys");
    }
    if (third && from->walk_splits > 0 && any_wider(part, 256)) {
        add(part, FORM_POSITIVE, prefix, "walk_ns");
        add(part, FORM_POSITIVE, prefix, "walk_join_ns");
    }
    if (second)
        add(part, FORM_POSITIVE, prefix, "regroup_ns");
    if (second)
        add(part, FORM_POSITIVE, prefix, "reread");
    add_widths(part, prefix, "decode_efficiency", any);
    add_widths(part, prefix, "decode_tile_ns", any);
    add_widths(part, prefix, "decode_window_ns", windowed);
    if (from->kernel == ATTENTION_FLASHINFER)
        add_widths(part, prefix, "decode_group_ns", many_share);
    fit_part(part, fit);
}

static void fit_prefill(const struct attention_profile *profile, struct attention_choice choice,
                        double bytes, const char *prefix, struct part *part,
                        struct attention_fit *fit)
{
    static const char *const names[] = { "prefill_ns",        "update_ns", "update_efficiency",
                                         "stream_efficiency", "overlap",   "longest" };
    take(profile, choice, prefills, bytes, part);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add(part, FORM_POSITIVE, prefix, names[i]);
    add(part, FORM_SHARE, prefix, "tail");
    int kernel = bytes < 2 ? fit->narrow.kernel : fit->wide.kernel;
    if (kernel == ATTENTION_FLASHINFER)
        add(part, FORM_POSITIVE, prefix, "join_ns");
    if (kernel == ATTENTION_FLASH_3)
        add(part, FORM_POSITIVE, prefix, "uneven_ns");
    if (any_mixed(part)) {
        add(part, FORM_POSITIVE, prefix, "reread");
        add(part, FORM_POSITIVE, prefix, "empty_ns");
        add(part, FORM_POSITIVE, prefix, "l2_start");
        add(part, FORM_POSITIVE, prefix, "l2_fade");
    }
    add_widths(part, prefix, "efficiency", any);
    add_widths(part, prefix, "tile_ns", any);
    fit_part(part, fit);
}

static void fit_latent(const struct attention_profile *profile, struct attention_choice choice,
                       struct part *part, struct attention_fit *fit)
{
    static const char *const names[] = {
        "host_ns",          "prefill_ns",    "prefill_efficiency", "prefill_head_ns",
        "prefill_token_ns", "decode_ns",     "decode_efficiency",  "decode_flop_share",
        "decode_tile_ns",   "decode_head_ns"
    };
    take(profile, choice, is_latent, 2, part);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        add(part, FORM_POSITIVE, "latent", names[i]);
    fit->latent_fitted = fit->latent_fitted || part->launches > 0;
    fit_part(part, fit);
}

void fit_attention(const struct attention_profile *profile, struct gpu_peak peak,
                   struct attention_choice choice, struct attention_fit *fit)
{
    struct part part = { .peak = peak, .launch = memory_new(profile->count, sizeof *part.launch) };
    for (uint32_t i = 0; i < profile->count; i++)
        fit->narrow_fitted =
            fit->narrow_fitted || (!profile->launch[i].latent && profile->launch[i].kv_bytes < 2);
    fit_decode(profile, choice, 2, "wide", &part, fit);
    fit_prefill(profile, choice, 2, "wide", &part, fit);
    fit_decode(profile, choice, 1, "narrow", &part, fit);
    fit_prefill(profile, choice, 1, "narrow", &part, fit);
    fit_latent(profile, choice, &part, fit);
    free(part.launch);
}

/* DeepSeek-V3's, as the tables of MLA have them. */
static double predict_latent_ns(const struct attention_fit *fit, struct gpu_peak peak,
                                const struct attention_launch *launch)
{
    struct latent_shape shape = { .heads = launch->heads,
                                  .latent_dim = 512,
                                  .rope_dim = 64,
                                  .head_dim = 128,
                                  .kv_bytes = launch->kv_bytes,
                                  .eager = true };
    if (launch->part == ATTENTION_DECODE)
        return attention_latent_decode_ns(fit, peak, &shape, launch->decode_sequences,
                                          launch->decode_context);
    return attention_latent_prefill_ns(fit, peak, &shape, launch->sequences, launch->new_tokens,
                                       launch->cached_tokens);
}

double attention_predict_ns(const struct attention_fit *fit, struct gpu_peak peak,
                            const struct attention_launch *launch)
{
    if (launch->latent)
        return predict_latent_ns(fit, peak, launch);
    struct attention_shape shape = { .heads = launch->heads,
                                     .kv_heads = launch->kv_heads,
                                     .head_dim = launch->head_dim,
                                     .window_tokens = launch->window_tokens,
                                     .kv_bytes = launch->kv_bytes,
                                     .cold = launch->cold };
    if (launch->part == ATTENTION_MIXED)
        return attention_mixed_ns(fit, peak, &shape, launch->new_tokens, launch->cached_tokens,
                                  launch->decode_sequences, launch->decode_context);
    if (launch->part == ATTENTION_DECODE)
        return attention_decode_ns(fit, peak, &shape, launch->decode_sequences,
                                   launch->decode_context);
    return attention_prefill_ns(fit, peak, &shape, launch->sequences, launch->new_tokens,
                                launch->cached_tokens);
}
