/* runtime/cuda/prefill.cu - attention of many new tokens over a cached prefix and themselves, in
 * one pass over the keys and without ever storing a score (FlashAttention-2, arXiv 2307.08691).
 *
 * A block of 4 warps takes 128 queries of one head and walks over the keys in tiles of 64; each
 * warp keeps 32 queries' scores, maxima, sums and outputs in its registers. 32 rather than 16,
 * because every warp reads the whole K and V tile out of shared memory: with 16 rows that would
 * take as long as the products themselves.
 *
 *            keys of a tile (64)              Shared memory, D = 128: Q 32 KiB, K 16 KiB, V 16 KiB;
 *           +--------------------+            two blocks an SM.
 *   warp 0  | 32 queries         |
 *   warp 1  | 32                 |            The copies run beside the products:
 *   warp 2  | 32                 |              products:  Q K(i)        P V(i)        Q K(i+1)
 *   warp 3  | 32                 |              copies:      V(i) ...      K(i+1) ...
 *           +--------------------+
 *
 * K comes rotated, from the scratch of kernel_rotate_keys(). Turning each K tile here instead, as
 * it is loaded, would turn every key once for each 128 queries of each query head: at 8K tokens and
 * 4 query heads a KV head, 256 times; about a fifth of the products' time. One pass over K before
 * costs under 1 % of it. (decode.cu does turn them as they come: there every key is used once.)
 * What is stored as fp8 comes as elements, K and V, for the same reason (kv.cu). */
#include "runtime/cuda/attention.cuh"

static constexpr unsigned WARP_TILES = 2; /* of 16 queries */
static constexpr unsigned KEY_TILES = PREFILL_KEYS / 8;

/* What a warp holds: element [i][n][e] of tile i, n as tensor_core.cuh draws D; maximum and sum of
 * rows g and g + 8 of each tile. A row's four lanes have the same maximum, and each its own share
 * of the sum. */
template <unsigned D> struct prefill_state {
    float output[WARP_TILES][D / 8][4];
    float maximum[WARP_TILES][2], sum[WARP_TILES][2];
};

typedef float prefill_scores[WARP_TILES][KEY_TILES][4];

template <unsigned D> __device__ __forceinline__ void prefill_begin(prefill_state<D> &state)
{
#pragma unroll
    for (unsigned i = 0; i < WARP_TILES; i++) {
#pragma unroll
        for (unsigned n = 0; n < D / 8; n++)
#pragma unroll
            for (unsigned e = 0; e < 4; e++)
                state.output[i][n][e] = 0.0f;
        state.maximum[i][0] = state.maximum[i][1] = NO_KEY;
        state.sum[i][0] = state.sum[i][1] = 0.0f;
    }
}

/* scores = Q K^T */
template <class T, unsigned D>
__device__ __forceinline__ void multiply_keys(prefill_scores &scores, T *queries, T *keys,
                                              unsigned first_row)
{
    unsigned lane = threadIdx.x % WARP_THREADS;
#pragma unroll
    for (unsigned i = 0; i < WARP_TILES; i++)
#pragma unroll
        for (unsigned n = 0; n < KEY_TILES; n++)
#pragma unroll
            for (unsigned e = 0; e < 4; e++)
                scores[i][n][e] = 0.0f;
#pragma unroll
    for (unsigned step = 0; step < D / 16; step++) {
        uint32_t left[WARP_TILES][4];
#pragma unroll
        for (unsigned i = 0; i < WARP_TILES; i++)
            load_left<T, D>(left[i], queries, first_row + 16 * i, step);
#pragma unroll
        for (unsigned n = 0; n < KEY_TILES; n += 2) {
            /* Both registers of keys 8n..8n+7, then of the next 8. */
            uint32_t right[4];
            load_matrices(right, tile_chunk<T, D>(keys, 8 * n + lane % 8 + lane / 16 * 8,
                                                  2 * step + lane / 8 % 2));
#pragma unroll
            for (unsigned i = 0; i < WARP_TILES; i++) {
                mma<T>(scores[i][n], left[i], right);
                mma<T>(scores[i][n + 1], left[i], right + 2);
            }
        }
    }
}

/* A query sees the keys up to its own position, of a windowed layer from where its window begins;
 * `end`: where this block's keys end. */
template <bool WINDOWED>
__device__ __forceinline__ void mask_scores(prefill_scores &scores,
                                            const struct kernel_attention &a, uint32_t first_key,
                                            uint32_t end, uint32_t first_position)
{
    unsigned lane = threadIdx.x % WARP_THREADS;
#pragma unroll
    for (unsigned i = 0; i < WARP_TILES; i++)
#pragma unroll
        for (unsigned half = 0; half < 2; half++) { /* row g, row g + 8 */
            uint32_t position = first_position + 16 * i + lane / 4 + half * 8;
            uint32_t begin = WINDOWED ? seen_from(a, position) : 0;
#pragma unroll
            for (unsigned n = 0; n < KEY_TILES; n++)
#pragma unroll
                for (unsigned e = 2 * half; e < 2 * half + 2; e++) {
                    uint32_t key = first_key + 8 * n + 2 * (lane % 4) + e % 2;
                    if (key > position || key >= end || (WINDOWED && key < begin))
                        scores[i][n][e] = NO_KEY;
                }
        }
}

/* Takes the tile's scores into the maximum, and turns them into weights; rescales what was there.
 */
template <unsigned D>
__device__ __forceinline__ void weigh_scores(prefill_state<D> &state, prefill_scores &scores,
                                             float scale)
{
#pragma unroll
    for (unsigned i = 0; i < WARP_TILES; i++)
#pragma unroll
        for (unsigned half = 0; half < 2; half++) { /* row g, row g + 8 */
            float highest = NO_KEY;
#pragma unroll
            for (unsigned n = 0; n < KEY_TILES; n++)
                highest = fmaxf(highest, fmaxf(scores[i][n][2 * half], scores[i][n][2 * half + 1]));
            float before = state.maximum[i][half];
            float after = fmaxf(before, row_max(highest) * scale);
            float rescale = softmax_rescale(before, after);
            float sum = state.sum[i][half] * rescale;
#pragma unroll
            for (unsigned n = 0; n < KEY_TILES; n++)
#pragma unroll
                for (unsigned e = 2 * half; e < 2 * half + 2; e++) {
                    scores[i][n][e] = softmax_weight(scores[i][n][e] * scale, after);
                    sum += scores[i][n][e];
                }
#pragma unroll
            for (unsigned n = 0; n < D / 8; n++) {
                state.output[i][n][2 * half] *= rescale;
                state.output[i][n][2 * half + 1] *= rescale;
            }
            state.maximum[i][half] = after;
            state.sum[i][half] = sum;
        }
}

/* output += P V. P's registers become the left operand as they are (tensor_core.cuh). */
template <class T, unsigned D>
__device__ __forceinline__ void multiply_values(prefill_state<D> &state,
                                                const prefill_scores &weights, T *values)
{
    unsigned lane = threadIdx.x % WARP_THREADS;
#pragma unroll
    for (unsigned step = 0; step < PREFILL_KEYS / 16; step++) {
        uint32_t left[WARP_TILES][4];
#pragma unroll
        for (unsigned i = 0; i < WARP_TILES; i++)
#pragma unroll
            for (unsigned r = 0; r < 4; r++) {
                const float *pair = &weights[i][2 * step + r / 2][2 * (r % 2)];
                left[i][r] = pack2<T>(pair[0], pair[1]);
            }
#pragma unroll
        for (unsigned n = 0; n < D / 8; n += 2) {
            uint32_t right[4];
            load_matrices_transposed(
                right, tile_chunk<T, D>(values, 16 * step + lane % 16, n + lane / 16));
#pragma unroll
            for (unsigned i = 0; i < WARP_TILES; i++) {
                mma<T>(state.output[i][n], left[i], right);
                mma<T>(state.output[i][n + 1], left[i], right + 2);
            }
        }
    }
}

/* To out, or as a part for merge.cu. */
template <class T, unsigned D>
__device__ __forceinline__ void write_outputs(const prefill_state<D> &state,
                                              const struct kernel_attention &a,
                                              const struct kernel_work *works, unsigned first_row)
{
    /* Read again: kept through the loop, they would spill other registers on sm_90. */
    const struct kernel_work work = works[blockIdx.y];
    const struct kernel_sequence sequence = a.sequences[work.sequence];
    unsigned lane = threadIdx.x % WARP_THREADS, head = blockIdx.x;
#pragma unroll
    for (unsigned i = 0; i < WARP_TILES; i++)
#pragma unroll
        for (unsigned half = 0; half < 2; half++) {
            uint32_t row = first_row + 16 * i + lane / 4 + 8 * half;
            float sum = row_sum(state.sum[i][half]);
            if (work.first_query + row >= sequence.new_tokens)
                continue;
            bool whole = work.part == PART_NONE;
            uint64_t index = whole ? sequence.first_row + work.first_query + row : work.part + row;
            uint64_t at = (index * a.heads + head) * a.head_dim;
            float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
            if (!whole && lane % 4 == 0)
                a.partial_log2sum[index * a.heads + head] =
                    softmax_log2_sum(state.maximum[i][half], sum);
#pragma unroll
            for (unsigned n = 0; n < D / 8; n++) {
                uint32_t column = 8 * n + 2 * (lane % 4);
                float2 pair = make_float2(state.output[i][n][2 * half] * inverse,
                                          state.output[i][n][2 * half + 1] * inverse);
                if (column >= a.head_dim)
                    continue;
                if (whole)
                    *reinterpret_cast<uint32_t *>(static_cast<T *>(a.out) + at + column) =
                        pack2<T>(pair.x, pair.y);
                else
                    *reinterpret_cast<float2 *>(a.partial + at + column) = pair;
            }
        }
}

/* In shared memory, behind the tiles: registers are for the outputs, and spill otherwise. */
template <class T> struct prefill_sources {
    kv_rows<T> keys, values;
};

/* WINDOWED: tiles may begin before what the last queries see. Apart, so that layers without windows
 * pay nothing. */
template <class T, unsigned D, bool WINDOWED>
__global__ void __launch_bounds__(ATTENTION_THREADS, 2)
    prefill_kernel(const struct kernel_attention a, const struct kernel_work *works)
{
    wait_for_kernels_ahead();
    T *queries = reinterpret_cast<T *>(dynamic_shared());
    T *keys = queries + PREFILL_QUERIES * D, *values = keys + PREFILL_KEYS * D;
    const struct kernel_work work = works[blockIdx.y];
    const struct kernel_sequence sequence = a.sequences[work.sequence];
    const unsigned head = blockIdx.x, kv_head = head / (a.heads / a.kv_heads);
    prefill_sources<T> *from = reinterpret_cast<prefill_sources<T> *>(values + PREFILL_KEYS * D);
    if (threadIdx.x == 0) {
        from->values = prefill_values<T>(a, sequence, kv_head);
        from->keys = prefill_keys<T>(a, sequence, kv_head);
    }
    __syncthreads();
    copy_tile<T, D, PREFILL_KEYS>(keys, from->keys, work.first_key, work.end_key, a.head_dim);
    copy_commit();
    const uint32_t first_position = sequence.cached_tokens + work.first_query;
    load_queries<T, D, PREFILL_QUERIES>(queries, a, [&](unsigned row, uint32_t *position) {
        *position = first_position + row;
        uint64_t qkv_row = sequence.first_row + work.first_query + row;
        return work.first_query + row < sequence.new_tokens
                   ? static_cast<const T *>(a.qkv) +
                         (qkv_row * (a.heads + 2 * a.kv_heads) + head) * a.head_dim
                   : static_cast<const T *>(nullptr);
    });
    const unsigned first_row = threadIdx.x / WARP_THREADS * 16 * WARP_TILES;
    const float scale = score_scale(a.head_dim);
    prefill_state<D> state;
    prefill_begin(state);
    for (uint32_t key = work.first_key; key < work.end_key; key += PREFILL_KEYS) {
        copy_wait<0>();
        __syncthreads(); /* all of K(i) is there, and nobody reads V(i-1) any more */
        copy_tile<T, D, PREFILL_KEYS>(values, from->values, key, work.end_key, a.head_dim);
        copy_commit();
        prefill_scores scores;
        multiply_keys<T, D>(scores, queries, keys, first_row);
        copy_wait<0>();
        __syncthreads(); /* all of V(i) is there, and nobody reads K(i) any more */
        if (key + PREFILL_KEYS < work.end_key)
            copy_tile<T, D, PREFILL_KEYS>(keys, from->keys, key + PREFILL_KEYS, work.end_key,
                                          a.head_dim);
        copy_commit();
        const bool behind = WINDOWED && key < seen_from(a, first_position + PREFILL_QUERIES - 1);
        if (key + PREFILL_KEYS > work.end_key || key + PREFILL_KEYS > first_position + 1 || behind)
            mask_scores<WINDOWED>(scores, a, key, work.end_key, first_position + first_row);
        weigh_scores<D>(state, scores, scale);
        multiply_values<T, D>(state, scores, values);
    }
    copy_wait<0>(); /* of an empty group, or of a work without keys */
    write_outputs<T, D>(state, a, works, first_row);
}

template <class T, unsigned D>
static void launch(const struct kernel_attention *a, const struct kernel_work *work, uint32_t works,
                   cudaStream_t stream)
{
    const auto kernel =
        a->window_tokens > 0 ? prefill_kernel<T, D, true> : prefill_kernel<T, D, false>;
    const size_t shared_bytes =
        (PREFILL_QUERIES + 2 * PREFILL_KEYS) * D * sizeof(T) + sizeof(prefill_sources<T>);
    KERNEL_LAUNCH_EARLY(kernel, dim3(a->heads, works), dim3(ATTENTION_THREADS), shared_bytes,
                        stream, *a, work);
}

template <class T>
static void launch_width(const struct kernel_attention *a, const struct kernel_work *work,
                         uint32_t works, cudaStream_t stream)
{
    if (a->head_dim <= 32)
        launch<T, 32>(a, work, works, stream);
    else if (a->head_dim <= 64)
        launch<T, 64>(a, work, works, stream);
    else
        launch<T, 128>(a, work, works, stream);
}

#ifdef REPRISE_HOPPER
static constexpr bool HOPPER_BUILT = true;
#else /* an nvcc that knows no sm_90a, or emulated */
static constexpr bool HOPPER_BUILT = false;
#endif

/* Windows by this file's kernel: the other's two masks would be one more in its tuned loop. */
static bool by_hopper(bool hopper, uint32_t head_dim, uint32_t window_tokens)
{
    return HOPPER_BUILT && hopper && head_dim > 32 && window_tokens == 0;
}

uint32_t kernel_prefill_resident(bool hopper, uint32_t head_dim, uint32_t window_tokens)
{
    return by_hopper(hopper, head_dim, window_tokens) ? 1 : 2; /* __launch_bounds__ of either */
}

void *kernel_map_encoder(void)
{
#ifdef REPRISE_HOPPER
    return kernel_hopper_map_encoder();
#else
    return nullptr;
#endif
}

void kernel_prefill(const struct kernel_attention *a, const struct kernel_work *work,
                    uint32_t works, cudaStream_t stream)
{
#ifdef REPRISE_HOPPER
    if (by_hopper(a->hopper, a->head_dim, a->window_tokens)) {
        kernel_prefill_hopper(a, work, works, stream);
        return;
    }
#endif
    if (a->element == ELEMENT_BF16)
        launch_width<bf16>(a, work, works, stream);
    else
        launch_width<fp16>(a, work, works, stream);
}
