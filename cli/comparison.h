/* cli/comparison.h - what `reprise sim` shows of its runs: a table, or one JSON object. */
#ifndef REPRISE_CLI_COMPARISON_H
#define REPRISE_CLI_COMPARISON_H

#include "cli/runs.h"

#include <stdio.h>

/* The runs that are done, side by side, under what they have in common. */
void comparison_print_table(FILE *out, const struct runs *runs);

/* One object and a newline: the configuration, and every metric of every run that is done. No times of
 * day and nothing of the machine: the same experiment prints the same bytes. */
void comparison_print_json(FILE *out, const struct runs *runs);

#endif
