/* runtime/cuda/norm.cu - RMSNorm (arXiv 1910.07467) and LayerNorm (arXiv 1607.06450), a block a
 * row. A row is read twice; the second time it comes from L1 or L2, which is why it is not kept in
 * registers: any width works with the same code. */
#include "runtime/cuda/element.cuh"
#include "runtime/cuda/kernels.h"

static constexpr unsigned THREADS = 256, WARPS = THREADS / WARP_THREADS;

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

/* SUM (x - mean)^2 over the row, this thread's share; mean 0: of squares. */
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

template <class T> __device__ __forceinline__ float sum_row(const T *row, uint32_t width)
{
    float sum = 0.0f;
    for (uint32_t i = threadIdx.x * CHUNK; i < width; i += THREADS * CHUNK) {
        float x[CHUNK];
        load_chunk(row + i, x);
#pragma unroll
        for (unsigned e = 0; e < CHUNK; e++)
            sum += x[e];
    }
    return sum;
}

/* CENTRED: LayerNorm, whose deviation is taken around the mean in a pass of its own: E[x^2] -
 * E[x]^2 would lose what is small beside the mean. */
template <class T, bool CENTRED>
__global__ void __launch_bounds__(THREADS)
    norm_kernel(uint32_t width, float epsilon, const T *in, const T *weight, const T *bias, T *out)
{
    float *shared = reinterpret_cast<float *>(dynamic_shared());
    const T *row = in + static_cast<uint64_t>(blockIdx.x) * width;
    T *row_out = out + static_cast<uint64_t>(blockIdx.x) * width;
    const float count = static_cast<float>(width);
    const float mean = CENTRED ? block_sum(sum_row(row, width), shared) / count : 0.0f;
    const float scale = rsqrtf(block_sum(sum_squares(row, width, mean), shared) / count + epsilon);
    for (uint32_t i = threadIdx.x * CHUNK; i < width; i += THREADS * CHUNK) {
        float x[CHUNK], w[CHUNK], b[CHUNK] = { 0 };
        load_chunk(row + i, x);
        load_chunk(weight + i, w);
        if (bias != nullptr)
            load_chunk(bias + i, b);
#pragma unroll
        for (unsigned e = 0; e < CHUNK; e++)
            x[e] = (x[e] - mean) * scale * w[e] + b[e];
        store_chunk(row_out + i, x);
    }
}

template <class T, bool CENTRED>
static void launch(uint32_t rows, uint32_t width, float epsilon, const void *in, const void *weight,
                   const void *bias, void *out, cudaStream_t stream)
{
    const auto kernel = norm_kernel<T, CENTRED>;
    KERNEL_LAUNCH(kernel, dim3(rows), dim3(THREADS), WARPS * sizeof(float), stream, width, epsilon,
                  static_cast<const T *>(in), static_cast<const T *>(weight),
                  static_cast<const T *>(bias), static_cast<T *>(out));
}

void kernel_rms_norm(enum element element, uint32_t rows, uint32_t width, float epsilon,
                     const void *in, const void *weight, const void *bias, void *out,
                     cudaStream_t stream)
{
    const auto run = element == ELEMENT_BF16 ? launch<bf16, false> : launch<fp16, false>;
    run(rows, width, epsilon, in, weight, bias, out, stream);
}

void kernel_layer_norm(enum element element, uint32_t rows, uint32_t width, float epsilon,
                       const void *in, const void *weight, const void *bias, void *out,
                       cudaStream_t stream)
{
    const auto run = element == ELEMENT_BF16 ? launch<bf16, true> : launch<fp16, true>;
    run(rows, width, epsilon, in, weight, bias, out, stream);
}
