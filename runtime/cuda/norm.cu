/* runtime/cuda/norm.cu - RMSNorm (arXiv 1910.07467) and LayerNorm (arXiv 1607.06450), a block a
 * row. A row is read twice; the second time it comes from L1 or L2, which is why it is not kept in
 * registers: any width works with the same code.
 * ADDS: the row is the sum of two, made and stored on the way: the pass and the launch that an
 * addition of its own would be. */
#include "runtime/cuda/element.cuh"
#include "runtime/cuda/kernels.h"

static constexpr unsigned THREADS = 256, WARPS = THREADS / WARP_THREADS;
static constexpr unsigned FEW_ROWS = 128; /* about a block a multiprocessor */

/* Over the block; every thread gets it. shared: WARPS floats, free again at the next call's end. */
static __device__ __forceinline__ float block_sum(float x, float *shared)
{
    for (unsigned lanes = WARP_THREADS / 2; lanes > 0; lanes /= 2)
        x += __shfl_xor_sync(ALL_LANES, x, static_cast<int>(lanes));
    if (threadIdx.x % WARP_THREADS == 0)
        shared[threadIdx.x / WARP_THREADS] = x;
    __syncthreads();
    float sum = 0.0f;
    for (unsigned warp = 0; warp < WARPS; warp++)
        sum += shared[warp];
    __syncthreads();
    return sum;
}

/* SUM (x - mean)^2 over the row, this thread's share. */
template <class T>
__device__ __forceinline__ float sum_squares(const T *row, uint32_t width, float mean)
{
    float sum = 0.0f;
    for (uint32_t i = threadIdx.x * CHUNK; i < width; i += THREADS * CHUNK) {
        float x[CHUNK];
        load_chunk(row + i, x);
#pragma unroll
        for (unsigned e = 0; e < CHUNK; e++)
            sum += (x[e] - mean) * (x[e] - mean);
    }
    return sum;
}

/* sum += in; x: what was stored, rounded as it is. */
template <class T> __device__ __forceinline__ void add_chunk(T *sum, const T *in, float x[CHUNK])
{
    float added[CHUNK];
    load_chunk(in, added);
#pragma unroll
    for (unsigned e = 0; e < CHUNK; e++)
        x[e] = to_float(from_float<T>(x[e] + added[e]));
    store_chunk(sum, x);
}

/* The first pass, this thread's share: SUM x when CENTRED, else SUM x^2. A thread meets the same
 * elements in every pass, and so sees what it stored. */
template <class T, bool CENTRED, bool ADDS>
__device__ __forceinline__ float first_sum(const T *row, uint32_t width, const T *in, T *stored)
{
    float sum = 0.0f;
    for (uint32_t i = threadIdx.x * CHUNK; i < width; i += THREADS * CHUNK) {
        float x[CHUNK];
        load_chunk(row + i, x);
        if (ADDS)
            add_chunk(stored + i, in + i, x);
#pragma unroll
        for (unsigned e = 0; e < CHUNK; e++)
            sum += CENTRED ? x[e] : x[e] * x[e];
    }
    return sum;
}

/* CENTRED: LayerNorm, whose deviation is taken around the mean in a pass of its own: E[x^2] -
 * E[x]^2 would lose what is small beside the mean. */
template <class T, bool CENTRED, bool ADDS>
__global__ void __launch_bounds__(THREADS)
    norm_kernel(uint32_t width, float epsilon, const T *in, T *added_to, const T *weight,
                const T *bias, T *out)
{
    /* Few rows are done before HBM has answered for the weights, which no kernel ahead writes; many
     * find them in L2. */
    for (uint32_t i = threadIdx.x * CHUNK; gridDim.x <= FEW_ROWS && i < width; i += THREADS * CHUNK)
        prefetch(weight + i);
    wait_for_kernels_ahead();
    float *shared = reinterpret_cast<float *>(dynamic_shared());
    const uint64_t start = static_cast<uint64_t>(blockIdx.x) * width;
    const T *row = (ADDS ? added_to : in) + start;
    const float count = static_cast<float>(width);
    T *stored = ADDS ? added_to + start : nullptr;
    const float first =
        block_sum(first_sum<T, CENTRED, ADDS>(row, width, in + start, stored), shared);
    const float mean = CENTRED ? first / count : 0.0f;
    const float squares = CENTRED ? block_sum(sum_squares(row, width, mean), shared) : first;
    const float scale = rsqrtf(squares / count + epsilon);
    for (uint32_t i = threadIdx.x * CHUNK; i < width; i += THREADS * CHUNK) {
        float x[CHUNK], w[CHUNK], b[CHUNK] = { 0 };
        load_chunk(row + i, x);
        load_chunk(weight + i, w);
        if (bias != nullptr)
            load_chunk(bias + i, b);
#pragma unroll
        for (unsigned e = 0; e < CHUNK; e++)
            x[e] = (x[e] - mean) * scale * w[e] + b[e];
        store_chunk(out + start + i, x);
    }
}

template <class T, bool CENTRED, bool ADDS>
static void launch(const struct kernel_norm *n, cudaStream_t stream)
{
    const auto kernel = norm_kernel<T, CENTRED, ADDS>;
    KERNEL_LAUNCH_EARLY(kernel, dim3(n->rows), dim3(THREADS), WARPS * sizeof(float), stream,
                        n->width, n->epsilon, static_cast<const T *>(n->in),
                        static_cast<T *>(n->sum), static_cast<const T *>(n->weight),
                        static_cast<const T *>(n->bias), static_cast<T *>(n->out));
}

template <class T> static void launch(const struct kernel_norm *n, cudaStream_t stream)
{
    if (n->sum != nullptr)
        (n->centred ? launch<T, true, true> : launch<T, false, true>)(n, stream);
    else
        (n->centred ? launch<T, true, false> : launch<T, false, false>)(n, stream);
}

void kernel_norm(const struct kernel_norm *n, cudaStream_t stream)
{
    (n->element == ELEMENT_BF16 ? launch<bf16> : launch<fp16>)(n, stream);
}
