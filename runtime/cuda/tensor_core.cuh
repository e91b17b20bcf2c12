/* runtime/cuda/tensor_core.cuh - the instructions of sm_80 that attention is built of, and who
 * holds what in them. PTX ISA 7.0 and later: "mma.m16n8k16", "ldmatrix", "cp.async".
 *
 * mma: D[16][8] += A[16][16] * B[16][8], by one warp. With g = lane / 4 and t = lane % 4:
 *
 *   A (4 registers of 2 elements)        B (2 registers)            D (4 floats)
 *   a0: row g,     columns 2t, 2t+1      b0: rows 2t, 2t+1,         d0, d1: row g,     columns
 *   a1: row g + 8, the same                  column g                        2t, 2t + 1
 *   a2: row g,     columns 2t+8, 2t+9    b1: rows 2t+8, 2t+9,       d2, d3: row g + 8, the same
 *   a3: row g + 8, the same                  column g
 *
 * D's layout is A's, so a product's result can be the next product's left side without leaving its
 * registers: that is what makes attention in one kernel fast.
 *
 * ldmatrix .x4 fills four registers with four 8x8 matrices of 16-bit elements. Lane l names the row
 * (16 bytes) l % 8 of matrix l / 8; the lane gets elements 2t, 2t+1 of row g of each; transposed:
 * element g of rows 2t and 2t+1. */
#ifndef REPRISE_RUNTIME_CUDA_TENSOR_CORE_CUH
#define REPRISE_RUNTIME_CUDA_TENSOR_CORE_CUH

#include "runtime/cuda/element.cuh"

#ifdef REPRISE_EMULATE

template <class T> inline float element_bits_to_float(uint16_t bits)
{
    T value;
    value.bits = bits;
    return to_float(value);
}
template <class T> inline void mma(float sum[4], const uint32_t a[4], const uint32_t b[2])
{
    emulate_mma(sum, a, b, element_bits_to_float<T>);
}
inline void load_matrices(uint32_t out[4], const void *row)
{
    emulate_load_matrices(out, row, false);
}
inline void load_matrices_transposed(uint32_t out[4], const void *row)
{
    emulate_load_matrices(out, row, true);
}
inline void copy_async(void *to_shared, const void *from, bool exists)
{
    emulate_copy_async(to_shared, from, exists ? 16u : 0u);
}
inline void copy_commit()
{
    emulate_copy_commit();
}
template <unsigned GROUPS> inline void copy_wait()
{
    emulate_copy_wait(GROUPS);
}
inline float exp2_fast(float x)
{
    return std::exp2(x);
}

#else

/* The 32-bit address that PTX wants of shared memory. */
static __device__ __forceinline__ uint32_t shared_address(const void *pointer)
{
    return static_cast<uint32_t>(__cvta_generic_to_shared(pointer));
}

template <class T>
__device__ __forceinline__ void mma(float sum[4], const uint32_t a[4], const uint32_t b[2]);

template <>
__device__ __forceinline__ void mma<bf16>(float sum[4], const uint32_t a[4], const uint32_t b[2])
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
template <>
__device__ __forceinline__ void mma<fp16>(float sum[4], const uint32_t a[4], const uint32_t b[2])
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

static __device__ __forceinline__ void load_matrices(uint32_t out[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(shared_address(row))
                 : "memory");
}
static __device__ __forceinline__ void load_matrices_transposed(uint32_t out[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(out[0]), "=r"(out[1]), "=r"(out[2]), "=r"(out[3])
                 : "r"(shared_address(row))
                 : "memory");
}

/* 16 bytes from global to shared memory, past the registers and L1 (.cg: the next reader is another
 * block, by way of L2). Without a source, zeros: a tile's rows past the context's end. */
static __device__ __forceinline__ void copy_async(void *to_shared, const void *from, bool exists)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to_shared)),
                 "l"(from), "r"(exists ? 16 : 0)
                 : "memory");
}
/* What was issued since the last commit is a group... */
static __device__ __forceinline__ void copy_commit()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}
/* ...and this waits until at most GROUPS of this thread's are not there yet. Others' copies are
 * there after the __syncthreads() that follows. */
template <unsigned GROUPS> static __device__ __forceinline__ void copy_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(GROUPS) : "memory");
}

/* 2^x to 2 ulp; 0 for -inf. */
static __device__ __forceinline__ float exp2_fast(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

#endif

/* Over the four lanes that hold a row of D. */
static __device__ __forceinline__ float row_max(float x)
{
    x = fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 1));
    return fmaxf(x, __shfl_xor_sync(ALL_LANES, x, 2));
}
static __device__ __forceinline__ float row_sum(float x)
{
    x += __shfl_xor_sync(ALL_LANES, x, 1);
    return x + __shfl_xor_sync(ALL_LANES, x, 2);
}

#endif
