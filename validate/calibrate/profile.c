/* validate/calibrate/profile.c - see profile.h. */
#include "validate/calibrate/profile.h"

#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define COLUMNS_MAX 128
#define LINE_BYTES 16384
#define PATH_BYTES 1024

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

struct table {
    const char *path;
    FILE *file;
    uint64_t line;
    char heading[LINE_BYTES], text[LINE_BYTES];
    char *name[COLUMNS_MAX], *value[COLUMNS_MAX];
    uint32_t columns;
};

static uint32_t split(char *line, char *field[COLUMNS_MAX])
{
    uint32_t count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *next = line; next != NULL && count < COLUMNS_MAX;) {
        field[count++] = next;
        next = strchr(next, ',');
        if (next != NULL)
            *next++ = '\0';
    }
    return count;
}

static const char *text_of(const struct table *table, const char *name)
{
    for (uint32_t i = 0; i < table->columns; i++)
        if (strcmp(table->name[i], name) == 0)
            return table->value[i];
    return NULL;
}

static enum status refuse(const struct table *table, const char *column, const char *expected,
                          const char *found, struct error *err)
{
    return error_input(err, table->path, table->line, column, expected, found);
}

static enum status number_of(const struct table *table, const char *column, double least,
                             double *value, struct error *err)
{
    const char *text = text_of(table, column);
    if (text == NULL)
        return refuse(table, column, "a column of that name", "none", err);
    char *end;
    *value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(*value) || *value < least || *value > 1e12)
        return refuse(table, column, least > 0 ? "a number above 0" : "a number of at least 0",
                      text, err);
    return STATUS_OK;
}

static enum status count_of(const struct table *table, const char *column, uint32_t *count,
                            struct error *err)
{
    double value;
    enum status status = number_of(table, column, 1, &value, err);
    if (status == STATUS_OK && (value != floor(value) || value > 4e9))
        return refuse(table, column, "a whole number from 1", text_of(table, column), err);
    if (status == STATUS_OK)
        *count = (uint32_t)value;
    return status;
}

static void add_row(struct profile *profile, struct profile_row row)
{
    memory_grow(&profile->row, &profile->capacity, (uint64_t)profile->count + 1,
                sizeof *profile->row);
    profile->row[profile->count++] = row;
}

static enum status model_index(const struct table *table, struct profile *profile, const char *name,
                               uint32_t *index, struct error *err)
{
    for (*index = 0; *index < profile->models; (*index)++)
        if (strcmp(profile->model[*index], name) == 0)
            return STATUS_OK;
    if (profile->models == PROFILE_MODELS_MAX || name[0] == '\0' ||
        strlen(name) >= sizeof profile->model[0])
        return refuse(table, "model", "at most 16 models with names of 1 to 63 bytes", name, err);
    snprintf(profile->model[profile->models++], sizeof profile->model[0], "%s", name);
    return STATUS_OK;
}

/* ---- Vidur's form ---- */

struct architecture {
    double heads, kv_heads, hidden, ffn, up_parts;
};

static enum status architecture_of(const struct table *table, struct architecture *model,
                                   struct error *err)
{
    const char *gated = text_of(table, "use_gated_mlp");
    model->up_parts = gated != NULL && strcmp(gated, "True") == 0 ? 2 : 1;
    if (number_of(table, "n_head", 1, &model->heads, err) ||
        number_of(table, "n_kv_head", 1, &model->kv_heads, err) ||
        number_of(table, "n_embd", 1, &model->hidden, err) ||
        number_of(table, "n_expanded_embd", 1, &model->ffn, err))
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

static enum status add_vidur_line(const struct table *table, struct profile *profile,
                                  uint32_t model, struct error *err)
{
    struct architecture architecture;
    struct profile_row row = { .model = model, .layer = profile->layers };
    if (architecture_of(table, &architecture, err) ||
        count_of(table, "num_tokens", &row.tokens, err) ||
        count_of(table, "num_tensor_parallel_workers", &row.ranks, err))
        return err->status;
    for (size_t i = 0; i < sizeof vidur / sizeof *vidur; i++) {
        double ms;
        const char *text = text_of(table, vidur[i].column);
        if (text == NULL || *text == '\0')
            continue; /* an operator that this model or run did not have */
        if (number_of(table, vidur[i].column, 1e-9, &ms, err) != STATUS_OK)
            return err->status;
        row.op = vidur[i].op;
        row.times = vidur[i].times;
        row.measured_ns = ms * 1e6;
        set_shape(&architecture, &row);
        add_row(profile, row);
    }
    profile->layers++;
    return STATUS_OK;
}

/* ---- the plain form ---- */

static enum status add_plain_line(const struct table *table, struct profile *profile,
                                  struct error *err)
{
    const char *name = text_of(table, "operator"), *model = text_of(table, "model");
    struct profile_row row = { .times = 1 };
    uint32_t known = 0;
    double us;
    while (known < PROFILE_OPERATORS && strcmp(name, profile_operator_names[known]) != 0)
        known++;
    if (known == PROFILE_OPERATORS)
        return refuse(table, "operator",
                      "qkv, attention_out, up, down, norm, rope, activation, sum or embedding",
                      name, err);
    row.op = (enum profile_operator)known;
    if (model_index(table, profile, model != NULL ? model : "", &row.model, err) ||
        count_of(table, "ranks", &row.ranks, err) || count_of(table, "tokens", &row.tokens, err) ||
        number_of(table, "inputs", 1, &row.inputs, err) ||
        number_of(table, "outputs", 1, &row.outputs, err) ||
        number_of(table, "time_us", 1e-9, &us, err))
        return err->status;
    row.measured_ns = us * 1e3;
    row.times = row.op == PROFILE_EMBEDDING ? 0 : 1;
    const struct profile_row *last = profile->count > 0 ? &profile->row[profile->count - 1] : NULL;
    bool same = last != NULL && last->model == row.model && last->ranks == row.ranks &&
                last->tokens == row.tokens;
    profile->layers += same ? 0 : 1;
    row.layer = profile->layers - 1;
    add_row(profile, row);
    return STATUS_OK;
}

/* ---- files ---- */

/* "a100_Llama-2-7b-hf_mlp.csv" with prefix "a100": "Llama-2-7b-hf". */
static void model_of_file(const char *path, const char *prefix, char *name, size_t name_bytes)
{
    const char *slash = strrchr(path, '/'), *start = slash != NULL ? slash + 1 : path;
    size_t skip = strlen(prefix);
    if (strncmp(start, prefix, skip) == 0 && start[skip] == '_')
        start += skip + 1;
    size_t length = strcspn(start, ".");
    if (length > 4 && strncmp(start + length - 4, "_mlp", 4) == 0)
        length -= 4;
    snprintf(name, name_bytes, "%.*s", (int)length, start);
}

static enum status read_lines(struct table *table, struct profile *profile, const char *prefix,
                              struct error *err)
{
    table->line = 1;
    if (fgets(table->heading, sizeof table->heading, table->file) == NULL)
        return refuse(table, "heading", "a line of column names", "an empty file", err);
    table->columns = split(table->heading, table->name);
    memcpy(table->value, table->name, sizeof table->value);
    bool plain = text_of(table, "operator") != NULL;
    if (!plain && text_of(table, vidur[0].column) == NULL)
        return refuse(table, "heading", "Vidur's columns, or model,operator,ranks,tokens,...",
                      table->name[0], err);
    uint32_t model = 0;
    char name[128];
    model_of_file(table->path, prefix, name, sizeof name);
    enum status status = plain ? STATUS_OK : model_index(table, profile, name, &model, err);
    while (status == STATUS_OK && fgets(table->text, sizeof table->text, table->file) != NULL) {
        char found[16];
        table->line++;
        uint32_t fields = split(table->text, table->value);
        snprintf(found, sizeof found, "%" PRIu32, fields);
        if (fields != table->columns)
            status = refuse(table, "line", "as many fields as the heading has", found, err);
        else
            status = plain ? add_plain_line(table, profile, err)
                           : add_vidur_line(table, profile, model, err);
    }
    if (status == STATUS_OK && ferror(table->file))
        return error_io(err, table->path, "read", strerror(errno));
    return status;
}

static enum status read_file(const char *path, const char *prefix, struct profile *profile,
                             struct error *err)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return error_io(err, path, "open", strerror(errno));
    struct table *table = memory_new(1, sizeof *table);
    table->path = path;
    table->file = file;
    enum status status = read_lines(table, profile, prefix, err);
    free(table);
    fclose(file);
    return status;
}

static bool is_csv(const char *name)
{
    size_t length = strlen(name);
    return length > 4 && strcmp(name + length - 4, ".csv") == 0;
}

static bool has_prefix(const char *name, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(name, prefix, length) == 0 && name[length] == '_';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum status read_folder(const char *folder, const char *prefix, struct profile *profile,
                               struct error *err)
{
    struct dirent **entry = NULL;
    int count = scandir(folder, &entry, NULL, by_name);
    if (count < 0)
        return error_io(err, folder, "open folder", strerror(errno));
    bool any = false;
    for (int i = 0; i < count; i++)
        any = any || (is_csv(entry[i]->d_name) && has_prefix(entry[i]->d_name, prefix));
    enum status status = STATUS_OK;
    for (int i = 0; i < count; i++) {
        const char *name = entry[i]->d_name;
        char path[PATH_BYTES];
        if (status == STATUS_OK && is_csv(name) && (!any || has_prefix(name, prefix))) {
            snprintf(path, sizeof path, "%s/%s", folder, name);
            status = read_file(path, prefix, profile, err);
        }
        free(entry[i]);
    }
    free(entry);
    return status;
}

enum status profile_read(const char *path, const char *prefix, struct profile *profile,
                         struct error *err)
{
    struct stat facts;
    *profile = (struct profile){ 0 };
    if (stat(path, &facts) != 0)
        return error_io(err, path, "open", strerror(errno));
    enum status status = S_ISDIR(facts.st_mode) ? read_folder(path, prefix, profile, err)
                                                : read_file(path, prefix, profile, err);
    if (status == STATUS_OK && profile->count == 0)
        return error_input(err, path, 0, "--from-profile", "at least one operator", "none");
    return status;
}

void profile_free(struct profile *profile)
{
    free(profile->row);
    *profile = (struct profile){ 0 };
}
