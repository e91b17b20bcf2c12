/* runtime/cuda/decode_tiles.cuh - a decode block's tiles of keys and values in shared memory, and
 * how they get there: STAGES tiles, each K and V of DECODE_KEYS tokens, as the pool stores them.
 * Elements lie as attention.cuh draws a tile. fp8 lie row behind row, and one more tile, of
 * elements, is where a warp makes elements of its rows just before it uses them: a stage then takes
 * half of the memory, as its bytes of HBM do. A lane widens the very codes that it has copied, so
 * no lane waits for another between the copy and that. */
#ifndef REPRISE_RUNTIME_CUDA_DECODE_TILES_CUH
#define REPRISE_RUNTIME_CUDA_DECODE_TILES_CUH

#include "runtime/cuda/attention.cuh"

static constexpr unsigned WARP_KEYS = 8, STEP = 32;   /* tokens of an mma; between a lane's keys */
static constexpr unsigned STEPS = DECODE_KEYS / STEP; /* mma columns of a warp, by 8 */
static constexpr unsigned WARP_KEYS_A_TILE = WARP_KEYS * STEPS;

/* Whether the pool stores S and not the elements T. */
template <class T, class S> struct narrower {
    static constexpr bool value = true;
};
template <class T> struct narrower<T, T> {
    static constexpr bool value = false;
};

/* The tile's row of this warp's column `key` (0..15) */
static __device__ __forceinline__ unsigned tile_row(unsigned key)
{
    unsigned warp = threadIdx.x / WARP_THREADS;
    return WARP_KEYS * warp + STEP * (key / WARP_KEYS) + key % WARP_KEYS;
}

/* The page of the lane's token, which is the warp's column lane % 16 of the tile at `first`. A tile
 * before it is needed, so that no copy waits for it. */
template <class S>
__device__ __forceinline__ uint32_t look_up(const kv_rows<S> &keys, uint32_t first, uint32_t end)
{
    uint32_t token = first + tile_row(threadIdx.x % WARP_KEYS_A_TILE);
    return token < end ? keys.pages[divide(keys.skip + token, keys.page_tokens)] : 0;
}

/* Where the lane's token of the tile at `first` lies, in values from keys.base; page: what
 * look_up() found. */
template <class S>
__device__ __forceinline__ uint64_t place_of(const kv_rows<S> &keys, uint32_t first, uint32_t page)
{
    const unsigned lane = threadIdx.x % WARP_THREADS;
    uint32_t slot = keys.skip + first + tile_row(lane % WARP_KEYS_A_TILE);
    slot -= divide(slot, keys.page_tokens) * keys.page_tokens.value;
    return page * keys.page_stride + static_cast<uint64_t>(slot) * keys.row_stride;
}

/* A row's 16 bytes that a lane copies, i-th time: which, and of which row. S: of what. */
template <class S, unsigned D> struct lane_chunk {
    static constexpr unsigned VALUES = 16 / sizeof(S), CHUNKS = D / VALUES;
    static constexpr unsigned AT_ONCE = WARP_THREADS / CHUNKS, TIMES = WARP_KEYS_A_TILE / AT_ONCE;
    unsigned column, row, chunk;

    __device__ __forceinline__ explicit lane_chunk(unsigned i)
    {
        const unsigned lane = threadIdx.x % WARP_THREADS;
        column = i * AT_ONCE + lane / CHUNKS;
        row = tile_row(column);
        chunk = lane % CHUNKS;
    }
    __device__ __forceinline__ S *in(S *tile) const
    {
        return narrower<fp8, S>::value ? tile_chunk<S, D>(tile, row, chunk)
                                       : tile + row * D + chunk * VALUES;
    }
};

/* Begins copying the warp's rows of a tile, zeros from `end` on. Each row's place is worked out by
 * one lane and told to those that copy it. */
template <class S, unsigned D>
__device__ __forceinline__ void copy_rows(S *tile, const kv_rows<S> &keys, uint32_t first,
                                          uint32_t end, uint32_t page, uint32_t head_dim)
{
    using lane = lane_chunk<S, D>;
    const uint64_t to_values = static_cast<uint64_t>(keys.page_tokens.value) * keys.row_stride;
    const uint64_t place = place_of(keys, first, page);
#pragma unroll
    for (unsigned i = 0; i < lane::TIMES; i++) {
        const lane at(i);
        const S *from =
            keys.base + __shfl_sync(ALL_LANES, place, at.column) + at.chunk * lane::VALUES;
        const bool exists = at.chunk * lane::VALUES < head_dim && first + at.row < end;
        copy_async(at.in(tile), from, exists);
        copy_async(at.in(tile + DECODE_KEYS * D), from + to_values, exists);
    }
}

/* Elements, K and V, of the codes that the lane has copied. */
template <class T, unsigned D> __device__ __forceinline__ void widen_rows(T *wide, fp8 *tile)
{
    using lane = lane_chunk<fp8, D>;
#pragma unroll
    for (unsigned i = 0; i < lane::TIMES; i++)
#pragma unroll
        for (unsigned plane = 0; plane < 2; plane++) { /* of K, of V */
            const lane at(i);
            const uint4 codes =
                *reinterpret_cast<const uint4 *>(at.in(tile + plane * DECODE_KEYS * D));
            T *to = wide + plane * DECODE_KEYS * D;
            store_kv<T>(tile_chunk<T, D>(to, at.row, 2 * at.chunk),
                        widen_chunk<T>({ codes.x, codes.y }));
            store_kv<T>(tile_chunk<T, D>(to, at.row, 2 * at.chunk + 1),
                        widen_chunk<T>({ codes.z, codes.w }));
        }
}

/* What a block has in shared memory; steps: (cos, sin) of the angles that a step turns by. */
template <class T, class S, unsigned D, unsigned STAGES> struct decode_tiles {
    static constexpr bool NARROW = narrower<T, S>::value;
    static constexpr unsigned TILE = 2 * DECODE_KEYS * D; /* K, V */
    static constexpr size_t TILE_BYTES = TILE * (STAGES * sizeof(S) + (NARROW ? sizeof(T) : 0));
    S *stages;

    __device__ __forceinline__ S *stage(unsigned i) const
    {
        return stages + i * TILE;
    }
    /* Where the queries come by, before the last stage, or the tile of elements, is first used. */
    __device__ __forceinline__ T *spare() const
    {
        return reinterpret_cast<T *>(NARROW ? stages + STAGES * TILE : stage(STAGES - 1));
    }
    __device__ __forceinline__ float2 *steps() const
    {
        return reinterpret_cast<float2 *>(reinterpret_cast<unsigned char *>(stages) + TILE_BYTES);
    }
};

/* The stage's tile as elements; the warp's rows of it. */
template <class T, unsigned D, class Tiles>
__device__ __forceinline__ T *elements_of(const Tiles &tiles, fp8 *stage)
{
    widen_rows<T, D>(tiles.spare(), stage);
    return tiles.spare();
}
template <class T, unsigned D, class Tiles>
__device__ __forceinline__ T *elements_of(const Tiles &, T *stage)
{
    return stage;
}

#endif
