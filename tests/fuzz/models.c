/* tests/fuzz/models.c - Hugging Face's config.json, Mistral's params.json, and what they say of
 * quantised weights. */
#include "tests/fuzz/fuzz.h"

#include "models/hf_quant.h"
#include "models/models.h"
#include "tests/fuzz/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is imported can be written as a file of models/llm; nobody reads it here. */
static FILE *nowhere(void)
{
    static FILE *file;
    if (file == NULL)
        file = fopen("/dev/null", "w");
    FUZZ_EXPECT(file != NULL);
    return file;
}

static void import(const uint8_t *bytes, size_t size, const struct model_import *how)
{
    struct error err = { 0 };
    struct model model;
    const char *path = input_path(bytes, size);
    if (model_import(path, how, &model, nowhere(), &err) != STATUS_OK) {
        FUZZ_EXPECT(err.status == STATUS_INPUT && err.expected[0] != '\0');
        return;
    }
    FUZZ_EXPECT(model_check(&model, path, &err) == STATUS_OK);
    FUZZ_EXPECT(model_parameters(&model) >= model_active_parameters(&model));
    FUZZ_EXPECT(model_weight_bytes(&model, 1) > 0);
    model_kv_bytes_per_token(&model, 4);
}

static void run_config(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    import(bytes, size, NULL);
}

static void run_config_assumed(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    import(bytes, size, &(struct model_import){ "m", "known-fields,dense-gqa,gated-ffn" });
}

/* The input stands as quantization_config in a config.json that is else whole: the readers of its
 * methods are behind everything else. */
static void run_quantisation(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    static const char before[] =
        "{\"architectures\":[\"LlamaForCausalLM\"],\"hidden_size\":4096,\"intermediate_size\":"
        "14336,"
        "\"num_hidden_layers\":4,\"num_attention_heads\":32,\"num_key_value_heads\":8,"
        "\"max_position_embeddings\":8192,\"vocab_size\":128256,\"tie_word_embeddings\":false,"
        "\"torch_dtype\":\"bfloat16\",\"quantization_config\":",
                      after[] = "}";
    size_t length = sizeof before - 1 + size + sizeof after - 1;
    uint8_t *whole = malloc(length);
    FUZZ_EXPECT(whole != NULL);
    memcpy(whole, before, sizeof before - 1);
    memcpy(whole + sizeof before - 1, bytes, size);
    memcpy(whole + sizeof before - 1 + size, after, sizeof after - 1);
    import(whole, length, NULL);
    free(whole);
}

/* The first line is a pattern, the second a module's name, as long as those that are made of a
 * model's parts. */
static void run_regex(const struct fuzz_target *target, const uint8_t *bytes, size_t size)
{
    (void)target;
    char *pattern = input_text(bytes, size), *name = strchr(pattern, '\n');
    regex_t regex;
    if (name != NULL)
        *name++ = '\0';
    if (name != NULL && strlen(name) > 2 * QUANT_TAIL_BYTES)
        name[2 * QUANT_TAIL_BYTES] = '\0';
    if (quant_regex_compile(pattern, size % 2 == 0, &regex)) {
        regexec(&regex, name != NULL ? name : "model.layers.12.self_attn.q_proj", 0, NULL, 0);
        regfree(&regex);
    }
    free(pattern);
}

const struct fuzz_target fuzz_models[] = {
    { "hf_config", "hf_config", run_config, NULL },
    { "hf_config_assumed", "hf_config", run_config_assumed, NULL },
    { "hf_quantisation", "hf_quantisation", run_quantisation, NULL },
    { "hf_regex", "regex", run_regex, NULL },
    { .name = NULL },
};
