/* tests/random/shrink.h - the fewest keys, and the plainest values, of an experiment that still has
 * a property. Source of the search: delta debugging (Zeller, Hildebrandt, 2002). */
#ifndef REPRISE_TESTS_RANDOM_SHRINK_H
#define REPRISE_TESTS_RANDOM_SHRINK_H

#include "tests/random/settings.h"

#include <stdbool.h>
#include <stdint.h>

struct shrink_test {
    /* Whether the settings have the property. */
    bool (*has)(const struct settings *settings, void *context);
    void *context;
    uint32_t tries_most; /* calls; then the smallest so far is taken */
};

/* settings have the property, before and after. */
void shrink(struct settings *settings, const struct shrink_test *test);

#endif
