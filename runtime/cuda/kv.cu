/* runtime/cuda/kv.cu - a layer's new K and V go from the activations into their sequence's pages,
 * and what is stored there as fp8 becomes elements again where prefill needs it.
 *
 * Prefill reads a KV tile once for each 128 queries of each query head, with copies past the
 * registers (cp.async, or on Hopper TMA into what wgmma multiplies): codes would have to be made
 * elements there every time. So V, as K anyway, goes through a scratch of the layer once: 1 byte
 * read and 2 written a value. decode.cu, where KV is read once, takes codes as they are. */
#include "runtime/cuda/attention.cuh"

static constexpr unsigned THREADS = 128;

/* A block: one token. V, and K as it is, go by eight values a thread. S: what the pool stores. */
template <class T, class S>
__global__ void store_kv_kernel(const struct kernel_attention a, const uint32_t *row_sequence,
                                bool rotate)
{
    wait_for_kernels_ahead();
    const uint32_t row = blockIdx.x, width = a.kv_heads * a.head_dim;
    const struct kernel_sequence sequence = a.sequences[row_sequence[row]];
    const uint32_t token = sequence.cached_tokens + row - sequence.first_row;
    const T *key = static_cast<const T *>(a.qkv) +
                   (static_cast<uint64_t>(row) * (a.heads + 2 * a.kv_heads) + a.heads) * a.head_dim;
    const T *value = key + width;
    S *key_to = const_cast<S *>(pool_rows<S>(a, sequence, 0, false).row(token));
    S *value_to = const_cast<S *>(pool_rows<S>(a, sequence, 0, true).row(token));
    for (uint32_t i = threadIdx.x * CHUNK; i < width; i += THREADS * CHUNK) {
        store_kv<T>(value_to + i, load_kv<T>(value + i));
        if (!rotate)
            store_kv<T>(key_to + i, load_kv<T>(key + i));
    }
    for (uint32_t i = threadIdx.x; rotate && i < width / 2; i += THREADS) {
        uint32_t pairs = a.head_dim / 2, head = i / pairs * a.head_dim;
        element_pair at = rope_elements(a.rotation, a.rope_dims, i % pairs);
        float2 turned = rope_load(key + head, a, at, i % pairs, token);
        key_to[head + at.low] = from_float<S>(turned.x);
        key_to[head + at.high] = from_float<S>(turned.y);
    }
}

template <class T>
static void launch_store(const struct kernel_attention *a, const uint32_t *row_sequence,
                         uint32_t rows, bool rotate, cudaStream_t stream)
{
    const auto kernel = a->kv_fp8 ? store_kv_kernel<T, fp8> : store_kv_kernel<T, T>;
    KERNEL_LAUNCH_EARLY(kernel, dim3(rows), dim3(THREADS), 0, stream, *a, row_sequence, rotate);
}

void kernel_store_kv(const struct kernel_attention *a, const uint32_t *row_sequence, uint32_t rows,
                     bool rotate, cudaStream_t stream)
{
    if (a->element == ELEMENT_BF16)
        launch_store<bf16>(a, row_sequence, rows, rotate, stream);
    else
        launch_store<fp16>(a, row_sequence, rows, rotate, stream);
}

/* A thread: AT_ONCE chunks of eight values, whose loads are on their way together. Neighbouring
 * threads have neighbouring chunks. */
static constexpr unsigned AT_ONCE = 4;

template <class T>
__global__ void widen_kv_kernel(const struct kernel_attention a, const uint32_t *ids, bool keys)
{
    wait_for_kernels_ahead();
    const struct kernel_sequence sequence = a.sequences[ids[blockIdx.y]];
    const uint32_t width = a.kv_heads * a.head_dim, chunks = width / CHUNK;
    const uint32_t end = sequence.cached_tokens + sequence.new_tokens;
    const uint32_t begin = seen_from(a, sequence.cached_tokens);
    const kv_rows<fp8> rows = pool_rows<fp8>(a, sequence, 0, !keys);
    const uint64_t first_row = static_cast<uint64_t>(sequence.rotated_row) * width;
    T *to = static_cast<T *>(keys ? a.rotated_keys : a.wide_values) + first_row;
    uint4 wide[AT_ONCE];
    uint64_t place[AT_ONCE];
#pragma unroll
    for (unsigned i = 0; i < AT_ONCE; i++) {
        const uint32_t unit = (blockIdx.x * AT_ONCE + i) * THREADS + threadIdx.x;
        const uint32_t token = begin + unit / chunks, column = unit % chunks * CHUNK;
        place[i] = token < end ? static_cast<uint64_t>(token) * width + column : UINT64_MAX;
        if (token < end)
            wide[i] = load_kv<T>(rows.row(token) + column);
    }
#pragma unroll
    for (unsigned i = 0; i < AT_ONCE; i++)
        if (place[i] != UINT64_MAX)
            *reinterpret_cast<uint4 *>(to + place[i]) = wide[i];
}

void kernel_widen_kv(const struct kernel_attention *a, const uint32_t *ids, uint32_t count,
                     uint32_t longest, bool keys, cudaStream_t stream)
{
    const auto kernel = a->element == ELEMENT_BF16 ? widen_kv_kernel<bf16> : widen_kv_kernel<fp16>;
    const uint64_t chunks = static_cast<uint64_t>(longest) * a->kv_heads * a->head_dim / CHUNK;
    const uint32_t blocks =
        static_cast<uint32_t>((chunks + AT_ONCE * THREADS - 1) / (AT_ONCE * THREADS));
    for (int of_keys = 0; of_keys <= (keys ? 1 : 0); of_keys++)
        KERNEL_LAUNCH_EARLY(kernel, dim3(blocks, count), dim3(THREADS), 0, stream, *a, ids,
                            of_keys == 1);
}
