/* runtime/cuda/latent.cu - latent attention (MLA, absorbed form) over pages, and how its rows come
 * there. All heads of a token share one row, [latent | rope key], which is the key and, without its
 * rope key, the value: attention with one KV head, keys of up to 576 elements and values of 512.
 *
 * A block of 4 warps takes LATENT_PAIRS pairs of (new token, head) of one sequence, the rows of an
 * mma, over a range of its keys, in tiles of LATENT_KEYS rows that are both keys and values:
 *
 *   scores: 16 pairs x 64 keys     a warp has 16 of the keys, over all elements
 *   output: 16 pairs x latent_dim  a warp has a quarter of the columns, over all keys
 *
 * so the maxima of a row meet in shared memory, and the weights as the product's left side. Prefill
 * and decode are the same kernel; where pairs are too few to fill the GPU, keys are cut into parts
 * (latent.c) that kernel_latent_merge() joins.
 *
 * It is right and plain, not fast. Rope keys are turned anew by every block that reads them; a tile
 * is waited for and then used, so that only the other blocks of a multiprocessor (two at 512) hide
 * its way; 16 pairs a tile read from L2 bound prefill to some 30 FLOP a byte of L2. A kernel for
 * Hopper would take 64 pairs with wgmma over tiles that come by TMA, as FlashMLA does. */
#include "runtime/cuda/attention.cuh"

static constexpr unsigned ROPE = LATENT_ROPE_DIM_MAX; /* columns of it in shared memory */
static constexpr unsigned WARP_KEYS = LATENT_KEYS / ATTENTION_WARPS, COLUMN_TILES = WARP_KEYS / 8;

/* Latents fill L columns, the rope key those behind; what is wider than they are is zero. */
template <class T, unsigned L> struct latent_place {
    static constexpr unsigned WIDTH = L + ROPE;
    T queries[LATENT_PAIRS * WIDTH], tile[LATENT_KEYS * WIDTH];
    T weights[LATENT_PAIRS * LATENT_KEYS];
    float maximum[ATTENTION_WARPS][LATENT_PAIRS], sum[ATTENTION_WARPS][LATENT_PAIRS];
};

/* Of a lane's rows, g and g + 8. */
template <unsigned L> struct latent_state {
    float output[L / 32][4];
    float maximum[2], sum[2];
    uint32_t seen[2]; /* keys before this one */
};

/* Element `element` of the rope part of a row in shared memory. */
template <class T, unsigned L>
__device__ __forceinline__ T *rope_element(T *tile, unsigned row, unsigned element)
{
    constexpr unsigned WIDTH = L + ROPE;
    return tile_chunk<T, WIDTH>(tile, row, (L + element) / CHUNK) + element % CHUNK;
}

static __device__ __forceinline__ float2 angle_of(const struct kernel_latent &a, uint32_t position,
                                                  uint32_t pair)
{
    const float2 *table = reinterpret_cast<const float2 *>(a.rope_table);
    return table[static_cast<uint64_t>(position) * (a.rope_dim / 2) + pair];
}

static __device__ __forceinline__ uint64_t row_place(const struct kernel_latent &a,
                                                     const struct kernel_sequence &sequence,
                                                     uint32_t token)
{
    uint32_t slot = sequence.skip + token, page = divide(slot, a.page_tokens);
    uint64_t row = slot - page * a.page_tokens.value;
    return a.pages[sequence.first_page + page] * a.page_stride + a.layer_offset +
           row * (a.latent_dim + a.rope_dim);
}

/* ---- queries ---- */

template <class T, unsigned L>
__device__ __forceinline__ void load_latent_queries(T *queries, const struct kernel_latent &a,
                                                    uint64_t first, uint32_t count)
{
    constexpr unsigned CHUNKS = L / CHUNK;
    const T *from = static_cast<const T *>(a.query_latent) + first * a.latent_dim;
    for (unsigned i = threadIdx.x; i < LATENT_PAIRS * CHUNKS; i += ATTENTION_THREADS) {
        unsigned row = i / CHUNKS, chunk = i % CHUNKS;
        uint4 value = { 0, 0, 0, 0 };
        if (row < count && chunk * CHUNK < a.latent_dim)
            value = *reinterpret_cast<const uint4 *>(from + row * a.latent_dim + chunk * CHUNK);
        *reinterpret_cast<uint4 *>(tile_chunk<T, L + ROPE>(queries, row, chunk)) = value;
    }
}

/* Turned to their positions. first: of all pairs of the batch; first_pair: of the sequence's. */
template <class T, unsigned L>
__device__ __forceinline__ void
load_rope_queries(T *queries, const struct kernel_latent &a, const struct kernel_sequence &sequence,
                  uint32_t first_pair, uint64_t first, uint32_t count)
{
    const uint32_t width = a.head_dim + a.rope_dim;
    const T *from = static_cast<const T *>(a.query) + first * width + a.head_dim;
    for (unsigned i = threadIdx.x; i < LATENT_PAIRS * (ROPE / 2); i += ATTENTION_THREADS) {
        unsigned row = i / (ROPE / 2), pair = i % (ROPE / 2);
        element_pair at = rope_elements(a.rotation, a.rope_dim, pair);
        float2 value = make_float2(0.0f, 0.0f);
        if (row < count && pair < a.rope_dim / 2) {
            const T *head = from + row * width;
            uint32_t position = sequence.cached_tokens + (first_pair + row) / a.heads;
            value = rope_turn(make_float2(to_float(head[at.low]), to_float(head[at.high])),
                              angle_of(a, position, pair));
        }
        *rope_element<T, L>(queries, row, at.low) = from_float<T>(value.x);
        *rope_element<T, L>(queries, row, at.high) = from_float<T>(value.y);
    }
}

/* ---- tiles of keys ---- */

/* What is stored as elements is on its way when this returns, fp8 is there as elements. */
template <class T> __device__ __forceinline__ void copy_chunk(T *to, const T *from, bool exists)
{
    copy_async(to, from, exists);
}
template <class T> __device__ __forceinline__ void copy_chunk(T *to, const fp8 *from, bool exists)
{
    const uint4 zeros = { 0, 0, 0, 0 };
    *reinterpret_cast<uint4 *>(to) = exists ? load_kv<T>(from) : zeros;
}

/* Begins copying tokens [first, first + LATENT_KEYS), zeros from `end` on. S: what the pool has, T
 * or fp8. */
template <class T, class S, unsigned L>
__device__ __forceinline__ void copy_rows(T *tile, const struct kernel_latent &a,
                                          const struct kernel_sequence &sequence, uint32_t first,
                                          uint32_t end)
{
    constexpr unsigned CHUNKS = (L + ROPE) / CHUNK;
    const S *pool = static_cast<const S *>(a.pool);
    for (unsigned i = threadIdx.x; i < LATENT_KEYS * CHUNKS; i += ATTENTION_THREADS) {
        unsigned row = i / CHUNKS, chunk = i % CHUNKS;
        bool is_rope = chunk >= L / CHUNK;
        uint32_t column = (is_rope ? chunk - L / CHUNK : chunk) * CHUNK;
        bool exists = first + row < end && column < (is_rope ? a.rope_dim : a.latent_dim);
        const S *from = pool;
        if (exists)
            from += row_place(a, sequence, first + row) + (is_rope ? a.latent_dim : 0) + column;
        copy_chunk(tile_chunk<T, L + ROPE>(tile, row, chunk), from, exists);
    }
}

template <class T, unsigned L>
__device__ __forceinline__ void turn_rows(T *tile, const struct kernel_latent &a, uint32_t first,
                                          uint32_t end)
{
    const uint32_t pairs = a.rope_dim / 2;
    for (unsigned i = threadIdx.x; i < LATENT_KEYS * pairs; i += ATTENTION_THREADS) {
        unsigned row = i / pairs, pair = i % pairs;
        if (first + row >= end)
            break;
        element_pair at = rope_elements(a.rotation, a.rope_dim, pair);
        T *low = rope_element<T, L>(tile, row, at.low);
        T *high = rope_element<T, L>(tile, row, at.high);
        float2 turned =
            rope_turn(make_float2(to_float(*low), to_float(*high)), angle_of(a, first + row, pair));
        *low = from_float<T>(turned.x);
        *high = from_float<T>(turned.y);
    }
}

/* ---- a tile ---- */

/* scores[n] = the pairs' with the n-th eight of the warp's keys. */
template <class T, unsigned L>
__device__ __forceinline__ void score_keys(float scores[COLUMN_TILES][4], latent_place<T, L> *place)
{
    constexpr unsigned WIDTH = L + ROPE;
    const unsigned lane = threadIdx.x % WARP_THREADS, warp = threadIdx.x / WARP_THREADS;
    const unsigned row = WARP_KEYS * warp + 8 * (lane / 16) + lane % 8;
#pragma unroll
    for (unsigned n = 0; n < COLUMN_TILES; n++)
#pragma unroll
        for (unsigned e = 0; e < 4; e++)
            scores[n][e] = 0.0f;
#pragma unroll 4
    for (unsigned step = 0; step < WIDTH / 16; step++) {
        uint32_t left[4], right[4];
        load_left<T, WIDTH>(left, place->queries, 0, step);
        load_matrices(right, tile_chunk<T, WIDTH>(place->tile, row, 2 * step + lane / 8 % 2));
        mma<T>(scores[0], left, right);
        mma<T>(scores[1], left, right + 2);
    }
}

/* Causal, and up to the work's end. */
template <unsigned L>
__device__ __forceinline__ void scale_and_mask(float scores[COLUMN_TILES][4],
                                               const latent_state<L> &state, uint32_t first_key,
                                               float scale)
{
    const unsigned lane = threadIdx.x % WARP_THREADS, warp = threadIdx.x / WARP_THREADS;
#pragma unroll
    for (unsigned n = 0; n < COLUMN_TILES; n++)
#pragma unroll
        for (unsigned e = 0; e < 4; e++) {
            uint32_t key = first_key + WARP_KEYS * warp + 8 * n + 2 * (lane % 4) + e % 2;
            scores[n][e] = key < state.seen[e / 2] ? scores[n][e] * scale : NO_KEY;
        }
}

/* Maximum of the tile's scores over all warps, the weights into shared memory, output rescaled.
 * Ends with all weights there. */
template <class T, unsigned L>
__device__ __forceinline__ void weigh_scores(latent_state<L> &state, float scores[COLUMN_TILES][4],
                                             latent_place<T, L> *place)
{
    const unsigned lane = threadIdx.x % WARP_THREADS, warp = threadIdx.x / WARP_THREADS;
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        float highest = NO_KEY;
#pragma unroll
        for (unsigned n = 0; n < COLUMN_TILES; n++)
            highest = fmaxf(highest, fmaxf(scores[n][2 * half], scores[n][2 * half + 1]));
        place->maximum[warp][lane / 4 + 8 * half] = row_max(highest); /* four lanes, the same */
    }
    __syncthreads();
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        const unsigned row = lane / 4 + 8 * half;
        float after = state.maximum[half];
        for (unsigned w = 0; w < ATTENTION_WARPS; w++)
            after = fmaxf(after, place->maximum[w][row]);
        const float rescale = softmax_rescale(state.maximum[half], after);
        state.maximum[half] = after;
        state.sum[half] *= rescale;
#pragma unroll
        for (unsigned n = 0; n < COLUMN_TILES; n++) {
            float low = softmax_weight(scores[n][2 * half], after);
            float high = softmax_weight(scores[n][2 * half + 1], after);
            state.sum[half] += low + high;
            T *chunk = tile_chunk<T, LATENT_KEYS>(place->weights, row, COLUMN_TILES * warp + n);
            *reinterpret_cast<uint32_t *>(chunk + 2 * (lane % 4)) = pack2<T>(low, high);
        }
#pragma unroll
        for (unsigned n = 0; n < L / 32; n++) {
            state.output[n][2 * half] *= rescale;
            state.output[n][2 * half + 1] *= rescale;
        }
    }
    __syncthreads();
}

template <class T, unsigned L>
__device__ __forceinline__ void add_values(latent_state<L> &state, latent_place<T, L> *place)
{
    const unsigned lane = threadIdx.x % WARP_THREADS, warp = threadIdx.x / WARP_THREADS;
#pragma unroll
    for (unsigned step = 0; step < LATENT_KEYS / 16; step++) {
        uint32_t left[4];
        load_left<T, LATENT_KEYS>(left, place->weights, 0, step);
#pragma unroll
        for (unsigned n = 0; n < L / 32; n += 2) {
            uint32_t right[4];
            load_matrices_transposed(right,
                                     tile_chunk<T, L + ROPE>(place->tile, 16 * step + lane % 16,
                                                             L / 32 * warp + n + lane / 16));
            mma<T>(state.output[n], left, right);
            mma<T>(state.output[n + 1], left, right + 2);
        }
    }
}

/* ---- a block ---- */

template <unsigned L>
__device__ __forceinline__ void begin(latent_state<L> &state, const struct kernel_latent &a,
                                      const struct kernel_sequence &sequence,
                                      const struct kernel_work &work)
{
    const unsigned lane = threadIdx.x % WARP_THREADS;
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        uint32_t token = (work.first_query + lane / 4 + 8 * half) / a.heads;
        uint32_t seen = sequence.cached_tokens + token + 1;
        state.seen[half] = seen < work.end_key ? seen : work.end_key;
        state.maximum[half] = NO_KEY;
        state.sum[half] = 0.0f;
    }
#pragma unroll
    for (unsigned n = 0; n < L / 32; n++)
#pragma unroll
        for (unsigned e = 0; e < 4; e++)
            state.output[n][e] = 0.0f;
}

/* first: the block's first pair, of all of the batch. */
template <class T, unsigned L>
__device__ __forceinline__ void
write_outputs(const latent_state<L> &state, latent_place<T, L> *place,
              const struct kernel_latent &a, uint32_t part, uint64_t first, uint32_t count)
{
    const unsigned lane = threadIdx.x % WARP_THREADS, warp = threadIdx.x / WARP_THREADS;
    for (unsigned half = 0; half < 2; half++)
        place->sum[warp][lane / 4 + 8 * half] = row_sum(state.sum[half]);
    __syncthreads();
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        const unsigned row = lane / 4 + 8 * half;
        if (row >= count)
            continue;
        float sum = 0.0f;
        for (unsigned w = 0; w < ATTENTION_WARPS; w++)
            sum += place->sum[w][row];
        const float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
        const bool whole = part == PART_NONE;
        const uint64_t index = whole ? first + row : part + row;
        if (!whole && warp == 0 && lane % 4 == 0)
            a.partial_log2sum[index] = softmax_log2_sum(state.maximum[half], sum);
#pragma unroll
        for (unsigned n = 0; n < L / 32; n++) {
            const uint32_t column = L / 4 * warp + 8 * n + 2 * (lane % 4);
            const uint64_t to = index * a.latent_dim + column;
            float2 pair = make_float2(state.output[n][2 * half] * inverse,
                                      state.output[n][2 * half + 1] * inverse);
            if (column >= a.latent_dim)
                continue;
            if (whole)
                *reinterpret_cast<uint32_t *>(static_cast<T *>(a.out) + to) =
                    pack2<T>(pair.x, pair.y);
            else
                *reinterpret_cast<float2 *>(a.partial + to) = pair;
        }
    }
}

template <class T, class S, unsigned L>
__global__ void __launch_bounds__(ATTENTION_THREADS, 2)
    latent_kernel(const struct kernel_latent a, const struct kernel_work *works)
{
    wait_for_kernels_ahead();
    latent_place<T, L> *place = reinterpret_cast<latent_place<T, L> *>(dynamic_shared());
    const struct kernel_work work = works[blockIdx.x];
    const struct kernel_sequence sequence = a.sequences[work.sequence];
    const uint64_t first = static_cast<uint64_t>(sequence.first_row) * a.heads + work.first_query;
    const uint32_t left = sequence.new_tokens * a.heads - work.first_query;
    const uint32_t count = left < LATENT_PAIRS ? left : LATENT_PAIRS;
    const float scale = score_scale(a.head_dim + a.rope_dim);
    latent_state<L> state;
    load_latent_queries<T, L>(place->queries, a, first, count);
    load_rope_queries<T, L>(place->queries, a, sequence, work.first_query, first, count);
    begin<L>(state, a, sequence, work);
    for (uint32_t key = work.first_key; key < work.end_key; key += LATENT_KEYS) {
        float scores[COLUMN_TILES][4];
        copy_rows<T, S, L>(place->tile, a, sequence, key, work.end_key);
        copy_commit();
        copy_wait<0>();
        __syncthreads();
        if (!a.pool_rotated) {
            turn_rows<T, L>(place->tile, a, key, work.end_key);
            __syncthreads();
        }
        score_keys<T, L>(scores, place);
        scale_and_mask<L>(scores, state, key, scale);
        weigh_scores<T, L>(state, scores, place);
        add_values<T, L>(state, place);
        __syncthreads(); /* nobody reads the tile any more */
    }
    write_outputs<T, L>(state, place, a, work.part, first, count);
}

template <class T, unsigned L>
static void launch(const struct kernel_latent *a, const struct kernel_work *work, uint32_t works,
                   cudaStream_t stream)
{
    const auto kernel = a->kv_fp8 ? latent_kernel<T, fp8, L> : latent_kernel<T, T, L>;
    const size_t shared_bytes = sizeof(latent_place<T, L>);
    KERNEL_LAUNCH_EARLY(kernel, dim3(works), dim3(ATTENTION_THREADS), shared_bytes, stream, *a,
                        work);
}

template <class T>
static void launch_width(const struct kernel_latent *a, const struct kernel_work *work,
                         uint32_t works, cudaStream_t stream)
{
    if (a->latent_dim <= 128)
        launch<T, 128>(a, work, works, stream);
    else
        launch<T, LATENT_DIM_MAX>(a, work, works, stream);
}

void kernel_latent_attention(const struct kernel_latent *a, const struct kernel_work *work,
                             uint32_t works, cudaStream_t stream)
{
    if (a->element == ELEMENT_BF16)
        launch_width<bf16>(a, work, works, stream);
    else
        launch_width<fp16>(a, work, works, stream);
}

/* ---- parts ---- */

/* A block: one pair; a thread: every 128th column. As merge.cu has it, for any width. */
template <class T>
__global__ void latent_merge_kernel(const struct kernel_latent a, const struct kernel_merge *merges)
{
    wait_for_kernels_ahead();
    const struct kernel_merge merge = merges[blockIdx.x];
    float largest = NO_KEY, sum = 0.0f;
    for (uint32_t i = 0; i < merge.parts; i++)
        largest = fmaxf(largest, a.partial_log2sum[merge.first_part + i * merge.part_stride]);
    for (uint32_t i = 0; i < merge.parts; i++)
        sum += softmax_weight(a.partial_log2sum[merge.first_part + i * merge.part_stride], largest);
    for (uint32_t column = threadIdx.x; column < a.latent_dim; column += ATTENTION_THREADS) {
        float output = 0.0f;
        for (uint32_t i = 0; i < merge.parts; i++) {
            const uint64_t part = merge.first_part + static_cast<uint64_t>(i) * merge.part_stride;
            output += softmax_weight(a.partial_log2sum[part], largest) *
                      a.partial[part * a.latent_dim + column];
        }
        static_cast<T *>(a.out)[static_cast<uint64_t>(merge.row) * a.latent_dim + column] =
            from_float<T>(output / sum);
    }
}

void kernel_latent_merge(const struct kernel_latent *a, const struct kernel_merge *merges,
                         uint32_t count, cudaStream_t stream)
{
    const auto kernel =
        a->element == ELEMENT_BF16 ? latent_merge_kernel<bf16> : latent_merge_kernel<fp16>;
    KERNEL_LAUNCH_EARLY(kernel, dim3(count), dim3(ATTENTION_THREADS), 0, stream, *a, merges);
}
