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

#include "base/library.h"

#ifndef CUBLAS_LIBRARY /* a test's is another: what its machine has is then not found */
#define CUBLAS_LIBRARY "libcublasLt.so."
#endif

/* The headers' own major version first, then what was compared. */
#define FILE_OF(major) FILE_OF_NUMBER(major)
#define FILE_OF_NUMBER(number) CUBLAS_LIBRARY #number
static const char *const files[] = { FILE_OF(CUBLAS_VER_MAJOR), FILE_OF(13), FILE_OF(12), NULL };

#define FUNCTION(member, name) { "cublasLt" #name, offsetof(struct cublas, member) },
static const struct library_function functions[] = { CUBLAS_FUNCTIONS(FUNCTION){ 0 } };
#undef FUNCTION

enum status cublas_open(struct cublas *blas, struct error *err)
{
    static const struct library library = {
        .name = "cuBLAS", .files = files, .folder = REPRISE_CUDA_LIBRARIES, .functions = functions
    };
    return library_open(&library, "cuda", blas, err);
}
