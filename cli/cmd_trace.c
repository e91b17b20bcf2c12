/* cli/cmd_trace.c - `reprise trace VERB`: finds the verb and runs it. */
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/trace_verbs.h"

#include <stdio.h>
#include <string.h>

struct verb {
    const char *name, *summary;
    int (*run)(int argc, const char **argv);
};

#define VERB_ROW(name, summary) { #name, summary, trace_verb_##name },
static const struct verb verbs[] = { TRACE_VERBS(VERB_ROW) };
enum { VERBS = sizeof verbs / sizeof *verbs };

/* --help, or a verb that is none. */
static int tell_verbs(int argc, const char **argv)
{
    char summary[1024] = "Reads and writes traces.", expected[128] = "one of";
    for (int i = 0; i < VERBS; i++) {
        size_t at = strlen(summary), end = strlen(expected);
        snprintf(summary + at, sizeof summary - at, "\n  %-8s %s", verbs[i].name, verbs[i].summary);
        snprintf(expected + end, sizeof expected - end, " %s", verbs[i].name);
    }
    strncat(summary, "\n`reprise trace VERB --help` tells a verb's options.",
            sizeof summary - strlen(summary) - 1);
    const struct option table[] = { { 0 } };
    const struct command_line line = { .command = "reprise trace",
                                       .usage = "VERB [FILE...] [OPTION...]",
                                       .summary = summary,
                                       .table = table,
                                       .arguments_most = 64 };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        error_input(&err, NULL, 0, "trace", expected, options.arguments[0]);
    options_free(&options);
    return output_exit(&err);
}

int cmd_trace(int argc, const char **argv)
{
    for (int i = 0; argc > 1 && i < VERBS; i++)
        if (strcmp(argv[1], verbs[i].name) == 0)
            return verbs[i].run(argc - 1, argv + 1);
    return tell_verbs(argc, argv);
}
