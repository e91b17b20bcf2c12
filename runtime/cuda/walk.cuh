/* runtime/cuda/walk.cuh - element-wise kernels' way over an array: any count of blocks works, each
 * walks in steps of the grid. */
#ifndef REPRISE_RUNTIME_CUDA_WALK_CUH
#define REPRISE_RUNTIME_CUDA_WALK_CUH

#include "runtime/cuda/device.cuh"

static constexpr unsigned WALK_THREADS = 256;
static constexpr uint32_t WALK_BLOCKS_MAX = 2048; /* 2-3 times what a GPU runs at once */

static inline dim3 blocks_for(uint64_t threads)
{
    uint64_t blocks = (threads + WALK_THREADS - 1) / WALK_THREADS;
    return dim3(blocks < WALK_BLOCKS_MAX ? static_cast<uint32_t>(blocks) : WALK_BLOCKS_MAX);
}

static __device__ __forceinline__ uint64_t first_index()
{
    return static_cast<uint64_t>(blockIdx.x) * WALK_THREADS + threadIdx.x;
}

static __device__ __forceinline__ uint64_t index_step()
{
    return static_cast<uint64_t>(gridDim.x) * WALK_THREADS;
}

#endif
