/* tests/random/draw.h - draws valid experiments. Keys, kinds, ranges and defaults are the schema's,
 * names are the tree's: a new key, policy, preset, model or sample is drawn without a change here.
 */
#ifndef REPRISE_TESTS_RANDOM_DRAW_H
#define REPRISE_TESTS_RANDOM_DRAW_H

#include "base/random.h"
#include "tests/random/names.h"
#include "tests/random/settings.h"

/* The same seed gives the same experiment. A few are not fitted, so that refusals are seen too. */
struct settings draw_experiment(uint64_t seed, const struct names *names);

/* A value of the row as one would write it, for the keys set so far. false: a text for which no
 * list is known. */
bool draw_value(struct random *random, const struct names *names, const struct settings *settings,
                const char *key, const struct config_row *row, char value[CONFIG_TEXT_BYTES]);

/* A whole number from least to most, whose logarithm is uniform. */
uint64_t draw_whole(struct random *random, double least, double most);

/* fit.c: changes as little as makes the experiment valid, and its work bounded. only_work: the
 * latter alone. */
void fit_experiment(struct settings *settings, struct random *random, bool only_work);

/* Steps that the experiment may take: of turns, of units in their chains, of iterations. The time
 * that a run may take is a multiple of it (trial.h). */
struct asked;
double fit_work(const struct experiment *experiment, const struct asked *asked);

#endif
