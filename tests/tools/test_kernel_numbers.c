/* tests/tools/test_kernel_numbers.c - what nvcc makes of the CUDA kernels keeps what it was made
 * for: registers that let as many blocks run as launches count on, the instructions that a GPU has
 * for it, wide loads. All of it would be lost without a wrong number anywhere. And tools/sass.c
 * counts what known PTX has. argv: the kernels' library, the cubin of known.ptx. */
#include "tests/support.h"
#include "tools/sass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct cubins kernels, known;

/* ---- instances ---- */

/* Of attention's kernels the width of a head. */
static uint32_t width_of(const struct cubin_kernel *k)
{
    return cubin_kernel_number(k, 0);
}

static bool of_fp8(const struct cubin_kernel *k)
{
    return strstr(k->name, "fp8") != NULL;
}

/* Of kernel k of the library. */
#define HOLDS(k, found, relation, expected)                                                        \
    ck_assert_msg((found)relation(expected), "%s, sm_%u: %s is %lu, expected " #relation " %lu",   \
                  (k)->name, (k)->architecture, #found, (unsigned long)(found),                    \
                  (unsigned long)(expected))

/* Calls hold() for each instance of a family; there must be some. */
static void each(const char *family, void (*hold)(const struct cubin_kernel *k))
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < kernels.count; i++)
        if (cubin_kernel_is(&kernels.kernels[i], family)) {
            hold(&kernels.kernels[i]);
            count++;
        }
    ck_assert_msg(count > 0, "no kernel %s", family);
}

/* ---- the counter ---- */

START_TEST(instructions_of_known_ptx_are_counted)
{
    ck_assert_uint_eq(known.count, 1);
    const struct cubin_kernel *k = &known.kernels[0];
    ck_assert_str_eq(k->name, "known");
    ck_assert_uint_eq(k->architecture, 90);
    ck_assert_uint_eq(k->threads, 128);
    ck_assert_uint_ge(k->stack_bytes, 64);
    const struct sass_counts all = sass_count(k, 0, k->instructions), loop = sass_tile_loop(k);
    static const struct {
        const char *name;
        enum sass_kind kind;
        uint64_t all, loop;
    } expected[] = {
        { "HMMA", SASS_HMMA, 3, 3 },
        { "HGMMA", SASS_HGMMA, 1, 0 },
        { "LDS", SASS_LDS, 1, 1 },
        { "LDSM", SASS_LDSM, 3, 3 },
        { "STS", SASS_STS, 1, 1 },
        { "LDG", SASS_LDG, 3, 0 },
        { "LDG.128", SASS_LDG_16, 2, 0 },
        { "LDGSTS", SASS_LDGSTS, 3, 3 },
        { "LDGSTS.128", SASS_LDGSTS_16, 2, 2 },
        { "UTMALDG", SASS_UTMALDG, 1, 0 },
        { "MUFU", SASS_MUFU, 4, 4 },
        { "BAR", SASS_BAR, 2, 2 },
        { "SYNCS", SASS_SYNCS, 1, 0 },
        { "local", SASS_LOCAL, 2, 0 },
        { "double", SASS_DOUBLE, 1, 0 },
        { "USETMAXREG", SASS_SETREG, 1, 0 },
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++) {
        ck_assert_msg(all.of[expected[i].kind] == expected[i].all, "%s: %lu in all",
                      expected[i].name, (unsigned long)all.of[expected[i].kind]);
        ck_assert_msg(loop.of[expected[i].kind] == expected[i].loop, "%s: %lu in the loop",
                      expected[i].name, (unsigned long)loop.of[expected[i].kind]);
    }
    ck_assert_uint_lt(loop.all, 60);
}
END_TEST

START_TEST(every_kernel_is_there_for_each_architecture)
{
    ck_assert_uint_gt(kernels.count, 0);
    ck_assert_uint_eq(kernels.unread, 0);
    for (uint32_t i = 0; i < kernels.count; i++) {
        const struct cubin_kernel *k = &kernels.kernels[i];
        uint32_t same = 0;
        for (uint32_t j = 0; j < kernels.count; j++)
            same += strcmp(k->name, kernels.kernels[j].name) == 0;
        HOLDS(k, same, ==, k->specific ? 1U : ARCHITECTURES);
    }
}
END_TEST

/* ---- registers ---- */

/* Angles are worked out in double precision, whose reduction of large ones has a table in local
 * memory. Elsewhere local memory is spilled registers: a few bytes at a loop's ends cost nothing.
 */
START_TEST(registers_are_not_spilled_but_for_a_few_bytes)
{
    for (uint32_t i = 0; i < kernels.count; i++)
        if (!cubin_kernel_is(&kernels.kernels[i], "rope_table_kernel"))
            HOLDS(&kernels.kernels[i], kernels.kernels[i].stack_bytes, <=, 32U);
}
END_TEST

/* Known: of prefill_kernel with heads of 128, sm_90's ptxas keeps the four sums of a thread in
 * local memory while a tile is multiplied. On a GPU of 9.0 it runs for windowed layers alone. And
 * of thousands of instructions that make fp16 of E4M3 on sm_80, one loads a register. */
START_TEST(no_loop_over_tiles_spills)
{
    for (uint32_t i = 0; i < kernels.count; i++) {
        const struct cubin_kernel *k = &kernels.kernels[i];
        bool sums =
            cubin_kernel_is(k, "prefill_kernel") && width_of(k) == 128 && k->architecture == 90;
        bool codes = cubin_kernel_is(k, "decode_kernel") && of_fp8(k) && k->architecture == 80;
        HOLDS(k, sass_tile_loop(k).of[SASS_LOCAL], <=, sums ? 12U : codes ? 2U : 0U);
    }
}
END_TEST

static void hold_resident(const struct cubin_kernel *k, uint32_t threads, uint32_t blocks)
{
    HOLDS(k, k->threads, ==, threads);
    HOLDS(k, (k->registers + 7) / 8 * 8 * k->threads * blocks, <=, 65536U);
}

static void hold_two_blocks(const struct cubin_kernel *k)
{
    hold_resident(k, 128, 2);
}

static void hold_hopper_block(const struct cubin_kernel *k)
{
    hold_resident(k, 384, 1);
    /* Copying warps give registers away, computing ones take them. */
    HOLDS(k, sass_count(k, 0, k->instructions).of[SASS_SETREG], >=, 2U);
}

/* plan.c counts on them: kernel_prefill_resident(), DECODE_RESIDENT. */
START_TEST(as_many_blocks_fit_a_multiprocessors_registers_as_plans_count_on)
{
    each("prefill_kernel", hold_two_blocks);
    each("decode_kernel", hold_two_blocks);
    each("latent_kernel", hold_two_blocks);
    each("prefill_hopper_kernel", hold_hopper_block);
}
END_TEST

/* ---- loops over tiles ----
 *
 * most: instructions, a tenth above what there was when it was written. */

static void hold_hopper_loop(const struct cubin_kernel *k)
{
    const struct sass_counts all = sass_count(k, 0, k->instructions), loop = sass_tile_loop(k);
    const uint32_t dim = width_of(k), keys = 128;
    ck_assert_msg(k->specific, "%s: not for sm_90a", k->name);
    HOLDS(k, all.of[SASS_HMMA], ==, 0U);
    HOLDS(k, loop.of[SASS_HGMMA], ==, dim / 16 + keys / 16);
    /* Keys turned, keys and values out of the pool. */
    HOLDS(k, all.of[SASS_UTMALDG], >=, 3U);
    HOLDS(k, loop.of[SASS_LDG] + loop.of[SASS_LDGSTS], ==, 0U); /* others copy */
    HOLDS(k, loop.of[SASS_LDS] + loop.of[SASS_LDSM], <=, 4U);   /* wgmma reads by itself */
    HOLDS(k, loop.of[SASS_DOUBLE], ==, 0U);
    HOLDS(k, loop.all, <=, 500U);
}

START_TEST(prefill_on_hopper_multiplies_by_wgmma_and_copies_by_tensor_map)
{
    each("prefill_hopper_kernel", hold_hopper_loop);
}
END_TEST

static void hold_prefill_loop(const struct cubin_kernel *k)
{
    const struct sass_counts loop = sass_tile_loop(k);
    const uint32_t dim = width_of(k);
    const bool windowed = strstr(k->name, "true") != NULL;
    HOLDS(k, loop.of[SASS_HMMA], ==, 2 * dim); /* 32 queries x 64 keys, twice */
    HOLDS(k, loop.of[SASS_LDGSTS], ==, dim / 8);
    HOLDS(k, loop.of[SASS_LDGSTS_16], ==, dim / 8);
    HOLDS(k, loop.of[SASS_LDG], ==, 0U);
    HOLDS(k, loop.of[SASS_BAR], ==, 2U);
    HOLDS(k, loop.of[SASS_DOUBLE], ==, 0U);
    HOLDS(k, loop.all, <=, (windowed ? 850U : 600U) + 12 * dim);
}

START_TEST(prefill_copies_16_bytes_at_once_and_waits_twice_a_tile)
{
    each("prefill_kernel", hold_prefill_loop);
}
END_TEST

static void hold_decode_loop(const struct cubin_kernel *k)
{
    const struct sass_counts loop = sass_tile_loop(k);
    const uint32_t dim = width_of(k);
    const uint32_t copies = dim / (of_fp8(k) ? 16 : 8); /* 64 keys and values by 128 threads */
    HOLDS(k, loop.of[SASS_HMMA], ==, dim / 4);
    HOLDS(k, loop.of[SASS_LDGSTS], ==, copies);
    HOLDS(k, loop.of[SASS_LDGSTS_16], ==, copies);
    HOLDS(k, loop.of[SASS_LDG], ==, 1U); /* the page's number */
    HOLDS(k, loop.of[SASS_BAR], ==, 0U); /* warps do not wait for each other */
    HOLDS(k, loop.of[SASS_DOUBLE], ==, 0U);
    /* sm_80 has no instruction that makes elements of E4M3: some fifty in its place, a pair. */
    if (of_fp8(k))
        HOLDS(k, loop.all, <=, k->architecture == 80 ? 600 + 48 * dim : 260 + 8 * dim);
    else
        HOLDS(k, loop.all, <=, 220 + 6 * dim);
}

START_TEST(decode_copies_16_bytes_at_once_and_never_waits_for_other_warps)
{
    each("decode_kernel", hold_decode_loop);
}
END_TEST

static void hold_latent_loop(const struct cubin_kernel *k)
{
    const struct sass_counts loop = sass_tile_loop(k);
    HOLDS(k, loop.of[SASS_HMMA], >=,
          width_of(k) / 8); /* values; and keys, in a loop of their own */
    HOLDS(k, loop.of[SASS_LDGSTS], ==, loop.of[SASS_LDGSTS_16]);
    HOLDS(k, loop.of[SASS_LDGSTS] > 0, ==, !of_fp8(k));
    HOLDS(k, loop.of[SASS_DOUBLE], ==, 0U);
    HOLDS(k, loop.all, <=, 1000U);
}

START_TEST(latent_attention_multiplies_by_tensor_cores_and_copies_16_bytes_at_once)
{
    each("latent_kernel", hold_latent_loop);
}
END_TEST

/* ---- what is bound by memory ---- */

static void hold_wide_loads(const struct cubin_kernel *k)
{
    HOLDS(k, sass_count(k, 0, k->instructions).of[SASS_LDG_16], >=, 1U);
}

START_TEST(what_moves_rows_loads_16_bytes_at_once)
{
    static const char *const families[] = { "add_kernel",   "swiglu_kernel", "gelu_kernel",
                                            "norm_kernel",  "gather_kernel", "fetch_kernel",
                                            "merge_kernel", "combine_kernel" };
    each(families[_i], hold_wide_loads);
}
END_TEST

int main(int argc, char **argv)
{
    struct error err = { 0 };
    if (argc != 3 || cubins_read(argv[1], &kernels, &err) != STATUS_OK ||
        cubins_read(argv[2], &known, &err) != STATUS_OK) {
        error_print(stderr, &err);
        return 1;
    }
    if (kernels.count == 0 && kernels.unread > 0) {
        printf("skipped: the kernels' code is compressed by LZ4\n");
        return TEST_SKIPPED;
    }
    TCase *tests = tcase_create("kernels");
    tcase_add_test(tests, instructions_of_known_ptx_are_counted);
    tcase_add_test(tests, every_kernel_is_there_for_each_architecture);
    tcase_add_test(tests, registers_are_not_spilled_but_for_a_few_bytes);
    tcase_add_test(tests, no_loop_over_tiles_spills);
    tcase_add_test(tests, as_many_blocks_fit_a_multiprocessors_registers_as_plans_count_on);
    tcase_add_test(tests, prefill_on_hopper_multiplies_by_wgmma_and_copies_by_tensor_map);
    tcase_add_test(tests, prefill_copies_16_bytes_at_once_and_waits_twice_a_tile);
    tcase_add_test(tests, decode_copies_16_bytes_at_once_and_never_waits_for_other_warps);
    tcase_add_test(tests, latent_attention_multiplies_by_tensor_cores_and_copies_16_bytes_at_once);
    tcase_add_loop_test(tests, what_moves_rows_loads_16_bytes_at_once, 0, 8);
    Suite *suite = suite_create("what nvcc makes of the kernels");
    suite_add_tcase(suite, tests);
    int code = test_main(suite);
    cubins_free(&kernels);
    cubins_free(&known);
    return code;
}
