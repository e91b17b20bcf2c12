/* tests/random/draw.h - draws valid experiments. Keys, kinds, ranges and defaults are the schema's,
 * names are the tree's: a new key, policy, preset, model or sample is drawn without a change here.
 */
#ifndef REPRISE_TESTS_RANDOM_DRAW_H
#define REPRISE_TESTS_RANDOM_DRAW_H

#include "base/random.h"
#include "tests/random/names.h"
#include "tests/random/settings.h"

/* The same seed and bound give the same experiment. steps_most: of its work (work.h); a workload
 * that is more is made smaller. A few are not fitted, so that refusals are seen too. */
struct settings draw_experiment(uint64_t seed, double steps_most, const struct names *names);

/* A value of the row as one would write it, for the keys set so far. false: a text for which no
 * list is known. */
bool draw_value(struct random *random, const struct names *names, const struct settings *settings,
                const char *key, const struct config_row *row, char value[CONFIG_TEXT_BYTES]);

/* A key that is treated specially and that the schema does not have: it was renamed. NULL: none. */
const char *draw_unknown_key(void);

/* A whole number from least to most, whose logarithm is uniform. */
uint64_t draw_whole(struct random *random, double least, double most);

/* fit.c: changes as little as makes the experiment valid, and its work no more than steps_most.
 * only_work: the latter alone. */
void fit_experiment(struct settings *settings, struct random *random, double steps_most,
                    bool only_work);

#endif
