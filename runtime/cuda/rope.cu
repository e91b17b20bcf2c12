/* runtime/cuda/rope.cu - the table of angles, and keys turned for a prefill.
 *
 * K lies in the pool before RoPE, so that a context which lost its oldest tokens is still good: its
 * tokens have new positions, and nothing stored knows the old ones. Prefill needs every key for
 * many queries, so it has them turned once, into a scratch of the layer:
 *
 *   rotated_keys: [rotated_row of sequence + token][kv_head][head_dim]
 *
 * A turn of 100 tokens over 8,000 cached spends as long on this as on attention, so it must run as
 * fast as memory: 16 bytes at a time, several loads of a thread on their way at once, and a token's
 * angles read once for several of its heads. */
#include "runtime/cuda/attention.cuh"

static constexpr unsigned THREADS = 256;

static __global__ void rope_table_kernel(float theta, uint32_t pairs, uint32_t rows, float2 *table)
{
    wait_for_kernels_ahead();
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
    KERNEL_LAUNCH_EARLY(rope_table_kernel, dim3(blocks), dim3(THREADS), 0, stream, theta, dims / 2,
                        rows, reinterpret_cast<float2 *>(table));
}

/* A thread turns units of 16 bytes: two chunks of eight, half a rotated width apart, or one chunk
 * of four neighbouring pairs. What RoPE leaves alone is one chunk a unit. */
static __host__ __device__ __forceinline__ uint32_t turned_units(enum rotation rotation,
                                                                 uint32_t rope_dims)
{
    return rope_dims / (rotation == ROTATION_HALVES ? 2 * CHUNK : CHUNK);
}
static __host__ __device__ __forceinline__ uint32_t head_units(const struct kernel_attention &a)
{
    return turned_units(a.rotation, a.rope_dims) + (a.head_dim - a.rope_dims) / CHUNK;
}
static bool in_units(const struct kernel_attention *a)
{
    return a->rotation != ROTATION_NONE &&
           a->rope_dims % (a->rotation == ROTATION_HALVES ? 2 * CHUNK : CHUNK) == 0;
}

/* How a block is shared out: a thread has one unit of every head_slots-th head of one token. */
static constexpr unsigned UNIT_THREADS = 128, HEADS_AT_ONCE = 4;
struct block_share {
    uint32_t units, head_slots, tokens;
};
static __host__ __device__ __forceinline__ block_share share_out(const struct kernel_attention &a)
{
    uint32_t units = head_units(a), slots = (a.kv_heads + HEADS_AT_ONCE - 1) / HEADS_AT_ONCE;
    slots = slots < 4 ? slots : 4;
    return { units, slots, UNIT_THREADS / units / slots };
}

template <class T, enum rotation R>
__device__ __forceinline__ void turn_unit(uint4 &low, uint4 &high, const float2 angle[CHUNK])
{
    uint32_t *lows[4] = { &low.x, &low.y, &low.z, &low.w };
    uint32_t *highs[4] = { &high.x, &high.y, &high.z, &high.w };
#pragma unroll
    for (unsigned i = 0; i < 4; i++) {
        float2 in = unpack2<T>(*lows[i]);
        if (R == ROTATION_NEIGHBOURS) {
            float2 turned = rope_turn(in, angle[i]);
            *lows[i] = pack2<T>(turned.x, turned.y);
            continue;
        }
        float2 partner = unpack2<T>(*highs[i]);
        float2 first = rope_turn(make_float2(in.x, partner.x), angle[2 * i]);
        float2 second = rope_turn(make_float2(in.y, partner.y), angle[2 * i + 1]);
        *lows[i] = pack2<T>(first.x, second.x);
        *highs[i] = pack2<T>(first.y, second.y);
    }
}

/* One unit of `count` heads, `stride` values apart; high_at: from its first chunk to its second,
 * where it has two. All of a round is loaded before anything is stored. S: what the pool stores. */
template <class T, class S, enum rotation R, bool TURNS>
__device__ __forceinline__ void move_units(const S *from, T *to, uint32_t count, uint32_t stride,
                                           uint32_t high_at, const float2 angle[CHUNK])
{
    constexpr bool TWO = TURNS && R == ROTATION_HALVES;
    for (uint32_t i = 0; i < count; i += HEADS_AT_ONCE) {
        uint4 low[HEADS_AT_ONCE], high[HEADS_AT_ONCE];
#pragma unroll
        for (unsigned h = 0; h < HEADS_AT_ONCE; h++) {
            const S *head = from + (i + h) * stride;
            if (i + h < count)
                low[h] = load_kv<T>(head);
            if (TWO && i + h < count)
                high[h] = load_kv<T>(head + high_at);
        }
#pragma unroll
        for (unsigned h = 0; h < HEADS_AT_ONCE; h++) {
            if (i + h >= count)
                break;
            T *head = to + (i + h) * stride;
            if (TURNS)
                turn_unit<T, R>(low[h], high[h], angle);
            *reinterpret_cast<uint4 *>(head) = low[h];
            if (TWO)
                *reinterpret_cast<uint4 *>(head + high_at) = high[h];
        }
    }
}

template <class T, class S, enum rotation R>
__global__ void __launch_bounds__(UNIT_THREADS)
    rotate_units_kernel(const struct kernel_attention a, const uint32_t *ids)
{
    wait_for_kernels_ahead();
    constexpr uint32_t PAIRS = R == ROTATION_HALVES ? CHUNK : CHUNK / 2; /* of a unit */
    const block_share share = share_out(a);
    const uint32_t slot = threadIdx.x / share.units, unit = threadIdx.x % share.units;
    const uint32_t token = blockIdx.x * share.tokens + slot / share.head_slots;
    const struct kernel_sequence sequence = a.sequences[ids[blockIdx.y]];
    if (slot >= share.tokens * share.head_slots ||
        token >= sequence.cached_tokens + sequence.new_tokens ||
        token < seen_from(a, sequence.cached_tokens))
        return;
    const uint32_t turned = turned_units(R, a.rope_dims), first_head = slot % share.head_slots;
    const uint32_t count = (a.kv_heads - first_head + share.head_slots - 1) / share.head_slots;
    const uint32_t stride = share.head_slots * a.head_dim;
    const uint32_t at = unit < turned ? unit * CHUNK : a.rope_dims + (unit - turned) * CHUNK;
    const uint64_t row = static_cast<uint64_t>(sequence.rotated_row) + token;
    const S *from = pool_rows<S>(a, sequence, first_head, false).row(token) + at;
    T *to = static_cast<T *>(a.rotated_keys) + (row * a.kv_heads + first_head) * a.head_dim + at;
    float2 angle[CHUNK] = {};
    if (unit >= turned) {
        move_units<T, S, R, false>(from, to, count, stride, 0, angle);
        return;
    }
    const float4 *table = reinterpret_cast<const float4 *>(
        a.rope_table + (static_cast<uint64_t>(token) * (a.rope_dims / 2) + unit * PAIRS) * 2);
#pragma unroll
    for (unsigned i = 0; i < PAIRS / 2; i++) {
        float4 two = table[i];
        angle[2 * i] = make_float2(two.x, two.y);
        angle[2 * i + 1] = make_float2(two.z, two.w);
    }
    move_units<T, S, R, true>(from, to, count, stride, a.rope_dims / 2, angle);
}

/* Any even rope_dims. A block: one token of one sequence, all its KV heads; a thread: pairs. */
template <class T, class S>
__global__ void rotate_pairs_kernel(const struct kernel_attention a, const uint32_t *ids)
{
    wait_for_kernels_ahead();
    const struct kernel_sequence sequence = a.sequences[ids[blockIdx.y]];
    const uint32_t token = blockIdx.x, pairs = a.head_dim / 2;
    if (token >= sequence.cached_tokens + sequence.new_tokens ||
        token < seen_from(a, sequence.cached_tokens))
        return;
    for (uint32_t i = threadIdx.x; i < a.kv_heads * pairs; i += blockDim.x) {
        uint32_t kv_head = i / pairs, pair = i % pairs;
        element_pair at = rope_elements(a.rotation, a.rope_dims, pair);
        const S *from = pool_rows<S>(a, sequence, kv_head, false).row(token);
        float2 turned = rope_load(from, a, at, pair, token);
        uint64_t row = static_cast<uint64_t>(sequence.rotated_row) + token;
        T *to = static_cast<T *>(a.rotated_keys) + (row * a.kv_heads + kv_head) * a.head_dim;
        to[at.low] = from_float<T>(turned.x);
        to[at.high] = from_float<T>(turned.y);
    }
}

template <class T, class S>
static void launch_rotate(const struct kernel_attention *a, const uint32_t *ids, uint32_t count,
                          uint32_t longest, cudaStream_t stream)
{
    if (in_units(a)) {
        const uint32_t tokens = share_out(*a).tokens;
        const auto kernel = a->rotation == ROTATION_HALVES
                                ? rotate_units_kernel<T, S, ROTATION_HALVES>
                                : rotate_units_kernel<T, S, ROTATION_NEIGHBOURS>;
        KERNEL_LAUNCH_EARLY(kernel, dim3((longest + tokens - 1) / tokens, count),
                            dim3(UNIT_THREADS), 0, stream, *a, ids);
        return;
    }
    const auto kernel = rotate_pairs_kernel<T, S>;
    const uint32_t pairs = a->kv_heads * a->head_dim / 2;
    const uint32_t threads = pairs >= THREADS ? THREADS : (pairs + 31) / 32 * 32;
    KERNEL_LAUNCH_EARLY(kernel, dim3(longest, count), dim3(threads), 0, stream, *a, ids);
}

void kernel_rotate_keys(const struct kernel_attention *a, const uint32_t *ids, uint32_t count,
                        uint32_t longest, cudaStream_t stream)
{
    if (a->element == ELEMENT_BF16 && a->kv_fp8)
        launch_rotate<bf16, fp8>(a, ids, count, longest, stream);
    else if (a->element == ELEMENT_BF16)
        launch_rotate<bf16, bf16>(a, ids, count, longest, stream);
    else if (a->kv_fp8)
        launch_rotate<fp16, fp8>(a, ids, count, longest, stream);
    else
        launch_rotate<fp16, fp16>(a, ids, count, longest, stream);
}
