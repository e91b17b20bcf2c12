/* tests/runtime/numerics_listed.c - see numerics_backend.h. */
#include "tests/runtime/numerics_backend.h"

const bool numerics_is_slow = false;

const struct backend *numerics_backend(const char *name)
{
    return backend_find(name);
}
