/* tests/runtime/counts.h - metrics that do not depend on how long things take. */
#ifndef REPRISE_TESTS_RUNTIME_COUNTS_H
#define REPRISE_TESTS_RUNTIME_COUNTS_H

#include "sim/engine/metrics.h"

/* The first count that differs, or NULL. */
const char *counts_different(const struct metrics *a, const struct metrics *b);

#endif
