/* models/hf_hybrids.c - models some of whose layers keep a state of fixed size in the place of KV.
 * Sources: huggingface/transformers, configuration_*.py and modeling_*.py of jamba, nemotron_h,
 * qwen3_next and minimax; MiniMax-Text-01's own configuration (attn_type_list). */
#include "models/hf_config.h"

#include <string.h>

/* How many of 0 .. layers - 1 are `offset` modulo `period`. */
static uint32_t every(struct hf *hf, const char *field, uint32_t layers, uint32_t period,
                      uint32_t offset)
{
    if (period == 0 || offset >= period) {
        hf_refuse(hf, field, "a period above its offset", hf_field(hf, field));
        return 0;
    }
    return layers > offset ? (layers - offset - 1) / period + 1 : 0;
}

/* Served states are of 4 bytes only where the file says so. */
static void state_width(struct hf *hf, const char *field)
{
    const json_t *value = hf_field(hf, field);
    const char *type = json_string_value(value);
    if (value == NULL)
        return;
    if (type == NULL || (strcmp(type, "float32") != 0 && strcmp(type, "bfloat16") != 0 &&
                         strcmp(type, "float16") != 0))
        hf_refuse(hf, field, "float32, bfloat16 or float16", value);
    hf->model->state_bytes_per_value = type != NULL && strcmp(type, "float32") == 0 ? 4 : 2;
    hf_note(hf, &hf->model->state_bytes_per_value, field);
}

/* ---- Jamba: Mamba-1 ---- */

static void jamba_layers(struct hf *hf)
{
    struct model *model = hf->model;
    uint32_t attention =
        every(hf, "attn_layer_period", model->layers, hf_whole(hf, "attn_layer_period"),
              hf_whole(hf, "attn_layer_offset"));
    uint32_t sparse =
        every(hf, "expert_layer_period", model->layers, hf_whole(hf, "expert_layer_period"),
              hf_whole(hf, "expert_layer_offset"));
    hf_derive(hf, &model->state_layers, model->layers - attention,
              "attn_layer_period, attn_layer_offset");
    if (hf_whole(hf, "num_experts") <= 1)
        return;
    hf_take(hf, &model->experts, "num_experts");
    hf_take(hf, &model->experts_per_token, "num_experts_per_tok");
    hf_take(hf, &model->expert_ffn, "intermediate_size");
    hf_derive(hf, &model->dense_layers, model->layers - sparse,
              "expert_layer_period, expert_layer_offset");
}

static void read_jamba(struct hf *hf)
{
    struct model *model = hf->model;
    hf_attention(hf);
    jamba_layers(hf);
    if (model->experts == 0 || model->dense_layers > 0)
        hf_dense(hf);
    model->state = STATE_MAMBA;
    hf_note(hf, &model->state, "Jamba");
    hf_derive(hf, &model->state_heads, hf_whole(hf, "mamba_expand") * model->hidden,
              "mamba_expand * hidden_size");
    hf_derive(hf, &model->state_head_dim, 1, "Mamba-1: each channel by itself");
    hf_take(hf, &model->state_dim, "mamba_d_state");
    hf_take(hf, &model->state_conv, "mamba_d_conv");
    if (json_is_integer(hf_field(hf, "mamba_dt_rank")))
        hf_take(hf, &model->state_rank, "mamba_dt_rank");
    else
        hf_derive(hf, &model->state_rank, (model->hidden + 15) / 16,
                  "mamba_dt_rank auto: hidden_size / 16");
}

/* ---- Nemotron-H: Mamba-2, and layers that do one thing ---- */

enum nemotron_kind { NEMOTRON_STATE, NEMOTRON_ATTENTION, NEMOTRON_DENSE, NEMOTRON_EXPERTS, KINDS };

/* Old files have a letter a layer, new ones a list (configuration_nemotron_h.py). */
static void nemotron_count(struct hf *hf, uint32_t count[KINDS])
{
    static const char letters[KINDS + 1] = "M*-E";
    static const char *const names[] = { "mamba", "attention", "mlp", "moe", NULL };
    static const char *const new_names[] = { "linear_attention", "full_attention", "mlp", "moe",
                                             NULL };
    const json_t *field = hf_field(hf, "hybrid_override_pattern");
    const char *pattern = json_string_value(field);
    if (pattern == NULL) {
        const json_t *first = json_array_get(hf_field(hf, "layers_block_type"), 0);
        const char *text = json_string_value(first);
        bool old = text != NULL && (strcmp(text, names[0]) == 0 || strcmp(text, names[1]) == 0);
        if (!hf_count_layers(hf, "layers_block_type", hf->model->layers, old ? names : new_names,
                             count))
            hf_refuse(hf, "hybrid_override_pattern", "a letter (M, *, - or E) for each layer",
                      field);
        return;
    }
    if (strlen(pattern) != hf->model->layers || strspn(pattern, letters) != strlen(pattern)) {
        hf_refuse(hf, "hybrid_override_pattern", "a letter (M, *, - or E) for each layer", field);
        return;
    }
    for (; *pattern != '\0'; pattern++)
        count[strchr(letters, *pattern) - letters]++;
}

static void nemotron_experts(struct hf *hf, const uint32_t count[KINDS])
{
    struct model *model = hf->model;
    if (count[NEMOTRON_DENSE] > 0)
        hf_dense(hf);
    if (count[NEMOTRON_EXPERTS] == 0)
        return;
    hf_take(hf, &model->experts, "n_routed_experts");
    hf_take(hf, &model->experts_per_token, "num_experts_per_tok");
    hf_take(hf, &model->expert_ffn, "moe_intermediate_size");
    hf_derive(hf, &model->dense_layers, count[NEMOTRON_DENSE], "hybrid_override_pattern");
    if (hf_whole_or(hf, "moe_latent_size", 0) != 0)
        hf_refuse(hf, "moe_latent_size", "none", hf_field(hf, "moe_latent_size"));
    uint32_t shared = hf_whole_or(hf, "n_shared_experts", 0);
    if (shared > 0)
        hf_shared_width(hf, "moe_shared_expert_intermediate_size",
                        shared * hf_whole(hf, "moe_shared_expert_intermediate_size"));
}

static void read_nemotron_h(struct hf *hf)
{
    struct model *model = hf->model;
    uint32_t count[KINDS] = { 0 };
    hf_attention(hf);
    if (hf_field(hf, "attention_head_dim") != NULL)
        hf_take(hf, &model->head_dim, "attention_head_dim");
    nemotron_count(hf, count);
    hf_derive(hf, &model->state_layers, count[NEMOTRON_STATE], "hybrid_override_pattern");
    hf_derive(hf, &model->ffn_only_layers, count[NEMOTRON_DENSE] + count[NEMOTRON_EXPERTS],
              "hybrid_override_pattern");
    nemotron_experts(hf, count);
    model->gated_ffn = false;
    hf_note(hf, &model->gated_ffn, "mlp_hidden_act relu2");
    model->state = STATE_MAMBA2;
    hf_note(hf, &model->state, "Nemotron-H");
    hf_take(hf, &model->state_heads, "mamba_num_heads");
    hf_take(hf, &model->state_head_dim, "mamba_head_dim");
    hf_take(hf, &model->state_dim, "ssm_state_size");
    hf_take(hf, &model->state_groups, "n_groups");
    hf_take(hf, &model->state_conv, "conv_kernel");
    state_width(hf, "mamba_ssm_cache_dtype");
}

/* ---- linear attention ---- */

static uint32_t linear_layers(struct hf *hf, const char *const *choices)
{
    uint32_t count[2] = { 0 };
    hf_count_layers(hf, "layer_types", hf->model->layers, choices, count);
    return count[1];
}

static void read_qwen3_next(struct hf *hf)
{
    static const char *const choices[] = { "full_attention", "linear_attention", NULL };
    struct model *model = hf->model;
    hf_attention_wide(hf);
    hf_qwen_experts(hf);
    model->gated_attention = true;
    hf_note(hf, &model->gated_attention, "Qwen3-Next");
    uint32_t interval = hf_whole_or(hf, "full_attention_interval", 4);
    if (hf_field(hf, "layer_types") != NULL)
        hf_derive(hf, &model->state_layers, linear_layers(hf, choices), "layer_types");
    else if (interval == 0)
        hf_refuse(hf, "full_attention_interval", "1 or more",
                  hf_field(hf, "full_attention_interval"));
    else
        hf_derive(hf, &model->state_layers, model->layers - model->layers / interval,
                  "all but each full_attention_interval-th");
    model->state = STATE_DELTA;
    hf_note(hf, &model->state, "Qwen3-Next");
    hf_take(hf, &model->state_heads, "linear_num_value_heads");
    hf_take(hf, &model->state_head_dim, "linear_value_head_dim");
    hf_take(hf, &model->state_dim, "linear_key_head_dim");
    hf_take(hf, &model->state_groups, "linear_num_key_heads");
    hf_take(hf, &model->state_conv, "linear_conv_kernel_dim");
    state_width(hf, "mamba_ssm_dtype");
}

/* MiniMax-Text-01's own files list 0 for lightning attention and 1 for softmax. */
static uint32_t minimax_linear(struct hf *hf)
{
    static const char *const choices[] = { "full_attention", "linear_attention", NULL };
    const json_t *list = hf_field(hf, "attn_type_list");
    uint32_t linear = 0;
    if (list == NULL)
        return linear_layers(hf, choices);
    if (json_array_size(list) != hf->model->layers)
        hf_refuse(hf, "attn_type_list", "a list with an entry for each layer", list);
    for (size_t i = 0; i < json_array_size(list); i++)
        linear += json_integer_value(json_array_get(list, i)) == 0;
    return linear;
}

static void read_minimax(struct hf *hf)
{
    struct model *model = hf->model;
    hf_attention(hf);
    hf_local_experts(hf);
    bool listed = hf_field(hf, "attn_type_list") != NULL;
    if (!listed && hf_field(hf, "layer_types") == NULL)
        hf_refuse(hf, "layer_types", "a list with an entry for each layer", NULL);
    if (hf_whole_or(hf, "shared_intermediate_size", 0) != 0)
        hf_refuse(hf, "shared_intermediate_size", "0", hf_field(hf, "shared_intermediate_size"));
    hf_derive(hf, &model->state_layers, minimax_linear(hf),
              listed ? "attn_type_list" : "layer_types");
    model->state = STATE_LINEAR;
    hf_note(hf, &model->state, "MiniMax: lightning attention");
    hf_derive(hf, &model->state_heads, model->heads, "num_attention_heads");
    hf_derive(hf, &model->state_head_dim, model->head_dim, "head_dim");
    hf_derive(hf, &model->state_dim, model->head_dim, "head_dim");
    hf_derive(hf, &model->state_groups, model->heads, "num_attention_heads");
}

const struct hf_family hf_hybrids[] = {
    { "Jamba", read_jamba },          { "NemotronH", read_nemotron_h },
    { "Qwen3Next", read_qwen3_next }, { "MiniMaxText01", read_minimax },
    { "MiniMax", read_minimax },      { NULL, NULL },
};
