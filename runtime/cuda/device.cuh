/* runtime/cuda/device.cuh - the one place where a kernel file meets its machine: CUDA's headers, or
 * the emulator by which the same source is tested on a CPU (tests/runtime/cuda/emulator.h).
 * KERNEL_LAUNCH(kernel, grid, block, shared_bytes, stream, arguments...) stands for <<<...>>>,
 * which only nvcc can read. */
#ifndef REPRISE_RUNTIME_CUDA_DEVICE_CUH
#define REPRISE_RUNTIME_CUDA_DEVICE_CUH

#include <stdint.h>

#ifdef REPRISE_EMULATE
#include "tests/runtime/cuda/emulator.h"
#else

#include <cuda_bf16.h>
#include <cuda_fp16.h>
#include <cuda_fp8.h>
#include <cuda_runtime.h>

typedef __nv_bfloat16 bf16;
typedef __half fp16;
/* E4M3; a type of ours, since CUDA's own has conversions that happen unasked. */
struct fp8 {
    uint8_t code;
};

/* A kernel that wants more than 48 KiB must ask first (CUDA C++ Programming Guide, "Shared
 * Memory"); asking again costs well under a microsecond. Failures are kept by the runtime:
 * cudaGetLastError(). */
#define KERNEL_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)                              \
    do {                                                                                           \
        if ((shared_bytes) > 48 * 1024)                                                            \
            cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,              \
                                 (int)(shared_bytes));                                             \
        kernel<<<grid, block, shared_bytes, stream>>>(__VA_ARGS__);                                \
    } while (0)

/* Of the present device; 0 where it cannot say. */
static inline size_t multiprocessor_shared_bytes()
{
    int device = 0, bytes = 0;
    if (cudaGetDevice(&device) != cudaSuccess ||
        cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerMultiprocessor, device) !=
            cudaSuccess)
        return 0;
    return static_cast<size_t>(bytes);
}

static __device__ __forceinline__ unsigned char *dynamic_shared()
{
    extern __shared__ __align__(128) unsigned char shared[];
    return shared;
}

#endif

static constexpr unsigned WARP_THREADS = 32;
static constexpr unsigned ALL_LANES = 0xffffffffu;

#endif
