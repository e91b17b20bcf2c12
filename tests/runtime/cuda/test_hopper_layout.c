/* tests/runtime/cuda/test_hopper_layout.c - prefill_hopper.cu's addresses are what Hopper's tensor
 * cores read. The other side is written down here once more, from PTX ISA's tables, as a slow
 * reader: where the element (n, k) of an operand is that a descriptor names. */
#include "runtime/cuda/hopper_layout.h"

#include "tests/support.h"

#include <stdbool.h>
#include <string.h>

enum { ELEMENT_BYTES = 2, TILE_BYTES_MAX = 128 * 128 * ELEMENT_BYTES };

/* Swizzling over 128 bytes: bits 4..6 of an address are XORed with its bits 7..9. */
static uint32_t swizzled(uint32_t address)
{
    return address ^ (address >> 3 & 0x70);
}

static uint32_t field(uint64_t descriptor, unsigned from, unsigned bits)
{
    return (uint32_t)(descriptor >> from & ((UINT64_C(1) << bits) - 1));
}

/* Element n of the outer, k < 16 of the inner dimension. CUTLASS's canonical layouts, in bytes:
 *   inner along rows: ((8, n), 2 chunks) : ((128, stride), 16)
 *   inner down rows:  ((64 elements, n), (8, 2)) : ((2, leading), (128, stride)) */
static uint32_t read_address(uint64_t descriptor, bool down_rows, uint32_t n, uint32_t k)
{
    uint32_t start = field(descriptor, 0, 14) << 4;
    uint32_t leading = field(descriptor, 16, 14) << 4, stride = field(descriptor, 32, 14) << 4;
    if (down_rows)
        return swizzled(start + n / 64 * leading + n % 64 * ELEMENT_BYTES + k / 8 * stride +
                        k % 8 * 128);
    return swizzled(start + n / 8 * stride + n % 8 * 128 + k * ELEMENT_BYTES);
}

static uint32_t written_address(uint32_t tile, uint32_t rows, uint32_t row, uint32_t column)
{
    return tile + hopper_chunk_offset(rows, row, column / 8) + column % 8 * ELEMENT_BYTES;
}

static const struct {
    uint32_t rows, columns;
} tiles[] = { { 64, 64 }, { 64, 128 }, { 128, 64 }, { 128, 128 } };
enum { TILES = sizeof tiles / sizeof *tiles };

START_TEST(a_tile_is_filled_without_gap_or_overlap)
{
    uint32_t rows = tiles[_i].rows, columns = tiles[_i].columns;
    static bool taken[TILE_BYTES_MAX / ELEMENT_BYTES];
    memset(taken, 0, sizeof taken);
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t column = 0; column < columns; column++) {
            uint32_t at = written_address(0, rows, row, column);
            ck_assert_uint_lt(at, rows * columns * ELEMENT_BYTES);
            ck_assert_uint_eq(at % ELEMENT_BYTES, 0);
            ck_assert(!taken[at / ELEMENT_BYTES]);
            taken[at / ELEMENT_BYTES] = true;
        }
}
END_TEST

START_TEST(a_descriptor_has_its_fields_where_ptx_wants_them)
{
    uint64_t d = hopper_descriptor(0x2c400, 0x4000, 0x400);
    ck_assert_uint_eq(field(d, 0, 14), 0x2c40);
    ck_assert_uint_eq(field(d, 16, 14), 0x400);
    ck_assert_uint_eq(field(d, 32, 14), 0x40);
    ck_assert_uint_eq(field(d, 49, 3), 0); /* base offset: tiles are aligned to the swizzle */
    ck_assert_uint_eq(field(d, 62, 2), 1); /* swizzled over 128 bytes */
    ck_assert_uint_eq(field(d, 14, 2) + field(d, 30, 2) + field(d, 46, 3) + field(d, 52, 10), 0);
}
END_TEST

/* Queries and keys: outer is the row, inner the column. */
START_TEST(products_along_rows_read_what_was_written)
{
    const uint32_t tile = 0x8400, rows = tiles[_i].rows;
    for (uint32_t step = 0; step < tiles[_i].columns / 16; step++)
        for (uint32_t n = 0; n < rows; n++)
            for (uint32_t k = 0; k < 16; k++) {
                uint64_t descriptor =
                    hopper_along_rows(tile) + hopper_further(hopper_step_along_rows(rows, step));
                ck_assert_uint_eq(read_address(descriptor, false, n, k),
                                  written_address(tile, rows, n, 16 * step + k));
            }
}
END_TEST

/* Values: outer is the column, inner the row. */
START_TEST(products_down_rows_read_what_was_written)
{
    const uint32_t tile = 0x18000, rows = tiles[_i].rows;
    for (uint32_t step = 0; step < rows / 16; step++)
        for (uint32_t n = 0; n < tiles[_i].columns; n++)
            for (uint32_t k = 0; k < 16; k++) {
                uint64_t descriptor =
                    hopper_down_rows(tile, rows) + hopper_further(hopper_step_down_rows(step));
                ck_assert_uint_eq(read_address(descriptor, true, n, k),
                                  written_address(tile, rows, 16 * step + k, n));
            }
}
END_TEST

START_TEST(the_next_stage_is_a_tile_further_in_the_descriptor)
{
    const uint32_t tile = 0x8000, bytes = 128 * 128 * ELEMENT_BYTES;
    ck_assert_uint_eq(hopper_along_rows(tile) + 3 * hopper_further(bytes),
                      hopper_along_rows(tile + 3 * bytes));
    ck_assert_uint_eq(hopper_down_rows(tile, 128) + 3 * hopper_further(bytes),
                      hopper_down_rows(tile + 3 * bytes, 128));
}
END_TEST

/* PTX ISA, "Register Fragments for wgmma.mma_async.m64nNk16", D. And: two neighbouring values of a
 * result are two neighbouring elements of the next product's left operand, which is why weights
 * need no shuffling: A's register r of inner step s is made of values 8s + 2r and 8s + 2r + 1. */
START_TEST(a_result_is_held_once_and_is_the_next_left_operand)
{
    static uint32_t held[64][128];
    memset(held, 0, sizeof held);
    for (uint32_t thread = 0; thread < 128; thread++) {
        uint32_t warp = thread / 32, group = thread % 32 / 4, in_group = thread % 4;
        for (uint32_t i = 0; i < 64; i++) {
            uint32_t row = hopper_result_row(thread, i), column = hopper_result_column(thread, i);
            held[row][column]++;
            uint32_t step = i / 8, r = i % 8 / 2;
            ck_assert_uint_eq(row, 16 * warp + group + r % 2 * 8);
            ck_assert_uint_eq(column, 16 * step + 2 * in_group + i % 2 + r / 2 * 8);
        }
    }
    for (uint32_t row = 0; row < 64; row++)
        for (uint32_t column = 0; column < 128; column++)
            ck_assert_uint_eq(held[row][column], 1);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("layout");
    tcase_add_loop_test(tests, a_tile_is_filled_without_gap_or_overlap, 0, TILES);
    tcase_add_test(tests, a_descriptor_has_its_fields_where_ptx_wants_them);
    tcase_add_loop_test(tests, products_along_rows_read_what_was_written, 0, TILES);
    tcase_add_loop_test(tests, products_down_rows_read_what_was_written, 0, TILES);
    tcase_add_test(tests, the_next_stage_is_a_tile_further_in_the_descriptor);
    tcase_add_test(tests, a_result_is_held_once_and_is_the_next_left_operand);
    Suite *suite = suite_create("Hopper's tiles");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
