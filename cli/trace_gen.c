/* cli/trace_gen.c - `reprise trace gen`: a generated workload as a file. */
#include "cli/options.h"
#include "cli/output.h"
#include "cli/trace_verbs.h"

struct gen_options {
    struct trace_source source;
    const char *to;
};

static enum status generate(const struct gen_options *given, const struct options *options,
                            struct error *err)
{
    struct trace *trace = NULL;
    const char *format = given->to;
    if (options->argument_count != 1)
        return error_input(err, NULL, 0, "trace gen", "a file to write", NULL);
    enum status status = trace_source_open(&given->source, NULL, &trace, err);
    if (status == STATUS_OK && format == NULL)
        format = trace_facts(trace).open_loop ? "mooncake" : "session-csv";
    if (status == STATUS_OK)
        status = trace_verb_write(trace, options->arguments[0], format, false, err);
    trace_close(trace);
    return status;
}

int trace_verb_gen(int argc, const char **argv)
{
    struct gen_options given = { .source.generated = true };
    const struct option table[] = {
        { "to", 't', OPTION_TEXT, &given.to, "NAME",
          "the format (session-csv; mooncake for --documents and --open-loop)" },
        TRACE_SOURCE_GENERATED(&given.source),
        TRACE_SOURCE_OPTIONS(&given.source),
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise trace gen",
        .usage = "OUT [OPTION...]",
        .summary = "Writes a generated workload: the experiment's sessions (--set "
                   "workload.KEY=VALUE), or requests of\nshared documents. OUT is compressed if it "
                   "ends in .zst or .gz. Keys: docs/workload.md.",
        .table = table,
        .arguments_most = 1,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        generate(&given, &options, &err);
    experiment_options_free(&given.source.experiment);
    options_free(&options);
    return output_exit(&err);
}
