/* tests/bench/bench_cuda_plain.c - see bench_cuda.h: CUDA and cublasLt used plainly, as the
 * yardstick for runtime/cuda. */
#include "tests/bench/bench_cuda.h"

#include "base/memory.h"
#include "runtime/cuda/cublas.h"

#include <cuda_runtime_api.h>
#include <stdio.h>
#include <stdlib.h>

enum { ALGORITHMS = 64, CHOICE_REPEATS = 3, WORKSPACE_BYTES = 64 << 20 };

/* ---- time ---- */

struct stopwatch {
    cudaStream_t stream;
    cudaEvent_t begin, end;
};

static bool stopwatch_new(struct stopwatch *watch)
{
    *watch = (struct stopwatch){ 0 };
    return cudaStreamCreateWithFlags(&watch->stream, cudaStreamNonBlocking) == cudaSuccess &&
           cudaEventCreate(&watch->begin) == cudaSuccess &&
           cudaEventCreate(&watch->end) == cudaSuccess;
}

static void stopwatch_free(struct stopwatch *watch)
{
    cudaEventDestroy(watch->begin);
    cudaEventDestroy(watch->end);
    cudaStreamDestroy(watch->stream);
}

/* Seconds since begin; below 0: failed. */
static double stopwatch_stop(struct stopwatch *watch)
{
    float ms = 0.0F;
    if (cudaEventRecord(watch->end, watch->stream) != cudaSuccess ||
        cudaEventSynchronize(watch->end) != cudaSuccess ||
        cudaEventElapsedTime(&ms, watch->begin, watch->end) != cudaSuccess)
        return -1.0;
    return (double)ms / 1e3;
}

/* ---- cublasLt, looked for when it is needed: the rest of the bench does without ---- */

static struct cublas blas;

/* Once; never closed. false: it is not there, which is told. */
static bool yardstick_open(void)
{
    static bool asked;
    if (asked)
        return blas.multiply != NULL;
    asked = true;
    struct error err = { 0 };
    if (cublas_open(&blas, &err) != STATUS_OK)
        printf("no yardstick for products: %s\n", err.found);
    return blas.multiply != NULL;
}

/* ---- products ---- */

struct best_product {
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t description;
    cublasLtMatrixLayout_t a, b, c;
    cublasLtMatmulPreference_t preference;
    cublasLtMatmulAlgo_t algorithm;
    void *workspace, *out;
    const void *in, *weights;
    struct stopwatch watch;
};

void best_product_free(struct best_product *p)
{
    if (p == NULL)
        return;
    if (p->preference != NULL)
        blas.preference_destroy(p->preference);
    if (p->a != NULL)
        blas.layout_destroy(p->a);
    if (p->b != NULL)
        blas.layout_destroy(p->b);
    if (p->c != NULL)
        blas.layout_destroy(p->c);
    if (p->description != NULL)
        blas.description_destroy(p->description);
    if (p->handle != NULL)
        blas.destroy(p->handle);
    cudaFree(p->workspace);
    stopwatch_free(&p->watch);
    free(p);
}

/* Columns for our rows, as in runtime/cuda/products.c. */
static bool describe(struct best_product *p, uint32_t rows, uint32_t inputs, uint32_t outputs)
{
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const size_t workspace_bytes = WORKSPACE_BYTES;
    return yardstick_open() && stopwatch_new(&p->watch) &&
           cudaMalloc(&p->workspace, WORKSPACE_BYTES) == cudaSuccess &&
           blas.create(&p->handle) == CUBLAS_STATUS_SUCCESS &&
           blas.description_create(&p->description, CUBLAS_COMPUTE_32F, CUDA_R_32F) ==
               CUBLAS_STATUS_SUCCESS &&
           blas.description_set(p->description, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                sizeof transposed) == CUBLAS_STATUS_SUCCESS &&
           blas.layout_create(&p->a, CUDA_R_16BF, inputs, outputs, inputs) ==
               CUBLAS_STATUS_SUCCESS &&
           blas.layout_create(&p->b, CUDA_R_16BF, inputs, rows, inputs) == CUBLAS_STATUS_SUCCESS &&
           blas.layout_create(&p->c, CUDA_R_16BF, outputs, rows, outputs) ==
               CUBLAS_STATUS_SUCCESS &&
           blas.preference_create(&p->preference) == CUBLAS_STATUS_SUCCESS &&
           blas.preference_set(p->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                               &workspace_bytes, sizeof workspace_bytes) == CUBLAS_STATUS_SUCCESS;
}

static bool run(const struct best_product *p)
{
    const float one = 1.0F, zero = 0.0F;
    return blas.multiply(p->handle, p->description, &one, p->weights, p->a, p->in, p->b, &zero,
                         p->out, p->c, p->out, p->c, &p->algorithm, p->workspace, WORKSPACE_BYTES,
                         p->watch.stream) == CUBLAS_STATUS_SUCCESS;
}

double best_product_s(struct best_product *p, uint32_t repeats)
{
    bool ran = run(p);
    ran = ran && cudaEventRecord(p->watch.begin, p->watch.stream) == cudaSuccess;
    for (uint32_t i = 0; i < repeats && ran; i++)
        ran = run(p);
    double seconds = ran ? stopwatch_stop(&p->watch) : -1.0;
    return seconds / repeats;
}

static bool choose(struct best_product *p)
{
    static cublasLtMatmulHeuristicResult_t found[ALGORITHMS];
    int count = 0;
    if (blas.choose(p->handle, p->description, p->a, p->b, p->c, p->c, p->preference, ALGORITHMS,
                    found, &count) != CUBLAS_STATUS_SUCCESS)
        return false;
    double best_s = -1.0;
    cublasLtMatmulAlgo_t best;
    for (int i = 0; i < count; i++) {
        if (found[i].state != CUBLAS_STATUS_SUCCESS)
            continue;
        p->algorithm = found[i].algo;
        double took_s = best_product_s(p, CHOICE_REPEATS);
        if (took_s > 0.0 && (best_s < 0.0 || took_s < best_s)) {
            best_s = took_s;
            best = found[i].algo;
        }
    }
    if (best_s > 0.0)
        p->algorithm = best;
    return best_s > 0.0;
}

struct best_product *best_product_new(uint32_t rows, uint32_t inputs, uint32_t outputs,
                                      const void *in, const void *weights, void *out)
{
    struct best_product *p = memory_new(1, sizeof *p);
    p->in = in;
    p->weights = weights;
    p->out = out;
    if (describe(p, rows, inputs, outputs) && choose(p))
        return p;
    best_product_free(p);
    return NULL;
}

/* ---- links ---- */

double link_bytes_per_s(bool to_gpu, void *gpu, void *pinned, uint64_t bytes, uint32_t repeats)
{
    struct stopwatch watch;
    bool ran = stopwatch_new(&watch);
    for (uint32_t i = 0; i <= repeats && ran; i++) { /* the first warms up */
        if (i == 1)
            ran = cudaEventRecord(watch.begin, watch.stream) == cudaSuccess;
        ran = ran &&
              (to_gpu ? cudaMemcpyAsync(gpu, pinned, bytes, cudaMemcpyHostToDevice, watch.stream)
                      : cudaMemcpyAsync(pinned, gpu, bytes, cudaMemcpyDeviceToHost,
                                        watch.stream)) == cudaSuccess;
    }
    double seconds = ran ? stopwatch_stop(&watch) : -1.0;
    stopwatch_free(&watch);
    return seconds > 0.0 ? (double)bytes * repeats / seconds : 0.0;
}

/* ---- peaks ---- */

static double attribute(enum cudaDeviceAttr which)
{
    int value = 0;
    return cudaDeviceGetAttribute(&value, which, 0) == cudaSuccess ? value : 0.0;
}

/* Dense bf16, multiply and add, per SM and cycle: 2048 on A100 (sm_80), 4096 on H100 and H200
 * (sm_90); NVIDIA's architecture whitepapers. */
double peak_bf16_flop_per_s(void)
{
    double major = attribute(cudaDevAttrComputeCapabilityMajor);
    double per_cycle = major >= 9.0 ? 4096.0 : 2048.0;
    return per_cycle * attribute(cudaDevAttrMultiProcessorCount) * attribute(cudaDevAttrClockRate) *
           1e3;
}

/* Two transfers a cycle (DDR); the clock is in kHz, the bus in bits. */
double peak_hbm_bytes_per_s(void)
{
    return 2.0 * attribute(cudaDevAttrMemoryClockRate) * 1e3 *
           attribute(cudaDevAttrGlobalMemoryBusWidth) / 8.0;
}
