/* cli/replay_print.h - what `reprise replay` shows: a table a size, or one JSON object. */
#ifndef REPRISE_CLI_REPLAY_PRINT_H
#define REPRISE_CLI_REPLAY_PRINT_H

#include "cli/replay_runs.h"

#include <stdio.h>

struct replay_about {
    const char *trace, *format, *server; /* server: the model and GPUs that time saved is of */
    uint32_t block_tokens;
    struct trace_facts facts; /* at the trace's end: of what was measured */
};

void replay_print_table(FILE *out, const struct replay_about *about, const struct replay_runs *all);

/* One object and a newline. No speeds: the same trace prints the same bytes. */
void replay_print_json(FILE *out, const struct replay_about *about, const struct replay_runs *all);

#endif
