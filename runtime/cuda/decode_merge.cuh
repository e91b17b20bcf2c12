/* runtime/cuda/decode_merge.cuh - a decoded row's parts are joined by the block that leaves the
 * last of them: what merge.cu does for prefill in a launch of its own, of which a decode iteration
 * would pay one in every layer. The sums are those of merge.cu in its order (part i in the i % 4th,
 * those four at the end), whichever block comes last, so the result is the same bits.
 *
 * The blocks of a row's heads count themselves, as in CUDA's sample threadFenceReduction: a part is
 * written, fenced, then counted; fences by one thread behind a barrier, as grid barriers have them,
 * since a fence orders all that its thread has seen. */
#ifndef REPRISE_RUNTIME_CUDA_DECODE_MERGE_CUH
#define REPRISE_RUNTIME_CUDA_DECODE_MERGE_CUH

#include "runtime/cuda/attention.cuh"

/* Whether this block is the last of `blocks` to come here; the others' writes before they came can
 * be read then (past L1: __ldcg). *arrivals is 0 again behind the last. Called by every thread;
 * shared: of the block, read by none any more. */
static __device__ __forceinline__ bool came_last(uint32_t *arrivals, uint32_t blocks,
                                                 uint32_t *shared)
{
    __syncthreads();
    if (threadIdx.x == 0) {
        __threadfence(); /* what the block's threads wrote is there before it is counted */
        *shared = atomicInc(arrivals, blocks - 1); /* from blocks - 1 to 0 */
        __threadfence();                           /* and nothing of the others is read before */
    }
    __syncthreads();
    return *shared == blocks - 1;
}

/* A warp: one head of one row, four columns a lane. */
template <class T>
__device__ __forceinline__ void merge_head(const struct kernel_attention &a,
                                           const struct kernel_merge &merge, uint32_t head)
{
    constexpr unsigned COLUMNS = 4, SUMS = 4, AT_ONCE = 8; /* parts on their way */
    static_assert(COLUMNS * WARP_THREADS >= ATTENTION_HEAD_DIM_MAX, "a head's elements have lanes");
    const uint32_t lane = threadIdx.x % WARP_THREADS, column = lane * COLUMNS;
    const auto index = [&](uint32_t part) {
        return static_cast<uint64_t>(merge.first_part + part * merge.part_stride) * a.heads + head;
    };
    float largest = NO_KEY;
    for (uint32_t i = lane; i < merge.parts; i += WARP_THREADS)
        largest = fmaxf(largest, __ldcg(a.partial_log2sum + index(i)));
    for (unsigned lanes = WARP_THREADS / 2; lanes > 0; lanes /= 2)
        largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, static_cast<int>(lanes)));
    float sum[SUMS] = {};
    float4 output[SUMS] = {};
    for (uint32_t first = 0; first < merge.parts; first += AT_ONCE) {
        float4 part[AT_ONCE];
        float log2sum[AT_ONCE];
#pragma unroll
        for (unsigned i = 0; i < AT_ONCE; i++) {
            const bool exists = first + i < merge.parts;
            const uint64_t at = index(first + i);
            part[i] = { 0.0f, 0.0f, 0.0f, 0.0f };
            log2sum[i] = exists ? __ldcg(a.partial_log2sum + at) : NO_KEY;
            if (exists && column < a.head_dim)
                part[i] =
                    __ldcg(reinterpret_cast<const float4 *>(a.partial + at * a.head_dim + column));
        }
#pragma unroll
        for (unsigned i = 0; i < AT_ONCE; i++) {
            const float weight = softmax_weight(log2sum[i], largest);
            sum[i % SUMS] += weight;
            output[i % SUMS].x += weight * part[i].x;
            output[i % SUMS].y += weight * part[i].y;
            output[i % SUMS].z += weight * part[i].z;
            output[i % SUMS].w += weight * part[i].w;
        }
    }
    float all = 0.0f;
    float4 total = { 0.0f, 0.0f, 0.0f, 0.0f };
#pragma unroll
    for (unsigned i = 0; i < SUMS; i++) {
        all += sum[i];
        total.x += output[i].x;
        total.y += output[i].y;
        total.z += output[i].z;
        total.w += output[i].w;
    }
    if (column >= a.head_dim)
        return;
    const uint64_t to = (static_cast<uint64_t>(merge.row) * a.heads + head) * a.head_dim + column;
    *reinterpret_cast<uint2 *>(static_cast<T *>(a.out) + to) = {
        pack2<T>(total.x / all, total.y / all), pack2<T>(total.z / all, total.w / all)
    };
}

#endif
