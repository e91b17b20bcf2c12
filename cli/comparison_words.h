/* cli/comparison_words.h - a comparison in sentences, for a terminal. */
#ifndef REPRISE_CLI_COMPARISON_WORDS_H
#define REPRISE_CLI_COMPARISON_WORDS_H

#include "sweep/compared.h"

#include <stdio.h>

/* A sentence a policy, the verdict where there are several, each run's findings (sweep/compared_words.h); an empty line
 * behind each kind. */
void comparison_print_words(FILE *out, const struct compared *compared);

/* Broken between words where it is too wide; what follows the first line is indented by so many columns. */
void comparison_print_sentence(FILE *out, const char *sentence, size_t indent);

#endif
