/* models/hf_quant_groups.c - methods that give modules formats by groups: compressed-tensors,
 * NVIDIA's modelopt, AMD's quark.
 *
 * Sources, as read on GitHub: vllm-project/vllm 008014e, compressed_tensors/utils.py (names before
 * classes); vllm 00155cd, quantization/modelopt.py (exclude_modules, quantized_layers) and
 * quark/quark.py; NVIDIA/Model-Optimizer a2fbac7, torch/export/convert_hf_config.py (the inline
 * section and hf_quant_config.json say the same in other words). */
#include "models/hf_quant.h"

#include <string.h>
#include <strings.h>

/* ---- compressed-tensors ---- */

/* A class of modules: all products, or the experts. Heads and embeddings are not quantised by their
 * class alone: engines take Linear only (vllm compressed_tensors.py, get_quant_method()). */
static bool take_class(struct quant *quant, const char *target, struct quant_format format)
{
    if (strstr(target, "MoE") != NULL || strcmp(target, "RoutedExperts") == 0) {
        if (quant->experts.bytes == 0)
            quant->experts = format;
        return true;
    }
    if (strstr(target, "Linear") == NULL)
        return false;
    if (quant->standard.bytes == 0)
        quant->standard = format;
    return true;
}

static void add_target(struct quant *quant, const json_t *target, struct quant_format format)
{
    static const char field[] = "config_groups";
    const char *text = json_string_value(target);
    if (text == NULL)
        quant_refuse(quant, field, "targets that are names, classes or re: patterns", target);
    else if (strncmp(text, "re:", 3) == 0)
        quant_add(quant, field, QUANT_REGEX_MATCH, text + 3, format);
    else if (strchr(text, '*') != NULL)
        quant_add(quant, field, QUANT_WILDCARD, text, format);
    else if (!take_class(quant, text, format))
        quant_add(quant, field, QUANT_NAME, text, format);
}

static void read_group(struct quant *quant, const json_t *group)
{
    const json_t *weights = json_object_get(group, "weights"), *target;
    const json_t *inputs = json_object_get(group, "input_activations");
    const json_t *targets = json_object_get(group, "targets");
    const char *named = json_string_value(json_object_get(group, "format"));
    struct quant_format format = quant_wide(); /* a group of activations alone */
    bool alone = inputs == NULL || json_is_null(inputs);
    size_t i;
    if (named == NULL)
        named = quant_text(quant, "format");
    if (json_is_object(weights) && !quant_of_args(weights, named, alone, &format))
        quant_refuse(quant, "config_groups",
                     "weights that are int of 1 to 8 bits, or float of 4 or 8", weights);
    if (!json_is_array(targets))
        take_class(quant, "Linear", format);
    json_array_foreach(targets, i, target) add_target(quant, target, format);
}

static void read_groups(struct quant *quant)
{
    const json_t *groups = quant_field(quant, "config_groups"), *group;
    const char *name;
    json_object_foreach((json_t *)groups, name, group)
    {
        if (!json_is_object(group))
            quant_refuse(quant, "config_groups", "an object for each group", group);
        read_group(quant, group);
    }
}

/* Sparse files (2 of 4) hold values and a bit mask: their sizes are not known here. */
static void refuse_sparsity(struct quant *quant)
{
    const json_t *sparsity = quant_field(quant, "sparsity_config");
    const char *format = json_string_value(json_object_get(sparsity, "format"));
    if (format != NULL && strcmp(format, "dense") != 0)
        quant_refuse(quant, "sparsity_config", "none, or format dense", sparsity);
}

void quant_read_compressed(struct quant *quant)
{
    bool kv_only = quant_field(quant, "kv_cache_scheme") != NULL;
    if (json_object_size(quant_field(quant, "config_groups")) == 0 && !kv_only)
        quant_refuse(quant, "config_groups", "groups with targets and weights",
                     quant_field(quant, "config_groups"));
    refuse_sparsity(quant);
    quant_add_wide(quant, "ignore");
    read_groups(quant);
    if (quant->standard.bytes == 0)
        quant->standard = quant_wide();
    quant_take_kv(quant, "kv_cache_scheme");
}

/* ---- modelopt ---- */

static bool algorithm(struct quant *quant, const char *field, const json_t *value,
                      const json_t *object, struct quant_format *format)
{
    uint32_t group = quant_whole(quant, object, "group_size", 0);
    const char *algo = json_string_value(value);
    if (algo != NULL && quant_of_algo(algo, group, format))
        return true;
    quant_refuse(quant, field,
                 "FP8, FP8_PB_WO, NVFP4, W4A16_NVFP4, MXFP4, MXFP8, W4A16_AWQ, W4A8_AWQ, W8A16, "
                 "INT8_SQ or another of modelopt's",
                 value);
    return false;
}

void quant_read_quantized_layers(struct quant *quant)
{
    static const char field[] = "quantized_layers";
    const json_t *layers = quant_field(quant, field), *layer;
    struct quant_format format;
    const char *name;
    json_object_foreach((json_t *)layers, name, layer)
    {
        const json_t *algo = json_object_get(layer, "quant_algo");
        if (algorithm(quant, field, algo, layer, &format))
            quant_add(quant, field, strchr(name, '*') != NULL ? QUANT_WILDCARD : QUANT_NAME, name,
                      format);
    }
}

/* What quantized_layers does not name stays wide; files that have groups in their place say the
 * same there. */
static void read_mixed(struct quant *quant)
{
    if (json_object_size(quant_field(quant, "quantized_layers")) > 0)
        quant_read_quantized_layers(quant);
    else if (json_object_size(quant_field(quant, "config_groups")) > 0)
        read_groups(quant);
    else
        quant_refuse(quant, "quantized_layers", "the modules of MIXED_PRECISION, by their names",
                     quant_field(quant, "quantized_layers"));
    if (quant->standard.bytes == 0)
        quant->standard = quant_wide();
}

void quant_read_modelopt(struct quant *quant)
{
    const json_t *value = quant_field(quant, "quant_algo");
    const char *algo = json_string_value(value);
    quant_add_wide(quant, "exclude_modules");
    quant_add_wide(quant, "ignore");
    quant_take_kv(quant, "kv_cache_quant_algo");
    if (quant->kv_bytes == 0)
        quant_take_kv(quant, "kv_cache_scheme");
    if (value == NULL && quant_field(quant, "config_groups") != NULL)
        read_groups(quant);
    else if (value == NULL && quant->kv_bytes > 0) /* the KV alone */
        quant->standard = quant_wide();
    else if (algo != NULL && strcasecmp(algo, "MIXED_PRECISION") == 0)
        read_mixed(quant);
    else
        algorithm(quant, "quant_algo", value, quant->object, &quant->standard);
    if (quant->standard.bytes == 0)
        quant->standard = quant_wide();
}

/* ---- quark ---- */

static bool has_type(const char *type, const char *part)
{
    return type != NULL && strstr(type, part) != NULL;
}

/* {dtype, qscheme, group_size, symmetric}. Groups of fp4 and fp6 have a scale of 8 bits. */
static struct quant_format quark_format(struct quant *quant, const char *field,
                                        const json_t *config)
{
    const json_t *weight = json_object_get(config, "weight");
    const json_t *inputs = json_object_get(config, "input_tensors");
    const char *type = json_string_value(json_object_get(weight, "dtype"));
    const char *scheme = json_string_value(json_object_get(weight, "qscheme"));
    bool alone = inputs == NULL || json_is_null(inputs);
    bool zero = json_is_false(json_object_get(weight, "symmetric"));
    uint32_t group =
        has_type(scheme, "per_group") ? quant_whole(quant, weight, "group_size", 32) : 0;
    if (weight == NULL || json_is_null(weight))
        return quant_wide();
    if (has_type(type, "fp4"))
        return group == 16 ? quant_nvfp4(alone) : quant_mxfp4();
    if (has_type(type, "fp6"))
        return (struct quant_format){ .bytes = 0.75 + 1.0 / 32, .format = 1 + FORMAT_MXFP4 };
    if (has_type(type, "fp8"))
        return quant_fp8(has_type(scheme, "per_block") ? 128 * 128 : group);
    if (has_type(type, "int4") || has_type(type, "int3") || has_type(type, "int2"))
        return quant_integers((uint32_t)(type[strlen(type) - 1] - '0'), group, zero);
    if (has_type(type, "int8"))
        return alone ? quant_integers(8, group, zero) : quant_int8(false);
    if (has_type(type, "float16"))
        return quant_wide();
    quant_refuse(quant, field, "a weight of one dtype: fp8, fp6, fp4 or int2 to int8", weight);
    return quant_wide();
}

/* The KV is what the patterns of kv_cache_group put out (vllm quark.py, from_config()). */
static void quark_kv(struct quant *quant, const json_t *layers)
{
    const json_t *groups = json_object_get(quant_field(quant, "export"), "kv_cache_group");
    const char *pattern = json_string_value(json_array_get(groups, 0));
    const json_t *layer = pattern != NULL ? json_object_get(layers, pattern) : NULL;
    const json_t *out = json_object_get(layer, "output_tensors");
    const char *type = json_string_value(json_object_get(out, "dtype"));
    if (has_type(type, "fp8")) {
        quant->kv_bytes = 1;
        quant->kv_words = "fp8";
    }
}

void quant_read_quark(struct quant *quant)
{
    const json_t *all = quant_field(quant, "global_quant_config"), *config;
    const json_t *layers = quant_field(quant, "layer_quant_config");
    const char *pattern;
    if (!json_is_object(all))
        quant_refuse(quant, "global_quant_config", "an object with a weight", all);
    quant_add_wide(quant, "exclude");
    json_object_foreach((json_t *)layers, pattern, config) quant_add(
        quant, "layer_quant_config", strchr(pattern, '*') != NULL ? QUANT_WILDCARD : QUANT_NAME,
        pattern, quark_format(quant, "layer_quant_config", config));
    quant->standard = quark_format(quant, "global_quant_config", all);
    quark_kv(quant, layers);
}
