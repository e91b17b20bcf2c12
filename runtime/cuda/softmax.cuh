/* runtime/cuda/softmax.cuh - softmax over scores that come in pieces (Milakov and Gimelshein,
 * "Online normalizer calculation for softmax", arXiv 1805.02867; FlashAttention, arXiv 2205.14135).
 * A row of attention that has seen some of its keys is a triple (maximum, sum, output), where
 *   sum = SUM 2^(score - maximum),  output = SUM 2^(score - maximum) * value.
 * Scores are already multiplied by log2(e) / sqrt(head_dim), so that exponentials are of base 2,
 * the one that the hardware has. A row that has seen no key has maximum -inf, sum 0, output 0. */
#ifndef REPRISE_RUNTIME_CUDA_SOFTMAX_CUH
#define REPRISE_RUNTIME_CUDA_SOFTMAX_CUH

#include "runtime/cuda/tensor_core.cuh"

#define NO_KEY (-INFINITY)

/* What a sum and output of maximum `before` are multiplied with when the maximum becomes `after`
 * >= before. No key on either side: 0, and not the NaN of (-inf) - (-inf). */
static __device__ __forceinline__ float softmax_rescale(float before, float after)
{
    return after == NO_KEY ? 0.0f : exp2_fast(before - after);
}

/* The weight of a score. A masked score is -inf, its weight 0, even in a row with no key at all. */
static __device__ __forceinline__ float softmax_weight(float score, float maximum)
{
    return exp2_fast(score - (maximum == NO_KEY ? 0.0f : maximum));
}

/* How a row's parts that saw different keys are merged: each part's normalised output is weighed by
 * 2^(its log2-sum - the largest). log2-sum = maximum + log2(sum). */
static __device__ __forceinline__ float softmax_log2_sum(float maximum, float sum)
{
    return sum > 0.0f ? maximum + log2f(sum) : NO_KEY;
}

#endif
