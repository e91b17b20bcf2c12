/* tests/random/work.h - how much work an experiment is, before it runs: what bounds what is drawn,
 * and the time that a run may take. */
#ifndef REPRISE_TESTS_RANDOM_WORK_H
#define REPRISE_TESTS_RANDOM_WORK_H

#include "tests/random/asked.h"

/* Steps: of turns, of units in their chains, of iterations. An estimate, and on the safe side: a
 * release build takes from 0.01 us to 1 us for one. At least 1. */
double work_steps(const struct experiment *experiment, const struct asked *asked);

#endif
