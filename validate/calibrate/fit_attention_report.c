/* validate/calibrate/fit_attention_report.c - what calibrate_attention() does around the fit: hides
 * heads and lengths in turn, prints how well it predicts them, writes the file. */
#include "validate/calibrate/fit_attention.h"

#include "base/memory.h"
#include "models/models.h"
#include "validate/calibrate/fit_write.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MOST 3000   /* of a part of a fit: more change the third digit, and take minutes */
#define SHORT_NS 20000.0 /* below it a launch is its fixed cost */

/* Each launch's errors: of the fit to all, and of those that had not seen it. */
struct errors {
    double *fitted, *heads, *lengths, *cached;
};

static void predict(const struct attention_profile *profile, struct gpu_peak peak,
                    const struct attention_fit *fit, struct attention_choice choice, double *error)
{
    for (uint32_t i = 0; i < profile->count; i++) {
        const struct attention_launch *launch = &profile->launch[i];
        if (choice.hidden == HIDE_NOTHING || attention_is_hidden(launch, choice))
            error[i] = attention_predict_ns(fit, peak, launch) / launch->measured_ns - 1;
    }
}

static void hold_out(const struct attention_profile *profile, struct gpu_peak peak,
                     const struct attention_fit *start, struct attention_choice choice,
                     enum attention_hidden hidden, double *error)
{
    choice.hidden = hidden;
    uint32_t folds = hidden == HIDE_CACHED ? 1 : ATTENTION_FOLDS;
    for (choice.fold = 0; choice.fold < folds; choice.fold++) {
        struct attention_fit fit = *start;
        fit_attention(profile, peak, choice, &fit);
        predict(profile, peak, &fit, choice, error);
    }
}

/* ---- errors of some of the launches ---- */

struct chosen {
    const struct attention_profile *profile;
    bool (*wants)(const struct chosen *chosen, uint32_t index);
    enum attention_part part;
    double width_from, width_to, kv_bytes;
    int windowed; /* 0, 1; -1: whether or not */
    double host_ns;
    const double *fitted; /* errors */
};

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Absolute errors, by rank; 0 of nothing. */
static struct attention_errors errors_of(const struct chosen *chosen, const double *first,
                                         const double *second, uint32_t *count)
{
    const struct attention_profile *profile = chosen->profile;
    double *kept = memory_new(2 * (size_t)profile->count + 1, sizeof *kept);
    size_t n = 0;
    for (uint32_t i = 0; i < profile->count; i++) {
        if (!chosen->wants(chosen, i))
            continue;
        kept[n++] = fabs(first[i]);
        if (second != NULL)
            kept[n++] = fabs(second[i]);
    }
    qsort(kept, n, sizeof *kept, ascending);
    struct attention_errors errors = { 0 };
    if (n > 0)
        errors = (struct attention_errors){ kept[n / 2], kept[(size_t)(0.95 * (double)(n - 1))] };
    if (count != NULL)
        *count = (uint32_t)(second != NULL ? n / 2 : n);
    free(kept);
    return errors;
}

static bool wants_part(const struct chosen *chosen, uint32_t index)
{
    const struct attention_launch *launch = &chosen->profile->launch[index];
    return !launch->latent && launch->part == chosen->part && launch->measured_ns >= SHORT_NS;
}

static bool wants_shape(const struct chosen *chosen, uint32_t index)
{
    const struct attention_launch *launch = &chosen->profile->launch[index];
    return wants_part(chosen, index) && launch->kv_bytes == chosen->kv_bytes &&
           launch->head_dim > chosen->width_from && launch->head_dim <= chosen->width_to &&
           (chosen->windowed < 0 || (launch->window_tokens > 0) == (chosen->windowed > 0));
}

/* By the fit, not by the measured time: whatever the CPU was late with would be among them. */
static bool wants_latent(const struct chosen *chosen, uint32_t index)
{
    const struct attention_launch *launch = &chosen->profile->launch[index];
    return launch->latent &&
           launch->measured_ns * (1 + chosen->fitted[index]) > 1.1 * chosen->host_ns;
}

/* ---- the record ---- */

static struct attention_errors unseen(const struct attention_profile *profile,
                                      const struct errors *errors, enum attention_part part)
{
    struct chosen chosen = { .profile = profile, .wants = wants_part, .part = part };
    return errors_of(&chosen, errors->heads, errors->lengths, NULL);
}

static void keep_most(uint32_t *most, double value)
{
    if (value > *most)
        *most = (uint32_t)value;
}

static struct attention_record record_of(const struct attention_profile *profile,
                                         const struct errors *errors, double host_ns)
{
    struct attention_record record = { .rows = profile->count, .width_least = UINT32_MAX };
    for (uint32_t i = 0; i < profile->count; i++) {
        const struct attention_launch *launch = &profile->launch[i];
        keep_most(&record.batch_most, launch->sequences + launch->decode_sequences);
        keep_most(&record.context_most, launch->new_tokens + launch->cached_tokens);
        if (launch->decode_sequences > 0)
            keep_most(&record.context_most, launch->decode_context / launch->decode_sequences);
        keep_most(&record.heads_most, launch->heads);
        keep_most(&record.width_most, launch->head_dim);
        if (!launch->latent && launch->head_dim < record.width_least)
            record.width_least = (uint32_t)launch->head_dim;
    }
    record.prefill = unseen(profile, errors, ATTENTION_PREFILL);
    record.decode = unseen(profile, errors, ATTENTION_DECODE);
    record.cached = unseen(profile, errors, ATTENTION_CACHED);
    record.mixed = unseen(profile, errors, ATTENTION_MIXED);
    struct chosen latent = {
        .profile = profile, .wants = wants_latent, .host_ns = host_ns, .fitted = errors->fitted
    };
    record.latent = errors_of(&latent, errors->heads, errors->lengths, NULL);
    return record;
}

/* ---- the report ---- */

static const char *const part_names[] = { "prefill", "prefill behind a cached prefix", "decode",
                                          "prefill and decode in one launch" };

static void print_cell(FILE *out, struct attention_errors errors)
{
    fprintf(out, " %.1f / %.1f |", 100 * errors.median, 100 * errors.p95);
}

static void print_row(FILE *out, const char *name, const struct chosen *chosen,
                      const struct errors *errors)
{
    uint32_t count;
    struct attention_errors fitted = errors_of(chosen, errors->fitted, NULL, &count);
    if (count == 0)
        return;
    fprintf(out, "| %s | %" PRIu32 " |", name, count);
    print_cell(out, fitted);
    print_cell(out, errors_of(chosen, errors->heads, NULL, NULL));
    print_cell(out, errors_of(chosen, errors->lengths, NULL, NULL));
    fprintf(out, "\n");
}

static void print_shapes(FILE *out, const struct attention_profile *profile,
                         const struct errors *errors, enum attention_part part)
{
    static const double widths[] = { 0, 64, 128, 192, 256, 1e9 };
    static const char *const names[] = { "up to 64", "128", "192", "256", "512" };
    for (int narrow = 0; narrow < 2; narrow++)
        for (int width = 0; width < ATTENTION_WIDTHS; width++)
            for (int windowed = 0; windowed < 2; windowed++) {
                char name[128];
                struct chosen chosen = { .profile = profile,
                                         .wants = wants_shape,
                                         .part = part,
                                         .kv_bytes = narrow ? 1 : 2,
                                         .width_from = widths[width],
                                         .width_to = widths[width + 1],
                                         .windowed = windowed };
                snprintf(name, sizeof name, "%s, heads of %s%s%s", part_names[part], names[width],
                         windowed ? ", a window" : "", narrow ? ", fp8 KV" : "");
                print_row(out, name, &chosen, errors);
            }
}

static void print_report(FILE *out, const struct attention_profile *profile,
                         const struct attention_fit *fit, const struct errors *errors)
{
    fprintf(out,
            "### %s\n\n%" PRIu32 " measured launches, up to %" PRIu32 " sequences and %" PRIu32
            " tokens of one. Source: %s.\n\nErrors in %%: absolute median / 95th percentile, of "
            "launches of 20 us and more. Unseen: predicted by fits to the other two thirds of "
            "the heads, or of the lengths.\n\n| launches | number | fitted | unseen heads | "
            "unseen lengths |\n|---|---|---|---|---|\n",
            fit->name, fit->record.rows, fit->record.batch_most, fit->record.context_most,
            fit->source);
    for (int part = ATTENTION_PREFILL; part <= ATTENTION_MIXED; part++) {
        struct chosen all = { .profile = profile,
                              .wants = wants_part,
                              .part = (enum attention_part)part };
        char name[128];
        snprintf(name, sizeof name, "**%s**", part_names[part]);
        print_row(out, name, &all, errors);
        print_shapes(out, profile, errors, (enum attention_part)part);
    }
    struct chosen latent = { .profile = profile,
                             .wants = wants_latent,
                             .host_ns = fit->latent.host_ns,
                             .fitted = errors->fitted };
    print_row(out, "**MLA**, longer than the CPU's launches", &latent, errors);
    fprintf(out, "\n");
}

/* How the form carries over to what a GPU's tables do not have. */
static void print_carried(FILE *out, const struct attention_profile *profile, const double *error)
{
    for (int part = ATTENTION_CACHED; part <= ATTENTION_MIXED; part++) {
        struct chosen chosen = { .profile = profile,
                                 .wants = wants_part,
                                 .part = (enum attention_part)part };
        uint32_t count;
        struct attention_errors errors = errors_of(&chosen, error, NULL, &count);
        if (count > 0 && part != ATTENTION_DECODE)
            fprintf(out, "A fit without any cached prefix, of %s: %.1f / %.1f %%.\n\n",
                    part_names[part], 100 * errors.median, 100 * errors.p95);
    }
}

/* ---- all of it ---- */

static bool has_part(const struct attention_profile *profile, enum attention_part part)
{
    for (uint32_t i = 0; i < profile->count; i++)
        if (profile->launch[i].part == part)
            return true;
    return false;
}

/* Else no heads can be hidden, and lengths alone are. */
static bool heads_differ(const struct attention_profile *profile)
{
    for (uint32_t i = 1; i < profile->count; i++)
        if (profile->launch[i].heads != profile->launch[0].heads ||
            profile->launch[i].kv_heads != profile->launch[0].kv_heads)
            return true;
    return false;
}

static void fit_and_print(const struct attention_profile *profile, struct gpu_peak peak,
                          struct attention_fit *fit, FILE *report)
{
    double *all = memory_new(4 * (size_t)profile->count, sizeof *all);
    struct errors errors = { all, all + profile->count, all + 2 * (size_t)profile->count,
                             all + 3 * (size_t)profile->count };
    struct attention_choice choice = { .rows_most = ROWS_MOST, .hidden = HIDE_NOTHING };
    const struct attention_fit start = *fit;
    fit_attention(profile, peak, choice, fit);
    predict(profile, peak, fit, choice, errors.fitted);
    hold_out(profile, peak, &start, choice, HIDE_LENGTHS, errors.lengths);
    if (heads_differ(profile))
        hold_out(profile, peak, &start, choice, HIDE_HEADS, errors.heads);
    else
        memcpy(errors.heads, errors.lengths, profile->count * sizeof *errors.heads);
    fit->record = record_of(profile, &errors, fit->latent.host_ns);
    print_report(report, profile, fit, &errors);
    if (has_part(profile, ATTENTION_CACHED)) {
        hold_out(profile, peak, &start, choice, HIDE_CACHED, errors.cached);
        print_carried(report, profile, errors.cached);
    }
    free(all);
}

enum status calibrate_attention(const struct profile_calibration *calibration, FILE *report,
                                struct error *err)
{
    const char *comment = "# Made by `reprise calibrate --from-profile`; docs/timing.md has its "
                          "errors. A\n# coefficient's meaning: models/attention.h.\n";
    struct hardware hardware;
    struct attention_profile profile = { 0 };
    enum status status = hardware_load(calibration->hardware, &hardware, err);
    if (status == STATUS_OK && hardware.attention_file[0] == '\0')
        status = error_input(err, NULL, 0, "--hardware",
                             "hardware with a gpu.attention that names the GPU's facts",
                             calibration->hardware);
    if (status == STATUS_OK)
        status = attention_profile_read(calibration->path, hardware.attention.name, &profile, err);
    if (status == STATUS_OK) {
        struct gpu_peak peak = { .flop = hardware.flop_per_s / 1e9,
                                 .bytes = hardware.hbm_bytes_per_s / 1e9 };
        if (calibration->source != NULL)
            snprintf(hardware.attention.source, sizeof hardware.attention.source, "%s",
                     calibration->source);
        fit_and_print(&profile, peak, &hardware.attention, report);
        if (calibration->out != NULL)
            status = fit_write(calibration->out, comment, attention_rows, &hardware.attention, err);
    }
    attention_profile_free(&profile);
    return status;
}
