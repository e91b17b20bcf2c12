/* models/hf_habits.c - what families leave to their code: a row each. A family that is not here is
 * read by its fields alone. Sources: huggingface/transformers,
 * models/FAMILY/configuration_FAMILY.py (what a missing field is) and modeling_FAMILY.py
 * (matrices); models' own files where named. */
#include "models/hf_config.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

/* ---- older ones: learned positions, one matrix less in the feed-forward ---- */

static void after_gpt2(struct hf *hf)
{
    hf_derive(hf, &hf->model->learned_positions, hf->model->context_window_tokens, "n_positions");
}

/* Its position embedding has two rows more than positions (modeling_opt.py). */
static void after_opt(struct hf *hf)
{
    struct model *model = hf->model;
    hf_derive(hf, &model->learned_positions, model->context_window_tokens + 2,
              "max_position_embeddings + 2");
    if (hf_whole_or(hf, "word_embed_proj_dim", model->hidden) != model->hidden)
        hf_refuse(hf, "word_embed_proj_dim", "the width of hidden_size",
                  hf_field(hf, "word_embed_proj_dim"));
}

/* Its number of KV heads counts in the new architecture only (modeling_falcon.py). */
static void after_falcon(struct hf *hf)
{
    struct model *model = hf->model;
    const char *kv = hf_field(hf, "num_kv_heads") != NULL ? "num_kv_heads" : "n_head_kv";
    if (hf_flag_or(hf, "new_decoder_architecture", false))
        hf_take_or(hf, &model->kv_heads, kv, model->heads);
    else if (hf_flag_or(hf, "multi_query", true))
        hf_derive(hf, &model->kv_heads, 1, "multi_query");
    else
        hf_derive(hf, &model->kv_heads, model->heads, "num_attention_heads");
    hf_take_flag_or(hf, &model->parallel_attention, "parallel_attn", true);
}

static void after_gpt_neox(struct hf *hf)
{
    hf_take_flag_or(hf, &hf->model->parallel_attention, "use_parallel_residual", true);
}

/* A file of other names is given those that readers know. */
static void put(struct hf *hf, const char *field, json_int_t value)
{
    json_object_set_new((json_t *)hf->object, field, json_integer(value));
}

/* Positions by ALiBi: none are stored (configuration_mpt.py). */
static void before_mpt(struct hf *hf)
{
    put(hf, "intermediate_size",
        (json_int_t)hf_whole_or(hf, "expansion_ratio", 4) * hf_whole(hf, "d_model"));
    hf_field(hf, "attn_config.kv_n_heads");
    hf_field(hf, "init_config");
    hf_field(hf, "ffn_config");
}

/* Its intermediate_size is of gate and up together (Qwen/Qwen-7B, modeling_qwen.py). */
static void before_qwen(struct hf *hf)
{
    put(hf, "intermediate_size", hf_whole(hf, "intermediate_size") / 2);
}

static void after_chatglm(struct hf *hf)
{
    struct model *model = hf->model;
    if (!hf_flag_or(hf, "multi_query_attention", true))
        hf_derive(hf, &model->kv_heads, model->heads, "num_attention_heads");
}

/* ---- experts and windows ---- */

/* Dense models have one feed-forward, of the shared experts' width (GraniteMoeHybrid). */
static void before_granite_hybrid(struct hf *hf)
{
    if (hf_whole_or(hf, "num_local_experts", 0) == 0 &&
        hf_field(hf, "shared_intermediate_size") != NULL)
        json_object_set((json_t *)hf->object, "intermediate_size",
                        json_object_get(hf->object, "shared_intermediate_size"));
}

/* A dense feed-forward stands beside the experts of every layer (modeling_gemma4.py). Where layers
 * share KV their feed-forwards are twice as wide if use_double_wide_mlp says so. */
static void after_gemma4(struct hf *hf)
{
    struct model *model = hf->model;
    uint32_t dense = hf_whole(hf, "intermediate_size");
    if (model->experts > 0) {
        hf_derive(hf, &model->shared_experts, 1, "the dense feed-forward beside the experts");
        hf_derive(hf, &model->shared_expert_ffn, dense == model->expert_ffn ? 0 : dense,
                  "intermediate_size");
    } else if (hf_flag_or(hf, "use_double_wide_mlp", false)) {
        uint32_t twice = hf_whole_or(hf, "num_kv_shared_layers", 0);
        hf_derive(hf, &model->ffn,
                  (uint32_t)((uint64_t)dense * (model->layers + twice) / model->layers),
                  "use_double_wide_mlp: a mean");
    }
    hf_take_or(hf, &model->layer_embedding_dim, "hidden_size_per_layer_input", 0);
}

/* AltUp and Laurel (modeling_gemma3n.py) are a per cent of its weights, and left out. */
static void after_gemma3n(struct hf *hf)
{
    hf_take_or(hf, &hf->model->layer_embedding_dim, "hidden_size_per_layer_input", 256);
    hf_field(hf, "altup_num_inputs");
    hf_field(hf, "laurel_rank");
    hf_say(hf, "AltUp, Laurel and KV projections that nobody reads are left out (about 1 % of the "
               "weights)");
}

/* Every layer attends and keeps a state (modeling_falcon_h1.py). */
static void before_falcon_h1(struct hf *hf)
{
    hf->model->state_beside_attention = true;
    hf_note(hf, &hf->model->state_beside_attention, "Falcon-H1");
}
static void after_falcon_h1(struct hf *hf)
{
    hf_derive(hf, &hf->model->state_layers, hf->model->layers, "Falcon-H1: every layer");
}

/* Layers whose attention or feed-forward was searched away (nvidia/Llama-3_3-Nemotron-Super-49B-v1,
 * configuration_decilm.py, block_config.py). Heads are those of the layers that attend; widths of
 * feed-forwards are their mean. */
static uint32_t decilm_width(const struct hf *hf, const json_t *ffn)
{
    double hidden = json_number_value(json_object_get(hf->object, "hidden_size"));
    double width = 2 * json_number_value(json_object_get(ffn, "ffn_mult")) * hidden / 3;
    if (!(width >= 0 && width < 0x1p31)) /* of nothing that can be; refused by its range */
        return UINT32_MAX;
    return ((uint32_t)width + 255) / 256 * 256; /* find_multiple(.., 256) */
}

static void before_decilm(struct hf *hf)
{
    const json_t *blocks = hf_field(hf, "block_configs");
    double widths = 0, with = 0;
    json_int_t group = 0;
    hf_field(hf, "num_key_value_heads_per_layer");
    for (size_t i = 0; i < json_array_size(blocks) && i < MODEL_LAYERS_MAX; i++) {
        const json_t *block = json_array_get(blocks, i);
        const json_t *attention = json_object_get(block, "attention");
        const json_t *ffn = json_object_get(block, "ffn");
        json_int_t heads = json_integer_value(json_object_get(attention, "n_heads_in_group"));
        if (json_is_true(json_object_get(attention, "replace_with_linear")) ||
            json_is_true(json_object_get(ffn, "replace_with_linear")) ||
            (group > 0 && heads > 0 && heads != group))
            hf_refuse(hf, "block_configs", "layers of the same heads, without linear ones", block);
        group = heads > 0 ? heads : group;
        bool none = json_is_true(json_object_get(ffn, "no_op"));
        hf->layer[i].mixer = heads > 0 ? HF_FULL : HF_NO_MIXER;
        hf->layer[i].ffn = none ? HF_NO_FFN : HF_DENSE;
        with += !none;
        widths += none ? 0 : decilm_width(hf, ffn);
    }
    if (group == 0 || with == 0 || json_array_size(blocks) != hf_whole(hf, "num_hidden_layers")) {
        hf_refuse(hf, "block_configs", "an attention and a feed-forward of each layer", NULL);
        return;
    }
    uint32_t heads = hf_whole(hf, "num_attention_heads");
    put(hf, "num_key_value_heads", heads / group);
    put(hf, "intermediate_size", (json_int_t)(widths / with + 0.5));
}

/* The windowed layers' heads stand in an object of their own (stepfun-ai/Step-3.5-Flash). */
static void before_step(struct hf *hf)
{
    static const char *const from[] = { "num_attention_heads", "num_attention_groups", "head_dim" };
    static const char *const to[] = { "swa_num_attention_heads", "swa_num_key_value_heads",
                                      "swa_head_dim" };
    const json_t *other = hf_field(hf, "attention_other_setting");
    for (int i = 0; other != NULL && i < 3; i++)
        if (json_object_get(other, from[i]) != NULL)
            json_object_set((json_t *)hf->object, to[i], json_object_get(other, from[i]));
}

/* Multimodal Llama's cross-attention layers hold no text's KV, but weights: not modelled. */
static void refuse_cross_attention(struct hf *hf)
{
    hf_refuse(hf, "cross_attention_layers", "a decoder without cross-attention to pictures",
              hf_field(hf, "cross_attention_layers"));
}

/* KV of groups of tokens, compressed by what each layer's ratio says. */
static void refuse_compressed(struct hf *hf)
{
    hf_refuse(hf, "compress_ratios",
              "KV that is kept for each token: compressed KV is not modelled", NULL);
}

/* Kimi's delta attention. */
static void refuse_kda(struct hf *hf)
{
    hf_refuse(
        hf, "linear_attn_config",
        "attention or states that are known here (KDA is not modelled; a YAML of models/llm's "
        "form can say what you know)",
        hf_field(hf, "linear_attn_config"));
}

/* Two attentions and feed-forwards a layer, and experts that do nothing. */
static void refuse_longcat(struct hf *hf)
{
    hf_refuse(
        hf, "architectures",
        "a layer of one attention and one feed-forward (LongCat-Flash has two of each; a YAML of "
        "models/llm's form can say what you know)",
        json_object_get(hf->outer, "architectures"));
}

static void refuse_encoder(struct hf *hf)
{
    hf_refuse(hf, "architectures", "a decoder: what an encoder reads is no KV that a prefix shares",
              json_object_get(hf->outer, "architectures"));
}

static void refuse_without_attention(struct hf *hf)
{
    hf_refuse(hf, "architectures", "a model with attention: this one keeps no KV",
              json_object_get(hf->outer, "architectures"));
}

const struct hf_habits hf_unknown = { .name = "" };

/* What a file leaves out, transformers has a number for; the notes say so. */
static void put_default(struct hf *hf, const char *field, json_int_t value)
{
    char text[96];
    if (json_object_get(hf->object, field) != NULL)
        return;
    put(hf, field, value);
    snprintf(text, sizeof text, "no %.40s: transformers' %" PRId64, field, (int64_t)value);
    hf_say(hf, text);
}

static void before_deepseek_v3(struct hf *hf)
{
    put_default(hf, "first_k_dense_replace", 3);
    put_default(hf, "n_shared_experts", 1);
    if (!json_is_false(json_object_get(hf->object, "use_mla")))
        put_default(hf, "q_lora_rank", 1536);
}

static void before_glm_dsa(struct hf *hf)
{
    if (json_object_get(hf->object, "mlp_layer_types") == NULL)
        put_default(hf, "first_k_dense_replace", 3);
    put_default(hf, "n_shared_experts", 1);
}

static void before_glm4_moe(struct hf *hf)
{
    put_default(hf, "first_k_dense_replace", 1);
    put_default(hf, "n_shared_experts", 1);
}

static void before_jamba(struct hf *hf)
{
    if (hf_whole_or(hf, "num_experts", 0) <= 1)
        return;
    put_default(hf, "expert_layer_period", 2);
    put_default(hf, "expert_layer_offset", 1);
}

static void before_llama4(struct hf *hf)
{
    put_default(hf, "attention_chunk_size", 8192);
}

static void before_bigcode(struct hf *hf)
{
    if (json_object_get(hf->object, "multi_query") == NULL)
        json_object_set_new((json_t *)hf->object, "multi_query", json_true());
}

/* A wrapper's file holds of its language model what differs from transformers' own. */
static void before_llama(struct hf *hf)
{
    if (hf->object == hf->outer)
        return;
    put_default(hf, "hidden_size", 4096);
    put_default(hf, "intermediate_size", 11008);
    put_default(hf, "num_hidden_layers", 32);
    put_default(hf, "num_attention_heads", 32);
    put_default(hf, "vocab_size", 32000);
    put_default(hf, "max_position_embeddings", 2048);
}

static void before_mistral(struct hf *hf)
{
    if (hf->object == hf->outer)
        return;
    put_default(hf, "num_attention_heads", 32);
    put_default(hf, "num_key_value_heads", 8);
    put_default(hf, "num_hidden_layers", 32);
    put_default(hf, "hidden_size", 4096);
    put_default(hf, "intermediate_size", 14336);
    put_default(hf, "vocab_size", 32000);
    put_default(hf, "max_position_embeddings", 131072);
}

static void before_gemma(struct hf *hf)
{
    if (hf->object == hf->outer)
        return;
    put_default(hf, "head_dim", 256);
    put_default(hf, "max_position_embeddings", 8192);
}

/* Deep-seek like ones: MLA is read by kv_lora_rank; DeepSeek-V2 to V3.2, Kimi-K2, GLM-5. */
static const struct hf_habits habits[] = {
    { .name = "llama", .before = before_llama, .heads_kv = true, .windows = HF_WINDOWS_NONE },
    { .name = "mistral",
      .before = before_mistral,
      .windows = HF_WINDOWS_ALL,
      .window_tokens = 4096 },
    { .name = "mistral3", .windows = HF_WINDOWS_ALL, .window_tokens = 4096 },
    { .name = "ministral", .windows = HF_WINDOWS_ALL, .window_tokens = 4096 },
    { .name = "ministral3", .windows = HF_WINDOWS_ALL, .own_width = true },
    { .name = "pixtral", .windows = HF_WINDOWS_ALL },
    { .name = "mixtral", .windows = HF_WINDOWS_ALL },
    { .name = "mistrallarge3", .latent = true },
    { .name = "qwen2", .windows = HF_WINDOWS_FLAG, .window_tokens = 4096 },
    { .name = "qwen2vl", .windows = HF_WINDOWS_FLAG, .window_tokens = 4096 },
    { .name = "qwen25vl", .windows = HF_WINDOWS_FLAG, .window_tokens = 4096 },
    { .name = "qwen25omni", .windows = HF_WINDOWS_FLAG, .window_tokens = 4096 },
    { .name = "minicpmv", .windows = HF_WINDOWS_FLAG, .window_tokens = 4096 },
    { .name = "qwen2moe", .windows = HF_WINDOWS_FLAG, .window_tokens = 4096 },
    { .name = "qwen3", .own_width = true, .windows = HF_WINDOWS_FLAG, .window_tokens = 4096 },
    { .name = "qwen3moe", .own_width = true, .windows = HF_WINDOWS_FLAG, .window_tokens = 4096 },
    { .name = "qwen3vl", .own_width = true, .windows = HF_WINDOWS_NONE },
    { .name = "qwen3vlmoe", .own_width = true, .windows = HF_WINDOWS_NONE },
    { .name = "qwen3next", .own_width = true, .gated = true, .state = STATE_DELTA },
    { .name = "qwen35", .own_width = true, .gated = true, .state = STATE_DELTA },
    { .name = "qwen35moe", .own_width = true, .gated = true, .state = STATE_DELTA },
    { .name = "deepseekv2", .latent = true },
    { .name = "deepseekv3", .latent = true, .before = before_deepseek_v3 },
    { .name = "deepseekv32", .latent = true, .before = before_deepseek_v3 },
    { .name = "kimik2", .latent = true, .before = before_deepseek_v3 },
    { .name = "glmmoedsa", .latent = true, .before = before_glm_dsa },
    { .name = "glm4moelite", .latent = true },
    { .name = "glm4moe", .before = before_glm4_moe },
    { .name = "glm4vmoe" },
    { .name = "glm4", .head_dim = 128 },
    { .name = "glm", .head_dim = 128 },
    { .name = "chatglm", .after = after_chatglm },
    { .name = "gemma",
      .before = before_gemma,
      .tied = true,
      .own_width = true,
      .windows = HF_WINDOWS_NONE },
    { .name = "gemma2",
      .tied = true,
      .own_width = true,
      .windows = HF_WINDOWS_PATTERN,
      .window_tokens = 4096,
      .window_pattern = 2 },
    /* Its files leave out what equals transformers' defaults (Gemma3TextConfig). */
    { .name = "gemma3",
      .tied = true,
      .windows = HF_WINDOWS_PATTERN,
      .window_tokens = 4096,
      .window_pattern = 6,
      .head_dim = 256,
      .heads = 8,
      .kv_heads = 4,
      .vocabulary = 262208,
      .context_tokens = 131072 },
    { .name = "gemma3n",
      .tied = true,
      .windows = HF_WINDOWS_PATTERN,
      .window_tokens = 512,
      .window_pattern = 5,
      .head_dim = 256,
      .heads = 8,
      .kv_heads = 2,
      .vocabulary = 262400,
      .context_tokens = 32768,
      .after = after_gemma3n },
    { .name = "gemma4",
      .tied = true,
      .windows = HF_WINDOWS_PATTERN,
      .window_tokens = 512,
      .window_pattern = 6,
      .after = after_gemma4 },
    { .name = "phi3", .heads_kv = true, .windows = HF_WINDOWS_ALL },
    { .name = "phi3small", .windows = HF_WINDOWS_NONE },
    { .name = "phi3v", .heads_kv = true, .windows = HF_WINDOWS_ALL },
    { .name = "phi4mm", .windows = HF_WINDOWS_ALL },
    { .name = "phimoe", .windows = HF_WINDOWS_ALL },
    { .name = "phi", .heads_kv = true, .plain_ffn = true, .parallel = true, .four_times = true },
    { .name = "gptoss",
      .own_width = true,
      .windows = HF_WINDOWS_PATTERN,
      .window_tokens = 128,
      .window_pattern = 2 },
    { .name = "minimaxm2", .own_width = true },
    { .name = "minimaxtext01", .state = STATE_LINEAR },
    { .name = "minimax", .state = STATE_LINEAR },
    { .name = "minimaxm1", .state = STATE_LINEAR },
    { .name = "llama4", .before = before_llama4, .own_width = true, .shared_experts = 1 },
    { .name = "mllama", .before = refuse_cross_attention },
    { .name = "mimo", .windows = HF_WINDOWS_FLAG },
    { .name = "mimov2flash", .own_width = true },
    { .name = "granite", .heads_kv = true },
    { .name = "granitemoe", .heads_kv = true },
    { .name = "granitemoeshared", .heads_kv = true },
    { .name = "granitemoehybrid",
      .heads_kv = true,
      .state = STATE_MAMBA2,
      .before = before_granite_hybrid },
    { .name = "nemotronh", .plain_ffn = true, .state = STATE_MAMBA2 },
    { .name = "nemotron", .heads_kv = true, .plain_ffn = true },
    { .name = "nemotronnas", .before = before_decilm },
    { .name = "decilm", .before = before_decilm },
    { .name = "falconh1",
      .state = STATE_MAMBA2,
      .before = before_falcon_h1,
      .after = after_falcon_h1 },
    { .name = "bamba", .state = STATE_MAMBA2, .context_tokens = 262144 },
    { .name = "jamba", .state = STATE_MAMBA, .before = before_jamba },
    { .name = "hunyuan", .heads_kv = true, .windows = HF_WINDOWS_NONE },
    { .name = "hunyuanv1moe", .heads_kv = true, .windows = HF_WINDOWS_NONE },
    { .name = "hunyuanmoev1", .heads_kv = true, .windows = HF_WINDOWS_NONE },
    { .name = "hunyuanv1dense", .heads_kv = true, .windows = HF_WINDOWS_NONE },
    { .name = "hunyuandensev1", .heads_kv = true, .windows = HF_WINDOWS_NONE },
    { .name = "ernie45", .head_dim = 128, .tied = true },
    { .name = "ernie45moe", .tied = true },
    { .name = "seedoss", .head_dim = 128 },
    { .name = "olmo", .heads_kv = true },
    { .name = "olmo2", .heads_kv = true },
    { .name = "olmoe", .heads_kv = true },
    { .name = "olmo3",
      .heads_kv = true,
      .windows = HF_WINDOWS_PATTERN,
      .window_tokens = 4096,
      .window_pattern = 4 },
    { .name = "cohere", .tied = true, .heads_kv = true, .parallel = true },
    { .name = "cohere2",
      .tied = true,
      .heads_kv = true,
      .parallel = true,
      .windows = HF_WINDOWS_PATTERN,
      .window_tokens = 4096,
      .window_pattern = 4 },
    { .name = "step3", .own_width = true, .shared_experts = 1, .before = before_step },
    { .name = "step3vl", .own_width = true, .shared_experts = 1, .before = before_step },
    { .name = "step3text", .own_width = true, .shared_experts = 1, .before = before_step },
    { .name = "step3p5", .own_width = true, .shared_experts = 1, .before = before_step },
    { .name = "step3p7", .own_width = true, .shared_experts = 1, .before = before_step },
    { .name = "exaone4", .windows = HF_WINDOWS_PATTERN, .window_pattern = 4 },
    { .name = "smollm3", .tied = true, .windows = HF_WINDOWS_FLAG },
    { .name = "starcoder2", .tied = true, .plain_ffn = true, .windows = HF_WINDOWS_ALL },
    { .name = "stablelm" },
    { .name = "dots1" },
    { .name = "deepseek", .heads_kv = true },
    { .name = "bailingmoe" },
    { .name = "bailingmoev2" },
    { .name = "gemma4unified",
      .tied = true,
      .windows = HF_WINDOWS_PATTERN,
      .window_tokens = 512,
      .window_pattern = 6,
      .after = after_gemma4 },
    { .name = "arcee", .heads_kv = true, .plain_ffn = true },
    { .name = "apertus", .heads_kv = true, .plain_ffn = true },
    { .name = "persimmon", .heads_kv = true, .plain_ffn = true },
    { .name = "baichuan", .heads_kv = true },
    { .name = "internlm", .heads_kv = true },
    { .name = "qwen", .heads_kv = true, .before = before_qwen },
    { .name = "internlm2", .heads_kv = true },
    { .name = "internlm3", .heads_kv = true },
    { .name = "gpt2",
      .tied = true,
      .heads_kv = true,
      .plain_ffn = true,
      .four_times = true,
      .after = after_gpt2 },
    { .name = "gptbigcode",
      .before = before_bigcode,
      .tied = true,
      .heads_kv = true,
      .plain_ffn = true,
      .four_times = true,
      .after = after_gpt2 },
    { .name = "opt", .tied = true, .heads_kv = true, .plain_ffn = true, .after = after_opt },
    { .name = "falcon",
      .tied = true,
      .heads_kv = true,
      .plain_ffn = true,
      .parallel = true,
      .context_tokens = 2048,
      .four_times = true,
      .after = after_falcon },
    { .name = "gptneox",
      .heads_kv = true,
      .plain_ffn = true,
      .parallel = true,
      .after = after_gpt_neox },
    { .name = "gptj", .heads_kv = true, .plain_ffn = true, .parallel = true, .four_times = true },
    { .name = "bloom",
      .tied = true,
      .heads_kv = true,
      .plain_ffn = true,
      .context_tokens = 2048,
      .four_times = true },
    { .name = "mpt", .tied = true, .heads_kv = true, .plain_ffn = true, .before = before_mpt },
    { .name = "deepseekv4", .before = refuse_compressed },
    { .name = "kimilinear", .before = refuse_kda },
    { .name = "longcatflash", .before = refuse_longcat },
    { .name = "whisper", .before = refuse_encoder },
    { .name = "t5", .before = refuse_encoder },
    { .name = "mt5", .before = refuse_encoder },
    { .name = "bart", .before = refuse_encoder },
    { .name = "bert", .before = refuse_encoder },
    { .name = "mamba", .before = refuse_without_attention },
    { .name = "mamba2", .before = refuse_without_attention },
    { .name = "rwkv", .before = refuse_without_attention },
    { .name = NULL },
};

/* "Qwen3MoeForCausalLM" and "qwen3_moe_text" are one family. */
static void plain_name(const char *name, char plain[64])
{
    static const char *const ends[] = { "forcausallm", "forconditionalgeneration", "lmheadmodel",
                                        "text", NULL };
    size_t length = 0;
    for (; *name != '\0' && length < 63; name++)
        if (isalnum((unsigned char)*name))
            plain[length++] = (char)tolower((unsigned char)*name);
    plain[length] = '\0';
    for (const char *const *end = ends; *end != NULL; end++)
        if (length > strlen(*end) && strcmp(plain + length - strlen(*end), *end) == 0) {
            length -= strlen(*end);
            plain[length] = '\0';
        }
}

const struct hf_habits *hf_habits_of(const char *name)
{
    char plain[64];
    plain_name(name, plain);
    for (const struct hf_habits *known = habits; known->name != NULL; known++)
        if (strcmp(known->name, plain) == 0)
            return known;
    return NULL;
}
