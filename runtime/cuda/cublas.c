/* runtime/cuda/cublas.c - see cublas.h. The major version must be that of the headers, as of any
 * shared library: where the loader finds it, else in the toolkit this was built with. */
#include "runtime/cuda/cublas.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define LIBRARY "libcublasLt.so." TEXT(CUBLAS_VER_MAJOR)

static bool find(struct cublas *blas, const char *name, void *function)
{
    void *address = dlsym(blas->library, name);
    memcpy(function, &address, sizeof address); /* ISO C has no cast from data to function */
    return address != NULL;
}

static bool find_all(struct cublas *blas)
{
#define FIND(member, name) find(blas, "cublasLt" #name, &blas->member) &&
    return CUBLAS_FUNCTIONS(FIND) true;
#undef FIND
}

/* RTLD_NODELETE: the library stays for the life of the process, whoever closes it. Unloading and
 * loading it again takes half a second of CPU for every run of a validation, and crashes: its
 * threads and handlers at exit, and those of the driver on its behalf, outlive the unloading. */
enum status cublas_open(struct cublas *blas, struct error *err)
{
    static const char *const names[] = { LIBRARY, REPRISE_CUDA_LIBRARIES "/" LIBRARY };
    *blas = (struct cublas){ 0 };
    for (size_t i = 0; i < sizeof names / sizeof *names && blas->library == NULL; i++)
        blas->library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (blas->library == NULL)
        return error_io(err, "cuda", "load cuBLAS", dlerror());
    if (find_all(blas))
        return STATUS_OK;
    enum status status = error_io(err, "cuda", "use cuBLAS", dlerror());
    cublas_close(blas);
    return status;
}

void cublas_close(struct cublas *blas)
{
    if (blas->library != NULL)
        dlclose(blas->library);
    *blas = (struct cublas){ 0 };
}
