/* cli/options.c - popt, with refusals as our errors. */
#include "cli/options.h"

#include "base/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static void add_text(struct text_list *list, const char *text)
{
    memory_grow(&list->text, &list->capacity, (uint64_t)list->count + 1, sizeof *list->text);
    list->text[list->count++] = text;
}

void text_list_assign(struct text_list *list, const char *key, const char *value)
{
    if (value == NULL)
        return;
    size_t length = strlen(key) + strlen(value) + 2;
    char *text = memory_new(length, 1);
    snprintf(text, length, "%s=%s", key, value);
    add_text(list, text);
}

static bool asks_for_help(int argc, const char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            return false;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

enum options_step options_parse(const struct options *options, int argc, const char **argv,
                                const char **arguments, poptContext *context, struct error *err)
{
    argv[0] = "reprise"; /* as help shall call it; the subcommand is in usage */
    *context = poptGetContext("reprise", argc, argv, options->table, 0);
    poptSetOtherOptionHelp(*context, options->usage);
    if (asks_for_help(argc, argv)) {
        printf("%s\n\n", options->summary);
        poptPrintHelp(*context, stdout, 0);
        printf("  -h, --help                 this text\n");
        return OPTIONS_HELPED;
    }
    int step;
    while ((step = poptGetNextOpt(*context)) > 0)
        if (step == 'R')
            add_text(options->repeated, poptGetOptArg(*context));
    if (step < -1) {
        error_input(err, NULL, 0, poptBadOption(*context, POPT_BADOPTION_NOALIAS),
                    "an option of this command (see --help)", poptStrerror(step));
        return OPTIONS_ERROR;
    }
    uint32_t count = 0;
    for (const char *argument; (argument = poptGetArg(*context)) != NULL; count++) {
        if (count == options->arguments_max) {
            error_input(err, NULL, 0, NULL, "no further argument (see --help)", argument);
            return OPTIONS_ERROR;
        }
        arguments[count] = argument;
    }
    arguments[count] = NULL;
    return OPTIONS_RUN;
}

void options_free(poptContext context, struct text_list *repeated)
{
    poptFreeContext(context);
    if (repeated == NULL)
        return;
    for (uint32_t i = 0; i < repeated->count; i++)
        free((void *)(uintptr_t)repeated->text[i]);
    free(repeated->text);
}

int options_fail(const struct error *err)
{
    fflush(stdout);
    error_print(stderr, err);
    return error_exit_code(err->status);
}
