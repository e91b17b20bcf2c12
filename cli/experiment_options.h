/* cli/experiment_options.h - the options by which a command takes an experiment: a YAML file,
 * --set, and short forms of the keys that change most. */
#ifndef REPRISE_CLI_EXPERIMENT_OPTIONS_H
#define REPRISE_CLI_EXPERIMENT_OPTIONS_H

#include "cli/options.h"
#include "sim/sim.h"

#include <stdio.h>

struct experiment_options {
    const char *file; /* NULL: the defaults */
    struct text_list set;
    const char *model, *hardware, *gpus, *trace, *format, *shape; /* NULL: as the keys say */
};

/* Rows of an option table; `given` is a struct experiment_options *. */
#define EXPERIMENT_OPTIONS(given)                                                                  \
    { "config", 'c', OPTION_READS, &(given)->file, "FILE", "the experiment, as YAML" },            \
    {                                                                                              \
        "set", 's', OPTION_TEXTS, &(given)->set, "KEY=VALUE",                                      \
            "change one key of the experiment; may be given again"                                 \
    }

#define EXPERIMENT_SHORT_FORMS(given)                                                              \
    { "model", 'm', OPTION_READS, &(given)->model, "NAME", "--set model=NAME" },                   \
        { "hardware", 'H', OPTION_READS, &(given)->hardware, "NAME", "--set hardware=NAME" },      \
        { "gpus", 'g', OPTION_TEXT, &(given)->gpus, "N", "--set gpus=N" },                         \
    {                                                                                              \
        "trace", 't', OPTION_READS, &(given)->trace, "FILE", "--set trace=FILE"                    \
    }

/* The file's keys, over them --set, over them the short forms. *tree is the caller's to
 * config_tree_free(). */
enum status experiment_tree(const struct experiment_options *given, struct config_tree **tree,
                            struct error *err);
/* The experiment they make. STATUS_INPUT also: --set has a key of a shape that is not generated. */
enum status experiment_load(const struct experiment_options *given, struct experiment *experiment,
                            struct error *err);

/* The experiment's options and --vary's as they were written ("reprise sweep -c base.yaml --vary
 * gpus=1,2"): the same for every rank, shard and machine. The caller frees it. */
char *experiment_command(const char *command, const struct experiment_options *given,
                         const struct text_list *vary);

/* Writes " OPTION WORD", the word as a shell takes it. */
void experiment_command_word(FILE *out, const char *option, const char *word);

/* Frees the list in it; its texts are struct options' own. */
void experiment_options_free(struct experiment_options *given);

/* Refuses to write the option's file (NULL: none) over one that the experiment names, in its YAML or by --set: the trace,
 * or a model's, server's or drive's. STATUS_INPUT. */
enum status experiment_check_apart(const struct experiment *experiment, const char *option, const char *path,
                                   struct error *err);

#endif
