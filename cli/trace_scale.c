/* cli/trace_scale.c - `reprise trace scale`: a trace with more load or less. */
#include "cli/options.h"
#include "cli/output.h"
#include "cli/trace_verbs.h"
#include "traces/write.h"

struct scale_options {
    struct trace_source source;
    const char *to, *rate, *think, *sessions, *shift;
    uint64_t seed;
    bool lossy;
};

static enum status read_scale(const struct scale_options *given, struct trace_scale *scale,
                              struct error *err)
{
    *scale = (struct trace_scale){ .rate = 1.0,
                                   .think = 1.0,
                                   .sessions = 1.0,
                                   .shift_most_ns = 600 * NS_PER_S,
                                   .seed = given->seed };
    if (trace_verb_positive("--rate", given->rate, 1e6, &scale->rate, err) ||
        trace_verb_positive("--think", given->think, 1e6, &scale->think, err) ||
        trace_verb_positive("--sessions", given->sessions, TRACE_SCALE_SESSIONS_MOST,
                            &scale->sessions, err) ||
        trace_verb_duration("--shift", given->shift, &scale->shift_most_ns, err))
        return err->status;
    if (given->rate == NULL && given->think == NULL && given->sessions == NULL)
        return error_input(err, NULL, 0, "trace scale", "--rate, --think or --sessions", NULL);
    return STATUS_OK;
}

static enum status scale(const struct scale_options *given, const struct options *options,
                         struct error *err)
{
    struct trace *trace;
    struct trace_scale scale;
    if (options->argument_count != 2)
        return error_input(err, NULL, 0, "trace scale", "a file to read and one to write",
                           options->arguments[0]);
    if (read_scale(given, &scale, err) ||
        trace_source_open(&given->source, options->arguments[0], &trace, err))
        return err->status;
    if (options_check_idle(given->think != NULL && trace_facts(trace).open_loop, "--think",
                           "a closed loop: requests of an open one have no think times",
                           err) != STATUS_OK) {
        trace_close(trace);
        return err->status;
    }
    struct trace *scaled = trace_scaled(trace, &scale);
    const char *format = given->to != NULL ? given->to : trace_facts(scaled).format;
    enum status status = trace_verb_write(scaled, options->arguments[1], format, given->lossy, err);
    trace_close(scaled);
    return status;
}

int trace_verb_scale(int argc, const char **argv)
{
    struct scale_options given = { 0 };
    const struct option table[] = {
        { "rate", 0, OPTION_TEXT, &given.rate, "X",
          "arrivals X times as dense; think times stay as they are" },
        { "think", 0, OPTION_TEXT, &given.think, "X", "think times X times as long" },
        { "sessions", 0, OPTION_TEXT, &given.sessions, "Y",
          "Y times the sessions: whole copies with ids and blocks of their own, and a share" },
        { "shift", 0, OPTION_TEXT, &given.shift, "TIME",
          "a copy comes later by up to this (10min)" },
        { "seed", 0, OPTION_U64, &given.seed, "N", "of shifts, and of which sessions are kept" },
        { "to", 't', OPTION_TEXT, &given.to, "NAME", "the format to write (default: as it is)" },
        { "lossy", 0, OPTION_FLAG, &given.lossy, NULL,
          "drop shared prefixes where the format cannot hold them" },
        TRACE_SOURCE_FILE(&given.source),
        TRACE_SOURCE_OPTIONS(&given.source),
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise trace scale",
        .usage = "IN OUT [--rate X] [--think X] [--sessions Y] [OPTION...]",
        .summary = "Writes a trace with another arrival rate, other think times, or more or fewer "
                   "sessions.",
        .table = table,
        .arguments_most = 2,
        .writes = 2,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        scale(&given, &options, &err);
    experiment_options_free(&given.source.experiment);
    options_free(&options);
    return output_exit(&err);
}
