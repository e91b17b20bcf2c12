/* models/hf_attention.c - heads, their widths, and what of them is kept as KV: the attention of
 * most decoders, MLA, heads of windowed layers, sparse attention's indexer, and KV that layers
 * share. Sources: huggingface/transformers, configuration_*.py and modeling_*.py;
 * deepseek-ai/DeepSeek-V3.2-Exp, inference/model.py; XiaomiMiMo/MiMo-V2-Flash and stepfun-ai/step3,
 * configuration files. */
#include "models/hf_config.h"

#include <string.h>

static const char *const hidden_names[] = { "hidden_size", "n_embd", "d_model", "n_embed", NULL };
static const char *const head_names[] = { "num_attention_heads", "n_head", "n_heads", NULL };
static const char *const kv_names[] = {
    "num_key_value_heads",   "num_kv_heads",           "n_head_kv", "num_attention_groups",
    "multi_query_group_num", "attn_config.kv_n_heads", NULL
};
static const char *const width_names[] = { "head_dim", "attention_head_dim", "kv_channels", NULL };
static const char *const vocabulary_names[] = { "vocab_size", "padded_vocab_size", NULL };

/* What is said but is as all others are need not be kept. */
static void take_other(struct hf *hf, uint32_t *member, const char *field, uint32_t all)
{
    if (hf_field(hf, field) != NULL && hf_whole(hf, field) != all)
        hf_take(hf, member, field);
}

static void read_width(struct hf *hf)
{
    struct model *model = hf->model;
    const char *field = hf_name(hf, width_names);
    const json_t *value = hf_field(hf, field);
    bool own = hf->habits->own_width && hf->habits->head_dim == 0;
    if (value != NULL || own || hf->habits->head_dim > 0) {
        hf_take_named(hf, &model->head_dim, width_names, hf->habits->head_dim);
        return;
    }
    if (hf->status == STATUS_OK && (model->heads == 0 || model->hidden % model->heads != 0))
        hf_refuse(hf, hf_name(hf, head_names),
                  "a divisor of the hidden width, or head_dim beside it",
                  hf_field(hf, hf_name(hf, head_names)));
    hf_derive(hf, &model->head_dim, model->heads > 0 ? model->hidden / model->heads : 0,
              "hidden_size / num_attention_heads");
}

/* transformers' own number differs by family: it is asked for where a family has none. */
static void read_kv_heads(struct hf *hf)
{
    struct model *model = hf->model;
    if (hf_flag_or(hf, "multi_query", false) && !hf_has(hf, kv_names))
        hf_derive(hf, &model->kv_heads, 1, "multi_query");
    else if (hf->habits->heads_kv)
        hf_take_named(hf, &model->kv_heads, kv_names, model->heads);
    else
        hf_take_named(hf, &model->kv_heads, kv_names, hf->habits->kv_heads);
}

static void read_heads(struct hf *hf)
{
    struct model *model = hf->model;
    hf_take_named(hf, &model->heads, head_names, hf->habits->heads);
    read_kv_heads(hf);
    read_width(hf);
    take_other(hf, &model->value_dim, "v_head_dim", model->head_dim);
    hf_take_or(hf, &model->query_latent_dim, "share_q_dim", 0); /* Step-3 */
}

static void read_latent(struct hf *hf)
{
    struct model *model = hf->model;
    model->attention = ATTENTION_LATENT;
    hf_note(hf, &model->attention, "kv_lora_rank");
    hf_take_named(hf, &model->heads, head_names, 0);
    hf_derive(hf, &model->kv_heads, model->heads, "each head decompresses its own");
    hf_take(hf, &model->head_dim, "qk_nope_head_dim");
    hf_whole(hf, "v_head_dim"); /* must be there */
    take_other(hf, &model->value_dim, "v_head_dim", model->head_dim);
    hf_take(hf, &model->latent_dim, "kv_lora_rank");
    hf_take(hf, &model->rope_dim, "qk_rope_head_dim");
    hf_take_or(hf, &model->query_latent_dim, "q_lora_rank", 0);
    hf_field(hf, "qk_head_dim");
    hf_field(hf, "head_dim");
    hf_field(hf, "num_key_value_heads");
}

/* ---- heads of windowed layers ---- */

/* Families name the windowed layers' heads (swa_*), or those of the others (global_*). */
static void read_window_heads(struct hf *hf)
{
    struct model *model = hf->model;
    bool any = model->window_tokens > 0;
    if (hf_field(hf, "global_head_dim") != NULL ||
        hf_field(hf, "num_global_key_value_heads") != NULL) {
        uint32_t width = model->head_dim, kv_heads = model->kv_heads;
        hf_take_or(hf, &model->head_dim, "global_head_dim", width);
        hf_take_or(hf, &model->kv_heads, "num_global_key_value_heads", kv_heads);
        if (any && model->head_dim != width)
            hf_derive(hf, &model->window_head_dim, width, "head_dim");
        if (any && model->kv_heads != kv_heads)
            hf_derive(hf, &model->window_kv_heads, kv_heads, "num_key_value_heads");
    }
    static const char *const swa[] = { "swa_num_attention_heads", "swa_num_key_value_heads",
                                       "swa_head_dim", "swa_v_head_dim" };
    uint32_t *members[] = { &model->window_heads, &model->window_kv_heads, &model->window_head_dim,
                            &model->window_value_dim };
    uint32_t value = model->value_dim > 0 ? model->value_dim : model->head_dim;
    const uint32_t all[] = { model->heads, model->kv_heads, model->head_dim, value };
    for (int i = 0; i < 4; i++) {
        hf_field(hf, swa[i]);
        if (any)
            take_other(hf, members[i], swa[i], all[i]);
    }
    hf_take_flag_or(hf, &model->values_are_keys, "attention_k_eq_v", false);
}

/* ---- what is kept ---- */

/* The last layers read the KV of the last before them of their kind (Gemma 3n, Gemma 4); or of each
 * group of layers, the first keeps it for all (Hunyuan). */
static void read_shared_kv(struct hf *hf)
{
    uint32_t layers = hf->model->layers, last = hf_whole_or(hf, "num_kv_shared_layers", 0);
    uint32_t factor = hf_flag_or(hf, "use_cla", false) ? hf_whole(hf, "cla_share_factor") : 1;
    hf_field(hf, "cla_share_factor");
    if (last >= layers && last > 0)
        hf_refuse(hf, "num_kv_shared_layers", "fewer than the layers",
                  hf_field(hf, "num_kv_shared_layers"));
    if (factor == 0)
        hf_refuse(hf, "cla_share_factor", "1 or more", hf_field(hf, "cla_share_factor"));
    for (uint32_t i = 0; i < layers && hf->status == STATUS_OK; i++)
        hf->layer[i].shares_kv = i + last >= layers || (factor > 1 && i % factor != 0);
}

/* Layers whose indexer is another's choose the same tokens and keep no keys (GLM-5.2). */
static uint32_t index_layers(struct hf *hf)
{
    const json_t *types = hf_field(hf, "indexer_types");
    uint32_t layers = hf->model->layers, own = 0;
    if (types == NULL)
        return layers;
    if (json_array_size(types) < layers)
        hf_refuse(hf, "indexer_types", "a list with an entry for each layer", types);
    for (uint32_t i = 0; i < layers; i++) {
        const char *type = json_string_value(json_array_get(types, i));
        if (type == NULL || (strcmp(type, "full") != 0 && strcmp(type, "shared") != 0))
            hf_refuse(hf, "indexer_types", "full or shared", json_array_get(types, i));
        own += type != NULL && strcmp(type, "full") == 0;
    }
    return own;
}

static void read_indexer(struct hf *hf)
{
    struct model *model = hf->model;
    if (hf_field(hf, "index_topk") == NULL && hf_field(hf, "index_head_dim") == NULL)
        return;
    hf_take(hf, &model->index_heads, "index_n_heads");
    hf_take(hf, &model->index_dim, "index_head_dim");
    hf_take(hf, &model->index_tokens, "index_topk");
    if (hf_field(hf, "indexer_types") != NULL) { /* says what these make */
        hf_field(hf, "index_topk_freq");
        hf_field(hf, "index_topk_pattern");
    }
    hf_derive(hf, &model->index_layers, index_layers(hf),
              hf_field(hf, "indexer_types") != NULL ? "indexer_types: full" : "index_topk: all");
}

void hf_read_attention(struct hf *hf)
{
    struct model *model = hf->model;
    hf_take_named(hf, &model->hidden, hidden_names, 0);
    bool plain = json_is_false(hf_field(hf, "use_mla"));
    if (hf_field(hf, "kv_lora_rank") != NULL || (hf->habits->latent && !plain))
        read_latent(hf);
    else
        read_heads(hf);
    hf_take_named(hf, &model->vocabulary, vocabulary_names, hf->habits->vocabulary);
    const json_t *tied = hf_either(hf, "tie_word_embeddings");
    if (tied != NULL && !json_is_boolean(tied))
        hf_refuse(hf, "tie_word_embeddings", "true or false", tied);
    model->tied_embeddings = tied != NULL ? json_is_true(tied) : hf->habits->tied;
    hf_note(hf, &model->tied_embeddings,
            tied != NULL ? "tie_word_embeddings" : "no tie_word_embeddings; transformers' default");
    model->gated_attention = hf_flag_or(hf, "attn_output_gate", hf->habits->gated) ||
                             hf_flag_or(hf, "attention_output_gate", false);
    if (model->gated_attention)
        hf_note(hf, &model->gated_attention, "attention's output has a gate");
    read_window_heads(hf);
    read_shared_kv(hf);
    read_indexer(hf);
}
