/* cli/comparison_seeds.h - a comparison of several seeds: every policy under each, and what is shown of
 * them, their means. */
#ifndef REPRISE_CLI_COMPARISON_SEEDS_H
#define REPRISE_CLI_COMPARISON_SEEDS_H

#include "cli/comparison.h"

#include <stdio.h>

/* Seeds that are run: 1 where there are none. */
uint32_t comparison_seeds(const struct comparison *comparison);
/* Policy i under the comparison's seed number `seed`, from 0; of one seed, its run. */
struct run *comparison_run_of(const struct comparison *comparison, uint32_t policy, uint32_t seed);

/* Takes out the seeds under which not every policy finished; where none is left, all runs. */
void comparison_keep_whole_seeds(struct comparison *comparison);

/* Makes each policy's run of its seeds': the first one's, with the means of all metrics, and of tenants'.
 * Its curves and findings stay the first seed's, and are that one's to free. */
void comparison_average(struct comparison *comparison);

/* A line of the heading; nothing for one seed. */
void comparison_print_seeds(FILE *out, const struct comparison *comparison);

#endif
