/* models/hf_quant_schemes.c - methods of quantisation whose fields say one format for all products
 * and list what stays wide.
 *
 * Sources, as read on GitHub: huggingface/transformers, utils/quantization_config.py (fields and
 * defaults); vllm-project/vllm, model_executor/layers/quantization/ (fp8.py, fbgemm_fp8.py,
 * gptq.py, awq.py, bitsandbytes.py, mxfp4.py, inc.py); ModelCloud's GPTQModel (`dynamic`);
 * intel/auto-round b9f3d00 (export/export_to_autoround/export.py: extra_config). None quantises
 * embedding or output head unless it is named. */
#include "models/hf_quant.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- fp8 ---- */

static uint64_t block_of(struct quant *quant)
{
    const json_t *block = quant_field(quant, "weight_block_size");
    json_int_t rows = json_integer_value(json_array_get(block, 0));
    json_int_t columns = json_integer_value(json_array_get(block, 1));
    if (block == NULL)
        return 0;
    if (json_array_size(block) != 2 || rows < 1 || rows > 65536 || columns < 1 || columns > 65536)
        quant_refuse(quant, "weight_block_size", "two whole numbers from 1 to 65536", block);
    return rows > 0 && columns > 0 ? (uint64_t)rows * (uint64_t)columns : 0;
}

/* DeepSeek-V4's routed experts are in mxfp4 beside fp8 (its config.json: expert_dtype). */
static void take_expert_dtype(struct quant *quant)
{
    const json_t *value = hf_field(quant->hf, "expert_dtype");
    const char *type = json_string_value(value);
    if (value == NULL || quant->hf->model->experts == 0)
        return;
    if (type != NULL && (strcmp(type, "fp4") == 0 || strcmp(type, "mxfp4") == 0))
        quant->experts = quant_mxfp4();
    else if (type == NULL || strncmp(type, "fp8", 3) != 0)
        hf_refuse(quant->hf, "expert_dtype", "fp4 or fp8", value);
}

static void read_fp8(struct quant *quant)
{
    quant->standard = quant_fp8(block_of(quant));
    take_expert_dtype(quant);
    quant_add_wide(quant, "modules_to_not_convert");
    quant_add_wide(quant, "ignored_layers");
    quant_read_quantized_layers(quant);
}

static void read_mxfp8(struct quant *quant)
{
    quant->standard = quant_mxfp8();
    quant_add_wide(quant, "modules_to_not_convert");
    quant_add_wide(quant, "ignored_layers");
}

/* ---- integers with a scale a group ---- */

static uint32_t bits_of(struct quant *quant, const json_t *object, const char *field)
{
    uint32_t bits = quant_whole(quant, object, field, 0);
    if (bits < 2 || (bits > 8 && bits != 16 && bits != 32))
        quant_refuse(quant, field, "2 to 8", json_object_get(object, field));
    return bits;
}

/* -1: a scale a row. */
static uint32_t group_of(struct quant *quant, const json_t *object, const char *field,
                         uint32_t standard)
{
    const json_t *value = json_object_get(object, field);
    return json_is_integer(value) && json_integer_value(value) == -1
               ? 0
               : quant_whole(quant, object, field, standard);
}

static bool is_regex(const char *pattern)
{
    return strpbrk(pattern, "\\^$|[]()+") != NULL || strstr(pattern, ".*") != NULL;
}

/* Overrides of a module: bits, group_size, sym; what is missing is as for all. */
static struct quant_format overridden(struct quant *quant, const json_t *own, const char *field)
{
    const json_t *bits = json_object_get(own, "bits"), *sym = json_object_get(own, "sym");
    uint32_t all_group = group_of(quant, quant->object, "group_size", 0);
    if (!json_is_object(own))
        quant_refuse(quant, field, "an object with bits and group_size for each module", own);
    if (sym == NULL)
        sym = quant_field(quant, "sym");
    uint32_t width = bits_of(quant, bits != NULL ? own : quant->object, "bits");
    return quant_integers(width, group_of(quant, own, "group_size", all_group), json_is_false(sym));
}

/* "-:regex": stays wide; "+:regex" or "regex": its own bits (GPTQModel, vLLM gptq_utils.py). */
static void add_dynamic(struct quant *quant)
{
    const json_t *dynamic = quant_field(quant, "dynamic"), *own;
    const char *pattern;
    json_object_foreach((json_t *)dynamic, pattern, own)
    {
        bool wide = strncmp(pattern, "-:", 2) == 0;
        bool marked = wide || strncmp(pattern, "+:", 2) == 0;
        quant_add(quant, "dynamic", QUANT_REGEX_MATCH, pattern + (marked ? 2 : 0),
                  wide ? quant_wide() : overridden(quant, own, "dynamic"));
    }
}

/* Only these are quantised: a list of names, or of lists of them. */
static void add_only(struct quant *quant, const char *field)
{
    const json_t *list = quant_field(quant, field), *entry, *name;
    size_t i, j;
    if (json_array_size(list) == 0)
        return;
    json_array_foreach(list, i, entry)
    {
        if (json_is_string(entry))
            quant_add(quant, field, QUANT_NAME, json_string_value(entry), quant->standard);
        json_array_foreach(entry, j, name)
        {
            if (!json_is_string(name))
                quant_refuse(quant, field, "names of modules", name);
            else
                quant_add(quant, field, QUANT_NAME, json_string_value(name), quant->standard);
        }
    }
    quant->standard = quant_wide();
}

static void add_head(struct quant *quant, const char *field)
{
    if (json_is_true(quant_field(quant, field)))
        quant_add(quant, field, QUANT_NAME, "lm_head", quant->standard);
}

/* Symmetric files have zero points too, which Marlin's kernels leave behind (gptq_marlin.py). */
static void read_gptq(struct quant *quant)
{
    uint32_t bits = bits_of(quant, quant->object, "bits");
    quant->standard = quant_integers(bits, group_of(quant, quant->object, "group_size", 128),
                                     json_is_false(quant_field(quant, "sym")));
    add_dynamic(quant);
    quant_add_wide(quant, "modules_to_not_convert");
    add_head(quant, "lm_head");
    add_only(quant, "modules_in_block_to_quantize");
}

static void read_awq(struct quant *quant)
{
    bool old = quant_field(quant, "bits") == NULL && quant_field(quant, "w_bit") != NULL;
    uint32_t bits = bits_of(quant, quant->object, old ? "w_bit" : "bits");
    const char *group = old ? "q_group_size" : "group_size";
    quant->standard = quant_integers(bits, group_of(quant, quant->object, group, 128),
                                     !json_is_false(quant_field(quant, "zero_point")));
    quant_add_wide(quant, "modules_to_not_convert");
    add_head(quant, "lm_head");
}

/* ---- auto-round ---- */

static struct quant_format round_format(struct quant *quant, const json_t *own, bool is_own)
{
    const json_t *type = json_object_get(own, "data_type");
    if (type == NULL && is_own)
        type = quant_field(quant, "data_type");
    const char *name = json_string_value(type);
    uint32_t bits =
        bits_of(quant, json_object_get(own, "bits") != NULL ? own : quant->object, "bits");
    if (bits >= 16)
        return quant_wide();
    if (name == NULL || strcmp(name, "int") == 0)
        return overridden(quant, own, "extra_config");
    if (strncmp(name, "mx_fp", 5) == 0)
        return bits == 8 ? quant_mxfp8() : quant_mxfp4();
    if (strncmp(name, "nv_fp", 5) == 0)
        return quant_nvfp4(false);
    if (strncmp(name, "fp", 2) == 0 && bits == 8)
        return quant_fp8(0);
    quant_refuse(quant, "data_type", "int, mx_fp, nv_fp or fp8", type);
    return quant_wide();
}

/* Whole names go before patterns, as auto-round's _expand_regex_config() has it. */
static void read_auto_round(struct quant *quant)
{
    const json_t *extra = quant_field(quant, "extra_config"), *own;
    const char *pattern;
    quant->standard = round_format(quant, quant->object, false);
    for (int regex = 0; regex < 2; regex++)
        json_object_foreach((json_t *)extra, pattern, own)
        {
            if (is_regex(pattern) == (regex == 1))
                quant_add(quant, "extra_config", regex ? QUANT_REGEX_SEARCH : QUANT_NAME, pattern,
                          round_format(quant, own, true));
        }
    add_dynamic(quant);
    quant_add_wide(quant, "modules_to_not_convert");
    add_head(quant, "quant_lm_head");
    add_head(quant, "lm_head");
    add_only(quant, "modules_in_block_to_quantize");
}

/* ---- bitsandbytes ---- */

/* A scale in float32 for 64 values; quantised again, 8 bits of each and a float32 for 256 of them
 * (QLoRA, arXiv 2305.14314, 3). */
static void read_bitsandbytes(struct quant *quant)
{
    bool four = json_is_true(quant_field(quant, "load_in_4bit")) ||
                json_is_true(quant_field(quant, "_load_in_4bit"));
    bool eight = json_is_true(quant_field(quant, "load_in_8bit")) ||
                 json_is_true(quant_field(quant, "_load_in_8bit"));
    bool twice = json_is_true(quant_field(quant, "bnb_4bit_use_double_quant"));
    const char *type = quant_text(quant, "bnb_4bit_quant_type");
    if (four == eight)
        quant_refuse(quant, "load_in_4bit", "true, or load_in_8bit",
                     quant_field(quant, "load_in_4bit"));
    if (four && type != NULL && strcmp(type, "nf4") != 0 && strcmp(type, "fp4") != 0)
        quant_refuse(quant, "bnb_4bit_quant_type", "nf4 or fp4",
                     quant_field(quant, "bnb_4bit_quant_type"));
    quant->standard = quant_integers(4, 0, false);
    quant->standard.bytes += twice ? 1.0 / 64 + 4.0 / (64 * 256) : 4.0 / 64;
    if (eight)
        quant->standard = quant_int8(false);
    quant_add_wide(quant, "llm_int8_skip_modules");
}

/* ---- experts alone ---- */

/* vLLM's Mxfp4Config has a method for fused experts; all else stays wide. */
static void read_mxfp4(struct quant *quant)
{
    if (quant->hf->model->experts == 0)
        quant_refuse(quant, "quant_method", "mxfp4 of experts, and a model that has some",
                     quant_field(quant, "quant_method"));
    quant->standard = quant_wide();
    quant->experts = quant_mxfp4();
    quant_add_wide(quant, "modules_to_not_convert");
}

/* ---- others ---- */

static void read_rows_of_8(struct quant *quant)
{
    quant->standard = quant_int8(true);
    quant_add_wide(quant, "modules_to_not_convert");
}

static void read_int8(struct quant *quant)
{
    quant->standard = quant_int8(false);
    quant_add_wide(quant, "ignored_layers");
    quant_add_wide(quant, "modules_to_not_convert");
}

/* Scale and zero point are in 2 bytes each (HQQ's own files; vLLM hqq_marlin.py). */
static struct quant_format hqq_format(struct quant *quant, const json_t *config)
{
    const json_t *weights = json_object_get(config, "weight_quant_params");
    uint32_t group = group_of(quant, weights, "group_size", 64);
    struct quant_format format = quant_integers(bits_of(quant, weights, "nbits"), 0, false);
    if (group > 0 && format.bytes < 2)
        format.bytes += 4.0 / group;
    return format;
}

static void read_hqq(struct quant *quant)
{
    const json_t *config = quant_field(quant, "quant_config"), *own;
    const char *tag;
    quant_add_wide(quant, "skip_modules");
    if (json_object_get(config, "weight_quant_params") != NULL) {
        quant->standard = hqq_format(quant, config);
        return;
    }
    if (json_object_size(config) == 0)
        quant_refuse(quant, "quant_config", "weight_quant_params, of all modules or by their names",
                     config);
    quant->standard = quant_wide();
    json_object_foreach((json_t *)config, tag, own)
        quant_add(quant, "quant_config", QUANT_NAME, tag, hqq_format(quant, own));
}

/* Names of torchao's configurations, old (int4_weight_only) and new (Int4WeightOnlyConfig). */
static bool torchao_format(const char *name, uint32_t group, struct quant_format *format)
{
    char word[64] = "";
    for (size_t i = 0, used = 0; name[i] != '\0' && used + 1 < sizeof word; i++)
        if (name[i] != '_')
            word[used++] = (char)tolower((unsigned char)name[i]);
    bool alone = strstr(word, "weightonly") != NULL;
    if (strstr(word, "mxfp4") != NULL)
        *format = quant_mxfp4();
    else if (strstr(word, "nvfp4") != NULL)
        *format = quant_nvfp4(alone);
    else if (strstr(word, "int4") != NULL)
        *format = quant_integers(4, group > 0 ? group : 128, true);
    else if (strstr(word, "float8") != NULL)
        *format = quant_fp8(0);
    else if (strstr(word, "int8") != NULL)
        *format = quant_int8(alone);
    else
        return false;
    return true;
}

static void read_torchao(struct quant *quant)
{
    const json_t *type = quant_field(quant, "quant_type");
    const json_t *inner = json_object_get(type, "default");
    const json_t *of_type = json_object_get(inner, "_type");
    const char *name = json_string_value(of_type != NULL ? of_type : type);
    const json_t *fields =
        of_type != NULL ? json_object_get(inner, "_data") : quant_field(quant, "quant_type_kwargs");
    uint32_t group = fields != NULL ? group_of(quant, fields, "group_size", 0) : 0;
    if (name == NULL || !torchao_format(name, group, &quant->standard))
        quant_refuse(quant, "quant_type",
                     "int4, int8, float8, mxfp4 or nvfp4 of torchao's configurations", type);
    if (json_is_true(quant_field(quant, "include_input_output_embeddings"))) {
        quant_add(quant, "quant_type", QUANT_NAME, "lm_head", quant->standard);
        quant_add(quant, "quant_type", QUANT_NAME, "embed_tokens", quant->standard);
    }
    quant_add_wide(quant, "modules_to_not_convert");
}

/* Vectors of p values on a grid, a scale of 2 bytes a group (arXiv 2411.17525). */
static void read_higgs(struct quant *quant)
{
    quant->standard = quant_integers(bits_of(quant, quant->object, "bits"),
                                     group_of(quant, quant->object, "group_size", 256), false);
    quant_add_wide(quant, "modules_to_not_convert");
}

/* Code books of 2^nbits vectors in fp16 for each matrix (arXiv 2401.06118). */
static void read_aqlm(struct quant *quant)
{
    uint32_t in = quant_whole(quant, quant->object, "in_group_size", 8);
    uint32_t out = quant_whole(quant, quant->object, "out_group_size", 1);
    uint32_t books = quant_whole(quant, quant->object, "num_codebooks", 1);
    uint32_t bits = quant_whole(quant, quant->object, "nbits_per_codebook", 16);
    if (in == 0 || out == 0 || in > 1024 || out > 1024)
        quant_refuse(quant, "in_group_size", "1 to 1024", quant_field(quant, "in_group_size"));
    else if (bits == 0 || bits > 20 || books == 0 || books > 64)
        quant_refuse(quant, "nbits_per_codebook", "1 to 20, in 1 to 64 books",
                     quant_field(quant, "nbits_per_codebook"));
    else
        quant->standard =
            (struct quant_format){ .bytes = books * bits / 8.0 / in / out,
                                   .matrix_bytes = ldexp(2.0 * books * in * out, (int)bits),
                                   .format = 1 + FORMAT_INT4 };
    quant_add_wide(quant, "linear_weights_not_to_quantize");
}

static void read_fp_quant(struct quant *quant)
{
    const char *type = quant_text(quant, "forward_dtype");
    if (type != NULL && strcmp(type, "mxfp4") == 0)
        quant->standard = quant_mxfp4();
    else if (type != NULL && strcmp(type, "nvfp4") == 0)
        quant->standard = quant_nvfp4(false);
    else
        quant_refuse(quant, "forward_dtype", "mxfp4 or nvfp4", quant_field(quant, "forward_dtype"));
    quant_add_wide(quant, "modules_to_not_convert");
}

/* Four weights a byte, a scale a matrix (transformers, integrations/bitnet.py). */
static void read_bitnet(struct quant *quant)
{
    quant->standard = quant_integers(2, 0, false);
    quant_add_wide(quant, "modules_to_not_convert");
}

const struct quant_method quant_methods[] = {
    { "fp8", read_fp8 },
    { "fbgemm_fp8", read_fp8 },
    { "w8a8_fp8", read_fp8 },
    { "gptq", read_gptq },
    { "gptq_marlin", read_gptq },
    { "awq", read_awq },
    { "awq_marlin", read_awq },
    { "compressed-tensors", quant_read_compressed },
    { "modelopt", quant_read_modelopt },
    { "modelopt_fp4", quant_read_modelopt },
    { "modelopt_fp8", quant_read_modelopt },
    { "modelopt_mxfp8", quant_read_modelopt },
    { "modelopt_mixed", quant_read_modelopt },
    { "bitsandbytes", read_bitsandbytes },
    { "mxfp4", read_mxfp4 },
    { "mxfp8", read_mxfp8 },
    { "quark", quant_read_quark },
    { "auto-round", read_auto_round },
    { "intel/auto-round", read_auto_round },
    { "inc", read_auto_round },
    { "eetq", read_rows_of_8 },
    { "w8a8_int8", read_int8 },
    { "hqq", read_hqq },
    { "torchao", read_torchao },
    { "higgs", read_higgs },
    { "aqlm", read_aqlm },
    { "fp_quant", read_fp_quant },
    { "bitnet", read_bitnet },
    { NULL, NULL },
};
