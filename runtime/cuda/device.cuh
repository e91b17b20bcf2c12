/* runtime/cuda/device.cuh - the one place where a kernel file meets its machine: CUDA's headers, or
 * the emulator by which the same source is tested on a CPU (tests/runtime/cuda/emulator.h).
 * KERNEL_LAUNCH(kernel, grid, block, shared_bytes, stream, arguments...) stands for <<<...>>>,
 * which only nvcc can read; KERNEL_LAUNCH_EARLY(...) is the same for a kernel that may begin before
 * the one ahead of it in the stream has ended.
 *
 * Early: from Hopper on, the GPU then fetches and places the blocks while the kernel ahead writes
 * its last results back, and a decode iteration of some ten kernels a layer does not pay that
 * latency each time (CUDA C++ Programming Guide, "Programmatic Dependent Launch and
 * Synchronization"). Such a kernel calls wait_for_kernels_ahead() in every thread, before it reads
 * or writes device memory; behind that the kernels ahead have read and written all of theirs. Not
 * only the one just ahead: it waited itself before it could end, which is why every thread waits,
 * those too that have nothing to do. No kernel of ours lets the next begin before its own last
 * block has ended (griddepcontrol.launch_dependents). What other streams and the host see is as
 * ever: an event behind a kernel happens when that has ended. */
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

static __device__ __forceinline__ void wait_for_kernels_ahead()
{
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/* Into L2, where it is not yet; reads nothing, and so may stand ahead of the wait. */
static __device__ __forceinline__ void prefetch(const void *address)
{
    asm volatile("prefetch.global.L2 [%0];" ::"l"(address));
}

/* Whether kernels may begin early on the present device: launch.cu. */
bool kernels_begin_early();

/* A kernel that wants more than 48 KiB must ask first (CUDA C++ Programming Guide, "Shared
 * Memory"); asking again costs well under a microsecond. Failures are kept by the runtime:
 * cudaGetLastError(). */
template <class... Parameters, class... Arguments>
static void launch_kernel(bool early, void (*kernel)(Parameters...), dim3 grid, dim3 block,
                          size_t shared_bytes, cudaStream_t stream, Arguments... arguments)
{
    if (shared_bytes > 48 * 1024)
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(shared_bytes));
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = stream;
    config.attrs = &attribute;
    config.numAttrs = early ? 1 : 0;
    cudaLaunchKernelEx(&config, kernel, arguments...);
}
#define KERNEL_LAUNCH(...) launch_kernel(false, __VA_ARGS__)
#define KERNEL_LAUNCH_EARLY(...) launch_kernel(kernels_begin_early(), __VA_ARGS__)

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
