/* runtime/cuda/kv.cu - a layer's new K and V go from the activations into their sequence's pages.
 */
#include "runtime/cuda/attention.cuh"

static constexpr unsigned THREADS = 128;

/* A block: one token. V, and K as it is, are copied by 16 bytes a thread. */
template <class T>
__global__ void store_kv_kernel(const struct kernel_attention a, const uint32_t *row_sequence,
                                bool rotate)
{
    const uint32_t row = blockIdx.x, width = a.kv_heads * a.head_dim;
    const struct kernel_sequence sequence = a.sequences[row_sequence[row]];
    const uint32_t token = sequence.cached_tokens + row - sequence.first_row;
    const T *key = static_cast<const T *>(a.qkv) +
                   (static_cast<uint64_t>(row) * (a.heads + 2 * a.kv_heads) + a.heads) * a.head_dim;
    const T *value = key + width;
    T *key_to = const_cast<T *>(pool_rows<T>(a, sequence, 0, false).row(token));
    T *value_to = const_cast<T *>(pool_rows<T>(a, sequence, 0, true).row(token));
    for (uint32_t i = threadIdx.x * CHUNK; i < width; i += THREADS * CHUNK) {
        *reinterpret_cast<uint4 *>(value_to + i) = *reinterpret_cast<const uint4 *>(value + i);
        if (!rotate)
            *reinterpret_cast<uint4 *>(key_to + i) = *reinterpret_cast<const uint4 *>(key + i);
    }
    for (uint32_t i = threadIdx.x; rotate && i < width / 2; i += THREADS) {
        uint32_t pairs = a.head_dim / 2, head = i / pairs * a.head_dim;
        element_pair at = rope_elements(a.rotation, a.rope_dims, i % pairs);
        float2 turned = rope_load(key + head, a, at, i % pairs, token);
        key_to[head + at.low] = from_float<T>(turned.x);
        key_to[head + at.high] = from_float<T>(turned.y);
    }
}

void kernel_store_kv(const struct kernel_attention *a, const uint32_t *row_sequence, uint32_t rows,
                     bool rotate, cudaStream_t stream)
{
    const auto kernel = a->element == ELEMENT_BF16 ? store_kv_kernel<bf16> : store_kv_kernel<fp16>;
    KERNEL_LAUNCH(kernel, dim3(rows), dim3(THREADS), 0, stream, *a, row_sequence, rotate);
}
