/* models/hf_unread.c - the fields of a config.json that no reader looked at. Most change no size:
 * activations, norms, ids of tokens, training. One that is not known to be such and whose name is
 * of a size is refused, since a number made without it may be wrong; the others are named in the
 * model's notes. */
#include "models/hf_config.h"

#include <string.h>

/* Fields that change neither weights nor KV, by their whole name. */
static const char *const harmless[] = { "architectures",
                                        "auto_map",
                                        "model_type",
                                        "transformers_version",
                                        "torch_dtype",
                                        "dtype",
                                        "quantization_config",
                                        "text_config",
                                        "llm_config",
                                        "language_config",
                                        "language_model_config",
                                        "id2label",
                                        "label2id",
                                        "task_specific_params",
                                        "pruned_heads",
                                        "generation_config",
                                        "is_decoder",
                                        "is_encoder_decoder",
                                        "is_causal",
                                        "add_cross_attention",
                                        "torchscript",
                                        "return_dict",
                                        "pretraining_tp",
                                        "chunk_size_feed_forward",
                                        "num_beams",
                                        "num_beam_groups",
                                        "num_return_sequences",
                                        "no_repeat_ngram_size",
                                        "encoder_no_repeat_ngram_size",
                                        "max_length",
                                        "min_length",
                                        "bad_words_ids",
                                        "top_k",
                                        "top_p",
                                        "typical_p",
                                        "temperature",
                                        "do_sample",
                                        "early_stopping",
                                        "seq_aux",
                                        "scoring_func",
                                        "score_func",
                                        "topk_method",
                                        "topk_group",
                                        "n_group",
                                        "norm_topk_prob",
                                        "norm_top_k_prob",
                                        "moe_renormalize",
                                        "num_expert_group",
                                        "use_grouped_topk",
                                        "num_experts_per_group",
                                        "ep_size",
                                        "moe_router_topk_scaling_factor",
                                        "num_logits_to_keep",
                                        "partial_rotary_factor",
                                        "rotary_dim",
                                        "rotary_pct",
                                        "rotary_emb_base",
                                        "original_rope",
                                        "initial_context_length",
                                        "original_max_position_embeddings",
                                        "attention_bias",
                                        "mlp_bias",
                                        "qkv_bias",
                                        "no_bias",
                                        "bias",
                                        "use_bias",
                                        "add_qkv_bias",
                                        "add_bias_linear",
                                        "use_qkv_bias",
                                        "attn_bias",
                                        "use_conv_bias",
                                        "use_cache",
                                        "use_mamba_kernels",
                                        "use_qk_norm",
                                        "qk_norm",
                                        "use_qk_layernorm",
                                        "qk_layernorm",
                                        "qk_norm_type",
                                        "query_key_norm",
                                        "use_gemma_norm",
                                        "use_routing_bias",
                                        "use_moe_router_bias",
                                        "moe_router_enable_expert_bias",
                                        "use_mrope",
                                        "use_bfloat16",
                                        "use_flash_attn",
                                        "use_flash_attention_2",
                                        "use_sdpa",
                                        "use_unified_vision_chunk",
                                        "use_rope",
                                        "use_attention_sinks",
                                        "attention_sink",
                                        "attention_sinks",
                                        "sink_attention",
                                        "add_swa_attention_sink_bias",
                                        "add_full_attention_sink_bias",
                                        "attention_value_scale",
                                        "attn_implementation",
                                        "_attn_implementation_autoset",
                                        "attn_logit_softcapping",
                                        "final_logit_softcapping",
                                        "query_pre_attn_scalar",
                                        "attention_dropout",
                                        "attn_temperature_tuning",
                                        "floor_scale",
                                        "attn_scale",
                                        "attn_factor",
                                        "max_window_layers",
                                        "decoder_sparse_step",
                                        "mlp_only_layers",
                                        "use_sliding_window",
                                        "sliding_window",
                                        "sliding_window_pattern",
                                        "sliding_window_size",
                                        "attention_chunk_size",
                                        "full_attention_interval",
                                        "layer_types",
                                        "no_rope_layers",
                                        "no_rope_layer_interval",
                                        "nope_layer_interval",
                                        "use_mtp",
                                        "expand",
                                        "mamba_expand",
                                        "mamba_chunk_size",
                                        "chunk_size",
                                        "time_step_rank",
                                        "time_step_limit",
                                        "mamba_inner_layernorms",
                                        "mamba_proj_bias",
                                        "mamba_conv_bias",
                                        "mamba_rms_norm",
                                        "mamba_norm_before_gate",
                                        "mamba_use_mlp",
                                        "rescale_prenorm_residual",
                                        "residual_in_fp32",
                                        "moe_shared_expert_overlap",
                                        "moe_router_dtype",
                                        "moe_router_topk",
                                        "router_n_groups",
                                        "shared_expert_first",
                                        "parallel_attn",
                                        "alibi",
                                        "alibi_bias_max",
                                        "gqa",
                                        "prefix",
                                        "output_attentions",
                                        "output_hidden_states",
                                        "language_model_only",
                                        "is_llama_config",
                                        "use_bidirectional_attention",
                                        "vocab_size_per_layer_input",
                                        "activation_sparsity_pattern",
                                        "altup_active_idx",
                                        "altup_coef_clip",
                                        "altup_correct_scale",
                                        "altup_lr_multiplier",
                                        "interleaved_rope",
                                        "rope_interleave",
                                        "indexer_rope_interleave",
                                        "index_topk_freq",
                                        "index_topk_pattern",
                                        "index_skip_topk_offset",
                                        "index_share_for_mtp_iteration",
                                        "hidden_act",
                                        "hidden_activation",
                                        "mlp_hidden_act",
                                        "activation",
                                        "activation_function",
                                        "mamba_hidden_act",
                                        "tie_encoder_decoder",
                                        "tie_word_embeddings",
                                        "num_labels",
                                        "num_reward_heads",
                                        "block_size",
                                        "layer_norm_elementwise_affine",
                                        "moe_use_aux_free",
                                        "moe_token_dispatcher_type",
                                        "moe_capacity",
                                        "moe_group",
                                        "moe_gate",
                                        "moe_use_hardware_topk",
                                        "moe_layer_recompute",
                                        "fuse_rms_norm",
                                        "dual_chunk_attention_config",
                                        "logits_scaling",
                                        "normalization_function",
                                        "layernorm_type",
                                        "position_embedding_type",
                                        "mscale",
                                        "max_shard_size",
                                        "max_sequence_length",
                                        "model_max_length",
                                        "max_seq_len",
                                        "seq_length",
                                        "training_seqlen",
                                        "pad_vocab_size_multiple_of",
                                        "img_processor",
                                        "embd_layer",
                                        "ignore_index",
                                        "media_placeholder_token_id",
                                        "spatial_merge_size",
                                        "downsample_ratio",
                                        "select_layer",
                                        "ps_version",
                                        "template",
                                        "dynamic_image_size",
                                        "max_dynamic_patch",
                                        "min_dynamic_patch",
                                        "force_image_size",
                                        "pad2square",
                                        "system_message",
                                        "tokenizer_class",
                                        "expert_dtype",
                                        "for_llm_compressor",
                                        "process_image_mode",
                                        "ffn_hidden_act",
                                        "n_embd_proj",
                                        "n_special",
                                        "n_ctx",
                                        "n_positions",
                                        "summary_use_proj",
                                        "summary_proj_to_labels",
                                        "summary_first_dropout",
                                        "summary_activation",
                                        "summary_type",
                                        "scale_attn_weights",
                                        "scale_attn_by_inverse_layer_idx",
                                        "reorder_and_upcast_attn",
                                        "hidden_dropout",
                                        "do_layer_norm_before",
                                        "enable_bias",
                                        "_remove_final_layer_norm",
                                        "apply_residual_connection_post_layernorm",
                                        "new_decoder_architecture",
                                        "multi_query",
                                        "use_parallel_residual",
                                        "parallel_attn",
                                        "use_parallel_embedding",
                                        "use_gated_activation",
                                        "order_of_interleaved_layers",
                                        "swiglu_limit",
                                        "swiglu_alpha",
                                        "interleave_moe_layer_step",
                                        "moe_layers",
                                        "moe_layer_freq",
                                        "first_k_dense_replace",
                                        "kv_channels",
                                        "layers_block_type",
                                        "hybrid_override_pattern",
                                        "attn_type_list",
                                        "output_gate_type",
                                        "router_use_softmax",
                                        "num_ln_in_parallel_attn",
                                        "cla_share_factor",
                                        "num_media_embeds",
                                        "max_pixels",
                                        "min_pixels",
                                        "enable_lm_head_fp32",
                                        "attention_multiplier",
                                        "norm_after",
                                        "sequence_parallel",
                                        "mtp_loss_scaling_factor",
                                        NULL };

/* By how their names begin and end: other modalities, multi-token prediction (left out, as without
 * speculation), tokens, RoPE, training, numerics. */
static const char *const harmless_starts[] = { "_",
                                               "vision",
                                               "visual",
                                               "image",
                                               "img",
                                               "video",
                                               "audio",
                                               "speech",
                                               "tts",
                                               "vit_",
                                               "mm_",
                                               "projector",
                                               "multimodal_projector",
                                               "mtp_",
                                               "num_mtp",
                                               "num_nextn",
                                               "mtp",
                                               "rope",
                                               "swa_rope",
                                               "compress_rope",
                                               "rotary",
                                               "router_",
                                               "aux_",
                                               "z_loss",
                                               "norm_",
                                               "layer_norm",
                                               "layernorm",
                                               "rms_",
                                               "initializer",
                                               "time_step",
                                               "eoa_",
                                               "boa_",
                                               "eoi_",
                                               "boi_",
                                               "talker",
                                               "thinker_",
                                               "code2wav",
                                               "lora",
                                               "dropout",
                                               "pad_",
                                               "loss",
                                               "forced_",
                                               "suppress",
                                               "begin_",
                                               "decoder_start",
                                               NULL };
static const char *const harmless_ends[] = {
    "_token_id",       "_token_index", "_token_ids",   "_eps",   "_epsilon", "_dropout",
    "_pdrop",          "_drop",        "_std",         "_theta", "_scale",   "_scaling",
    "_scaling_factor", "_coef",        "_coeff",       "_prob",  "_alpha",   "_beta",
    "_gamma",          "_multiplier",  "_multipliers", "_func",  "_act",     "_activation",
    "_loss",           "_dtype",       "_bias",        "_norm",  "_noise",   "_range",
    "_softcapping",    "_init",        "_placeholder", "_path",  "_kernels", "_impl",
    "_implementation", "_clip",        "_penalty",     "_idx",   "_ids",     NULL
};

/* What names of sizes hold. */
static const char *const sizes[] = {
    "dim",     "size",   "head",  "layer", "expert", "rank",  "window",   "state", "latent",
    "conv",    "kernel", "ssm",   "mamba", "lora",   "shar",  "compress", "index", "interval",
    "pattern", "types",  "freq",  "ratio", "expan",  "width", "channel",  "embed", "embd",
    "num_",    "n_",     "block", "depth", "moe",    "mlp",   "ffn",      "attn",  "attention",
    "kv",      "cross",  "group", "hyper", "memory", NULL
};

static bool is_one_of(const char *name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (strcmp(name, *list) == 0)
            return true;
    return false;
}

static bool is_harmless(const char *name)
{
    size_t length = strlen(name);
    if (is_one_of(name, harmless))
        return true;
    for (const char *const *start = harmless_starts; *start != NULL; start++)
        if (strncmp(name, *start, strlen(*start)) == 0)
            return true;
    for (const char *const *end = harmless_ends; *end != NULL; end++)
        if (length >= strlen(*end) && strcmp(name + length - strlen(*end), *end) == 0)
            return true;
    return false;
}

static bool names_a_size(const char *name)
{
    for (const char *const *part = sizes; *part != NULL; part++)
        if (strstr(name, *part) != NULL)
            return true;
    return false;
}

/* What says nothing: null, false, 0, an empty text, list or object. */
static bool is_nothing(const json_t *value)
{
    if (json_is_number(value))
        return json_number_value(value) == 0;
    if (json_is_string(value))
        return json_string_length(value) == 0;
    if (json_is_array(value))
        return json_array_size(value) == 0;
    if (json_is_object(value))
        return json_object_size(value) == 0;
    return !json_is_true(value);
}

static void note_unknown(struct hf *hf, const char *name, uint32_t *noted)
{
    char text[96];
    const uint32_t most = 6;
    if (*noted < most)
        snprintf(text, sizeof text, "%s%.60s", *noted == 0 ? "taken to change no size: " : "",
                 name);
    else
        snprintf(text, sizeof text, "and more");
    if (*noted <= most)
        hf_say(hf, text);
    ++*noted;
}

void hf_check_unread(struct hf *hf)
{
    const char *name;
    json_t *value;
    uint32_t noted = 0;
    bool assumed = (hf->assume & (HF_ASSUME_KNOWN_FIELDS | HF_ASSUME_DENSE_GQA)) != 0;
    json_object_foreach((json_t *)hf->object, name, value)
    {
        bool read = json_object_get(hf->read, name) != NULL;
        if (read || is_nothing(value) || is_harmless(name) || hf->status != STATUS_OK)
            continue;
        if (names_a_size(name) && !assumed && !json_is_string(value))
            hf_refuse(hf, name,
                      "no field that may change sizes and is not known here (if it changes none: "
                      "`reprise models import FILE --assume known-fields -o my.yaml`)",
                      value);
        else
            note_unknown(hf, name, &noted);
    }
}
