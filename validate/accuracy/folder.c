/* validate/accuracy/folder.c - see folder.h. */
#include "validate/accuracy/folder.h"

#include "base/folder_names.h"
#include "base/memory.h"
#include "base/path.h"
#include "validate/accuracy/points.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define KIND_HOLDS(member, begin, end, holds) holds,
const char *const folder_kind_holds[] = { FOLDER_KINDS(KIND_HOLDS) };

struct pattern {
    const char *begin, *end;
};
#define KIND_PATTERN(member, begin, end, holds) { begin, end },
static const struct pattern patterns[] = { FOLDER_KINDS(KIND_PATTERN) };

static const struct {
    const char *gpu, *hardware;
} gpus[] = {
    { "a100_sxm", "a100-80gb" }, { "a100", "a100-80gb" }, { "a100-80gb", "a100-80gb" },
    { "h100_sxm", "h100" },      { "h100", "h100" },      { "h100-80gb", "h100" },
    { "h200_sxm", "h200" },      { "h200", "h200" },      { "l40s", "l40s" },
    { "b200_sxm", "b200" },      { "b200", "b200" },      { "rtxpro6000", "rtx-pro-6000" },
};

const char *folder_hardware(const char *gpu)
{
    for (size_t i = 0; i < sizeof gpus / sizeof gpus[0]; i++)
        if (strcmp(gpus[i].gpu, gpu) == 0)
            return gpus[i].hardware;
    return NULL;
}

/* ---- a name taken apart ---- */

/* Cuts off the suffix; false: the text does not end so. */
static bool cut(char *text, const char *suffix)
{
    size_t length = strlen(text), end = strlen(suffix);
    if (length < end || strcmp(text + length - end, suffix) != 0)
        return false;
    text[length - end] = '\0';
    return true;
}

static void copy(char to[ACCURACY_NAME_BYTES], const char *from, size_t length)
{
    if (length >= ACCURACY_NAME_BYTES)
        length = ACCURACY_NAME_BYTES - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

/* "h100_sxm_vllm0.24.0": a GPU, and behind the last underscore an engine and its version. */
static bool read_engine(struct folder_file *file, char *rest)
{
    char *last = strrchr(rest, '_');
    if (last == NULL || last == rest)
        return false;
    copy(file->gpu, rest, (size_t)(last - rest));
    size_t letters = 1;
    while (isalpha((unsigned char)last[letters]))
        letters++;
    copy(file->engine, last + 1, letters - 1);
    copy(file->version, last + letters, strlen(last + letters));
    return file->engine[0] != '\0' && file->version[0] != '\0';
}

/* "rtxpro6000_Llama-3.1-8B_tp1": a GPU, and a model or what else follows. */
static bool read_model(struct folder_file *file, char *rest)
{
    char *first = strchr(rest, '_');
    if (first == NULL)
        first = rest + strlen(rest);
    copy(file->gpu, rest, (size_t)(first - rest));
    copy(file->model, *first == '_' ? first + 1 : first, strlen(*first == '_' ? first + 1 : first));
    return file->gpu[0] != '\0';
}

static bool read_rest(struct folder_file *file, char *rest)
{
    switch (file->kind) {
    case FOLDER_SERVED:
    case FOLDER_SPLITWISE:
    case FOLDER_CAPACITY:
        return rest[0] == '\0';
    case FOLDER_NCCL:
        return read_engine(file, rest) && strcmp(file->engine, "nccl") == 0;
    case FOLDER_REQUESTS:
    case FOLDER_GRID:
    case FOLDER_GRID_V0:
    case FOLDER_DENSE:
    case FOLDER_VIDUR_ALLREDUCE:
        return read_model(file, rest);
    case FOLDER_LAYERS:
        return read_model(file, rest) && folder_hardware(file->gpu) != NULL;
    default:
        return read_engine(file, rest);
    }
}

static bool read_name(const char *name, struct folder_file *file)
{
    char stem[256];
    if (strlen(name) >= sizeof stem)
        return false;
    snprintf(stem, sizeof stem, "%s", name);
    cut(stem, ".gz");
    if (!cut(stem, ".csv") && !cut(stem, ".jsonl"))
        return false;
    for (int kind = 0; kind < FOLDER_KIND_COUNT_ALL; kind++) {
        const struct pattern *pattern = &patterns[kind];
        char rest[sizeof stem];
        if (strncmp(stem, pattern->begin, strlen(pattern->begin)) != 0)
            continue;
        snprintf(rest, sizeof rest, "%s", stem + strlen(pattern->begin));
        file->kind = (enum folder_kind)kind;
        if (cut(rest, pattern->end) && read_rest(file, rest))
            return true;
    }
    return false;
}

/* ---- the folder ---- */

/* false: the file's name is none of a table. */
static bool add_file(struct folder *folder, const char *path, const char *name)
{
    struct folder_file file = { 0 };
    if (!read_name(name, &file))
        return false;
    snprintf(file.path, sizeof file.path, "%s", path);
    memory_grow(&folder->file, &folder->capacity, folder->files + 1, sizeof *folder->file);
    folder->file[folder->files++] = file;
    return true;
}

static enum status add_folder(const char *path, struct folder *folder, struct accuracy *accuracy,
                              struct error *err)
{
    struct folder_names names = { 0 };
    enum status status = folder_names_read(path, NULL, &names, err);
    for (uint32_t i = 0; status == STATUS_OK && i < names.count; i++) {
        char file[512];
        snprintf(file, sizeof file, "%s/%s", path, names.name[i]);
        if (!add_file(folder, file, names.name[i]))
            points_note(accuracy, "%s: no table that is known here, passed over", names.name[i]);
    }
    folder_names_free(&names);
    return status;
}

#define EXPECTED                                                                                   \
    "tables such as aic_h100_sxm_vllm0.24.0_gemm.csv.gz or aic_silicon_e2e.csv.gz "                \
    "(docs/accuracy.md)"

enum status folder_add(const char *path, struct folder *folder, struct accuracy *accuracy,
                       struct error *err)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return error_io(err, path, "read", strerror(errno));
    if (S_ISDIR(about.st_mode))
        return add_folder(path, folder, accuracy, err);
    if (!add_file(folder, path, path_name(path)))
        return error_input(err, path, 0, NULL, EXPECTED, "a file of another name");
    return STATUS_OK;
}

enum status folder_check(const char *path, const struct folder *folder, struct accuracy *accuracy,
                         struct error *err)
{
    bool has[FOLDER_KIND_COUNT_ALL] = { false };
    if (folder->files == 0)
        return error_input(err, path, 0, NULL, EXPECTED, NULL);
    for (uint32_t i = 0; i < folder->files; i++)
        has[folder->file[i].kind] = true;
    for (int kind = 0; kind < FOLDER_KIND_COUNT_ALL; kind++)
        if (!has[kind])
            points_note(accuracy, "no table of %s (%s*%s.csv)", folder_kind_holds[kind],
                        patterns[kind].begin, patterns[kind].end);
    return STATUS_OK;
}

void folder_free(struct folder *folder)
{
    free(folder->file);
    *folder = (struct folder){ 0 };
}
