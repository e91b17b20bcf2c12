/* cli/trace_verbs.h - what `reprise trace` can do: each verb a file of its own. */
#ifndef REPRISE_CLI_TRACE_VERBS_H
#define REPRISE_CLI_TRACE_VERBS_H

#include "cli/experiment_options.h"

/* <- a new verb: its name and summary here, its cli/trace_NAME.c, a line in CMake. */
#define TRACE_VERBS(X) X(info, "say what a trace, or the generated workload, holds")

/* argv[0] is the verb. Returns the process's exit code. */
#define TRACE_VERB_DECLARE(name, summary) int trace_verb_##name(int argc, const char **argv);
TRACE_VERBS(TRACE_VERB_DECLARE)

/* Opens the file as the experiment's import keys say; path NULL: the experiment's generated
 * workload. */
enum status trace_verb_open(const struct experiment_options *given, const char *path,
                            const char *format, struct trace **trace, struct error *err);

/* The whole number from least to most in text, units_parse()'s k and M included; NULL leaves *value
 * as it is. */
enum status trace_verb_whole(const char *option, const char *text, uint64_t least, uint64_t most,
                             uint64_t *value, struct error *err);
/* The same of a number above 0. */
enum status trace_verb_positive(const char *option, const char *text, double most, double *value,
                                struct error *err);

#endif
