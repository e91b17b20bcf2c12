/* tests/models/test_hf_quant.c - quantised checkpoints: what their sections come to, held against
 * what engines printed of them; which modules a name, a wildcard or a regular expression is of; and
 * what is refused. */
#include "models/hf_quant.h"
#include "tests/models/cases.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define GIB 1073741824.0

/* ---- a configuration with a section of its own ---- */

static json_t *config_json(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s.json", TEST_CONFIGS, name);
    json_t *object = json_load_file(path, 0, NULL);
    ck_assert_msg(object != NULL, "%s", path);
    return object;
}

static json_t *parsed(const char *text)
{
    json_error_t problem;
    json_t *value = json_loads(text, JSON_DECODE_ANY, &problem);
    ck_assert_msg(value != NULL, "%s: %s", problem.text, text);
    return value;
}

static enum status load(const json_t *object, struct model *model, struct error *err)
{
    char *text = json_dumps(object, JSON_INDENT(1)), *file = test_temp_file(text), named[512];
    snprintf(named, sizeof named, "%s.json", file);
    ck_assert_int_eq(rename(file, named), 0);
    enum status status = model_load(named, model, err);
    unlink(named);
    free(file);
    free(text);
    return status;
}

/* The named file's model as the section says; changed: fields over the file's, NULL for none. */
static struct model quantised(const char *name, const char *section, const char *changed)
{
    struct model model;
    struct error err = { 0 };
    json_t *object = config_json(name);
    json_object_set_new(object, "quantization_config", parsed(section));
    if (changed != NULL) {
        json_t *fields = parsed(changed);
        json_object_update(object, fields);
        json_decref(fields);
    }
    if (load(object, &model, &err) != STATUS_OK) {
        error_print(stderr, &err);
        ck_abort_msg("%s with %s is not read", name, section);
    }
    json_decref(object);
    return model;
}

static struct model plain(const char *name)
{
    return quantised(name, "null", NULL);
}

static enum status refused(const char *name, const char *section, struct error *err)
{
    struct model model;
    json_t *object = config_json(name);
    json_object_set_new(object, "quantization_config", parsed(section));
    *err = (struct error){ 0 };
    enum status status = load(object, &model, err);
    json_decref(object);
    return status;
}

/* ---- what engines printed ---- */

#define FP8_BLOCKS "\"quant_method\":\"fp8\",\"weight_block_size\":[128,128]"
#define CHANNELS                                                                                   \
    "{\"quant_method\":\"compressed-tensors\",\"format\":\"float-quantized\",\"ignore\":"          \
    "[\"lm_head\"],\"config_groups\":{\"group_0\":{\"targets\":[\"Linear\"],\"weights\":{"         \
    "\"num_bits\":8,\"type\":\"float\",\"strategy\":\"channel\",\"symmetric\":true},"              \
    "\"input_activations\":{\"num_bits\":8,\"type\":\"float\",\"strategy\":\"token\"}}}}"
#define W4A16                                                                                      \
    "{\"quant_method\":\"compressed-tensors\",\"format\":\"pack-quantized\",\"ignore\":"           \
    "[\"lm_head\"],\"config_groups\":{\"group_0\":{\"targets\":[\"Linear\"],\"weights\":{"         \
    "\"num_bits\":4,\"type\":\"int\",\"strategy\":\"group\",\"group_size\":128,"                   \
    "\"symmetric\":true}}}}"
#define NVFP4                                                                                      \
    "{\"quant_method\":\"modelopt\",\"quant_algo\":\"NVFP4\",\"group_size\":16,"                   \
    "\"ignore\":[\"lm_head\"],\"kv_cache_scheme\":{\"num_bits\":8,\"type\":\"float\","             \
    "\"dynamic\":false}}"

/* gib: of a GPU's weights, as vLLM logs them ("Model loading took", "Loading model weights took"),
 * which counts what the allocator rounds up and what kernels keep beside the weights. within: of
 * those; 0.03 for a small model with kernels' workspaces of 0.1 GiB. */
static const struct printed {
    const char *source, *config, *section;
    uint32_t gpus;
    double gib, within;
} printed[] = {
    { "vLLM 0.5 docs, quantization/fp8: Meta-Llama-3-8B-Instruct-FP8", "llama-3-8b",
      "{\"quant_method\":\"fp8\",\"activation_scheme\":\"static\",\"ignored_layers\":[\"lm_head\"]"
      "}",
      1, 8.4596, 0.01 },
    { "neuralmagic/Meta-Llama-3.1-8B-Instruct-FP8-dynamic, vLLM: 8.4939", "llama-3.1-8b", CHANNELS,
      1, 8.4939, 0.01 },
    { "kaitchup/Meta-Llama-3.1-8B-Instruct-autoround-gptq-4bit-sym, vLLM 0.5.4", "llama-3.1-8b",
      "{\"quant_method\":\"gptq\",\"bits\":4,\"group_size\":128,\"sym\":true,\"desc_act\":false}",
      1, 5.3494, 0.01 },
    { "the same, -asym", "llama-3.1-8b",
      "{\"quant_method\":\"gptq\",\"bits\":4,\"group_size\":128,\"sym\":false}", 1, 5.3767, 0.01 },
    { "kaitchup/Meta-Llama-3.1-8B-Instruct-awq-4bit, vLLM 0.5.4", "llama-3.1-8b",
      "{\"quant_method\":\"awq\",\"bits\":4,\"group_size\":128,\"zero_point\":true,"
      "\"modules_to_not_convert\":null}",
      1, 5.3748, 0.01 },
    { "ISTA-DASLab/Llama-3.1-8B-Instruct-AQLM-PV-2Bit-1x16-hf, vLLM 0.5.4", "llama-3.1-8b",
      "{\"quant_method\":\"aqlm\",\"in_group_size\":8,\"out_group_size\":1,\"num_codebooks\":1,"
      "\"nbits_per_codebook\":16,\"linear_weights_not_to_quantize\":[\"lm_head.weight\","
      "\"model.embed_tokens.weight\"]}",
      1, 3.8458, 0.02 },
    { "Meta-Llama-3.1-8B-Instruct in nf4, vLLM 0.5.4 (bitsandbytes, quantised twice)",
      "llama-3.1-8b",
      "{\"quant_method\":\"bitsandbytes\",\"load_in_4bit\":true,\"bnb_4bit_quant_type\":\"nf4\","
      "\"bnb_4bit_use_double_quant\":true,\"llm_int8_skip_modules\":null}",
      1, 5.3421, 0.01 },
    { "Llama-3.1-8B-Instruct of modelopt, vLLM 0.13.0+nv26.01", "llama-3.1-8b", NVFP4, 1, 5.6473,
      0.01 },
    { "Qwen/Qwen3-30B-A3B-Instruct-2507-FP8, vLLM 0.11: 29.0972", "qwen3-30b-a3b",
      "{" FP8_BLOCKS ",\"modules_to_not_convert\":[\"lm_head\",\"model.layers.0.mlp.gate\"]}", 1,
      29.0972, 0.01 },
    { "Qwen/Qwen3-4B-Instruct-2507-FP8, vLLM 0.11 (QwenLM/Qwen3 issue 1700)", "qwen3-4b",
      "{" FP8_BLOCKS "}", 1, 4.2299, 0.03 },
    { "Qwen/Qwen2.5-72B-Instruct-AWQ, vLLM 0.7 on 2 GPUs", "qwen2.5-72b",
      "{\"quant_method\":\"awq\",\"bits\":4,\"group_size\":128,\"zero_point\":true}", 2, 19.3952,
      0.01 },
    { "DeepSeek-R1 on 8 (HabanaAI/vllm-fork issue 809)", "deepseek-v3", "{" FP8_BLOCKS "}", 8,
      79.41, 0.01 },
    { "gpt-oss-20b, vLLM on XPU, whose kernels do not pad", "gpt-oss-20b",
      "{\"quant_method\":\"mxfp4\",\"modules_to_not_convert\":[\"model.layers.*.self_attn\","
      "\"model.layers.*.mlp.router\",\"model.embed_tokens\",\"lm_head\"]}",
      1, 12.87, 0.01 },
};

START_TEST(weights_are_what_engines_printed)
{
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        struct model model = quantised(printed[i].config, printed[i].section, NULL);
        double gib = (double)model_weight_bytes(&model, printed[i].gpus) / printed[i].gpus / GIB;
        ck_assert_msg(gib > (1 - printed[i].within) * printed[i].gib &&
                          gib < (1 + printed[i].within) * printed[i].gib,
                      "%s: %.3f GiB, %.3f here", printed[i].source, printed[i].gib, gib);
    }
}
END_TEST

/* Of Llama-3.1-405B-FP8 attention and the first and last feed-forward stay wide, by 511 names (its
 * config.json). vLLM issue 6746: 57.75 GiB on each of 8 GPUs, of the first upload, which had 16 KV
 * heads. */
static char *fbgemm_405b(void)
{
    static const char *const attention[] = { "q_proj", "k_proj", "v_proj", "o_proj" };
    static const char *const ffn[] = { "gate_proj", "up_proj", "down_proj" };
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    fprintf(out, "{\"quant_method\":\"fbgemm_fp8\",\"modules_to_not_convert\":[\"lm_head\"");
    for (int layer = 0; layer < 126; layer++) {
        for (int i = 0; i < 4; i++)
            fprintf(out, ",\"model.layers.%d.self_attn.%s\"", layer, attention[i]);
        for (int i = 0; i < 3 && (layer == 0 || layer == 125); i++)
            fprintf(out, ",\"model.layers.%d.mlp.%s\"", layer, ffn[i]);
    }
    fprintf(out, "]}");
    fclose(out);
    return text;
}

START_TEST(modules_that_are_listed_stay_wide)
{
    char *section = fbgemm_405b();
    struct model model = quantised("llama-3.1-405b", section, NULL);
    ck_assert_double_eq(model.attention_bytes_per_parameter, 2);
    ck_assert_double_eq_tol(model.weight_bytes_per_parameter, (124 * 1 + 2 * 2) / 126.0, 1e-12);
    ck_assert_int_eq(model.weight_format, 1 + FORMAT_FP8);
    ck_assert_int_eq(model.attention_format, 0);
    ck_assert_double_eq_tol((double)model_weight_bytes(&model, 8) / 487e9, 1, 0.002);
    model = quantised("llama-3.1-405b", section, "{\"num_key_value_heads\":16}");
    ck_assert_double_eq_tol((double)model_weight_bytes(&model, 8) / 8 / GIB / 57.75, 1, 0.005);
    free(section);
}
END_TEST

/* glibc would take minutes and all memory for each of the refused ones that is no error in Python. */
START_TEST(a_pattern_that_repeats_without_end_is_refused)
{
    static const struct {
        const char *pattern;
        bool taken;
    } cases[] = {
        { ".*", true },
        { "(?:a|bc)+d{2,3}?", true },
        { "(a*b)*", true },
        { "((a{40}b){40})", true },
        { "(a?)?$", true },
        { "(((a{255}){255}){255}){255}", false },
        { "((((((((((((a+)+)+)+)+)+)+)+)+)+)+)+", false },
        { "((()*){40}){40}", false },
        { "(a|)*b", false },
        { "(?:a?b?)+", false },
        { "(\\b)*", false },
        { "a**", false },
        { "a{2}{3}", false },
        { "a*{2}", false },
        { "a)b(c", false },
        { "|*a", false },
        { "[.a]+[:=]x[[a.]", true },
        /* Of classes that are others in POSIX, where a name stands in them. */
        { "[[.a.][^]+++++++]D", false },
        { "[[:alpha:]]", false },
        { "[a\\[=b]", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        regex_t regex;
        bool taken = quant_regex_compile(cases[i].pattern, true, &regex);
        ck_assert_msg(taken == cases[i].taken, "%s", cases[i].pattern);
        if (taken)
            regfree(&regex);
    }
}
END_TEST

START_TEST(nothing_said_is_nothing_quantised)
{
    struct model model = plain("llama-3.1-8b"), other;
    static const char *const none[] = { "{}", "null" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        other = quantised("llama-3.1-8b", none[i], NULL);
        ck_assert_uint_eq(model_weight_bytes(&other, 1), model_weight_bytes(&model, 1));
        ck_assert_double_eq(other.head_bytes_per_parameter, 0);
    }
}
END_TEST

/* ---- formats ---- */

/* Bytes a parameter of the products, by each method's fields. */
START_TEST(formats_take_their_bits_scales_and_zero_points)
{
    static const struct {
        const char *section;
        double bytes;
        int format; /* enum number_format */
    } cases[] = {
        { "{\"quant_method\":\"fp8\"}", 1, FORMAT_FP8 },
        { "{" FP8_BLOCKS "}", 1 + 4.0 / 16384, FORMAT_FP8_BLOCK },
        { "{\"quant_method\":\"gptq\",\"bits\":4,\"group_size\":128,\"sym\":true}", 0.5 + 2.0 / 128,
          FORMAT_INT4 },
        { "{\"quant_method\":\"gptq\",\"bits\":8,\"group_size\":-1,\"sym\":true}", 1, FORMAT_INT4 },
        { "{\"quant_method\":\"awq\",\"w_bit\":4,\"q_group_size\":64,\"zero_point\":true}",
          0.5 + 2.5 / 64, FORMAT_INT4 },
        { "{\"quant_method\":\"bitsandbytes\",\"_load_in_4bit\":true}", 0.5625, FORMAT_INT4 },
        { "{\"quant_method\":\"bitsandbytes\",\"load_in_8bit\":true}", 1, FORMAT_FP8 },
        { "{\"quant_method\":\"modelopt\",\"quant_algo\":\"W4A16_NVFP4\"}", 0.5625, FORMAT_MXFP4 },
        { "{\"quant_method\":\"modelopt\",\"quant_algo\":\"nvfp4\"}", 0.5625, FORMAT_NVFP4 },
        { "{\"quant_method\":\"modelopt\",\"quant_algo\":\"W4A8_AWQ\",\"group_size\":64}",
          0.5 + 2.0 / 64, FORMAT_INT4 },
        { "{\"quant_method\":\"modelopt\",\"quant_algo\":\"MXFP8\"}", 1.03125, FORMAT_FP8_BLOCK },
        { "{\"quant_method\":\"modelopt\",\"quant_algo\":\"INT8_SQ\"}", 1, FORMAT_FP8 },
        { "{\"quant_algo\":\"FP8\",\"producer\":{\"name\":\"modelopt\"}}", 1, FORMAT_FP8 },
        { "{\"quant_method\":\"compressed-tensors\",\"format\":\"mxfp4-pack-quantized\","
          "\"config_groups\":{\"g\":{\"targets\":[\"Linear\"],\"weights\":{\"num_bits\":4,"
          "\"type\":\"float\",\"group_size\":32}}}}",
          0.53125, FORMAT_MXFP4 },
        { "{\"quant_method\":\"compressed-tensors\",\"format\":\"int-quantized\","
          "\"config_groups\":{\"g\":{\"targets\":[\"Linear\"],\"weights\":{\"num_bits\":8,"
          "\"type\":\"int\"},\"input_activations\":{\"num_bits\":8,\"type\":\"int\"}}}}",
          1, FORMAT_FP8 },
        { "{\"quant_method\":\"quark\",\"global_quant_config\":{\"weight\":{\"dtype\":\"fp4\","
          "\"qscheme\":\"per_group\",\"group_size\":32}}}",
          0.53125, FORMAT_MXFP4 },
        { "{\"quant_method\":\"auto-round\",\"bits\":4,\"group_size\":32,\"sym\":true,"
          "\"packing_format\":\"auto_round:auto_gptq\"}",
          0.5 + 2.0 / 32, FORMAT_INT4 },
        { "{\"quant_method\":\"gptq\",\"bits\":2,\"group_size\":32,\"sym\":true,"
          "\"packing_format\":\"auto_round:auto_gptq\"}",
          0.25 + 2.0 / 32, FORMAT_INT4 },
        { "{\"quant_method\":\"hqq\",\"quant_config\":{\"weight_quant_params\":{\"nbits\":4,"
          "\"group_size\":64}}}",
          0.5 + 4.0 / 64, FORMAT_INT4 },
        { "{\"quant_method\":\"torchao\",\"quant_type\":{\"default\":{\"_type\":"
          "\"Int4WeightOnlyConfig\",\"_data\":{\"group_size\":64}}}}",
          0.5 + 2.5 / 64, FORMAT_INT4 },
        { "{\"quant_method\":\"torchao\",\"quant_type\":\"int8_weight_only\"}", 1, FORMAT_INT4 },
        { "{\"quant_method\":\"eetq\",\"weights\":\"int8\"}", 1, FORMAT_INT4 },
        { "{\"quant_method\":\"higgs\",\"bits\":4,\"group_size\":256}", 0.5 + 2.0 / 256,
          FORMAT_INT4 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model = quantised("llama-3.1-8b", cases[i].section, NULL);
        ck_assert_msg(model.weight_bytes_per_parameter > cases[i].bytes - 1e-12 &&
                          model.weight_bytes_per_parameter < cases[i].bytes + 1e-12,
                      "%s: %.9f", cases[i].section, model.weight_bytes_per_parameter);
        ck_assert_msg(model.weight_format == 1 + cases[i].format, "%s: format %d", cases[i].section,
                      model.weight_format);
        ck_assert_double_eq(model.head_bytes_per_parameter, 2);
        ck_assert_double_eq(model.attention_bytes_per_parameter, 0); /* as the others */
    }
}
END_TEST

/* ---- names ---- */

/* A list of what stays wide, and the mean of feed-forward and attention, in 32 layers: `wide` of
 * either's layers. */
START_TEST(a_name_is_of_whole_parts_a_wildcard_and_an_expression_are_pythons)
{
    static const struct {
        const char *list;
        double ffn, attention; /* share that stays wide */
    } cases[] = {
        { "[]", 0, 0 },
        { "[\"mlp\"]", 1, 0 },
        { "[\"gate\"]", 0, 0 }, /* a router, no gate_proj */
        { "[\"model.layers.1\"]", 1 / 32.0, 1 / 32.0 },
        { "[\"model.layers.1.mlp\"]", 1 / 32.0, 0 },
        { "[\"model.layers.1.mlp.down_proj.weight\"]", 1 / 96.0, 0 },
        { "[\"model.language_model.layers.3.mlp\",\"language_model.model.layers.4.mlp\"]", 2 / 32.0,
          0 },
        { "[\"vision_model.layers.3.mlp\",\"mtp.layers.4\",\"visual.blocks.5.attn.qkv\"]", 0, 0 },
        { "[\"model.layers.7*\"]", 1 / 32.0, 1 / 32.0 },
        { "[\"model.layers.1*\"]", 11 / 32.0, 11 / 32.0 }, /* 1, 10 to 19: fnmatch */
        { "[\"model.layers.1.*\"]", 1 / 32.0, 1 / 32.0 },
        { "[\"model.layers.*.self_attn\"]", 0, 1 },
        { "[\"*.mlp.*\"]", 1, 0 },
        { "[\"*down_proj\"]", 1 / 3.0, 0 },
        { "[\"re:.*self_attn.*\"]", 0, 1 },
        { "[\"re:.*mlp\\\\.(gate|up|gate_up|down)_proj.*\"]", 1, 0 },
        { "[\"re:self_attn\"]", 0, 0 }, /* re.match() begins at the start */
        { "[\"re:model\\\\.layers\\\\.(?:0|1)\\\\..*\"]", 2 / 32.0, 2 / 32.0 },
        { "[\"re:model\\\\.layers\\\\.[0-9]\\\\.mlp.*\"]", 10 / 32.0, 0 },
        { "[\"re:.*layers\\\\.\\\\d\\\\.mlp.*\"]", 10 / 32.0, 0 },
        { "[\"re:.*layers\\\\.\\\\d{2}\\\\.mlp.*?proj\"]", 22 / 32.0, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char section[512];
        snprintf(section, sizeof section,
                 "{\"quant_method\":\"compressed-tensors\",\"format\":\"float-quantized\","
                 "\"ignore\":%s,\"config_groups\":{\"g\":{\"targets\":[\"Linear\"],\"weights\":{"
                 "\"num_bits\":8,\"type\":\"float\"},\"input_activations\":{}}}}",
                 cases[i].list);
        struct model model = quantised("llama-3.1-8b", section, NULL);
        double ffn = model.weight_bytes_per_parameter,
               attention = model.attention_bytes_per_parameter;
        if (attention == 0)
            attention = ffn;
        ck_assert_msg(ffn > 1 + cases[i].ffn - 1e-9 && ffn < 1 + cases[i].ffn + 1e-9, "%s: %.6f",
                      cases[i].list, ffn);
        ck_assert_msg(attention > 1 + cases[i].attention - 1e-9 &&
                          attention < 1 + cases[i].attention + 1e-9,
                      "%s: attention %.6f", cases[i].list, attention);
    }
}
END_TEST

/* Every product of every family has names: all of them named, nothing is quantised. */
START_TEST(every_product_is_reached_by_its_names)
{
    static const char *const names[] = {
        "llama-3.1-8b",
        "qwen3-30b-a3b",
        "deepseek-v3",
        "gpt-oss-20b",
        "jamba-v0.1",
        "nemotron-h-8b",
        "minimax-text-01",
        "qwen3-next-80b-a3b",
        "llama-4-maverick",
        "falcon-40b",
        "gpt2",
        "opt-6.7b",
        "gemma-3-27b",
        "mixtral-8x7b",
        "minimax-m2.5",
        "phi-3-mini-4k",
        "nemotron-3-nano-30b-a3b",
    };
    static const char ignored[] =
        "{\"quant_method\":\"compressed-tensors\",\"ignore\":[\"re:.*\"],\"config_groups\":{\"g\":{"
        "\"targets\":[\"Linear\"],\"weights\":{\"num_bits\":4,\"type\":\"int\"}}}}";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct model wide = quantised(names[i], ignored, NULL), model = plain(names[i]);
        ck_assert_msg(model_weight_bytes(&wide, 1) == model_weight_bytes(&model, 1), "%s",
                      names[i]);
        struct model narrow = quantised(names[i], W4A16, NULL);
        ck_assert_msg(model_weight_bytes(&narrow, 1) < model_weight_bytes(&model, 1), "%s",
                      names[i]);
    }
}
END_TEST

/* ---- experts, states, heads ---- */

START_TEST(experts_and_the_rest_are_in_formats_of_their_own)
{
    static const char kimi[] =
        "{\"quant_method\":\"compressed-tensors\",\"format\":\"pack-quantized\",\"ignore\":["
        "\"lm_head\",\"re:.*self_attn.*\",\"re:.*shared_experts.*\","
        "\"re:.*mlp\\\\.(gate|up|gate_up|down)_proj.*\"],\"config_groups\":{\"group_0\":{"
        "\"targets\":[\"Linear\"],\"weights\":{\"num_bits\":4,\"type\":\"int\",\"group_size\":32,"
        "\"symmetric\":true}}}}";
    struct model model = quantised("deepseek-v3", kimi, NULL);
    ck_assert_double_eq(model.weight_bytes_per_parameter, 2);
    ck_assert_double_eq(model.expert_bytes_per_parameter, 0.5 + 2.0 / 32);
    ck_assert_int_eq(model.expert_format, 1 + FORMAT_INT4);
    ck_assert_double_eq(model.ffn_bytes_per_parameter, 0); /* as the others: wide */
    model = quantised("deepseek-v3", "{" FP8_BLOCKS "}", "{\"expert_dtype\":\"fp4\"}");
    ck_assert_double_eq(model.expert_bytes_per_parameter, 0.53125);
    ck_assert_double_eq_tol(model.weight_bytes_per_parameter, 1.000244140625, 1e-12);
}
END_TEST

/* deepseek-v3 has 58 layers of experts behind 3 dense ones. */
START_TEST(rules_of_a_layer_hold_for_what_the_layer_has)
{
    static const char listed[] =
        "{\"quant_method\":\"modelopt\",\"quant_algo\":\"NVFP4\",\"ignore\":[\"lm_head\","
        "\"model.layers.0*\",\"model.layers.3.mlp.experts*\",\"model.layers.60.mlp.experts.7.*\","
        "\"model.layers.61*\"]}";
    struct model model = quantised("deepseek-v3", listed, NULL);
    const double narrow = 0.5625, more = 2 - narrow;
    double expert_share = 1 + 1 / 256.0; /* a layer of experts, and one expert of 256 */
    ck_assert_double_eq_tol(model.expert_bytes_per_parameter, narrow + more * expert_share / 58,
                            1e-9);
    ck_assert_double_eq_tol(model.ffn_bytes_per_parameter, narrow + more / 3, 1e-9);
    ck_assert_double_eq_tol(model.shared_bytes_per_parameter, narrow, 1e-9);
    ck_assert_double_eq_tol(model.weight_bytes_per_parameter, narrow + more / 61, 1e-9);
}
END_TEST

/* nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-NVFP4, hf_quant_config.json: before each attention layer
 * the state layer stays wide, and attention does. */
START_TEST(states_and_attention_are_told_apart_by_their_layers)
{
    static const int attention[] = { 5, 12, 19, 26, 33, 42 };
    char *section;
    size_t length;
    FILE *out = open_memstream(&section, &length);
    fprintf(out, "{\"quant_method\":\"modelopt\",\"quant_algo\":\"NVFP4\",\"ignore\":[\"lm_head\"");
    for (size_t i = 0; i < 6; i++)
        fprintf(out,
                ",\"backbone.layers.%d.mixer.in_proj\",\"backbone.layers.%d.mixer.out_proj\","
                "\"backbone.layers.%d.mixer.q_proj\",\"backbone.layers.%d.mixer.k_proj\","
                "\"backbone.layers.%d.mixer.v_proj\",\"backbone.layers.%d.mixer.o_proj\"",
                attention[i] - 1, attention[i] - 1, attention[i], attention[i], attention[i],
                attention[i]);
    fprintf(out, "]}");
    fclose(out);
    struct model model = quantised("nemotron-3-nano-30b-a3b", section, NULL);
    ck_assert_uint_eq(model.state_layers, 23);
    double state = model.state_weight_bytes_per_parameter > 0
                       ? model.state_weight_bytes_per_parameter
                       : model.weight_bytes_per_parameter;
    ck_assert_double_eq_tol(state, 0.5625 + (2 - 0.5625) * 6 / 23, 1e-9);
    ck_assert_double_eq(model.attention_bytes_per_parameter, 2);
    free(section);
}
END_TEST

START_TEST(a_head_is_quantised_where_it_is_named)
{
    struct model model = quantised(
        "llama-3.1-8b", "{\"quant_method\":\"gptq\",\"bits\":8,\"group_size\":-1,\"lm_head\":true}",
        NULL);
    ck_assert_double_eq(model.head_bytes_per_parameter, 1.5); /* of embedding and head */
    model = quantised("qwen3-4b",                             /* one matrix: the embedding's */
                      "{\"quant_method\":\"gptq\",\"bits\":8,\"group_size\":-1,\"lm_head\":true}",
                      NULL);
    ck_assert_double_eq(model.head_bytes_per_parameter, 2);
    model = quantised("llama-3.1-8b",
                      "{\"quant_method\":\"modelopt\",\"quant_algo\":\"MIXED_PRECISION\","
                      "\"quantized_layers\":{\"lm_head\":{\"quant_algo\":\"FP8\"}}}",
                      NULL);
    ck_assert_double_eq(model.head_bytes_per_parameter, 1.5);
    ck_assert_double_eq(model.weight_bytes_per_parameter, 2); /* what is not named stays wide */
}
END_TEST

START_TEST(groups_and_overrides_give_modules_other_bits)
{
    struct model model = quantised(
        "llama-3.1-8b",
        "{\"quant_method\":\"compressed-tensors\",\"format\":\"mixed-precision\",\"ignore\":[],"
        "\"config_groups\":{\"a\":{\"targets\":[\"re:.*self_attn.*\"],\"weights\":{\"num_bits\":8,"
        "\"type\":\"float\"},\"input_activations\":{\"num_bits\":8}},\"b\":{\"targets\":["
        "\"Linear\"],\"weights\":{\"num_bits\":4,\"type\":\"float\",\"group_size\":16},"
        "\"input_activations\":{\"num_bits\":4}}}}",
        NULL);
    ck_assert_double_eq(model.attention_bytes_per_parameter, 1);
    ck_assert_int_eq(model.attention_format, 1 + FORMAT_FP8);
    ck_assert_double_eq(model.weight_bytes_per_parameter, 0.5625);
    model = quantised("llama-3.1-8b",
                      "{\"quant_method\":\"gptq\",\"bits\":4,\"group_size\":-1,\"sym\":true,"
                      "\"dynamic\":{\"-:.*self_attn.*\":{},\"+:.*\\\\.0\\\\.mlp.*\":{\"bits\":8}}}",
                      NULL);
    ck_assert_double_eq(model.attention_bytes_per_parameter, 2);
    ck_assert_double_eq_tol(model.weight_bytes_per_parameter, 0.5 + 0.5 / 32, 1e-9);
    model = quantised("llama-3.1-8b",
                      "{\"quant_method\":\"auto-round\",\"bits\":4,\"group_size\":-1,\"sym\":true,"
                      "\"extra_config\":{\"self_attn\":{\"bits\":16},\"model.layers.0.mlp\":{"
                      "\"bits\":8,\"group_size\":-1}}}",
                      NULL);
    ck_assert_double_eq(model.attention_bytes_per_parameter, 2);
    ck_assert_double_eq_tol(model.weight_bytes_per_parameter, 0.5 + 0.5 / 32, 1e-9);
    model = quantised("llama-3.1-8b",
                      "{\"quant_method\":\"gptq\",\"bits\":4,\"group_size\":-1,\"sym\":true,"
                      "\"modules_in_block_to_quantize\":[[\"mlp.up_proj\",\"mlp.gate_proj\"],["
                      "\"mlp.down_proj\"]]}",
                      NULL);
    ck_assert_double_eq(model.attention_bytes_per_parameter, 2);
    ck_assert_double_eq(model.weight_bytes_per_parameter, 0.5);
}
END_TEST

/* A checkpoint lists as many names as it has experts (MiniMax-M3-NVFP4: 22,000): tried one by one
 * they would outlast the test's time. */
START_TEST(a_rule_for_each_expert_is_quick)
{
    char *section;
    size_t length;
    FILE *out = open_memstream(&section, &length);
    fprintf(out, "{\"quant_method\":\"modelopt\",\"quant_algo\":\"MIXED_PRECISION\","
                 "\"quantized_layers\":{");
    for (int layer = 0; layer < 48; layer++)
        for (int expert = 0; expert < 128; expert++)
            fprintf(out,
                    "\"model.layers.%d.mlp.experts.%d.up_proj\":{\"quant_algo\":\"NVFP4\"},"
                    "\"model.layers.%d.mlp.experts.%d.gate_proj\":{\"quant_algo\":\"NVFP4\"},"
                    "\"model.layers.%d.mlp.experts.%d.down_proj\":{\"quant_algo\":\"NVFP4\"}%s",
                    layer, expert, layer, expert, layer, expert,
                    layer == 47 && expert == 127 ? "" : ",");
    fprintf(out, "}}");
    fclose(out);
    struct model model = quantised("qwen3-30b-a3b", section, NULL);
    ck_assert_double_eq_tol(model.expert_bytes_per_parameter, 0.5625, 1e-9);
    ck_assert_double_eq(model.weight_bytes_per_parameter, 2);
    free(section);
}
END_TEST

/* ---- KV, and the file beside ---- */

START_TEST(the_kv_is_as_the_checkpoint_says)
{
    static const struct {
        const char *section;
        double bytes;
        const char *note;
    } cases[] = {
        { NVFP4, 1, "KV in fp8, as the checkpoint says" },
        { "{\"quant_algo\":\"FP8\",\"kv_cache_scheme\":\"FP8\"}", 1, "KV in fp8" },
        { "{\"quant_algo\":\"FP8\",\"kv_cache_quant_algo\":\"NVFP4\"}", 0.5625, "KV in nvfp4" },
        { "{\"quant_algo\":\"FP8\",\"kv_cache_quant_algo\":\"INT8\"}", 1, "KV in int8" },
        { "{\"quant_algo\":\"FP8\",\"kv_cache_quant_algo\":null}", 2, "" },
        { CHANNELS, 2, "" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model = quantised("llama-3.1-8b", cases[i].section, NULL);
        ck_assert_double_eq(model.kv_bytes_per_value, cases[i].bytes);
        ck_assert_msg(strncmp(model.notes, cases[i].note, strlen(cases[i].note)) == 0 &&
                          (*cases[i].note != '\0') == (*model.notes != '\0'),
                      "%s: %s", cases[i].section, model.notes);
    }
}
END_TEST

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
}

/* A folder with two files; loads `load_name` of it. */
static enum status load_pair(const char *config_name, const char *section, const char *other_name,
                             const char *other, const char *load_name, struct model *model,
                             struct error *err)
{
    char folder[] = "/tmp/reprise-test-XXXXXX", path[512];
    json_t *object = config_json("llama-3.1-8b");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    json_object_set_new(object, "quantization_config", parsed(section));
    char *text = json_dumps(object, 0);
    write_text(folder, config_name, text);
    write_text(folder, other_name, other);
    snprintf(path, sizeof path, "%s%s%s", folder, *load_name != '\0' ? "/" : "", load_name);
    enum status status = model_load(path, model, err);
    snprintf(path, sizeof path, "%s/%s", folder, config_name);
    unlink(path);
    snprintf(path, sizeof path, "%s/%s", folder, other_name);
    unlink(path);
    rmdir(folder);
    free(text);
    json_decref(object);
    return status;
}

#define BESIDE                                                                                     \
    "{\"producer\":{\"name\":\"modelopt\"},\"quantization\":{\"quant_algo\":\"NVFP4\","            \
    "\"kv_cache_quant_algo\":\"FP8\",\"group_size\":16,\"exclude_modules\":[\"lm_head\"]}}"

START_TEST(the_file_beside_the_config_is_read)
{
    static const struct {
        const char *config, *other, *load;
    } cases[] = {
        { "config.json", "hf_quant_config.json", "" },
        { "config.json", "hf_quant_config.json", "config.json" },
        { "some--model_config.json", "some--model_hf_quant_config.json",
          "some--model_config.json" },
        { "some.json", "some.hf_quant_config.json", "some.json" },
    };
    struct model model;
    struct error err = { 0 };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(
            load_pair(cases[i].config, "null", cases[i].other, BESIDE, cases[i].load, &model, &err),
            STATUS_OK);
        ck_assert_double_eq(model.weight_bytes_per_parameter, 0.5625);
        ck_assert_double_eq(model.kv_bytes_per_value, 1);
    }
    /* Another model's file beside it says nothing of this one. */
    ck_assert_int_eq(
        load_pair("a.json", "null", "hf_quant_config.json", BESIDE, "a.json", &model, &err),
        STATUS_OK);
    ck_assert_double_eq(model.weight_bytes_per_parameter, 2);
    /* The config.json's own section goes before it; of the KV the file may say more. */
    ck_assert_int_eq(load_pair("config.json", "{\"quant_method\":\"fp8\"}", "hf_quant_config.json",
                               BESIDE, "", &model, &err),
                     STATUS_OK);
    ck_assert_double_eq(model.weight_bytes_per_parameter, 1);
    ck_assert_double_eq(model.kv_bytes_per_value, 1);
}
END_TEST

START_TEST(a_fault_in_the_file_beside_is_told_as_of_that_file)
{
    static const struct {
        const char *text, *key;
        uint64_t line;
    } cases[] = {
        { "{\"quantization\":{\"quant_algo\":\"MYSTERY\"}}", "quantization.quant_algo", 0 },
        { "{\"quantization\":{\"quant_algo\":\"FP8\",\"exclude_modules\":\"lm_head\"}}",
          "quantization.exclude_modules", 0 },
        { "{\n\"quantization\": oops}", "", 2 },
        { "[]", "", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct model model;
        struct error err = { 0 };
        ck_assert_int_eq(load_pair("config.json", "null", "hf_quant_config.json", cases[i].text, "",
                                   &model, &err),
                         STATUS_INPUT);
        ck_assert_ptr_nonnull(strstr(err.file, "hf_quant_config.json"));
        ck_assert_str_eq(err.key, cases[i].key);
        ck_assert_uint_eq(err.line, cases[i].line);
    }
}
END_TEST

/* ---- refusals ---- */

START_TEST(what_is_not_known_is_refused_by_its_field)
{
    static const struct {
        const char *section, *key;
    } cases[] = {
        { "{\"quant_method\":\"mystery\"}", "quant_method" },
        { "{\"bits\":4}", "quant_method" },
        { "{\"quant_method\":4}", "quant_method" },
        { "{\"quant_method\":\"spqr\",\"bits\":3}", "quant_method" },
        { "{\"quant_method\":\"mxfp4\"}", "quant_method" }, /* no experts */
        { "{\"quant_method\":\"gptq\",\"bits\":40}", "bits" },
        { "{\"quant_method\":\"gptq\"}", "bits" },
        { "{\"quant_method\":\"gptq\",\"bits\":4,\"group_size\":\"128\"}", "group_size" },
        { "{\"quant_method\":\"gptq\",\"bits\":4,\"dynamic\":{\"-:(?!x).*\":{}}}", "dynamic" },
        { "{\"quant_method\":\"fp8\",\"weight_block_size\":[128]}", "weight_block_size" },
        { "{\"quant_method\":\"fp8\",\"modules_to_not_convert\":\"lm_head\"}",
          "modules_to_not_convert" },
        { "{\"quant_method\":\"fp8\",\"modules_to_not_convert\":[1]}", "modules_to_not_convert" },
        { "{\"quant_method\":\"bitsandbytes\"}", "load_in_4bit" },
        { "{\"quant_method\":\"compressed-tensors\",\"config_groups\":{}}", "config_groups" },
        { "{\"quant_method\":\"compressed-tensors\",\"config_groups\":{\"g\":{\"targets\":["
          "\"Linear\"],\"weights\":{\"num_bits\":5,\"type\":\"float\"}}}}",
          "config_groups" },
        { "{\"quant_method\":\"compressed-tensors\",\"ignore\":[\"re:(\"],\"config_groups\":{"
          "\"g\":{\"weights\":{\"num_bits\":4}}}}",
          "ignore" },
        { "{\"quant_method\":\"compressed-tensors\",\"ignore\":[\"re:((a{60}){60}){60}\"],"
          "\"config_groups\":{\"g\":{\"weights\":{\"num_bits\":4}}}}",
          "ignore" },
        { "{\"quant_method\":\"compressed-tensors\",\"kv_cache_scheme\":{\"num_bits\":3},"
          "\"config_groups\":{\"g\":{\"weights\":{\"num_bits\":4}}}}",
          "kv_cache_scheme" },
        { "{\"quant_method\":\"modelopt\",\"quant_algo\":\"MYSTERY\"}", "quant_algo" },
        { "{\"quant_method\":\"modelopt\"}", "quant_algo" },
        { "{\"quant_method\":\"modelopt\",\"quant_algo\":\"MIXED_PRECISION\"}",
          "quantized_layers" },
        { "{\"quant_method\":\"modelopt\",\"quant_algo\":\"MIXED_PRECISION\","
          "\"quantized_layers\":{\"a\":{\"quant_algo\":\"X\"}}}",
          "quantized_layers" },
        { "{\"quant_method\":\"quark\"}", "global_quant_config" },
        { "{\"quant_method\":\"torchao\",\"quant_type\":\"uint3\"}", "quant_type" },
        { "{\"quant_method\":\"aqlm\",\"in_group_size\":0}", "in_group_size" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct error err;
        char key[96];
        snprintf(key, sizeof key, "quantization_config.%s", cases[i].key);
        ck_assert_msg(refused("llama-3.1-8b", cases[i].section, &err) == STATUS_INPUT, "%s is read",
                      cases[i].section);
        ck_assert_msg(strcmp(err.key, key) == 0, "%s: refused for %s", cases[i].section, err.key);
        ck_assert_uint_gt(strlen(err.expected), 0);
    }
    struct error err;
    ck_assert_int_eq(refused("llama-3.1-8b", "\"fp8\"", &err), STATUS_INPUT);
    ck_assert_str_eq(err.key, "quantization_config");
}
END_TEST

/* Odd values in the place of each of a section's: read or refused, and no crash. */
static void try_odd_values(const json_t *section)
{
    static const char *const odd[] = { "null",  "true",     "-1",         "4294967296", "1.5",
                                       "\"\"",  "\"x\"",    "[]",         "[null]",     "{}",
                                       "[[1]]", "\"re:(\"", "{\"a\":{}}", "[\"re:[\"]" };
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)section, key, value) for (size_t i = 0;
                                                            i < sizeof odd / sizeof *odd; i++)
    {
        json_t *changed = json_copy((json_t *)section);
        json_object_set_new(changed, key, parsed(odd[i]));
        char *text = json_dumps(changed, 0);
        struct error err;
        enum status status = refused("qwen3-30b-a3b", text, &err);
        ck_assert_msg(status == STATUS_OK || status == STATUS_INPUT, "%s", text);
        free(text);
        json_decref(changed);
    }
}

START_TEST(odd_values_are_read_or_refused)
{
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        json_t *section = parsed(printed[i].section);
        try_odd_values(section);
        json_decref(section);
    }
}
END_TEST

START_TEST(what_is_written_as_yaml_is_read_back)
{
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++) {
        struct model read, model;
        struct error err = { 0 };
        json_t *object = config_json(printed[i].config);
        json_object_set_new(object, "quantization_config", parsed(printed[i].section));
        char *json = json_dumps(object, 0), *file = test_temp_file(json), named[512], *text = NULL;
        size_t length = 0;
        snprintf(named, sizeof named, "%s.json", file);
        ck_assert_int_eq(rename(file, named), 0);
        FILE *yaml = open_memstream(&text, &length);
        ck_assert_int_eq(model_import(named, NULL, &model, yaml, &err), STATUS_OK);
        fclose(yaml);
        unlink(named);
        free(file);
        file = test_temp_file(text);
        snprintf(named, sizeof named, "%s.yaml", file);
        ck_assert_int_eq(rename(file, named), 0);
        ck_assert_int_eq(model_load(named, &read, &err), STATUS_OK);
        ck_assert_uint_eq(model_weight_bytes(&read, 1), model_weight_bytes(&model, 1));
        ck_assert_double_eq(read.kv_bytes_per_value, model.kv_bytes_per_value);
        ck_assert_str_eq(read.notes, model.notes);
        unlink(named);
        free(file);
        free(text);
        free(json);
        json_decref(object);
    }
}
END_TEST

static Suite *suite(void)
{
    Suite *suite = suite_create("models/hf_quant");
    TCase *tests = tcase_create("quantised");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, weights_are_what_engines_printed);
    tcase_add_test(tests, modules_that_are_listed_stay_wide);
    tcase_add_test(tests, a_pattern_that_repeats_without_end_is_refused);
    tcase_add_test(tests, nothing_said_is_nothing_quantised);
    tcase_add_test(tests, formats_take_their_bits_scales_and_zero_points);
    tcase_add_test(tests, a_name_is_of_whole_parts_a_wildcard_and_an_expression_are_pythons);
    tcase_add_test(tests, every_product_is_reached_by_its_names);
    tcase_add_test(tests, experts_and_the_rest_are_in_formats_of_their_own);
    tcase_add_test(tests, rules_of_a_layer_hold_for_what_the_layer_has);
    tcase_add_test(tests, states_and_attention_are_told_apart_by_their_layers);
    tcase_add_test(tests, a_head_is_quantised_where_it_is_named);
    tcase_add_test(tests, groups_and_overrides_give_modules_other_bits);
    tcase_add_test(tests, a_rule_for_each_expert_is_quick);
    tcase_add_test(tests, the_kv_is_as_the_checkpoint_says);
    tcase_add_test(tests, the_file_beside_the_config_is_read);
    tcase_add_test(tests, a_fault_in_the_file_beside_is_told_as_of_that_file);
    tcase_add_test(tests, what_is_not_known_is_refused_by_its_field);
    tcase_add_test(tests, odd_values_are_read_or_refused);
    tcase_add_test(tests, what_is_written_as_yaml_is_read_back);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    return test_main(suite());
}
