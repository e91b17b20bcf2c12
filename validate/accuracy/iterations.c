/* validate/accuracy/iterations.c - iterations put together from what was measured of their layers
 * inside an engine: operators by tokens, attention by what it attends to. */
#include "validate/accuracy/kernels.h"

#include "base/memory.h"
#include "base/table.h"
#include "validate/accuracy/points.h"
#include "validate/accuracy/served.h"
#include "validate/calibrate/profile_attention.h"

#include <stdlib.h>
#include <string.h>

/* What a layer consists of, and how often; the head, the embedding and sampling are no layer's. The
 * last norm is the kernel that sums first, as a layer's are; the table's "layernorm" is the mean of
 * such a one and of a norm alone (validate/calibrate/profile_modules.h). */
static const struct {
    const char *layer;
    double times;
} parts[] = { { "final_layernorm", 2 }, { "qkv_proj", 1 }, { "rotary_emb", 1 }, { "o_proj", 1 },
              { "gate_up_proj", 1 },    { "act_fn", 1 },   { "down_proj", 1 } };
enum { PARTS = sizeof parts / sizeof parts[0] };

#define TOKENS_MOST 65536

struct layer_times {
    double ns[TOKENS_MOST +
              1]; /* by tokens, of the parts together; 0: not all of them were measured */
    uint8_t seen[TOKENS_MOST + 1];
};

static double times_of(const char *layer)
{
    for (int i = 0; i < PARTS; i++)
        if (strcmp(parts[i].layer, layer) == 0)
            return parts[i].times;
    return 0.0;
}

static enum status read_dense(const char *path, struct layer_times *times, struct error *err)
{
    struct table table;
    int layer, tokens_column, time_column;
    if (table_open(path, &table, err) != STATUS_OK)
        return err->status;
    enum status status = table_need(&table, "layer", &layer, err);
    if (status == STATUS_OK)
        status = table_need(&table, "tokens", &tokens_column, err);
    if (status == STATUS_OK)
        status = table_need(&table, "time_us", &time_column, err);
    for (uint32_t i = 0; status == STATUS_OK && i < table_rows(&table); i++) {
        double tokens = 0.0, time_us = 0.0, often = times_of(table_text(&table, i, layer));
        if (table_number(&table, i, tokens_column, &tokens, err) != STATUS_OK ||
            table_number(&table, i, time_column, &time_us, err) != STATUS_OK)
            status = err->status;
        else if (tokens < 1.0 || tokens > TOKENS_MOST)
            status = table_refuse(&table, i, tokens_column, "1 to 65,536 tokens", err);
        else if (often > 0.0) {
            times->ns[(uint32_t)tokens] += often * time_us * 1e3;
            times->seen[(uint32_t)tokens]++;
        }
    }
    table_free(&table);
    return status;
}

static bool is_whole(const struct layer_times *times, uint32_t tokens)
{
    return times->seen[tokens] == PARTS;
}

/* Between two measured numbers of tokens on the line; 0: beyond them. */
static double dense_ns(const struct layer_times *times, uint32_t tokens)
{
    uint32_t below = tokens, above = tokens;
    if (tokens == 0 || tokens > TOKENS_MOST)
        return 0.0;
    while (below > 0 && !is_whole(times, below))
        below--;
    while (above <= TOKENS_MOST && !is_whole(times, above))
        above++;
    if (below == 0 || above > TOKENS_MOST)
        return 0.0;
    if (below == above)
        return times->ns[below];
    double share = (double)(tokens - below) / (double)(above - below);
    return times->ns[below] + share * (times->ns[above] - times->ns[below]);
}

/* ---- predictions ---- */

struct iterations {
    const struct folder_file *file;
    const char *model;
    const struct timing *timing;
    const struct layer_times *times;
    uint32_t ranks;
    struct accuracy *accuracy;
};

static double predict_ns(const struct iterations *iterations, const struct attention_launch *launch)
{
    const struct timing_work work = {
        .prefills = launch->new_tokens > 0.0 ? 1 : 0,
        .decodes = (uint32_t)launch->decode_sequences,
        .prefill_new = (uint64_t)launch->new_tokens,
        .prefill_cached = (uint64_t)launch->cached_tokens,
        .decode_context = (uint64_t)launch->decode_context,
    };
    return (double)timing_mixed(iterations->timing, &work).layer_ns;
}

static const char *quantity(const struct attention_launch *launch)
{
    switch (launch->part) {
    case ATTENTION_DECODE:
        return "decode";
    case ATTENTION_PREFILL:
        return "prefill";
    case ATTENTION_CACHED:
        return "prefill behind a prefix";
    case ATTENTION_MIXED:
        break;
    }
    return "prefill and decode mixed";
}

static void add_iteration(const struct iterations *iterations,
                          const struct attention_launch *launch)
{
    double tokens = launch->new_tokens + launch->decode_sequences;
    double dense = dense_ns(iterations->times, (uint32_t)tokens);
    double layers = iterations->timing->layers;
    struct accuracy_key key = kernels_key(iterations->file, ACCURACY_ITERATIONS);
    if (dense == 0.0)
        return;
    snprintf(key.quantity, sizeof key.quantity, "%s", quantity(launch));
    snprintf(key.engine, sizeof key.engine, "%s", "vllm 0.19");
    snprintf(key.format, sizeof key.format, "%s", "bf16");
    snprintf(key.model, sizeof key.model, "%s", iterations->model);
    key.ranks = iterations->ranks;
    struct accuracy_point *point =
        points_add(iterations->accuracy, points_group(iterations->accuracy, &key),
                   layers * (dense + launch->measured_ns), layers * predict_ns(iterations, launch));
    if (point == NULL)
        return;
    snprintf(point->shape, sizeof point->shape, "prefill %g behind %g, decode %g of %g",
             launch->new_tokens, launch->cached_tokens, launch->decode_sequences,
             launch->decode_context);
    if (iterations->timing->fitted_tokens > 0 && tokens > (double)iterations->timing->fitted_tokens)
        snprintf(point->cause, sizeof point->cause, "beyond the fitted range (%g tokens)",
                 (double)iterations->timing->fitted_tokens);
    else
        snprintf(point->cause, sizeof point->cause, "attention is %.0f %% of what was measured",
                 100.0 * launch->measured_ns / (dense + launch->measured_ns));
}

/* ---- a pair of tables ---- */

/* "..._dense.csv.gz" of "..._attention.csv.gz". */
static const struct folder_file *dense_of(const struct folder *folder,
                                          const struct folder_file *attention)
{
    for (uint32_t i = 0; i < folder->files; i++) {
        const struct folder_file *file = &folder->file[i];
        if (file->kind == FOLDER_DENSE && strcmp(file->gpu, attention->gpu) == 0 &&
            strcmp(file->model, attention->model) == 0)
            return file;
    }
    return NULL;
}

/* "Llama-3.1-8B_tp1": a model and ranks. */
static bool read_model(const char *text, char model[ACCURACY_NAME_BYTES], uint32_t *ranks)
{
    char name[ACCURACY_NAME_BYTES];
    snprintf(name, sizeof name, "%s", text);
    char *behind = strstr(name, "_tp");
    *ranks = behind == NULL ? 1 : (uint32_t)strtoul(behind + 3, NULL, 10);
    if (behind != NULL)
        *behind = '\0';
    return served_model(name, model) && *ranks >= 1;
}

static enum status measure(struct iterations *iterations, const struct folder_file *dense,
                           struct error *err)
{
    char gpu[ACCURACY_NAME_BYTES];
    struct attention_profile profile = { 0 };
    struct layer_times *times = memory_new(1, sizeof *times);
    kernels_gpu(iterations->file, gpu);
    iterations->times = times;
    enum status status = read_dense(dense->path, times, err);
    if (status == STATUS_OK)
        status = attention_profile_read(iterations->file->path, gpu, &profile, err);
    for (uint32_t i = 0; status == STATUS_OK && i < profile.count; i++)
        add_iteration(iterations, &profile.launch[i]);
    attention_profile_free(&profile);
    free(times);
    return status;
}

enum status iterations_measure(const struct folder *folder, const struct folder_file *attention,
                               struct accuracy *accuracy, struct error *err)
{
    char name[ACCURACY_NAME_BYTES];
    struct hardware hardware;
    struct model model;
    struct iterations iterations = { .file = attention, .model = name, .accuracy = accuracy };
    const struct folder_file *dense = dense_of(folder, attention);
    if (dense == NULL || !read_model(attention->model, name, &iterations.ranks) ||
        !kernels_hardware(attention, accuracy, &hardware))
        return STATUS_OK;
    if (model_load(name, &model, err) != STATUS_OK ||
        model_check_ranks(&model, &hardware, iterations.ranks, err) != STATUS_OK)
        return err->status;
    struct timing timing = timing_new(&model, &hardware, iterations.ranks);
    iterations.timing = &timing;
    return measure(&iterations, dense, err);
}
