/* cli/accuracy_json.h - predictions beside measurements as one JSON object. */
#ifndef REPRISE_CLI_ACCURACY_JSON_H
#define REPRISE_CLI_ACCURACY_JSON_H

#include "validate/accuracy/accuracy.h"

#include <stdio.h>

/* goals, groups, worst (by family), runs, notes; times in ns, errors as shares. */
void accuracy_print_json(FILE *out, const struct accuracy *accuracy);

#endif
