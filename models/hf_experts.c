/* models/hf_experts.c - feed-forwards: dense, or experts, which layers have which, and how wide
 * they are. Sources: huggingface/transformers, configuration_*.py and modeling_*.py of mixtral,
 * qwen2_moe, qwen3_moe, deepseek_v3, llama4, gpt_oss, glm4_moe, ernie4_5_moe, hunyuan_v1_moe,
 * jamba, nemotron_h, granitemoeshared, gemma4; of models' own files: Step-3, MiniMax-M2,
 * MiMo-V2-Flash. */
#include "models/hf_config.h"

#include <stdlib.h>
#include <string.h>

static const char *const count_names[] = {
    "n_routed_experts",   "num_local_experts",          "num_experts", "moe_num_experts",
    "num_routed_experts", "ffn_config.moe_num_experts", NULL
};
static const char *const used_names[] = { "num_experts_per_tok",
                                          "num_experts_per_token",
                                          "moe_topk",
                                          "moe_k",
                                          "moe_top_k",
                                          "top_k_experts",
                                          "experts_per_token",
                                          "num_selected_experts",
                                          "ffn_config.moe_top_k",
                                          NULL };
static const char *const width_names[] = { "moe_intermediate_size",      "expert_intermediate_size",
                                           "moe_ffn_hidden_size",        "expert_ffn_hidden_size",
                                           "ffn_config.ffn_hidden_size", NULL };
static const char *const dense_names[] = { "intermediate_size", "ffn_dim", "n_inner",
                                           "ffn_hidden_size",   "d_ff",    NULL };
static const char *const latent_names[] = { "moe_latent_size", "routed_expert_hidden_size", NULL };

/* ---- dense ---- */

/* Layers of unlike widths (Gemma 3n) have their mean: weights and products are the same in all. */
static uint32_t mean_of(struct hf *hf, const char *field, const json_t *list)
{
    double sum = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        if (!json_is_integer(item) || json_integer_value(item) < 0)
            hf_refuse(hf, field, "a width for each layer", item);
        sum += json_number_value(item);
    }
    if (json_array_size(list) != hf->model->layers)
        hf_refuse(hf, field, "a list with an entry for each layer", list);
    return (uint32_t)(sum / (double)json_array_size(list) + 0.5);
}

static const char *const own_dense_names[] = { "intermediate_size_mlp", "dense_intermediate_size",
                                               NULL };

static void read_dense_width(struct hf *hf)
{
    const char *const *own = own_dense_names;
    struct model *model = hf->model;
    const char *field = hf_has(hf, own) ? hf_name(hf, own) : hf_name(hf, dense_names);
    const json_t *value = hf_field(hf, field);
    if (json_is_array(value) && json_array_size(value) > 1)
        hf_derive(hf, &model->ffn, mean_of(hf, field, value), field);
    else if (hf->habits->four_times)
        hf_take_or(hf, &model->ffn, field, 4 * model->hidden);
    else
        hf_take(hf, &model->ffn, field);
}

/* ---- which layers have experts ---- */

static void set_from(struct hf *hf, uint32_t first, enum hf_ffn before)
{
    for (uint32_t i = 0; i < hf->model->layers; i++)
        if (hf->layer[i].ffn != HF_NO_FFN)
            hf->layer[i].ffn = (uint8_t)(i < first ? before : HF_SPARSE);
}

static void set_dense_unless(struct hf *hf, const char *field, uint32_t period, uint32_t offset)
{
    if (period == 0 || offset >= period) {
        hf_refuse(hf, field, "a period above its offset", hf_field(hf, field));
        return;
    }
    for (uint32_t i = 0; i < hf->model->layers; i++)
        if (hf->layer[i].ffn == HF_SPARSE && i % period != offset)
            hf->layer[i].ffn = HF_DENSE;
}

/* Layers by number: those named are `kind`. */
static void set_listed(struct hf *hf, const char *field, enum hf_ffn kind)
{
    const json_t *list = hf_field(hf, field);
    if (!json_is_array(list)) {
        hf_refuse(hf, field, "a list of layers", list);
        return;
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t layer = json_integer_value(json_array_get(list, i));
        if (!json_is_integer(json_array_get(list, i)) || layer < 0 || layer >= hf->model->layers)
            hf_refuse(hf, field, "numbers of layers, from 0", json_array_get(list, i));
        else
            hf->layer[layer].ffn = (uint8_t)kind;
    }
}

/* "4,5,6", or a list: layers with experts (Step-3). */
static void set_enumerated(struct hf *hf, const char *field)
{
    const char *text = json_string_value(hf_field(hf, field));
    set_from(hf, hf->model->layers, HF_DENSE);
    if (text == NULL) {
        set_listed(hf, field, HF_SPARSE);
        return;
    }
    while (*text != '\0') {
        char *end;
        unsigned long layer = strtoul(text, &end, 10);
        if (end == text || layer >= hf->model->layers || (*end != ',' && *end != '\0')) {
            hf_refuse(hf, field, "numbers of layers with commas between", hf_field(hf, field));
            return;
        }
        hf->layer[layer].ffn = HF_SPARSE;
        text = *end == ',' ? end + 1 : end;
    }
}

/* A flag, or a word, for each layer: 1 and "sparse" have experts. */
static void set_flagged(struct hf *hf, const char *field)
{
    const json_t *list = hf_field(hf, field);
    if (json_array_size(list) < hf->model->layers) {
        hf_refuse(hf, field, "a list with an entry for each layer", list);
        return;
    }
    for (uint32_t i = 0; i < hf->model->layers; i++) {
        const json_t *item = json_array_get(list, i);
        const char *word = json_string_value(item);
        bool sparse = word != NULL ? strcmp(word, "sparse") == 0 : json_integer_value(item) != 0;
        if (word != NULL ? !sparse && strcmp(word, "dense") != 0 : !json_is_integer(item))
            hf_refuse(hf, field, "dense or sparse; 0 or 1", item);
        hf->layer[i].ffn = sparse ? HF_SPARSE : HF_DENSE;
    }
}

/* The first and last layer with experts, and each how many-th between (Ernie 4.5: 1-based). */
static void set_between(struct hf *hf)
{
    uint32_t first = hf_whole_or(hf, "moe_layer_start_index", 0);
    uint32_t last = hf->model->layers - 1, interval = hf_whole_or(hf, "moe_layer_interval", 1);
    const json_t *end = hf_field(hf, "moe_layer_end_index");
    if (json_is_integer(end) && json_integer_value(end) >= 0)
        last = hf_whole(hf, "moe_layer_end_index");
    if (interval == 0)
        hf_refuse(hf, "moe_layer_interval", "1 or more", hf_field(hf, "moe_layer_interval"));
    for (uint32_t i = 0; interval > 0 && i < hf->model->layers; i++)
        if (i < first || i > last || (i + 1) % interval != 0)
            hf->layer[i].ffn = HF_DENSE;
}

static void read_interleaving(struct hf *hf)
{
    uint32_t step = hf_whole_or(hf, "interleave_moe_layer_step", 1);
    if (hf_field(hf, "moe_layers") != NULL) {
        set_from(hf, hf->model->layers, HF_DENSE);
        set_listed(hf, "moe_layers", HF_SPARSE);
    } else if (step == 0) {
        set_from(hf, hf->model->layers, HF_DENSE);
    } else {
        set_dense_unless(hf, "interleave_moe_layer_step", step, step - 1);
    }
}

static void read_steps(struct hf *hf)
{
    uint32_t step = hf_whole_or(hf, "decoder_sparse_step", 1);
    if (step == 0)
        hf_refuse(hf, "decoder_sparse_step", "1 or more", hf_field(hf, "decoder_sparse_step"));
    else
        set_dense_unless(hf, "decoder_sparse_step", step, step - 1);
    if (hf_field(hf, "mlp_only_layers") != NULL)
        set_listed(hf, "mlp_only_layers", HF_DENSE);
    if (hf_field(hf, "expert_layer_period") != NULL)
        set_dense_unless(hf, "expert_layer_period", hf_whole(hf, "expert_layer_period"),
                         hf_whole(hf, "expert_layer_offset"));
}

/* All layers, unless a field says otherwise; where layers do one thing, the list of them has said
 * it. */
static void read_sparse_layers(struct hf *hf)
{
    static const char *const first_names[] = { "first_k_dense_replace", "num_dense_layers",
                                               "moe_first_k_dense", "moe_layer_num_skipped", NULL };
    for (uint32_t i = 0; i < hf->model->layers; i++)
        if (hf->layer[i].mixer == HF_NO_MIXER || hf->layer[i].ffn == HF_NO_FFN)
            return;
    set_from(hf, hf_whole_or(hf, hf_name(hf, first_names), 0), HF_DENSE);
    if (hf_field(hf, "mlp_layer_types") != NULL)
        set_flagged(hf, "mlp_layer_types");
    if (json_is_array(hf_field(hf, "moe_layer_freq")))
        set_flagged(hf, "moe_layer_freq");
    else if (hf_field(hf, "moe_layer_freq") != NULL)
        set_dense_unless(hf, "moe_layer_freq", hf_whole(hf, "moe_layer_freq"), 0);
    if (hf_field(hf, "moe_layers_enum") != NULL)
        set_enumerated(hf, "moe_layers_enum");
    set_between(hf);
    read_interleaving(hf);
    read_steps(hf);
}

/* ---- experts ---- */

/* Shared ones are as many as a field says, each as wide as a routed one, or as another says. */
static void read_shared(struct hf *hf)
{
    static const char *const number_names[] = { "n_shared_experts", "num_shared_experts",
                                                "num_shared_expert", "moe_num_shared_experts",
                                                NULL };
    static const char *const width_of[] = { "shared_expert_intermediate_size",
                                            "moe_shared_expert_intermediate_size",
                                            "shared_intermediate_size", "share_expert_dim", NULL };
    struct model *model = hf->model;
    bool numbered = hf_has(hf, number_names);
    const char *field = hf_name(hf, width_of);
    uint32_t width = hf_whole_or(hf, field, 0), number = hf->habits->shared_experts;
    if (numbered)
        number = hf_whole(hf, hf_name(hf, number_names));
    else if (width > 0)
        number = 1;
    if (number == 0 || (numbered && width == 0 && hf_field(hf, field) != NULL))
        return;
    hf_derive(hf, &model->shared_experts, number,
              numbered    ? hf_name(hf, number_names)
              : width > 0 ? field
                          : "its architecture: one, beside the routed ones");
    if (width > 0 && width != model->expert_ffn)
        hf_take(hf, &model->shared_expert_ffn, field);
}

static void read_experts(struct hf *hf)
{
    struct model *model = hf->model;
    hf_take(hf, &model->experts, hf_name(hf, count_names));
    hf_take(hf, &model->experts_per_token, hf_name(hf, used_names));
    hf_take(hf, &model->expert_ffn,
            hf_has(hf, width_names) ? hf_name(hf, width_names) : hf_name(hf, dense_names));
    hf_take_or(hf, &model->expert_hidden, hf_name(hf, latent_names), 0);
    read_shared(hf);
    read_sparse_layers(hf);
    bool dense = false;
    hf_name(hf, dense_names); /* of no layer, maybe */
    hf_name(hf, own_dense_names);
    for (uint32_t i = 0; i < model->layers; i++)
        dense |= hf->layer[i].ffn == HF_DENSE;
    if (dense)
        read_dense_width(hf);
}

/* How the feed-forward's activation is named says whether it is gated only in families that are
 * known; others are asked for, unless the name is of gated ones. */
static void read_gate(struct hf *hf)
{
    static const char *const names[] = { "hidden_act",          "hidden_activation",
                                         "activation_function", "mlp_hidden_act",
                                         "activation",          NULL };
    struct model *model = hf->model;
    const char *field = hf_name(hf, names);
    const char *act = json_string_value(hf_field(hf, field));
    bool assumed = (hf->assume & (HF_ASSUME_GATED_FFN | HF_ASSUME_PLAIN_FFN)) != 0;
    bool gated = act == NULL || strstr(act, "silu") != NULL || strstr(act, "swi") != NULL ||
                 strstr(act, "glu") != NULL;
    model->gated_ffn = assumed ? (hf->assume & HF_ASSUME_GATED_FFN) != 0 : !hf->habits->plain_ffn;
    if (hf->habits == &hf_unknown && !gated && !assumed)
        hf_refuse(hf, field,
                  "silu, which feed-forwards of three matrices have; of a family that is not known "
                  "say --assume gated-ffn or plain-ffn",
                  hf_field(hf, field));
    if (!model->gated_ffn)
        hf_note(hf, &model->gated_ffn, assumed ? "--assume plain-ffn" : "its architecture");
}

void hf_read_feed_forward(struct hf *hf)
{
    bool none = hf->status != STATUS_OK || (hf->assume & HF_ASSUME_DENSE_GQA) != 0;
    const json_t *use_moe = hf_field(hf, "use_moe");
    none |= json_is_false(use_moe) || json_is_false(hf_field(hf, "enable_moe_block"));
    read_gate(hf);
    const char *used = hf_name(hf, used_names);
    if (!none && hf_whole_or(hf, hf_name(hf, count_names), 0) > 1) {
        read_experts(hf);
        return;
    }
    if (!none && !hf_has(hf, count_names) && hf_whole_or(hf, used, 0) > 0)
        hf_refuse(hf, used,
                  "the number of experts beside it: num_experts, num_local_experts or "
                  "n_routed_experts",
                  hf_field(hf, used));
    read_dense_width(hf);
}
