/* tests/models/test_kinds.c - models whose layers differ: what they hold and take is the sum of
 * what models all of one kind do, and what is new in a kind is what it was counted by hand. */
#include "models/matrices.h"
#include "tests/models/cases.h"

#include <string.h>

enum { LAYERS = 4, HIDDEN = 1024 };

/* Four layers of grouped attention, 8 heads over 2, 128 wide; feed-forwards of 2048. */
static struct model plain(void)
{
    return (struct model){ .name = "plain",
                           .layers = LAYERS,
                           .hidden = HIDDEN,
                           .heads = 8,
                           .kv_heads = 2,
                           .head_dim = 128,
                           .ffn = 2048,
                           .gated_ffn = true,
                           .vocabulary = 1000,
                           .context_window_tokens = 65536,
                           .weight_bytes_per_parameter = 2,
                           .kv_bytes_per_value = 2,
                           .state_bytes_per_value = 2 };
}

static void check(const struct model *model)
{
    struct error err = { 0 };
    if (model_check(model, "a test", &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort();
    }
}

static double prefill_ns(const struct model *model, uint64_t tokens, uint64_t cached)
{
    struct hardware hardware = roofline_hardware("h100");
    struct timing timing = timing_new(model, &hardware, 1);
    return LAYERS * (double)timing_prefill(&timing, tokens, cached).layer_ns;
}

/* Of all layers, of sequences with so many tokens each. */
static double decode_ns(const struct model *model, uint32_t batch, uint64_t context)
{
    struct hardware hardware = roofline_hardware("h100");
    struct timing timing = timing_new(model, &hardware, 1);
    uint64_t window = batch * timing_window_context(&timing, context);
    struct decode_time time = timing_decode(&timing, batch, batch * context, window);
    return decode_time_ns(&time, batch * context, window);
}

/* A window that no context here fills. */
static struct model with_wide_windows(uint32_t layers)
{
    struct model model = plain();
    model.window_layers = layers;
    model.window_tokens = 65535;
    return model;
}

START_TEST(layers_of_two_kinds_of_heads_are_the_sum_of_both)
{
    struct model both = with_wide_windows(1), windows = plain(), fulls = plain();
    both.window_heads = windows.heads = 16;
    both.window_kv_heads = windows.kv_heads = 8;
    both.window_head_dim = windows.head_dim = 64;
    both.window_value_dim = windows.value_dim = 32;
    check(&both);
    double share = 1.0 / LAYERS;
    double parameters =
        share * (double)model_parameters(&windows) + (1 - share) * (double)model_parameters(&fulls);
    ck_assert_double_eq((double)model_parameters(&both), parameters);
    ck_assert_uint_eq(model_kv_shape(&both, 1).window_bytes, 8 * (64 + 32) * 2);
    ck_assert_uint_eq(model_kv_shape(&both, 1).full_bytes, 3 * 2 * (128 + 128) * 2);
    for (uint64_t tokens = 1; tokens < 20000; tokens = 7 * tokens + 1) {
        double sum = share * prefill_ns(&windows, tokens, 3000) +
                     (1 - share) * prefill_ns(&fulls, tokens, 3000);
        ck_assert_double_eq_tol(prefill_ns(&both, tokens, 3000), sum, 3 * LAYERS);
        sum = share * decode_ns(&windows, 16, tokens) + (1 - share) * decode_ns(&fulls, 16, tokens);
        ck_assert_double_eq_tol(decode_ns(&both, 16, tokens), sum, 1 + 1e-9 * sum);
    }
}
END_TEST

START_TEST(heads_that_are_said_but_the_same_change_nothing)
{
    struct model said = with_wide_windows(2), unsaid = with_wide_windows(2);
    said.window_heads = 8;
    said.window_kv_heads = 2;
    said.window_head_dim = said.window_value_dim = said.value_dim = 128;
    struct matrix a[TIMING_MATRICES_MAX], b[TIMING_MATRICES_MAX];
    ck_assert_uint_eq(model_matrices(&said, 2, a), model_matrices(&unsaid, 2, b));
    ck_assert_uint_eq(model_parameters(&said), model_parameters(&unsaid));
    ck_assert_double_eq(prefill_ns(&said, 500, 900), prefill_ns(&unsaid, 500, 900));
}
END_TEST

START_TEST(layers_that_read_anothers_kv_keep_and_project_none)
{
    struct model model = with_wide_windows(2), own = with_wide_windows(2);
    model.shared_kv_layers = 2;
    model.shared_kv_window_layers = 1;
    check(&model);
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1), model_kv_bytes_per_token(&own, 1) / 2);
    ck_assert_uint_eq(model_parameters(&own) - model_parameters(&model),
                      2ull * HIDDEN * 2 * 2 * 128);
    /* They attend all the same. */
    double more = decode_ns(&model, 8, 40000) - decode_ns(&model, 8, 20000);
    ck_assert_double_eq_tol(more, decode_ns(&own, 8, 40000) - decode_ns(&own, 8, 20000), 1);
}
END_TEST

START_TEST(one_projection_makes_keys_and_values_of_layers_that_see_all)
{
    struct model model = with_wide_windows(3), both = with_wide_windows(3);
    model.values_are_keys = true;
    ck_assert_uint_eq(model_parameters(&both) - model_parameters(&model), 1ull * HIDDEN * 2 * 128);
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1), model_kv_bytes_per_token(&both, 1));
}
END_TEST

static struct model latent(void)
{
    struct model model = plain();
    model.attention = ATTENTION_LATENT;
    model.kv_heads = model.heads;
    model.latent_dim = 512;
    model.rope_dim = 64;
    model.query_latent_dim = 256;
    return model;
}

static struct model indexed(void)
{
    struct model model = latent();
    model.index_layers = LAYERS;
    model.index_heads = 8;
    model.index_dim = 128;
    model.index_tokens = 2048;
    return model;
}

START_TEST(an_indexer_keeps_a_key_of_a_byte_a_value_and_its_scale)
{
    struct model model = indexed(), dense = latent();
    check(&model);
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1) - model_kv_bytes_per_token(&dense, 1),
                      LAYERS * (128 + 4));
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 8), 8 * model_kv_bytes_per_token(&model, 1));
    ck_assert_uint_eq(model_parameters(&model) - model_parameters(&dense),
                      LAYERS * (256ull * 8 * 128 + 1ull * HIDDEN * (128 + 8)));
}
END_TEST

/* A token more of context is scored, not attended to: its key is read, 2 * 8 * 128 operations. */
START_TEST(beyond_what_it_chooses_context_costs_the_indexer_alone)
{
    struct model model = indexed(), dense = latent();
    struct hardware hardware = roofline_hardware("h100");
    double flop = 2.0 * 8 * 128 / (hardware.flop_per_s * hardware.attention_efficiency);
    double key = 128 / (hardware.hbm_bytes_per_s * hardware.hbm_efficiency);
    double a_token_ns = LAYERS * 1e9 * (flop > key ? flop : key);
    double more = decode_ns(&model, 1, 60000) - decode_ns(&model, 1, 10000);
    ck_assert_double_eq_tol(more / (50000 * a_token_ns), 1, 1e-6);
    ck_assert_double_lt(more, 0.5 * (decode_ns(&dense, 1, 60000) - decode_ns(&dense, 1, 10000)));
    double short_more = decode_ns(&model, 1, 2000) - decode_ns(&model, 1, 1000);
    double dense_more = decode_ns(&dense, 1, 2000) - decode_ns(&dense, 1, 1000);
    ck_assert_double_eq_tol(short_more, dense_more + 1000 * a_token_ns, 1);
    /* A chunk behind a long context attends to as many tokens as one behind a shorter. */
    double far = prefill_ns(&model, 512, 60000), near = prefill_ns(&model, 512, 30000);
    ck_assert_double_lt(far - near,
                        0.3 * (prefill_ns(&dense, 512, 60000) - prefill_ns(&dense, 512, 30000)));
}
END_TEST

START_TEST(a_state_beside_attention_is_both)
{
    struct model model = plain(), attention = plain();
    model.state = STATE_MAMBA2;
    model.state_beside_attention = true;
    model.state_layers = LAYERS;
    model.state_heads = 16;
    model.state_head_dim = 64;
    model.state_dim = 128;
    model.state_groups = 1;
    model.state_conv = 4;
    check(&model);
    ck_assert_uint_eq(model_attention_layers(&model), LAYERS);
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1), model_kv_bytes_per_token(&attention, 1));
    uint64_t in = 1ull * HIDDEN * (2 * 1024 + 2 * 128 + 16), out = 1024ull * HIDDEN;
    ck_assert_uint_eq(model_parameters(&model), model_parameters(&attention) + LAYERS * (in + out));
    ck_assert_uint_eq(model_kv_shape(&model, 1).state_bytes,
                      LAYERS * 2ull * (1024 * 128 + 3 * (1024 + 256)));
    ck_assert_double_gt(decode_ns(&model, 4, 1000), decode_ns(&attention, 4, 1000));
    model.state_beside_attention = false; /* then no layer would attend */
    struct error err = { 0 };
    ck_assert_int_eq(model_check(&model, "a test", &err), STATUS_INPUT);
}
END_TEST

static struct model sparse(void)
{
    struct model model = plain();
    model.ffn = 0;
    model.experts = 16;
    model.experts_per_token = 4;
    model.expert_ffn = 512;
    model.shared_experts = 1;
    return model;
}

START_TEST(latent_experts_and_wide_shared_ones_are_as_large_as_counted)
{
    struct model model = sparse(), usual = sparse();
    model.expert_hidden = 256;
    model.shared_expert_ffn = 1536;
    check(&model);
    uint64_t routed = 16ull * 3 * 256 * 512, shared = 3ull * HIDDEN * 1536;
    uint64_t between = 2ull * HIDDEN * 256, router = 16ull * HIDDEN;
    uint64_t attention = 1ull * HIDDEN * 128 * (8 + 2 * 2 + 8);
    ck_assert_uint_eq(model_parameters(&model),
                      2ull * 1000 * HIDDEN +
                          LAYERS * (attention + routed + shared + between + router));
    ck_assert_double_lt(decode_ns(&model, 64, 100), decode_ns(&usual, 64, 100));
}
END_TEST

START_TEST(layers_without_a_feed_forward_or_without_attention_are_less)
{
    struct model model = plain(), all = plain();
    model.ffn_only_layers = 1; /* three attend, */
    model.ffn_layers = 3;      /* and three feed forward */
    check(&model);
    uint64_t attention = 1ull * HIDDEN * 128 * (8 + 2 * 2 + 8), ffn = 3ull * HIDDEN * 2048;
    ck_assert_uint_eq(model_parameters(&all) - model_parameters(&model), attention + ffn);
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1),
                      model_kv_bytes_per_token(&all, 1) / LAYERS * 3);
    ck_assert_double_lt(prefill_ns(&model, 1000, 0), prefill_ns(&all, 1000, 0));
}
END_TEST

START_TEST(each_part_has_its_own_bytes_and_routers_two)
{
    struct model model = sparse();
    model.weight_bytes_per_parameter = 1;
    model.attention_bytes_per_parameter = 2;
    model.expert_bytes_per_parameter = 0.5;
    model.shared_bytes_per_parameter = 1.5;
    check(&model);
    double attention = 1.0 * HIDDEN * 128 * (8 + 2 * 2 + 8), router = 16.0 * HIDDEN;
    double routed = 16.0 * 3 * HIDDEN * 512, shared = 3.0 * HIDDEN * 512;
    double bytes = 2 * (2.0 * 1000 * HIDDEN) +
                   LAYERS * (2 * attention + 2 * router + 0.5 * routed + 1.5 * shared);
    ck_assert_double_eq((double)model_weight_bytes(&model, 1), bytes);
    struct matrix matrix[TIMING_MATRICES_MAX];
    uint32_t count = model_matrices(&model, 1, matrix);
    for (uint32_t i = 0; i < count; i++)
        if (matrix[i].part == MATRIX_ATTENTION || matrix[i].part == MATRIX_ROUTER)
            ck_assert_int_eq(matrix_format(&matrix[i], &model), FORMAT_BF16);
        else if (matrix[i].part == MATRIX_EXPERTS)
            ck_assert_int_eq(matrix_format(&matrix[i], &model), FORMAT_INT4);
    model_set_weight_format(&model, FORMAT_FP8);
    ck_assert_double_eq(model.attention_bytes_per_parameter, 0);
    ck_assert_double_eq((double)model_weight_bytes(&model, 1),
                        2 * (2.0 * 1000 * HIDDEN) +
                            LAYERS * (attention + 2 * router + routed + shared));
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/kinds");
    TCase *tests = tcase_create("layers that differ");
    tcase_add_test(tests, layers_of_two_kinds_of_heads_are_the_sum_of_both);
    tcase_add_test(tests, heads_that_are_said_but_the_same_change_nothing);
    tcase_add_test(tests, layers_that_read_anothers_kv_keep_and_project_none);
    tcase_add_test(tests, one_projection_makes_keys_and_values_of_layers_that_see_all);
    tcase_add_test(tests, an_indexer_keeps_a_key_of_a_byte_a_value_and_its_scale);
    tcase_add_test(tests, beyond_what_it_chooses_context_costs_the_indexer_alone);
    tcase_add_test(tests, a_state_beside_attention_is_both);
    tcase_add_test(tests, latent_experts_and_wide_shared_ones_are_as_large_as_counted);
    tcase_add_test(tests, layers_without_a_feed_forward_or_without_attention_are_less);
    tcase_add_test(tests, each_part_has_its_own_bytes_and_routers_two);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
