/* validate/calibrate/profile_collectives.c - see profile_collectives.h. */
#include "validate/calibrate/profile_collectives.h"

#include "base/folder_names.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/table.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define PATH_BYTES 2048
#define NS_PER_MS 1e6
#define ELEMENT_BYTES 2 /* bf16 and half */

/* ---- rows ---- */

static void add(struct collective_profile *profile, struct collective_row row)
{
    memory_grow(&profile->row, &profile->capacity, (uint64_t)profile->count + 1,
                sizeof *profile->row);
    profile->row[profile->count++] = row;
}

struct columns {
    int ranks, size, time;
    int kind;   /* backend, op_name; -1: all rows are alike */
    int dtype;  /* -1: elements of 2 bytes */
    int node;   /* devices_per_node; -1: always one server */
    bool bytes; /* size is in bytes, not elements */
};

static enum status number_above_0(const struct table *table, uint32_t row, int column,
                                  double *value, struct error *err)
{
    enum status status = table_number(table, row, column, value, err);
    if (status == STATUS_OK && !(*value > 0))
        return table_refuse(table, row, column, "a number above 0", err);
    return status;
}

static enum status whole_ranks(const struct table *table, uint32_t row, int column, double *ranks,
                               struct error *err)
{
    enum status status = number_above_0(table, row, column, ranks, err);
    if (status == STATUS_OK && (*ranks != (uint32_t)*ranks || *ranks > 65536))
        return table_refuse(table, row, column, "a whole number of GPUs", err);
    return status;
}

static double element_bytes(const struct table *table, uint32_t row, const struct columns *columns)
{
    if (columns->bytes)
        return 1;
    bool narrow =
        columns->dtype >= 0 && strcmp(table_text(table, row, columns->dtype), "int8") == 0;
    return narrow ? 1 : ELEMENT_BYTES;
}

/* What a row's kind says it is; false: not an all-reduce. */
static bool table_of(const char *kind, enum collective_table *of)
{
    static const struct {
        const char *kind;
        enum collective_table table;
    } known[] = {
        { "vllm_graph", COLLECTIVE_TABLE_GRAPH },
        { "vllm_eager", COLLECTIVE_TABLE_CALLED },
        { "all_reduce", COLLECTIVE_TABLE_NCCL },
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(kind, known[i].kind) == 0) {
            *of = known[i].table;
            return true;
        }
    return false;
}

static enum status read_row(const struct table *table, uint32_t row, const struct columns *columns,
                            struct collective_profile *profile, struct error *err)
{
    enum collective_table of = COLLECTIVE_TABLE_PYTORCH;
    if (columns->kind >= 0 && !table_of(table_text(table, row, columns->kind), &of))
        return STATUS_OK;
    double ranks, size, time_ms, node = 0;
    enum status status = whole_ranks(table, row, columns->ranks, &ranks, err);
    if (status == STATUS_OK)
        status = number_above_0(table, row, columns->size, &size, err);
    if (status == STATUS_OK)
        status = number_above_0(table, row, columns->time, &time_ms, err);
    if (status == STATUS_OK && columns->node >= 0)
        status = number_above_0(table, row, columns->node, &node, err);
    if (status == STATUS_OK && (columns->node < 0 || node >= ranks))
        add(profile, (struct collective_row){ .table = of,
                                              .ranks = (uint32_t)ranks,
                                              .bytes = size * element_bytes(table, row, columns),
                                              .measured_ns = time_ms * NS_PER_MS });
    return status;
}

/* ---- files ---- */

/* Whether the heading is one of the three forms. */
static bool columns_of(const struct table *table, struct columns *columns)
{
    int backend = table_column(table, "backend"), op = table_column(table, "op_name");
    if (table_column(table, "time_stats.all_reduce.median") >= 0)
        *columns = (struct columns){ .ranks = table_column(table, "num_workers"),
                                     .size = table_column(table, "size"),
                                     .time = table_column(table, "time_stats.all_reduce.median"),
                                     .kind = -1,
                                     .dtype = -1,
                                     .node = table_column(table, "devices_per_node"),
                                     .bytes = true };
    else
        *columns = (struct columns){ .ranks = table_column(table, "num_gpus"),
                                     .size = table_column(table, "message_size"),
                                     .time = table_column(table, "latency"),
                                     .kind = backend >= 0 ? backend : op,
                                     .dtype = table_column(table, "nccl_dtype"),
                                     .node = -1 };
    bool told = columns->bytes || backend >= 0 || (op >= 0 && columns->dtype >= 0);
    return told && columns->ranks >= 0 && columns->size >= 0 && columns->time >= 0;
}

static enum status read_file(const char *path, struct collective_profile *profile,
                             struct error *err)
{
    struct table table;
    enum status status = table_open(path, &table, err);
    if (status != STATUS_OK)
        return status;
    struct columns columns;
    if (columns_of(&table, &columns))
        for (uint32_t row = 0; status == STATUS_OK && row < table_rows(&table); row++)
            status = read_row(&table, row, &columns, profile, err);
    table_free(&table);
    return status;
}

/* By the names that these tables have: other tables of a folder are large, and not opened. */
static bool may_be_table(const char *name)
{
    return table_is_name(name) &&
           (strstr(name, "nccl") != NULL || strstr(name, "allreduce") != NULL ||
            strstr(name, "all_reduce") != NULL);
}

static bool has_word(const char *name, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = name; *at != '\0'; at++) {
        bool begins = at == name || strchr("_-.", at[-1]) != NULL;
        bool ends = strncasecmp(at, word, length) == 0 &&
                    (at[length] == '\0' || strchr("_-.", at[length]) != NULL);
        if (begins && ends)
            return true;
    }
    return false;
}

static enum status refuse_others(const char *path, const char *gpu, const char *others,
                                 struct error *err)
{
    char expected[128];
    snprintf(expected, sizeof expected, "tables of all-reduces with '%s' in their names", gpu);
    return error_input(err, path, 0, "--from-profile", expected,
                       others[0] != '\0' ? others : "none");
}

/* What does not fit is left off. */
static void list(char *names, size_t size, const char *name)
{
    if (names[0] != '\0')
        strncat(names, ", ", size - strlen(names) - 1);
    strncat(names, name, size - strlen(names) - 1);
}

static enum status read_folder(const char *folder, const char *gpu,
                               struct collective_profile *profile, struct error *err)
{
    struct folder_names names = { 0 };
    enum status status = folder_names_read(folder, NULL, &names, err);
    char others[128] = "";
    for (uint32_t i = 0; i < names.count; i++) {
        const char *name = names.name[i];
        char path[PATH_BYTES];
        snprintf(path, sizeof path, "%s/%s", folder, name);
        if (status == STATUS_OK && may_be_table(name) && has_word(name, gpu))
            status = read_file(path, profile, err);
        else if (may_be_table(name))
            list(others, sizeof others, name);
    }
    folder_names_free(&names);
    if (status == STATUS_OK && profile->count == 0)
        return refuse_others(folder, gpu, others, err);
    return status;
}

enum status collective_profile_read(const char *path, const char *gpu,
                                    struct collective_profile *profile, struct error *err)
{
    struct stat facts;
    *profile = (struct collective_profile){ 0 };
    if (stat(path, &facts) != 0)
        return error_io(err, path, "open", strerror(errno));
    if (S_ISDIR(facts.st_mode))
        return read_folder(path, gpu, profile, err);
    const char *name = path_name(path);
    enum status status = STATUS_OK;
    if (has_word(name, gpu))
        status = read_file(path, profile, err);
    if (status == STATUS_OK && profile->count == 0)
        return refuse_others(path, gpu, name, err);
    return status;
}

void collective_profile_free(struct collective_profile *profile)
{
    free(profile->row);
    *profile = (struct collective_profile){ 0 };
}
