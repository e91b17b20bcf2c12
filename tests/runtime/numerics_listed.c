/* tests/runtime/numerics_listed.c - see numerics_backend.h. */
#include "tests/runtime/numerics_backend.h"
#include "tests/support.h"

bool numerics_is_slow(void)
{
    return test_small();
}

const struct backend *numerics_backend(const char *name)
{
    return backend_find(name);
}
