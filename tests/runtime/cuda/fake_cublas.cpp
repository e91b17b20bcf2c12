/* tests/runtime/cuda/fake_cublas.cpp - the functions of cublas.h by their definition, queued on the
 * fake's streams. Column-major, as the real one: that the backend's rows come out right is seen. */
#include "tests/runtime/cuda/emulator.h"
#include "tests/runtime/cuda/fake_cuda.h"

extern "C" {
#include "runtime/cuda/cublas.h"
}

#include <cstdio>
#include <cstdlib>

struct cublasContext {
    cudaStream_t stream;
    void *workspace;
};

static cublasStatus_t create(cublasHandle_t *handle)
{
    *handle = new cublasContext{ nullptr, nullptr };
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t destroy(cublasHandle_t handle)
{
    delete handle;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set_stream(cublasHandle_t handle, cudaStream_t stream)
{
    handle->stream = stream;
    handle->workspace = nullptr; /* as documented */
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t set_workspace(cublasHandle_t handle, void *workspace, size_t)
{
    handle->workspace = workspace;
    return CUBLAS_STATUS_SUCCESS;
}

static cublasStatus_t get_version(cublasHandle_t, int *version)
{
    *version = 0;
    return CUBLAS_STATUS_SUCCESS;
}

static const char *status_string(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_SUCCESS ? "success" : "invalid value";
}

/* C = A^T B: column j of C, row i. */
static void multiply(int m, int n, int k, const bf16 *a, int a_stride, const bf16 *b, int b_stride,
                     bf16 *c, int c_stride)
{
    for (int j = 0; j < n; j++)
        for (int i = 0; i < m; i++) {
            float sum = 0.0f;
            for (int l = 0; l < k; l++)
                sum += emulate_to_float(a[l + static_cast<long>(i) * a_stride]) *
                       emulate_to_float(b[l + static_cast<long>(j) * b_stride]);
            emulate_from_float(sum, &c[i + static_cast<long>(j) * c_stride]);
        }
}

static cublasStatus_t gemm_ex(cublasHandle_t handle, cublasOperation_t a_op, cublasOperation_t b_op,
                              int m, int n, int k, const void *alpha, const void *a,
                              cudaDataType a_type, int a_stride, const void *b, cudaDataType b_type,
                              int b_stride, const void *beta, void *c, cudaDataType c_type,
                              int c_stride, cublasComputeType_t compute, cublasGemmAlgo_t)
{
    /* Only what is asked here; the scalars are the host's and read at once. */
    if (a_op != CUBLAS_OP_T || b_op != CUBLAS_OP_N || a_type != CUDA_R_16BF ||
        b_type != CUDA_R_16BF || c_type != CUDA_R_16BF || compute != CUBLAS_COMPUTE_32F ||
        *static_cast<const float *>(alpha) != 1.0f || *static_cast<const float *>(beta) != 0.0f ||
        a_stride < k || b_stride < k || c_stride < m || handle->workspace == nullptr)
        return CUBLAS_STATUS_INVALID_VALUE;
    emulate_queue(handle->stream, [=] {
        multiply(m, n, k, static_cast<const bf16 *>(a), a_stride, static_cast<const bf16 *>(b),
                 b_stride, static_cast<bf16 *>(c), c_stride);
    });
    return CUBLAS_STATUS_SUCCESS;
}

extern "C" enum status cublas_open(struct cublas *blas, struct error *err)
{
    *blas = {};
    if (fake_cuda_now().no_cublas)
        return error_io(err, "cuda", "load cuBLAS", "libcublas.so.0: no such file");
    blas->create = create;
    blas->destroy = destroy;
    blas->set_stream = set_stream;
    blas->set_workspace = set_workspace;
    blas->get_version = get_version;
    blas->status_string = status_string;
    blas->gemm_ex = gemm_ex;
    return STATUS_OK;
}

extern "C" void cublas_close(struct cublas *blas)
{
    *blas = {};
}
