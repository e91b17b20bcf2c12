/* cli/comparison_differences.h - how much each policy differs from the first one named, and whether that is
 * more than chance (sweep/paired.h): paired by seed where there are several, else by turn. The base is chosen by
 * the user before the results are there; the best of them would look better than it is. */
#ifndef REPRISE_CLI_COMPARISON_DIFFERENCES_H
#define REPRISE_CLI_COMPARISON_DIFFERENCES_H

#include "cli/comparison.h"
#include "sweep/paired.h"

#include <jansson.h>
#include <stdio.h>

/* How much the metric at `offset` of struct metrics differs under policy `run` from what it is under policy
 * `base`, numbers in comparison->runs, after they ran: the table's cell where base is 0. difference_seen() says
 * whether that is more than chance. Sorts and pairs all turns anew: tens of ms. false: it is not told, since
 * the table has no row of it or nothing was kept to pair. */
bool comparison_difference(const struct comparison *comparison, uint32_t base, uint32_t run, size_t offset,
                           struct difference *difference);

/* A table below the others; nothing for one policy. */
void comparison_print_differences(FILE *out, const struct comparison *comparison);

/* The same as an object; null for one policy. number: a value as JSON. */
json_t *comparison_differences_json(const struct comparison *comparison,
                                    json_t *(*number)(double value));

#endif
