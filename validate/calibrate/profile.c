/* validate/calibrate/profile.c - see profile.h. */
#include "validate/calibrate/profile.h"

#include "base/memory.h"
#include "base/path.h"
#include "validate/calibrate/profile_modules.h"
#include "validate/calibrate/profile_tables.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const profile_operator_names[PROFILE_OPERATORS] = {
    "qkv", "attention_out", "up", "down", "norm", "rope", "activation", "sum", "embedding"
};

static const struct {
    const char *column;
    enum profile_operator op;
    uint32_t times;
} vidur[] = {
    { "time_stats.attn_pre_proj.median", PROFILE_QKV, 1 },
    { "time_stats.attn_post_proj.median", PROFILE_ATTENTION_OUT, 1 },
    { "time_stats.mlp_up_proj.median", PROFILE_UP, 1 },
    { "time_stats.mlp_down_proj.median", PROFILE_DOWN, 1 },
    { "time_stats.input_layernorm.median", PROFILE_NORM, 1 },
    { "time_stats.post_attention_layernorm.median", PROFILE_NORM, 1 },
    { "time_stats.attn_rope.median", PROFILE_ROPE, 1 },
    { "time_stats.mlp_act.median", PROFILE_ACTIVATION, 1 },
    { "time_stats.add.median", PROFILE_SUM, 2 },
    { "time_stats.emb.median", PROFILE_EMBEDDING, 0 },
};

/* A line of a table. */
struct line {
    const struct table *table;
    uint32_t row;
};

static const char *text_of(const struct line *line, const char *name)
{
    int column = table_column(line->table, name);
    return column < 0 ? NULL : table_text(line->table, line->row, column);
}

static enum status refuse(const struct line *line, const char *column, const char *expected,
                          const char *found, struct error *err)
{
    return error_input(err, line->table->path, table_line(line->table, line->row), column, expected,
                       found);
}

static enum status number_of(const struct line *line, const char *name, double least, double *value,
                             struct error *err)
{
    int column = table_column(line->table, name);
    if (column < 0)
        return refuse(line, name, "a column of that name", "none", err);
    if (table_number(line->table, line->row, column, value, err) != STATUS_OK)
        return err->status;
    if (*value < least || *value > 1e12)
        return table_refuse(line->table, line->row, column,
                            least > 0 ? "a number above 0" : "a number of at least 0", err);
    return STATUS_OK;
}

static enum status count_of(const struct line *line, const char *column, uint32_t *count,
                            struct error *err)
{
    double value = 0;
    enum status status = number_of(line, column, 1, &value, err);
    if (status == STATUS_OK && (value != floor(value) || value > 4e9))
        return refuse(line, column, "a whole number from 1", text_of(line, column), err);
    if (status == STATUS_OK)
        *count = (uint32_t)value;
    return status;
}

void profile_add_row(struct profile *profile, struct profile_row row)
{
    memory_grow(&profile->row, &profile->capacity, (uint64_t)profile->count + 1,
                sizeof *profile->row);
    profile->row[profile->count++] = row;
}

static enum status model_index(const struct line *line, struct profile *profile, const char *name,
                               uint32_t *index, struct error *err)
{
    for (*index = 0; *index < profile->models; (*index)++)
        if (strcmp(profile->model[*index], name) == 0)
            return STATUS_OK;
    if (profile->models == PROFILE_MODELS_MAX || name[0] == '\0' ||
        strlen(name) >= sizeof profile->model[0])
        return refuse(line, "model", "at most 16 models with names of 1 to 63 bytes", name, err);
    snprintf(profile->model[profile->models++], sizeof profile->model[0], "%s", name);
    return STATUS_OK;
}

/* ---- Vidur's form ---- */

struct architecture {
    double heads, kv_heads, hidden, ffn, up_parts;
};

static enum status architecture_of(const struct line *line, struct architecture *model,
                                   struct error *err)
{
    const char *gated = text_of(line, "use_gated_mlp");
    model->up_parts = gated != NULL && strcmp(gated, "True") == 0 ? 2 : 1;
    if (number_of(line, "n_head", 1, &model->heads, err) ||
        number_of(line, "n_kv_head", 1, &model->kv_heads, err) ||
        number_of(line, "n_embd", 1, &model->hidden, err) ||
        number_of(line, "n_expanded_embd", 1, &model->ffn, err))
        return err->status;
    return STATUS_OK;
}

/* A rank's shape; what an element-wise operator moves is as in models/matrices.c. */
static void set_shape(const struct architecture *model, struct profile_row *row)
{
    double width = model->hidden / model->heads, ranks = row->ranks;
    double heads = model->heads / ranks, kv_heads = fmax(1, model->kv_heads / ranks);
    double rotated = (heads + kv_heads) * width, ffn = model->ffn / ranks;
    const double shape[PROFILE_OPERATORS][2] = {
        [PROFILE_QKV] = { model->hidden, (heads + 2 * kv_heads) * width },
        [PROFILE_ATTENTION_OUT] = { heads * width, model->hidden },
        [PROFILE_UP] = { model->hidden, model->up_parts * ffn },
        [PROFILE_DOWN] = { ffn, model->hidden },
        [PROFILE_NORM] = { 2 * model->hidden, model->hidden },
        [PROFILE_ROPE] = { 2 * rotated, rotated },
        [PROFILE_ACTIVATION] = { (model->up_parts + 1) * ffn, ffn },
        [PROFILE_SUM] = { 3 * model->hidden, model->hidden },
        [PROFILE_EMBEDDING] = { 2 * model->hidden, model->hidden },
    };
    row->inputs = shape[row->op][0];
    row->outputs = shape[row->op][1];
}

static enum status add_vidur_line(const struct line *line, struct profile *profile, uint32_t model,
                                  struct error *err)
{
    struct architecture architecture;
    struct profile_row row = { .model = model, .layer = profile->layers };
    if (architecture_of(line, &architecture, err) ||
        count_of(line, "num_tokens", &row.tokens, err) ||
        count_of(line, "num_tensor_parallel_workers", &row.ranks, err))
        return err->status;
    for (size_t i = 0; i < sizeof vidur / sizeof *vidur; i++) {
        double ms = 0;
        const char *text = text_of(line, vidur[i].column);
        if (text == NULL || *text == '\0')
            continue; /* an operator that this model or run did not have */
        if (number_of(line, vidur[i].column, 1e-9, &ms, err) != STATUS_OK)
            return err->status;
        row.op = vidur[i].op;
        row.times = vidur[i].times;
        row.measured_ns = ms * 1e6;
        set_shape(&architecture, &row);
        profile_add_row(profile, row);
    }
    profile->layers++;
    return STATUS_OK;
}

/* ---- the plain form ---- */

/* PROFILE_OPERATORS: none of that name. */
static uint32_t operator_of(const char *name)
{
    for (uint32_t i = 0; name != NULL && i < PROFILE_OPERATORS; i++)
        if (strcmp(name, profile_operator_names[i]) == 0)
            return i;
    return PROFILE_OPERATORS;
}

static enum status add_plain_line(const struct line *line, struct profile *profile,
                                  struct error *err)
{
    const char *name = text_of(line, "operator"), *model = text_of(line, "model");
    struct profile_row row = { .times = 1 };
    uint32_t known = operator_of(name);
    double us = 0;
    if (known == PROFILE_OPERATORS)
        return refuse(line, "operator",
                      "qkv, attention_out, up, down, norm, rope, activation, sum or embedding",
                      name, err);
    row.op = (enum profile_operator)known;
    if (model_index(line, profile, model != NULL ? model : "", &row.model, err) ||
        count_of(line, "ranks", &row.ranks, err) || count_of(line, "tokens", &row.tokens, err) ||
        number_of(line, "inputs", 1, &row.inputs, err) ||
        number_of(line, "outputs", 1, &row.outputs, err) ||
        number_of(line, "time_us", 1e-9, &us, err))
        return err->status;
    row.measured_ns = us * 1e3;
    row.times = row.op == PROFILE_EMBEDDING ? 0 : 1;
    const struct profile_row *last = profile->count > 0 ? &profile->row[profile->count - 1] : NULL;
    bool same = last != NULL && last->model == row.model && last->ranks == row.ranks &&
                last->tokens == row.tokens;
    profile->layers += same ? 0 : 1;
    row.layer = profile->layers - 1;
    profile_add_row(profile, row);
    return STATUS_OK;
}

/* ---- files ---- */

/* "a100_Llama-2-7b-hf_mlp.csv" of an a100: "Llama-2-7b-hf". */
static void model_of_file(const char *path, const char *gpu, char *name, size_t name_bytes)
{
    const char *start = path_name(path);
    size_t skip = strlen(gpu);
    if (strncmp(start, gpu, skip) == 0 && start[skip] == '_')
        start += skip + 1;
    size_t length = strcspn(start, ".");
    if (length > 4 && strncmp(start + length - 4, "_mlp", 4) == 0)
        length -= 4;
    snprintf(name, name_bytes, "%.*s", (int)length, start);
}

enum status profile_add(struct profile *profile, const struct table *table, const char *gpu,
                        struct error *err)
{
    if (profile_is_modules(table))
        return profile_add_modules(profile, table, err);
    struct line line = { .table = table };
    bool plain = table_column(table, "operator") >= 0;
    uint32_t model = 0;
    char name[128];
    model_of_file(table->path, gpu, name, sizeof name);
    enum status status = plain || table_rows(table) == 0
                             ? STATUS_OK
                             : model_index(&line, profile, name, &model, err);
    for (; status == STATUS_OK && line.row < table_rows(table); line.row++)
        status = plain ? add_plain_line(&line, profile, err)
                       : add_vidur_line(&line, profile, model, err);
    return status;
}

enum status profile_read(const char *path, const char *gpu, struct profile *profile,
                         struct error *err)
{
    struct profile_tables tables;
    *profile = (struct profile){ 0 };
    if (profile_tables_open(path, gpu, &tables, err) != STATUS_OK)
        return err->status;
    enum status status = STATUS_OK;
    for (uint32_t i = 0; status == STATUS_OK && i < tables.count; i++)
        if (tables.item[i].kind == TABLE_LAYERS)
            status = profile_add(profile, &tables.item[i].table, gpu, err);
    profile_tables_close(&tables);
    if (status == STATUS_OK && profile->count == 0)
        return error_input(err, path, 0, "--from-profile", "at least one operator", "none");
    return status;
}

void profile_free(struct profile *profile)
{
    free(profile->row);
    *profile = (struct profile){ 0 };
}
