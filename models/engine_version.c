/* models/engine_version.c - see versions.h. */
#include "models/folder.h"
#include "models/versions.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum { ROWS_MOST = 32 };

/* A row's condition; what a row leaves out holds everywhere. */
struct when {
    uint64_t hbm_bytes;              /* of a GPU, at least */
    uint32_t gpus;                   /* in use, at least */
    char without[CONFIG_TEXT_BYTES]; /* not in the GPU's name, whatever its case; "": any name */
};

static const struct config_row when_rows[] = {
    { .key = "hbm_at_least",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = offsetof(struct when, hbm_bytes),
      .max = 1e14,
      .standard = "0",
      .help = "HBM of a GPU" },
    { .key = "gpus_at_least",
      .kind = CONFIG_U32,
      .offset = offsetof(struct when, gpus),
      .min = 1,
      .max = 64,
      .standard = "1",
      .help = "GPUs in use" },
    { .key = "device_without",
      .kind = CONFIG_TEXT,
      .offset = offsetof(struct when, without),
      .standard = "",
      .help = "not in the GPU's name" },
    { .key = NULL },
};

static enum status read_version(const char *name_or_path, struct config_tree **tree,
                                struct error *err)
{
    char path[MODELS_PATH_BYTES];
    enum status status = models_path("versions", "engine.version", name_or_path, path, err);
    return status == STATUS_OK ? config_tree_read(path, tree, err) : status;
}

enum status engine_version_summary(const char *name, char summary[CONFIG_TEXT_BYTES],
                                   struct error *err)
{
    struct config_tree *tree = NULL;
    enum status status = read_version(name, &tree, err);
    if (status == STATUS_OK)
        status = models_summary(tree, name, "a version with a summary and a version", summary, err);
    config_tree_free(tree);
    return status;
}

const char *engine_version_of(const struct hardware *hardware)
{
    if (hardware->engine_version[0] != '\0')
        return hardware->engine_version;
    return hardware->measured_file[0] != '\0' ? ENGINE_VERSION_NONE : ENGINE_VERSION_CURRENT;
}

/* ---- rows by GPU ---- */

static bool holds_word(const char *text, const char *word)
{
    size_t length = strlen(word);
    for (; *text != '\0'; text++) {
        size_t same = 0;
        while (same < length &&
               tolower((unsigned char)text[same]) == tolower((unsigned char)word[same]))
            same++;
        if (same == length)
            return true;
    }
    return false;
}

static bool holds(const struct when *when, const struct hardware *hardware, uint32_t gpus)
{
    const char *device = hardware->device[0] != '\0' ? hardware->device : hardware->name;
    return hardware->hbm_bytes >= when->hbm_bytes && gpus >= when->gpus &&
           (when->without[0] == '\0' || !holds_word(device, when->without));
}

/* Names of what a mapping holds, as visit is told them. */
struct rows {
    uint32_t count;
    char name[ROWS_MOST][CONFIG_TEXT_BYTES];
};

static enum status note_row(void *context, const char *name, struct error *err)
{
    struct rows *rows = context;
    if (rows->count == ROWS_MOST)
        return error_input(err, NULL, 0, "by_gpu", "at most 32 rows", name);
    snprintf(rows->name[rows->count++], CONFIG_TEXT_BYTES, "%s", name);
    return STATUS_OK;
}

static enum status known_part(void *context, const char *name, struct error *err)
{
    const char *const *known = context;
    for (; *known != NULL; known++)
        if (strcmp(name, *known) == 0)
            return STATUS_OK;
    return error_input(err, NULL, 0, name,
                       "summary, version, keys and by_gpu, whose rows have when and keys", name);
}

/* Fills in a row's condition from the keys below PREFIX"when.". */
static enum status read_when(const struct config_tree *version, const char *row, struct when *when,
                             struct error *err)
{
    static const char *const parts[] = { "when", "keys", NULL };
    const struct config_section sections[] = { { .prefix = "", .rows = when_rows },
                                               { .rows = NULL } };
    char prefix[CONFIG_TEXT_BYTES + 16];
    struct config_tree *tree = NULL;
    snprintf(prefix, sizeof prefix, "by_gpu.%s.", row);
    enum status status = config_tree_children(version, prefix, known_part, (void *)parts, err);
    if (status == STATUS_OK)
        status = config_tree_parse("{}", row, &tree, err);
    if (status != STATUS_OK)
        return status;
    snprintf(prefix, sizeof prefix, "by_gpu.%s.when.", row);
    config_tree_fill(tree, version, prefix, false, NULL);
    status = config_load(sections, tree, when, err);
    config_tree_free(tree);
    return status;
}

static enum status lay_rows(const struct config_tree *version, const struct rows *rows,
                            const struct hardware *hardware, uint32_t gpus,
                            struct config_tree *tree, struct error *err)
{
    for (uint32_t i = rows->count; i-- > 0;) {
        struct when when;
        char keys[CONFIG_TEXT_BYTES + 16];
        enum status status = read_when(version, rows->name[i], &when, err);
        if (status != STATUS_OK)
            return status;
        snprintf(keys, sizeof keys, "by_gpu.%s.keys.", rows->name[i]);
        if (holds(&when, hardware, gpus))
            config_tree_fill(tree, version, keys, false, NULL);
    }
    return STATUS_OK;
}

enum status engine_version_lay(const char *name_or_path, const struct hardware *hardware,
                               uint32_t gpus, struct config_tree *tree, struct error *err)
{
    static const char *const parts[] = { "summary", "version", "keys", "by_gpu", NULL };
    struct config_tree *version = NULL;
    struct rows rows = { 0 };
    enum status status = read_version(name_or_path, &version, err);
    if (status != STATUS_OK)
        return status;
    status = config_tree_children(version, "", known_part, (void *)parts, err);
    if (status == STATUS_OK)
        status = config_tree_children(version, "by_gpu.", note_row, &rows, err);
    if (status == STATUS_OK)
        status = lay_rows(version, &rows, hardware, gpus, tree, err);
    if (status == STATUS_OK)
        config_tree_fill(tree, version, "keys.", false, NULL);
    config_tree_free(version);
    return status;
}
