/* runtime/cuda/attention.cuh - what prefill and decode share: where a sequence's keys and values
 * lie, and tiles of them in shared memory.
 *
 * A tile is ROWS rows of D elements, D = head_dim rounded up to 32, 64 or 128 and filled with
 * zeros, which add nothing to a product. A row's 16-byte chunks are swizzled: chunk c of row r lies
 * at c ^ (r % 8). ldmatrix reads the same chunk of 8 rows at once; unswizzled, rows of 128 or 256
 * bytes would have all 8 in the same banks, one after the other. Here (D = 64, digits are chunks):
 *
 *   row 0: 0 1 2 3 4 5 6 7
 *   row 1: 1 0 3 2 5 4 7 6      chunk 0 of rows 0..7 stands in columns 0..7:
 *   row 2: 2 3 0 1 6 7 4 5      eight different groups of four banks
 *   ...                                                                                          */
#ifndef REPRISE_RUNTIME_CUDA_ATTENTION_CUH
#define REPRISE_RUNTIME_CUDA_ATTENTION_CUH

#include "runtime/cuda/rotate.cuh"
#include "runtime/cuda/softmax.cuh"

static constexpr unsigned ATTENTION_THREADS = 128, ATTENTION_WARPS = 4;

template <unsigned D> __device__ __forceinline__ unsigned swizzle(unsigned row, unsigned chunk)
{
    /* A row of 32 elements is half of the 128 bytes that all banks span: two rows make one line. */
    return D == 32 ? chunk ^ ((row >> 1) & 3) : chunk ^ (row & 7);
}

template <class T, unsigned D>
__device__ __forceinline__ T *tile_chunk(T *tile, unsigned row, unsigned chunk)
{
    return tile + row * D + swizzle<D>(row, chunk) * CHUNK;
}

static __device__ __forceinline__ uint32_t divide(uint32_t n, const struct divisor &by)
{
    return by.multiplier == 0 ? n : __umulhi(n, by.multiplier) >> by.shift;
}

/* One KV head's keys, or values, of a sequence: paged, or (pages NULL) one row behind the other. T:
 * what is stored there, elements or fp8. */
template <class T> struct kv_rows {
    const T *base;
    const uint32_t *pages;
    uint64_t page_stride;
    uint32_t row_stride, skip;
    struct divisor page_tokens;

    __device__ __forceinline__ const T *row(uint32_t token) const
    {
        if (pages == nullptr)
            return base + static_cast<uint64_t>(token) * row_stride;
        uint32_t slot = skip + token, page = divide(slot, page_tokens);
        return base + pages[page] * page_stride + (slot - page * page_tokens.value) * row_stride;
    }
};

template <class T>
__device__ __forceinline__ kv_rows<T> pool_rows(const struct kernel_attention &a,
                                                const struct kernel_sequence &sequence,
                                                uint32_t kv_head, bool values)
{
    uint32_t width = a.kv_heads * a.head_dim;
    return { static_cast<const T *>(a.pool) + a.layer_offset + kv_head * a.head_dim +
                 (values ? static_cast<uint64_t>(a.page_tokens.value) * width : 0),
             a.pages + sequence.first_page,
             a.page_stride,
             width,
             sequence.skip,
             a.page_tokens };
}

/* Of the scratch: rotated_keys or wide_values. */
template <class T>
__device__ __forceinline__ kv_rows<T>
scratch_rows(const struct kernel_attention &a, const void *scratch,
             const struct kernel_sequence &sequence, uint32_t kv_head)
{
    uint32_t width = a.kv_heads * a.head_dim;
    return { static_cast<const T *>(scratch) + static_cast<uint64_t>(sequence.rotated_row) * width +
                 kv_head * a.head_dim,
             nullptr,
             0,
             width,
             0,
             a.page_tokens };
}

/* Where prefill reads a sequence's keys and values. */
template <class T>
__device__ __forceinline__ kv_rows<T> prefill_keys(const struct kernel_attention &a,
                                                   const struct kernel_sequence &sequence,
                                                   uint32_t kv_head)
{
    return a.rotated_keys != nullptr ? scratch_rows<T>(a, a.rotated_keys, sequence, kv_head)
                                     : pool_rows<T>(a, sequence, kv_head, false);
}
template <class T>
__device__ __forceinline__ kv_rows<T> prefill_values(const struct kernel_attention &a,
                                                     const struct kernel_sequence &sequence,
                                                     uint32_t kv_head)
{
    return a.wide_values != nullptr ? scratch_rows<T>(a, a.wide_values, sequence, kv_head)
                                    : pool_rows<T>(a, sequence, kv_head, true);
}

/* The first position that a token at `position` sees: window_begin() (backend.h) for a GPU. */
static __device__ __forceinline__ uint32_t seen_from(const struct kernel_attention &a,
                                                     uint32_t position)
{
    if (a.window_tokens == 0)
        return 0;
    if (a.window_chunked)
        return position - position % a.window_tokens;
    return position < a.window_tokens ? 0 : position + 1 - a.window_tokens;
}

/* Begins copying tokens [first, first + ROWS) into the tile, zeros from `end` on; neighbouring
 * threads take neighbouring chunks of a row. */
template <class T, unsigned D, unsigned ROWS>
__device__ __forceinline__ void copy_tile(T *tile, const kv_rows<T> &rows, uint32_t first,
                                          uint32_t end, uint32_t head_dim)
{
    constexpr unsigned CHUNKS = D / CHUNK, AT_ONCE = ATTENTION_THREADS / CHUNKS;
    unsigned chunk = threadIdx.x % CHUNKS, row = threadIdx.x / CHUNKS;
    bool inside = chunk * CHUNK < head_dim;
#pragma unroll
    for (unsigned i = 0; i < ROWS / AT_ONCE; i++, row += AT_ONCE) {
        uint32_t token = first + row;
        bool exists = inside && token < end;
        const T *from = exists ? rows.row(token) + chunk * CHUNK : rows.base;
        copy_async(tile_chunk<T, D>(tile, row, chunk), from, exists);
    }
}

/* Writes ROWS queries, turned to their positions, into a tile. query(row, &position) gives the
 * head's address, or NULL for a row that stays zero. Runs once a block: plain rather than fast. */
template <class T, unsigned D, unsigned ROWS, class Query>
__device__ __forceinline__ void load_queries(T *tile, const struct kernel_attention &a,
                                             const Query &query)
{
    constexpr unsigned PAIRS = D / 2;
    for (unsigned i = threadIdx.x; i < ROWS * PAIRS; i += ATTENTION_THREADS) {
        unsigned row = i / PAIRS, pair = i % PAIRS;
        element_pair at = rope_elements(a.rotation, a.rope_dims, pair);
        uint32_t position = 0;
        const T *head = query(row, &position);
        float2 value = make_float2(0.0f, 0.0f);
        if (head != nullptr && at.high < a.head_dim)
            value = rope_load(head, a, at, pair, position);
        tile_chunk<T, D>(tile, row, at.low / CHUNK)[at.low % CHUNK] = from_float<T>(value.x);
        tile_chunk<T, D>(tile, row, at.high / CHUNK)[at.high % CHUNK] = from_float<T>(value.y);
    }
}

/* The left operand's registers: rows [row, row + 16) and columns [16 * step, 16 * step + 16). */
template <class T, unsigned D>
__device__ __forceinline__ void load_left(uint32_t out[4], T *tile, unsigned row, unsigned step)
{
    unsigned lane = threadIdx.x % WARP_THREADS;
    load_matrices(out, tile_chunk<T, D>(tile, row + lane % 16, 2 * step + lane / 16));
}

/* log2(e) / sqrt(head_dim): what makes a score the exponent of 2. */
static __device__ __forceinline__ float score_scale(uint32_t head_dim)
{
    return 1.44269504088896f * rsqrtf(static_cast<float>(head_dim));
}

#endif
