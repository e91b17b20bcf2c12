/* runtime/cuda/cublas.h - the few functions of cuBLAS that are used, found when the program runs: a
 * binary built with CUDA starts on a machine that has none. Private to runtime/cuda/. */
#ifndef REPRISE_RUNTIME_CUDA_CUBLAS_H
#define REPRISE_RUNTIME_CUDA_CUBLAS_H

#include "base/error.h"

#include <cublas_v2.h>

/* As cublas_api.h declares them; the names there are macros for those ending in _v2. */
struct cublas {
    void *library;
    cublasStatus_t (*create)(cublasHandle_t *handle);
    cublasStatus_t (*destroy)(cublasHandle_t handle);
    cublasStatus_t (*set_stream)(cublasHandle_t handle, cudaStream_t stream);
    cublasStatus_t (*set_workspace)(cublasHandle_t handle, void *workspace, size_t bytes);
    cublasStatus_t (*get_version)(cublasHandle_t handle, int *version);
    const char *(*status_string)(cublasStatus_t status);
    cublasStatus_t (*gemm_ex)(cublasHandle_t handle, cublasOperation_t a_op, cublasOperation_t b_op,
                              int m, int n, int k, const void *alpha, const void *a,
                              cudaDataType a_type, int a_stride, const void *b, cudaDataType b_type,
                              int b_stride, const void *beta, void *c, cudaDataType c_type,
                              int c_stride, cublasComputeType_t compute,
                              cublasGemmAlgo_t algorithm);
    cublasHandle_t handle; /* the caller's to create and destroy */
};

/* Finds the library of the version whose headers this was built with. STATUS_IO: says which names
 * were tried. */
enum status cublas_open(struct cublas *blas, struct error *err);
/* The library stays loaded. Zeroed memory is fine. */
void cublas_close(struct cublas *blas);

#endif
