/* tests/models/test_hf_config.c - models from Hugging Face's config.json: what the files of
 * published models (tests/models/configs: the fields that matter, as published) come to, and what
 * is refused. */
#include "tests/models/cases.h"

#include "base/table.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* tests/models/published.csv: of each model of tests/models/configs what its maker, or Hugging
 * Face, says of its language model; and bytes of KV a token, of all attention layers, as published
 * or counted by hand. docs/models.md is printed from it. */
struct published {
    const char *name;
    double parameters, tolerance, kv_bytes, window_layers, window_tokens, state_layers;
};
static struct table published_table;

static double number(uint32_t row, const char *column)
{
    struct error err = { 0 };
    double value = 0;
    int at = table_column(&published_table, column);
    ck_assert_int_ge(at, 0);
    if (table_number(&published_table, row, at, &value, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort();
    }
    return value;
}

static struct published published(uint32_t row)
{
    return (struct published){ .name = table_text(&published_table, row,
                                                  table_column(&published_table, "model")),
                               .parameters = number(row, "parameters"),
                               .tolerance = number(row, "tolerance"),
                               .kv_bytes = number(row, "kv_bytes"),
                               .window_layers = number(row, "window_layers"),
                               .window_tokens = number(row, "window_tokens"),
                               .state_layers = number(row, "state_layers") };
}

static void open_published(void)
{
    struct error err = { 0 };
    ck_assert_int_eq(table_open(TEST_CONFIGS "/../published.csv", &published_table, &err),
                     STATUS_OK);
    ck_assert_uint_gt(table_rows(&published_table), 50);
}

static void close_published(void)
{
    table_free(&published_table);
}

static void config_path(const char *name, char path[512])
{
    snprintf(path, 512, "%s/%s.json", TEST_CONFIGS, name);
}

static struct model imported(const char *name)
{
    struct model model;
    struct error err = { 0 };
    char path[512];
    config_path(name, path);
    if (model_load(path, &model, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("%s is not read", path);
    }
    return model;
}

START_TEST(parameters_are_the_published_ones)
{
    for (uint32_t i = 0; i < table_rows(&published_table); i++) {
        struct published of = published(i);
        struct model model = imported(of.name);
        double error = (double)model_parameters(&model) / of.parameters - 1;
        ck_assert_msg(error > -of.tolerance && error < of.tolerance, "%s: off by %.3f %%", of.name,
                      100 * error);
    }
}
END_TEST

START_TEST(kv_and_kinds_of_layers_are_those_counted_by_hand)
{
    for (uint32_t i = 0; i < table_rows(&published_table); i++) {
        struct published of = published(i);
        struct model model = imported(of.name);
        ck_assert_str_eq(model.name, of.name);
        ck_assert_msg((double)model_kv_bytes_per_token(&model, 1) == of.kv_bytes, "%s: %llu",
                      model.name, (unsigned long long)model_kv_bytes_per_token(&model, 1));
        ck_assert_msg(
            model.window_layers == of.window_layers && model.window_tokens == of.window_tokens,
            "%s: %u layers see %u tokens", model.name, model.window_layers, model.window_tokens);
        ck_assert_msg(model.state_layers == of.state_layers, "%s: %u", model.name,
                      model.state_layers);
    }
}
END_TEST

START_TEST(few_parameters_are_active_where_the_makers_say_so)
{
    static const struct {
        const char *name;
        double active; /* as published; with the embedding where `embedding` */
        bool embedding;
    } cases[] = {
        { "mixtral-8x7b", 12.9e9, true }, { "qwen3-30b-a3b", 3.3e9, true },
        { "gpt-oss-20b", 3.6e9, false },  { "gpt-oss-120b", 5.1e9, false },
        { "jamba-v0.1", 12e9, true },     { "minimax-text-01", 45.9e9, false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model = imported(cases[i].name);
        double active = (double)model_active_parameters(&model);
        if (cases[i].embedding)
            active += (double)model.vocabulary * model.hidden;
        ck_assert_msg(active > 0.97 * cases[i].active && active < 1.03 * cases[i].active,
                      "%s: %.2f B", model.name, active / 1e9);
    }
}
END_TEST

START_TEST(quantised_weights_take_the_bytes_of_their_files)
{
    struct model model = imported("gpt-oss-20b"); /* 13.8 GB of safetensors */
    ck_assert_double_eq_tol((double)model_weight_bytes(&model, 1) / 13.8e9, 1, 0.01);
    model = imported("gpt-oss-120b"); /* 65.2 GB */
    ck_assert_double_eq_tol((double)model_weight_bytes(&model, 1) / 65.2e9, 1, 0.01);
    model = imported("deepseek-v3"); /* fp8 of blocks of 128 x 128; embedding and head in bf16 */
    ck_assert_double_eq_tol(model.weight_bytes_per_parameter, 1 + 4.0 / (128 * 128), 1e-12);
    ck_assert_double_eq(model.head_bytes_per_parameter, 2);
    ck_assert_int_eq(model.weight_format, 1 + FORMAT_FP8_BLOCK);
}
END_TEST

/* Mamba-2: heads * width * state, and three columns of the convolution's channels, in 24 layers. */
START_TEST(a_state_is_as_large_as_its_recurrence)
{
    struct model model = imported("nemotron-h-8b");
    uint64_t values = 128 * 64 * 128 + 3 * (128 * 64 + 2 * 8 * 128);
    ck_assert_uint_eq(model_kv_shape(&model, 1).state_bytes, 24 * 2 * values);
    model.state_bytes_per_value = 4;
    ck_assert_uint_eq(model_kv_shape(&model, 1).state_bytes,
                      24 * (2 * values + 2 * 128 * 64 * 128));
    model = imported("jamba-v0.1");
    ck_assert_uint_eq(model_kv_shape(&model, 2).state_bytes, 28 * 2 * 8192 * (16 + 3));
    model = imported("minimax-text-01");
    ck_assert_uint_eq(model_kv_shape(&model, 1).state_bytes, 70 * 2 * 64 * 128 * 128);
}
END_TEST

/* What vLLM printed for others: memory for KV and what it held, and the block size at which a page
 * of attention is as large as one of a state. */
START_TEST(kv_and_states_are_as_large_as_vllm_found_them)
{
    const double gib = 1073741824.0;
    struct model model = imported("llama-3.1-8b"); /* issue 10517: 3.81 GiB, 1,952 blocks of 16 */
    double per_token = (double)model_kv_bytes_per_token(&model, 1);
    ck_assert_double_eq_tol(1952 * 16 * per_token / gib, 3.81, 0.005);
    ck_assert_double_eq_tol(1478 * 16 * per_token / gib, 2.89, 0.005);
    model = imported("qwen3-235b-a22b"); /* issue 21348: 8.11 GiB a GPU of four, 178,880 tokens */
    double per_gpu = (double)model_kv_bytes_per_token(&model, 4) / 4;
    ck_assert_double_eq_tol(178880 * per_gpu / gib / 8.11, 1, 0.02);
    model = imported("nemotron-h-8b"); /* issue 24280: Nemotron-Nano-9B-v2, whose heads are of 80 */
    model.state_head_dim = 80;
    double state = (double)model_kv_shape(&model, 1).state_bytes / model.state_layers;
    double token = (double)model_kv_bytes_per_token(&model, 1) / model_attention_layers(&model);
    ck_assert_double_gt(state, 656 * token); /* so its blocks are of 672 tokens, in steps of 16 */
    ck_assert_double_le(state, 672 * token);
}
END_TEST

static void assert_same(const struct model *a, const struct model *b)
{
    ck_assert_mem_eq(&a->layers, &b->layers, sizeof *a - offsetof(struct model, layers));
}

START_TEST(what_is_written_as_yaml_is_read_back)
{
    for (uint32_t i = 0; i < table_rows(&published_table); i++) {
        struct model model, read;
        struct published of = published(i);
        struct error err = { 0 };
        char path[512], *text = NULL;
        size_t length = 0;
        config_path(of.name, path);
        FILE *yaml = open_memstream(&text, &length);
        const struct model_import mine = { .name = "mine" };
        ck_assert_int_eq(model_import(path, &mine, &model, yaml, &err), STATUS_OK);
        fclose(yaml);
        char *file = test_temp_file(text);
        char named[512];
        snprintf(named, sizeof named, "%s.yaml", file);
        ck_assert_int_eq(rename(file, named), 0);
        if (model_load(named, &read, &err) != STATUS_OK) {
            error_print(stderr, &err);
            ck_abort_msg("%s:\n%s", of.name, text);
        }
        ck_assert_str_eq(read.name, "mine");
        assert_same(&read, &model);
        unlink(named);
        free(file);
        free(text);
    }
}
END_TEST

START_TEST(the_shipped_models_are_what_their_configs_say)
{
    static const char *const shipped[] = { "llama-3-8b",   "llama-3.1-8b",     "llama-3.1-70b",
                                           "mixtral-8x7b", "qwen3-32b",        "qwen3-30b-a3b",
                                           "gemma-2-9b",   "gpt-oss-20b",      "gpt-oss-120b",
                                           "jamba-v0.1",   "deepseek-v2-lite", "nemotron-h-8b",
                                           "falcon-40b",   "qwen2.5-7b" };
    for (size_t i = 0; i < sizeof shipped / sizeof *shipped; i++) {
        struct model by_config = imported(shipped[i]), by_yaml = shipped_model(shipped[i]);
        assert_same(&by_yaml, &by_config);
    }
}
END_TEST

START_TEST(a_folder_with_a_config_is_a_model)
{
    char folder[] = "/tmp/reprise-test-XXXXXX", path[512], from[512], line[8192];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/config.json", folder);
    config_path("gpt2", from);
    FILE *in = fopen(from, "r"), *out = fopen(path, "w");
    while (fgets(line, sizeof line, in) != NULL)
        fputs(line, out);
    fclose(in);
    fclose(out);
    struct model by_folder, by_file;
    struct error err = { 0 };
    ck_assert_int_eq(model_load(folder, &by_folder, &err), STATUS_OK);
    ck_assert_int_eq(model_load(path, &by_file, &err), STATUS_OK);
    ck_assert_mem_eq(&by_folder, &by_file, sizeof by_file);
    ck_assert_str_eq(by_folder.name, strrchr(folder, '/') + 1);
    char params[512];
    snprintf(params, sizeof params, "%s/params.json", folder); /* where there is no other */
    ck_assert_int_eq(rename(path, params), 0);
    ck_assert_int_eq(model_load(folder, &by_folder, &err), STATUS_OK);
    ck_assert_mem_eq(&by_folder, &by_file, sizeof by_file);
    unlink(params);
    struct error none = { 0 };
    ck_assert_int_eq(model_load(folder, &by_folder, &none), STATUS_IO);
    rmdir(folder);
}
END_TEST

/* ---- refusals ---- */

static enum status load_text(const char *text, struct model *model, struct error *err)
{
    char *file = test_temp_file(text), named[512];
    snprintf(named, sizeof named, "%s.json", file);
    ck_assert_int_eq(rename(file, named), 0);
    enum status status = model_load(named, model, err);
    if (status != STATUS_OK)
        ck_assert_str_eq(err->file, named);
    unlink(named);
    free(file);
    return status;
}

static enum status load_json(const json_t *object, struct model *model, struct error *err)
{
    char *text = json_dumps(object, JSON_INDENT(1));
    enum status status = load_text(text, model, err);
    free(text);
    return status;
}

static json_t *config_json(const char *name)
{
    char path[512];
    config_path(name, path);
    json_t *object = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(object);
    return object;
}

/* Each field that has no default of transformers' is missed by its name. */
START_TEST(a_missing_field_is_refused_by_its_name)
{
    static const struct {
        const char *name, *fields[12];
    } cases[] = {
        { "llama-3-8b",
          { "num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size",
            "vocab_size", "max_position_embeddings" } },
        { "mixtral-8x7b", { "num_experts_per_tok", "num_key_value_heads" } },
        { "qwen3-30b-a3b", { "head_dim", "num_key_value_heads" } },
        { "gemma-2-9b", { "head_dim" } },
        { "deepseek-v3", { "kv_lora_rank", "qk_nope_head_dim", "v_head_dim" } },
        { "jamba-v0.1", { "attn_layer_offset", "mamba_d_state", "mamba_expand" } },
        { "nemotron-h-8b", { "ssm_state_size", "n_groups" } },
        { "qwen3-next-80b-a3b", { "linear_conv_kernel_dim", "linear_num_key_heads" } },
        { "gpt2", { "n_positions" } },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (const char *const *field = cases[i].fields; *field != NULL; field++) {
            json_t *object = config_json(cases[i].name);
            ck_assert_int_eq(json_object_del(object, *field), 0);
            struct model model;
            struct error err = { 0 };
            ck_assert_msg(load_json(object, &model, &err) == STATUS_INPUT, "%s without %s",
                          cases[i].name, *field);
            bool first_of_names = strcmp(*field, "n_positions") == 0;
            ck_assert_str_eq(err.key, first_of_names ? "max_position_embeddings" : *field);
            ck_assert_str_eq(err.found, "no such field");
            json_decref(object);
        }
}
END_TEST

START_TEST(a_value_that_means_nothing_here_is_refused_by_its_field)
{
    static const struct {
        const char *name, *field, *value, *key;
    } cases[] = {
        { "llama-3-8b", "architectures", "[\"WhisperForConditionalGeneration\"]", "architectures" },
        { "llama-3-8b", "architectures", "[\"LlamaForSequenceClassification\"]", "architectures" },
        { "llama-3-8b", "architectures", "[\"MambaForCausalLM\"]", "architectures" },
        { "llama-3-8b", "architectures", "\"LlamaForCausalLM\"", "architectures" },
        { "llama-3-8b", "is_encoder_decoder", "true", "is_encoder_decoder" },
        { "llama-3-8b", "hidden_size", "\"4096\"", "hidden_size" },
        { "llama-3-8b", "hidden_size", "-1", "hidden_size" },
        { "llama-3-8b", "hidden_size", "4096.5", "hidden_size" },
        { "llama-3-8b", "hidden_size", "4097", "num_attention_heads" }, /* no whole head */
        { "llama-3-8b", "num_key_value_heads", "7", "kv_heads" },
        { "llama-3-8b", "num_hidden_layers", "1000", "num_hidden_layers" },
        { "llama-3-8b", "tie_word_embeddings", "1", "tie_word_embeddings" },
        { "llama-3-8b", "torch_dtype", "\"int4\"", "torch_dtype" },
        { "llama-3-8b", "layer_types", "[\"full_attention\"]", "layer_types" },
        { "llama-3-8b", "rope_scaling", "{\"type\": \"mystery\", \"factor\": 2}", "rope_scaling" },
        { "llama-3-8b", "rope_scaling", "{\"type\": \"yarn\"}", "rope_scaling" },
        { "llama-3-8b", "quantization_config", "{\"quant_method\": \"mystery\"}",
          "quantization_config.quant_method" },
        { "llama-3-8b", "num_experts_per_tok", "2", "num_experts_per_tok" }, /* of how many? */
        { "gpt-oss-20b", "layer_types", "[\"full_attention\"]", "layer_types" },
        { "deepseek-v3", "moe_layer_freq", "0", "moe_layer_freq" },
        { "deepseek-v3", "moe_layer_freq", "[1, 1]", "moe_layer_freq" },
        { "qwen3-30b-a3b", "decoder_sparse_step", "0", "decoder_sparse_step" },
        { "qwen3-30b-a3b", "mlp_only_layers", "[48]", "mlp_only_layers" },
        { "jamba-v0.1", "attn_layer_offset", "8", "attn_layer_period" },
        { "nemotron-h-8b", "hybrid_override_pattern", "\"M*-X\"", "hybrid_override_pattern" },
        { "minimax-text-01", "attn_type_list", "[1]", "attn_type_list" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *object = config_json(cases[i].name);
        json_object_set_new(object, cases[i].field,
                            json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
        struct model model;
        struct error err = { 0 };
        ck_assert_msg(load_json(object, &model, &err) == STATUS_INPUT, "%s: %s", cases[i].field,
                      cases[i].value);
        ck_assert_msg(strcmp(err.key, cases[i].key) == 0, "%s %s: refused for %s", cases[i].field,
                      cases[i].value, err.key);
        ck_assert_uint_gt(strlen(err.expected), 0);
        json_decref(object);
    }
}
END_TEST

/* ---- what no list of names knows ---- */

static struct model read_with(const char *name, const char *field, const char *value)
{
    json_t *object = config_json(name);
    json_object_set_new(object, field, json_loads(value, JSON_DECODE_ANY, NULL));
    struct model model;
    struct error err = { 0 };
    if (load_json(object, &model, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("%s with %s %s", name, field, value);
    }
    json_decref(object);
    return model;
}

START_TEST(an_unknown_family_is_read_by_its_fields_and_says_so)
{
    struct model known = imported("llama-3-8b");
    struct model other = read_with("llama-3-8b", "architectures", "[\"MysteryForCausalLM\"]");
    ck_assert_uint_eq(model_parameters(&other), model_parameters(&known));
    ck_assert_uint_eq(model_kv_bytes_per_token(&other, 1), model_kv_bytes_per_token(&known, 1));
    ck_assert_ptr_nonnull(strstr(other.notes, "MysteryForCausalLM"));
    ck_assert_str_eq(known.notes, "");
    json_t *object = config_json("llama-3-8b");
    json_object_set_new(object, "architectures", json_pack("[s]", "MysteryForCausalLM"));
    json_object_set_new(object, "hidden_act", json_string("gelu"));
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(load_json(object, &model, &err), STATUS_INPUT); /* two matrices, or three? */
    ck_assert_str_eq(err.key, "hidden_act");
    json_decref(object);
}
END_TEST

START_TEST(a_family_is_told_by_its_model_type_where_no_architecture_is)
{
    json_t *object = config_json("qwen3-30b-a3b");
    json_object_del(object, "architectures");
    json_object_set_new(object, "model_type", json_string("qwen3_moe"));
    struct model model, known = imported("qwen3-30b-a3b");
    struct error err = { 0 };
    ck_assert_int_eq(load_json(object, &model, &err), STATUS_OK);
    ck_assert_uint_eq(model_parameters(&model), model_parameters(&known));
    ck_assert_str_eq(model.notes, "");
    json_object_del(object, "model_type");
    ck_assert_int_eq(load_json(object, &model, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "architectures");
    json_decref(object);
}
END_TEST

START_TEST(a_language_model_inside_another_is_read_as_itself)
{
    static const char *const wrappers[] = { "text_config", "llm_config", "language_config" };
    struct model known = imported("qwen3-30b-a3b");
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        json_t *inner = config_json("qwen3-30b-a3b");
        json_t *outer = json_pack("{s:[s], s:o}", "architectures", "SeesForConditionalGeneration",
                                  wrappers[i], inner);
        struct model model;
        struct error err = { 0 };
        ck_assert_int_eq(load_json(outer, &model, &err), STATUS_OK);
        ck_assert_uint_eq(model_parameters(&model), model_parameters(&known));
        json_decref(outer);
    }
}
END_TEST

START_TEST(an_unknown_field_is_refused_if_it_names_a_size_and_else_said)
{
    json_t *object = config_json("llama-3-8b");
    json_object_set_new(object, "num_secret_experts", json_integer(8));
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(load_json(object, &model, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "num_secret_experts");
    ck_assert_ptr_nonnull(strstr(err.expected, "--assume known-fields"));
    json_decref(object);
    model = read_with("llama-3-8b", "num_secret_experts", "0"); /* says nothing */
    ck_assert_str_eq(model.notes, "");
    model = read_with("llama-3-8b", "mood", "\"blue\"");
    ck_assert_ptr_nonnull(strstr(model.notes, "mood"));
    model = read_with("llama-3-8b", "rope_theta", "5e5");
    ck_assert_str_eq(model.notes, "");
}
END_TEST

static struct model assumed(const json_t *object, const char *assume, enum status wanted)
{
    char *text = json_dumps(object, 0), *file = test_temp_file(text);
    struct model model;
    struct error err = { 0 };
    const struct model_import how = { .name = "assumed", .assume = assume };
    ck_assert_int_eq(model_import(file, &how, &model, NULL, &err), wanted);
    unlink(file);
    free(file);
    free(text);
    return model;
}

START_TEST(what_is_refused_can_be_vouched_for)
{
    json_t *object = config_json("llama-3-8b");
    struct model known = imported("llama-3-8b");
    json_object_set_new(object, "secret_state_size", json_integer(8));
    assumed(object, NULL, STATUS_INPUT);
    struct model model = assumed(object, "known-fields", STATUS_OK);
    ck_assert_uint_eq(model_parameters(&model), model_parameters(&known));
    ck_assert_ptr_nonnull(strstr(model.notes, "--assume known-fields"));
    assumed(object, "everything", STATUS_INPUT);
    json_object_set_new(object, "architectures", json_pack("[s]", "MysteryForCausalLM"));
    json_object_set_new(object, "hidden_act", json_string("relu"));
    assumed(object, "known-fields", STATUS_INPUT);
    model = assumed(object, "known-fields,plain-ffn", STATUS_OK);
    ck_assert(!model.gated_ffn);
    json_object_set_new(object, "sliding_window", json_integer(1024)); /* of which layers? */
    assumed(object, "known-fields,plain-ffn", STATUS_INPUT);
    model = assumed(object, "dense-gqa,gated-ffn", STATUS_OK);
    ck_assert_uint_eq(model.window_layers, 0);
    ck_assert_uint_eq(model_parameters(&model), model_parameters(&known));
    json_decref(object);
}
END_TEST

/* Mistral-Small-3.1's own numbers under Mistral's names. */
START_TEST(mistrals_own_file_is_read_as_the_same_model)
{
    const char *params =
        "{\"dim\": 5120, \"n_layers\": 40, \"head_dim\": 128, \"hidden_dim\": 32768, "
        "\"n_heads\": 32, \"n_kv_heads\": 8, \"rope_theta\": 1e9, \"norm_eps\": 1e-05, "
        "\"vocab_size\": 131072, \"max_position_embeddings\": 131072, "
        "\"vision_encoder\": {\"hidden_size\": 1024}}";
    struct model model, known = imported("mistral-small-3.1-24b");
    struct error err = { 0 };
    ck_assert_int_eq(load_text(params, &model, &err), STATUS_OK);
    ck_assert_uint_eq(model_parameters(&model), model_parameters(&known));
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1), model_kv_bytes_per_token(&known, 1));
    ck_assert_uint_eq(model.window_layers, 0);
    ck_assert_uint_eq(model.context_window_tokens, known.context_window_tokens);
    ck_assert_str_eq(model.notes, "");
}
END_TEST

/* ---- the longest context ---- */

START_TEST(scaled_positions_make_the_window)
{
    static const struct {
        const char *field, *scaling;
        uint32_t tokens;
    } cases[] = {
        { "rope_scaling",
          "{\"type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": 32768}",
          131072 },
        { "rope_scaling", "{\"rope_type\": \"yarn\", \"factor\": 4.0}", 4 * 8192 },
        { "rope_parameters",
          "{\"rope_type\": \"yarn\", \"factor\": 4, \"original_max_position_embeddings\": 4096}",
          16384 },
        { "rope_scaling", "{\"type\": \"linear\", \"factor\": 2}", 16384 },
        { "rope_scaling", "{\"type\": \"dynamic\", \"factor\": 2}", 16384 },
        { "rope_scaling",
          "{\"rope_type\": \"llama3\", \"factor\": 8, \"original_max_position_embeddings\": 8192}",
          8192 },
        { "rope_scaling", "{\"type\": \"longrope\", \"short_factor\": [1], \"long_factor\": [2]}",
          8192 },
        { "rope_scaling", "{\"type\": \"mrope\", \"mrope_section\": [16, 24, 24]}", 8192 },
        { "rope_parameters", "{\"rope_type\": \"default\", \"rope_theta\": 1}", 8192 },
        { "rope_parameters",
          "{\"full_attention\": {\"rope_type\": \"yarn\", \"factor\": 2}, \"sliding_attention\": "
          "{\"rope_type\": \"default\"}}",
          16384 },
        { "rope_scaling", "null", 8192 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model = read_with("llama-3-8b", cases[i].field, cases[i].scaling);
        ck_assert_msg(model.context_window_tokens == cases[i].tokens, "%s: %u", cases[i].scaling,
                      model.context_window_tokens);
    }
    ck_assert_uint_eq(imported("gemma-3-27b").context_window_tokens,
                      131072); /* linear, held already */
    ck_assert_uint_eq(imported("deepseek-v3").context_window_tokens, 163840);
}
END_TEST

START_TEST(the_least_length_counts_but_command_rs_own)
{
    ck_assert_uint_eq(read_with("llama-3-8b", "seq_length", "4096").context_window_tokens, 4096);
    ck_assert_uint_eq(read_with("llama-3-8b", "seq_length", "16384").context_window_tokens, 8192);
    ck_assert_uint_eq(read_with("llama-3-8b", "model_max_length", "131072").context_window_tokens,
                      131072);
}
END_TEST

/* ---- what transformers has where a file has nothing ---- */

START_TEST(a_number_of_transformers_own_is_taken_and_said)
{
    static const struct {
        const char *name, *field;
    } cases[] = {
        { "deepseek-v3", "first_k_dense_replace" }, { "deepseek-v3", "n_shared_experts" },
        { "deepseek-v3", "q_lora_rank" },           { "glm-5", "first_k_dense_replace" },
        { "glm-4.5-air", "first_k_dense_replace" }, { "jamba-v0.1", "expert_layer_period" }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_t *object = config_json(cases[i].name);
        ck_assert_int_eq(json_object_del(object, cases[i].field), 0);
        struct model model, known = imported(cases[i].name);
        struct error err = { 0 };
        ck_assert_int_eq(load_json(object, &model, &err), STATUS_OK);
        ck_assert_msg(model_parameters(&model) == model_parameters(&known), "%s without %s",
                      cases[i].name, cases[i].field);
        ck_assert_ptr_nonnull(strstr(model.notes, cases[i].field));
        json_decref(object);
    }
    struct model none = read_with("deepseek-v3", "q_lora_rank", "null"); /* says: none */
    ck_assert_uint_eq(none.query_latent_dim, 0);
}
END_TEST

START_TEST(a_deepseek_without_mla_has_heads_as_others_do)
{
    static const char *const of_mla[] = { "kv_lora_rank", "q_lora_rank", "qk_nope_head_dim",
                                          "qk_rope_head_dim", "v_head_dim" };
    json_t *object = config_json("deepseek-v3");
    for (size_t i = 0; i < sizeof of_mla / sizeof *of_mla; i++)
        json_object_set_new(object, of_mla[i], json_null());
    json_object_set_new(object, "num_key_value_heads", json_integer(128));
    json_object_set_new(object, "use_mla", json_false());
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(load_json(object, &model, &err), STATUS_OK); /* DeepSeek-OCR's language part */
    ck_assert_int_eq(model.attention, ATTENTION_MULTI_HEAD);
    ck_assert_uint_eq(model_kv_bytes_per_token(&model, 1), 2ull * 61 * 7168 * 2);
    json_object_set_new(object, "use_mla", json_true());
    ck_assert_int_eq(load_json(object, &model, &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "qk_nope_head_dim");
    json_decref(object);
}
END_TEST

/* ---- JSON ---- */

START_TEST(constants_as_python_writes_them_are_no_numbers)
{
    struct model model;
    struct error err = { 0 };
    json_t *object = config_json("llama-3-8b");
    char *plain = json_dumps(object, JSON_COMPACT), text[8192];
    snprintf(
        text, sizeof text,
        "\xEF\xBB\xBF{\"time_step_limit\": [0.0, Infinity, -Infinity],\n\"x\": NaN, \"a\\\" NaN\": "
        "\"Infinity \\\\\", %s",
        plain + 1);
    ck_assert_int_eq(load_text(text, &model, &err), STATUS_OK);
    snprintf(text, sizeof text, "{\"hidden_size\": Infinity,\n%s", plain + 1);
    ck_assert_int_eq(load_text(text, &model, &err), STATUS_INPUT); /* twice: refused by its line */
    ck_assert_uint_eq(err.line, 2);
    snprintf(text, sizeof text, "{\"x\": Infinitys,\n%s", plain + 1);
    ck_assert_int_eq(load_text(text, &model, &(struct error){ 0 }), STATUS_INPUT);
    free(plain);
    json_decref(object);
}
END_TEST

START_TEST(what_is_no_json_object_is_refused_with_its_line)
{
    static const struct {
        const char *text;
        uint64_t line;
    } cases[] = { { "{\n \"hidden_size\": 8,\n}", 3 },
                  { "", 1 },
                  { "[1, 2]", 0 },
                  { "{\"a\": 1,\n\"a\": 2}", 2 } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model;
        struct error err = { 0 };
        ck_assert_int_eq(load_text(cases[i].text, &model, &err), STATUS_INPUT);
        ck_assert_uint_eq(err.line, cases[i].line);
    }
}
END_TEST

/* The window of a file that says this of it; NULL: that does not name it. */
static uint32_t window_with(const char *name, const char *value)
{
    json_t *object = config_json(name);
    json_object_del(object, "sliding_window");
    if (value != NULL)
        json_object_set_new(object, "sliding_window", json_loads(value, JSON_DECODE_ANY, NULL));
    struct model model;
    struct error err = { 0 };
    ck_assert_int_eq(load_json(object, &model, &err), STATUS_OK);
    ck_assert_int_eq(model.window_layers > 0, model.window_tokens > 0);
    json_decref(object);
    return model.window_tokens;
}

START_TEST(a_window_is_the_files_or_transformers_or_none)
{
    ck_assert_uint_eq(window_with("mistral-7b-v0.1", "1000"), 1000);
    ck_assert_uint_eq(window_with("mistral-7b-v0.1", "null"), 0);
    ck_assert_uint_eq(window_with("mistral-7b-v0.1", "32768"), 0); /* it hides nothing */
    ck_assert_uint_eq(window_with("mistral-7b-v0.1", NULL), 4096);
    ck_assert_uint_eq(window_with("phi-3-mini-4k", NULL), 0);
    ck_assert_uint_eq(window_with("gpt-oss-20b", NULL), 128);
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/hf_config");
    TCase *tests = tcase_create("config.json");
    tcase_add_unchecked_fixture(tests, open_published, close_published);
    tcase_add_test(tests, parameters_are_the_published_ones);
    tcase_add_test(tests, kv_and_kinds_of_layers_are_those_counted_by_hand);
    tcase_add_test(tests, few_parameters_are_active_where_the_makers_say_so);
    tcase_add_test(tests, quantised_weights_take_the_bytes_of_their_files);
    tcase_add_test(tests, a_state_is_as_large_as_its_recurrence);
    tcase_add_test(tests, kv_and_states_are_as_large_as_vllm_found_them);
    tcase_add_test(tests, what_is_written_as_yaml_is_read_back);
    tcase_add_test(tests, the_shipped_models_are_what_their_configs_say);
    tcase_add_test(tests, a_folder_with_a_config_is_a_model);
    tcase_add_test(tests, a_missing_field_is_refused_by_its_name);
    tcase_add_test(tests, a_value_that_means_nothing_here_is_refused_by_its_field);
    tcase_add_test(tests, an_unknown_family_is_read_by_its_fields_and_says_so);
    tcase_add_test(tests, a_family_is_told_by_its_model_type_where_no_architecture_is);
    tcase_add_test(tests, a_language_model_inside_another_is_read_as_itself);
    tcase_add_test(tests, an_unknown_field_is_refused_if_it_names_a_size_and_else_said);
    tcase_add_test(tests, what_is_refused_can_be_vouched_for);
    tcase_add_test(tests, mistrals_own_file_is_read_as_the_same_model);
    tcase_add_test(tests, scaled_positions_make_the_window);
    tcase_add_test(tests, the_least_length_counts_but_command_rs_own);
    tcase_add_test(tests, a_number_of_transformers_own_is_taken_and_said);
    tcase_add_test(tests, a_deepseek_without_mla_has_heads_as_others_do);
    tcase_add_test(tests, constants_as_python_writes_them_are_no_numbers);
    tcase_add_test(tests, what_is_no_json_object_is_refused_with_its_line);
    tcase_add_test(tests, a_window_is_the_files_or_transformers_or_none);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
