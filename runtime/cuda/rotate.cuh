/* runtime/cuda/rotate.cuh - RoPE (RoFormer, arXiv 2104.09864): which elements of a head make a
 * pair, and how a pair is turned. The table's row of a position holds (cos, sin) of every pair's
 * angle. */
#ifndef REPRISE_RUNTIME_CUDA_ROTATE_CUH
#define REPRISE_RUNTIME_CUDA_ROTATE_CUH

#include "runtime/cuda/element.cuh"
#include "runtime/cuda/kernels.h"

struct element_pair {
    uint32_t low, high;
};

/* The head's elements in pairs: [0, dims / 2) are turned, what is behind them are the elements that
 * RoPE leaves alone, as neighbours. */
static __device__ __forceinline__ element_pair rope_elements(enum rotation rotation, uint32_t dims,
                                                             uint32_t pair)
{
    if (rotation == ROTATION_HALVES && pair < dims / 2)
        return { pair, pair + dims / 2 };
    return { 2 * pair, 2 * pair + 1 };
}

static __device__ __forceinline__ float2 rope_turn(float2 pair, float2 cos_sin)
{
    return make_float2(pair.x * cos_sin.x - pair.y * cos_sin.y,
                       pair.y * cos_sin.x + pair.x * cos_sin.y);
}

/* Pair number `pair` of the head at `head`, for that position. */
template <class T>
__device__ __forceinline__ float2 rope_load(const T *head, const struct kernel_attention &a,
                                            element_pair at, uint32_t pair, uint32_t position)
{
    float2 value = make_float2(to_float(head[at.low]), to_float(head[at.high]));
    if (a.rotation == ROTATION_NONE || pair >= a.rope_dims / 2)
        return value;
    const float2 *table = reinterpret_cast<const float2 *>(a.rope_table);
    return rope_turn(value, table[static_cast<uint64_t>(position) * (a.rope_dims / 2) + pair]);
}

#endif
