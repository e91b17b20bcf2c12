/* cli/trace_gen.c - `reprise trace gen`: a generated workload as a file. */
#include "cli/options.h"
#include "cli/output.h"
#include "cli/trace_verbs.h"
#include "traces/shapes.h"

#include <stdio.h>

struct gen_options {
    struct trace_source source;
    const char *to;
    bool shapes;
};

/* Summaries and sources; docs/workload.md has the parameters. */
static void list_shapes(void)
{
    for (int i = 0; i < SHAPE_COUNT; i++) {
        const struct shape_about about = trace_shape_about((enum shape)i);
        printf("%-19s %s\n%-19s source: %s\n%-19s keys: %s*\n", about.name, about.summary, "",
               about.source, "", about.keys);
    }
    printf("And --documents: requests of shared documents by Zipf's law, keys documents.*\n");
}

static enum status generate(const struct gen_options *given, const struct options *options,
                            struct error *err)
{
    struct trace *trace = NULL;
    const char *format = given->to;
    if (options_check_idle(given->shapes && options->argument_count > 0, "--shapes",
                           "no file: it writes none", err) != STATUS_OK)
        return err->status;
    if (given->shapes) {
        list_shapes();
        return STATUS_OK;
    }
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
          "the format (session-csv; mooncake for requests with blocks)" },
        { "shapes", 0, OPTION_FLAG, &given.shapes, NULL,
          "list the shapes, with their sources and keys, and write nothing" },
        TRACE_SOURCE_GENERATED(&given.source),
        TRACE_SOURCE_OPTIONS(&given.source),
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise trace gen",
        .usage = "OUT [OPTION...]",
        .summary =
            "Writes the experiment's generated workload, of the shape that --shape names "
            "(keys by --set), or\nrequests of shared documents. OUT is compressed if it ends "
            "in .zst or .gz. Keys: docs/workload.md.",
        .table = table,
        .arguments_most = 1,
        .writes = 1,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        generate(&given, &options, &err);
    experiment_options_free(&given.source.experiment);
    options_free(&options);
    return output_exit(&err);
}
