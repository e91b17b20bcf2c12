/* cli/trace_verbs.h - what `reprise trace` can do, each verb a file of its own, and what they
 * share. */
#ifndef REPRISE_CLI_TRACE_VERBS_H
#define REPRISE_CLI_TRACE_VERBS_H

#include "cli/experiment_options.h"

/* <- a new verb: its name and summary here, its cli/trace_NAME.c, a line in CMake. */
#define TRACE_VERBS(X)                                                                             \
    X(info, "say what a trace, or the generated workload, holds")                                  \
    X(convert, "write a trace in another format")                                                  \
    X(gen, "write a generated workload, of one of several shapes")                                 \
    X(scale, "write a trace with another arrival rate, more or fewer sessions")

/* argv[0] is the verb. Returns the process's exit code. */
#define TRACE_VERB_DECLARE(name, summary) int trace_verb_##name(int argc, const char **argv);
TRACE_VERBS(TRACE_VERB_DECLARE)

/* What a verb reads: a file, or what is generated. */
struct trace_source {
    struct experiment_options experiment;
    const char *format, *token_time, *shape;
    const char *block_tokens;
    bool documents, open_loop, sort;
    bool generated; /* even where the experiment names a file */
};

/* Rows of an option table; `given` is a struct trace_source *. */
#define TRACE_SOURCE_FILE(given)                                                                   \
    { "format",         'f',    OPTION_TEXT,                                                       \
      &(given)->format, "NAME", "the file's format (default: told from how it begins)" },          \
        { "block-tokens",                                                                          \
          0,                                                                                       \
          OPTION_TEXT,                                                                             \
          &(given)->block_tokens,                                                                  \
          "N",                                                                                     \
          "tokens that a hash id of the file stands for, where it does not say" },                 \
    {                                                                                              \
        "sort", 0, OPTION_FLAG, &(given)->sort, NULL,                                              \
            "the file's records stand in any order of time; holds them in memory"                  \
    }
#define TRACE_SOURCE_GENERATED(given)                                                              \
    {                                                                                              \
        "shape",                                                                                   \
        0,                                                                                         \
        OPTION_TEXT,                                                                               \
        &(given)->shape,                                                                           \
        "NAME",                                                                                    \
        "generate that shape, --set workload.shape=NAME (trace gen --shapes lists them)"           \
    },                                                                                             \
    {                                                                                              \
        "documents", 0, OPTION_FLAG, &(given)->documents, NULL,                                    \
            "generate requests of shared documents (--set documents.KEY=VALUE)"                    \
    }
#define TRACE_SOURCE_OPTIONS(given)                                                                \
    {                                                                                              \
        "open-loop", 0,                                                                            \
        OPTION_FLAG, &(given)->open_loop,                                                          \
        NULL,        "take a session's turns as requests with the blocks of its history"           \
    },                                                                                             \
        { "token-time",                                                                            \
          0,                                                                                       \
          OPTION_TEXT,                                                                             \
          &(given)->token_time,                                                                    \
          "TIME",                                                                                  \
          "of each token of a reply, before the think time, in an open loop that is made of "      \
          "sessions "                                                                              \
          "(workload.token_time)" },                                                               \
        EXPERIMENT_OPTIONS(&(given)->experiment)

/* Opens the file as the experiment's import keys say; path NULL: the experiment's own trace. */
enum status trace_source_open(const struct trace_source *given, const char *path,
                              struct trace **trace, struct error *err);

/* Writes all of the trace, and tells what came of it and what the format did not hold. */
enum status trace_verb_write(struct trace *trace, const char *path, const char *format, bool lossy,
                             struct error *err);

/* The whole number from least to most in text, k and M taken; NULL leaves *value as it is. */
enum status trace_verb_whole(const char *option, const char *text, uint64_t least, uint64_t most,
                             uint64_t *value, struct error *err);
/* The same of a number above 0. */
enum status trace_verb_positive(const char *option, const char *text, double most, double *value,
                                struct error *err);
/* The same of a duration, 0 or more. */
enum status trace_verb_duration(const char *option, const char *text, uint64_t *ns,
                                struct error *err);

#endif
