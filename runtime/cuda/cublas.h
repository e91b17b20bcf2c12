/* runtime/cuda/cublas.h - the few functions of cublasLt that are used, found when the program runs:
 * a binary built with CUDA starts on a machine that has none. The rest of cuBLAS is built upon
 * cublasLt and not needed. Private to runtime/cuda/. */
#ifndef REPRISE_RUNTIME_CUDA_CUBLAS_H
#define REPRISE_RUNTIME_CUDA_CUBLAS_H

#include "base/error.h"

#include <cublasLt.h>

/* X(member, name behind "cublasLt") */
#define CUBLAS_FUNCTIONS(X)                                                                        \
    X(create, Create)                                                                              \
    X(destroy, Destroy)                                                                            \
    X(version, GetVersion)                                                                         \
    X(status_string, GetStatusString)                                                              \
    X(description_create, MatmulDescCreate)                                                        \
    X(description_destroy, MatmulDescDestroy)                                                      \
    X(description_set, MatmulDescSetAttribute)                                                     \
    X(layout_create, MatrixLayoutCreate)                                                           \
    X(layout_destroy, MatrixLayoutDestroy)                                                         \
    X(preference_create, MatmulPreferenceCreate)                                                   \
    X(preference_destroy, MatmulPreferenceDestroy)                                                 \
    X(preference_set, MatmulPreferenceSetAttribute)                                                \
    X(choose, MatmulAlgoGetHeuristic)                                                              \
    X(multiply, Matmul)

/* As cublasLt.h declares them. */
struct cublas {
#define CUBLAS_MEMBER(member, name) __typeof__(cublasLt##name) *member;
    CUBLAS_FUNCTIONS(CUBLAS_MEMBER)
#undef CUBLAS_MEMBER
};

/* Finds the library of the major version whose headers this was built with, else of the other one
 * of 12 and 13, where the loader looks, else in the toolkit's folder; one in which a function is
 * missing is passed by. STATUS_IO: says each that was tried, and why it was not taken. */
enum status cublas_open(struct cublas *blas, struct error *err);

#endif
