/* cli/cmd_trace.c - `reprise trace VERB`: finds the verb, and holds what verbs share. */
#include "cli/commands.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/trace_verbs.h"

#include <inttypes.h>
#include <string.h>

struct verb {
    const char *name, *summary;
    int (*run)(int argc, const char **argv);
};

#define VERB_ROW(name, summary) { #name, summary, trace_verb_##name },
static const struct verb verbs[] = { TRACE_VERBS(VERB_ROW) };
enum { VERBS = sizeof verbs / sizeof *verbs };

enum status trace_verb_open(const struct experiment_options *given, const char *path,
                            const char *format, struct trace **trace, struct error *err)
{
    struct experiment experiment;
    enum status status = experiment_load(given, &experiment, err);
    if (status != STATUS_OK)
        return status;
    if (path != NULL)
        return trace_open_with(path, format, &experiment.workload, &experiment.import, trace, err);
    return trace_generate(&experiment.workload, trace, err);
}

enum status trace_verb_whole(const char *option, const char *text, uint64_t least, uint64_t most,
                             uint64_t *value, struct error *err)
{
    double parsed = 0.0;
    char expected[96];
    if (text == NULL)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "a whole number from %" PRIu64 " to %" PRIu64, least, most);
    if (!units_parse(text, UNIT_PLAIN, &parsed) || parsed < (double)least ||
        parsed > (double)most || parsed != (double)(uint64_t)parsed)
        return error_input(err, NULL, 0, option, expected, text);
    *value = (uint64_t)parsed;
    return STATUS_OK;
}

enum status trace_verb_positive(const char *option, const char *text, double most, double *value,
                                struct error *err)
{
    double parsed = 0.0;
    char expected[96];
    if (text == NULL)
        return STATUS_OK;
    snprintf(expected, sizeof expected, "a number above 0, to %g", most);
    if (!units_parse(text, UNIT_PLAIN, &parsed) || parsed <= 0.0 || parsed > most)
        return error_input(err, NULL, 0, option, expected, text);
    *value = parsed;
    return STATUS_OK;
}

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
