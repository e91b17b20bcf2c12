/* models/hf_unread.c - the fields of a config.json that no reader looked at. Most change no size:
 * activations, norms, ids of tokens, training. One that is not known to be such and whose name is
 * of a size is refused, since a number made without it may be wrong; the others are named in the
 * model's notes. */
#include "models/hf_config.h"

#include <string.h>

/* Words with blanks between. Fields that change neither weights nor KV, by their whole name. */
/* clang-format off */
static const char harmless_first[] =
    "_attn_implementation_autoset _remove_final_layer_norm activation activation_function "
    "activation_sparsity_pattern add_bias_linear add_classification_head add_cross_attention "
    "add_full_attention_sink_bias add_qkv_bias add_swa_attention_sink_bias alibi alibi_bias_max "
    "altup_active_idx altup_coef_clip altup_correct_scale altup_lr_multiplier "
    "apply_query_key_layer_scaling apply_residual_connection_post_layernorm architectures "
    "attention_bias attention_chunk_size attention_dropout attention_multiplier attention_sink "
    "attention_sinks attention_softmax_in_fp32 attention_value_scale attn_bias attn_factor "
    "attn_implementation attn_logit_softcapping attn_pdrop attn_scale attn_temperature_tuning "
    "attn_type_list auto_map bad_words_ids bias bias_dropout_fusion block_size chunk_size "
    "chunk_size_feed_forward cla_share_factor class_num context_window_size decoder_sparse_step "
    "dense_list dim_model_base do_layer_norm_before do_sample downsample_ratio dtype "
    "dual_chunk_attention_config dynamic_image_size early_stopping emb_pdrop embd_layer "
    "embd_pdrop embedding_fraction enable_bias enable_lm_head_fp32 encoder_no_repeat_ngram_size "
    "ep_size expand expert_dtype ffn_dropout ffn_hidden_act final_logit_softcapping "
    "first_k_dense_replace floor_scale for_llm_compressor force_image_size "
    "fp32_residual_connection full_attention_interval full_attn_mod fuse_rms_norm "
    "gated_linear_unit generation_config gqa group_limited_greedy hidden_act hidden_activation "
    "hidden_dropout hybrid_override_pattern id2label ignore_index img_processor "
    "index_share_for_mtp_iteration index_skip_topk_offset "
    "indexer_rope_interleave initial_context_length interleave_moe_layer_step interleaved_qkv "
    "interleaved_rope is_causal is_decoder is_encoder_decoder is_llama_config is_moe "
    "kv_channels kv_channels_multiplier label2id language_config language_model_config "
    "language_model_only layer_norm_elementwise_affine layer_norm_type layer_types "
    "layernorm_type layers_block_type learned_pos_emb llm_config logit_scale logits_scaling "
    "mamba_chunk_size mamba_conv_bias mamba_expand mamba_hidden_act mamba_inner_layernorms "
    "mamba_norm_before_gate mamba_proj_bias mamba_rms_norm mamba_use_mlp masked_softmax_fusion "
    "max_batch_size max_dynamic_patch max_length max_pixels "
    "max_shard_size max_window_layers media_placeholder_token_id min_dynamic_patch min_length "
    "min_pixels mlp_bias mlp_hidden_act mlp_only_layers mlp_type model_type "
    "moe_capacity moe_drop_tokens moe_gate moe_group moe_impl moe_implementation moe_layer_freq "
    "moe_layer_recompute moe_layers moe_random_routing_dropped_token "
    "moe_renormalize moe_router_dtype moe_router_enable_expert_bias moe_router_topk "
    "moe_router_topk_scaling_factor moe_shared_expert_overlap moe_token_dispatcher_type";
static const char harmless_second[] =
    "lm_head num_image_tokens num_expert_groups num_limited_groups is_composition "
    "llama_4_scaling mlp_expansion_factor attention_sink_size interpolate_factor use_rmsnorm score_function use_head_wise_attn_gate stream_and_decode_in_f32 mla_scale_kv_lora mla_scale_q_lora "
    "moe_use_aux_free moe_use_hardware_topk mscale mtp_loss_scaling_factor multi_query "
    "multi_query_attention n_ctx n_embd_proj n_group n_layer_norm n_positions n_special "
    "new_decoder_architecture no_attn_bias no_bias no_repeat_ngram_size no_rope_layer_interval "
    "no_rope_layers nope_layer_interval norm_after norm_top_k_prob norm_topk_prob norm_type "
    "normalization_function num_beam_groups num_beams num_expert_group num_experts_per_group "
    "num_input_frames num_labels num_ln_in_parallel_attn num_logits_to_keep num_media_embeds "
    "num_return_sequences num_reward_heads offset_alibi order_of_interleaved_layers "
    "org_vocab_size original_max_position_embeddings original_rope output_attentions "
    "output_gate_type output_hidden_states pad2square pad_vocab_size_multiple_of parallel_attn "
    "partial_rotary_factor pool_type position_embedding_type position_embedding_xdrope "
    "post_layer_norm pre_seq_len predict_special_tokens prefill_chunk_size prefix "
    "prefix_projection pretraining_tp process_image_mode pruned_heads ps_version qk_layernorm "
    "qk_norm qk_norm_type qkv_bias quantization_config query_key_norm query_pre_attn_scalar "
    "reorder_and_upcast_attn rescale_prenorm_residual resid_pdrop residual_in_fp32 return_dict "
    "rmsnorm rope_interleave rotary_dim rotary_emb_base rotary_pct router_n_groups "
    "router_use_softmax scale_attn_by_inverse_layer_idx scale_attn_weights scale_depth "
    "scale_emb score_func scoring_func select_layer seq_aux seq_length_ntk "
    "sequence_parallel shared_expert_first sink_attention skip_cls_token sliding_window "
    "sliding_window_pattern sliding_window_size slow_but_exact softmax_in_fp32 softmax_scale "
    "spatial_merge_size summary_activation summary_first_dropout summary_proj_to_labels "
    "summary_type summary_use_proj swiglu_alpha swiglu_limit system_message "
    "task_specific_params temperature template tensor_parallel_shards text_config "
    "tie_encoder_decoder tie_lm_head_embed tie_word_embeddings time_step_limit time_step_rank "
    "tokenizer_class top_k top_p topk_group topk_method torch_dtype torchscript training_seqlen "
    "transformers.js_config transformers_version typical_p unk_token_id use_attention_sinks "
    "use_bfloat16 use_bias use_bidirectional_attention use_cache use_cache_kernel "
    "use_cache_quantization use_conv_bias use_dynamic_ntk use_flash_attention_2 use_flash_attn "
    "use_gated_activation use_gemma_norm use_grouped_topk use_logn_attn use_mamba_kernels "
    "use_mixed_mlp_moe use_moe_router_bias use_mrope use_mtp use_parallel_embedding "
    "use_parallel_residual use_qk_layernorm use_qk_norm use_qkv_bias use_rope "
    "use_rotary_pos_emb use_routing_bias use_sdpa use_sliding_window use_unified_vision_chunk "
    "verbose vocab_size_per_layer_input";

/* By how their names begin and end: other modalities, multi-token prediction (left out, as without
 * speculation), tokens, RoPE, training, numerics. */
static const char harmless_starts[] =
    "_ vision visual image img video audio speech tts vit_ mm_ projector multimodal_projector "
    "mtp_ num_mtp num_nextn mtp rope swa_rope compress_rope rotary router_ aux_ z_loss norm_ "
    "layer_norm layernorm rms_ initializer time_step eoa_ boa_ eoi_ boi_ talker thinker_ "
    "code2wav lora dropout pad_ loss forced_ suppress begin_ decoder_start anyres mask_ "
    "text_start text_end im_ xdrope";
static const char harmless_ends[] =
    "_token_id _token_index _token_ids _eps _epsilon _dropout _pdrop _drop _std _theta _scale "
    "_scaling _scaling_factor _coef _coeff _prob _alpha _beta _gamma _multiplier _multipliers "
    "_func _act _activation _loss _dtype _bias _norm _noise _range _softcapping _init "
    "_placeholder _path _in_fp32 _kernels _impl _implementation _clip _penalty _idx _ids";

/* What names of sizes hold. */
static const char size_parts[] =
    "dim size head layer expert rank window state latent conv kernel ssm mamba lora shar "
    "compress index interval pattern types freq ratio expan width channel embed embd num_ n_ "
    "block depth moe mlp ffn attn attention kv cross group hyper memory step loop recur repeat";
/* clang-format on */

/* Whether one of the words is `name` itself (WHOLE), or how it begins, ends, or a part of it. */
enum match { WHOLE, START, END, PART };

static bool matches(const char *name, const char *word, size_t length, enum match how)
{
    size_t all = strlen(name);
    if (all < length)
        return false;
    if (how == END)
        return strncmp(name + all - length, word, length) == 0;
    if (how != PART)
        return strncmp(name, word, length) == 0 && (how == START || all == length);
    for (size_t i = 0; i + length <= all; i++)
        if (strncmp(name + i, word, length) == 0)
            return true;
    return false;
}

static bool in_words(const char *name, const char *words, enum match how)
{
    while (*words != '\0') {
        size_t length = strcspn(words, " ");
        if (matches(name, words, length, how))
            return true;
        words += length + (words[length] == ' ');
    }
    return false;
}

static bool is_harmless(const char *name)
{
    return in_words(name, harmless_first, WHOLE) || in_words(name, harmless_second, WHOLE) ||
           in_words(name, harmless_starts, START) || in_words(name, harmless_ends, END);
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

/* What describes states that a list of layers has none of (Granite-4.0-Micro). */
static bool is_of_no_layer(const struct hf *hf, const char *name)
{
    bool listed = json_object_get(hf->object, "layer_types") != NULL ||
                  json_object_get(hf->object, "layers_block_type") != NULL;
    return listed && hf->model->state_layers == 0 &&
           (strncmp(name, "mamba_", 6) == 0 || strncmp(name, "linear_", 7) == 0);
}

void hf_check_unread(struct hf *hf)
{
    const char *name;
    json_t *value;
    uint32_t noted = 0;
    bool assumed = (hf->assume & (HF_ASSUME_KNOWN_FIELDS | HF_ASSUME_DENSE_GQA)) != 0;
    json_object_foreach((json_t *)hf->object, name, value)
    {
        bool read = json_object_get(hf->read, name) != NULL || is_of_no_layer(hf, name);
        if (read || is_nothing(value) || is_harmless(name) || hf->status != STATUS_OK)
            continue;
        if (in_words(name, size_parts, PART) && !assumed && !json_is_string(value))
            hf_refuse(hf, name,
                      "no field that may change sizes and is not known here (if it changes none: "
                      "`reprise models import FILE --assume known-fields -o my.yaml`)",
                      value);
        else
            note_unknown(hf, name, &noted);
    }
}
