/* cli/comparison_differences.h - how much each policy differs from the first one named, and whether that is
 * more than chance (sweep/paired.h): paired by seed where there are several, else by turn. The base is chosen by
 * the user before the results are there; the best of them would look better than it is. */
#ifndef REPRISE_CLI_COMPARISON_DIFFERENCES_H
#define REPRISE_CLI_COMPARISON_DIFFERENCES_H

#include "cli/comparison.h"
#include "sweep/paired.h"

#include <jansson.h>
#include <stdio.h>

/* How much the mean TTFT of policy `run` differs from that of policy `base`, numbers in comparison->runs, after
 * they ran. difference_seen() says whether that is more than chance. Sorts and pairs all turns anew:
 * tens of ms. No interval where the comparison keeps nothing to pair. */
struct difference comparison_ttft_difference(const struct comparison *comparison, uint32_t base,
                                             uint32_t run);

/* A table below the others; nothing for one policy. */
void comparison_print_differences(FILE *out, const struct comparison *comparison);

/* The same as an object; null for one policy. number: a value as JSON. */
json_t *comparison_differences_json(const struct comparison *comparison,
                                    json_t *(*number)(double value));

#endif
