/* runtime/cuda/prefill_hopper.cu - prefill.cu's work by what Hopper has for it: products that a
 * warpgroup starts and does not wait for (wgmma), and a warpgroup that does nothing but copy. After
 * FlashAttention-3 (arXiv 2407.08608).
 *
 * A block of 3 warpgroups takes 128 queries of one head. One warpgroup, the producer, copies tiles
 * of keys and of values into shared memory, two of each; the other two multiply, 64 queries each,
 * with nearly all of the registers. Tiles come from the last to the first, since only the last ones
 * need a mask.
 *
 * A consumer's step n: both products are started, and while the second still runs, the scores of
 * the first become weights:
 *
 *   tensor cores:  S(n) = Q K(n) | O += P(n-1) V(n-1) |                   | S(n+1) ...
 *   the rest:      waits         | P(n) from S(n) ....................... | rescale O
 *
 * The two consumers take turns at starting (TURNS), so that one multiplies while the other weighs.
 *
 * Shared memory at 128 columns and 128 keys: Q 32 KiB, K and V 2 * 32 KiB each; one block an SM. */
#include "runtime/cuda/hopper_tiles.cuh"

/* 40 + 2 * 232 = 3 * 168, what the block begins with (65536 / 384, in eights). */
static constexpr unsigned PRODUCER_REGISTERS = 40, CONSUMER_REGISTERS = 232;

/* ---- consumers ---- */

/* What a thread holds, laid out as hopper_layout.h says: of rows g and g + 8 of its warp's 16.
 * Scores and maximum are before scaling. A row's four lanes have the same maximum, and each its own
 * share of the sum. */
template <unsigned D, unsigned KEYS> struct hopper_state {
    float output[D / 2], scores[KEYS / 2];
    uint32_t weights[KEYS / 4]; /* in twos: the left operand of the second product */
    float maximum[2], sum[2];
    float scale;
};

/* Keys from `limit` on are hidden: limit[half] of row g + 8 * half, from the thread's first key of
 * the tile. */
template <unsigned D, unsigned KEYS>
__device__ __forceinline__ void mask_scores(hopper_state<D, KEYS> &state, uint32_t first_key,
                                            uint32_t end, uint32_t first_position)
{
    const unsigned thread = threadIdx.x % WARPGROUP_THREADS;
    int limit[2];
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        const uint32_t position = first_position + hopper_result_row(thread, 2 * half);
        limit[half] = static_cast<int>(min(position + 1, end)) -
                      static_cast<int>(first_key + hopper_result_column(thread, 0));
    }
#pragma unroll
    for (unsigned i = 0; i < KEYS / 2; i++)
        if (static_cast<int>(i / 4 * 8 + i % 2) >= limit[i / 2 % 2])
            state.scores[i] = NO_KEY;
}

/* Takes the tile's scores into the maxima, turns them into weights, and adds those up. rescale:
 * what the output is to be multiplied with. Two chains each, so that an instruction need not wait
 * for the one before. */
template <unsigned D, unsigned KEYS>
__device__ __forceinline__ void weigh_scores(hopper_state<D, KEYS> &state, float (&rescale)[2])
{
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        float highest[2] = { state.maximum[half], NO_KEY };
#pragma unroll
        for (unsigned i = 2 * half; i < KEYS / 2; i += 4)
#pragma unroll
            for (unsigned e = 0; e < 2; e++)
                highest[e] = fmaxf(highest[e], state.scores[i + e]);
        const float maximum = row_max(fmaxf(highest[0], highest[1]));
        /* A row that has seen no key: as if its maximum were 0, so that all weights are 2^-inf. */
        const float shift = maximum == NO_KEY ? 0.0f : maximum * state.scale;
        rescale[half] = exp2_fast(state.maximum[half] * state.scale - shift);
        state.maximum[half] = maximum;
        float sum[2] = { state.sum[half] * rescale[half], 0.0f };
#pragma unroll
        for (unsigned i = 2 * half; i < KEYS / 2; i += 4)
#pragma unroll
            for (unsigned e = 0; e < 2; e++) {
                state.scores[i + e] = exp2_fast(fmaf(state.scores[i + e], state.scale, -shift));
                sum[e] += state.scores[i + e];
            }
        state.sum[half] = sum[0] + sum[1];
    }
}

template <class T, unsigned D, unsigned KEYS>
__device__ __forceinline__ void pack_weights(hopper_state<D, KEYS> &state)
{
#pragma unroll
    for (unsigned i = 0; i < KEYS / 4; i++)
        state.weights[i] = pack2<T>(state.scores[2 * i], state.scores[2 * i + 1]);
}

template <unsigned D, unsigned KEYS>
__device__ __forceinline__ void rescale_output(hopper_state<D, KEYS> &state,
                                               const float (&rescale)[2])
{
#pragma unroll
    for (unsigned i = 0; i < D / 2; i++)
        state.output[i] *= rescale[i / 2 % 2];
}

/* Starts scores = Q K^T. */
template <class T, unsigned D, unsigned KEYS>
__device__ __forceinline__ void start_keys(hopper_state<D, KEYS> &state, uint64_t queries,
                                           uint64_t keys)
{
#pragma unroll
    for (unsigned step = 0; step < D / 16; step++)
        wgmma<T, KEYS>::shared(
            state.scores, queries + hopper_further(hopper_step_along_rows(GROUP_QUERIES, step)),
            keys + hopper_further(hopper_step_along_rows(KEYS, step)), step > 0);
    wgmma_commit();
}

/* Starts output += P V. */
template <class T, unsigned D, unsigned KEYS>
__device__ __forceinline__ void start_values(hopper_state<D, KEYS> &state, uint64_t values)
{
#pragma unroll
    for (unsigned step = 0; step < KEYS / 16; step++)
        wgmma<T, D>::registers(state.output, state.weights + 4 * step,
                               values + hopper_further(hopper_step_down_rows(step)));
    wgmma_commit();
}

/* A warp has read a tile; the empty barriers wait for all eight. */
static __device__ __forceinline__ void release(uint64_t *empty)
{
    if (threadIdx.x % WARP_THREADS == 0)
        mbarrier_arrive(empty);
}

/* One consumer at work: what its steps share. */
template <class T, unsigned D, unsigned KEYS, unsigned STAGES, unsigned VALUE_STAGES, bool TURNS>
struct hopper_consumer {
    hopper_shared<T, D, KEYS, STAGES, VALUE_STAGES> &shared;
    const hopper_block &block;
    uint64_t queries, keys, values; /* descriptors, of stage 0 */
    uint32_t first_position;
    unsigned group;
    hopper_state<D, KEYS> state;

    __device__ __forceinline__ uint64_t at_stage(uint64_t descriptor, uint32_t stage) const
    {
        return descriptor + stage * hopper_further(KEYS * D * sizeof(T));
    }

    /* Tiles that come first: those of which this consumer may not see all keys. */
    __device__ __forceinline__ uint32_t masked_tiles() const
    {
        const uint32_t seen = min(block.work.end_key, first_position + 1);
        const uint32_t whole =
            seen > block.work.first_key ? (seen - block.work.first_key) / KEYS : 0;
        return block.tiles - min(whole, block.tiles);
    }

    __device__ __forceinline__ void mask(uint32_t n)
    {
        mask_scores(state, block.first_key<KEYS>(n), block.work.end_key, first_position);
    }

    /* Tile 0 up to its weights. */
    __device__ __forceinline__ void begin(uint32_t masked)
    {
        float rescale[2]; /* of an output that is still 0 */
        mbarrier_wait(&shared.keys_full[0], 0);
        fence_for_wgmma();
        wgmma_fence();
        start_keys<T>(state, queries, keys);
        wgmma_wait<0>();
        hold(state.scores);
        release(&shared.keys_empty[0]);
        if (masked > 0)
            mask(0);
        weigh_scores(state, rescale);
        pack_weights<T>(state);
    }

    template <bool MASK> __device__ __forceinline__ void step(uint32_t n)
    {
        const uint32_t stage = n % STAGES, before = (n - 1) % VALUE_STAGES;
        float rescale[2];
        mbarrier_wait(&shared.keys_full[stage], n / STAGES % 2);
        mbarrier_wait(&shared.values_full[before], (n - 1) / VALUE_STAGES % 2);
        fence_for_wgmma();
        if (TURNS)
            barrier_sync(BARRIER_TURN + group, HOPPER_CONSUMERS * WARPGROUP_THREADS);
        hold(state.weights);
        hold(state.output);
        wgmma_fence();
        start_keys<T>(state, queries, at_stage(keys, stage));
        start_values<T>(state, at_stage(values, before));
        if (TURNS)
            barrier_arrive(BARRIER_TURN + (group ^ 1), HOPPER_CONSUMERS * WARPGROUP_THREADS);
        wgmma_wait<1>();
        hold(state.scores);
        release(&shared.keys_empty[stage]);
        if (MASK)
            mask(n);
        weigh_scores(state, rescale);
        compute_before_wait(state.sum[0] + state.sum[1], &shared.nowhere);
        wgmma_wait<0>();
        hold(state.output);
        hold(state.scores); /* packed only now: until here the old weights were still read */
        release(&shared.values_empty[before]);
        pack_weights<T>(state);
        rescale_output(state, rescale);
    }

    /* The last tile's values. */
    __device__ __forceinline__ void end()
    {
        const uint32_t n = block.tiles - 1, stage = n % VALUE_STAGES;
        mbarrier_wait(&shared.values_full[stage], n / VALUE_STAGES % 2);
        fence_for_wgmma();
        hold(state.weights);
        hold(state.output);
        wgmma_fence();
        start_values<T>(state, at_stage(values, stage));
        wgmma_wait<0>();
        hold(state.output);
    }

    __device__ __forceinline__ void run()
    {
        const uint32_t masked = uniform(masked_tiles()), tiles = uniform(block.tiles);
        /* The first turn is consumer 0's. */
        if (TURNS && group == 0)
            barrier_arrive(BARRIER_TURN, HOPPER_CONSUMERS * WARPGROUP_THREADS);
        begin(masked);
        uint32_t n = 1;
#pragma unroll 1
        for (; n < masked; n++)
            step<true>(n);
#pragma unroll 1
        for (; n < tiles; n++)
            step<false>(n);
        end();
    }
};

/* To out, or as a part for merge.cu. */
template <class T, unsigned D, unsigned KEYS>
__device__ __forceinline__ void write_outputs(const hopper_state<D, KEYS> &state,
                                              const struct kernel_attention &a,
                                              const hopper_block &block, unsigned group)
{
    const unsigned thread = threadIdx.x % WARPGROUP_THREADS;
    const bool whole = block.work.part == PART_NONE;
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        const uint32_t row = group * GROUP_QUERIES + hopper_result_row(thread, 2 * half);
        const float sum = row_sum(state.sum[half]);
        if (block.work.first_query + row >= block.sequence.new_tokens)
            continue;
        const uint64_t index =
            whole ? block.sequence.first_row + block.work.first_query + row : block.work.part + row;
        const uint64_t at = (index * a.heads + block.head) * a.head_dim;
        const float inverse = sum > 0.0f ? 1.0f / sum : 0.0f;
        if (!whole && thread % 4 == 0)
            a.partial_log2sum[index * a.heads + block.head] =
                softmax_log2_sum(state.maximum[half] * state.scale, sum);
#pragma unroll
        for (unsigned i = 2 * half; i < D / 2; i += 4) {
            const uint32_t column = hopper_result_column(thread, i);
            const float2 pair =
                make_float2(state.output[i] * inverse, state.output[i + 1] * inverse);
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

template <class T, unsigned D, unsigned KEYS, unsigned STAGES, unsigned VALUE_STAGES, bool TURNS>
__device__ __forceinline__ void consume(hopper_shared<T, D, KEYS, STAGES, VALUE_STAGES> &shared,
                                        const struct kernel_attention &a, const hopper_block &block,
                                        unsigned group)
{
    load_queries_of<T, D>(shared.queries[group], a, block, group);
    hopper_consumer<T, D, KEYS, STAGES, VALUE_STAGES, TURNS> consumer = {
        shared,
        block,
        hopper_along_rows(shared_address(shared.queries[group])),
        hopper_along_rows(shared_address(shared.keys[0])),
        hopper_down_rows(shared_address(shared.values[0]), KEYS),
        block.first_position + group * GROUP_QUERIES,
        group,
        {}
    };
    hopper_state<D, KEYS> &state = consumer.state;
    state.maximum[0] = state.maximum[1] = NO_KEY;
    state.scale = score_scale(a.head_dim);
    consumer.run();
    write_outputs<T>(state, a, block, group);
}

template <class T, unsigned D, unsigned KEYS, unsigned STAGES, unsigned VALUE_STAGES, bool TURNS>
__global__ void __launch_bounds__(HOPPER_THREADS, 1)
    prefill_hopper_kernel(const __grid_constant__ struct kernel_attention a,
                          const __grid_constant__ struct hopper_maps maps,
                          const struct kernel_work *works, uint32_t count, uint32_t section_heads)
{
    wait_for_kernels_ahead();
    auto &shared = *reinterpret_cast<hopper_shared<T, D, KEYS, STAGES, VALUE_STAGES> *>(
        hopper_dynamic_shared());
    if (threadIdx.x == 0)
        prefetch_maps(a, maps);
    const hopper_block block = hopper_block_of<KEYS>(a, maps, works, count, section_heads);
    if (threadIdx.x < STAGES) {
        mbarrier_init(&shared.keys_full[threadIdx.x],
                      block.keys_by == COPY_BY_THREADS ? WARPGROUP_THREADS : 1);
        mbarrier_init(&shared.keys_empty[threadIdx.x], HOPPER_CONSUMERS * 4);
    }
    if (threadIdx.x < VALUE_STAGES) {
        mbarrier_init(&shared.values_full[threadIdx.x],
                      block.values_by == COPY_BY_THREADS ? WARPGROUP_THREADS : 1);
        mbarrier_init(&shared.values_empty[threadIdx.x], HOPPER_CONSUMERS * 4);
    }
    mbarrier_init_fence();
    __syncthreads();
    if (threadIdx.x < WARPGROUP_THREADS) {
        give_registers<PRODUCER_REGISTERS>();
        produce(shared, a, maps, block);
    } else {
        take_registers<CONSUMER_REGISTERS>();
        consume<T, D, KEYS, STAGES, VALUE_STAGES, TURNS>(
            shared, a, block, uniform(threadIdx.x / WARPGROUP_THREADS) - 1);
    }
}

/* ---- launch ---- */

/* Either name of the look-up is in some of CUDA 12 and 13 only. */
void *kernel_hopper_map_encoder(void)
{
    void *encoder = nullptr;
    enum cudaDriverEntryPointQueryResult found = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
    const cudaError_t error = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &encoder,
                                                               12000, cudaEnableDefault, &found);
#else
    const cudaError_t error =
        cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &encoder, cudaEnableDefault, &found);
#endif
    if (error != cudaSuccess)
        cudaGetLastError(); /* a driver without it: no failure */
    return error == cudaSuccess && found == cudaDriverEntryPointSuccess ? encoder : nullptr;
}

/* Whether the driver would have it. */
static bool encode_map(const struct kernel_attention *a, CUtensorMap *map, void *rows,
                       uint32_t count, uint32_t box_rows)
{
    const struct hopper_map_shape shape = hopper_map_shape(a, count, box_rows);
    const cuuint32_t steps[3] = { 1, 1, 1 };
    cuuint64_t sizes[3], strides[2];
    for (unsigned i = 0; i < 3; i++)
        sizes[i] = shape.sizes[i];
    for (unsigned i = 0; i < 2; i++)
        strides[i] = shape.stride_bytes[i];
    const auto encode = reinterpret_cast<decltype(&cuTensorMapEncodeTiled)>(a->map_encoder);
    const CUtensorMapDataType type = a->element == ELEMENT_BF16 ? CU_TENSOR_MAP_DATA_TYPE_BFLOAT16
                                                                : CU_TENSOR_MAP_DATA_TYPE_FLOAT16;
    return encode(map, type, 3, rows, sizes, strides, shape.box, steps,
                  CU_TENSOR_MAP_INTERLEAVE_NONE, CU_TENSOR_MAP_SWIZZLE_128B,
                  CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                  CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE) == CUDA_SUCCESS;
}

/* What can come by map; the rest comes without: V out of the scratch too (kv_fp8), whose rows behind
 * a sequence's last a box would bring with the rest, NaN or not. */
static hopper_maps maps_of(const struct kernel_attention *a, uint32_t tile_rows)
{
    hopper_maps maps = {};
    if (a->map_encoder == nullptr)
        return maps;
    if (!a->kv_fp8 && hopper_pages_fit(a, tile_rows)) {
        maps.pages = hopper_pages_of(a);
        maps.pages_a_tile = tile_rows / a->page_tokens.value;
        maps.values = encode_map(a, &maps.pool, a->pool, HOPPER_POOL_ROWS, a->page_tokens.value);
    }
    maps.keys = a->rotated_keys == nullptr
                    ? maps.values
                    : encode_map(a, &maps.rotated, a->rotated_keys, a->rotated_rows, tile_rows);
    return maps;
}

/* The fewest heads whose works fill the GPU about twice over, in whole KV heads; all, when that is
 * not fewer. */
static uint32_t section_heads(const struct kernel_attention *a, uint32_t works)
{
    constexpr uint32_t ENOUGH_BLOCKS = 2 * 132; /* an H100's or H200's multiprocessors */
    const uint32_t group = a->heads / a->kv_heads, group_blocks = works * group;
    const uint32_t heads = (ENOUGH_BLOCKS + group_blocks - 1) / group_blocks * group;
    return heads < a->heads ? heads : a->heads;
}

template <class T, unsigned D, unsigned KEYS, unsigned STAGES, unsigned VALUE_STAGES, bool TURNS>
static void launch_hopper(const struct kernel_attention *a, const hopper_maps &maps,
                          const struct kernel_work *work, uint32_t works, cudaStream_t stream)
{
    const auto kernel = prefill_hopper_kernel<T, D, KEYS, STAGES, VALUE_STAGES, TURNS>;
    const size_t shared_bytes = sizeof(hopper_shared<T, D, KEYS, STAGES, VALUE_STAGES>);
    KERNEL_LAUNCH_EARLY(kernel, dim3(a->heads * works), dim3(HOPPER_THREADS), shared_bytes, stream, *a,
                  maps, work, works, section_heads(a, works));
}

void kernel_prefill_hopper(const struct kernel_attention *a, const struct kernel_work *work,
                           uint32_t works, cudaStream_t stream)
{
    const bool narrow = a->head_dim <= 64;
    const hopper_maps maps = maps_of(a, 128);
    if (a->element == ELEMENT_BF16 && narrow)
        launch_hopper<bf16, 64, 128, 2, 2, true>(a, maps, work, works, stream);
    else if (a->element == ELEMENT_BF16)
        launch_hopper<bf16, 128, 128, 2, 2, true>(a, maps, work, works, stream);
    else if (narrow)
        launch_hopper<fp16, 64, 128, 2, 2, true>(a, maps, work, works, stream);
    else
        launch_hopper<fp16, 128, 128, 2, 2, true>(a, maps, work, works, stream);
}
