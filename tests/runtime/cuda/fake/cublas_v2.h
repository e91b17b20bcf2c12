/* tests/runtime/cuda/fake/cublas_v2.h - as much of cuBLAS's header as runtime/cuda uses; see
 * cuda_runtime_api.h beside it. */
#ifndef REPRISE_FAKE_CUBLAS_V2_H
#define REPRISE_FAKE_CUBLAS_V2_H

#include <cuda_runtime_api.h>

typedef enum { CUBLAS_STATUS_SUCCESS, CUBLAS_STATUS_INVALID_VALUE = 7 } cublasStatus_t;
typedef enum { CUBLAS_OP_N, CUBLAS_OP_T } cublasOperation_t;
typedef enum { CUDA_R_16BF = 14 } cudaDataType;
typedef enum { CUBLAS_COMPUTE_32F = 68 } cublasComputeType_t;
typedef enum { CUBLAS_GEMM_DEFAULT = -1 } cublasGemmAlgo_t;
typedef struct cublasContext *cublasHandle_t;

#endif
