/* cli/trace_convert.c - `reprise trace convert`: a trace in another format. */
#include "cli/options.h"
#include "cli/output.h"
#include "cli/trace_verbs.h"

struct convert_options {
    struct trace_source source;
    const char *to;
    bool lossy;
};

static enum status convert(const struct convert_options *given, const struct options *options,
                           struct error *err)
{
    struct trace *trace = NULL;
    if (options->argument_count != 2)
        return error_input(err, NULL, 0, "trace convert", "a file to read and one to write",
                           options->arguments[0]);
    if (given->to == NULL)
        return error_input(err, NULL, 0, "--to", "the format to write", NULL);
    enum status status = trace_source_open(&given->source, options->arguments[0], &trace, err);
    if (status == STATUS_OK)
        status = trace_verb_write(trace, options->arguments[1], given->to, given->lossy, err);
    trace_close(trace);
    return status;
}

int trace_verb_convert(int argc, const char **argv)
{
    struct convert_options given = { 0 };
    const struct option table[] = {
        { "to", 't', OPTION_TEXT, &given.to, "NAME",
          "the format to write: mooncake, session-csv, agentic or azure" },
        { "lossy", 0, OPTION_FLAG, &given.lossy, NULL,
          "drop shared prefixes where the format cannot hold them" },
        TRACE_SOURCE_FILE(&given.source),
        TRACE_SOURCE_OPTIONS(&given.source),
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise trace convert",
        .usage = "IN OUT --to NAME [OPTION...]",
        .summary =
            "Writes a trace in another format; OUT is compressed if it ends in .zst or .gz, and "
            "is there whole or\nnot at all. What the format cannot hold is refused, or told.",
        .table = table,
        .arguments_most = 2,
        .writes = 2,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        convert(&given, &options, &err);
    experiment_options_free(&given.source.experiment);
    options_free(&options);
    return output_exit(&err);
}
