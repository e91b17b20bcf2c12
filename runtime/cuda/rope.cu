/* runtime/cuda/rope.cu - the table of angles, and keys turned for a prefill.
 *
 * K lies in the pool before RoPE, so that a context which lost its oldest tokens is still good: its
 * tokens have new positions, and nothing stored knows the old ones. Prefill needs every key for
 * many queries, so it has them turned once, into a scratch of the layer:
 *
 *   rotated_keys: [rotated_row of sequence + token][kv_head][head_dim] */
#include "runtime/cuda/attention.cuh"

static constexpr unsigned THREADS = 256;

static __global__ void rope_table_kernel(float theta, uint32_t pairs, uint32_t rows, float2 *table)
{
    uint32_t i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= rows * pairs)
        return;
    /* Double precision: at position 100,000 a float's angle is off by 0.004. */
    double exponent = -static_cast<double>(i % pairs) / pairs;
    double angle = i / pairs * pow(static_cast<double>(theta), exponent);
    table[i] = make_float2(static_cast<float>(cos(angle)), static_cast<float>(sin(angle)));
}

void kernel_rope_table(float theta, uint32_t dims, uint32_t rows, float *table, cudaStream_t stream)
{
    uint32_t blocks = (rows * (dims / 2) + THREADS - 1) / THREADS;
    KERNEL_LAUNCH(rope_table_kernel, dim3(blocks), dim3(THREADS), 0, stream, theta, dims / 2, rows,
                  reinterpret_cast<float2 *>(table));
}

/* A block: one token of one sequence, all its KV heads; a thread: pairs. */
template <class T>
__global__ void rotate_keys_kernel(const struct kernel_attention a, const uint32_t *ids)
{
    const struct kernel_sequence sequence = a.sequences[ids[blockIdx.y]];
    const uint32_t token = blockIdx.x, pairs = a.head_dim / 2;
    if (token >= sequence.cached_tokens + sequence.new_tokens)
        return;
    for (uint32_t i = threadIdx.x; i < a.kv_heads * pairs; i += blockDim.x) {
        uint32_t kv_head = i / pairs, pair = i % pairs;
        element_pair at = rope_elements(a.rotation, a.rope_dims, pair);
        const T *from = pool_rows<T>(a, sequence, kv_head, false).row(token);
        float2 turned = rope_load(from, a, at, pair, token);
        uint64_t row = static_cast<uint64_t>(sequence.rotated_row) + token;
        T *to = static_cast<T *>(a.rotated_keys) + (row * a.kv_heads + kv_head) * a.head_dim;
        to[at.low] = from_float<T>(turned.x);
        to[at.high] = from_float<T>(turned.y);
    }
}

void kernel_rotate_keys(const struct kernel_attention *a, const uint32_t *ids, uint32_t count,
                        uint32_t longest, cudaStream_t stream)
{
    const auto kernel =
        a->element == ELEMENT_BF16 ? rotate_keys_kernel<bf16> : rotate_keys_kernel<fp16>;
    uint32_t pairs = a->kv_heads * a->head_dim / 2;
    uint32_t threads = pairs >= THREADS ? THREADS : (pairs + 31) / 32 * 32;
    KERNEL_LAUNCH(kernel, dim3(longest, count), dim3(threads), 0, stream, *a, ids);
}
