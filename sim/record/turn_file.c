/* sim/record/turn_file.c - see turn_file.h. */
#include "sim/record/turn_file.h"

#include "base/csv_cell.h"
#include "base/memory.h"
#include "base/text_out.h"
#include "sim/record/json_quoted.h"

#include <stdlib.h>
#include <string.h>

struct turn_file {
    struct text_out *out;
    char *policy; /* as it is written in each row */
    bool json;
};

/* Whether the path ends so, behind which .gz or .zst may stand. */
static bool is_named(const char *path, const char *ending)
{
    size_t length = strlen(path), end = strlen(ending);
    if (length > 3 && strcmp(path + length - 3, ".gz") == 0)
        length -= 3;
    else if (length > 4 && strcmp(path + length - 4, ".zst") == 0)
        length -= 4;
    return length >= end && strncmp(path + length - end, ending, end) == 0;
}

static enum status check_name(const char *path, bool *json, struct error *err)
{
    *json = is_named(path, ".jsonl");
    if (*json || is_named(path, ".csv"))
        return STATUS_OK;
    if (is_named(path, ".parquet"))
        return error_input(
            err, path, 0, "--turns",
            "a name in .csv or .jsonl, which duckdb, pandas and polars read and write as "
            "Parquet",
            ".parquet");
    return error_input(err, path, 0, "--turns", "a name that ends in .csv or .jsonl", path);
}

static void write_heading(struct text_out *out)
{
    text_out_text(out, "policy");
    for (uint32_t i = 0; i < turn_column_count; i++) {
        text_out_text(out, ",");
        text_out_text(out, turn_columns[i].name);
    }
    text_out_text(out, "\n");
}

enum status turn_file_open(const char *path, const char *policy, struct turn_file **file,
                           struct error *err)
{
    bool json;
    struct text_out *out;
    enum status status = check_name(path, &json, err);
    *file = NULL;
    if (status == STATUS_OK)
        status = text_out_open(path, &out, err);
    if (status != STATUS_OK)
        return status;
    *file = memory_new(1, sizeof **file);
    **file = (struct turn_file){ out, json ? json_quoted(policy) : csv_cell(policy), json };
    if (!json)
        write_heading(out);
    return STATUS_OK;
}

static void write_value(struct text_out *out, const struct turn_column *column, uint64_t value,
                        bool json)
{
    bool is_word = column->kind == TURN_WHY || column->kind == TURN_TIER;
    if (value == TURN_NOTHING) {
        text_out_text(out, json ? "null" : "");
    } else if (is_word) {
        text_out_text(out, json ? "\"" : "");
        text_out_text(out, turn_word(column, value));
        text_out_text(out, json ? "\"" : "");
    } else if (json && column->kind == TURN_FLAG) {
        text_out_text(out, value != 0 ? "true" : "false");
    } else {
        text_out_whole(out, value);
    }
}

void turn_file_add(struct turn_file *file, const struct turn_row *row)
{
    struct text_out *out = file->out;
    text_out_text(out, file->json ? "{\"policy\": " : "");
    text_out_text(out, file->policy);
    for (uint32_t i = 0; i < turn_column_count; i++) {
        const struct turn_column *column = &turn_columns[i];
        text_out_text(out, file->json ? ", \"" : ",");
        if (file->json) {
            text_out_text(out, column->name);
            text_out_text(out, "\": ");
        }
        write_value(out, column, turn_value(row, column), file->json);
    }
    text_out_text(out, file->json ? "}\n" : "\n");
}

static void turn_file_free(struct turn_file *file)
{
    free(file->policy);
    free(file);
}

enum status turn_file_finish(struct turn_file *file, struct error *err)
{
    enum status status = text_out_finish(file->out, err);
    turn_file_free(file);
    return status;
}

void turn_file_abandon(struct turn_file *file)
{
    if (file == NULL)
        return;
    text_out_abandon(file->out);
    turn_file_free(file);
}
