/* cli/experiment_list.c - see experiment_list.h. */
#include "cli/experiment_list.h"

#include "base/memory.h"
#include "base/shown.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIST_MOST = 64 };

static void print_note(void *context, const char *sentence)
{
    struct experiment_list *list = context;
    if (strcmp(list->noted, sentence) == 0)
        return;
    snprintf(list->noted, sizeof list->noted, "%s", sentence);
    shown_line(stderr, "note: ", sentence);
}

/* Each once: a name is how results are told apart. `option`: who gave it. */
static enum status check_name(const struct experiment_list *list, const char *option,
                              const char *name, struct error *err)
{
    if (list->count == LIST_MOST)
        return error_input(err, NULL, 0, option, "at most 64 policies", name);
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->item[i].name, name) == 0)
            return error_input(err, NULL, 0, option, "each policy once", name);
    return STATUS_OK;
}

/* The tree's experiment, whose name is `name`, or its policy's. */
static enum status add(struct experiment_list *list, const char *option, const char *name,
                       const struct config_tree *tree, struct error *err)
{
    const struct experiment_notes notes = { .tell = print_note, .context = list };
    struct named_experiment named;
    if (experiment_from_tree(tree, &notes, &named.experiment, err) != STATUS_OK)
        return err->status;
    snprintf(named.name, sizeof named.name, "%s", name != NULL ? name : named.experiment.policy);
    if (check_name(list, option, named.name, err) != STATUS_OK)
        return err->status;
    memory_grow(&list->item, &list->capacity, (uint64_t)list->count + 1, sizeof *list->item);
    list->item[list->count++] = named;
    return STATUS_OK;
}

/* ---- policies ---- */

static enum status add_policy(struct experiment_list *list, const struct config_tree *tree,
                              const char *name, size_t length, struct error *err)
{
    char assignment[CONFIG_TEXT_BYTES + sizeof "policy="];
    struct config_tree *own = config_tree_copy(tree);
    snprintf(assignment, sizeof assignment, "policy=%.*s", (int)length, name);
    enum status status = config_tree_set(own, assignment, err);
    if (status == STATUS_OK)
        status = add(list, "--policy", NULL, own, err);
    config_tree_free(own);
    return status;
}

enum status experiment_list_add_policies(struct experiment_list *list,
                                         const struct config_tree *tree, const char *policies,
                                         struct error *err)
{
    enum status status = STATUS_OK;
    if (policies == NULL)
        return add(list, "--policy", NULL, tree, err);
    for (const char *at = policies; status == STATUS_OK && at != NULL;) {
        size_t length = strcspn(at, ",");
        if (length == 0 || length >= CONFIG_TEXT_BYTES)
            return error_input(err, NULL, 0, "--policy", "names with commas between them", at);
        status = add_policy(list, tree, at, length, err);
        at = at[length] == ',' ? at + length + 1 : NULL;
    }
    return status;
}

/* ---- a file ---- */

struct reading {
    struct experiment_list *list;
    const struct config_tree *tree, *file;
    const char *path;
};

static enum status add_section(void *context, const char *name, struct error *err)
{
    const struct reading *reading = context;
    char section[CONFIG_TEXT_BYTES];
    /* A comma would part it in --csv. */
    if (strpbrk(name, ",\"\n") != NULL)
        return error_input(err, reading->path, 0, NULL, "names without commas and quotes", name);
    snprintf(section, sizeof section, "%s.", name);
    struct config_tree *own = config_tree_copy(reading->tree);
    config_tree_fill(own, reading->file, section, true, NULL);
    enum status status = add(reading->list, reading->path, name, own, err);
    config_tree_free(own);
    return status;
}

enum status experiment_list_add_file(struct experiment_list *list, const struct config_tree *tree,
                                     const char *path, struct error *err)
{
    struct config_tree *file = NULL;
    if (config_tree_read(path, &file, err) != STATUS_OK)
        return err->status;
    struct reading reading = { list, tree, file, path };
    enum status status =
        config_tree_sections(file, "an experiment's name, and its keys in the mapping below it",
                             add_section, &reading, err);
    config_tree_free(file);
    return status;
}

void experiment_list_free(struct experiment_list *list)
{
    free(list->item);
}
