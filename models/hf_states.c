/* models/hf_states.c - what layers keep in the place of KV: the recurrent state, by the fields that
 * describe it. Sources: huggingface/transformers, configuration_*.py and modeling_*.py of jamba,
 * bamba, falcon_h1, granitemoehybrid, nemotron_h, qwen3_next and minimax; MiniMax-Text-01's own. */
#include "models/hf_config.h"

#include <string.h>

/* Served states are of 4 bytes only where the file says so. */
static void read_state_bytes(struct hf *hf)
{
    static const char *const names[] = { "mamba_ssm_cache_dtype", "mamba_ssm_dtype", NULL };
    const char *field = hf_name(hf, names);
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

/* Mamba-1 (Jamba). */
static void read_mamba(struct hf *hf)
{
    struct model *model = hf->model;
    model->state = STATE_MAMBA;
    hf_note(hf, &model->state, "mamba_dt_rank: Mamba-1");
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

static const char *const mamba2_heads[] = { "mamba_num_heads", "mamba_n_heads", NULL };

/* A head's width follows from the others where the file has none, or "auto". */
static void read_mamba2_width(struct hf *hf)
{
    static const char *const names[] = { "mamba_head_dim", "mamba_d_head", NULL };
    struct model *model = hf->model;
    const json_t *value = hf_field(hf, hf_name(hf, names));
    uint32_t inner = hf_whole_or(hf, "mamba_d_ssm", 0);
    if (!json_is_integer(value) && model->state_heads > 0 &&
        (inner > 0 || hf_field(hf, "mamba_expand") != NULL))
        hf_derive(hf, &model->state_head_dim,
                  (inner > 0 ? inner : hf_whole(hf, "mamba_expand") * model->hidden) /
                      model->state_heads,
                  "inner width / mamba_n_heads");
    else
        hf_take_named(hf, &model->state_head_dim, names, 0);
    if (inner > 0 && hf->status == STATUS_OK && inner != model->state_heads * model->state_head_dim)
        hf_refuse(hf, "mamba_d_ssm", "the heads times their width", hf_field(hf, "mamba_d_ssm"));
}

static void read_mamba2(struct hf *hf)
{
    static const char *const state_names[] = { "ssm_state_size", "mamba_d_state",
                                               "mamba_state_size", NULL };
    static const char *const group_names[] = { "n_groups", "mamba_n_groups", "mamba_num_groups",
                                               NULL };
    static const char *const conv_names[] = { "conv_kernel", "mamba_d_conv", "mamba_conv_kernel",
                                              NULL };
    struct model *model = hf->model;
    model->state = STATE_MAMBA2;
    hf_note(hf, &model->state, "mamba heads: Mamba-2");
    hf_take_named(hf, &model->state_heads, mamba2_heads, 0);
    read_mamba2_width(hf);
    hf_take_named(hf, &model->state_dim, state_names, 0);
    hf_take_named(hf, &model->state_groups, group_names, 0);
    hf_take_named(hf, &model->state_conv, conv_names, 0);
    hf_field(hf, "mamba_expand");
    hf_field(hf, "expand");
}

static void read_delta(struct hf *hf)
{
    struct model *model = hf->model;
    model->state = STATE_DELTA;
    hf_note(hf, &model->state, "linear_num_value_heads: gated delta rule");
    hf_take(hf, &model->state_heads, "linear_num_value_heads");
    hf_take(hf, &model->state_head_dim, "linear_value_head_dim");
    hf_take(hf, &model->state_dim, "linear_key_head_dim");
    hf_take(hf, &model->state_groups, "linear_num_key_heads");
    hf_take(hf, &model->state_conv, "linear_conv_kernel_dim");
}

/* Lightning attention has the heads of the other layers (modeling_minimax.py). */
static void read_lightning(struct hf *hf)
{
    struct model *model = hf->model;
    model->state = STATE_LINEAR;
    hf_note(hf, &model->state, "lightning attention");
    hf_derive(hf, &model->state_heads, model->heads, "num_attention_heads");
    hf_derive(hf, &model->state_head_dim, model->head_dim, "head_dim");
    hf_derive(hf, &model->state_dim, model->head_dim, "head_dim");
    hf_derive(hf, &model->state_groups, model->heads, "num_attention_heads");
}

void hf_read_states(struct hf *hf)
{
    bool any = hf->model->state_beside_attention;
    for (uint32_t i = 0; i < hf->model->layers; i++)
        any |= hf->layer[i].mixer == HF_STATE;
    if (!any || hf->status != STATUS_OK)
        return;
    if (hf->habits->state == STATE_LINEAR)
        read_lightning(hf);
    else if (hf_has(hf, mamba2_heads) || hf->habits->state == STATE_MAMBA2)
        read_mamba2(hf);
    else if (hf_field(hf, "mamba_dt_rank") != NULL || hf_field(hf, "mamba_d_state") != NULL)
        read_mamba(hf);
    else
        read_delta(hf);
    read_state_bytes(hf);
}
