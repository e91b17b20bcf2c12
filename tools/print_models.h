/* tools/print_models.h - docs/models.md: published models beside what is computed from their
 * configuration. Part of print_reference. */
#ifndef REPRISE_TOOLS_PRINT_MODELS_H
#define REPRISE_TOOLS_PRINT_MODELS_H

/* Prints the page from tests/models/published.csv and the configurations beside it. 0, or 3 with a
 * message when one of them cannot be read. */
int print_models(void);

#endif
