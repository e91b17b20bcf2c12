/* validate/accuracy/kernels_attention.c - attention's launches: prefill, behind a cached prefix,
 * decode, both in one batch, MLA. */
#include "validate/accuracy/kernels.h"

#include "validate/accuracy/points.h"
#include "validate/calibrate/fit_attention.h"

#include <string.h>

/* Below it a launch's start is most of the time, and the fits' records leave it out too. */
#define SHORT_NS 20e3

struct attention_table {
    const struct folder_file *file;
    const struct hardware *hardware;
    struct gpu_peak peak;
    struct accuracy *accuracy;
};

static const char *quantity(const struct attention_launch *launch)
{
    bool is_short = launch->measured_ns < SHORT_NS;
    if (launch->latent)
        return launch->part == ATTENTION_DECODE ? "MLA decode" : "MLA prefill";
    switch (launch->part) {
    case ATTENTION_PREFILL:
        return is_short ? "prefill under 20 us" : "prefill";
    case ATTENTION_CACHED:
        return "prefill behind a prefix";
    case ATTENTION_DECODE:
        return is_short ? "decode under 20 us" : "decode";
    case ATTENTION_MIXED:
        break;
    }
    return "prefill and decode mixed";
}

static const struct attention_errors *record(const struct attention_record *record,
                                             const struct attention_launch *launch)
{
    static const struct attention_errors none;
    if (launch->latent)
        return &record->latent;
    switch (launch->part) {
    case ATTENTION_PREFILL:
        return launch->measured_ns < SHORT_NS ? &none : &record->prefill;
    case ATTENTION_CACHED:
        return &record->cached;
    case ATTENTION_DECODE:
        return launch->measured_ns < SHORT_NS ? &none : &record->decode;
    case ATTENTION_MIXED:
        break;
    }
    return &record->mixed;
}

/* Tokens of KV that the longest sequence of the launch sees. */
static double context_of(const struct attention_launch *launch)
{
    double decode =
        launch->decode_sequences > 0.0 ? launch->decode_context / launch->decode_sequences : 0.0;
    double prefill = launch->new_tokens + launch->cached_tokens;
    return prefill > decode ? prefill : decode;
}

static void explain(const struct attention_table *table, const struct attention_launch *launch,
                    struct accuracy_point *point)
{
    const struct attention_record *seen = &table->hardware->attention.record;
    double batch = launch->sequences + launch->decode_sequences;
    char *cause = point->cause;
    size_t room = sizeof point->cause;
    snprintf(point->shape, sizeof point->shape,
             "%g heads, %g of KV, width %g%s; prefill %g x %g behind %g; decode %g of %g",
             launch->heads, launch->kv_heads, launch->head_dim,
             launch->window_tokens > 0.0 ? ", windowed" : "", launch->sequences, launch->new_tokens,
             launch->cached_tokens, launch->decode_sequences, launch->decode_context);
    if (seen->rows > 0 && (context_of(launch) > seen->context_most || batch > seen->batch_most ||
                           launch->heads > seen->heads_most))
        snprintf(cause, room, "beyond the fitted range (%u sequences, %u tokens, %u heads)",
                 seen->batch_most, seen->context_most, seen->heads_most);
    else if (seen->rows > 0 && !launch->latent &&
             (launch->head_dim < seen->width_least || launch->head_dim > seen->width_most))
        snprintf(cause, room, "a head width that was not fitted (%u to %u were)", seen->width_least,
                 seen->width_most);
    else if (launch->measured_ns < SHORT_NS)
        snprintf(cause, room, "kernel under 20 us");
    else if (launch->part != ATTENTION_DECODE && launch->new_tokens < 64)
        snprintf(cause, room, "sub-tile shape: fewer queries than a tile has rows");
    else
        snprintf(cause, room, "not explained");
}

static void add_launch(const struct attention_table *table, const struct attention_launch *launch)
{
    const struct attention_fit *fit = &table->hardware->attention;
    struct accuracy_key key = kernels_key(table->file, ACCURACY_ATTENTION);
    snprintf(key.quantity, sizeof key.quantity, "%s", quantity(launch));
    snprintf(key.format, sizeof key.format, "%s", launch->kv_bytes < 2.0 ? "fp8 KV" : "bf16 KV");
    uint32_t group = points_group(table->accuracy, &key);
    const struct attention_errors *held_out = record(&fit->record, launch);
    kernels_set_origin(table->accuracy, group, kernels_origin(fit->name, table->file),
                       held_out->median, held_out->p95);
    struct accuracy_point *point = points_add(table->accuracy, group, launch->measured_ns,
                                              attention_predict_ns(fit, table->peak, launch));
    if (point != NULL)
        explain(table, launch, point);
}

enum status attention_measure(const struct folder_file *file, struct accuracy *accuracy,
                              struct error *err)
{
    char gpu[ACCURACY_NAME_BYTES];
    struct hardware hardware;
    struct attention_profile profile = { 0 };
    uint32_t without = 0;
    if (!kernels_hardware(file, accuracy, &hardware))
        return STATUS_OK;
    const struct attention_table table = { file, &hardware, kernels_peak(&hardware), accuracy };
    kernels_gpu(file, gpu);
    bool fitted = hardware.attention_file[0] != '\0';
    enum status status =
        fitted ? attention_profile_read(file->path, gpu, &profile, err) : STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < profile.count; i++)
        if (profile.launch[i].latent && !hardware.attention.latent_fitted)
            without++;
        else
            add_launch(&table, &profile.launch[i]);
    if (!fitted)
        points_note(accuracy, "%s: %s has no gpu.attention, passed over", file->path,
                    hardware.name);
    if (without > 0)
        points_note(accuracy, "%s: %u rows of MLA, which %s does not have", file->path, without,
                    hardware.attention.name);
    attention_profile_free(&profile);
    return status;
}
