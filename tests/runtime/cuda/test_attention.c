/* tests/runtime/cuda/test_attention.c - attention over cached and new tokens by the CUDA kernels
 * equals the definition, however pages, heads and parts lie. On a GPU, or emulated (rig.h). */
#include "tests/runtime/cuda/attention_case.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/runtime/cuda/rig.h"
#include "tests/support.h"

#include <stdio.h>

/* Scores and weights are rounded to elements of 8 (bf16) or 11 (fp16) significant bits on their way
 * through the tensor cores, and so is the result. A key too many or too few of n moves the result
 * by about 1 / sqrt(n): 3 % at 1,000 keys. */
static double tolerance(enum element element)
{
    return element == ELEMENT_BF16 ? 0.008 : 0.001;
}

static struct case_result check(const struct attention_case *c)
{
    struct case_result result = case_run(c);
    double error = relative_error(result.out, result.expected, result.count);
    ck_assert_msg(error <= tolerance(c->element), "relative error %g", error);
    ck_assert_msg(result.ways_agree, "the result depends on the order of threads or copies");
    ck_assert_msg(result.kv_exact, "the pool is not what was stored");
    return result;
}

START_TEST(a_prefill_without_cache_is_causal_attention)
{
    const struct attention_case c = { .heads = 2,
                                      .kv_heads = 2,
                                      .head_dim = 64,
                                      .page_tokens = 16,
                                      .rotation = ROTATION_HALVES,
                                      .contexts = { { .new_tokens = 150 } } };
    struct case_result result = check(&c);
    ck_assert_uint_eq(result.prefills, 2); /* of 128 queries */
    case_free(&result);
}
END_TEST

START_TEST(a_prefill_over_a_cached_prefix_sees_all_of_it)
{
    /* The first page's first 5 rows were cut off; 19: pages are not powers of two. */
    const struct attention_case c = { .heads = 4,
                                      .kv_heads = 1,
                                      .head_dim = 64,
                                      .page_tokens = 19,
                                      .rotation = ROTATION_NEIGHBOURS,
                                      .contexts = {
                                          { .cached_tokens = 77, .new_tokens = 70, .skip = 5 } } };
    struct case_result result = check(&c);
    case_free(&result);
}
END_TEST

/* RoPE over every width of head, paired either way, over all of the head or its first part. */
static const struct {
    uint32_t head_dim, rope_dims;
    enum rotation rotation;
} widths[] = { { 32, 32, ROTATION_HALVES },      { 32, 32, ROTATION_NEIGHBOURS },
               { 32, 16, ROTATION_HALVES },      { 32, 20, ROTATION_HALVES },
               { 32, 12, ROTATION_NEIGHBOURS },  { 48, 48, ROTATION_HALVES },
               { 48, 48, ROTATION_NEIGHBOURS },  { 64, 64, ROTATION_HALVES },
               { 64, 64, ROTATION_NEIGHBOURS },  { 80, 32, ROTATION_HALVES },
               { 128, 128, ROTATION_HALVES },    { 128, 128, ROTATION_NEIGHBOURS },
               { 128, 64, ROTATION_NEIGHBOURS }, { 128, 0, ROTATION_NONE },
               { 8, 0, ROTATION_NONE } };

START_TEST(every_head_width_and_rotation_in_prefill)
{
    const struct attention_case c = { .heads = 2,
                                      .kv_heads = 1,
                                      .head_dim = widths[_i].head_dim,
                                      .page_tokens = 16,
                                      .rotation = widths[_i].rotation,
                                      .rope_dims = widths[_i].rope_dims,
                                      .contexts = {
                                          { .cached_tokens = 50, .new_tokens = 17, .skip = 3 } } };
    struct case_result result = check(&c);
    ck_assert_uint_gt(result.prefills, 0);
    case_free(&result);
}
END_TEST

START_TEST(every_head_width_and_rotation_in_decode)
{
    const struct attention_case c = { .heads = 4,
                                      .kv_heads = 2,
                                      .head_dim = widths[_i].head_dim,
                                      .page_tokens = 16,
                                      .rotation = widths[_i].rotation,
                                      .rope_dims = widths[_i].rope_dims,
                                      .contexts = {
                                          { .cached_tokens = 99, .new_tokens = 1, .skip = 3 } } };
    struct case_result result = check(&c);
    case_free(&result);
}
END_TEST

START_TEST(fp16_is_as_good_as_its_longer_mantissa)
{
    const struct attention_case c = { .element = ELEMENT_FP16,
                                      .heads = 2,
                                      .kv_heads = 1,
                                      .head_dim = 64,
                                      .page_tokens = 32,
                                      .rotation = ROTATION_HALVES,
                                      .contexts = { { .cached_tokens = 130, .new_tokens = 20 },
                                                    { .cached_tokens = 90, .new_tokens = 1 } } };
    struct case_result result = check(&c);
    ck_assert_uint_eq(result.decodes, 1);
    case_free(&result);
}
END_TEST

START_TEST(a_decode_batch_reads_each_context_whatever_its_length)
{
    const struct attention_case c = {
        .heads = 8,
        .kv_heads = 2,
        .head_dim = 64,
        .page_tokens = 16,
        .rotation = ROTATION_HALVES,
        .contexts = { { .cached_tokens = 0, .new_tokens = 1 },
                      { .cached_tokens = 63, .new_tokens = 1 },
                      { .cached_tokens = 64, .new_tokens = 1, .skip = 15 },
                      { .cached_tokens = 700, .new_tokens = 1 } }, /* all stages, more than once */
        .multiprocessors = 1
    };
    struct case_result result = check(&c);
    ck_assert_uint_eq(result.decodes, 4);
    ck_assert_uint_eq(result.merges, 0);
    case_free(&result);
}
END_TEST

START_TEST(a_long_decode_is_split_and_merged)
{
    const struct attention_case c = { .heads = 2,
                                      .kv_heads = 1,
                                      .head_dim = 128,
                                      .page_tokens = 64,
                                      .rotation = ROTATION_HALVES,
                                      .contexts = { { .cached_tokens = 699, .new_tokens = 1 } },
                                      .multiprocessors = 100 };
    struct case_result result = check(&c);
    ck_assert_uint_eq(result.decodes, 3); /* of 256 keys */
    ck_assert_uint_eq(result.merges, 1);
    case_free(&result);
}
END_TEST

START_TEST(more_query_heads_than_an_mma_has_rows)
{
    const struct attention_case c = { .heads = 20,
                                      .kv_heads = 1,
                                      .head_dim = 32,
                                      .page_tokens = 16,
                                      .rotation = ROTATION_NEIGHBOURS,
                                      .contexts = { { .cached_tokens = 99, .new_tokens = 1 } } };
    struct case_result result = check(&c);
    case_free(&result);
}
END_TEST

/* Two blocks a KV head, of 16 query heads and of 4; more parts than are on their way at once;
 * beside a prefill whose merges come first in the plan. */
START_TEST(whichever_block_ends_last_joins_a_rows_parts)
{
    const struct attention_case c = { .heads = 20,
                                      .kv_heads = 1,
                                      .head_dim = 32,
                                      .page_tokens = 64,
                                      .rotation = ROTATION_HALVES,
                                      .contexts = { { .cached_tokens = 600, .new_tokens = 1 },
                                                    { .cached_tokens = 1100, .new_tokens = 5 },
                                                    { .cached_tokens = 2900, .new_tokens = 1 } },
                                      .multiprocessors = 200 };
    struct case_result result = check(&c);
    ck_assert_uint_eq(result.decodes, 3 + 12); /* of about 256 keys */
    ck_assert_uint_eq(result.merges, 5 + 2);
    case_free(&result);
}
END_TEST

START_TEST(a_short_turn_over_a_long_prefix_is_split_and_merged)
{
    const struct attention_case c = { .heads = 1,
                                      .kv_heads = 1,
                                      .head_dim = 32,
                                      .page_tokens = 64,
                                      .rotation = ROTATION_HALVES,
                                      .contexts = { { .cached_tokens = 1200, .new_tokens = 20 } },
                                      .multiprocessors = 100 };
    struct case_result result = check(&c);
    ck_assert_uint_eq(result.prefills, 2); /* of about 512 keys */
    ck_assert_uint_eq(result.merges, 20);
    case_free(&result);
}
END_TEST

START_TEST(keys_rotated_when_stored_are_not_turned_again)
{
    const struct attention_case c = { .heads = 2,
                                      .kv_heads = 1,
                                      .head_dim = 64,
                                      .page_tokens = 16,
                                      .rotation = ROTATION_HALVES,
                                      .pool_rotated = true,
                                      .contexts = { { .cached_tokens = 50, .new_tokens = 40 },
                                                    { .cached_tokens = 80, .new_tokens = 1 } } };
    struct case_result result = check(&c);
    case_free(&result);
}
END_TEST

START_TEST(any_mix_of_prefills_and_decodes_in_one_batch)
{
    const struct attention_case c = { .heads = 4,
                                      .kv_heads = 2,
                                      .head_dim = 32,
                                      .page_tokens = 16,
                                      .rotation = ROTATION_HALVES,
                                      .contexts = {
                                          { .cached_tokens = 30, .new_tokens = 1 },
                                          { .cached_tokens = 0, .new_tokens = 129 },
                                          { .cached_tokens = 100, .new_tokens = 1, .skip = 9 },
                                          { .cached_tokens = 200, .new_tokens = 2 },
                                          { .cached_tokens = 64, .new_tokens = 64 } } };
    struct case_result result = check(&c);
    ck_assert_uint_eq(result.decodes, 4); /* the two new tokens are two */
    case_free(&result);
}
END_TEST

/* More than a thread of rotation takes at once, and no multiple of it. */
START_TEST(the_keys_of_many_kv_heads_are_turned)
{
    const uint32_t kv_heads[] = { 3, 6, 21 };
    const struct attention_case c = { .heads = kv_heads[_i],
                                      .kv_heads = kv_heads[_i],
                                      .head_dim = 32,
                                      .page_tokens = 8,
                                      .rotation = ROTATION_HALVES,
                                      .rope_dims = 16,
                                      .contexts = {
                                          { .cached_tokens = 60, .new_tokens = 10, .skip = 7 },
                                          { .cached_tokens = 21, .new_tokens = 5 } } };
    struct case_result result = check(&c);
    case_free(&result);
}
END_TEST

/* Of which each sees its own keys: the first not the second's. */
START_TEST(two_new_tokens_are_two_decodes)
{
    const uint32_t widths_of_two[] = { 128, 32 };
    const struct attention_case c = {
        .heads = 8,
        .kv_heads = 2,
        .head_dim = widths_of_two[_i / 2],
        .page_tokens = 16,
        .rotation = ROTATION_HALVES,
        .pool_rotated = _i % 2 == 1,
        .contexts = { { .cached_tokens = 639, .new_tokens = 2, .skip = 13 },
                      { .cached_tokens = 0, .new_tokens = 2 },
                      { .cached_tokens = 63, .new_tokens = 4, .skip = 3 } },
        .multiprocessors = 40
    };
    struct case_result result = check(&c);
    ck_assert_uint_eq(result.prefills, 0);
    ck_assert_uint_gt(result.decodes, 8); /* the first's in parts: of 640 keys, and of 641 */
    ck_assert_uint_eq(result.merges, 2);
    case_free(&result);
}
END_TEST

/* What prefill_hopper.cu has two ways for: widths, tiles that end anywhere, masks that begin in any
 * row, pages, parts. Too many keys for the definition: prefill.cu is held against it above. */
static const struct attention_case hopper_cases[] = {
    { .heads = 4, /* grouped; neither keys nor queries fill their last tile */
      .kv_heads = 2,
      .head_dim = 128,
      .page_tokens = 16,
      .rotation = ROTATION_HALVES,
      .contexts = { { .cached_tokens = 1300, .new_tokens = 700, .skip = 5 } } },
    { .heads = 2, /* no cache: tiles and queries begin at the same tokens */
      .kv_heads = 2,
      .head_dim = 128,
      .page_tokens = 64,
      .rotation = ROTATION_NEIGHBOURS,
      .contexts = { { .new_tokens = 1024 } } },
    { .heads = 8, /* the smallest pages, the pool's own keys */
      .kv_heads = 2,
      .head_dim = 128,
      .page_tokens = 4,
      .rotation = ROTATION_HALVES,
      .pool_rotated = true,
      .contexts = { { .cached_tokens = 517, .new_tokens = 130, .skip = 3 } } },
    { .heads = 3,
      .kv_heads = 1,
      .head_dim = 80, /* filled up to 128; 32 of 80 turned */
      .page_tokens = 16,
      .rotation = ROTATION_HALVES,
      .rope_dims = 32,
      .contexts = { { .cached_tokens = 300, .new_tokens = 65, .skip = 15 } } },
    { .heads = 3,
      .kv_heads = 3,
      .head_dim = 96,
      .page_tokens = 19,
      .rotation = ROTATION_HALVES,
      .rope_dims = 24, /* pairs 12 apart: no whole chunks */
      .contexts = { { .cached_tokens = 200, .new_tokens = 300, .skip = 18 } } },
    { .heads = 4,
      .kv_heads = 1,
      .head_dim = 64,
      .page_tokens = 16,
      .rotation = ROTATION_HALVES,
      .contexts = { { .cached_tokens = 640, .new_tokens = 257, .skip = 1 } } },
    { .heads = 2, /* keys in parts, of which the first queries see none of the last */
      .kv_heads = 1,
      .head_dim = 128,
      .page_tokens = 16,
      .rotation = ROTATION_HALVES,
      .contexts = { { .cached_tokens = 4001, .new_tokens = 100, .skip = 7 },
                    { .cached_tokens = 2000, .new_tokens = 513 } },
      .multiprocessors = 100 },
    { .heads = 4, /* several sequences, and decodes beside them */
      .kv_heads = 2,
      .head_dim = 128,
      .page_tokens = 16,
      .rotation = ROTATION_NONE,
      .contexts = { { .cached_tokens = 30, .new_tokens = 1 },
                    { .cached_tokens = 0, .new_tokens = 129 },
                    { .cached_tokens = 0, .new_tokens = 2 },
                    { .cached_tokens = 1000, .new_tokens = 63, .skip = 9 },
                    { .cached_tokens = 128, .new_tokens = 128 } } },
    { .element = ELEMENT_FP16,
      .heads = 4,
      .kv_heads = 2,
      .head_dim = 128,
      .page_tokens = 16,
      .rotation = ROTATION_HALVES,
      .contexts = { { .cached_tokens = 900, .new_tokens = 200, .skip = 5 } } },
    { .element = ELEMENT_FP16,
      .heads = 2,
      .kv_heads = 1,
      .head_dim = 64,
      .page_tokens = 32,
      .rotation = ROTATION_NEIGHBOURS,
      .contexts = { { .cached_tokens = 1900, .new_tokens = 70 } },
      .multiprocessors = 100 }
};

/* The same where shapes shall be small: still more tiles than the kernel has stages, twice over, in
 * parts where it was in parts, and two blocks of queries. */
static struct attention_case hopper_case(int i)
{
    struct attention_case c = hopper_cases[i];
    for (uint32_t s = 0; s < CASE_SEQUENCES_MAX && rig_small(); s++) {
        struct context *context = &c.contexts[s];
        if (context->cached_tokens > 1100)
            context->cached_tokens = 1100 + context->cached_tokens % 128;
        if (context->new_tokens > 200)
            context->new_tokens = 130 + context->new_tokens % 64;
    }
    return c;
}

START_TEST(both_prefills_agree)
{
    if (!rig_hopper()) {
        printf("skipped: both_prefills_agree: no GPU of compute capability 9.0\n");
        return;
    }
    struct attention_case c = hopper_case(_i);
    c.no_reference = true;
    struct case_result fast = case_run(&c);
    c.plain_prefill = true;
    struct case_result plain = case_run(&c);
    ck_assert_msg(fast.ways_agree, "case %d: not the same twice", _i);
    for (uint64_t i = 0; i < plain.count; i++)
        plain.expected[i] = (double)plain.out[i];
    double error = relative_error(fast.out, plain.expected, plain.count);
    ck_assert_msg(error <= tolerance(c.element), "case %d: relative error %g", _i, error);
    case_free(&fast);
    case_free(&plain);
}
END_TEST

static TCase *case_in(Suite *suite, const char *name)
{
    TCase *tests = tcase_create(name);
    tcase_set_timeout(tests, 100);
    suite_add_tcase(suite, tests);
    return tests;
}

int main(void)
{
    if (!rig_open())
        return TEST_SKIPPED;
    enum { WIDTHS = sizeof widths / sizeof *widths };
    Suite *suite = suite_create("CUDA attention");
    /* Cases are what $CK_RUN_CASE chooses: each a bounded time under a sanitizer. */
    TCase *prefill = case_in(suite, "prefill"), *prefill_widths = case_in(suite, "prefill_widths");
    TCase *decode = case_in(suite, "decode"), *decode_widths = case_in(suite, "decode_widths");
    TCase *hopper = case_in(suite, "hopper");
    tcase_add_test(prefill, a_prefill_without_cache_is_causal_attention);
    tcase_add_test(prefill, a_prefill_over_a_cached_prefix_sees_all_of_it);
    tcase_add_loop_test(prefill_widths, every_head_width_and_rotation_in_prefill, 0, WIDTHS);
    tcase_add_loop_test(decode_widths, every_head_width_and_rotation_in_decode, 0, WIDTHS);
    tcase_add_test(prefill, fp16_is_as_good_as_its_longer_mantissa);
    tcase_add_test(decode, a_decode_batch_reads_each_context_whatever_its_length);
    tcase_add_test(decode, a_long_decode_is_split_and_merged);
    tcase_add_test(decode, more_query_heads_than_an_mma_has_rows);
    tcase_add_test(decode, whichever_block_ends_last_joins_a_rows_parts);
    tcase_add_test(prefill, a_short_turn_over_a_long_prefix_is_split_and_merged);
    tcase_add_test(prefill, keys_rotated_when_stored_are_not_turned_again);
    tcase_add_loop_test(prefill, the_keys_of_many_kv_heads_are_turned, 0, 3);
    tcase_add_loop_test(decode, two_new_tokens_are_two_decodes, 0, 4);
    tcase_add_test(prefill, any_mix_of_prefills_and_decodes_in_one_batch);
    tcase_add_loop_test(hopper, both_prefills_agree, 0, sizeof hopper_cases / sizeof *hopper_cases);
    return test_main(suite);
}
