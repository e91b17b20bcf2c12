/* tests/runtime/cuda/emulator.h - runs the CUDA kernels' own source on a CPU, so that their index
 * arithmetic, barriers and copies are under test where there is no GPU.
 *
 * A block's threads are fibers of one host thread; a kernel file compiled with REPRISE_EMULATE
 * includes this in place of the CUDA headers. What a warp does together (shuffles, ldmatrix, mma)
 * and __syncthreads() are meeting points: a fiber waits there until all that must come have come.
 * What goes unseen: anything about time, and races inside one instruction. What is seen:
 * - Addresses: shared memory is a heap block of the launch's exact size, so AddressSanitizer sees
 *   every byte past its end, and past the end of the arrays that a test passes.
 * - Missing barriers: the order in which fibers run between two meeting points is the launch's
 *   EMULATE_* order; a result that depends on it was read or overwritten too early.
 * - Asynchronous copies: done as late as CUDA allows (at the wait), or as early (when issued).
 * - Memory never written: shared memory begins as NaN.
 * - Barriers that not all threads reach, and threads of a kernel that may begin early which do not
 *   wait for what is ahead: the process ends with a message. */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_EMULATOR_H
#define REPRISE_TESTS_RUNTIME_CUDA_EMULATOR_H

#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) alignas(bytes)

struct dim3 {
    unsigned x, y, z;
    dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_)
    {
    }
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
static inline float2 make_float2(float x, float y)
{
    return { x, y };
}

/* Of the fiber that runs. */
extern dim3 threadIdx, blockIdx, blockDim, gridDim;

/* Runs kernel() once for each thread of each block, blocks one after the other; their order is
 * EMULATE_*'s as well. */
void emulate_launch(dim3 grid, dim3 block, size_t shared_bytes,
                    const std::function<void()> &kernel);
/* Where launches go: NULL at first, and each has run when the call returns; or to a stream
 * (fake_cuda.cpp). */
extern void (*emulate_queue)(struct CUstream_st *stream, std::function<void()> work);
void emulate_launch_on(struct CUstream_st *stream, dim3 grid, dim3 block, size_t shared_bytes,
                       std::function<void()> kernel);
/* The same of a kernel that may begin early (device.cuh): a thread that ends without having called
 * wait_for_kernels_ahead() ends the process. */
void emulate_launch_early_on(struct CUstream_st *stream, dim3 grid, dim3 block, size_t shared_bytes,
                             std::function<void()> kernel);
void wait_for_kernels_ahead();
static inline void prefetch(const void *)
{
}
/* Arguments are copied when the launch is queued, as CUDA copies them. */
template <class Kernel, class... Arguments>
std::function<void()> emulate_call(Kernel kernel, Arguments... arguments)
{
    return [=] { kernel(arguments...); };
}
#define KERNEL_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)                              \
    emulate_launch_on(stream, grid, block, shared_bytes, emulate_call(kernel, __VA_ARGS__))
#define KERNEL_LAUNCH_EARLY(kernel, grid, block, shared_bytes, stream, ...)                        \
    emulate_launch_early_on(stream, grid, block, shared_bytes, emulate_call(kernel, __VA_ARGS__))

unsigned char *dynamic_shared();
size_t multiprocessor_shared_bytes(); /* as emulator_control.h has it */
void __syncthreads();
void __syncwarp();
/* Blocks run one after the other, and each sees what those before it wrote. */
static inline void __threadfence()
{
}
static inline unsigned atomicInc(unsigned *counter, unsigned last)
{
    const unsigned before = *counter;
    *counter = before >= last ? 0 : before + 1;
    return before;
}
template <class T> T __ldcg(const T *address)
{
    return *address;
}

/* Every lane gives `in`; returns where all 32 lanes' stand, until the warp's next meeting but one.
 */
const void *emulate_warp_meet(const void *in, size_t bytes);

template <class T> T __shfl_xor_sync(unsigned, T value, int lanes)
{
    const T *all = static_cast<const T *>(emulate_warp_meet(&value, sizeof value));
    return all[(threadIdx.x % 32) ^ static_cast<unsigned>(lanes)];
}

template <class T> T __shfl_sync(unsigned, T value, unsigned lane)
{
    return static_cast<const T *>(emulate_warp_meet(&value, sizeof value))[lane % 32];
}

static inline uint32_t __umulhi(uint32_t a, uint32_t b)
{
    return static_cast<uint32_t>((static_cast<uint64_t>(a) * b) >> 32);
}
static inline float rsqrtf(float x)
{
    return 1.0f / std::sqrt(x);
}

/* The formats narrower than floats; rounding is to nearest, ties to even, as the hardware's. fp8 is
 * E4M3, saturating. */
struct bf16 {
    uint16_t bits;
};
struct fp16 {
    uint16_t bits;
};
struct fp8 {
    uint8_t code;
};
float emulate_to_float(bf16 value);
float emulate_to_float(fp16 value);
float emulate_to_float(fp8 value);
void emulate_from_float(float value, bf16 *out);
void emulate_from_float(float value, fp16 *out);
void emulate_from_float(float value, fp8 *out);

/* cp.async of 16 bytes; `copied` of them are read, the rest is zero. */
void emulate_copy_async(void *to, const void *from, unsigned copied);
void emulate_copy_commit();
void emulate_copy_wait(unsigned groups_in_flight);

/* ldmatrix .x4: this lane's four registers; row: of 16 bytes, this lane's. */
void emulate_load_matrices(uint32_t out[4], const void *row, bool transposed);

/* mma.m16n8k16: sum += a * b; `to_float` reads one 16-bit element. */
void emulate_mma(float sum[4], const uint32_t a[4], const uint32_t b[2],
                 float (*to_float)(uint16_t));

#endif
