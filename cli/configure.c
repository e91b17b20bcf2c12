/* cli/configure.c - file, then assignments, then the schema. */
#include "cli/configure.h"

enum status configure(const char *path, const struct text_list *assignments,
                      struct experiment *experiment, struct error *err)
{
    struct config_tree *tree = NULL;
    enum status status = path != NULL ? config_tree_read(path, &tree, err)
                                      : config_tree_parse("{}", "defaults", &tree, err);
    for (uint32_t i = 0; i < assignments->count && status == STATUS_OK; i++)
        status = config_tree_set(tree, assignments->text[i], err);
    if (status == STATUS_OK)
        status = config_load(experiment_sections, tree, experiment, err);
    config_tree_free(tree);
    return status;
}
