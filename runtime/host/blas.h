/* runtime/host/blas.h - the few functions of OpenBLAS that are used, found when the host is opened as
 * a device: its threads and their buffers are then begun only by who computes. Private to
 * runtime/host/. */
#ifndef REPRISE_RUNTIME_HOST_BLAS_H
#define REPRISE_RUNTIME_HOST_BLAS_H

#include "base/error.h"

#include <cblas.h>

/* X(member, OpenBLAS's name) */
#define BLAS_FUNCTIONS(X)                                                                          \
    X(sgemm, cblas_sgemm)                                                                          \
    X(sgemv, cblas_sgemv)                                                                          \
    X(set_threads, openblas_set_num_threads)                                                       \
    X(core_name, openblas_get_corename)

/* As cblas.h declares them. */
struct blas {
#define BLAS_MEMBER(member, name) __typeof__(name) *member;
    BLAS_FUNCTIONS(BLAS_MEMBER)
#undef BLAS_MEMBER
};

/* Loads OpenBLAS, where it is not yet, with so many threads (at least 1), their memory taken: what
 * is computed later wants no more of the system. STATUS_IO: no library, or no room for its threads
 * and memory. */
enum status blas_open(struct blas *blas, uint32_t threads, struct error *err);

#endif
