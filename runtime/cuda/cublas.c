/* runtime/cuda/cublas.c - see cublas.h: which libraries are tried, and in what order.
 *
 * Shared libraries of another major version may have another ABI; of what is used here cublasLt 12
 * and 13 have the same. Compared: the headers of CUDA 12.6 (cuBLAS 12.6.4) and 13.0 (13.1.0) by a
 * program built against each (size and offsets of cublasLtMatmulHeuristicResult_t, size of
 * cublasLtMatmulAlgo_t and of all handles and enums, the value of each constant in products.c and
 * in tests/bench) and by the compiler's prototypes of CUBLAS_FUNCTIONS; and cudarc's bindings, made
 * from each toolkit's own headers from 11.4 to 13.0, in which none of these depends on the version.
 * What an algorithm holds is the library's own, and never leaves the process. */
#include "runtime/cuda/cublas.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#ifndef CUBLAS_LIBRARY /* a test's is another: what its machine has is then not found */
#define CUBLAS_LIBRARY "libcublasLt.so."
#endif

/* The headers' own first, then what was compared. */
static const int majors[] = { CUBLAS_VER_MAJOR, 13, 12 };
/* Where the loader looks, then the toolkit that this was built with. */
static const char *const folders[] = { "", REPRISE_CUDA_LIBRARIES "/" };

static bool find(const struct cublas *blas, const char *name, void *function)
{
    void *address = dlsym(blas->library, name);
    memcpy(function, &address, sizeof address); /* ISO C has no cast from data to function */
    return address != NULL;
}

/* NULL: all are found. */
static const char *missing_function(struct cublas *blas)
{
#define FIND(member, name)                                                                         \
    if (!find(blas, "cublasLt" #name, &blas->member))                                              \
        return "cublasLt" #name;
    CUBLAS_FUNCTIONS(FIND)
#undef FIND
    return NULL;
}

/* What was tried and is not taken, one behind the other, as long as there is room. */
struct refusals {
    char text[256];
    size_t length;
};

static void refuse(struct refusals *refusals, const char *before, const char *name,
                   const char *after)
{
    size_t room = sizeof refusals->text - refusals->length;
    int wanted = snprintf(refusals->text + refusals->length, room, "%s%s%s%s",
                          refusals->length > 0 ? "; " : "", before, name, after);
    if (wanted > 0)
        refusals->length += (size_t)wanted < room ? (size_t)wanted : room - 1;
}

/* The loader's words take 60 bytes to say that a file is not there, which is what is usual. */
static void refuse_unloaded(struct refusals *refusals, const char *name)
{
    const char *why = dlerror();
    why = why != NULL ? why : "is not loaded";
    if (strncmp(why, name, strlen(name)) == 0 && strstr(why, "No such file") != NULL)
        refuse(refusals, "no ", name, "");
    else
        refuse(refusals, name, ": ", why);
}

/* RTLD_NODELETE: the library stays for the life of the process, whoever closes it. Unloading and
 * loading it again takes half a second of CPU for every run of a validation, and crashes: its
 * threads and handlers at exit, and those of the driver on its behalf, outlive the unloading. */
static bool take(struct cublas *blas, const char *name, struct refusals *refusals)
{
    blas->library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (blas->library == NULL) {
        refuse_unloaded(refusals, name);
        return false;
    }
    const char *missing = missing_function(blas);
    if (missing == NULL)
        return true;
    refuse(refusals, name, " has no ", missing);
    cublas_close(blas);
    return false;
}

static bool already_tried(size_t major)
{
    for (size_t i = 0; i < major; i++)
        if (majors[i] == majors[major])
            return true;
    return false;
}

enum status cublas_open(struct cublas *blas, struct error *err)
{
    struct refusals refusals = { 0 };
    *blas = (struct cublas){ 0 };
    for (size_t f = 0; f < sizeof folders / sizeof *folders; f++)
        for (size_t m = 0; m < sizeof majors / sizeof *majors; m++) {
            char name[512];
            if (already_tried(m))
                continue;
            snprintf(name, sizeof name, "%s" CUBLAS_LIBRARY "%d", folders[f], majors[m]);
            if (take(blas, name, &refusals))
                return STATUS_OK;
        }
    return error_io(err, "cuda", "load cuBLAS", refusals.text);
}

void cublas_close(struct cublas *blas)
{
    if (blas->library != NULL)
        dlclose(blas->library);
    *blas = (struct cublas){ 0 };
}
