/* tests/runtime/numerics_backend.h - on what test_numerics.c runs: a backend of this build
 * (numerics_listed.c), or the CUDA backend on an emulated GPU (cuda/numerics_emulated.c). */
#ifndef REPRISE_TESTS_RUNTIME_NUMERICS_BACKEND_H
#define REPRISE_TESTS_RUNTIME_NUMERICS_BACKEND_H

#include "runtime/backend.h"

#include <stdbool.h>

/* NULL: there is none of this name. */
const struct backend *numerics_backend(const char *name);
/* One architecture must do for most tests: emulated, or where test_small(). */
bool numerics_is_slow(void);

#endif
