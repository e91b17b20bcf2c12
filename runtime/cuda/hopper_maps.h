/* runtime/cuda/hopper_maps.h - what one instruction of Hopper's copies: boxes of rows, by a tensor
 * map (TMA). Arithmetic only: the same functions for the kernel, for its launch and for the test on
 * a CPU. PTX ISA 8.0 and later, "Tensors"; CUDA driver API, cuTensorMapEncodeTiled().
 *
 * Rotated keys and the KV pool are both rows of kv_heads * head_dim elements, one behind the other;
 * all that a page or a layer begins with is a number of such rows. So a map is
 *
 *   [row][kv_head][element of the head]     and a box: box_rows rows, one head, 64 elements,
 *
 * which fills box_rows rows of one of a tile's blocks (hopper_layout.h), swizzled. Elements beyond
 * head_dim, and rows beyond the map's last, come as zeros and count as copied.
 *
 *   keys, rotated      a box is a tile's block; rows behind the sequence's last come too, whatever
 *                      they hold: their scores are replaced, not added to
 *   out of the pool    a box is a page. Only tiles of whole pages whose tokens all exist: a value
 *                      of a token that does not, NaN for example, would spoil the sum even with a
 *                      weight of 0 */
#ifndef REPRISE_RUNTIME_CUDA_HOPPER_MAPS_H
#define REPRISE_RUNTIME_CUDA_HOPPER_MAPS_H

#include "runtime/cuda/hopper_layout.h"
#include "runtime/cuda/kernels.h"

/* As cuTensorMapEncodeTiled() wants it, fastest dimension first. */
struct hopper_map_shape {
    uint64_t sizes[3];        /* elements */
    uint64_t stride_bytes[2]; /* of the second and third dimension */
    uint32_t box[3];
};

static inline struct hopper_map_shape hopper_map_shape(const struct kernel_attention *a,
                                                       uint32_t rows, uint32_t box_rows)
{
    const uint64_t head_bytes = a->head_dim * UINT64_C(2);
    const struct hopper_map_shape shape = { { a->head_dim, a->kv_heads, rows },
                                            { head_bytes, head_bytes * a->kv_heads },
                                            { HOPPER_BLOCK_COLUMNS, 1, box_rows } };
    return shape;
}

/* Rows of the pool's map. No box reads past the pages that a sequence has, so it need not be known
 * where the pool ends; coordinates are signed. */
#define HOPPER_POOL_ROWS UINT32_C(0x7fffffff)

/* Where a layer's keys begin in a page, as rows of the pool. */
struct hopper_pages {
    uint32_t page_rows, layer_rows; /* from page to page; from a page to the layer in it */
};

static inline struct hopper_pages hopper_pages_of(const struct kernel_attention *a)
{
    const uint64_t width = (uint64_t)a->kv_heads * a->head_dim;
    const struct hopper_pages pages = { (uint32_t)(a->page_stride / width),
                                        (uint32_t)(a->layer_offset / width) };
    return pages;
}

/* Whether tiles of tile_rows can be put together of pages. From eight rows on: a box then begins
 * where the swizzle's period does, and is worth an instruction. */
static inline int hopper_pages_fit(const struct kernel_attention *a, uint32_t tile_rows)
{
    const uint32_t page = a->page_tokens.value;
    const uint64_t width = (uint64_t)a->kv_heads * a->head_dim;
    return page >= 8 && tile_rows % page == 0 && a->page_stride % width == 0 &&
           a->layer_offset % width == 0 && a->page_stride / width < HOPPER_POOL_ROWS;
}

/* The row of the pool's map where a page's keys of the layer begin, or its values. */
HOPPER_LAYOUT uint32_t hopper_page_row(struct hopper_pages pages, uint32_t page,
                                       uint32_t page_tokens, uint32_t values)
{
    return page * pages.page_rows + pages.layer_rows + values * page_tokens;
}

/* A tile is tile_rows / box_rows boxes down and a box a block of 64 columns across, numbered block
 * by block of the same rows. Where box `box` goes, in bytes from the tile's begin. */
HOPPER_LAYOUT uint32_t hopper_box_offset(uint32_t tile_rows, uint32_t box_rows, uint32_t blocks,
                                         uint32_t box)
{
    return (box % blocks * tile_rows + box / blocks * box_rows) * HOPPER_ROW_BYTES;
}

#endif
