/* cli/cmd_trace.c - `reprise trace info`: says what a trace or the generated workload holds. */
#include "cli/commands.h"
#include "cli/configure.h"
#include "cli/options.h"

#include <string.h>

struct trace_args {
    const char *config, *format, *lru;
    int json;
    struct text_list set;
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

static enum status open_source(const struct trace_args *args, const char *path, struct trace **trace,
                               struct error *err)
{
    struct experiment experiment;
    if (path != NULL)
        return trace_open(path, args->format, trace, err);
    enum status status = configure(args->config, &args->set, &experiment, err);
    return status == STATUS_OK ? trace_generate(&experiment.workload, trace, err) : status;
}

static enum status show_info(const struct trace_args *args, const char *path, struct error *err)
{
    struct trace *trace = NULL;
    struct trace_info info;
    uint64_t blocks;
    if (lru_blocks(args->lru, &blocks, err) || open_source(args, path, &trace, err))
        return err->status;
    enum status status = trace_info_read(trace, blocks, &info, err);
    trace_close(trace);
    if (status == STATUS_OK)
        (args->json ? trace_info_print_json : trace_info_print_table)(stdout, &info);
    return status;
}

int cmd_trace(int argc, const char **argv)
{
    struct trace_args args = { 0 };
    const char *arguments[3];
    poptContext context;
    struct error err = { 0 };
    const struct poptOption table[] = {
        { "lru", 0, POPT_ARG_STRING, &args.lru, 0, "also the hits under LRU of N blocks", "N" },
        { "format", 'f', POPT_ARG_STRING, &args.format, 0,
          "the file's format (default: told from its first line)", "mooncake" },
        { "json", 0, POPT_ARG_NONE, &args.json, 0, "one JSON object instead of a table", NULL },
        { "config", 'c', POPT_ARG_STRING, &args.config, 0,
          "without FILE: the experiment whose workload is described", "FILE.yaml" },
        { "set", 's', POPT_ARG_STRING, NULL, 'R', "without FILE: a key of it; repeatable",
          "KEY=VALUE" },
        POPT_TABLEEND
    };
    const struct options options = {
        .usage = "trace info [FILE] [OPTION...]",
        .summary = "Says what a trace holds: requests, tokens, blocks, and how much of it a prefix "
                   "cache could\nreuse. FILE may be .zst. Without FILE: the generated workload.",
        .table = table,
        .repeated = &args.set,
        .arguments_max = 2,
    };
    enum options_step step = options_parse(&options, argc, argv, arguments, &context, &err);
    if (step == OPTIONS_RUN) {
        if (arguments[0] == NULL || strcmp(arguments[0], "info") != 0)
            error_input(&err, NULL, 0, "trace", "info, and a file", arguments[0]);
        else
            show_info(&args, arguments[1], &err);
    }
    options_free(context, &args.set);
    return err.status != STATUS_OK ? options_fail(&err) : 0;
}
