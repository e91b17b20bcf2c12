/* cli/options.h - a subcommand's options: popt's table, our errors. */
#ifndef REPRISE_CLI_OPTIONS_H
#define REPRISE_CLI_OPTIONS_H

#include "base/error.h"

#include <popt.h>
#include <stdint.h>

/* Values of an option that may be given several times, in order. */
struct text_list {
    const char **text;
    uint32_t count, capacity;
};

/* Appends "key=value"; nothing when value is NULL. */
void text_list_assign(struct text_list *list, const char *key, const char *value);

struct options {
    const char *usage;               /* "sim [OPTION...]" */
    const char *summary;             /* a sentence or two, above the options in --help */
    const struct poptOption *table;  /* ended by POPT_TABLEEND; val 0: popt stores the value itself */
    struct text_list *repeated;      /* where values of options with val 'R' go; may be NULL */
    uint32_t arguments_max;
};

enum options_step { OPTIONS_RUN, OPTIONS_HELPED, OPTIONS_ERROR };

/* Parses argv[1..]. Arguments that are no options go to arguments[], NULL behind the last. --help
 * prints and gives OPTIONS_HELPED. Texts live until options_free(). */
enum options_step options_parse(const struct options *options, int argc, const char **argv,
                                const char **arguments, poptContext *context, struct error *err);
void options_free(poptContext context, struct text_list *repeated);

/* Prints err on stderr; returns the process's exit code. */
int options_fail(const struct error *err);

#endif
