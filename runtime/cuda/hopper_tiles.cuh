/* runtime/cuda/hopper_tiles.cuh - what a block of prefill_hopper.cu has in shared memory and how it
 * gets there: its queries, turned on their way, and its tiles of keys and values, copied.
 *
 * Copies are boxes by tensor map where hopper_maps.h says that they can be: a few instructions a
 * tile, by one warp. Else they are cp.async, 16 bytes each, by all four: a lane of a warp looks up
 * the page of one row, and all get it from there.
 *
 * Who waits for what, of a stage's tile:
 *   full, boxes     1 arrival, which expects the tile's bytes; the phase ends when they are there.
 *                   Boxes and wgmma use the same door to shared memory: no fence
 *   full, cp.async  128 arrivals, each when that thread's copies are there. wgmma sees them after
 *                   fence_for_wgmma(), by the consumer; of a tile among boxes, by the producer
 *   empty           8 arrivals: each consumer warp, when the product that read the tile is done.
 *                   Only then is the stage written again, either way, and its full barrier touched
 *                   again: so no arrival comes a phase too early */
#ifndef REPRISE_RUNTIME_CUDA_HOPPER_TILES_CUH
#define REPRISE_RUNTIME_CUDA_HOPPER_TILES_CUH

#include "runtime/cuda/attention.cuh"
#include "runtime/cuda/hopper.cuh"
#include "runtime/cuda/hopper_maps.h"

static constexpr unsigned HOPPER_CONSUMERS = 2, HOPPER_THREADS = 3 * WARPGROUP_THREADS;
static constexpr unsigned GROUP_QUERIES = PREFILL_QUERIES / HOPPER_CONSUMERS;
static_assert(GROUP_QUERIES == 64, "the rows of a wgmma");

/* Named barriers: one for each consumer's queries, one for each consumer's turn. */
enum { BARRIER_QUERIES = 1, BARRIER_TURN = 3, BARRIER_COPIES = 5 };

/* The launch's tensor maps. keys, values: whether there is one for them. */
struct hopper_maps {
    CUtensorMap rotated, pool;
    struct hopper_pages pages;
    uint32_t pages_a_tile;
    bool keys, values;
};

/* So that the first boxes need not wait for them. */
static __device__ __forceinline__ void prefetch_maps(const struct kernel_attention &a,
                                                     const hopper_maps &maps)
{
    if (maps.keys && a.rotated_keys != nullptr)
        prefetch_map(&maps.rotated);
    if (maps.values)
        prefetch_map(&maps.pool);
}

template <class T, unsigned D, unsigned KEYS, unsigned STAGES, unsigned VALUE_STAGES>
struct hopper_shared {
    /* Each tile begins at a multiple of 1024 bytes, as the swizzle wants it. */
    T queries[HOPPER_CONSUMERS][GROUP_QUERIES * D];
    T keys[STAGES][KEYS * D], values[VALUE_STAGES][KEYS * D];
    uint64_t keys_full[STAGES], keys_empty[STAGES];
    uint64_t values_full[VALUE_STAGES], values_empty[VALUE_STAGES];
    float nowhere; /* compute_before_wait() */
};

static __device__ __forceinline__ unsigned char *hopper_dynamic_shared()
{
    extern __shared__ __align__(1024) unsigned char hopper_shared_memory[];
    return hopper_shared_memory;
}

/* How tiles are copied: 16 bytes a thread, boxes of rotated keys, boxes of pages. */
enum copying { COPY_BY_THREADS, COPY_ROTATED, COPY_PAGES };

/* What a block does: its work, its head, and its tiles, of which the last is taken first. */
struct hopper_block {
    struct kernel_work work;
    struct kernel_sequence sequence;
    uint32_t head, kv_head, first_position, tiles;
    enum copying keys_by, values_by;

    template <unsigned KEYS> __device__ __forceinline__ uint32_t first_key(uint32_t n) const
    {
        return work.first_key + (tiles - 1 - n) * KEYS;
    }
};

/* Blocks that run at once should share keys and values, so that L2 holds them: all works of a few
 * heads, then of the next few. In a section of heads: the longest works first, and of a work the
 * heads beside each other. */
template <unsigned KEYS>
__device__ __forceinline__ hopper_block hopper_block_of(const struct kernel_attention &a,
                                                        const hopper_maps &maps,
                                                        const struct kernel_work *works,
                                                        uint32_t count, uint32_t section_heads)
{
    hopper_block block;
    const uint32_t section = blockIdx.x / (section_heads * count);
    const uint32_t inside = blockIdx.x - section * (section_heads * count);
    const uint32_t first_head = section * section_heads;
    const uint32_t heads = min(section_heads, a.heads - first_head);
    block.work = works[inside / heads];
    block.sequence = a.sequences[block.work.sequence];
    block.head = first_head + inside % heads;
    block.kv_head = block.head / (a.heads / a.kv_heads);
    block.first_position = block.sequence.cached_tokens + block.work.first_query;
    /* A work without keys, which no plan has, would be one tile of none. */
    const uint32_t keys = block.work.end_key - block.work.first_key;
    block.tiles = keys == 0 ? 1 : (keys + KEYS - 1) / KEYS;
    /* Tiles begin where pages do, unless the sequence begins inside of one. */
    const uint32_t skip = block.sequence.skip;
    const bool whole_pages = divide(skip, a.page_tokens) * a.page_tokens.value == skip;
    const enum copying pages = whole_pages ? COPY_PAGES : COPY_BY_THREADS;
    block.values_by = maps.values ? pages : COPY_BY_THREADS;
    block.keys_by = !maps.keys ? COPY_BY_THREADS : a.rotated_keys != nullptr ? COPY_ROTATED : pages;
    return block;
}

/* ---- producer ---- */

/* The rows of a tile that a thread copies a chunk of each: `chunk` of row first + i * AT_ONCE. The
 * rows of its warp are at most 32: lane l knows where row of_lane(l) lies. */
template <unsigned D, unsigned KEYS> struct copy_shape {
    static constexpr unsigned CHUNKS = D / CHUNK, AT_ONCE = WARPGROUP_THREADS / CHUNKS;
    static constexpr unsigned STEPS = KEYS / AT_ONCE, WARP_ROWS = WARP_THREADS / CHUNKS;
    static_assert(STEPS * WARP_ROWS <= WARP_THREADS, "a lane knows one row");

    static __device__ __forceinline__ unsigned row_of_lane(unsigned warp, unsigned lane)
    {
        return warp * WARP_ROWS + lane % WARP_ROWS + lane / WARP_ROWS * AT_ONCE;
    }
};

/* Where this lane's row of the tile lies, in elements from rows.base. */
template <class T, unsigned D, unsigned KEYS>
__device__ __forceinline__ uint64_t look_up(const kv_rows<T> &rows, uint32_t first, uint32_t end)
{
    const unsigned warp = threadIdx.x / WARP_THREADS, lane = threadIdx.x % WARP_THREADS;
    const uint32_t token = first + copy_shape<D, KEYS>::row_of_lane(warp, lane);
    return token < end ? static_cast<uint64_t>(rows.row(token) - rows.base) : 0;
}

/* Begins copying the tile's keys or values [first, first + KEYS), zeros from `end` on. */
template <class T, unsigned D, unsigned KEYS>
__device__ __forceinline__ void copy_rows(T *tile, const T *base, uint64_t lane_row, uint32_t first,
                                          uint32_t end, uint32_t head_dim)
{
    using shape = copy_shape<D, KEYS>;
    const unsigned chunk = threadIdx.x % shape::CHUNKS, row = threadIdx.x / shape::CHUNKS;
    const unsigned lane_in_step = threadIdx.x % WARP_THREADS / shape::CHUNKS;
    const bool inside = chunk * CHUNK < head_dim;
    const T *column = inside ? base + chunk * CHUNK : base;
    /* AT_ONCE is a multiple of the swizzle's 8 rows: the chunk's place in a row stays the same. */
    static_assert(shape::AT_ONCE % 8 == 0, "the swizzle's period");
    unsigned char *to =
        reinterpret_cast<unsigned char *>(tile) + hopper_chunk_offset(KEYS, row, chunk);
#pragma unroll
    for (unsigned i = 0; i < shape::STEPS; i++) {
        uint64_t from = __shfl_sync(ALL_LANES, lane_row, i * shape::WARP_ROWS + lane_in_step);
        copy_async(to + i * shape::AT_ONCE * HOPPER_ROW_BYTES, column + from,
                   inside && first + row + i * shape::AT_ONCE < end);
    }
}

/* Where the producer's tiles come from, keys or values, and how. */
template <class T> struct hopper_source {
    kv_rows<T> rows;
    enum copying by;
    bool values;
};

/* The tile that a stage holds next. parity: of the phase of `empty` that ends with the last one's
 * release. */
template <class T> struct hopper_stage {
    T *tile;
    uint64_t *full, *empty;
    uint32_t parity;
};

/* By one warp, a box a lane. row: of the map, this lane's box. */
template <class T, unsigned D, unsigned KEYS>
__device__ __forceinline__ void copy_boxes(const hopper_stage<T> &stage, const CUtensorMap *map,
                                           uint32_t kv_head, uint32_t row, uint32_t box_rows,
                                           uint32_t boxes)
{
    constexpr uint32_t BLOCKS = D / HOPPER_BLOCK_COLUMNS;
    const unsigned lane = threadIdx.x % WARP_THREADS;
    mbarrier_wait(stage.empty, stage.parity);
    if (lane == 0)
        mbarrier_arrive_and_expect(stage.full, KEYS * D * sizeof(T));
    __syncwarp();
    if (lane < boxes)
        copy_box(reinterpret_cast<unsigned char *>(stage.tile) +
                     hopper_box_offset(KEYS, box_rows, BLOCKS, lane),
                 map, lane % BLOCKS * HOPPER_BLOCK_COLUMNS, kv_head, row, stage.full);
}

/* Tokens [first, first + KEYS), those before `end`. */
template <class T, unsigned D, unsigned KEYS>
__device__ __forceinline__ void
produce_tile(const hopper_source<T> &from, const hopper_stage<T> &stage,
             const struct kernel_attention &a, const hopper_maps &maps, const hopper_block &block,
             uint32_t first, uint32_t end)
{
    constexpr uint32_t BLOCKS = D / HOPPER_BLOCK_COLUMNS;
    const unsigned lane = threadIdx.x % WARP_THREADS;
    if (from.by == COPY_ROTATED) {
        if (threadIdx.x < WARP_THREADS)
            copy_boxes<T, D, KEYS>(stage, &maps.rotated, block.kv_head,
                                   block.sequence.rotated_row + first, KEYS, BLOCKS);
    } else if (from.by == COPY_PAGES && first + KEYS <= end) {
        if (threadIdx.x >= WARP_THREADS)
            return;
        const uint32_t first_page = divide(from.rows.skip + first, a.page_tokens);
        const uint32_t page = min(lane / BLOCKS, maps.pages_a_tile - 1);
        const uint32_t row = hopper_page_row(maps.pages, from.rows.pages[first_page + page],
                                             a.page_tokens.value, from.values);
        copy_boxes<T, D, KEYS>(stage, &maps.pool, block.kv_head, row, a.page_tokens.value,
                               maps.pages_a_tile * BLOCKS);
    } else {
        const uint64_t row = look_up<T, D, KEYS>(from.rows, first, end);
        mbarrier_wait(stage.empty, stage.parity);
        copy_rows<T, D, KEYS>(stage.tile, from.rows.base, row, first, end, a.head_dim);
        if (from.by == COPY_BY_THREADS) {
            mbarrier_arrive_with_copies(stage.full);
            return;
        }
        /* The last tile of pages, which is the first taken: as one arrival, like the others. */
        copy_commit();
        copy_wait<0>();
        fence_for_wgmma();
        barrier_sync(BARRIER_COPIES, WARPGROUP_THREADS);
        if (threadIdx.x == 0)
            mbarrier_arrive(stage.full);
    }
}

/* Keys of tile 0, then keys of n beside values of n - 1: the order in which they are used. */
template <class T, unsigned D, unsigned KEYS, unsigned STAGES, unsigned VALUE_STAGES>
__device__ __forceinline__ void produce(hopper_shared<T, D, KEYS, STAGES, VALUE_STAGES> &shared,
                                        const struct kernel_attention &a, const hopper_maps &maps,
                                        const hopper_block &block)
{
    const hopper_source<T> keys = { prefill_keys<T>(a, block.sequence, block.kv_head),
                                    block.keys_by, false };
    const hopper_source<T> values = { prefill_values<T>(a, block.sequence, block.kv_head),
                                      block.values_by, true };
    for (uint32_t n = 0; n <= block.tiles; n++) {
        if (n < block.tiles) {
            const uint32_t at = n % STAGES;
            produce_tile<T, D, KEYS>(keys,
                                     { shared.keys[at], &shared.keys_full[at],
                                       &shared.keys_empty[at], n / STAGES % 2 ^ 1 },
                                     a, maps, block, block.first_key<KEYS>(n), block.work.end_key);
        }
        if (n > 0) {
            const uint32_t before = n - 1, at = before % VALUE_STAGES;
            produce_tile<T, D, KEYS>(values,
                                     { shared.values[at], &shared.values_full[at],
                                       &shared.values_empty[at], before / VALUE_STAGES % 2 ^ 1 },
                                     a, maps, block, block.first_key<KEYS>(before),
                                     block.work.end_key);
        }
    }
    copy_commit();
    copy_wait<0>(); /* a thread's copies end before the thread does; boxes, before the consumers */
}

/* ---- the consumers' queries ---- */

/* How a chunk of 8 elements finds the elements and angles that it is turned with. */
enum turning {
    TURNING_NONE,
    TURNING_NEIGHBOURS,   /* in itself */
    TURNING_CHUNKS,       /* in one other chunk: pairs (i, i + dims / 2), dims / 2 in eights */
    TURNING_ELEMENT_WISE, /* such pairs, but any dims */
};

static __device__ __forceinline__ enum turning turning_of(const struct kernel_attention &a)
{
    if (a.rotation == ROTATION_NONE || a.rope_dims == 0)
        return TURNING_NONE;
    if (a.rotation == ROTATION_NEIGHBOURS)
        return TURNING_NEIGHBOURS;
    return a.rope_dims / 2 % CHUNK == 0 ? TURNING_CHUNKS : TURNING_ELEMENT_WISE;
}

/* Each turns out, elements [first, first + 8) of the head; angles: those of its position. */
static __device__ __forceinline__ void turn_neighbours(float out[CHUNK], const float2 *angles,
                                                       uint32_t first, uint32_t dims)
{
#pragma unroll
    for (unsigned i = 0; i < CHUNK; i += 2)
        if (first + i < dims) {
            const float2 turned =
                rope_turn(make_float2(out[i], out[i + 1]), angles[(first + i) / 2]);
            out[i] = turned.x;
            out[i + 1] = turned.y;
        }
}

template <class T>
__device__ __forceinline__ void turn_chunk(float out[CHUNK], const T *head, const float2 *angles,
                                           uint32_t first, uint32_t dims)
{
    const bool low = first < dims / 2;
    const uint32_t pair = low ? first : first - dims / 2;
    const float4 *two_angles = reinterpret_cast<const float4 *>(angles + pair);
    float other[CHUNK];
    load_chunk(head + (low ? first + dims / 2 : pair), other);
#pragma unroll
    for (unsigned i = 0; i < CHUNK; i += 2) {
        const float4 cos_sin = two_angles[i / 2];
        out[i] = out[i] * cos_sin.x + (low ? -other[i] : other[i]) * cos_sin.y;
        out[i + 1] = out[i + 1] * cos_sin.z + (low ? -other[i + 1] : other[i + 1]) * cos_sin.w;
    }
}

template <class T>
__device__ __forceinline__ void turn_elements(float out[CHUNK], const T *head, const float2 *angles,
                                              uint32_t first, uint32_t dims)
{
#pragma unroll
    for (unsigned i = 0; i < CHUNK; i++) {
        const uint32_t at = first + i, pairs = dims / 2;
        if (at >= dims)
            continue;
        const uint32_t pair = at < pairs ? at : at - pairs;
        const float2 value = make_float2(to_float(head[pair]), to_float(head[pair + pairs]));
        const float2 turned = rope_turn(value, angles[pair]);
        out[i] = at < pairs ? turned.x : turned.y;
    }
}

template <class T, enum turning TURNING>
__device__ __forceinline__ void load_turned(float out[CHUNK], const T *head,
                                            const struct kernel_attention &a, uint32_t first,
                                            uint32_t position)
{
    const float2 *angles = reinterpret_cast<const float2 *>(a.rope_table) +
                           static_cast<uint64_t>(position) * (a.rope_dims / 2);
    load_chunk(head + first, out);
    if (TURNING == TURNING_NONE || first >= a.rope_dims)
        return;
    if constexpr (TURNING == TURNING_NEIGHBOURS)
        turn_neighbours(out, angles, first, a.rope_dims);
    else if constexpr (TURNING == TURNING_CHUNKS)
        turn_chunk(out, head, angles, first, a.rope_dims);
    else
        turn_elements(out, head, angles, first, a.rope_dims);
}

/* This consumer's 64 queries, turned, into its tile; zeros for rows and columns that do not exist.
 * Addresses of rows that do not exist are the last one's, so that all loads can be under way at
 * once. */
template <class T, unsigned D, enum turning TURNING>
__device__ __forceinline__ void load_group_queries(T *tile, const struct kernel_attention &a,
                                                   const hopper_block &block, unsigned group)
{
    constexpr unsigned CHUNKS = D / CHUNK, AT_ONCE = WARPGROUP_THREADS / CHUNKS;
    const unsigned thread = threadIdx.x % WARPGROUP_THREADS, chunk = thread % CHUNKS;
    const uint32_t rows = block.sequence.new_tokens - block.work.first_query; /* at least 1 */
    const bool inside = chunk * CHUNK < a.head_dim;
    const uint32_t row_width = (a.heads + 2 * a.kv_heads) * a.head_dim;
    const T *first =
        static_cast<const T *>(a.qkv) +
        static_cast<uint64_t>(block.sequence.first_row + block.work.first_query) * row_width +
        block.head * a.head_dim;
#pragma unroll 4
    for (unsigned i = 0; i < GROUP_QUERIES / AT_ONCE; i++) {
        const unsigned tile_row = thread / CHUNKS + i * AT_ONCE;
        const uint32_t row = group * GROUP_QUERIES + tile_row, from = min(row, rows - 1);
        float turned[CHUNK];
        load_turned<T, TURNING>(turned, first + static_cast<uint64_t>(from) * row_width, a,
                                inside ? chunk * CHUNK : 0, block.first_position + from);
        if (!inside || row >= rows)
#pragma unroll
            for (unsigned e = 0; e < CHUNK; e++)
                turned[e] = 0.0f;
        unsigned char *to = reinterpret_cast<unsigned char *>(tile) +
                            hopper_chunk_offset(GROUP_QUERIES, tile_row, chunk);
        store_chunk(reinterpret_cast<T *>(to), turned);
    }
}

template <class T, unsigned D>
__device__ __forceinline__ void load_queries_of(T *tile, const struct kernel_attention &a,
                                                const hopper_block &block, unsigned group)
{
    switch (turning_of(a)) {
    case TURNING_NONE:
        load_group_queries<T, D, TURNING_NONE>(tile, a, block, group);
        break;
    case TURNING_NEIGHBOURS:
        load_group_queries<T, D, TURNING_NEIGHBOURS>(tile, a, block, group);
        break;
    case TURNING_CHUNKS:
        load_group_queries<T, D, TURNING_CHUNKS>(tile, a, block, group);
        break;
    case TURNING_ELEMENT_WISE:
        load_group_queries<T, D, TURNING_ELEMENT_WISE>(tile, a, block, group);
        break;
    }
    fence_for_wgmma();
    barrier_sync(BARRIER_QUERIES + group, WARPGROUP_THREADS);
}

#endif
