/* runtime/cuda/latent_kv.cu - a layer's new rows of latent attention, [latent | rope key], go from
 * the activations into their sequence's pages: the latent normed, the rope key as it is or, for the
 * coupled position encoding, turned. */
#include "runtime/cuda/attention.cuh"

static constexpr unsigned THREADS = 128, WARPS = THREADS / WARP_THREADS;

/* Over the block's threads. */
static __device__ __forceinline__ float block_sum(float value, float *shared)
{
    for (int lanes = 16; lanes > 0; lanes /= 2)
        value += __shfl_xor_sync(ALL_LANES, value, lanes);
    if (threadIdx.x % WARP_THREADS == 0)
        shared[threadIdx.x / WARP_THREADS] = value;
    __syncthreads();
    float sum = 0.0f;
    for (unsigned warp = 0; warp < WARPS; warp++)
        sum += shared[warp];
    return sum;
}

template <class T, class S>
__device__ __forceinline__ void store_rope_key(const struct kernel_latent &a, const T *from, S *to,
                                               uint32_t position)
{
    const float2 *table = reinterpret_cast<const float2 *>(a.rope_table);
    for (uint32_t pair = threadIdx.x; pair < a.rope_dim / 2; pair += THREADS) {
        element_pair at = rope_elements(a.rotation, a.rope_dim, pair);
        float2 value = make_float2(to_float(from[at.low]), to_float(from[at.high]));
        if (a.pool_rotated)
            value =
                rope_turn(value, table[static_cast<uint64_t>(position) * (a.rope_dim / 2) + pair]);
        to[at.low] = from_float<S>(value.x);
        to[at.high] = from_float<S>(value.y);
    }
}

/* A block: one token. S: what the pool has, T or fp8. */
template <class T, class S>
__global__ void store_latent_kernel(const struct kernel_latent a, const uint32_t *row_sequence)
{
    wait_for_kernels_ahead();
    const uint32_t row = blockIdx.x, width = a.latent_dim + a.rope_dim;
    const struct kernel_sequence sequence = a.sequences[row_sequence[row]];
    const uint32_t token = sequence.cached_tokens + row - sequence.first_row;
    const uint32_t slot = sequence.skip + token, page = divide(slot, a.page_tokens);
    const T *from = static_cast<const T *>(a.compressed) + static_cast<uint64_t>(row) * width;
    const T *weight = static_cast<const T *>(a.norm_weight);
    S *to = static_cast<S *>(a.pool) + a.pages[sequence.first_page + page] * a.page_stride +
            a.layer_offset + static_cast<uint64_t>(slot - page * a.page_tokens.value) * width;
    float squares = 0.0f;
    for (uint32_t i = threadIdx.x; i < a.latent_dim; i += THREADS)
        squares += to_float(from[i]) * to_float(from[i]);
    const float sum = block_sum(squares, reinterpret_cast<float *>(dynamic_shared()));
    const float scale = rsqrtf(sum / static_cast<float>(a.latent_dim) + a.epsilon);
    for (uint32_t i = threadIdx.x; i < a.latent_dim; i += THREADS)
        to[i] = from_float<S>(to_float(from[i]) * scale * to_float(weight[i]));
    store_rope_key(a, from + a.latent_dim, to + a.latent_dim, token);
}

template <class T>
static void launch(const struct kernel_latent *a, const uint32_t *row_sequence, uint32_t rows,
                   cudaStream_t stream)
{
    const auto kernel = a->kv_fp8 ? store_latent_kernel<T, fp8> : store_latent_kernel<T, T>;
    KERNEL_LAUNCH_EARLY(kernel, dim3(rows), dim3(THREADS), WARPS * sizeof(float), stream, *a,
                        row_sequence);
}

void kernel_store_latent(const struct kernel_latent *a, const uint32_t *row_sequence, uint32_t rows,
                         cudaStream_t stream)
{
    if (a->element == ELEMENT_BF16)
        launch<bf16>(a, row_sequence, rows, stream);
    else
        launch<fp16>(a, row_sequence, rows, stream);
}
