/* runtime/cuda/hopper.cuh - the instructions of sm_90a that prefill_hopper.cu is built of: wgmma,
 * mbarriers, named barriers, copies by tensor map, registers handed from warpgroup to warpgroup.
 * PTX ISA 8.0 and later.
 *
 * wgmma is a product by a warpgroup (4 warps): D[64][N] += A[64][16] * B[16][N]. It runs by itself
 * once issued: B, and A too where it is not in registers, is read from shared memory by way of the
 * descriptors of hopper_layout.h, and its registers may not be touched before wgmma_wait(). The
 * compiler's first half does not know that; hold() keeps it from moving what writes them to behind
 * wgmma_fence(), and what reads them to before the wait. */
#ifndef REPRISE_RUNTIME_CUDA_HOPPER_CUH
#define REPRISE_RUNTIME_CUDA_HOPPER_CUH

#include "runtime/cuda/hopper_layout.h"
#include "runtime/cuda/tensor_core.cuh"

#include <cuda.h> /* CUtensorMap; nothing of the driver is linked */

static constexpr unsigned WARPGROUP_THREADS = 128;

/* ---- who waits for whom ---- */

/* A barrier in shared memory. Its phases count from 0; it ends one when `arrivals` have come. */
static __device__ __forceinline__ void mbarrier_init(uint64_t *barrier, uint32_t arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
                 "r"(arrivals)
                 : "memory");
}
/* Makes this thread's initialisations known to copies by tensor map, which come to a barrier by
 * wgmma's door (below); other threads know of them after __syncthreads(). */
static __device__ __forceinline__ void mbarrier_init_fence()
{
    asm volatile("fence.mbarrier_init.release.cluster; fence.proxy.async.shared::cta;" ::
                     : "memory");
}
static __device__ __forceinline__ void mbarrier_arrive(uint64_t *barrier)
{
    asm volatile("{ .reg .b64 state; mbarrier.arrive.shared::cta.b64 state, [%0]; }" ::"r"(
                     shared_address(barrier))
                 : "memory");
}
/* Arrives when all copies that this thread began so far are there; returns at once. */
static __device__ __forceinline__ void mbarrier_arrive_with_copies(uint64_t *barrier)
{
    asm volatile(
        "cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(shared_address(barrier))
        : "memory");
}
/* Waits for the end of the last phase of that parity: 0 for phase 0, 2, ... In a barrier where
 * nothing has ended yet, parity 1 does not wait. */
static __device__ __forceinline__ void mbarrier_wait(uint64_t *barrier, uint32_t parity)
{
    uint32_t ended;
    do
        asm volatile("{ .reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; "
                     "selp.u32 %0, 1, 0, p; }"
                     : "=r"(ended)
                     : "r"(shared_address(barrier)), "r"(parity)
                     : "memory");
    while (ended == 0);
}

/* Arrives, and has the phase wait for that many bytes of copies by tensor map besides. */
static __device__ __forceinline__ void mbarrier_arrive_and_expect(uint64_t *barrier, uint32_t bytes)
{
    asm volatile("{ .reg .b64 state; "
                 "mbarrier.arrive.expect_tx.shared::cta.b64 state, [%0], %1; }" ::"r"(
                     shared_address(barrier)),
                 "r"(bytes)
                 : "memory");
}

/* Named barriers, of a block: `threads` of them have arrived, those that wait among them. Number 0
 * is __syncthreads(). */
static __device__ __forceinline__ void barrier_sync(unsigned number, unsigned threads)
{
    asm volatile("bar.sync %0, %1;" ::"r"(number), "r"(threads) : "memory");
}
static __device__ __forceinline__ void barrier_arrive(unsigned number, unsigned threads)
{
    asm volatile("bar.arrive %0, %1;" ::"r"(number), "r"(threads) : "memory");
}

/* wgmma reads shared memory through another door ("async proxy") than stores and cp.async write it:
 * stands between what was written, and is known to be there, and the product that reads it. */
static __device__ __forceinline__ void fence_for_wgmma()
{
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* Begins copying the box of a tensor map (hopper_maps.h) that begins at these coordinates, and
 * tells the barrier when its bytes, those of the whole box, are there. By one thread. What it
 * writes, wgmma sees after the barrier's wait, without a fence. */
static __device__ __forceinline__ void copy_box(void *to, const CUtensorMap *map, uint32_t column,
                                                uint32_t head, uint32_t row, uint64_t *barrier)
{
    asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.tile.mbarrier::complete_tx::bytes "
                 "[%0], [%1, {%2, %3, %4}], [%5];" ::"r"(shared_address(to)),
                 "l"(map), "r"(column), "r"(head), "r"(row), "r"(shared_address(barrier))
                 : "memory");
}
static __device__ __forceinline__ void prefetch_map(const CUtensorMap *map)
{
    asm volatile("prefetch.tensormap [%0];" ::"l"(map) : "memory");
}

/* A value that is the same in all lanes, told to the compiler: it then keeps what follows from it
 * in the warp's common registers, where wgmma wants its descriptors. Else each is moved there anew.
 */
static __device__ __forceinline__ uint32_t uniform(uint32_t value)
{
    return __reduce_or_sync(ALL_LANES, value);
}

/* Registers a thread, of all warps of the warpgroup: a multiple of 8. */
template <unsigned REGISTERS> __device__ __forceinline__ void give_registers()
{
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}
template <unsigned REGISTERS> __device__ __forceinline__ void take_registers()
{
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(REGISTERS));
}

/* ---- products ---- */

/* Before the first product, and after registers that a product takes were written. */
static __device__ __forceinline__ void wgmma_fence()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
/* What was issued since the last commit is a group... */
static __device__ __forceinline__ void wgmma_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
/* ...and this waits until at most GROUPS are not done. */
template <unsigned GROUPS> __device__ __forceinline__ void wgmma_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(GROUPS) : "memory");
}

template <unsigned COUNT> __device__ __forceinline__ void hold(float (&values)[COUNT])
{
#pragma unroll
    for (unsigned i = 0; i < COUNT; i++)
        asm volatile("" : "+f"(values[i])::"memory");
}
template <unsigned COUNT> __device__ __forceinline__ void hold(uint32_t (&values)[COUNT])
{
#pragma unroll
    for (unsigned i = 0; i < COUNT; i++)
        asm volatile("" : "+r"(values[i])::"memory");
}

/* ptxas likes to move arithmetic to behind a wait that it does not depend on, where it no longer
 * runs beside the products. It leaves a store where it is, and with it what the store needs: here
 * one that never happens, since `computed` is not negative. */
static __device__ __forceinline__ void compute_before_wait(float computed, float *nowhere)
{
    asm volatile(
        "{ .reg .pred p; setp.lt.f32 p, %0, 0f00000000; @p st.shared.f32 [%1], %0; }" ::"f"(
            computed),
        "r"(shared_address(nowhere))
        : "memory");
}

/* sum += A B, with A and B in shared memory, both along rows (`accumulate` 0: sum = A B); and with
 * A in registers, as mma.m16n8k16's A, B down its rows. */
template <class T, unsigned COLUMNS> struct wgmma;

#define WGMMA_8(d, i)                                                                              \
    "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]),    \
        "+f"(d[i + 6]), "+f"(d[i + 7])
#define WGMMA_32(d, i) WGMMA_8(d, i), WGMMA_8(d, i + 8), WGMMA_8(d, i + 16), WGMMA_8(d, i + 24)
#define WGMMA_SUM_64(d) WGMMA_32(d, 0)
#define WGMMA_SUM_128(d) WGMMA_32(d, 0), WGMMA_32(d, 32)
#define WGMMA_NAMES_64                                                                             \
    "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,"  \
    "%25,%26,%27,%28,%29,%30,%31}"
#define WGMMA_NAMES_128                                                                            \
    "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,%16,%17,%18,%19,%20,%21,%22,%23,%24,"  \
    "%25,%26,%27,%28,%29,%30,%31,%32,%33,%34,%35,%36,%37,%38,%39,%40,%41,%42,%43,%44,%45,%46,%47," \
    "%48,%49,%50,%51,%52,%53,%54,%55,%56,%57,%58,%59,%60,%61,%62,%63}"

/* N0...: the numbers of the operands behind the sum's COLUMNS / 2. */
#define WGMMA_DEFINE(T, TYPE, COLUMNS, N0, N1, N2, N3, N4)                                         \
    template <> struct wgmma<T, COLUMNS> {                                                         \
        static __device__ __forceinline__ void shared(float (&sum)[COLUMNS / 2], uint64_t a,       \
                                                      uint64_t b, uint32_t accumulate)             \
        {                                                                                          \
            asm volatile("{ .reg .pred p; setp.ne.b32 p, %" N2 ", 0; "                             \
                         "wgmma.mma_async.sync.aligned.m64n" #COLUMNS "k16.f32." TYPE "." TYPE     \
                         " " WGMMA_NAMES_##COLUMNS ", %" N0 ", %" N1 ", p, 1, 1, 0, 0; }"          \
                         : WGMMA_SUM_##COLUMNS(sum)                                                \
                         : "l"(a), "l"(b), "r"(accumulate)                                         \
                         : "memory");                                                              \
        }                                                                                          \
        static __device__ __forceinline__ void registers(float (&sum)[COLUMNS / 2],                \
                                                         const uint32_t *a, uint64_t b)            \
        {                                                                                          \
            asm volatile("wgmma.mma_async.sync.aligned.m64n" #COLUMNS "k16.f32." TYPE "." TYPE     \
                         " " WGMMA_NAMES_##COLUMNS ", {%" N0 ",%" N1 ",%" N2 ",%" N3 "}, %" N4     \
                                                   ", 1, 1, 1, 1;"                                 \
                         : WGMMA_SUM_##COLUMNS(sum)                                                \
                         : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b)                      \
                         : "memory");                                                              \
        }                                                                                          \
    };

WGMMA_DEFINE(bf16, "bf16", 64, "32", "33", "34", "35", "36")
WGMMA_DEFINE(bf16, "bf16", 128, "64", "65", "66", "67", "68")
WGMMA_DEFINE(fp16, "f16", 64, "32", "33", "34", "35", "36")
WGMMA_DEFINE(fp16, "f16", 128, "64", "65", "66", "67", "68")

#endif
