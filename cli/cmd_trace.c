/* cli/cmd_trace.c - `reprise trace info`: says what a trace or the generated workload holds. */
#include "cli/commands.h"
#include "cli/experiment_options.h"
#include "cli/options.h"
#include "cli/output.h"

#include <string.h>

struct trace_options {
    struct experiment_options experiment;
    const char *format, *lru;
    bool json;
};

static enum status lru_blocks(const char *text, uint64_t *blocks, struct error *err)
{
    double value = 0.0;
    *blocks = 0;
    if (text == NULL)
        return STATUS_OK;
    if (!units_parse(text, UNIT_PLAIN, &value) || value < 1.0 || value > 4e9 ||
        value != (double)(uint64_t)value)
        return error_input(err, NULL, 0, "--lru", "a whole number of blocks, 1 or more", text);
    *blocks = (uint64_t)value;
    return STATUS_OK;
}

static enum status open_source(const struct trace_options *given, const char *path,
                               struct trace **trace, struct error *err)
{
    struct experiment experiment;
    enum status status = experiment_load(&given->experiment, &experiment, err);
    if (status != STATUS_OK)
        return status;
    if (path != NULL)
        return trace_open_with(path, given->format, &experiment.workload, &experiment.import, trace,
                               err);
    return trace_generate(&experiment.workload, trace, err);
}

static enum status show_info(const struct trace_options *given, const char *path, struct error *err)
{
    struct trace *trace = NULL;
    struct trace_info info;
    uint64_t blocks;
    if (lru_blocks(given->lru, &blocks, err) || open_source(given, path, &trace, err))
        return err->status;
    enum status status = trace_info_read(trace, blocks, &info, err);
    trace_close(trace);
    if (status == STATUS_OK)
        (given->json ? trace_info_print_json : trace_info_print_table)(stdout, &info);
    return status;
}

int cmd_trace(int argc, const char **argv)
{
    struct trace_options given = { 0 };
    const struct option table[] = {
        { "lru", 0, OPTION_TEXT, &given.lru, "N", "also the hits under LRU of N blocks" },
        { "format", 'f', OPTION_TEXT, &given.format, "NAME",
          "the file's format (default: told from its first line)" },
        { "json", 0, OPTION_FLAG, &given.json, NULL, "one JSON object instead of a table" },
        EXPERIMENT_OPTIONS(&given.experiment),
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise trace",
        .usage = "info [FILE] [OPTION...]",
        .summary = "Says what a trace holds: requests, tokens, blocks, and how much of it a prefix "
                   "cache could\nreuse. FILE may be .zst. Without FILE: the experiment's generated "
                   "workload.",
        .table = table,
        .arguments_most = 2,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help) {
        if (options.argument_count == 0 || strcmp(options.arguments[0], "info") != 0)
            error_input(&err, NULL, 0, "trace", "info, and a file", options.arguments[0]);
        else
            show_info(&given, options.arguments[1], &err);
    }
    experiment_options_free(&given.experiment);
    options_free(&options);
    return output_exit(&err);
}
