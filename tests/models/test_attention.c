/* tests/models/test_attention.c - attention's times: small GPUs whose tiles a person can count,
 * what any such model must keep, and that shipped fits say what they are worth. */
#include "base/random.h"
#include "tests/models/cases.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Four multiprocessors of 1 FLOP/ns each, 1 B/ns, no fixed costs; a tile has 2 queries and steps of
 * 2 keys; everything else takes no time. */
static const struct gpu_peak slow = { .flop = 4, .bytes = 1e9 };

static struct attention_fit countable(enum attention_kernel kernel)
{
    struct attention_fit fit = { .multiprocessors = 4, .threads = 1024, .l2_bytes = 1 };
    struct attention_coefficients *wide = &fit.wide;
    *wide = (struct attention_coefficients){ .kernel = kernel,
                                             .update_efficiency = 1e9,
                                             .stream_efficiency = 1e9,
                                             .l2_start = 1,
                                             .l2_fade = 1,
                                             .l2_gain = 1,
                                             .longest = 1,
                                             .splits_most = 1,
                                             .tile_bytes_per_ns = 1e9,
                                             .decode_flop_share = 1e9,
                                             .reread = 1e9 };
    for (int i = 0; i < ATTENTION_WIDTHS; i++)
        wide->width[i] = (struct attention_width){ .rows = 2,
                                                   .keys = 2,
                                                   .window_rows = 2,
                                                   .window_keys = 2,
                                                   .efficiency = 1,
                                                   .decode_efficiency = 1 };
    return fit;
}

static const struct attention_shape one_head = { 1, 1, 1, 0, 2, false };
#define STEP_NS 16.0 /* 4 * 2 rows * 2 keys * 1 value / 1 FLOP/ns */

static void near(double found, double expected)
{
    ck_assert_msg(fabs(found / expected - 1) < 1e-5, "%g, expected %g", found, expected);
}

START_TEST(a_lone_sequence_takes_as_long_as_its_last_tile)
{
    struct attention_fit fit = countable(ATTENTION_FLASH_2);
    /* 6 queries: tiles of 1, 2 and 3 steps on three of the four multiprocessors. */
    near(attention_prefill_ns(&fit, slow, &one_head, 1, 6, 0), 3 * STEP_NS);
    /* 40 sequences of them: (1 + 2 + 3) * 40 steps by four. */
    near(attention_prefill_ns(&fit, slow, &one_head, 40, 6, 0), 60 * STEP_NS);
}
END_TEST

START_TEST(a_cached_prefix_is_walked_along_by_every_tile)
{
    struct attention_fit fit = countable(ATTENTION_FLASH_2);
    near(attention_prefill_ns(&fit, slow, &one_head, 1, 2, 100), 51 * STEP_NS);
    /* Five tiles of about as many steps: a second wave for one of them. */
    double five = attention_prefill_ns(&fit, slow, &one_head, 5, 2, 100);
    near(five, 2 * 51 * STEP_NS);
    near(attention_prefill_ns(&fit, slow, &one_head, 8, 2, 100), five);
}
END_TEST

START_TEST(a_window_bounds_a_tile_s_steps)
{
    struct attention_fit fit = countable(ATTENTION_FLASH_2);
    struct attention_shape windowed = one_head;
    windowed.window_tokens = 4;
    /* Four keys and its own two: three steps. */
    near(attention_prefill_ns(&fit, slow, &windowed, 1, 2, 100), 3 * STEP_NS);
    near(attention_prefill_ns(&fit, slow, &windowed, 1, 2, 1000), 3 * STEP_NS);
    /* And what it reads: 3 cached tokens and 2 new ones of 4 bytes, queries and outputs of 2. */
    struct gpu_peak narrow = { .flop = 1e12, .bytes = 1 };
    fit.wide.stream_efficiency = 1;
    near(attention_prefill_ns(&fit, narrow, &windowed, 1, 2, 1000), 5 * 4 + 2 * 2 * 2);
}
END_TEST

START_TEST(query_heads_share_a_tile_where_the_library_packs_them)
{
    struct attention_fit second = countable(ATTENTION_FLASH_2);
    struct attention_fit third = countable(ATTENTION_FLASH_3);
    struct attention_shape grouped = one_head;
    grouped.heads = 8;
    /* 16 sequences of 2 queries in 8 heads: 8 tiles a sequence, each with 2 rows, one step. */
    near(attention_prefill_ns(&second, slow, &grouped, 16, 2, 0), 32 * STEP_NS);
    /* Packed, a tile of 2 rows holds a quarter of one token's heads: as many tiles and steps. */
    near(attention_prefill_ns(&third, slow, &grouped, 16, 2, 0), 32 * STEP_NS);
    third.wide.width[0].rows = 16;
    /* With 16 rows a sequence is one tile of eight times the rows. */
    near(attention_prefill_ns(&third, slow, &grouped, 16, 2, 0), 4 * 8 * STEP_NS);
    second.wide.width[0].rows = 16;
    near(attention_prefill_ns(&second, slow, &grouped, 16, 2, 0), 32 * 8 * STEP_NS);
}
END_TEST

START_TEST(what_cannot_split_a_context_walks_all_of_it)
{
    struct attention_fit second = countable(ATTENTION_FLASH_2);
    struct attention_fit third = countable(ATTENTION_FLASH_3);
    second.wide.tile_bytes_per_ns = third.wide.tile_bytes_per_ns = 1;
    second.wide.splits_most = third.wide.splits_most = 4;
    /* 4 bytes a key. As many KV heads as heads: FlashAttention-2 splits no decode. */
    near(attention_decode_ns(&second, slow, &one_head, 1, 1024), 4096);
    near(attention_decode_ns(&third, slow, &one_head, 1, 1024), 1024);
    struct attention_shape grouped = one_head;
    grouped.heads = 2;
    near(attention_decode_ns(&second, slow, &grouped, 1, 1024), 1024);
    grouped.window_tokens = 512; /* nor with a window */
    near(attention_decode_ns(&second, slow, &grouped, 1, 1024), 2048);
}
END_TEST

START_TEST(decode_moves_its_kv_from_hbm_unless_it_stayed_in_the_cache)
{
    struct attention_fit fit = countable(ATTENTION_FLASH_3);
    struct gpu_peak narrow = { .flop = 1e9, .bytes = 1 };
    struct attention_shape shape = one_head;
    fit.wide.l2_gain = 4;
    fit.l2_bytes = 10000;
    /* 4 bytes a key, and 4 of the query and output. */
    near(attention_decode_ns(&fit, narrow, &shape, 1, 2499), 2500); /* fits: four times as fast */
    shape.cold = true;
    near(attention_decode_ns(&fit, narrow, &shape, 1, 2499), 10000);
    shape.cold = false;
    near(attention_decode_ns(&fit, narrow, &shape, 1, 4999), 20000); /* twice the L2: none stays */
}
END_TEST

START_TEST(beside_a_prefill_each_sequence_has_as_many_tiles_as_it)
{
    struct attention_fit second = countable(ATTENTION_FLASH_2);
    struct attention_fit third = countable(ATTENTION_FLASH_3);
    third.wide.decode_ns = 1e6; /* apart would take longer */
    double before = attention_mixed_ns(&second, slow, &one_head, 16, 0, 40, 40);
    double packed = attention_mixed_ns(&third, slow, &one_head, 16, 0, 3, 3);
    second.wide.empty_ns = third.wide.empty_ns = 8;
    /* 8 tiles of 2 queries, of which 40 sequences need one each: 7 that find none, on four. */
    near(attention_mixed_ns(&second, slow, &one_head, 16, 0, 40, 40), before + 40 * 7 * 8 / 4.0);
    near(attention_mixed_ns(&third, slow, &one_head, 16, 0, 3, 3), packed);
    /* A prefill of one tile has none to spare. */
    double short_one = attention_mixed_ns(&second, slow, &one_head, 2, 0, 40, 40);
    second.wide.empty_ns = 0;
    near(short_one, attention_mixed_ns(&second, slow, &one_head, 2, 0, 40, 40));
}
END_TEST

START_TEST(one_launch_of_both_fills_the_gpu_and_two_add_up)
{
    struct attention_fit one = countable(ATTENTION_FLASH_2), two = countable(ATTENTION_FLASHINFER);
    /* The prefill's tile has 51 steps; three decoding sequences of 50 have 25 each, beside it. */
    near(attention_mixed_ns(&one, slow, &one_head, 2, 100, 3, 150), 51 * STEP_NS);
    two.wide.decode_ns = 7;
    near(attention_mixed_ns(&two, slow, &one_head, 2, 100, 3, 150), 51 * STEP_NS + 7);
}
END_TEST

/* Two KV heads of 64 bytes a token, side by side in lines of 128; 10,000 bytes of L2, 4 blocks fill
 * the GPU. */
START_TEST(a_row_below_a_line_is_read_with_its_neighbour_where_the_cache_is_too_small)
{
    struct attention_fit fit = countable(ATTENTION_FLASHINFER);
    struct gpu_peak narrow = { .flop = 1e12, .bytes = 1 };
    struct attention_shape shape = { 2, 2, 32, 0, 2, true };
    double queries = 8 * 2 * 32 * 2 * 2, key = 2 * 32 * 2 * 2;
    fit.l2_bytes = 10000;
    double without = attention_decode_ns(&fit, narrow, &shape, 8, 8 * 1000);
    near(without, queries + 8 * 1000 * key);
    fit.wide.line_bytes = 128;
    near(attention_decode_ns(&fit, narrow, &shape, 8, 8 * 1000), without + 8 * 1000 * key);
    /* A GPU that four sequences fill has the neighbour in the same wave. */
    near(attention_decode_ns(&fit, narrow, &shape, 4, 4 * 1000), queries / 2 + 4 * 1000 * key);
    /* Within the cache the neighbour is still there. */
    near(attention_decode_ns(&fit, narrow, &shape, 8, 8 * 4), queries + 8 * 4 * key);
    shape.heads = shape.kv_heads = 1; /* its rows follow each other */
    near(attention_decode_ns(&fit, narrow, &shape, 8, 8 * 1000), queries / 2 + 8 * 1000 * key / 2);
}
END_TEST

/* Two sequences of a tile of four blocks each, on four multiprocessors. */
START_TEST(blocks_of_wide_heads_walk_over_the_sequences_to_find_their_own)
{
    struct attention_fit fit = countable(ATTENTION_FLASH_3);
    struct attention_shape wide = { 2, 1, 512, 0, 2, false };
    fit.wide.walk_splits = 4;
    fit.wide.walk_ns = 3;
    fit.wide.walk_join_ns = 5;
    fit.wide.width[4].decode_tile_ns = 100;
    near(attention_decode_ns(&fit, slow, &wide, 2, 2),
         (2 * 4 * (100 + 2 * 3) + 2 * 2 * 2 * 5) / 4.);
    /* What is not planned ahead has one block a tile, and nothing to join. */
    near(attention_decode_ns(&fit, slow, &wide, 1000, 1000), 1000 * (100 + 1000 * 3) / 4.);
    wide.head_dim = 256; /* FlashAttention-3 itself */
    fit.wide.width[3].decode_tile_ns = 100;
    near(attention_decode_ns(&fit, slow, &wide, 2, 2), 2 * 100 / 4.);
}
END_TEST

START_TEST(a_larger_tile_has_its_own_latency_and_two_of_them_hide_it)
{
    struct attention_fit fit = countable(ATTENTION_FLASHINFER);
    struct attention_shape shape = { 17, 1, 1, 0, 2, false };
    fit.wide.width[0].decode_group_ns = 10;
    /* A tile alone: its latency; 40: half of it each, ten on a multiprocessor. */
    near(attention_decode_ns(&fit, slow, &shape, 1, 1), sqrt(10 * 10 + 1.25 * 1.25));
    near(attention_decode_ns(&fit, slow, &shape, 40, 40), sqrt(10 * 10 + 50 * 50));
    shape.heads = 16;
    ck_assert_double_le(attention_decode_ns(&fit, slow, &shape, 40, 40), 1);
}
END_TEST

START_TEST(heads_that_do_not_divide_a_tile_cost_each_tile_more)
{
    struct attention_fit fit = countable(ATTENTION_FLASH_3), dear = fit;
    struct attention_shape shape = { 4, 1, 128, 0, 2, false };
    fit.wide.width[1].rows = dear.wide.width[1].rows = 4;
    dear.wide.uneven_ns = 1000;
    ck_assert_double_eq(attention_prefill_ns(&dear, slow, &shape, 4, 8, 0),
                        attention_prefill_ns(&fit, slow, &shape, 4, 8, 0));
    shape.heads = 3; /* 24 rows in 6 tiles, for each of 4 sequences */
    near(attention_prefill_ns(&dear, slow, &shape, 4, 8, 0),
         attention_prefill_ns(&fit, slow, &shape, 4, 8, 0) + 6 * 1000);
}
END_TEST

START_TEST(a_tile_s_first_keys_are_there_when_it_starts)
{
    struct attention_fit fit = countable(ATTENTION_FLASH_3);
    struct gpu_peak narrow = { .flop = 1e12, .bytes = 1 };
    fit.wide.hidden_keys = 100;
    near(attention_decode_ns(&fit, narrow, &one_head, 1, 1000), 900 * 4 + 4);
    near(attention_decode_ns(&fit, narrow, &one_head, 1, 50), 4);
}
END_TEST

START_TEST(several_prefills_share_a_launch_with_what_decodes)
{
    struct attention_fit one = countable(ATTENTION_FLASH_2);
    struct attention_prepared of = attention_prepare(&one, slow, &one_head);
    /* Four tiles of 51 steps fill the GPU; a fifth, or as much of decoding, is a second wave. */
    near(attention_mixed_prepared_ns(&of, 4, 2, 100, 0, 0), 51 * STEP_NS);
    near(attention_mixed_prepared_ns(&of, 4, 2, 100, 1, 102), 2 * 51 * STEP_NS);
    near(attention_mixed_prepared_ns(&of, 3, 2, 100, 1, 102), 51 * STEP_NS);
    ck_assert_double_eq(attention_mixed_prepared_ns(&of, 1, 2, 100, 3, 150),
                        attention_mixed_ns(&one, slow, &one_head, 2, 100, 3, 150));
}
END_TEST

/* ---- every shipped fit ---- */

static struct gpu_peak peak_of(const struct hardware *hardware)
{
    return (struct gpu_peak){ .flop = hardware->flop_per_s / 1e9,
                              .bytes = hardware->hbm_bytes_per_s / 1e9 };
}

struct random_layer {
    struct attention_shape shape;
    double sequences, new_tokens, cached, context;
};

static struct random_layer random_layer(struct random *random)
{
    static const double widths[] = { 64, 128, 192, 256 };
    double kv_heads = (double)(1u << random_below(random, 4));
    return (struct random_layer){
        .shape = { .heads = kv_heads * (double)(1u << random_below(random, 4)),
                   .kv_heads = kv_heads,
                   .head_dim = widths[random_below(random, 4)],
                   .window_tokens = random_below(random, 2) ? 0 : 1024,
                   .kv_bytes = random_below(random, 2) ? 1 : 2,
                   .cold = random_below(random, 2) },
        .sequences = 1 + (double)random_below(random, 64),
        .new_tokens = 2 + (double)random_below(random, 4000),
        .cached = random_below(random, 2) ? 0 : (double)random_below(random, 30000),
        .context = 1 + (double)random_below(random, 60000),
    };
}

typedef void check_layer(const struct attention_fit *fit, struct gpu_peak peak,
                         const struct random_layer *layer);

static void for_every_fit(check_layer *check)
{
    struct case_names names = case_names("hardware");
    struct random random = random_from(test_seed(), 7);
    uint32_t fits = 0;
    for (uint32_t i = 0; i < names.count; i++) {
        struct hardware hardware = shipped_hardware(names.name[i]);
        struct gpu_peak peak = peak_of(&hardware);
        if (hardware.attention_file[0] == '\0')
            continue;
        fits++;
        for (int k = 0; k < 2000; k++) {
            struct random_layer layer = random_layer(&random);
            check(&hardware.attention, peak, &layer);
        }
    }
    ck_assert_uint_ge(fits, 6);
}

/* More of anything takes no less, to the steps of tiles and splits: compared over a factor of 4. */
static void more_takes_longer(const struct attention_fit *fit, struct gpu_peak peak,
                              const struct random_layer *l)
{
    double batch = l->sequences;
    double prefill = attention_prefill_ns(fit, peak, &l->shape, batch, l->new_tokens, l->cached);
    double decode = attention_decode_ns(fit, peak, &l->shape, batch, batch * l->context);
    ck_assert(isfinite(prefill) && prefill > 0 && isfinite(decode) && decode > 0);
    /* FlashInfer joins what it split, by a kernel that may take longer than the work: measured. */
    bool joins = l->shape.kv_bytes < 2 && fit->narrow.kernel == ATTENTION_FLASHINFER;
    double least = (joins ? 0.5 : 0.999) * prefill;
    ck_assert_double_le(
        least, attention_prefill_ns(fit, peak, &l->shape, 4 * batch, l->new_tokens, l->cached));
    ck_assert_double_le(
        least, attention_prefill_ns(fit, peak, &l->shape, batch, 4 * l->new_tokens, l->cached));
    ck_assert_double_le(0.95 * prefill, attention_prefill_ns(fit, peak, &l->shape, batch,
                                                             l->new_tokens, 4 * l->cached));
    /* More sequences of as many tokens need fewer parts of each, and less joining: measured, too.
     */
    ck_assert_double_le(
        0.7 * decode, attention_decode_ns(fit, peak, &l->shape, 4 * batch, 4 * batch * l->context));
    ck_assert_double_le(0.999 * decode,
                        attention_decode_ns(fit, peak, &l->shape, batch, 4 * batch * l->context));
}

START_TEST(more_of_anything_takes_no_less_time)
{
    for_every_fit(more_takes_longer);
}
END_TEST

static void cold_is_slower(const struct attention_fit *fit, struct gpu_peak peak,
                           const struct random_layer *l)
{
    struct attention_shape cold = l->shape, warm = l->shape;
    cold.cold = true;
    warm.cold = false;
    double context = l->sequences * l->context;
    ck_assert_double_ge(attention_decode_ns(fit, peak, &cold, l->sequences, context),
                        attention_decode_ns(fit, peak, &warm, l->sequences, context));
    ck_assert_double_ge(
        attention_prefill_ns(fit, peak, &cold, l->sequences, l->new_tokens, l->cached),
        attention_prefill_ns(fit, peak, &warm, l->sequences, l->new_tokens, l->cached));
}

START_TEST(kv_from_hbm_is_never_faster_than_from_the_cache)
{
    for_every_fit(cold_is_slower);
}
END_TEST

static void alone_is_alone(const struct attention_fit *fit, struct gpu_peak peak,
                           const struct random_layer *l)
{
    double context = l->sequences * l->context;
    double prefill = attention_prefill_ns(fit, peak, &l->shape, 1, l->new_tokens, l->cached);
    double decode = attention_decode_ns(fit, peak, &l->shape, l->sequences, context);
    ck_assert_double_eq(prefill,
                        attention_mixed_ns(fit, peak, &l->shape, l->new_tokens, l->cached, 0, 0));
    ck_assert_double_eq(decode,
                        attention_mixed_ns(fit, peak, &l->shape, 0, 0, l->sequences, context));
    ck_assert_double_ge(
        attention_mixed_ns(fit, peak, &l->shape, l->new_tokens, l->cached, l->sequences, context),
        0.85 * prefill);
    bool narrow = l->shape.kv_bytes < 2 && fit->narrow_fitted;
    if ((narrow ? fit->narrow.kernel : fit->wide.kernel) != ATTENTION_FLASH_2)
        ck_assert_double_le(attention_mixed_ns(fit, peak, &l->shape, l->new_tokens, l->cached,
                                               l->sequences, context),
                            prefill + decode);
    ck_assert_double_eq(attention_prefill_ns(fit, peak, &l->shape, 1, 0, 100), 0);
    ck_assert_double_eq(attention_decode_ns(fit, peak, &l->shape, 0, 0), 0);
}

START_TEST(a_mixed_launch_of_one_kind_is_that_kind_s_and_of_both_no_longer_than_two)
{
    for_every_fit(alone_is_alone);
}
END_TEST

START_TEST(an_h200_decodes_by_its_own_bandwidth_with_the_h100_s_fit)
{
    struct hardware h100 = shipped_hardware("h100"), h200 = shipped_hardware("h200");
    ck_assert_str_eq(h200.attention.name, "h100");
    struct attention_shape shape = { 8, 8, 128, 0, 2, true };
    struct gpu_peak slower = peak_of(&h100), faster = peak_of(&h200);
    double long_ratio = attention_decode_ns(&h100.attention, slower, &shape, 64, 64 * 16384) /
                        attention_decode_ns(&h200.attention, faster, &shape, 64, 64 * 16384);
    double bandwidths = h200.hbm_bytes_per_s / h100.hbm_bytes_per_s;
    ck_assert(long_ratio > 0.95 * bandwidths && long_ratio <= bandwidths);
}
END_TEST

START_TEST(a_shipped_fit_says_what_it_saw_and_its_error_on_what_it_did_not)
{
    struct case_names names = case_names("attention");
    ck_assert_uint_eq(names.count, 5);
    for (uint32_t i = 0; i < names.count; i++) {
        struct case_names hardware = case_names("hardware");
        for (uint32_t h = 0; h < hardware.count; h++) {
            struct hardware server = shipped_hardware(hardware.name[h]);
            const struct attention_record *record = &server.attention.record;
            if (strcmp(server.attention_file, names.name[i]) != 0)
                continue;
            ck_assert_uint_ge(record->rows, 8000);
            ck_assert_uint_ge(record->context_most, 16384);
            ck_assert(record->prefill.median > 0 && record->prefill.median < 0.09);
            ck_assert(record->decode.median > 0 && record->decode.p95 < 0.26);
        }
    }
}
END_TEST

START_TEST(a_kernel_that_is_none_is_refused_by_its_key)
{
    char *fit = test_temp_file("name: x\nsource: y\nmultiprocessors: 1\nl2_bytes: 1\n"
                               "wide.kernel: flash-attention-9\n");
    char line[512], *name = strrchr(fit, '/'); /* below the current folder */
    *name = '\0';
    ck_assert_int_eq(chdir(fit), 0);
    *name = '/';
    snprintf(line, sizeof line, "gpu.attention: ./%s", name + 1);
    char *path = case_server_file(line);
    struct hardware hardware;
    struct error err = { 0 };
    ck_assert_int_eq(hardware_load(path, &hardware, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "wide.kernel");
    ck_assert_uint_eq(err.line, 5);
    ck_assert_str_eq(err.found, "flash-attention-9");
    unlink(path);
    unlink(fit);
    free(path);
    free(fit);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("models_attention");
    TCase *counted = tcase_create("tiles that can be counted");
    tcase_add_test(counted, a_lone_sequence_takes_as_long_as_its_last_tile);
    tcase_add_test(counted, a_cached_prefix_is_walked_along_by_every_tile);
    tcase_add_test(counted, a_window_bounds_a_tile_s_steps);
    tcase_add_test(counted, query_heads_share_a_tile_where_the_library_packs_them);
    tcase_add_test(counted, what_cannot_split_a_context_walks_all_of_it);
    tcase_add_test(counted, decode_moves_its_kv_from_hbm_unless_it_stayed_in_the_cache);
    tcase_add_test(counted, beside_a_prefill_each_sequence_has_as_many_tiles_as_it);
    tcase_add_test(counted, one_launch_of_both_fills_the_gpu_and_two_add_up);
    tcase_add_test(counted, several_prefills_share_a_launch_with_what_decodes);
    tcase_add_test(counted,
                   a_row_below_a_line_is_read_with_its_neighbour_where_the_cache_is_too_small);
    tcase_add_test(counted, blocks_of_wide_heads_walk_over_the_sequences_to_find_their_own);
    tcase_add_test(counted, a_larger_tile_has_its_own_latency_and_two_of_them_hide_it);
    tcase_add_test(counted, heads_that_do_not_divide_a_tile_cost_each_tile_more);
    tcase_add_test(counted, a_tile_s_first_keys_are_there_when_it_starts);
    suite_add_tcase(suite, counted);
    TCase *shipped = tcase_create("shipped fits");
    tcase_add_test(shipped, more_of_anything_takes_no_less_time);
    tcase_add_test(shipped, kv_from_hbm_is_never_faster_than_from_the_cache);
    tcase_add_test(shipped,
                   a_mixed_launch_of_one_kind_is_that_kind_s_and_of_both_no_longer_than_two);
    tcase_add_test(shipped, an_h200_decodes_by_its_own_bandwidth_with_the_h100_s_fit);
    tcase_add_test(shipped, a_shipped_fit_says_what_it_saw_and_its_error_on_what_it_did_not);
    tcase_add_test(shipped, a_kernel_that_is_none_is_refused_by_its_key);
    suite_add_tcase(suite, shipped);
    return test_main(suite);
}
