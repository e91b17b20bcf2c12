/* models/hf_families.c - transformers with attention in every layer: what the fields of their
 * config.json mean. Sources: huggingface/transformers, models/FAMILY/configuration_FAMILY.py
 * (names, defaults) and modeling_FAMILY.py (matrices); each published model's own config.json. */
#include "models/hf_config.h"

#include <string.h>

/* ---- parts ---- */

static uint32_t divided(struct hf *hf, const char *field, uint32_t whole, uint32_t by)
{
    if (hf->status == STATUS_OK && (by == 0 || whole % by != 0))
        hf_refuse(hf, field, "a divisor of the hidden width, or head_dim beside it",
                  hf_field(hf, field));
    return by > 0 ? whole / by : 0;
}

static void take_head_dim(struct hf *hf)
{
    struct model *model = hf->model;
    if (hf_field(hf, "head_dim") != NULL)
        hf_take(hf, &model->head_dim, "head_dim");
    else
        hf_derive(hf, &model->head_dim,
                  divided(hf, "num_attention_heads", model->hidden, model->heads),
                  "hidden_size / num_attention_heads");
}

/* Without num_key_value_heads each head has its own. */
static void multi_head(struct hf *hf)
{
    struct model *model = hf->model;
    hf_take(hf, &model->layers, "num_hidden_layers");
    hf_take(hf, &model->hidden, "hidden_size");
    hf_take(hf, &model->heads, "num_attention_heads");
    hf_take_or(hf, &model->kv_heads, "num_key_value_heads", model->heads);
    take_head_dim(hf);
    hf_take_flag_or(hf, &model->tied_embeddings, "tie_word_embeddings", false);
    hf_take(hf, &model->vocabulary, "vocab_size");
    hf_take(hf, &model->context_window_tokens, "max_position_embeddings");
}

/* transformers' own value differs by family: it is asked for. */
static void ask_for(struct hf *hf, const char *field)
{
    if (hf_field(hf, field) == NULL)
        hf_refuse(hf, field, "the number that the model has", NULL);
}

void hf_attention(struct hf *hf)
{
    multi_head(hf);
    ask_for(hf, "num_key_value_heads");
}

void hf_attention_wide(struct hf *hf)
{
    hf_attention(hf);
    ask_for(hf, "head_dim");
}

void hf_dense(struct hf *hf)
{
    hf_take(hf, &hf->model->ffn, "intermediate_size");
}

/* A window as wide as the longest context hides nothing; null: there is none. */
static void windows(struct hf *hf, uint32_t layers, const char *text, const char *field,
                    uint32_t standard)
{
    struct model *model = hf->model;
    bool is_null = json_is_null(json_object_get(hf->object, field));
    uint32_t window = layers > 0 && !is_null ? hf_whole_or(hf, field, standard) : 0;
    if (window == 0 || window >= model->context_window_tokens)
        return;
    hf_derive(hf, &model->window_layers, layers, text);
    hf_take_or(hf, &model->window_tokens, field, standard);
}

/* layer_types of full and sliding (or chunked) attention, and the window under `field`: `standard`
 * where the file does not name it, none where it is null. false: there is no layer_types. */
static bool layer_types(struct hf *hf, const char *field, uint32_t standard)
{
    static const char *const choices[] = { "full_attention", "sliding_attention",
                                           "chunked_attention", NULL };
    uint32_t count[3] = { 0 };
    if (!hf_count_layers(hf, "layer_types", hf->model->layers, choices, count))
        return false;
    if (count[1] > 0 && count[2] > 0)
        hf_refuse(hf, "layer_types", "windows of one kind", hf_field(hf, "layer_types"));
    if (count[2] > 0)
        hf->model->window = WINDOW_CHUNKED;
    windows(hf, count[1] + count[2], "layer_types", field, standard);
    return true;
}

/* ---- dense ---- */

static void read_llama(struct hf *hf)
{
    multi_head(hf);
    hf_dense(hf);
}

/* One window for all layers, as Mistral 7B v0.1 has it; null: none. */
static void all_windows(struct hf *hf, uint32_t standard)
{
    if (!layer_types(hf, "sliding_window", standard))
        windows(hf, hf->model->layers, "sliding_window: all layers", "sliding_window", standard);
}

static void read_mistral(struct hf *hf)
{
    hf_attention(hf);
    hf_dense(hf);
    all_windows(hf, 4096);
}

/* The first max_window_layers see everything (configuration_qwen2.py). */
static void qwen_windows(struct hf *hf)
{
    if (!hf_flag_or(hf, "use_sliding_window", false) || layer_types(hf, "sliding_window", 4096))
        return;
    uint32_t first = hf_whole(hf, "max_window_layers"), layers = hf->model->layers;
    windows(hf, first < layers ? layers - first : 0, "layers from max_window_layers on",
            "sliding_window", 4096);
}

static void read_qwen2(struct hf *hf)
{
    hf_attention(hf);
    hf_dense(hf);
    qwen_windows(hf);
}

static void read_qwen3(struct hf *hf)
{
    hf_attention_wide(hf);
    hf_dense(hf);
    qwen_windows(hf);
}

/* A gemma's head has the embedding's matrix unless its file says otherwise. */
static void read_gemma(struct hf *hf)
{
    hf_attention_wide(hf);
    hf_dense(hf);
    hf_take_flag_or(hf, &hf->model->tied_embeddings, "tie_word_embeddings", true);
}

static void read_gemma2(struct hf *hf)
{
    read_gemma(hf);
    if (!layer_types(hf, "sliding_window", 4096))
        windows(hf, (hf->model->layers + 1) / 2, "every other layer, from the first on",
                "sliding_window", 4096);
}

/* The models' files leave out what equals transformers' defaults (Gemma3TextConfig). */
static void read_gemma3(struct hf *hf)
{
    struct model *model = hf->model;
    hf_take(hf, &model->layers, "num_hidden_layers");
    hf_take(hf, &model->hidden, "hidden_size");
    hf_take_or(hf, &model->heads, "num_attention_heads", 8);
    hf_take_or(hf, &model->kv_heads, "num_key_value_heads", 4);
    hf_take_or(hf, &model->head_dim, "head_dim", 256);
    hf_take_or(hf, &model->vocabulary, "vocab_size", 262208);
    hf_take_or(hf, &model->context_window_tokens, "max_position_embeddings", 131072);
    hf_take_flag_or(hf, &model->tied_embeddings, "tie_word_embeddings", true);
    hf_dense(hf);
    uint32_t pattern = hf_whole_or(hf, "sliding_window_pattern", 6);
    if (pattern == 0)
        hf_refuse(hf, "sliding_window_pattern", "1 or more",
                  hf_field(hf, "sliding_window_pattern"));
    else if (!layer_types(hf, "sliding_window", 4096))
        windows(hf, model->layers - model->layers / pattern,
                "all but each sliding_window_pattern-th", "sliding_window", 4096);
}

/* Query, key and value, and gate and up, are one matrix each in its files: the same sizes. */
static void read_phi3(struct hf *hf)
{
    read_llama(hf);
    all_windows(hf, 0);
}

/* ---- older ones: learned positions, one matrix less in the feed-forward ---- */

static void read_gpt2(struct hf *hf)
{
    struct model *model = hf->model;
    hf_take(hf, &model->layers, "n_layer");
    hf_take(hf, &model->hidden, "n_embd");
    hf_take(hf, &model->heads, "n_head");
    hf_derive(hf, &model->kv_heads, model->heads, "n_head");
    hf_derive(hf, &model->head_dim, divided(hf, "n_head", model->hidden, model->heads),
              "n_embd / n_head");
    hf_take_or(hf, &model->ffn, "n_inner", 4 * model->hidden);
    hf_take(hf, &model->vocabulary, "vocab_size");
    hf_take(hf, &model->context_window_tokens, "n_positions");
    hf_derive(hf, &model->learned_positions, model->context_window_tokens, "n_positions");
    hf_take_flag_or(hf, &model->tied_embeddings, "tie_word_embeddings", true);
    model->gated_ffn = false;
    hf_note(hf, &model->gated_ffn, "GPT-2");
}

/* Its position embedding has two rows more than positions (modeling_opt.py). */
static void read_opt(struct hf *hf)
{
    struct model *model = hf->model;
    multi_head(hf);
    hf_take(hf, &model->ffn, "ffn_dim");
    hf_take_flag_or(hf, &model->tied_embeddings, "tie_word_embeddings", true);
    hf_derive(hf, &model->learned_positions, model->context_window_tokens + 2,
              "max_position_embeddings + 2");
    if (hf_whole_or(hf, "word_embed_proj_dim", model->hidden) != model->hidden)
        hf_refuse(hf, "word_embed_proj_dim", "the width of hidden_size",
                  hf_field(hf, "word_embed_proj_dim"));
    model->gated_ffn = false;
    hf_note(hf, &model->gated_ffn, "OPT");
}

static void falcon_kv_heads(struct hf *hf)
{
    struct model *model = hf->model;
    const char *kv = hf_field(hf, "num_kv_heads") != NULL ? "num_kv_heads" : "n_head_kv";
    if (hf_flag_or(hf, "new_decoder_architecture", false))
        hf_take_or(hf, &model->kv_heads, kv, model->heads);
    else if (hf_flag_or(hf, "multi_query", true))
        hf_derive(hf, &model->kv_heads, 1, "multi_query");
    else
        hf_derive(hf, &model->kv_heads, model->heads, "num_attention_heads");
}

static void read_falcon(struct hf *hf)
{
    struct model *model = hf->model;
    bool old = hf_field(hf, "n_layer") != NULL; /* attribute_map of configuration_falcon.py */
    hf_take(hf, &model->layers, old ? "n_layer" : "num_hidden_layers");
    hf_take(hf, &model->hidden, "hidden_size");
    hf_take(hf, &model->heads, old ? "n_head" : "num_attention_heads");
    falcon_kv_heads(hf);
    hf_derive(hf, &model->head_dim, divided(hf, "num_attention_heads", model->hidden, model->heads),
              "hidden_size / num_attention_heads");
    hf_take_or(hf, &model->ffn, "ffn_hidden_size", 4 * model->hidden);
    hf_take(hf, &model->vocabulary, "vocab_size");
    hf_take_or(hf, &model->context_window_tokens, "max_position_embeddings", 2048);
    hf_take_flag_or(hf, &model->tied_embeddings, "tie_word_embeddings", true);
    hf_take_flag_or(hf, &model->parallel_attention, "parallel_attn", true);
    model->gated_ffn = false;
    hf_note(hf, &model->gated_ffn, "Falcon");
}

static void read_gpt_neox(struct hf *hf)
{
    struct model *model = hf->model;
    multi_head(hf);
    hf_dense(hf);
    hf_take_flag_or(hf, &model->parallel_attention, "use_parallel_residual", true);
    model->gated_ffn = false;
    hf_note(hf, &model->gated_ffn, "GPT-NeoX");
}

/* ---- experts ---- */

void hf_local_experts(struct hf *hf)
{
    hf_take(hf, &hf->model->experts, "num_local_experts");
    hf_take(hf, &hf->model->experts_per_token, "num_experts_per_tok");
    hf_take(hf, &hf->model->expert_ffn, "intermediate_size");
}

static void read_mixtral(struct hf *hf)
{
    hf_attention(hf);
    hf_local_experts(hf);
    all_windows(hf, 0);
}

void hf_shared_width(struct hf *hf, const char *field, uint32_t width)
{
    uint32_t one = hf->model->expert_ffn;
    if (one == 0 || width % one != 0)
        hf_refuse(hf, field, "a multiple of a routed expert's width", hf_field(hf, field));
    else
        hf_derive(hf, &hf->model->shared_experts, width / one, field);
}

static uint32_t dense_layers(struct hf *hf)
{
    const json_t *only = hf_field(hf, "mlp_only_layers");
    uint32_t step = hf_whole_or(hf, "decoder_sparse_step", 1), dense = 0;
    if (only != NULL && !json_is_array(only))
        hf_refuse(hf, "mlp_only_layers", "a list of layers", only);
    if (step == 0)
        hf_refuse(hf, "decoder_sparse_step", "1 or more", hf_field(hf, "decoder_sparse_step"));
    for (uint32_t i = 0; i < hf->model->layers && step > 0; i++) {
        bool listed = false;
        for (size_t j = 0; j < json_array_size(only); j++)
            listed |= json_integer_value(json_array_get(only, j)) == i;
        dense += listed || (i + 1) % step != 0;
    }
    return dense;
}

void hf_qwen_experts(struct hf *hf)
{
    struct model *model = hf->model;
    const char *count =
        hf_field(hf, "num_local_experts") != NULL ? "num_local_experts" : "num_experts";
    hf_take(hf, &model->experts, count);
    hf_take(hf, &model->experts_per_token, "num_experts_per_tok");
    hf_take(hf, &model->expert_ffn, "moe_intermediate_size");
    if (hf_whole_or(hf, "shared_expert_intermediate_size", 0) > 0)
        hf_shared_width(hf, "shared_expert_intermediate_size",
                        hf_whole(hf, "shared_expert_intermediate_size"));
    hf_derive(hf, &model->dense_layers, dense_layers(hf), "decoder_sparse_step, mlp_only_layers");
    if (model->dense_layers > 0)
        hf_dense(hf);
}

static void read_qwen2_moe(struct hf *hf)
{
    hf_attention(hf);
    hf_qwen_experts(hf);
    qwen_windows(hf);
}

static void read_qwen3_moe(struct hf *hf)
{
    hf_attention_wide(hf);
    hf_qwen_experts(hf);
    qwen_windows(hf);
}

/* Multi-token prediction's layers are left out, as without speculation. */
static void read_minimax_m2(struct hf *hf)
{
    hf_attention_wide(hf);
    hf_local_experts(hf);
    if (hf_whole_or(hf, "shared_intermediate_size", 0) > 0)
        hf_shared_width(hf, "shared_intermediate_size", hf_whole(hf, "shared_intermediate_size"));
}

static void read_gpt_oss(struct hf *hf)
{
    hf_attention_wide(hf);
    hf_local_experts(hf);
    if (!layer_types(hf, "sliding_window", 128))
        windows(hf, (hf->model->layers + 1) / 2, "every other layer, from the first on",
                "sliding_window", 128);
}

/* intermediate_size_mlp is the dense layers' (configuration_llama4.py); one shared expert. Layers
 * without RoPE see everything, the others their chunk. */
static void read_llama4(struct hf *hf)
{
    struct model *model = hf->model;
    hf_attention_wide(hf);
    hf_local_experts(hf);
    hf_derive(hf, &model->shared_experts, 1, "Llama 4: one, beside the routed ones");
    uint32_t step = hf_whole_or(hf, "interleave_moe_layer_step", 1);
    if (step == 0)
        hf_refuse(hf, "interleave_moe_layer_step", "1 or more",
                  hf_field(hf, "interleave_moe_layer_step"));
    const json_t *listed = hf_field(hf, "moe_layers");
    uint32_t sparse =
        listed != NULL ? (uint32_t)json_array_size(listed) : model->layers / (step > 0 ? step : 1);
    hf_derive(hf, &model->dense_layers, model->layers - sparse, "interleave_moe_layer_step");
    if (model->dense_layers > 0)
        hf_take(hf, &model->ffn, "intermediate_size_mlp");
    model->window = WINDOW_CHUNKED;
    uint32_t interval = hf_whole_or(hf, "no_rope_layer_interval", 4);
    if (interval == 0)
        hf_refuse(hf, "no_rope_layer_interval", "1 or more",
                  hf_field(hf, "no_rope_layer_interval"));
    else if (!layer_types(hf, "attention_chunk_size", 8192))
        windows(hf, model->layers - model->layers / interval,
                "all but each no_rope_layer_interval-th", "attention_chunk_size", 8192);
    if (model->window_layers == 0)
        model->window = WINDOW_SLIDING;
}

/* ---- latent attention ---- */

static void deepseek_experts(struct hf *hf)
{
    struct model *model = hf->model;
    hf_take(hf, &model->experts, "n_routed_experts");
    hf_take(hf, &model->experts_per_token, "num_experts_per_tok");
    hf_take_or(hf, &model->shared_experts, "n_shared_experts", 0);
    hf_take(hf, &model->expert_ffn, "moe_intermediate_size");
    hf_take_or(hf, &model->dense_layers, "first_k_dense_replace", 0);
    if (model->dense_layers > 0)
        hf_dense(hf);
    if (hf_whole_or(hf, "moe_layer_freq", 1) != 1)
        hf_refuse(hf, "moe_layer_freq", "1", hf_field(hf, "moe_layer_freq"));
}

static void read_deepseek(struct hf *hf)
{
    struct model *model = hf->model;
    hf_take(hf, &model->layers, "num_hidden_layers");
    hf_take(hf, &model->hidden, "hidden_size");
    model->attention = ATTENTION_LATENT;
    hf_note(hf, &model->attention, "kv_lora_rank");
    hf_take(hf, &model->heads, "num_attention_heads");
    hf_derive(hf, &model->kv_heads, model->heads, "each head decompresses its own");
    hf_take(hf, &model->head_dim, "qk_nope_head_dim");
    if (hf_whole(hf, "v_head_dim") != model->head_dim)
        hf_refuse(hf, "v_head_dim", "the width of qk_nope_head_dim", hf_field(hf, "v_head_dim"));
    hf_take(hf, &model->latent_dim, "kv_lora_rank");
    hf_take(hf, &model->rope_dim, "qk_rope_head_dim");
    hf_take_or(hf, &model->query_latent_dim, "q_lora_rank", 0);
    hf_take(hf, &model->vocabulary, "vocab_size");
    hf_take(hf, &model->context_window_tokens, "max_position_embeddings");
    hf_take_flag_or(hf, &model->tied_embeddings, "tie_word_embeddings", false);
    deepseek_experts(hf);
}

const struct hf_family hf_families[] = {
    { "Llama", read_llama },
    { "Mistral", read_mistral },
    { "Mistral3", read_mistral },
    { "Mixtral", read_mixtral },
    { "Qwen2", read_qwen2 },
    { "Qwen2Moe", read_qwen2_moe },
    { "Qwen3", read_qwen3 },
    { "Qwen3Moe", read_qwen3_moe },
    { "DeepseekV2", read_deepseek },
    { "DeepseekV3", read_deepseek },
    { "Gemma", read_gemma },
    { "Gemma2", read_gemma2 },
    { "Gemma3", read_gemma3 },
    { "Phi3", read_phi3 },
    { "GptOss", read_gpt_oss },
    { "MiniMaxM2", read_minimax_m2 },
    { "Llama4", read_llama4 },
    { "GPT2LMHeadModel", read_gpt2 },
    { "OPT", read_opt },
    { "Falcon", read_falcon },
    { "GPTNeoX", read_gpt_neox },
    { NULL, NULL },
};
