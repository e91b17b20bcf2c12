/* tests/runtime/cuda/test_plan.c - how attention is cut: every query meets each of its keys once.
 */
#include "runtime/cuda/plan.h"

#include "base/memory.h"
#include "base/random.h"
#include "runtime/backend.h"
#include "tests/support.h"

#include <inttypes.h>
#include <stdlib.h>

START_TEST(dividing_by_multiplying_is_exact)
{
    struct random random = random_from(test_seed(), 0);
    for (uint32_t i = 0; i < 20000; i++) {
        uint32_t by =
            i < 300 ? i + 1 : (uint32_t)random_below(&random, UINT32_C(1) << (i % 31)) + 1;
        struct divisor divisor = divisor_of(by);
        const uint32_t numbers[] = { 0,
                                     by - 1,
                                     by,
                                     by * 2 - 1,
                                     INT32_MAX,
                                     INT32_MAX / by * by,
                                     INT32_MAX / by * by - 1,
                                     (uint32_t)random_below(&random, INT32_MAX) };
        for (uint32_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
            uint32_t number = numbers[n] & INT32_MAX;
            uint64_t high = (uint64_t)number * divisor.multiplier >> 32;
            uint32_t quotient =
                divisor.multiplier == 0 ? number : (uint32_t)(high >> divisor.shift);
            ck_assert_msg(quotient == number / by, "%u / %u gave %u", number, by, quotient);
        }
    }
}
END_TEST

/* keys[row]: how many of its keys the works gave it; each part of the range in turn. */
struct cover {
    uint64_t *keys;
    uint32_t *parts_seen; /* by part: how many works write it */
};

static uint32_t begin_of(const struct plan_shape *shape, uint32_t position)
{
    return window_begin(shape->window_tokens, shape->window_chunked, position);
}

static void count_work(struct cover *cover, const struct plan_shape *shape,
                       const struct kernel_work *work, const struct kernel_sequence *s,
                       uint32_t rows_a_block)
{
    /* Nothing is read that no query of the block sees. */
    ck_assert_uint_ge(work->first_key, begin_of(shape, s->cached_tokens + work->first_query));
    for (uint32_t r = 0; r < rows_a_block && work->first_query + r < s->new_tokens; r++) {
        uint32_t last = s->cached_tokens + work->first_query + r + 1; /* causal */
        uint32_t end = work->end_key < last ? work->end_key : last;
        uint32_t begin = begin_of(shape, last - 1);
        begin = begin > work->first_key ? begin : work->first_key;
        cover->keys[s->first_row + work->first_query + r] += end > begin ? end - begin : 0;
        if (work->part != PART_NONE)
            cover->parts_seen[work->part + r]++;
    }
}

START_TEST(every_query_meets_each_of_its_keys_once)
{
    struct random random = random_from(test_seed(), 1);
    struct plan plan = { 0 };
    for (uint32_t round = 0; round < 120; round++) {
        enum { COUNT = 6 };
        struct kernel_sequence sequences[COUNT];
        uint32_t rows = 0;
        for (uint32_t i = 0; i < COUNT; i++) {
            sequences[i] = (struct kernel_sequence){
                .cached_tokens = (uint32_t)random_below(&random, 5000),
                .new_tokens = 1 + (uint32_t)random_below(&random, round % 2 || i % 2 ? 400 : 6),
                .first_row = rows
            };
            rows += sequences[i].new_tokens;
        }
        const struct plan_shape shape = { .heads = 8,
                                          .kv_heads = 2,
                                          .turns_keys = round % 3 == 0,
                                          .decode_turns_keys = round % 5 != 0,
                                          .multiprocessors = 1 + 5 * (round % 60),
                                          .prefill_resident = 1 + round / 2 % 2,
                                          .window_tokens = round < 60 ? 0 : 37 * (round - 59),
                                          .window_chunked = round % 4 < 2 };
        kernel_plan_build(&plan, &shape, sequences, COUNT);
        struct cover cover = { memory_new(rows, sizeof *cover.keys),
                               memory_new(plan.parts, sizeof *cover.parts_seen) };
        for (uint32_t i = 0; i < plan.prefills; i++) {
            ck_assert(shape.window_tokens > 0 || plan.prefill[i].first_key % PREFILL_KEYS == 0);
            count_work(&cover, &shape, &plan.prefill[i], &sequences[plan.prefill[i].sequence],
                       PREFILL_QUERIES);
        }
        for (uint32_t i = 0; i < plan.decodes; i++)
            count_work(&cover, &shape, &plan.decode[i], &sequences[plan.decode[i].sequence], 1);
        for (uint32_t i = 0; i < COUNT; i++)
            for (uint32_t r = 0; r < sequences[i].new_tokens; r++)
                ck_assert_uint_eq(cover.keys[sequences[i].first_row + r],
                                  sequences[i].cached_tokens + r + 1 -
                                      begin_of(&shape, sequences[i].cached_tokens + r));
        for (uint32_t i = 0; i < plan.merge_count; i++)
            for (uint32_t p = 0; p < plan.merges[i].parts; p++)
                cover.parts_seen[plan.merges[i].first_part + p * plan.merges[i].part_stride] += 10;
        for (uint32_t p = 0; p < plan.parts; p++) /* written once and merged once, or neither */
            ck_assert_msg(cover.parts_seen[p] == 11 || cover.parts_seen[p] == 0, "part %u: %u", p,
                          cover.parts_seen[p]);
        free(cover.keys);
        free(cover.parts_seen);
    }
    kernel_plan_free(&plan);
}
END_TEST

START_TEST(a_full_gpu_is_not_cut_further)
{
    struct kernel_sequence sequence = { .new_tokens = 8192 };
    const struct plan_shape shape = { .heads = 32,
                                      .kv_heads = 8,
                                      .turns_keys = true,
                                      .decode_turns_keys = true,
                                      .multiprocessors = 132,
                                      .prefill_resident = 2 };
    struct plan plan = { 0 };
    kernel_plan_build(&plan, &shape, &sequence, 1);
    ck_assert_uint_eq(plan.prefills, 64);
    ck_assert_uint_eq(plan.parts, 0);
    ck_assert_uint_eq(plan.prefill[0].first_query, 8192 - 128); /* the longest first */
    ck_assert_uint_eq(plan.rotated_rows, 8192);
    kernel_plan_free(&plan);
}
END_TEST

START_TEST(a_prefill_is_cut_into_equal_parts_that_fill_the_gpu)
{
    struct kernel_sequence sequence = { .cached_tokens = 8000, .new_tokens = 100 };
    const struct plan_shape shape = { .heads = 32,
                                      .kv_heads = 8,
                                      .turns_keys = true,
                                      .decode_turns_keys = true,
                                      .multiprocessors = 132,
                                      .prefill_resident = 1 };
    struct plan plan = { 0 };
    kernel_plan_build(&plan, &shape, &sequence, 1);
    ck_assert_uint_eq(plan.prefills, 4); /* of 32 heads: 128 blocks, and no short fifth part */
    for (uint32_t i = 0; i < plan.prefills; i++)
        ck_assert_uint_ge(plan.prefill[i].end_key - plan.prefill[i].first_key, 1900);
    kernel_plan_free(&plan);
}
END_TEST

START_TEST(one_long_decode_fills_the_gpu)
{
    struct kernel_sequence sequence = { .cached_tokens = 131071, .new_tokens = 1 };
    const struct plan_shape shape = { .heads = 32,
                                      .kv_heads = 8,
                                      .turns_keys = true,
                                      .decode_turns_keys = true,
                                      .multiprocessors = 132,
                                      .prefill_resident = 2 };
    struct plan plan = { 0 };
    kernel_plan_build(&plan, &shape, &sequence, 1);
    uint32_t blocks = plan.decodes * shape.kv_heads;
    ck_assert_uint_ge(blocks, 2 * shape.multiprocessors);
    ck_assert_uint_le(blocks, 5 * shape.multiprocessors);
    ck_assert_uint_eq(plan.rotated_rows, 0); /* turned as they come */
    kernel_plan_free(&plan);
}
END_TEST

static struct plan plan_of(struct kernel_sequence *sequences, uint32_t count, uint32_t kv_heads)
{
    const struct plan_shape shape = { .heads = 32,
                                      .kv_heads = kv_heads,
                                      .turns_keys = true,
                                      .decode_turns_keys = true,
                                      .multiprocessors = 132 };
    struct plan plan = { 0 };
    kernel_plan_build(&plan, &shape, sequences, count);
    return plan;
}

/* As if the context began with the window. */
START_TEST(a_window_s_decode_is_cut_as_a_context_of_its_length)
{
    struct kernel_sequence of_window = { .cached_tokens = 100000, .new_tokens = 1 };
    struct kernel_sequence of_context = { .cached_tokens = 4095, .new_tokens = 1 };
    struct plan_shape shape = { .heads = 32,
                                .kv_heads = 8,
                                .turns_keys = true,
                                .decode_turns_keys = true,
                                .multiprocessors = 132,
                                .prefill_resident = 2 };
    struct plan short_plan = { 0 }, window_plan = { 0 };
    kernel_plan_build(&short_plan, &shape, &of_context, 1);
    shape.window_tokens = 4096;
    kernel_plan_build(&window_plan, &shape, &of_window, 1);
    ck_assert_uint_eq(window_plan.decodes, short_plan.decodes);
    for (uint32_t i = 0; i < window_plan.decodes; i++)
        ck_assert_uint_eq(window_plan.decode[i].first_key,
                          short_plan.decode[i].first_key + 100001 - 4096);
    kernel_plan_free(&short_plan);
    kernel_plan_free(&window_plan);
}
END_TEST

/* Without RoPE too: K, as V, becomes elements in the scratch. Decode takes codes. */
START_TEST(narrower_kv_goes_through_the_scratch_of_prefill)
{
    struct kernel_sequence sequences[] = { { .cached_tokens = 100, .new_tokens = 1 },
                                           { .cached_tokens = 70, .new_tokens = 30 } };
    const struct plan_shape shape = {
        .heads = 2, .kv_heads = 1, .widens_kv = true, .multiprocessors = 8, .prefill_resident = 2
    };
    struct plan plan = { 0 };
    kernel_plan_build(&plan, &shape, sequences, 2);
    ck_assert_uint_eq(plan.rotated_count, 1);
    ck_assert_uint_eq(plan.rotated[0], 1);
    ck_assert_uint_eq(plan.rotated_rows, 100);
    kernel_plan_free(&plan);
}
END_TEST

START_TEST(a_reply_s_last_two_tokens_turn_no_keys)
{
    struct kernel_sequence sequence = { .cached_tokens = 8000, .new_tokens = 2, .first_row = 7 };
    struct plan plan = plan_of(&sequence, 1, 8);
    ck_assert_uint_eq(plan.prefills, 0);
    ck_assert_uint_eq(plan.rotated_rows, 0);
    ck_assert_uint_eq(plan.merge_count, 2); /* one for each token's row */
    ck_assert_uint_eq(plan.merges[0].row, 7);
    ck_assert_uint_eq(plan.merges[1].row, 8);
    for (uint32_t i = 0; i < plan.decodes; i++)
        ck_assert_uint_le(plan.decode[i].end_key, 8001 + plan.decode[i].first_query);
    kernel_plan_free(&plan);
}
END_TEST

START_TEST(a_sequence_s_parts_are_even)
{
    for (uint32_t cached = 300; cached < 70000; cached += 731) {
        struct kernel_sequence sequence = { .cached_tokens = cached, .new_tokens = 1 };
        struct plan plan = plan_of(&sequence, 1, 8);
        uint32_t shortest = UINT32_MAX, longest = 0;
        for (uint32_t i = 0; i < plan.decodes; i++) {
            uint32_t keys = plan.decode[i].end_key - plan.decode[i].first_key;
            uint32_t tiles = (keys + DECODE_KEYS - 1) / DECODE_KEYS;
            ck_assert_uint_eq(plan.decode[i].first_key % DECODE_KEYS, 0);
            shortest = tiles < shortest ? tiles : shortest;
            longest = tiles > longest ? tiles : longest;
        }
        ck_assert_msg(longest - shortest <= 1, "%u keys: %u to %u tiles", cached, shortest,
                      longest);
        kernel_plan_free(&plan);
    }
}
END_TEST

/* Sixteen contexts of 1,024 tokens and 8 KV heads are 128 blocks, of 264 that run at once: in two
 * parts each, 256. Eight waves need no parts. */
START_TEST(decode_is_cut_to_whole_waves)
{
    enum { MANY = 256 };
    struct kernel_sequence sequences[MANY];
    for (uint32_t i = 0; i < MANY; i++)
        sequences[i] =
            (struct kernel_sequence){ .cached_tokens = 1023, .new_tokens = 1, .first_row = i };
    struct plan plan = plan_of(sequences, 16, 8);
    ck_assert_uint_eq(plan.decodes, 32);
    kernel_plan_free(&plan);
    plan = plan_of(sequences, MANY, 8);
    ck_assert_uint_eq(plan.decodes, MANY);
    ck_assert_uint_eq(plan.parts, 0);
    kernel_plan_free(&plan);
    /* But one that is as long as all the others together would end long after them. */
    sequences[0].cached_tokens = 250000;
    plan = plan_of(sequences, MANY, 8);
    ck_assert_uint_ge(plan.decodes, MANY + 8);
    ck_assert_uint_eq(plan.merge_count, 1);
    kernel_plan_free(&plan);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("plan");
    tcase_add_test(tests, dividing_by_multiplying_is_exact);
    tcase_add_test(tests, every_query_meets_each_of_its_keys_once);
    tcase_add_test(tests, a_full_gpu_is_not_cut_further);
    tcase_add_test(tests, a_prefill_is_cut_into_equal_parts_that_fill_the_gpu);
    tcase_add_test(tests, one_long_decode_fills_the_gpu);
    tcase_add_test(tests, a_window_s_decode_is_cut_as_a_context_of_its_length);
    tcase_add_test(tests, narrower_kv_goes_through_the_scratch_of_prefill);
    tcase_add_test(tests, a_reply_s_last_two_tokens_turn_no_keys);
    tcase_add_test(tests, a_sequence_s_parts_are_even);
    tcase_add_test(tests, decode_is_cut_to_whole_waves);
    Suite *suite = suite_create("CUDA plan");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
