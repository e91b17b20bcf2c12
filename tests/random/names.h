/* tests/random/names.h - what the texts of an experiment may say: the names of the tree's models,
 * hardware, drives, policies, presets, versions, sample traces and formats, as the tree has them
 * today. */
#ifndef REPRISE_TESTS_RANDOM_NAMES_H
#define REPRISE_TESTS_RANDOM_NAMES_H

#include "base/config_tree.h"

#include <stdint.h>

struct name_list {
    char (*name)[CONFIG_TEXT_BYTES];
    uint32_t count, capacity;
};

struct names {
    struct name_list models, hardware, drives, policies, presets, versions, samples, formats;
};

/* Makes the root of the repository the process's folder: sample traces are named from there. Ends
 * the process when a folder cannot be read. */
struct names names_read(void);
void names_free(struct names *names);

/* What the text key may say, or NULL: no list is known for it. */
const struct name_list *names_of_key(const struct names *names, const char *key);

#endif
