/* cli/size_print.h - the answer of `reprise size`, for people. */
#ifndef REPRISE_CLI_SIZE_PRINT_H
#define REPRISE_CLI_SIZE_PRINT_H

#include "sweep/size.h"

#include <stdio.h>

void size_print(FILE *out, const struct size_question *question, const struct size_answer *answer,
                const struct size_growth growth[SIZE_LOADS]);

#endif
