/* runtime/cuda/experts.cu - which experts each row goes through, where its slots are, and the
 * weighted sum of what comes back. The experts' products are expert_gemm.cu's.
 *
 * Three launches: scores (a warp an expert, for some rows), choices (a warp a row), slots (a block
 * an expert). Each sum is made in the same order whatever the batch, so a row's choice does not
 * depend on its neighbours. */
#include "runtime/cuda/element.cuh"
#include "runtime/cuda/kernels.h"
#include "runtime/cuda/walk.cuh"

static constexpr unsigned THREADS = 256, WARPS = THREADS / WARP_THREADS;
static constexpr uint32_t SCORE_ROWS = 8; /* for which an expert's weights are read once */

static __device__ __forceinline__ float warp_sum(float x)
{
    for (int lanes = WARP_THREADS / 2; lanes > 0; lanes /= 2)
        x += __shfl_xor_sync(ALL_LANES, x, lanes);
    return x;
}

template <class T>
__global__ void scores_kernel(struct routing routing, uint32_t rows, uint32_t width, const T *in,
                              const T *router)
{
    wait_for_kernels_ahead();
    const uint32_t lane = threadIdx.x % WARP_THREADS, first_row = blockIdx.x * SCORE_ROWS;
    const uint32_t expert = blockIdx.y * WARPS + threadIdx.x / WARP_THREADS;
    float sum[SCORE_ROWS] = { 0 };
    if (expert >= routing.experts)
        return;
    for (uint32_t i = lane * CHUNK; i < width; i += WARP_THREADS * CHUNK) {
        float weight[CHUNK];
        load_chunk(router + static_cast<uint64_t>(expert) * width + i, weight);
#pragma unroll
        for (uint32_t r = 0; r < SCORE_ROWS; r++) {
            float x[CHUNK];
            if (first_row + r >= rows)
                continue;
            load_chunk(in + static_cast<uint64_t>(first_row + r) * width + i, x);
#pragma unroll
            for (unsigned e = 0; e < CHUNK; e++)
                sum[r] += weight[e] * x[e];
        }
    }
#pragma unroll
    for (uint32_t r = 0; r < SCORE_ROWS; r++) {
        float score = warp_sum(sum[r]);
        if (lane == 0 && first_row + r < rows)
            routing.score[static_cast<uint64_t>(first_row + r) * routing.experts + expert] = score;
    }
}

/* ---- choosing ---- */

/* Experts in order: higher scores first, of equals the lower number. What is no number comes last,
 * so that any scores have an order. */
struct candidate {
    float score;
    uint32_t expert;
};

static __device__ __forceinline__ bool before(struct candidate a, struct candidate b)
{
    return a.score > b.score || (a.score == b.score && a.expert < b.expert);
}

static __device__ __forceinline__ struct candidate best_of_warp(struct candidate mine)
{
    for (int lanes = WARP_THREADS / 2; lanes > 0; lanes /= 2) {
        const struct candidate other = { __shfl_xor_sync(ALL_LANES, mine.score, lanes),
                                         __shfl_xor_sync(ALL_LANES, mine.expert, lanes) };
        if (before(other, mine))
            mine = other;
    }
    return mine;
}

static __device__ __forceinline__ float ordered(float score)
{
    return score == score ? score : -INFINITY;
}

/* The first behind `last` in the order; with an expert of UINT32_MAX there is none. */
static __device__ struct candidate next_best(const float *score, uint32_t experts, uint32_t lane,
                                             struct candidate last, bool any)
{
    struct candidate best = { -INFINITY, UINT32_MAX };
    for (uint32_t e = lane; e < experts; e += WARP_THREADS) {
        const struct candidate here = { ordered(score[e]), e };
        if ((any || before(last, here)) && before(here, best))
            best = here;
    }
    return best_of_warp(best);
}

static __global__ void choose_kernel(struct routing routing, uint32_t rows)
{
    wait_for_kernels_ahead();
    const uint32_t lane = threadIdx.x % WARP_THREADS;
    const uint32_t row = blockIdx.x * WARPS + threadIdx.x / WARP_THREADS;
    if (row >= rows)
        return;
    const float *score = routing.score + static_cast<uint64_t>(row) * routing.experts;
    const uint64_t place = static_cast<uint64_t>(row) * routing.per_token;
    struct candidate last = { 0.0f, 0 };
    float most = 0.0f, sum = 0.0f;
    for (uint32_t i = 0; i < routing.per_token; i++) {
        last = next_best(score, routing.experts, lane, last, i == 0);
        if (i == 0)
            most = score[last.expert];
        const float weight = expf(score[last.expert] - most);
        sum += weight;
        if (lane == 0) {
            routing.chosen[place + i] = last.expert;
            routing.weight[place + i] = weight;
        }
    }
    for (uint32_t i = 0; i < routing.per_token && lane == 0; i++)
        routing.weight[place + i] /= sum;
}

/* ---- slots ---- */

/* Sums of two numbers over the threads before this one, and over all. */
struct counts {
    uint32_t equal, less;
};

static __device__ struct counts counts_before(struct counts mine, struct counts *shared,
                                              struct counts *all)
{
    const unsigned t = threadIdx.x;
    shared[t] = mine;
    __syncthreads();
    for (unsigned distance = 1; distance < THREADS; distance *= 2) {
        struct counts sum = shared[t];
        if (t >= distance) {
            sum.equal += shared[t - distance].equal;
            sum.less += shared[t - distance].less;
        }
        __syncthreads();
        shared[t] = sum;
        __syncthreads();
    }
    *all = shared[THREADS - 1];
    return { shared[t].equal - mine.equal, shared[t].less - mine.less };
}

/* Block e sorts in expert e's: it counts those of lower experts, behind which its slots begin, and
 * gives them out in order. A thread looks at neighbouring choices, so that the order stays. Every
 * block reads all choices, some 100 KB that are in L2: less than what a sort's launches take. */
static __global__ void slots_kernel(struct routing routing, uint32_t rows)
{
    wait_for_kernels_ahead();
    struct counts *shared = reinterpret_cast<struct counts *>(dynamic_shared());
    const uint32_t expert = blockIdx.x, all = rows * routing.per_token;
    const uint32_t each = (all + THREADS - 1) / THREADS;
    const uint32_t begin = threadIdx.x * each < all ? threadIdx.x * each : all;
    const uint32_t end = begin + each < all ? begin + each : all;
    struct counts mine = { 0, 0 }, total;
    for (uint32_t i = begin; i < end; i++) {
        mine.equal += routing.chosen[i] == expert;
        mine.less += routing.chosen[i] < expert;
    }
    const struct counts before_me = counts_before(mine, shared, &total);
    uint32_t slot = total.less + before_me.equal;
    for (uint32_t i = begin; i < end; i++)
        if (routing.chosen[i] == expert) {
            routing.slot[i] = slot;
            routing.row[slot++] = i / routing.per_token;
        }
    if (threadIdx.x == 0)
        routing.first[expert] = total.less;
    if (threadIdx.x == 0 && expert == routing.experts - 1)
        routing.first[routing.experts] = all;
}

/* ---- their sum ---- */

template <class T>
__global__ void combine_kernel(struct routing routing, uint64_t all_chunks, uint32_t chunks,
                               const T *in, bool added, T *out)
{
    wait_for_kernels_ahead();
    for (uint64_t i = first_index(); i < all_chunks; i += index_step()) {
        const uint64_t place = i / chunks * routing.per_token, column = i % chunks;
        float sum[CHUNK] = { 0 };
        if (added)
            load_chunk(out + i * CHUNK, sum);
        for (uint32_t j = 0; j < routing.per_token; j++) {
            const float weight = routing.weight[place + j];
            const uint64_t slot = routing.slot[place + j];
            float x[CHUNK];
            load_chunk(in + (slot * chunks + column) * CHUNK, x);
#pragma unroll
            for (unsigned e = 0; e < CHUNK; e++)
                sum[e] += weight * x[e];
        }
        store_chunk(out + i * CHUNK, sum);
    }
}

/* ---- launches ---- */

static uint32_t parts_of(uint32_t count, uint32_t size)
{
    return (count + size - 1) / size;
}

template <class T>
static void launch_scores(const struct routing *routing, uint32_t rows, uint32_t width,
                          const void *in, const void *router, cudaStream_t stream)
{
    const auto kernel = scores_kernel<T>;
    const dim3 grid(parts_of(rows, SCORE_ROWS), parts_of(routing->experts, WARPS));
    KERNEL_LAUNCH_EARLY(kernel, grid, dim3(THREADS), 0, stream, *routing, rows, width,
                        static_cast<const T *>(in), static_cast<const T *>(router));
}

template <class T>
static void launch_combine(const struct routing *routing, uint32_t rows, uint32_t width,
                           const void *in, bool added, void *out, cudaStream_t stream)
{
    const auto kernel = combine_kernel<T>;
    const uint32_t chunks = width / CHUNK;
    const uint64_t all = static_cast<uint64_t>(rows) * chunks;
    KERNEL_LAUNCH_EARLY(kernel, blocks_for(all), dim3(WALK_THREADS), 0, stream, *routing, all,
                        chunks, static_cast<const T *>(in), added, static_cast<T *>(out));
}

void kernel_route(enum element element, const struct routing *routing, uint32_t rows,
                  uint32_t width, const void *in, const void *router, cudaStream_t stream)
{
    const auto scores = element == ELEMENT_BF16 ? launch_scores<bf16> : launch_scores<fp16>;
    scores(routing, rows, width, in, router, stream);
    KERNEL_LAUNCH_EARLY(choose_kernel, dim3(parts_of(rows, WARPS)), dim3(THREADS), 0, stream,
                        *routing, rows);
    KERNEL_LAUNCH_EARLY(slots_kernel, dim3(routing->experts), dim3(THREADS),
                        THREADS * sizeof(struct counts), stream, *routing, rows);
}

void kernel_combine(enum element element, const struct routing *routing, uint32_t rows,
                    uint32_t width, const void *in, bool added, void *out, cudaStream_t stream)
{
    const auto run = element == ELEMENT_BF16 ? launch_combine<bf16> : launch_combine<fp16>;
    run(routing, rows, width, in, added, out, stream);
}
