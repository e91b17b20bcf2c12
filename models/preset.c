/* models/preset.c - presets: keys of an experiment that together make it an engine
 * (models/engines). */
#include "models/folder.h"
#include "models/models.h"

#include <stdio.h>
#include <string.h>

static const char kind[] = "engines";

static enum status read_preset(const char *name, struct config_tree **tree, struct error *err)
{
    char path[MODELS_PATH_BYTES];
    enum status status = models_path(kind, "policy", name, path, err);
    return status == STATUS_OK ? config_tree_read(path, tree, err) : status;
}

bool preset_exists(const char *name)
{
    char path[MODELS_PATH_BYTES];
    struct error ignored = { 0 };
    return *name != '\0' && models_path(kind, "policy", name, path, &ignored) == STATUS_OK;
}

enum status preset_summary(const char *name, char summary[CONFIG_TEXT_BYTES], struct error *err)
{
    struct config_tree *tree = NULL;
    enum status status = read_preset(name, &tree, err);
    if (status == STATUS_OK)
        status = models_summary(tree, name, "a preset with a summary and a version", summary, err);
    config_tree_free(tree);
    return status;
}

enum status preset_lay(const char *name, struct config_tree *tree, const struct config_lost *lost,
                       struct error *err)
{
    struct config_tree *preset = NULL;
    enum status status = read_preset(name, &preset, err);
    if (status != STATUS_OK)
        return status;
    config_tree_fill(tree, preset, "keys.", false, NULL);
    config_tree_fill(tree, preset, "fixed.", true, lost);
    config_tree_free(preset);
    return STATUS_OK;
}
