/* validate/calibrate/profile_tables.c - see profile_tables.h. */
#include "validate/calibrate/profile_tables.h"

#include "base/folder_names.h"
#include "base/memory.h"
#include "base/path.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define PATH_BYTES 1024

/* As public tables call them. */
static const char *const known_gpus[] = {
    "v100",  "t4",   "a10",   "a10g",   "a30",    "a40",    "a100",       "a800",    "l4",
    "l40",   "l40s", "h20",   "h100",   "h200",   "h800",   "gh200",      "b100",    "b200",
    "gb200", "b300", "gb300", "mi300x", "mi325x", "mi355x", "rtxpro6000", "rtx4090", "rtx5090",
};

static bool is_gpu(const char *word, size_t length, const char *gpu)
{
    if (length > 0 && strlen(gpu) == length && strncmp(word, gpu, length) == 0)
        return true;
    for (size_t i = 0; i < sizeof known_gpus / sizeof *known_gpus; i++)
        if (strlen(known_gpus[i]) == length && strncmp(word, known_gpus[i], length) == 0)
            return true;
    return false;
}

void profile_gpu_of_name(const char *path, const char *gpu, char *found, size_t found_bytes)
{
    const char *word = path_name(path);
    found[0] = '\0';
    while (*word != '\0') {
        size_t length = strcspn(word, "_-.");
        if (is_gpu(word, length, gpu)) {
            snprintf(found, found_bytes, "%.*s", (int)length, word);
            return;
        }
        word += length + (word[length] != '\0' ? 1 : 0);
    }
}

void profile_gpu_of(const struct hardware *hardware, char gpu[PROFILE_GPU_BYTES])
{
    const char *const names[] = { hardware->operators.name, hardware->attention.name,
                                  hardware->collectives.name };
    profile_gpu_of_name(hardware->name, "", gpu, PROFILE_GPU_BYTES);
    for (size_t i = 0; gpu[0] == '\0' && i < sizeof names / sizeof *names; i++)
        snprintf(gpu, PROFILE_GPU_BYTES, "%.*s", (int)strcspn(names[i], "-"), names[i]);
}

static enum status add(const char *path, bool says_gpu, struct profile_tables *tables,
                       struct error *err)
{
    struct profile_table one = { .says_gpu = says_gpu };
    if (table_open(path, &one.table, err) != STATUS_OK)
        return err->status;
    one.kind = table_kind(&one.table);
    memory_grow(&tables->item, &tables->capacity, (uint64_t)tables->count + 1,
                sizeof *tables->item);
    tables->item[tables->count++] = one;
    return STATUS_OK;
}

static enum status refuse_other(const char *path, const char *gpu, const char *other,
                                struct error *err)
{
    char expected[128];
    snprintf(expected, sizeof expected, "measurements of the hardware's GPU, %.32s", gpu);
    return error_input(err, path, 0, "--from-profile", expected, other);
}

static enum status open_file(const char *path, const char *gpu, struct profile_tables *tables,
                             struct error *err)
{
    char of[32];
    profile_gpu_of_name(path, gpu, of, sizeof of);
    if (of[0] != '\0' && strcmp(of, gpu) != 0)
        return refuse_other(path, gpu, of, err);
    if (add(path, of[0] != '\0', tables, err) != STATUS_OK)
        return err->status;
    if (tables->item[0].kind != TABLE_UNKNOWN)
        return STATUS_OK;
    return error_input(err, path, 1, "heading",
                       "columns of Vidur, of aiconfigurator, or model,operator,ranks,tokens,...",
                       tables->item[0].table.text);
}

/* Whether files of the folder say that they are this GPU's: then only those are taken. */
static bool any_says_gpu(const struct folder_names *names, const char *gpu)
{
    char of[32];
    for (uint32_t i = 0; i < names->count; i++) {
        profile_gpu_of_name(names->name[i], gpu, of, sizeof of);
        if (table_is_name(names->name[i]) && strcmp(of, gpu) == 0)
            return true;
    }
    return false;
}

static enum status open_named(const char *folder, const struct folder_names *names, const char *gpu,
                              struct profile_tables *tables, struct error *err)
{
    char other[32] = "", of[32], path[PATH_BYTES];
    bool only_named = any_says_gpu(names, gpu);
    for (uint32_t i = 0; i < names->count; i++) {
        if (!table_is_name(names->name[i]))
            continue;
        profile_gpu_of_name(names->name[i], gpu, of, sizeof of);
        bool named = strcmp(of, gpu) == 0, others = of[0] != '\0' && !named;
        tables->of_others += others ? 1 : 0;
        if (others)
            snprintf(other, sizeof other, "%s", of);
        if (others || (only_named && !named))
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, names->name[i]);
        if (add(path, named, tables, err) != STATUS_OK)
            return err->status;
    }
    if (tables->count == 0 && other[0] != '\0')
        return refuse_other(folder, gpu, other, err);
    return STATUS_OK;
}

static enum status open_folder(const char *folder, const char *gpu, struct profile_tables *tables,
                               struct error *err)
{
    struct folder_names names = { 0 };
    enum status status = folder_names_read(folder, NULL, &names, err);
    if (status == STATUS_OK)
        status = open_named(folder, &names, gpu, tables, err);
    folder_names_free(&names);
    return status;
}

enum status profile_tables_open(const char *path, const char *gpu, struct profile_tables *tables,
                                struct error *err)
{
    struct stat facts;
    *tables = (struct profile_tables){ 0 };
    snprintf(tables->gpu, sizeof tables->gpu, "%s", gpu);
    if (stat(path, &facts) != 0)
        return error_io(err, path, "open", strerror(errno));
    enum status status = S_ISDIR(facts.st_mode) ? open_folder(path, gpu, tables, err)
                                                : open_file(path, gpu, tables, err);
    if (status != STATUS_OK)
        profile_tables_close(tables);
    return status;
}

void profile_tables_close(struct profile_tables *tables)
{
    for (uint32_t i = 0; i < tables->count; i++)
        table_free(&tables->item[i].table);
    free(tables->item);
    *tables = (struct profile_tables){ 0 };
}
