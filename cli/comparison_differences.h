/* cli/comparison_differences.h - how much each policy differs from the first one named, and whether that is
 * more than chance (sweep/compared.h): paired by seed where there are several, else by turn. The base is chosen by
 * the user before the results are there; the best of them would look better than it is. */
#ifndef REPRISE_CLI_COMPARISON_DIFFERENCES_H
#define REPRISE_CLI_COMPARISON_DIFFERENCES_H

#include "sweep/compared.h"

#include <jansson.h>
#include <stdio.h>

/* A table below the others; nothing for one policy. */
void comparison_print_differences(FILE *out, const struct compared *compared);

/* The same as an object; null for one policy. number: a value as JSON. */
json_t *comparison_differences_json(const struct compared *compared,
                                    json_t *(*number)(double value));

#endif
