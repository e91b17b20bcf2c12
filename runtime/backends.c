/* runtime/backends.c - the one list of backends. The host is part of the program, others are
 * modules of their own, opened when they are asked for. */
#include "runtime/backend.h"

#include "base/module.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

extern const struct backend backend_host;

struct listed {
    const char *name, *module;
    const char *built_by; /* how a build comes to have it */
    bool built;
};

#ifdef REPRISE_STAMP
#define CUDA_BUILT true
#else
#define CUDA_BUILT false
#define REPRISE_STAMP ""
#endif

static const struct listed backends[] = {
    { "host", NULL, NULL, true },
    { "cuda", "reprise-cuda",
      "not in this build: `./setup --cuda` adds it, where nvcc (CUDA 11.8 or later) and "
      "cuBLAS's headers are",
      CUDA_BUILT },
};

enum { BACKEND_COUNT = sizeof backends / sizeof *backends };

static const struct listed *listed_as(const char *name)
{
    for (int i = 0; i < BACKEND_COUNT; i++)
        if (strcmp(backends[i].name, name) == 0)
            return &backends[i];
    return NULL;
}

static const struct backend *look(const struct listed *listed, struct error *err)
{
    const void *door = NULL;
    if (listed->module == NULL)
        return &backend_host;
    if (!listed->built || module_open(listed->module, REPRISE_STAMP, &door, err) != STATUS_OK)
        return NULL;
    return door;
}

const char *backend_name(int i)
{
    return i >= 0 && i < BACKEND_COUNT ? backends[i].name : NULL;
}

bool backend_built(const char *name)
{
    const struct listed *listed = listed_as(name);
    return listed != NULL && listed->built;
}

const struct backend *backend_find(const char *name)
{
    struct error err = { 0 };
    const struct listed *listed = listed_as(name);
    return listed != NULL ? look(listed, &err) : NULL;
}

const char *backend_missing(const char *name, char *text, size_t text_bytes)
{
    struct error err = { 0 };
    const struct listed *listed = listed_as(name);
    if (listed == NULL || look(listed, &err) != NULL)
        return NULL;
    if (!listed->built)
        snprintf(text, text_bytes, "%s", listed->built_by);
    else
        snprintf(text, text_bytes, "%s%scannot %s: %s", err.file, err.file[0] != '\0' ? ": " : "",
                 err.expected, err.found);
    return text;
}
