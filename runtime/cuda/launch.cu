/* runtime/cuda/launch.cu - whether kernels may begin early here (device.cuh). */
#include "runtime/cuda/device.cuh"

#include <stdlib.h>

/* A GPU from Hopper on runs what was compiled for sm_90 or its PTX (find_cuda.cmake), where
 * wait_for_kernels_ahead() is an instruction; asked of a kernel of this library rather than of the
 * GPU, so that a build for others cannot launch early what does not wait. */
static __global__ void waiting_kernel()
{
    wait_for_kernels_ahead();
}

/* For bench_cuda, which measures both: REPRISE_CUDA_LAUNCHES=plain in its environment. No part of
 * what users may choose; results are the same. */
static bool plain_wanted()
{
    const char *launches = getenv("REPRISE_CUDA_LAUNCHES");
    return launches != nullptr && launches[0] == 'p';
}

static bool ask()
{
    cudaFuncAttributes attributes = {};
    if (cudaFuncGetAttributes(&attributes, waiting_kernel) != cudaSuccess) {
        cudaGetLastError(); /* the launch itself will tell */
        return false;
    }
    return attributes.ptxVersion >= 90 && attributes.binaryVersion >= 90 && !plain_wanted();
}

/* Asked once: a process uses one GPU. */
bool kernels_begin_early()
{
    static const bool early = ask();
    return early;
}
