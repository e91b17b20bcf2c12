/* cli/comparison_words.h - a comparison in sentences, for whoever reads no further: what each policy
 * gives, which is best for what, and what makes the numbers doubtful or holds turns up. */
#ifndef REPRISE_CLI_COMPARISON_WORDS_H
#define REPRISE_CLI_COMPARISON_WORDS_H

#include "cli/comparison.h"

#include <stdio.h>

/* A sentence a policy, the verdict where there are several, each run's findings; an empty line behind
 * them. */
void comparison_print_words(FILE *out, const struct comparison *comparison);

#endif
