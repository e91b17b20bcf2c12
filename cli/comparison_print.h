/* cli/comparison_print.h - what `reprise sim` shows of its runs: a table, or one JSON object. */
#ifndef REPRISE_CLI_COMPARISON_PRINT_H
#define REPRISE_CLI_COMPARISON_PRINT_H

#include "cli/comparison.h"

#include <stdio.h>

/* The runs side by side, under what they have in common. */
void comparison_print_table(FILE *out, const struct comparison *comparison);

/* One object and a newline: the configuration, and every metric of every run. No times of day and
 * nothing of the machine: the same experiment prints the same bytes. */
void comparison_print_json(FILE *out, const struct comparison *comparison);

#endif
