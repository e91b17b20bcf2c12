/* runtime/cuda/elementwise.cu - activations, sums, rows by index, conversions: bound by memory, so
 * a thread moves 16 bytes at once and nothing else matters. */
#include "runtime/cuda/element.cuh"
#include "runtime/cuda/kernels.h"
#include "runtime/cuda/walk.cuh"

/* silu(x) = x * sigmoid(x); for x far below 0 the exponential is inf and the result -0. */
static __device__ __forceinline__ float silu(float x)
{
    return x / (1.0f + expf(-x));
}

/* GELU's tanh form (arXiv 1606.08415, section 2), as GPT-2's and most engines'. */
static __device__ __forceinline__ float gelu(float x)
{
    return 0.5f * x * (1.0f + tanhf(0.7978845608f * (x + 0.044715f * x * x * x)));
}

/* `chunks`: of a row of width elements; of [gate | up] rows in. */
template <class T>
__global__ void swiglu_kernel(uint64_t all_chunks, uint32_t chunks, const T *in, T *out)
{
    wait_for_kernels_ahead();
    for (uint64_t i = first_index(); i < all_chunks; i += index_step()) {
        uint64_t row = i / chunks, column = i % chunks;
        const T *gate = in + (row * 2 * chunks + column) * CHUNK;
        float g[CHUNK], u[CHUNK];
        load_chunk(gate, g);
        load_chunk(gate + static_cast<uint64_t>(chunks) * CHUNK, u);
#pragma unroll
        for (unsigned e = 0; e < CHUNK; e++)
            g[e] = silu(g[e]) * u[e];
        store_chunk(out + i * CHUNK, g);
    }
}

template <class T> __global__ void gelu_kernel(uint64_t chunks, const T *in, T *out)
{
    wait_for_kernels_ahead();
    for (uint64_t i = first_index(); i < chunks; i += index_step()) {
        float x[CHUNK];
        load_chunk(in + i * CHUNK, x);
#pragma unroll
        for (unsigned e = 0; e < CHUNK; e++)
            x[e] = gelu(x[e]);
        store_chunk(out + i * CHUNK, x);
    }
}

template <class T> __global__ void add_kernel(uint64_t chunks, const T *in, T *sum)
{
    wait_for_kernels_ahead();
    for (uint64_t i = first_index(); i < chunks; i += index_step()) {
        float x[CHUNK], s[CHUNK];
        load_chunk(in + i * CHUNK, x);
        load_chunk(sum + i * CHUNK, s);
#pragma unroll
        for (unsigned e = 0; e < CHUNK; e++)
            s[e] += x[e];
        store_chunk(sum + i * CHUNK, s);
    }
}

static __global__ void fetch_kernel(uint64_t chunks, const uint4 *in, uint4 *out)
{
    wait_for_kernels_ahead();
    for (uint64_t i = first_index(); i < chunks; i += index_step())
        out[i] = in[i];
}

static __global__ void gather_kernel(uint64_t all_chunks, uint32_t chunks, const uint4 *table,
                                     const uint32_t *row, uint4 *out)
{
    wait_for_kernels_ahead();
    for (uint64_t i = first_index(); i < all_chunks; i += index_step())
        out[i] = table[static_cast<uint64_t>(row[i / chunks]) * chunks + i % chunks];
}

template <class T> __global__ void from_float_kernel(uint64_t count, const float *in, T *out)
{
    wait_for_kernels_ahead();
    for (uint64_t i = first_index(); i < count; i += index_step())
        out[i] = from_float<T>(in[i]);
}

template <class T> __global__ void to_float_kernel(uint64_t count, const T *in, float *out)
{
    wait_for_kernels_ahead();
    for (uint64_t i = first_index(); i < count; i += index_step())
        out[i] = to_float(in[i]);
}

template <class T> struct launches {
    static void swiglu(uint32_t rows, uint32_t width, const void *in, void *out,
                       cudaStream_t stream)
    {
        uint32_t chunks = width / CHUNK;
        uint64_t all = static_cast<uint64_t>(rows) * chunks;
        const auto kernel = swiglu_kernel<T>;
        KERNEL_LAUNCH_EARLY(kernel, blocks_for(all), dim3(WALK_THREADS), 0, stream, all, chunks,
                            static_cast<const T *>(in), static_cast<T *>(out));
    }
    static void gelu(uint64_t count, const void *in, void *out, cudaStream_t stream)
    {
        const auto kernel = gelu_kernel<T>;
        KERNEL_LAUNCH_EARLY(kernel, blocks_for(count / CHUNK), dim3(WALK_THREADS), 0, stream,
                            count / CHUNK, static_cast<const T *>(in), static_cast<T *>(out));
    }
    static void add(uint64_t count, const void *in, void *sum, cudaStream_t stream)
    {
        const auto kernel = add_kernel<T>;
        KERNEL_LAUNCH_EARLY(kernel, blocks_for(count / CHUNK), dim3(WALK_THREADS), 0, stream,
                            count / CHUNK, static_cast<const T *>(in), static_cast<T *>(sum));
    }
    static void from(uint64_t count, const float *in, void *out, cudaStream_t stream)
    {
        const auto kernel = from_float_kernel<T>;
        KERNEL_LAUNCH_EARLY(kernel, blocks_for(count), dim3(WALK_THREADS), 0, stream, count, in,
                            static_cast<T *>(out));
    }
    static void to(uint64_t count, const void *in, float *out, cudaStream_t stream)
    {
        const auto kernel = to_float_kernel<T>;
        KERNEL_LAUNCH_EARLY(kernel, blocks_for(count), dim3(WALK_THREADS), 0, stream, count,
                            static_cast<const T *>(in), out);
    }
};

void kernel_swiglu(enum element element, uint32_t rows, uint32_t width, const void *in, void *out,
                   cudaStream_t stream)
{
    const auto run = element == ELEMENT_BF16 ? launches<bf16>::swiglu : launches<fp16>::swiglu;
    run(rows, width, in, out, stream);
}

void kernel_gelu(enum element element, uint64_t count, const void *in, void *out,
                 cudaStream_t stream)
{
    const auto run = element == ELEMENT_BF16 ? launches<bf16>::gelu : launches<fp16>::gelu;
    run(count, in, out, stream);
}

void kernel_add(enum element element, uint64_t count, const void *in, void *sum,
                cudaStream_t stream)
{
    const auto run = element == ELEMENT_BF16 ? launches<bf16>::add : launches<fp16>::add;
    run(count, in, sum, stream);
}

void kernel_fetch(uint64_t bytes, const void *in, void *out, cudaStream_t stream)
{
    uint64_t chunks = (bytes + sizeof(uint4) - 1) / sizeof(uint4);
    KERNEL_LAUNCH_EARLY(fetch_kernel, blocks_for(chunks), dim3(WALK_THREADS), 0, stream, chunks,
                        static_cast<const uint4 *>(in), static_cast<uint4 *>(out));
}

void kernel_gather_rows(enum element element, uint32_t width, const void *table,
                        const uint32_t *row, uint32_t rows, void *out, cudaStream_t stream)
{
    static_cast<void>(element); /* both are 16 bits, and nothing is computed */
    uint32_t chunks = width / CHUNK;
    uint64_t all = static_cast<uint64_t>(rows) * chunks;
    KERNEL_LAUNCH_EARLY(gather_kernel, blocks_for(all), dim3(WALK_THREADS), 0, stream, all, chunks,
                        static_cast<const uint4 *>(table), row, static_cast<uint4 *>(out));
}

void kernel_from_float(enum element element, uint64_t count, const float *in, void *out,
                       cudaStream_t stream)
{
    const auto run = element == ELEMENT_BF16 ? launches<bf16>::from : launches<fp16>::from;
    run(count, in, out, stream);
}

void kernel_to_float(enum element element, uint64_t count, const void *in, float *out,
                     cudaStream_t stream)
{
    const auto run = element == ELEMENT_BF16 ? launches<bf16>::to : launches<fp16>::to;
    run(count, in, out, stream);
}
