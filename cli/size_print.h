/* cli/size_print.h - the answer of `reprise size`, for people and as JSON. */
#ifndef REPRISE_CLI_SIZE_PRINT_H
#define REPRISE_CLI_SIZE_PRINT_H

#include "sweep/size.h"

#include <stdio.h>

void size_print(FILE *out, const struct size_question *question, const struct size_result *result);

/* One object; docs/sizing.md has its members. */
enum status size_print_json(FILE *out, const struct size_question *question,
                            const struct size_result *result, struct error *err);

#endif
