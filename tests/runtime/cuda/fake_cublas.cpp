/* tests/runtime/cuda/fake_cublas.cpp - the functions of cublas.h by their definition, queued on the
 * fake's streams. Column-major, as the real one: that the backend's rows come out right is seen.
 * An algorithm is that of the shape for which it was chosen, and refused for any other. All of the
 * heuristic's answers multiply alike; how long each takes is the test's choice. */
#include "tests/runtime/cuda/emulator.h"
#include "tests/runtime/cuda/fake_cuda.h"

extern "C" {
#include "runtime/cuda/cublas.h"
}

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

struct cublasLtContext {
};

struct cublasLtDescription {
    cublasOperation_t a_op;
};

struct cublasLtLayout {
    long rows, columns, stride;
};

struct cublasLtPreference {
    size_t workspace_bytes;
    uint32_t reductions;
};

template <class T> static cublasStatus_t give(T **made, const T &value)
{
    *made = new T(value);
    return CUBLAS_STATUS_SUCCESS;
}

template <class T> static cublasStatus_t take_back(T *made)
{
    delete made;
    return CUBLAS_STATUS_SUCCESS;
}

template <class T> static cublasStatus_t set(T *to, const void *value, size_t bytes)
{
    if (bytes != sizeof *to)
        return CUBLAS_STATUS_INVALID_VALUE;
    *to = *static_cast<const T *>(value);
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t *handle)
{
    return give(handle, {});
}

cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle)
{
    return take_back(handle);
}

size_t cublasLtGetVersion()
{
    return 0;
}

const char *cublasLtGetStatusString(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_SUCCESS ? "success" : "invalid value";
}

cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t *description,
                                        cublasComputeType_t compute, cudaDataType scale)
{
    if (compute != CUBLAS_COMPUTE_32F || scale != CUDA_R_32F)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    return give(description, { CUBLAS_OP_N });
}

cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t description)
{
    return take_back(description);
}

cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t description,
                                              cublasLtMatmulDescAttributes_t, const void *value,
                                              size_t bytes)
{
    return set(&description->a_op, value, bytes);
}

cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t *layout, cudaDataType type,
                                          uint64_t rows, uint64_t columns, int64_t stride)
{
    if (type != CUDA_R_16BF)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    return give(layout, { static_cast<long>(rows), static_cast<long>(columns), stride });
}

cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout)
{
    return take_back(layout);
}

cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t *preference)
{
    return give(preference, { 0, 7 });
}

cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference)
{
    return take_back(preference);
}

cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void *value, size_t bytes)
{
    return attribute == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES
               ? set(&preference->workspace_bytes, value, bytes)
               : set(&preference->reductions, value, bytes);
}

/* ---- products: C = A^T B, C m x n, over k ---- */

static bool fit(cublasLtMatmulDesc_t description, cublasLtMatrixLayout_t a,
                cublasLtMatrixLayout_t b, cublasLtMatrixLayout_t c)
{
    return description->a_op == CUBLAS_OP_T && a->rows == b->rows && c->rows == a->columns &&
           c->columns == b->columns && a->stride >= a->rows && b->stride >= b->rows &&
           c->stride >= c->rows;
}

static cublasLtMatmulAlgo_t algorithm_of(cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t c,
                                         uint32_t answer)
{
    return { { static_cast<uint64_t>(a->rows), static_cast<uint64_t>(c->rows),
               static_cast<uint64_t>(c->columns), answer } };
}

static uint32_t answer_of(const cublasLtMatmulAlgo_t *algorithm)
{
    return static_cast<uint32_t>(algorithm->data[3]);
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t description,
                                              cublasLtMatrixLayout_t a, cublasLtMatrixLayout_t b,
                                              cublasLtMatrixLayout_t c, cublasLtMatrixLayout_t d,
                                              cublasLtMatmulPreference_t preference, int wanted,
                                              cublasLtMatmulHeuristicResult_t *results, int *count)
{
    fake_cuda_count_heuristic();
    if (!fit(description, a, b, c) || c != d || wanted < 2)
        return CUBLAS_STATUS_INVALID_VALUE;
    *count = std::min(wanted, fake_cuda_now().answers);
    for (int i = 0; i < *count; i++) {
        results[i] = {};
        results[i].algo = algorithm_of(a, c, static_cast<uint32_t>(i));
        results[i].workspaceSize = preference->workspace_bytes + (i == 0 ? 1 : 0);
    }
    return CUBLAS_STATUS_SUCCESS;
}

static std::vector<float> floats(const bf16 *from, long count)
{
    std::vector<float> values(static_cast<size_t>(count));
    for (long i = 0; i < count; i++)
        values[static_cast<size_t>(i)] = emulate_to_float(from[i]);
    return values;
}

static void multiply(const cublasLtLayout &al, const bf16 *a, const cublasLtLayout &bl,
                     const bf16 *b, const cublasLtLayout &cl, bf16 *c)
{
    const std::vector<float> weights = floats(a, al.stride * al.columns),
                             in = floats(b, bl.stride * bl.columns);
    for (long j = 0; j < cl.columns; j++)
        for (long i = 0; i < cl.rows; i++) {
            const float *w = &weights[static_cast<size_t>(i * al.stride)];
            const float *x = &in[static_cast<size_t>(j * bl.stride)];
            float sum = 0.0f;
            for (long l = 0; l < al.rows; l++)
                sum += w[l] * x[l];
            emulate_from_float(sum, &c[i + j * cl.stride]);
        }
}

static bool there(const void *matrix, cublasLtMatrixLayout_t layout)
{
    return fake_cuda_holds(matrix,
                           sizeof(bf16) * static_cast<size_t>(layout->stride * layout->columns));
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t description, const void *alpha,
                              const void *a, cublasLtMatrixLayout_t a_layout, const void *b,
                              cublasLtMatrixLayout_t b_layout, const void *beta, const void *c,
                              cublasLtMatrixLayout_t c_layout, void *d,
                              cublasLtMatrixLayout_t d_layout,
                              const cublasLtMatmulAlgo_t *algorithm, void *workspace,
                              size_t workspace_bytes, cudaStream_t stream)
{
    const fake_cuda machine = fake_cuda_now();
    const uint32_t answer = answer_of(algorithm);
    const cublasLtMatmulAlgo_t own = algorithm_of(a_layout, c_layout, answer);
    if (answer == 0 || answer >= FAKE_ANSWERS || answer == machine.refused_answer)
        return CUBLAS_STATUS_NOT_SUPPORTED;
    /* Only what is asked here; the scalars are the host's and read at once, layouts too. */
    if (!fit(description, a_layout, b_layout, c_layout) || c != d || c_layout != d_layout ||
        *static_cast<const float *>(alpha) != 1.0f || *static_cast<const float *>(beta) != 0.0f ||
        std::memcmp(&own, algorithm, sizeof own) != 0 ||
        !fake_cuda_holds(workspace, workspace_bytes) || !there(a, a_layout) ||
        !there(b, b_layout) || !there(d, d_layout))
        return CUBLAS_STATUS_INVALID_VALUE;
    const cublasLtLayout al = *a_layout, bl = *b_layout, cl = *c_layout;
    fake_cuda_count_product(answer);
    const double load_ms = fake_cuda_loads(answer) ? machine.load_ms : 0.0;
    emulate_queue(stream, [=] {
        fake_cuda_pass(load_ms + machine.product_ms[answer]);
        std::this_thread::sleep_for(std::chrono::microseconds(machine.product_us));
        multiply(al, static_cast<const bf16 *>(a), bl, static_cast<const bf16 *>(b), cl,
                 static_cast<bf16 *>(d));
    });
    return CUBLAS_STATUS_SUCCESS;
}

extern "C" enum status cublas_open(struct cublas *blas, struct error *err)
{
    *blas = {};
    if (fake_cuda_now().no_cublas)
        return error_io(err, "cuda", "load cuBLAS", "libcublasLt.so.0: no such file");
#define SET(member, name) blas->member = cublasLt##name;
    CUBLAS_FUNCTIONS(SET)
#undef SET
    return STATUS_OK;
}
