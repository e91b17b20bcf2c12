/* tests/models/test_size.c - parameters, bytes of weights and of KV, and the HBM left for KV. */
#include "tests/models/cases.h"

#include <string.h>

#define MIB 1048576.0

START_TEST(kv_per_token_is_the_papers_when_its_mb_are_mib)
{
    static const struct {
        const char *name;
        uint64_t bytes;
        double paper_mb; /* two digits, as printed */
    } cases[] = {
        { "llama-13b", 819200, 0.78 },
        { "llama-65b", 2621440, 2.5 },
        { "llama-2-70b", 327680, 0.31 },
        { "falcon-40b", 122880, 0.12 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model = shipped_model(cases[i].name);
        uint64_t bytes = model_kv_bytes_per_token(&model, 4);
        ck_assert_uint_eq(bytes, cases[i].bytes);
        ck_assert_double_eq_tol((double)bytes / MIB, cases[i].paper_mb, 0.005);
    }
    /* As decimal MB the first would be 0.82: the paper's cannot be those. */
    ck_assert_double_gt(819200 / 1e6, 0.78 + 0.03);
}
END_TEST

START_TEST(kv_heads_are_replicated_when_there_are_more_ranks_than_heads)
{
    struct model model = case_model(); /* two KV heads */
    uint64_t whole = 2 * 2 * 2 * 2 * 2;
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1), whole);
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 2), whole);
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 4), 2 * whole);
}
END_TEST

START_TEST(the_latent_vector_is_on_every_rank)
{
    struct model model = shipped_model("deepseek-v3");
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1), 61 * (512 + 64) * 2);
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 8), 8 * 61 * (512 + 64) * 2);
    model.kv_bytes_per_value = 1;
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1), 61 * (512 + 64));
}
END_TEST

START_TEST(a_windowed_layer_keeps_its_window_and_a_state_its_size)
{
    struct model model = case_model(); /* 16 bytes of KV a token and layer */
    model.layers = 5;
    model.window_layers = 2;
    model.window_tokens = 10;
    model.state_layers = 2;
    model.state_heads = 4;
    model.state_head_dim = 2;
    model.state_dim = 3;
    model.state_groups = 1;
    model.state_conv = 4;
    struct kv_shape shape = model_kv_shape(&model, 1);
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1), 3 * 16);
    ck_assert_uint_eq(shape.full_bytes, 16);
    ck_assert_uint_eq(shape.window_bytes, 2 * 16);
    /* 4 * 2 * 3 values, and three columns of 4 * 2 + 2 * 1 * 3 channels */
    ck_assert_uint_eq(shape.state_bytes, 2 * 2 * (24 + 3 * 14));
    ck_assert_uint_eq(kv_shape_bytes(&shape, 4, 0), 4 * 48 + shape.state_bytes);
    ck_assert_uint_eq(kv_shape_bytes(&shape, 100, 0), 100 * 16 + 10 * 32 + shape.state_bytes);
    ck_assert_uint_eq(kv_shape_bytes(&shape, 100, 7), 100 * 16 + 17 * 32 + shape.state_bytes);
    /* Four ranks, two KV heads: KV twice, the state shared out. */
    ck_assert_uint_eq(model_kv_shape(&model, 4).full_bytes, 32);
    ck_assert_uint_eq(model_kv_shape(&model, 4).state_bytes, shape.state_bytes);
}
END_TEST

START_TEST(parameters_are_the_published_ones)
{
    /* Of the checkpoints, as their makers or Hugging Face count them, with norms and biases. */
    static const struct {
        const char *name;
        double parameters;
    } cases[] = {
        { "llama-13b", 13015864320.0 },   { "llama-65b", 65285660672.0 },
        { "llama-2-70b", 68976648192.0 }, { "llama-2-7b", 6738415616.0 },
        { "llama-3-8b", 8030261248.0 },   { "llama-3-70b", 70553706496.0 },
        { "mistral-7b", 7248023552.0 },   { "qwen2.5-7b", 7615616512.0 },
        { "falcon-40b", 41303293952.0 },  { "deepseek-v3", 671e9 },
        { "deepseek-r1", 671e9 },         { "qwen3-235b-a22b", 235093634560.0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model = shipped_model(cases[i].name);
        double error = (double)model_parameters(&model) / cases[i].parameters - 1;
        ck_assert_msg(error > -0.001 && error < 0.001, "%s: off by %.3f %%", cases[i].name,
                      100 * error);
    }
}
END_TEST

START_TEST(a_token_passes_through_few_of_the_experts)
{
    struct model model = shipped_model("deepseek-v3");
    /* "37B activated" (arXiv 2412.19437) counts the embedding, which is a look-up here. */
    double embedding = 129280.0 * 7168;
    ck_assert_double_eq_tol(((double)model_active_parameters(&model) + embedding) / 37e9, 1, 0.02);
    struct model dense = case_model();
    ck_assert_uint_eq(model_active_parameters(&dense), model_parameters(&dense) - 32 * 8);
}
END_TEST

START_TEST(a_small_models_weights_are_those_counted_by_hand)
{
    struct model model = case_model();
    uint64_t layer = 8 * 16 + 8 * 8 + 3 * 8 * 16, embedding = 32 * 8;
    ck_assert_uint_eq(model_parameters(&model), 2 * layer + 2 * embedding);
    ck_assert_uint_eq(model_weight_bytes(&model, 1), 2 * (2 * layer + 2 * embedding));
    ck_assert_uint_eq(model_weight_bytes(&model, 2), model_weight_bytes(&model, 1));
    /* Four ranks and two KV heads: K and V are projected twice. */
    ck_assert_uint_eq(model_weight_bytes(&model, 4),
                      model_weight_bytes(&model, 1) + 2 * 2 * (8 * 2 * 2 * 2));
    model.tied_embeddings = true;
    model.gated_ffn = false;
    ck_assert_uint_eq(model_parameters(&model), 2 * (layer - 8 * 16) + embedding);
}
END_TEST

/* What engines do not quantise: embedding and output head (vLLM,
 * model_executor/layers/quantization: only linear layers). */
START_TEST(a_format_is_of_all_products_but_the_output_head)
{
    struct model model = case_model();
    uint64_t layer = 8 * 16 + 8 * 8 + 3 * 8 * 16, embedding = 32 * 8;
    model_set_weight_format(&model, FORMAT_FP8);
    ck_assert_uint_eq(model_weight_bytes(&model, 1), 2 * layer + 2 * (2 * embedding));
    model_set_weight_format(&model, FORMAT_NVFP4); /* 4.5 bits */
    ck_assert_uint_eq(model_weight_bytes(&model, 1), 2 * layer * 9 / 16 + 2 * (2 * embedding));
    model_set_weight_format(&model, FORMAT_BF16);
    ck_assert_uint_eq(model_weight_bytes(&model, 1), 2 * (2 * layer + 2 * embedding));
}
END_TEST

START_TEST(mxfp4_is_of_routed_experts_where_there_are_any)
{
    struct model as_published = shipped_model("gpt-oss-20b"), set = as_published;
    model_set_weight_format(&set, FORMAT_BF16);
    ck_assert_uint_gt(model_weight_bytes(&set, 1), 2 * model_weight_bytes(&as_published, 1));
    model_set_weight_format(&set, FORMAT_MXFP4);
    ck_assert_uint_eq(model_weight_bytes(&set, 1), model_weight_bytes(&as_published, 1));
    struct model dense = case_model();
    model_set_weight_format(&dense, FORMAT_MXFP4);
    ck_assert_double_eq(dense.weight_bytes_per_parameter, 4.25 / 8);
}
END_TEST

START_TEST(what_no_rank_can_do_without_is_on_every_rank)
{
    struct model model = shipped_model("deepseek-v3");
    uint64_t compressions = 61 * (7168ull * 1536 + 7168ull * (512 + 64));
    uint64_t routers = 2 * 58 * 7168ull * 256; /* in bf16 */
    ck_assert_uint_eq(model_weight_bytes(&model, 8) - model_weight_bytes(&model, 1),
                      7 * (compressions + routers));
}
END_TEST

START_TEST(the_budget_is_usable_hbm_less_weights)
{
    struct model model = case_model();
    struct hardware server = case_server();
    struct error err = { 0 };
    uint64_t bytes;
    server.hbm_utilisation = 0.5;
    server.hbm_reserved_bytes = 1000;
    ck_assert_int_eq(model_kv_budget_bytes(&model, &server, 2, &bytes, &err), STATUS_OK);
    ck_assert_uint_eq(bytes, 2 * (500000 - 1000) - model_weight_bytes(&model, 2));
}
END_TEST

START_TEST(the_papers_65b_leaves_its_190_gb_of_hbm)
{
    struct model model = shipped_model("llama-65b");
    struct hardware hardware = shipped_hardware("paper-4xa100");
    struct error err = { 0 };
    uint64_t bytes;
    ck_assert_int_eq(model_kv_budget_bytes(&model, &hardware, 4, &bytes, &err), STATUS_OK);
    ck_assert_double_eq_tol((double)bytes / 1e9, 190, 1);
}
END_TEST

START_TEST(a_model_too_big_is_refused_with_bytes_needed_and_there)
{
    struct model model = shipped_model("llama-65b");
    struct hardware hardware = shipped_hardware("paper-4xa100");
    struct error err = { 0 };
    uint64_t bytes;
    char needed[32], there[32];
    snprintf(needed, sizeof needed, "%llu", (unsigned long long)model_weight_bytes(&model, 1));
    snprintf(there, sizeof there, "%llu", 80000000000ull);
    ck_assert_int_eq(model_kv_budget_bytes(&model, &hardware, 1, &bytes, &err), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(err.expected, "llama-65b"));
    ck_assert_ptr_nonnull(strstr(err.expected, needed));
    ck_assert_ptr_nonnull(strstr(err.found, there));
}
END_TEST

START_TEST(weights_that_leave_no_byte_for_kv_are_refused)
{
    struct model model = case_model();
    struct hardware server = case_server();
    struct error err = { 0 };
    uint64_t bytes;
    server.hbm_bytes = model_weight_bytes(&model, 1);
    ck_assert_int_eq(model_kv_budget_bytes(&model, &server, 1, &bytes, &err), STATUS_INPUT);
    server.hbm_bytes++;
    struct error none = { 0 };
    ck_assert_int_eq(model_kv_budget_bytes(&model, &server, 1, &bytes, &none), STATUS_OK);
    ck_assert_uint_eq(bytes, 1);
}
END_TEST

START_TEST(ranks_that_cannot_share_the_heads_are_refused)
{
    struct model model = case_model();
    struct hardware server = case_server();
    uint64_t bytes;
    for (uint32_t ranks = 0; ranks <= 5; ranks++) {
        struct error err = { 0 };
        enum status status = model_kv_budget_bytes(&model, &server, ranks, &bytes, &err);
        bool shares = ranks == 1 || ranks == 2 || ranks == 4;
        ck_assert_msg((status == STATUS_OK) == shares, "%u ranks", ranks);
        if (!shares) {
            ck_assert_int_eq(status, STATUS_INPUT);
            ck_assert_str_eq(err.key, "gpus");
        }
    }
}
END_TEST

START_TEST(ranks_must_divide_or_multiply_the_kv_heads)
{
    struct model model = case_model();
    struct hardware server = case_server();
    struct error err = { 0 };
    uint64_t bytes;
    model.heads = 12;
    model.kv_heads = 4;
    server.gpus = 12;
    ck_assert_int_eq(model_kv_budget_bytes(&model, &server, 6, &bytes, &err), STATUS_INPUT);
    ck_assert_ptr_nonnull(strstr(err.expected, "4 KV heads of case"));
    struct error none = { 0 };
    ck_assert_int_eq(model_kv_budget_bytes(&model, &server, 12, &bytes, &none), STATUS_OK);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/size");
    TCase *tests = tcase_create("bytes");
    tcase_add_test(tests, kv_per_token_is_the_papers_when_its_mb_are_mib);
    tcase_add_test(tests, kv_heads_are_replicated_when_there_are_more_ranks_than_heads);
    tcase_add_test(tests, the_latent_vector_is_on_every_rank);
    tcase_add_test(tests, a_windowed_layer_keeps_its_window_and_a_state_its_size);
    tcase_add_test(tests, parameters_are_the_published_ones);
    tcase_add_test(tests, a_token_passes_through_few_of_the_experts);
    tcase_add_test(tests, a_small_models_weights_are_those_counted_by_hand);
    tcase_add_test(tests, a_format_is_of_all_products_but_the_output_head);
    tcase_add_test(tests, mxfp4_is_of_routed_experts_where_there_are_any);
    tcase_add_test(tests, what_no_rank_can_do_without_is_on_every_rank);
    tcase_add_test(tests, the_budget_is_usable_hbm_less_weights);
    tcase_add_test(tests, the_papers_65b_leaves_its_190_gb_of_hbm);
    tcase_add_test(tests, a_model_too_big_is_refused_with_bytes_needed_and_there);
    tcase_add_test(tests, weights_that_leave_no_byte_for_kv_are_refused);
    tcase_add_test(tests, ranks_that_cannot_share_the_heads_are_refused);
    tcase_add_test(tests, ranks_must_divide_or_multiply_the_kv_heads);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
