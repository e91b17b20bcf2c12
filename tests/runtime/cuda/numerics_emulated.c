/* tests/runtime/cuda/numerics_emulated.c - see numerics_backend.h. Streams run as late as they can.
 */
#include "tests/runtime/cuda/fake_cuda.h"
#include "tests/runtime/numerics_backend.h"

#include <string.h>

extern const struct backend backend_cuda;

bool numerics_is_slow(void)
{
    return true;
}

const struct backend *numerics_backend(const char *name)
{
    if (strcmp(name, "emulated") != 0)
        return NULL;
    struct fake_cuda machine = fake_cuda_default();
    fake_cuda_is(&machine);
    return &backend_cuda;
}
