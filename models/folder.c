/* models/folder.c - see folder.h, and models_list() of models.h. */
#include "models/folder.h"

#include "base/absent.h"
#include "base/folder_names.h"
#include "base/path.h"
#include "base/plain_file.h"
#include "models/models.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char extension[] = ".yaml";

static const char *data_folder(void)
{
    const char *folder = getenv("REPRISE_MODELS");
    return folder != NULL && *folder != '\0' ? folder : REPRISE_MODELS_FOLDER;
}

static enum status names_read(const char *kind, struct folder_names *names, struct error *err)
{
    char path[MODELS_PATH_BYTES];
    int length = snprintf(path, sizeof path, "%s/%s", data_folder(), kind);
    if (length < 0 || (size_t)length >= sizeof path)
        return error_io(err, path, "open folder", strerror(ENAMETOOLONG));
    return folder_names_read(path, extension, names, err);
}

enum status models_list(const char *kind, void (*visit)(const char *name, void *context),
                        void *context, struct error *err)
{
    assert(strcmp(kind, "llm") == 0 || strcmp(kind, "hardware") == 0 ||
           strcmp(kind, "drive") == 0 || strcmp(kind, "prices") == 0 ||
           strcmp(kind, "timing") == 0 || strcmp(kind, "attention") == 0 ||
           strcmp(kind, "collectives") == 0 || strcmp(kind, "engines") == 0 ||
           strcmp(kind, "versions") == 0);
    struct folder_names names = { 0 };
    enum status status = names_read(kind, &names, err);
    for (uint32_t i = 0; status == STATUS_OK && i < names.count; i++)
        visit(names.name[i], context);
    folder_names_free(&names);
    return status;
}

static enum status refuse_unknown(const char *kind, const char *key, const char *name,
                                  struct error *err)
{
    struct folder_names names = { 0 };
    enum status status = names_read(kind, &names, err);
    if (status == STATUS_OK) {
        char expected[sizeof err->expected] = "a path to a .yaml file or one of";
        size_t used = strlen(expected);
        const char *more = ", ...: `reprise models` lists all";
        for (uint32_t i = 0; i < names.count; i++) {
            if (used + strlen(names.name[i]) + strlen(more) + 3 >= sizeof expected) {
                snprintf(expected + used, sizeof expected - used, "%s", more);
                break;
            }
            used += (size_t)snprintf(expected + used, sizeof expected - used, "%s %s",
                                     i > 0 ? "," : "", names.name[i]);
        }
        status = error_input(err, NULL, 0, key, expected, name);
    }
    folder_names_free(&names);
    return status;
}

enum status models_path(const char *kind, const char *key, const char *name_or_path,
                        char path[MODELS_PATH_BYTES], struct error *err)
{
    bool is_path = strchr(name_or_path, '/') != NULL || path_ends_in(name_or_path, extension);
    int length = is_path ? snprintf(path, MODELS_PATH_BYTES, "%s", name_or_path)
                         : snprintf(path, MODELS_PATH_BYTES, "%s/%s/%s%s", data_folder(), kind,
                                    name_or_path, extension);
    bool fits = length >= 0 && length < MODELS_PATH_BYTES;
    if (is_path && fits)
        return STATUS_OK; /* a file that is not there is told by reading it */
    if (fits && !file_absent(path))
        return STATUS_OK;
    return refuse_unknown(kind, key, name_or_path, err);
}

enum status models_check_inside(const char *file, const char *key, const char *name_or_path,
                                struct error *err)
{
    bool inside = *name_or_path != '/';
    for (const char *part = name_or_path; inside && part != NULL;) {
        inside = strncmp(part, "..", 2) != 0 || (part[2] != '/' && part[2] != '\0');
        part = strchr(part, '/');
        part = part != NULL ? part + 1 : NULL;
    }
    if (!inside)
        return error_input(err, file, 0, key, "a name, or a path below the current folder",
                           name_or_path);
    const char *other = plain_file_not(name_or_path);
    if (other == NULL)
        return STATUS_OK;
    char expected[64];
    snprintf(expected, sizeof expected, "a plain file, not %s", other);
    return error_input(err, file, 0, key, expected, name_or_path);
}

enum status models_read_sections(const char *path, const struct config_section *sections,
                                 void *target, struct error *err)
{
    struct config_tree *tree = NULL;
    enum status status = config_tree_read(path, &tree, err);
    if (status != STATUS_OK)
        return status;
    status = config_load(sections, tree, target, err);
    config_tree_free(tree);
    return status;
}

enum status models_read(const char *path, const struct config_row *rows, void *target,
                        struct error *err)
{
    const struct config_section sections[] = { { .prefix = "", .rows = rows }, { .rows = NULL } };
    return models_read_sections(path, sections, target, err);
}

enum status models_summary(const struct config_tree *tree, const char *name, const char *expected,
                           char summary[CONFIG_TEXT_BYTES], struct error *err)
{
    const char *text = config_tree_value(tree, "summary");
    const char *version = config_tree_value(tree, "version");
    if (text == NULL || version == NULL)
        return error_input(err, name, 0, "summary", expected, NULL);
    snprintf(summary, CONFIG_TEXT_BYTES, "%s (%s)", text, version);
    return STATUS_OK;
}
