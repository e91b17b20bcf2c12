/* models/hf_mistral.c - the params.json that Mistral publishes beside, or in the place of, a
 * config.json: its fields under the names that all readers know. Source: vllm,
 * vllm/transformers_utils/configs/mistral.py (adapt_config_dict and what it calls), v0.12. */
#include "models/hf_config.h"

#include <string.h>

struct renamed {
    const char *from, *to;
};

static const struct renamed top[] = {
    { "dim", "hidden_size" },
    { "n_layers", "num_hidden_layers" },
    { "n_heads", "num_attention_heads" },
    { "n_kv_heads", "num_key_value_heads" },
    { "hidden_dim", "intermediate_size" },
    { "tied_embeddings", "tie_word_embeddings" },
};
static const struct renamed experts[] = {
    { "num_experts", "n_routed_experts" },
    { "num_experts_per_tok", "num_experts_per_tok" },
    { "expert_hidden_dim", "moe_intermediate_size" },
    { "num_shared_experts", "n_shared_experts" },
    { "first_k_dense_replace", "first_k_dense_replace" },
    { "route_every_n", "moe_layer_freq" },
};

static void rename_fields(json_t *to, const json_t *from, const struct renamed *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_t *value = json_object_get(from, names[i].from);
        if (value != NULL)
            json_object_set(to, names[i].to, value);
        if (value != NULL && to == from)
            json_object_del(to, names[i].from);
    }
}

/* Its file does not say the length where that is 128,000. */
static void set_context(json_t *object)
{
    json_t *yarn = json_object_get(object, "yarn");
    if (json_object_get(object, "max_position_embeddings") == NULL &&
        json_object_get(object, "max_seq_len") == NULL)
        json_object_set_new(object, "max_position_embeddings", json_integer(128000));
    if (!json_is_object(yarn))
        return;
    json_object_set_new(yarn, "rope_type", json_string("yarn"));
    json_object_set(object, "rope_scaling", yarn);
    json_object_del(object, "yarn");
}

/* fp8 is the one format that it names. */
static void set_quantisation(json_t *object)
{
    const json_t *quantisation = json_object_get(object, "quantization");
    const char *format = json_string_value(json_object_get(quantisation, "qformat_weight"));
    if (format != NULL && strcmp(format, "fp8_e4m3") == 0)
        json_object_set_new(object, "quantization_config",
                            json_pack("{s:s}", "quant_method", "fp8"));
    else if (quantisation != NULL)
        json_object_set(object, "quantization_config", (json_t *)quantisation);
    json_object_del(object, "quantization");
}

bool hf_is_mistral(const json_t *object)
{
    return json_object_get(object, "dim") != NULL && json_object_get(object, "n_layers") != NULL &&
           json_object_get(object, "architectures") == NULL &&
           json_object_get(object, "model_type") == NULL;
}

void hf_rename_mistral(json_t *object)
{
    json_t *moe = json_object_get(object, "moe");
    rename_fields(object, object, top, sizeof top / sizeof *top);
    rename_fields(object, moe, experts, sizeof experts / sizeof *experts);
    json_object_del(object, "moe");
    json_object_del(object, "vision_encoder");
    set_context(object);
    set_quantisation(object);
    bool latent = json_object_get(object, "kv_lora_rank") != NULL;
    json_object_set_new(object, "model_type", json_string(latent ? "mistral_large_3" : "mistral"));
    if (json_object_get(object, "sliding_window") == NULL)
        json_object_set_new(object, "sliding_window", json_null());
}
