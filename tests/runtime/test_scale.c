/* tests/runtime/test_scale.c - what a model is scaled down to: which heads it keeps. */
#include "runtime/calibrate.h"
#include "tests/support.h"

#include <stdio.h>

static enum status up_to_128(const struct attention_dims *shape, const uint32_t *widths,
                             uint32_t count, struct error *err)
{
    (void)widths, (void)count;
    return shape->head_dim <= 128 ? STATUS_OK : error_input(err, NULL, 0, "head_dim", "128", "256");
}

static const struct backend any = { .element_bytes = 2 };
static const struct backend narrow = { .element_bytes = 2, .supports = up_to_128 };

static struct model shipped(const char *name)
{
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(model_load(name, &model, &err), STATUS_OK);
    return model;
}

START_TEST(heads_keep_their_width_where_four_fit)
{
    static const struct {
        const char *model;
        uint32_t hidden, head_dim, heads, kv_heads;
    } cases[] = {
        { "llama-2-7b", 4096, 128, 32, 32 }, { "llama-3-8b", 4096, 128, 32, 8 },
        { "llama-2-7b", 512, 128, 4, 4 },    { "llama-2-7b", 256, 64, 4, 4 },
        { "llama-2-7b", 128, 32, 4, 4 },     { "llama-2-7b", 64, 32, 2, 2 },
        { "llama-2-7b", 576, 64, 9, 9 },  /* of which it is a multiple */
        { "llama-2-7b", 520, 128, 4, 4 }, /* of none: rounded down to 512 */
        { "falcon-40b", 8192, 64, 128, 8 },  { "gemma-2-9b", 3584, 256, 14, 7 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model = shipped(cases[i].model);
        struct model small = model_scaled(&model, &any, 2, cases[i].hidden, 100, 512);
        ck_assert_msg(small.head_dim == cases[i].head_dim && small.heads == cases[i].heads &&
                          small.kv_heads == cases[i].kv_heads,
                      "%s to %u: %u heads of %u, %u of KV", cases[i].model, cases[i].hidden,
                      small.heads, small.head_dim, small.kv_heads);
        ck_assert_uint_eq(small.hidden, small.heads * small.head_dim);
    }
}
END_TEST

START_TEST(a_width_that_the_backend_cannot_take_is_passed_over)
{
    struct model model = shipped("gemma-2-9b");
    struct model small = model_scaled(&model, &narrow, 2, 3584, 100, 512);
    ck_assert_uint_eq(small.head_dim, 128);
    ck_assert_uint_eq(small.heads, 28);
}
END_TEST

START_TEST(a_mixture_keeps_its_experts_and_narrows_them)
{
    struct error err = { 0 };
    struct model mixtral = shipped("mixtral-8x7b"), qwen = shipped("qwen3-30b-a3b");
    struct model small = model_scaled(&mixtral, &any, 4, 1024, 100, 512);
    ck_assert_uint_eq(small.experts, 8);
    ck_assert_uint_eq(small.experts_per_token, 2);
    ck_assert_uint_eq(small.expert_ffn, 14336 / 4);
    ck_assert_uint_eq(small.ffn, 0); /* no layer is dense */
    ck_assert_int_eq(model_check(&small, "small", &err), STATUS_OK);
    small = model_scaled(&qwen, &any, 4, 512, 100, 512);
    ck_assert_uint_eq(small.experts, 128);
    ck_assert_uint_eq(small.experts_per_token, 8);
    ck_assert_uint_eq(small.expert_ffn, 768 / 4);
    ck_assert_int_eq(model_check(&small, "small", &err), STATUS_OK);
}
END_TEST

START_TEST(dense_layers_stay_but_for_the_last_that_leaves_room_for_experts)
{
    static const struct {
        uint32_t layers, dense_layers, ffn;
    } cases[] = { { 8, 3, 18432 / 14 / 32 * 32 }, { 3, 2, 18432 / 14 / 32 * 32 }, { 1, 0, 0 } };
    struct model model = shipped("deepseek-v3");
    struct error err = { 0 };
    model.attention = ATTENTION_MULTI_HEAD; /* what is scaled of latent attention is not asked */
    model.latent_dim = model.rope_dim = model.query_latent_dim = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model small = model_scaled(&model, &any, cases[i].layers, 512, 100, 512);
        ck_assert_uint_eq(small.dense_layers, cases[i].dense_layers);
        ck_assert_uint_eq(small.ffn, cases[i].ffn);
        ck_assert_uint_eq(small.shared_experts, 1);
        ck_assert_int_eq(model_check(&small, "small", &err), STATUS_OK);
    }
}
END_TEST

/* Gemma 2: half of its 42 layers see 4,096 of 8,192 tokens. */
START_TEST(windows_keep_their_share_of_layers_and_context)
{
    struct model model = shipped("gemma-2-9b");
    const uint32_t layers[] = { 1, 2, 4, 5 }, windowed[] = { 1, 1, 2, 2 };
    for (int i = 0; i < 4; i++) {
        struct model small = model_scaled(&model, &any, layers[i], 256, 100, 512);
        ck_assert_uint_eq(small.window_layers, windowed[i]);
        ck_assert_uint_eq(small.window_tokens, 256);
    }
}
END_TEST

/* In the ratio to hidden, of a head in its own, and whole tiles of either. */
START_TEST(latent_attention_keeps_its_ratios)
{
    static const struct {
        const char *model;
        uint32_t hidden, head_dim, latent_dim, rope_dim, query_latent_dim;
    } cases[] = {
        { "deepseek-v2-lite", 2048, 128, 512, 64, 0 }, { "deepseek-v2-lite", 512, 128, 128, 64, 0 },
        { "deepseek-v2-lite", 256, 64, 64, 32, 0 },    { "deepseek-v2-lite", 64, 32, 32, 16, 0 },
        { "deepseek-v3", 7168, 128, 512, 64, 1536 },   { "deepseek-v3", 1024, 128, 64, 64, 192 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model = shipped(cases[i].model);
        struct model small = model_scaled(&model, &any, 2, cases[i].hidden, 100, 512);
        ck_assert_msg(small.head_dim == cases[i].head_dim &&
                          small.latent_dim == cases[i].latent_dim &&
                          small.rope_dim == cases[i].rope_dim &&
                          small.query_latent_dim == cases[i].query_latent_dim,
                      "%s to %u: heads of %u, %u of them with a position, latent %u, of queries %u",
                      cases[i].model, cases[i].hidden, small.head_dim, small.rope_dim,
                      small.latent_dim, small.query_latent_dim);
        ck_assert_uint_eq(small.kv_heads, small.heads);
        ck_assert_int_eq(small.attention, ATTENTION_LATENT);
    }
}
END_TEST

/* mxfp4 is of the model's own weights, not of those that are run here. */
START_TEST(experts_are_of_the_backends_width)
{
    struct model model = shipped("gpt-oss-20b");
    ck_assert(model.expert_bytes_per_parameter > 0);
    struct model small = model_scaled(&model, &any, 2, 512, 100, 512);
    ck_assert(small.expert_bytes_per_parameter == 0 && small.weight_bytes_per_parameter == 2);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("scale");
    tcase_add_test(tests, heads_keep_their_width_where_four_fit);
    tcase_add_test(tests, latent_attention_keeps_its_ratios);
    tcase_add_test(tests, a_width_that_the_backend_cannot_take_is_passed_over);
    tcase_add_test(tests, a_mixture_keeps_its_experts_and_narrows_them);
    tcase_add_test(tests, dense_layers_stay_but_for_the_last_that_leaves_room_for_experts);
    tcase_add_test(tests, experts_are_of_the_backends_width);
    tcase_add_test(tests, windows_keep_their_share_of_layers_and_context);
    Suite *suite = suite_create("scale");
    suite_add_tcase(suite, tests);
    return test_main(suite);
}
