/* runtime/cuda/hopper_layout.h - where an element of a tile lies in shared memory for Hopper's
 * tensor cores, and how a tile is described to them. Arithmetic only: the same functions for the
 * kernel and for the test on a CPU. PTX ISA 8.0 and later: "Asynchronous Warpgroup Level Matrix
 * Instructions", "Matrix Descriptor"; and CUTLASS's canonical layouts (mma_traits_sm90_gmma.hpp).
 *
 * A tile has rows of 64 or 128 elements of 16 bits; rows: a multiple of 8. It is cut into blocks of
 * 64 columns, so that a row of a block is the 128 bytes that all banks span; the blocks lie one
 * behind the other. Eight rows are a group of 1024 bytes, and its 16-byte chunks are swizzled:
 * chunk c of row r lies at c ^ (r % 8). A tile begins at a multiple of 1024 bytes.
 *
 *            block 0 (columns 0..63)               block 1 (columns 64..127)
 *   row 0:   chunks 0 1 2 3 4 5 6 7       row 0:   chunks  8  9 10 11 12 13 14 15
 *   row 1:          1 0 3 2 5 4 7 6       row 1:           9  8 11 10 13 12 15 14
 *   ...                                   ...                                                    */
#ifndef REPRISE_RUNTIME_CUDA_HOPPER_LAYOUT_H
#define REPRISE_RUNTIME_CUDA_HOPPER_LAYOUT_H

#include <stdint.h>

#ifdef __CUDACC__
#define HOPPER_LAYOUT static __host__ __device__ __forceinline__
#else
#define HOPPER_LAYOUT static inline
#endif

enum {
    HOPPER_BLOCK_COLUMNS = 64,
    HOPPER_ROW_BYTES = 128,   /* of a block */
    HOPPER_GROUP_BYTES = 1024 /* eight rows of a block: the swizzle's period */
};

/* Where chunk `chunk` (of 8 elements) of a row begins, in bytes from the tile's begin. */
HOPPER_LAYOUT uint32_t hopper_chunk_offset(uint32_t rows, uint32_t row, uint32_t chunk)
{
    uint32_t block = chunk / 8 * rows * HOPPER_ROW_BYTES;
    return block + row * HOPPER_ROW_BYTES + ((chunk % 8) ^ (row % 8)) * 16;
}

/* The descriptor of an operand that begins at `address` of shared memory, swizzled over 128 bytes.
 * What the two distances mean depends on which way the products' inner dimension runs:
 *   along the rows (Q and K: an inner step is 16 columns): stride is from one group of eight rows
 * to the next; leading is not used. down the rows (V: an inner step is 16 rows; "transposed"):
 * stride is from one group of eight rows to the next; leading is from one block of 64 columns to
 * the next. */
HOPPER_LAYOUT uint64_t hopper_descriptor(uint32_t address, uint32_t leading_bytes,
                                         uint32_t stride_bytes)
{
    return (uint64_t)(address >> 4 & 0x3fff) | (uint64_t)(leading_bytes >> 4 & 0x3fff) << 16 |
           (uint64_t)(stride_bytes >> 4 & 0x3fff) << 32 | UINT64_C(1) << 62;
}

/* Of a tile whose rows the products run along, and of one down whose rows they run. */
HOPPER_LAYOUT uint64_t hopper_along_rows(uint32_t address)
{
    return hopper_descriptor(address, 16, HOPPER_GROUP_BYTES);
}
HOPPER_LAYOUT uint64_t hopper_down_rows(uint32_t address, uint32_t rows)
{
    return hopper_descriptor(address, rows * HOPPER_ROW_BYTES, HOPPER_GROUP_BYTES);
}

/* What is added to a descriptor to reach so many bytes further. Within a group the swizzle goes by
 * the address itself, so a step of 32 bytes needs no more than this. */
HOPPER_LAYOUT uint64_t hopper_further(uint32_t bytes)
{
    return bytes >> 4;
}

/* Where inner step `step` begins, in bytes from the tile's begin: 16 columns, 16 rows. */
HOPPER_LAYOUT uint32_t hopper_step_along_rows(uint32_t rows, uint32_t step)
{
    return step / 4 * rows * HOPPER_ROW_BYTES + step % 4 * 32;
}
HOPPER_LAYOUT uint32_t hopper_step_down_rows(uint32_t step)
{
    return step * 16 * HOPPER_ROW_BYTES;
}

/* Which element of a product of 64 rows thread `thread` of the warpgroup holds as its value i, i
 * from 0 to columns / 2: each warp 16 rows; in them as mma.m16n8k16's D, 8 columns after 8
 * (tensor_core.cuh). */
HOPPER_LAYOUT uint32_t hopper_result_row(uint32_t thread, uint32_t i)
{
    return thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8;
}
HOPPER_LAYOUT uint32_t hopper_result_column(uint32_t thread, uint32_t i)
{
    return i / 4 * 8 + thread % 4 * 2 + i % 2;
}

#endif
