/* tests/runtime/cuda/test_hopper_maps.c - boxes by tensor map make the same tiles as copying row by
 * row does. The other side is a slow TMA, after the CUDA driver API's cuTensorMapEncodeTiled() and
 * the CUDA C++ Programming Guide's "Swizzle". */
#include "runtime/cuda/hopper_maps.h"

#include "base/memory.h"
#include "tests/support.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { TILE_ROWS = 128, TILE_ELEMENTS = TILE_ROWS * 128 };

/* Elements go to `to` elements from the begin of shared memory, in the box's order, swizzled over
 * 128 bytes by their address; what is outside of the map is 0. Returns the bytes a barrier is told.
 */
static uint32_t copy_box(uint16_t *shared, uint32_t to, const uint16_t *from,
                         const struct hopper_map_shape *map, const uint64_t at[3])
{
    uint32_t i = to * 2;
    for (uint32_t row = 0; row < map->box[2]; row++)
        for (uint32_t head = 0; head < map->box[1]; head++)
            for (uint32_t column = 0; column < map->box[0]; column++, i += 2) {
                uint64_t c = at[0] + column, h = at[1] + head, r = at[2] + row;
                bool inside = c < map->sizes[0] && h < map->sizes[1] && r < map->sizes[2];
                uint64_t bytes = c * 2 + h * map->stride_bytes[0] + r * map->stride_bytes[1];
                shared[(i ^ (i >> 3 & 0x70)) / 2] = inside ? from[bytes / 2] : 0;
            }
    return i - to * 2;
}

/* What an element of memory holds, so that any other would be noticed. */
static uint16_t *memory_of(uint64_t count)
{
    uint16_t *memory = memory_new(count, sizeof *memory);
    for (uint64_t i = 0; i < count; i++)
        memory[i] = (uint16_t)(i * 40503 >> 4 | 1);
    return memory;
}

static uint32_t tile_width(uint32_t head_dim)
{
    return head_dim <= 64 ? 64 : 128;
}

/* Where element `column` of row `row` lies in a tile. */
static uint16_t element_of(const uint16_t *tile, uint32_t row, uint32_t column)
{
    return tile[hopper_chunk_offset(TILE_ROWS, row, column / 8) / 2 + column % 8];
}

static void check_map(const struct hopper_map_shape *map)
{
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_ge(map->sizes[i], 1);
        ck_assert_uint_le(map->sizes[i], UINT64_C(1) << 32);
        ck_assert_uint_ge(map->box[i], 1);
        ck_assert_uint_le(map->box[i], 256);
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(map->stride_bytes[i] % 16, 0);
        ck_assert_uint_lt(map->stride_bytes[i], UINT64_C(1) << 40);
    }
    ck_assert_uint_eq(map->box[0] * 2, 128); /* what the swizzle spans */
}

static const uint32_t head_dims[] = { 40, 48, 64, 80, 96, 120, 128 };
enum { HEAD_DIMS = sizeof head_dims / sizeof *head_dims };

START_TEST(two_boxes_are_a_tile_of_rotated_keys)
{
    const struct kernel_attention a = { .head_dim = head_dims[_i], .kv_heads = 3 };
    const uint32_t rows = 300, width = a.kv_heads * a.head_dim, columns = tile_width(a.head_dim);
    const struct hopper_map_shape map = hopper_map_shape(&a, rows, TILE_ROWS);
    uint16_t *keys = memory_of((uint64_t)rows * width);
    check_map(&map);
    for (uint32_t first = 0; first < rows; first += 60) /* the last tiles reach beyond the rows */
        for (uint32_t head = 0; head < a.kv_heads; head++) {
            static uint16_t tile[TILE_ELEMENTS];
            uint32_t bytes = 0, boxes = columns / 64;
            memset(tile, 0xff, sizeof tile);
            for (uint32_t box = 0; box < boxes; box++)
                bytes += copy_box(tile, hopper_box_offset(TILE_ROWS, TILE_ROWS, boxes, box) / 2,
                                  keys, &map, (uint64_t[]){ box % boxes * 64, head, first });
            ck_assert_uint_eq(bytes, TILE_ROWS * columns * 2);
            for (uint32_t row = 0; row < TILE_ROWS; row++)
                for (uint32_t c = 0; c < columns; c++) {
                    bool exists = c < a.head_dim && first + row < rows;
                    uint64_t at = (uint64_t)(first + row) * width + head * a.head_dim + c;
                    ck_assert_uint_eq(element_of(tile, row, c), exists ? keys[at] : 0);
                }
        }
    free(keys);
}
END_TEST

/* A pool of some pages and layers, as kernels.h has it. */
static struct kernel_attention pool_of(uint32_t head_dim, uint32_t page_tokens, uint32_t layer)
{
    const uint32_t layers = 3, kv_heads = 2;
    const uint64_t slice = UINT64_C(2) * page_tokens * kv_heads * head_dim;
    return (struct kernel_attention){ .head_dim = head_dim,
                                      .kv_heads = kv_heads,
                                      .page_tokens = divisor_of(page_tokens),
                                      .page_stride = layers * slice,
                                      .layer_offset = layer * slice };
}

static void check_pages(const struct kernel_attention *a, bool values)
{
    const uint32_t page_tokens = a->page_tokens.value, pages = 40;
    const uint32_t width = a->kv_heads * a->head_dim, columns = tile_width(a->head_dim);
    const uint32_t blocks = columns / 64, boxes = TILE_ROWS / page_tokens * blocks, head = 1;
    const struct hopper_map_shape map = hopper_map_shape(a, HOPPER_POOL_ROWS, page_tokens);
    static uint16_t tile[TILE_ELEMENTS];
    uint16_t *pool = memory_of(pages * a->page_stride);
    uint32_t bytes = 0;
    check_map(&map);
    memset(tile, 0xff, sizeof tile);
    for (uint32_t box = 0; box < boxes; box++) {
        uint32_t page = (7 * (box / blocks) + 3) % pages; /* any order */
        uint32_t row = hopper_page_row(hopper_pages_of(a), page, page_tokens, values);
        uint32_t to = hopper_box_offset(TILE_ROWS, page_tokens, blocks, box);
        ck_assert_uint_eq(to % HOPPER_GROUP_BYTES, 0);
        bytes += copy_box(tile, to / 2, pool, &map, (uint64_t[]){ box % blocks * 64, head, row });
    }
    ck_assert_uint_le(boxes, 32); /* a box a lane */
    ck_assert_uint_eq(bytes, TILE_ROWS * columns * 2);
    for (uint32_t t = 0; t < TILE_ROWS; t++)
        for (uint32_t c = 0; c < columns; c++) {
            uint64_t page = (7 * (t / page_tokens) + 3) % pages;
            uint64_t at = page * a->page_stride + a->layer_offset +
                          ((values ? page_tokens : 0) + t % page_tokens) * (uint64_t)width +
                          head * a->head_dim + c;
            ck_assert_uint_eq(element_of(tile, t, c), c < a->head_dim ? pool[at] : 0);
        }
    free(pool);
}

START_TEST(a_box_a_page_is_a_tile_of_the_pool)
{
    const uint32_t page_tokens[] = { 8, 16, 32, 64, 128 };
    for (uint32_t i = 0; i < sizeof page_tokens / sizeof *page_tokens; i++)
        for (uint32_t layer = 0; layer < 3; layer += 2) {
            const struct kernel_attention a = pool_of(head_dims[_i], page_tokens[i], layer);
            ck_assert(hopper_pages_fit(&a, TILE_ROWS));
            check_pages(&a, false);
            check_pages(&a, true);
        }
}
END_TEST

START_TEST(pages_that_no_tile_is_whole_of_are_copied_otherwise)
{
    const uint32_t page_tokens[] = { 1, 4, 19, 24, 256 };
    for (uint32_t i = 0; i < sizeof page_tokens / sizeof *page_tokens; i++) {
        const struct kernel_attention a = pool_of(128, page_tokens[i], 1);
        ck_assert(!hopper_pages_fit(&a, TILE_ROWS));
    }
    struct kernel_attention odd = pool_of(128, 16, 1);
    odd.layer_offset += 8; /* no multiple of a row */
    ck_assert(!hopper_pages_fit(&odd, TILE_ROWS));
}
END_TEST

/* A pool may be as large as an H200's memory: no row of it has a number beyond 31 bits. */
START_TEST(the_largest_pool_has_rows_for_its_narrowest_heads)
{
    const uint64_t narrowest_row_bytes = 40 * 2, h200_bytes = UINT64_C(150) << 30;
    ck_assert_uint_lt(h200_bytes / narrowest_row_bytes, HOPPER_POOL_ROWS);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("maps");
    tcase_add_loop_test(tests, two_boxes_are_a_tile_of_rotated_keys, 0, HEAD_DIMS);
    tcase_add_loop_test(tests, a_box_a_page_is_a_tile_of_the_pool, 0, HEAD_DIMS);
    tcase_add_test(tests, pages_that_no_tile_is_whole_of_are_copied_otherwise);
    tcase_add_test(tests, the_largest_pool_has_rows_for_its_narrowest_heads);
    Suite *suite = suite_create("Hopper's tensor maps");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
