/* validate/calibrate/profile_attention.c - see profile_attention.h. */
#include "validate/calibrate/profile_attention.h"

#include "base/folder_names.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/table.h"
#include "models/models.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 4096

enum form { FORM_NONE, FORM_SHAPES, FORM_LATENT, FORM_ENGINE };

static bool has(const struct table *table, const char *const *names)
{
    for (; *names != NULL; names++)
        if (table_column(table, *names) < 0)
            return false;
    return true;
}

static enum form form_of(const struct table *table)
{
    static const char *const shapes[] = {
        "batch_size",     "isl",     "step", "num_heads", "num_key_value_heads", "head_dim",
        "kv_cache_dtype", "latency", NULL
    };
    static const char *const latent[] = { "mla_dtype", "batch_size",     "isl",     "step",
                                          "num_heads", "kv_cache_dtype", "latency", NULL };
    static const char *const engine[] = { "prefill_chunk", "kv_prefill", "n_decode",
                                          "kv_decode",     "time_us",    NULL };
    return has(table, shapes)   ? FORM_SHAPES
           : has(table, latent) ? FORM_LATENT
           : has(table, engine) ? FORM_ENGINE
                                : FORM_NONE;
}

static void keep(struct attention_profile *profile, const struct attention_launch *launch)
{
    memory_grow(&profile->launch, &profile->capacity, profile->count + 1, sizeof *launch);
    profile->launch[profile->count++] = *launch;
}

/* A column's number, at least `least`. */
static enum status number(const struct table *table, uint32_t row, const char *name, double least,
                          double *value, struct error *err)
{
    int column = table_column(table, name);
    enum status status = table_number(table, row, column, value, err);
    if (status == STATUS_OK && *value < least) {
        char expected[64];
        snprintf(expected, sizeof expected, "a number of at least %g", least);
        return table_refuse(table, row, column, expected, err);
    }
    return status;
}

/* A measured time, in ns. */
static enum status time_ns(const struct table *table, uint32_t row, const char *name, double unit,
                           double *ns, struct error *err)
{
    int column = table_column(table, name);
    enum status status = table_number(table, row, column, ns, err);
    if (status == STATUS_OK && *ns <= 0)
        return table_refuse(table, row, column, "a time above 0", err);
    *ns *= unit;
    return status;
}

static enum status kv_format(const struct table *table, uint32_t row, double *bytes,
                             struct error *err)
{
    int column = table_column(table, "kv_cache_dtype");
    const char *text = table_text(table, row, column);
    *bytes = strncmp(text, "fp8", 3) == 0 ? 1 : 2;
    bool known = *bytes < 2 || strcmp(text, "bfloat16") == 0 || strcmp(text, "float16") == 0;
    return known ? STATUS_OK : table_refuse(table, row, column, "bfloat16, float16 or fp8", err);
}

/* batch_size, isl and step, as prefill or as decode. */
static enum status lengths(const struct table *table, uint32_t row, struct attention_launch *launch,
                           struct error *err)
{
    double batch, new_tokens, cached;
    if (number(table, row, "batch_size", 1, &batch, err) != STATUS_OK ||
        number(table, row, "isl", 1, &new_tokens, err) != STATUS_OK ||
        number(table, row, "step", 0, &cached, err) != STATUS_OK)
        return STATUS_INPUT;
    if (new_tokens == 1) {
        launch->part = ATTENTION_DECODE;
        launch->decode_sequences = batch;
        launch->decode_context = batch * (cached + 1);
    } else {
        launch->part = cached > 0 ? ATTENTION_CACHED : ATTENTION_PREFILL;
        launch->sequences = batch;
        launch->new_tokens = new_tokens;
        launch->cached_tokens = cached;
    }
    return STATUS_OK;
}

static enum status read_shapes(const struct table *table, uint32_t row,
                               struct attention_launch *launch, struct error *err)
{
    if (lengths(table, row, launch, err) != STATUS_OK ||
        number(table, row, "num_heads", 1, &launch->heads, err) != STATUS_OK ||
        number(table, row, "num_key_value_heads", 1, &launch->kv_heads, err) != STATUS_OK ||
        number(table, row, "head_dim", 1, &launch->head_dim, err) != STATUS_OK ||
        kv_format(table, row, &launch->kv_bytes, err) != STATUS_OK)
        return STATUS_INPUT;
    if (table_column(table, "window_size") >= 0 &&
        number(table, row, "window_size", 0, &launch->window_tokens, err) != STATUS_OK)
        return STATUS_INPUT;
    return time_ns(table, row, "latency", NS_PER_MS, &launch->measured_ns, err);
}

static enum status read_latent(const struct table *table, uint32_t row,
                               struct attention_launch *launch, struct error *err)
{
    launch->latent = true;
    if (lengths(table, row, launch, err) != STATUS_OK ||
        number(table, row, "num_heads", 1, &launch->heads, err) != STATUS_OK ||
        kv_format(table, row, &launch->kv_bytes, err) != STATUS_OK)
        return STATUS_INPUT;
    return time_ns(table, row, "latency", NS_PER_MS, &launch->measured_ns, err);
}

static enum status read_engine(const struct table *table, uint32_t row,
                               struct attention_launch *launch, struct error *err)
{
    double context;
    launch->cold = true;
    if (number(table, row, "prefill_chunk", 0, &launch->new_tokens, err) != STATUS_OK ||
        number(table, row, "kv_prefill", 0, &launch->cached_tokens, err) != STATUS_OK ||
        number(table, row, "n_decode", 0, &launch->decode_sequences, err) != STATUS_OK ||
        number(table, row, "kv_decode", 0, &context, err) != STATUS_OK)
        return STATUS_INPUT;
    bool prefills = launch->new_tokens > 0, decodes = launch->decode_sequences > 0;
    if (!prefills && !decodes)
        return table_refuse(table, row, table_column(table, "n_decode"),
                            "a sequence, where prefill_chunk is 0", err);
    launch->sequences = prefills ? 1 : 0;
    launch->decode_context = launch->decode_sequences * (context + 1);
    launch->part = prefills && decodes         ? ATTENTION_MIXED
                   : decodes                   ? ATTENTION_DECODE
                   : launch->cached_tokens > 0 ? ATTENTION_CACHED
                                               : ATTENTION_PREFILL;
    return time_ns(table, row, "time_us", NS_PER_US, &launch->measured_ns, err);
}

/* The model of "..._MODEL_tpRANKS_attention.csv", by its name in models/llm: lower case. */
static enum status model_of(const char *path, struct attention_launch *of, struct error *err)
{
    const char *name = path_name(path);
    const char *tp = strstr(name, "_tp"), *from = tp;
    while (from != NULL && from > name && from[-1] != '_')
        from--;
    char text[64] = "";
    for (size_t i = 0; tp != NULL && from + i < tp && i + 1 < sizeof text; i++)
        text[i] = (char)tolower((unsigned char)from[i]);
    unsigned long ranks = tp != NULL ? strtoul(tp + 3, NULL, 10) : 0;
    if (text[0] == '\0' || ranks == 0)
        return error_input(err, path, 0, "name", "*_MODEL_tpRANKS_attention.csv", name);
    struct model model;
    enum status status = model_load(text, &model, err);
    if (status != STATUS_OK)
        return status;
    of->heads = (double)model.heads / (double)ranks;
    of->kv_heads = model.kv_heads > ranks ? (double)model.kv_heads / (double)ranks : 1;
    of->head_dim = model.head_dim;
    of->kv_bytes = 2;
    return STATUS_OK;
}

/* vLLM takes Triton's kernels where its library has none for a shape; they are another fit's. */
static bool is_fallback(const struct table *table, uint32_t row)
{
    int column = table_column(table, "kernel_source");
    return column >= 0 && strcmp(table_text(table, row, column), "vllm_triton_attn") == 0;
}

static enum status read_table(const struct table *table, enum form form,
                              struct attention_profile *profile, struct error *err)
{
    struct attention_launch shape = { .kv_bytes = 2 };
    enum status status = form == FORM_ENGINE ? model_of(table->path, &shape, err) : STATUS_OK;
    for (uint32_t row = 0; status == STATUS_OK && row < table_rows(table); row++) {
        struct attention_launch launch = shape;
        if (is_fallback(table, row))
            continue;
        status = form == FORM_SHAPES   ? read_shapes(table, row, &launch, err)
                 : form == FORM_LATENT ? read_latent(table, row, &launch, err)
                                       : read_engine(table, row, &launch, err);
        if (status == STATUS_OK)
            keep(profile, &launch);
    }
    return status;
}

/* Whether one part of the file's name between '_' is the GPU's. */
static bool is_of(const char *path, const char *gpu)
{
    const char *at = path_name(path);
    size_t length = strlen(gpu);
    for (; at != NULL; at = strchr(at, '_') != NULL ? strchr(at, '_') + 1 : NULL)
        if (strncmp(at, gpu, length) == 0 && (at[length] == '_' || at[length] == '.'))
            return true;
    return false;
}

static enum status read_file(const char *path, struct attention_profile *profile, bool *is,
                             struct error *err)
{
    struct table table;
    enum status status = table_open(path, &table, err);
    if (status != STATUS_OK)
        return status;
    enum form form = form_of(&table);
    *is = form != FORM_NONE;
    if (form != FORM_NONE && profile != NULL)
        status = read_table(&table, form, profile, err);
    table_free(&table);
    return status;
}

/* Each table of the folder, by name, until `visit` says otherwise. */
static enum status each_file(const char *folder,
                             enum status (*visit)(void *context, const char *path,
                                                  struct error *err),
                             void *context, struct error *err)
{
    struct folder_names names = { 0 };
    enum status status = folder_names_read(folder, NULL, &names, err);
    for (uint32_t i = 0; status == STATUS_OK && i < names.count; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s/%s", folder, names.name[i]);
        if (table_is_name(names.name[i]))
            status = visit(context, path, err);
    }
    folder_names_free(&names);
    return status;
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

struct reading {
    const char *gpu;
    struct attention_profile *profile;
};

static enum status read_if_of(void *context, const char *path, struct error *err)
{
    const struct reading *reading = context;
    bool is;
    return is_of(path, reading->gpu) ? read_file(path, reading->profile, &is, err) : STATUS_OK;
}

enum status attention_profile_read(const char *path, const char *gpu,
                                   struct attention_profile *profile, struct error *err)
{
    char expected[128];
    *profile = (struct attention_profile){ 0 };
    struct reading reading = { gpu, profile };
    snprintf(expected, sizeof expected, "tables of attention with \"%s\" in the name", gpu);
    if (is_folder(path)) {
        enum status status = each_file(path, read_if_of, &reading, err);
        if (status != STATUS_OK || profile->count > 0)
            return status;
        return error_input(err, path, 0, "--from-profile", expected, "none");
    }
    if (!is_of(path, gpu))
        return error_input(err, path, 0, "--from-profile", expected, "a table of another GPU");
    bool is = false;
    enum status status = read_file(path, profile, &is, err);
    if (status == STATUS_OK && !is)
        return error_input(err, path, 1, "heading", "columns of a table of attention", "others");
    return status;
}

void attention_profile_free(struct attention_profile *profile)
{
    free(profile->launch);
    *profile = (struct attention_profile){ 0 };
}

struct looking {
    bool found, others;
};

static enum status look(void *context, const char *path, struct error *err)
{
    struct looking *looking = context;
    bool is = false;
    enum status status = read_file(path, NULL, &is, err);
    looking->found = looking->found || is;
    looking->others = looking->others || !is;
    return status;
}

bool attention_profile_is(const char *path)
{
    struct error ignored = { 0 };
    struct looking looking = { false, false };
    if (is_folder(path))
        each_file(path, look, &looking, &ignored);
    else
        look(&looking, path, &ignored);
    return looking.found && !looking.others;
}
