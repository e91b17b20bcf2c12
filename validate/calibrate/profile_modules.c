/* validate/calibrate/profile_modules.c - see profile_modules.h. */
#include "validate/calibrate/profile_modules.h"

#include "base/path.h"
#include "models/models.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *layer;
    enum profile_operator op;
    uint32_t times;
} modules[] = {
    { "qkv_proj", PROFILE_QKV, 1 },
    { "o_proj", PROFILE_ATTENTION_OUT, 1 },
    { "gate_up_proj", PROFILE_UP, 1 },
    { "down_proj", PROFILE_DOWN, 1 },
    { "rotary_emb", PROFILE_ROPE, 1 },
    { "act_fn", PROFILE_ACTIVATION, 1 },
    { "embedding", PROFILE_EMBEDDING, 0 },
    { "final_layernorm", PROFILE_NORM, 2 }, /* the layer's two are such kernels */
};
#define MODULES (sizeof modules / sizeof *modules)

bool profile_is_modules(const struct table *table)
{
    return table_column(table, "layer") >= 0 && table_column(table, "tokens") >= 0 &&
           table_column(table, "time_us") >= 0;
}

/* ---- shapes ---- */

/* "..._Llama-3.1-8B_tp1_dense.csv.gz": "llama-3.1-8b" and 1. */
static bool name_of(const char *path, char *model, size_t model_bytes, uint32_t *ranks)
{
    const char *name = path_name(path), *end = strstr(name, "_tp"), *start = end;
    if (end == NULL)
        return false;
    *ranks = (uint32_t)strtoul(end + strlen("_tp"), NULL, 10);
    while (start > name && start[-1] != '_')
        start--;
    snprintf(model, model_bytes, "%.*s", (int)(end - start), start);
    for (char *c = model; *c != '\0'; c++)
        *c = (char)tolower((unsigned char)*c);
    return *ranks >= 1 && model[0] != '\0';
}

static enum status check_model(const struct model *model, uint32_t ranks, const char *path,
                               struct error *err)
{
    if (model->experts > 0 || model->state_layers > 0 || model->attention == ATTENTION_LATENT)
        return error_input(err, path, 0, "file name", "a dense model with heads of keys and values",
                           model->name);
    bool cut = model->heads % ranks == 0 && model->ffn % ranks == 0 &&
               (model->kv_heads % ranks == 0 || ranks % model->kv_heads == 0);
    if (cut)
        return STATUS_OK;
    char found[32];
    snprintf(found, sizeof found, "_tp%" PRIu32, ranks);
    return error_input(err, path, 0, "file name", "ranks that divide the model's heads", found);
}

static enum status model_of(const struct table *table, struct model *model, uint32_t *ranks,
                            struct error *err)
{
    char name[128];
    if (!name_of(table->path, name, sizeof name, ranks))
        return error_input(err, table->path, 0, "file name",
                           "a shipped model and its ranks, as in gpu_Llama-3.1-8B_tp1_dense.csv",
                           table->path);
    if (model_load(name, model, err) != STATUS_OK)
        return err->status;
    return check_model(model, *ranks, table->path, err);
}

/* What an element-wise operator moves is as in models/matrices.c. */
static void set_shape(const struct model *model, struct profile_row *row)
{
    double ranks = row->ranks, width = model->head_dim, hidden = model->hidden;
    double heads = model->heads / ranks, kv_heads = fmax(1, model->kv_heads / ranks);
    double rotated = (heads + kv_heads) * width, ffn = model->ffn / ranks;
    double up = model->gated_ffn ? 2 : 1;
    const double shape[PROFILE_OPERATORS][3] = {
        [PROFILE_QKV] = { hidden, (heads + 2 * kv_heads) * width },
        [PROFILE_ATTENTION_OUT] = { heads * width, hidden },
        [PROFILE_UP] = { hidden, up * ffn },
        [PROFILE_DOWN] = { ffn, hidden },
        [PROFILE_NORM] = { 2 * hidden, hidden, 2 * hidden },
        [PROFILE_ROPE] = { 2 * rotated, rotated },
        [PROFILE_ACTIVATION] = { (up + 1) * ffn, ffn },
        [PROFILE_EMBEDDING] = { 2 * hidden, hidden },
    };
    row->inputs = shape[row->op][0];
    row->outputs = shape[row->op][1];
    row->summed = shape[row->op][2];
}

/* ---- lines ---- */

struct columns {
    int layer, tokens, time;
};

static enum status add_line(const struct table *table, uint32_t line, const struct columns *columns,
                            const struct model *model, struct profile_row row,
                            struct profile *profile, struct error *err)
{
    const char *layer = table_text(table, line, columns->layer);
    size_t module = 0;
    double tokens, us;
    while (module < MODULES && strcmp(layer, modules[module].layer) != 0)
        module++;
    if (module == MODULES)
        return STATUS_OK;
    if (table_number(table, line, columns->tokens, &tokens, err) != STATUS_OK ||
        table_number(table, line, columns->time, &us, err) != STATUS_OK)
        return err->status;
    if (tokens < 1 || tokens != floor(tokens) || tokens > 4e9)
        return table_refuse(table, line, columns->tokens, "a whole number from 1", err);
    if (us <= 0 || us > 1e12)
        return table_refuse(table, line, columns->time, "a number above 0", err);
    row.op = modules[module].op;
    row.times = modules[module].times;
    row.tokens = (uint32_t)tokens;
    row.measured_ns = us * 1e3;
    set_shape(model, &row);
    profile_add_row(profile, row);
    return STATUS_OK;
}

/* The rows of a layer follow one another, by tokens. */
static int by_layer(const void *one, const void *other)
{
    const struct profile_row *a = one, *b = other;
    if (a->tokens != b->tokens)
        return a->tokens < b->tokens ? -1 : 1;
    return (a->op > b->op) - (a->op < b->op);
}

static enum status number_layers(struct profile *profile, uint32_t first, const char *path,
                                 struct error *err)
{
    if (profile->count == first)
        return error_input(err, path, 0, "layer", "qkv_proj and other modules of a layer", "none");
    qsort(&profile->row[first], profile->count - first, sizeof *profile->row, by_layer);
    for (uint32_t i = first; i < profile->count; i++) {
        struct profile_row *row = &profile->row[i];
        const struct profile_row *before = i > first ? row - 1 : NULL;
        bool same = before != NULL && before->tokens == row->tokens;
        if (same && before->op == row->op)
            return error_input(err, path, 0, profile_operator_names[row->op],
                               "one time for a token count", "two");
        profile->layers += same ? 0 : 1;
        row->layer = profile->layers - 1;
    }
    return STATUS_OK;
}

static enum status name_model(struct profile *profile, const char *name, const char *path,
                              uint32_t *index, struct error *err)
{
    for (*index = 0; *index < profile->models; (*index)++)
        if (strcmp(profile->model[*index], name) == 0)
            return STATUS_OK;
    if (profile->models == PROFILE_MODELS_MAX)
        return error_input(err, path, 0, "file name", "at most 16 models", name);
    snprintf(profile->model[profile->models++], sizeof profile->model[0], "%.63s", name);
    return STATUS_OK;
}

enum status profile_add_modules(struct profile *profile, const struct table *table,
                                struct error *err)
{
    struct model model = { 0 };
    struct profile_row row = { 0 };
    uint32_t first = profile->count;
    const struct columns columns = { table_column(table, "layer"), table_column(table, "tokens"),
                                     table_column(table, "time_us") };
    if (model_of(table, &model, &row.ranks, err) != STATUS_OK ||
        name_model(profile, model.name, table->path, &row.model, err) != STATUS_OK)
        return err->status;
    for (uint32_t i = 0; i < table_rows(table); i++)
        if (add_line(table, i, &columns, &model, row, profile, err) != STATUS_OK)
            return err->status;
    return number_layers(profile, first, table->path, err);
}
