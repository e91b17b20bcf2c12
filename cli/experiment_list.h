/* cli/experiment_list.h - one experiment several times, each under another policy or with other
 * keys: what commands compare. */
#ifndef REPRISE_CLI_EXPERIMENT_LIST_H
#define REPRISE_CLI_EXPERIMENT_LIST_H

#include "sim/sim.h"

struct named_experiment {
    char name[CONFIG_TEXT_BYTES]; /* no two in a list have the same */
    struct experiment experiment;
};

struct experiment_list {
    struct named_experiment *item;
    uint32_t count, capacity;
    char noted[4 * CONFIG_TEXT_BYTES]; /* the last note on stderr: what all policies share, once */
};

/* Adds the tree's experiment under each name of `policies`, policies and presets in a list with
 * commas (NULL: the tree's policy). A preset's keys stand where the tree says nothing; on stderr is
 * said where it overrides the tree. */
enum status experiment_list_add_policies(struct experiment_list *list,
                                         const struct config_tree *tree, const char *policies,
                                         struct error *err);

/* Adds an experiment for each mapping of a YAML file: its key is the experiment's name, and what is
 * in it is laid over the tree's keys. STATUS_IO: the file; STATUS_INPUT: a key or value in it,
 * which is named. */
enum status experiment_list_add_file(struct experiment_list *list, const struct config_tree *tree,
                                     const char *path, struct error *err);

void experiment_list_free(struct experiment_list *list);

#endif
