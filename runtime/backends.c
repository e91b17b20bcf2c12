/* runtime/backends.c - the one list of backends; those whose tools the build did not find are not
 * in it. */
#include "runtime/backend.h"

#include <string.h>

extern const struct backend backend_host;
#ifdef REPRISE_CUDA
extern const struct backend backend_cuda;
#endif

static const struct backend *const backends[] = {
    &backend_host,
#ifdef REPRISE_CUDA
    &backend_cuda,
#endif
};

enum { BACKEND_COUNT = sizeof backends / sizeof *backends };

const struct backend *backend_at(int i)
{
    return i >= 0 && i < BACKEND_COUNT ? backends[i] : NULL;
}

const struct backend *backend_find(const char *name)
{
    for (int i = 0; i < BACKEND_COUNT; i++)
        if (strcmp(backends[i]->name, name) == 0)
            return backends[i];
    return NULL;
}

const char *backend_missing(const char *name)
{
    if (strcmp(name, "cuda") != 0 || backend_find(name) != NULL)
        return NULL;
    return "not in this build: `./setup --cuda` adds it, where nvcc (CUDA 11.8 or later) and "
           "cuBLAS's headers are";
}
