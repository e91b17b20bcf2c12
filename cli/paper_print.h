/* cli/paper_print.h - what `reprise paper` prints: published beside ours, sensitivity, checks. */
#ifndef REPRISE_CLI_PAPER_PRINT_H
#define REPRISE_CLI_PAPER_PRINT_H

#include "validate/paper/paper.h"

#include <stdio.h>

void paper_print(FILE *out, const struct paper *paper);
/* All parts with their titles, for --list. */
void paper_print_parts(FILE *out);

#endif
