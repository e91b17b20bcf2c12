/* runtime/cuda/expert_gemm.cu - the products of all experts in one launch ("grouped"): each of the
 * rows that were routed to it, whose number only device memory has. Instructions are sm_80's
 * (tensor_core.cuh).
 *
 * Slots are cut into tiles of TILE rows that belong to one expert. Which tiles there are, a block
 * works out: expert e's have the numbers from first[e] / TILE + e on, since
 *
 *   first[e] / TILE + e + ceil(count[e] / TILE) <= first[e + 1] / TILE + e + 1
 *
 * (rounded down where nothing is said), so no two experts share a number, and there are at most
 * slots / TILE + experts. Some numbers are nobody's: their blocks end at once.
 *
 * Neighbouring blocks have neighbouring tiles of the same outputs, so that an expert's weights, by
 * far the larger operand, come through L2 once for all its tiles. */
#include "runtime/cuda/kernels.h"
#include "runtime/cuda/tensor_core.cuh"

static constexpr unsigned DEPTH = 64; /* inputs of a stage: rows of 128 bytes in shared memory */
static constexpr unsigned DEPTH_CHUNKS = DEPTH / CHUNK, STEP = 16; /* inputs of an mma */

/* A block's tile, ROWS of slots by COLUMNS of outputs, shared among DOWN x ACROSS warps. */
template <unsigned ROWS_, unsigned COLUMNS_, unsigned DOWN_, unsigned ACROSS_, unsigned STAGES_>
struct tiling {
    static constexpr unsigned ROWS = ROWS_, COLUMNS = COLUMNS_, ACROSS = ACROSS_, STAGES = STAGES_;
    static constexpr unsigned THREADS = DOWN_ * ACROSS_ * WARP_THREADS;
    static constexpr unsigned WARP_ROWS = ROWS / DOWN_, WARP_COLUMNS = COLUMNS / ACROSS_;
    static constexpr unsigned DOWN_PARTS = WARP_ROWS / 16, ACROSS_PARTS = WARP_COLUMNS / 8;
    static constexpr unsigned STAGE_VALUES = (ROWS + COLUMNS) * DEPTH;
    static constexpr size_t SHARED_BYTES = STAGES * STAGE_VALUES * sizeof(uint16_t);
};
/* Few rows an expert: decode. All the time goes into reading weights, so columns are narrow, that
 * many multiprocessors read, and stages many. */
typedef tiling<16, 64, 1, 4, 5> few_rows;
typedef tiling<128, 128, 4, 2, 3> many_rows;

/* ---- which rows ---- */

struct tile {
    uint32_t expert, first_slot, rows; /* rows 0: nobody's */
};

template <unsigned TILE>
static __device__ struct tile find_tile(const uint32_t *first, uint32_t experts, uint32_t number)
{
    uint32_t low = 0, high = experts; /* low's numbers begin at or before it, high's behind it */
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (first[middle] / TILE + middle <= number)
            low = middle;
        else
            high = middle;
    }
    const uint32_t begin = first[low] + (number - first[low] / TILE - low) * TILE;
    const uint32_t end = first[low + 1], left = begin < end ? end - begin : 0;
    return { low, begin, left < TILE ? left : TILE };
}

/* ---- shared memory ---- */

/* Where 16 bytes of a row lie: neighbouring rows' are spread over the banks, so that the eight rows
 * of an ldmatrix meet in none. */
static __device__ __forceinline__ unsigned place_of(unsigned row, unsigned chunk)
{
    return row * DEPTH + ((chunk ^ (row % DEPTH_CHUNKS)) * CHUNK);
}

/* A thread's share of a stage's rows: where they come from; NULL: from nowhere, zeros. */
template <class T, unsigned ROWS, unsigned THREADS> struct feed {
    static constexpr unsigned COPIES = ROWS * DEPTH_CHUNKS / THREADS;
    const T *row[COPIES];

    static __device__ __forceinline__ unsigned row_of(unsigned copy)
    {
        return (threadIdx.x + copy * THREADS) / DEPTH_CHUNKS;
    }
    __device__ __forceinline__ void load(T *shared, uint32_t from, uint32_t inputs,
                                         const T *anywhere) const
    {
        const unsigned chunk = threadIdx.x % DEPTH_CHUNKS;
        const uint32_t input = from + chunk * CHUNK;
#pragma unroll
        for (unsigned i = 0; i < COPIES; i++) {
            const bool exists = row[i] != nullptr && input < inputs;
            copy_async(shared + place_of(row_of(i), chunk), exists ? row[i] + input : anywhere,
                       exists);
        }
    }
};

/* ---- multiplying ---- */

/* A warp's part of the tile's sums, from one stage. present: of its rows. */
template <class T, class TILING>
static __device__ __forceinline__ void
multiply_stage(const T *in, const T *weights, unsigned warp_row, unsigned warp_column,
               uint32_t rows, float sum[TILING::DOWN_PARTS][TILING::ACROSS_PARTS][4])
{
    const unsigned lane = threadIdx.x % WARP_THREADS;
#pragma unroll
    for (unsigned step = 0; step < DEPTH / STEP; step++) {
        uint32_t b[TILING::ACROSS_PARTS / 2][4]; /* of two neighbouring parts each */
        if (warp_row >= rows)
            break;
#pragma unroll
        for (unsigned n = 0; n < TILING::ACROSS_PARTS / 2; n++)
            load_matrices(b[n], weights + place_of(warp_column + n * 16 + lane / 16 * 8 + lane % 8,
                                                   step * 2 + lane / 8 % 2));
#pragma unroll
        for (unsigned m = 0; m < TILING::DOWN_PARTS; m++) {
            uint32_t a[4];
            if (warp_row + m * 16 >= rows)
                continue;
            load_matrices(a, in + place_of(warp_row + m * 16 + lane % 16, step * 2 + lane / 16));
#pragma unroll
            for (unsigned n = 0; n < TILING::ACROSS_PARTS; n++)
                mma<T>(sum[m][n], a, &b[n / 2][n % 2 * 2]);
        }
    }
}

template <class T, class TILING>
static __device__ __forceinline__ void
store(const float sum[TILING::DOWN_PARTS][TILING::ACROSS_PARTS][4], unsigned warp_row,
      uint32_t column, struct tile tile, uint32_t outputs, T *out)
{
    const unsigned lane = threadIdx.x % WARP_THREADS;
#pragma unroll
    for (unsigned m = 0; m < TILING::DOWN_PARTS; m++)
#pragma unroll
        for (unsigned half = 0; half < 2; half++) {
            const unsigned row = warp_row + m * 16 + half * 8 + lane / 4;
            if (row >= tile.rows)
                continue;
            T *to = out + static_cast<uint64_t>(tile.first_slot + row) * outputs;
#pragma unroll
            for (unsigned n = 0; n < TILING::ACROSS_PARTS; n++) {
                const uint32_t at = column + n * 8 + lane % 4 * 2;
                const float *pair = sum[m][n] + half * 2;
                if (at < outputs)
                    *reinterpret_cast<uint32_t *>(to + at) = pack2<T>(pair[0], pair[1]);
            }
        }
}

template <class T, class TILING>
static __global__ void __launch_bounds__(TILING::THREADS)
    expert_gemm_kernel(struct routing routing, bool by_row, uint32_t inputs, uint32_t outputs,
                       const T *in, const T *weights, T *out)
{
    wait_for_kernels_ahead();
    const struct tile tile = find_tile<TILING::ROWS>(routing.first, routing.experts, blockIdx.x);
    if (tile.rows == 0)
        return;
    const uint32_t first_column = blockIdx.y * TILING::COLUMNS;
    T *const shared = reinterpret_cast<T *>(dynamic_shared());
    const T *const matrix = weights + static_cast<uint64_t>(tile.expert) * outputs * inputs;

    feed<T, TILING::ROWS, TILING::THREADS> rows;
#pragma unroll
    for (unsigned i = 0; i < rows.COPIES; i++) {
        const uint32_t slot = tile.first_slot + rows.row_of(i);
        rows.row[i] = nullptr;
        if (rows.row_of(i) < tile.rows)
            rows.row[i] = in + static_cast<uint64_t>(by_row ? routing.row[slot] : slot) * inputs;
    }
    feed<T, TILING::COLUMNS, TILING::THREADS> columns;
#pragma unroll
    for (unsigned i = 0; i < columns.COPIES; i++) {
        const uint32_t output = first_column + columns.row_of(i);
        columns.row[i] =
            output < outputs ? matrix + static_cast<uint64_t>(output) * inputs : nullptr;
    }
    const auto load = [&](uint32_t stage) {
        T *to = shared + stage % TILING::STAGES * TILING::STAGE_VALUES;
        rows.load(to, stage * DEPTH, inputs, in);
        columns.load(to + TILING::ROWS * DEPTH, stage * DEPTH, inputs, in);
    };

    const uint32_t stages = (inputs + DEPTH - 1) / DEPTH;
    for (uint32_t stage = 0; stage + 1 < TILING::STAGES; stage++) {
        if (stage < stages)
            load(stage);
        copy_commit(); /* groups are counted, empty ones too */
    }
    const unsigned warp = threadIdx.x / WARP_THREADS;
    const unsigned warp_row = warp / TILING::ACROSS * TILING::WARP_ROWS;
    const unsigned warp_column = warp % TILING::ACROSS * TILING::WARP_COLUMNS;
    float sum[TILING::DOWN_PARTS][TILING::ACROSS_PARTS][4] = {};
    for (uint32_t stage = 0; stage < stages; stage++) {
        copy_wait<TILING::STAGES - 2>();
        __syncthreads(); /* this stage is there, and nobody reads the one before any more */
        if (stage + TILING::STAGES - 1 < stages)
            load(stage + TILING::STAGES - 1);
        copy_commit();
        const T *here = shared + stage % TILING::STAGES * TILING::STAGE_VALUES;
        multiply_stage<T, TILING>(here, here + TILING::ROWS * DEPTH, warp_row, warp_column,
                                  tile.rows, sum);
    }
    store<T, TILING>(sum, warp_row, first_column + warp_column, tile, outputs, out);
}

/* ---- launches ---- */

template <class T, class TILING>
static void launch(const struct routing *routing, bool by_row, uint32_t slots, uint32_t inputs,
                   uint32_t outputs, const void *in, const void *weights, void *out,
                   cudaStream_t stream)
{
    const auto kernel = expert_gemm_kernel<T, TILING>;
    const dim3 grid(slots / TILING::ROWS + routing->experts,
                    (outputs + TILING::COLUMNS - 1) / TILING::COLUMNS);
    KERNEL_LAUNCH_EARLY(kernel, grid, dim3(TILING::THREADS), TILING::SHARED_BYTES, stream, *routing,
                        by_row, inputs, outputs, static_cast<const T *>(in),
                        static_cast<const T *>(weights), static_cast<T *>(out));
}

template <class T>
static void launch(const struct routing *routing, bool by_row, uint32_t rows, uint32_t inputs,
                   uint32_t outputs, const void *in, const void *weights, void *out,
                   cudaStream_t stream)
{
    const uint32_t slots = rows * routing->per_token;
    const auto run =
        slots <= routing->experts * few_rows::ROWS ? launch<T, few_rows> : launch<T, many_rows>;
    run(routing, by_row, slots, inputs, outputs, in, weights, out, stream);
}

void kernel_expert_gemm(enum element element, const struct routing *routing, bool by_row,
                        uint32_t rows, uint32_t inputs, uint32_t outputs, const void *in,
                        const void *weights, void *out, cudaStream_t stream)
{
    const auto run = element == ELEMENT_BF16 ? launch<bf16> : launch<fp16>;
    run(routing, by_row, rows, inputs, outputs, in, weights, out, stream);
}
