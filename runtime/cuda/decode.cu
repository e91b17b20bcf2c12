/* runtime/cuda/decode.cu - attention of one new token a sequence over its pages (paged attention,
 * arXiv 2309.06180; split over keys as in Flash-Decoding). Bound by reading KV: everything here
 * serves to read it once, in whole lines, with copies always on their way.
 *
 * A block of 4 warps takes one KV head of one sequence and a range of its keys, for all query heads
 * that share the KV head (up to 16, the rows of an mma; more: another block). The range comes in
 * tiles of 64 tokens. A warp takes 16 tokens of a tile, and at the end the four warps' results are
 * merged; where the sequence's keys are cut in parts, the last of their blocks joins those
 * (decode_merge.cuh):
 *
 *    tile (64 tokens)   warp 0    warp 1    warp 2    warp 3
 *    tokens              0-7      8-15     16-23     24-31      n = 0
 *                       32-39    40-47     48-55     56-63      n = 1
 *
 * A warp copies what it will use itself, so that it waits for nobody: its tiles go round STAGES
 * places in shared memory, and as soon as one is used the tile STAGES further on is on its way
 * there. HBM answers after some 800 ns; at 4.3 TB/s and 132 multiprocessors 26 KB must be on their
 * way to each for it never to pause. A stage is 32 KB at 128 elements, two blocks have several:
 * enough also where not every multiprocessor has two. Blocks of one sequence's heads are
 * neighbours: they read neighbouring bytes at about the same time.
 *
 * So a lane's keys are every 32nd token, tile after tile, at the same elements: it turns them
 * (RoPE) in its registers by angles that grow by a constant, and instead of reading two floats a
 * pair out of a table - twice the bytes of K itself - multiplies (cos, sin) by the step's. The
 * angles begin exact at each block's first key; the error of n steps is about n * 2^-24, and a
 * block has some hundred: far below the 2^-9 to which a bf16 key is rounded. */
#include "runtime/cuda/decode_merge.cuh"
#include "runtime/cuda/decode_tiles.cuh"

static constexpr unsigned HEAD_ROWS = 16; /* query heads of a block */

/* (cos, sin) of the pairs whose elements a lane holds of a key. */
template <unsigned D> struct lane_angles {
    float2 now[D / 8];
};

template <unsigned D> struct decode_state {
    uint32_t queries[D / 16][4]; /* the left operand: heads x elements */
    float output[D / 8][4];
    float maximum[2], sum[2]; /* heads g and g + 8 */
};

/* The pair that register `reg` of step `step` of the right operand begins with, and which (cos,
 * sin) of the lane's is its. Halves: elements i and i + D/2 stand in the same register of steps
 * D/32 apart, two pairs a register. Neighbours: one pair a register. */
template <enum rotation R>
__device__ __forceinline__ unsigned first_pair(unsigned step, unsigned reg)
{
    unsigned element = 16 * step + 8 * reg + 2 * (threadIdx.x % 4);
    return R == ROTATION_HALVES ? element : element / 2;
}

template <unsigned D, enum rotation R>
__device__ __forceinline__ void angles_begin(lane_angles<D> &angles, const float2 *table,
                                             uint32_t position)
{
    constexpr unsigned PAIRS = R == ROTATION_HALVES ? 2 : 1;
    const float2 *row = table + static_cast<uint64_t>(position) * (D / 2);
#pragma unroll
    for (unsigned i = 0; i < D / 8; i++) {
        unsigned reg = i / PAIRS; /* counted over all steps */
        angles.now[i] = row[first_pair<R>(reg / 2, reg % 2) + i % PAIRS];
    }
}

template <unsigned D, enum rotation R>
__device__ __forceinline__ void angles_advance(lane_angles<D> &angles, const float2 *step_angle)
{
    constexpr unsigned PAIRS = R == ROTATION_HALVES ? 2 : 1;
#pragma unroll
    for (unsigned i = 0; i < D / 8; i++) {
        unsigned reg = i / PAIRS;
        angles.now[i] =
            rope_turn(angles.now[i], step_angle[first_pair<R>(reg / 2, reg % 2) + i % PAIRS]);
    }
}

/* Turns the lane's elements of one key: right[step] are the registers of k-step `step`. */
template <class T, unsigned D, enum rotation R>
__device__ __forceinline__ void turn_key(uint32_t right[D / 16][2], const lane_angles<D> &angles)
{
    if (R == ROTATION_HALVES) {
#pragma unroll
        for (unsigned step = 0; step < D / 32; step++)
#pragma unroll
            for (unsigned reg = 0; reg < 2; reg++) {
                const float2 *angle = &angles.now[2 * (2 * step + reg)];
                float2 low = unpack2<T>(right[step][reg]);
                float2 high = unpack2<T>(right[step + D / 32][reg]);
                float2 first = rope_turn(make_float2(low.x, high.x), angle[0]);
                float2 second = rope_turn(make_float2(low.y, high.y), angle[1]);
                right[step][reg] = pack2<T>(first.x, second.x);
                right[step + D / 32][reg] = pack2<T>(first.y, second.y);
            }
    } else if (R == ROTATION_NEIGHBOURS) {
#pragma unroll
        for (unsigned step = 0; step < D / 16; step++)
#pragma unroll
            for (unsigned reg = 0; reg < 2; reg++) {
                float2 turned = rope_turn(unpack2<T>(right[step][reg]), angles.now[2 * step + reg]);
                right[step][reg] = pack2<T>(turned.x, turned.y);
            }
    }
}

/* scores[n] = Q K^T for the warp's n-th eight keys; advances the angles to the next. */
template <class T, unsigned D, enum rotation R>
__device__ __forceinline__ void score_keys(float scores[4], const decode_state<D> &state, T *keys,
                                           unsigned n, lane_angles<D> &angles,
                                           const float2 *step_angle)
{
    unsigned lane = threadIdx.x % WARP_THREADS;
    uint32_t right[D / 16][2];
#pragma unroll
    for (unsigned step = 0; step < D / 16; step += 2) {
        uint32_t four[4]; /* both registers of two steps: four neighbouring chunks of 8 keys */
        load_matrices(
            four, tile_chunk<T, D>(keys, tile_row(WARP_KEYS * n + lane % 8), 2 * step + lane / 8));
        right[step][0] = four[0];
        right[step][1] = four[1];
        right[step + 1][0] = four[2];
        right[step + 1][1] = four[3];
    }
    if (R != ROTATION_NONE) {
        turn_key<T, D, R>(right, angles);
        angles_advance<D, R>(angles, step_angle);
    }
#pragma unroll
    for (unsigned e = 0; e < 4; e++)
        scores[e] = 0.0f;
#pragma unroll
    for (unsigned step = 0; step < D / 16; step++)
        mma<T>(scores, state.queries[step], right[step]);
}

/* Takes 16 keys' scores in: maximum, weights, sum, and output += P V. */
template <class T, unsigned D>
__device__ __forceinline__ void take_scores(decode_state<D> &state, float scores[STEPS][4],
                                            T *values)
{
    unsigned lane = threadIdx.x % WARP_THREADS;
#pragma unroll
    for (unsigned half = 0; half < 2; half++) { /* heads g, g + 8 */
        float highest = NO_KEY;
#pragma unroll
        for (unsigned n = 0; n < STEPS; n++)
            highest = fmaxf(highest, fmaxf(scores[n][2 * half], scores[n][2 * half + 1]));
        float after = fmaxf(state.maximum[half], row_max(highest));
        float rescale = softmax_rescale(state.maximum[half], after);
        state.maximum[half] = after;
        state.sum[half] *= rescale;
#pragma unroll
        for (unsigned n = 0; n < STEPS; n++)
#pragma unroll
            for (unsigned e = 2 * half; e < 2 * half + 2; e++) {
                scores[n][e] = softmax_weight(scores[n][e], after);
                state.sum[half] += scores[n][e];
            }
#pragma unroll
        for (unsigned n = 0; n < D / 8; n++) {
            state.output[n][2 * half] *= rescale;
            state.output[n][2 * half + 1] *= rescale;
        }
    }
    uint32_t left[4];
#pragma unroll
    for (unsigned r = 0; r < 4; r++)
        left[r] = pack2<T>(scores[r / 2][2 * (r % 2)], scores[r / 2][2 * (r % 2) + 1]);
#pragma unroll
    for (unsigned n = 0; n < D / 8; n += 2) {
        uint32_t right[4];
        load_matrices_transposed(right,
                                 tile_chunk<T, D>(values, tile_row(lane % 16), n + lane / 16));
        mma<T>(state.output[n], left, right);
        mma<T>(state.output[n + 1], left, right + 2);
    }
}

/* Where the four warps' results meet, in place of the tiles. */
template <unsigned D> struct meeting_place {
    float output[ATTENTION_WARPS][HEAD_ROWS][D];
    float maximum[ATTENTION_WARPS][HEAD_ROWS], sum[ATTENTION_WARPS][HEAD_ROWS];
};

template <unsigned D>
__device__ __forceinline__ void leave_results(meeting_place<D> *place, const decode_state<D> &state,
                                              uint32_t heads)
{
    unsigned lane = threadIdx.x % WARP_THREADS, warp = threadIdx.x / WARP_THREADS;
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        unsigned row = lane / 4 + 8 * half;
        float sum = row_sum(state.sum[half]);
        if (row >= heads)
            continue;
        place->maximum[warp][row] = state.maximum[half]; /* its four lanes write the same */
        place->sum[warp][row] = sum;
#pragma unroll
        for (unsigned n = 0; n < D / 8; n++) {
            *reinterpret_cast<float2 *>(&place->output[warp][row][8 * n + 2 * (lane % 4)]) =
                make_float2(state.output[n][2 * half], state.output[n][2 * half + 1]);
        }
    }
}

/* Thread by thread, one element of one head: to out, or as a part. */
template <class T, unsigned D>
__device__ __forceinline__ void
write_heads(const meeting_place<D> *place, const struct kernel_attention &a,
            const struct kernel_sequence &sequence, const struct kernel_work &work,
            uint32_t first_head, uint32_t heads)
{
    const bool whole = work.part == PART_NONE;
    const uint64_t index = whole ? sequence.first_row + work.first_query : work.part;
    for (unsigned i = threadIdx.x; i < heads * D; i += ATTENTION_THREADS) {
        unsigned row = i / D, column = i % D;
        if (column >= a.head_dim)
            continue;
        float maximum = NO_KEY, sum = 0.0f, output = 0.0f;
        for (unsigned warp = 0; warp < ATTENTION_WARPS; warp++)
            maximum = fmaxf(maximum, place->maximum[warp][row]);
        for (unsigned warp = 0; warp < ATTENTION_WARPS; warp++) {
            float rescale = softmax_rescale(place->maximum[warp][row], maximum);
            sum += place->sum[warp][row] * rescale;
            output += place->output[warp][row][column] * rescale;
        }
        output = sum > 0.0f ? output / sum : 0.0f;
        uint64_t head_index = index * a.heads + first_head + row;
        if (whole) {
            static_cast<T *>(a.out)[head_index * a.head_dim + column] = from_float<T>(output);
            continue;
        }
        a.partial[head_index * a.head_dim + column] = output;
        if (column == 0)
            a.partial_log2sum[head_index] = softmax_log2_sum(maximum, sum);
    }
}

/* The block's queries into registers, by way of shared memory that tiles will fill later. */
template <class T, unsigned D>
__device__ __forceinline__ void
begin(decode_state<D> &state, T *tile, const struct kernel_attention &a,
      const struct kernel_sequence &sequence, const struct kernel_work &work, uint32_t first_head,
      uint32_t heads)
{
    load_queries<T, D, HEAD_ROWS>(tile, a, [&](unsigned row, uint32_t *position) {
        *position = sequence.cached_tokens + work.first_query;
        uint64_t qkv_row = sequence.first_row + work.first_query;
        return row < heads
                   ? static_cast<const T *>(a.qkv) +
                         (qkv_row * (a.heads + 2 * a.kv_heads) + first_head + row) * a.head_dim
                   : static_cast<const T *>(nullptr);
    });
    __syncthreads();
#pragma unroll
    for (unsigned step = 0; step < D / 16; step++)
        load_left<T, D>(state.queries[step], tile, 0, step);
#pragma unroll
    for (unsigned n = 0; n < D / 8; n++)
#pragma unroll
        for (unsigned e = 0; e < 4; e++)
            state.output[n][e] = 0.0f;
    state.maximum[0] = state.maximum[1] = NO_KEY;
    state.sum[0] = state.sum[1] = 0.0f;
    __syncthreads(); /* the tile is free again */
}

/* One tile: the warp's 16 keys and values. */
template <class T, unsigned D, enum rotation R>
__device__ __forceinline__ void use_tile(decode_state<D> &state, T *keys, T *values,
                                         uint32_t first_key, uint32_t end_key, float scale,
                                         lane_angles<D> &angles, const float2 *step_angle)
{
    unsigned lane = threadIdx.x % WARP_THREADS;
    float scores[STEPS][4];
#pragma unroll
    for (unsigned n = 0; n < STEPS; n++) {
        score_keys<T, D, R>(scores[n], state, keys, n, angles, step_angle);
#pragma unroll
        for (unsigned e = 0; e < 4; e++) {
            uint32_t key = first_key + tile_row(WARP_KEYS * n + 2 * (lane % 4) + e % 2);
            scores[n][e] = key < end_key ? scores[n][e] * scale : NO_KEY;
        }
    }
    take_scores<T, D>(state, scores, values);
}

/* Blocks in the order in which they begin: head groups, KV heads, works. S: what the pool stores.
 */
template <class T, class S, unsigned D, enum rotation R, unsigned STAGES, unsigned BLOCKS>
__global__ void __launch_bounds__(ATTENTION_THREADS, BLOCKS)
    decode_kernel(const struct kernel_attention a, const struct kernel_work *works)
{
    wait_for_kernels_ahead();
    using tiles_type = decode_tiles<T, S, D, STAGES>;
    const tiles_type tiles = { reinterpret_cast<S *>(dynamic_shared()) };
    float2 *step_angle = tiles.steps();
    const uint32_t group = a.heads / a.kv_heads, groups = (group + HEAD_ROWS - 1) / HEAD_ROWS;
    const uint32_t kv_head = blockIdx.x / groups % a.kv_heads;
    const uint32_t skipped = HEAD_ROWS * (blockIdx.x % groups);
    const struct kernel_work work = works[blockIdx.x / groups / a.kv_heads];
    const struct kernel_sequence sequence = a.sequences[work.sequence];
    const uint32_t first_head = kv_head * group + skipped;
    const uint32_t heads = group - skipped < HEAD_ROWS ? group - skipped : HEAD_ROWS;
    const kv_rows<S> keys = pool_rows<S>(a, sequence, kv_head, false);
    const float scale = score_scale(a.head_dim);
    uint32_t page[STAGES];
#pragma unroll
    for (unsigned i = 0; i < STAGES; i++) /* all at once, then the copies */
        page[i] = look_up(keys, work.first_key + i * DECODE_KEYS, work.end_key);
    const auto copy_stage = [&](unsigned stage, uint32_t key, uint32_t its_page) {
        if (key < work.end_key)
            copy_rows<S, D>(tiles.stage(stage), keys, key, work.end_key, its_page, a.head_dim);
        copy_commit(); /* also an empty group, so that the wait below can count */
    };
    /* The last stage may hold the queries first; the others fill meanwhile. */
#pragma unroll
    for (unsigned i = 0; i < STAGES - 1; i++)
        copy_stage(i, work.first_key + i * DECODE_KEYS, page[i]);
    const float2 *table = reinterpret_cast<const float2 *>(a.rope_table);
    if (R != ROTATION_NONE)
        for (unsigned i = threadIdx.x; i < D / 2; i += ATTENTION_THREADS)
            step_angle[i] = table[STEP * (D / 2) + i];
    decode_state<D> state;
    begin<T, D>(state, tiles.spare(), a, sequence, work, first_head, heads);
    lane_angles<D> angles;
    if (R != ROTATION_NONE) {
        uint32_t position = work.first_key + tile_row(threadIdx.x % WARP_THREADS / 4);
        /* Past the table only where past the context: what is masked may turn by any angle. */
        angles_begin<D, R>(angles, table, position < a.rope_rows ? position : 0);
    }
    uint32_t next_page = page[STAGES - 1];
    unsigned stage = 0, used = STAGES - 1;
    for (uint32_t key = work.first_key; key < work.end_key; key += DECODE_KEYS) {
        const uint32_t ahead = key + (STAGES - 1) * DECODE_KEYS;
        copy_stage(used, ahead, next_page);
        next_page = look_up(keys, ahead + DECODE_KEYS, work.end_key);
        copy_wait<STAGES - 1>();
        T *tile = elements_of<T, D>(tiles, tiles.stage(stage));
        __syncwarp(); /* every lane's copies of this tile are there */
        use_tile<T, D, R>(state, tile, tile + DECODE_KEYS * D, key, work.end_key, scale, angles,
                          step_angle);
        __syncwarp(); /* no lane reads it any more */
        used = stage;
        stage = stage + 1 == STAGES ? 0 : stage + 1;
    }
    copy_wait<0>();
    __syncthreads(); /* no warp uses a tile any more */
    meeting_place<D> *place = reinterpret_cast<meeting_place<D> *>(tiles.stages);
    static_assert(sizeof(meeting_place<D>) <= tiles_type::TILE_BYTES,
                  "results fit in place of the tiles");
    leave_results<D>(place, state, heads);
    __syncthreads();
    write_heads<T, D>(place, a, sequence, work, first_head, heads);
    if (work.part == PART_NONE)
        return;
    const struct kernel_merge merge = a.merges[work.merge];
    if (came_last(&a.arrivals[work.merge * a.heads + first_head], merge.parts,
                  reinterpret_cast<uint32_t *>(place)))
        for (unsigned row = threadIdx.x / WARP_THREADS; row < heads; row += ATTENTION_WARPS)
            merge_head<T>(a, merge, first_head + row);
}

template <class T, class S, unsigned D, enum rotation R, unsigned STAGES>
static constexpr size_t shared_bytes()
{
    return decode_tiles<T, S, D, STAGES>::TILE_BYTES +
           (R == ROTATION_NONE ? 0 : D / 2 * sizeof(float2));
}

template <class T, class S, unsigned D, enum rotation R, unsigned STAGES, unsigned BLOCKS>
static void launch_stages(const struct kernel_attention *a, const struct kernel_work *work,
                          uint32_t works, cudaStream_t stream)
{
    const auto kernel = decode_kernel<T, S, D, R, STAGES, BLOCKS>;
    const uint32_t group = a->heads / a->kv_heads, groups = (group + HEAD_ROWS - 1) / HEAD_ROWS;
    const size_t bytes = shared_bytes<T, S, D, R, STAGES>();
    KERNEL_LAUNCH_EARLY(kernel, dim3(works * a->kv_heads * groups), dim3(ATTENTION_THREADS), bytes,
                        stream, *a, work);
}

/* As many stages as let two blocks share a multiprocessor: of 228 KB (Hopper), 164 KB (A100), or
 * 100 KB (sm_86, sm_89), where one block must do. */
template <class T, class S, unsigned D, enum rotation R>
static void launch(const struct kernel_attention *a, const struct kernel_work *work, uint32_t works,
                   cudaStream_t stream)
{
    constexpr unsigned MORE =
        narrower<T, S>::value ? 1 : 0; /* half as large; one tile of elements */
    constexpr unsigned DEEP = D == 128 ? 3 + MORE : D == 64 ? 4 + MORE : 6;
    constexpr unsigned SHALLOW = D == 128 ? 2 + MORE : DEEP;
    constexpr size_t RESERVED = 1024; /* of shared memory, by CUDA for itself, a block */
    if (multiprocessor_shared_bytes() >= 2 * (shared_bytes<T, S, D, R, DEEP>() + RESERVED))
        launch_stages<T, S, D, R, DEEP, 2>(a, work, works, stream);
    else
        launch_stages<T, S, D, R, SHALLOW, 2>(a, work, works, stream);
}

template <class T, class S, unsigned D>
static void launch_rotation(const struct kernel_attention *a, const struct kernel_work *work,
                            uint32_t works, cudaStream_t stream)
{
    if (a->rotation == ROTATION_NONE || a->pool_rotated)
        launch<T, S, D, ROTATION_NONE>(a, work, works, stream);
    else if (a->rotation == ROTATION_HALVES)
        launch<T, S, D, ROTATION_HALVES>(a, work, works, stream);
    else
        launch<T, S, D, ROTATION_NEIGHBOURS>(a, work, works, stream);
}

template <class T, class S>
static void launch_width(const struct kernel_attention *a, const struct kernel_work *work,
                         uint32_t works, cudaStream_t stream)
{
    if (a->head_dim <= 32)
        launch_rotation<T, S, 32>(a, work, works, stream);
    else if (a->head_dim <= 64)
        launch_rotation<T, S, 64>(a, work, works, stream);
    else
        launch_rotation<T, S, 128>(a, work, works, stream);
}

void kernel_decode(const struct kernel_attention *a, const struct kernel_work *work, uint32_t works,
                   cudaStream_t stream)
{
    if (a->element == ELEMENT_BF16 && a->kv_fp8)
        launch_width<bf16, fp8>(a, work, works, stream);
    else if (a->element == ELEMENT_BF16)
        launch_width<bf16, bf16>(a, work, works, stream);
    else if (a->kv_fp8)
        launch_width<fp16, fp8>(a, work, works, stream);
    else
        launch_width<fp16, fp16>(a, work, works, stream);
}
