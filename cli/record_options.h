/* cli/record_options.h - the options by which `sim` and `run` are asked for what happened turn by turn. */
#ifndef REPRISE_CLI_RECORD_OPTIONS_H
#define REPRISE_CLI_RECORD_OPTIONS_H

#include "cli/experiment_options.h"
#include "sim/record/record.h"

struct record_options {
    const char *turns, *timeline, *span;
    bool keep_turns;
};

#define RECORD_OPTIONS(given)                                                                      \
    { "turns", 0, OPTION_WRITES, &(given)->turns, "FILE",                                          \
      "every turn in a row (docs/turns.md), as .csv or .jsonl; of several policies, a file each" }, \
        { "keep-turns", 0, OPTION_FLAG, &(given)->keep_turns, NULL,                                \
          "the same rows in the database, for `reprise explain` and SQL" },                        \
        { "timeline", 0, OPTION_WRITES, &(given)->timeline, "FILE",                                \
          "what GPUs, links, tiers and turns did, as .json for ui.perfetto.dev (docs/timeline.md)" }, \
    {                                                                                              \
        "timeline-span", 0, OPTION_TEXT, &(given)->span, "FROM..TO",                               \
            "the part of the run that the timeline tells (0s..10min; all: 0s..1000d)"              \
    }

/* What is asked for, but for the paths, which are of one run: record_options_of(). STATUS_INPUT: a span
 * that is none. */
enum status record_options_check(const struct record_options *given, struct record_asked *asked,
                                 struct error *err);


#define RECORD_PATH_BYTES 4096
/* The path of one of `runs` runs' files: of several, with that name before its ending. STATUS_IO: it is too long. */
enum status record_options_path(const char *path, const char *name, uint32_t runs,
                                char out[RECORD_PATH_BYTES], struct error *err);
/* Opens what is asked for of one of `runs` runs of the experiment, under that policy: of several, a path has the policy's
 * name before its ending. As record_open(), and experiment_check_apart(). */
enum status record_options_open(const struct record_options *given, const struct record_asked *asked,
                                const char *policy, const struct experiment *experiment, uint32_t runs,
                                struct record *record, struct error *err);

#endif
