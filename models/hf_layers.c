/* models/hf_layers.c - what each layer mixes tokens by: lists of words, letters or flags with an
 * entry a layer; or a period. A window's width too.
 * Sources: huggingface/transformers, configuration_*.py: layer_types (all families since 4.54),
 * sliding_window_pattern (gemma3, cohere2, exaone4), max_window_layers (qwen2),
 * hybrid_override_pattern (nemotron_h), full_attention_interval (qwen3_next), attn_layer_period
 * (jamba), attn_layer_indices (bamba); of models' own files: attn_type_list (MiniMax-Text-01),
 * hybrid_layer_pattern (MiMo-V2-Flash), block_configs (Llama-Nemotron), no_rope_layers (Llama 4).
 */
#include "models/hf_config.h"

#include <string.h>

static const char *const layer_fields[] = { "num_hidden_layers", "n_layer", "n_layers",
                                            "num_layers", NULL };
static const char *const list_fields[] = { "layer_types", "layers_block_type", NULL };
static const char *const window_fields[] = { "sliding_window",         "sliding_window_size",
                                             "attention_chunk_size",   "interleaved_sliding_window",
                                             "local_attention_window", NULL };

/* ---- how many ---- */

/* Where no field has the number, a list with an entry a layer does (transformers 5). */
static void read_count(struct hf *hf)
{
    struct model *model = hf->model;
    const char *field = hf_name(hf, layer_fields), *list = hf_name(hf, list_fields);
    const json_t *pattern = hf_field(hf, "hybrid_override_pattern");
    bool said = hf_field(hf, field) != NULL;
    if (!said && json_is_array(hf_field(hf, list)))
        hf_derive(hf, &model->layers, (uint32_t)json_array_size(hf_field(hf, list)), list);
    else if (!said && json_is_string(pattern))
        hf_derive(hf, &model->layers, (uint32_t)json_string_length(pattern),
                  "hybrid_override_pattern");
    else
        hf_take(hf, &model->layers, field);
    if (model->layers == 0 || model->layers > MODEL_LAYERS_MAX) {
        hf_refuse(hf, field, "1 to 256 layers", hf_field(hf, field));
        model->layers = 0; /* readers go on, and find none */
    }
}

/* ---- lists ---- */

struct word {
    const char *word;
    enum hf_mixer mixer;
    enum hf_ffn ffn; /* of a layer that does one thing */
};

static const struct word words[] = {
    { "full_attention", HF_FULL, HF_NO_FFN },
    { "attention", HF_FULL, HF_NO_FFN },
    { "global_attention", HF_FULL, HF_NO_FFN },
    { "global", HF_FULL, HF_NO_FFN },
    { "sliding_attention", HF_WINDOW, HF_NO_FFN },
    { "sliding_window_attention", HF_WINDOW, HF_NO_FFN },
    { "local_attention", HF_WINDOW, HF_NO_FFN },
    { "local", HF_WINDOW, HF_NO_FFN },
    { "swa", HF_WINDOW, HF_NO_FFN },
    { "deepseek_sparse_attention", HF_FULL, HF_NO_FFN }, /* by an indexer: hf_attention.c */
    { "chunked_attention", HF_CHUNK, HF_NO_FFN },
    { "linear_attention", HF_STATE, HF_NO_FFN },
    { "mamba", HF_STATE, HF_NO_FFN },
    { "mamba2", HF_STATE, HF_NO_FFN },
    { "mlp", HF_NO_MIXER, HF_DENSE },
    { "moe", HF_NO_MIXER, HF_SPARSE },
    /* letters of hybrid_override_pattern */
    { "M", HF_STATE, HF_NO_FFN },
    { "*", HF_FULL, HF_NO_FFN },
    { "-", HF_NO_MIXER, HF_DENSE },
    { "E", HF_NO_MIXER, HF_SPARSE },
};

static const struct word *word_of(const char *text)
{
    for (size_t i = 0; text != NULL && i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].word, text) == 0)
            return &words[i];
    return NULL;
}

/* Whether some layers of it are feed-forwards alone, so that all do one thing (Nemotron-H). */
static void set_layers(struct hf *hf, const struct word *const *entries)
{
    bool alone = false;
    for (uint32_t i = 0; i < hf->model->layers; i++)
        alone |= entries[i]->mixer == HF_NO_MIXER;
    for (uint32_t i = 0; i < hf->model->layers; i++) {
        hf->layer[i].mixer = (uint8_t)entries[i]->mixer;
        if (alone)
            hf->layer[i].ffn = (uint8_t)entries[i]->ffn;
    }
}

static void read_words(struct hf *hf, const char *field, const json_t *list)
{
    const struct word *entries[MODEL_LAYERS_MAX];
    if (!json_is_array(list) || json_array_size(list) != hf->model->layers) {
        hf_refuse(hf, field, "a list with an entry for each layer", list);
        return;
    }
    for (uint32_t i = 0; i < hf->model->layers; i++) {
        entries[i] = word_of(json_string_value(json_array_get(list, i)));
        if (entries[i] == NULL) {
            hf_refuse(hf, field,
                      "kinds of layers that are known here (full_attention, sliding_attention, "
                      "chunked_attention, linear_attention, mamba, mlp, moe)",
                      json_array_get(list, i));
            return;
        }
    }
    set_layers(hf, entries);
}

static void read_letters(struct hf *hf, const json_t *value)
{
    const struct word *entries[MODEL_LAYERS_MAX];
    const char *text = json_string_value(value);
    bool whole = text != NULL && strlen(text) == hf->model->layers;
    for (uint32_t i = 0; whole && i < hf->model->layers; i++) {
        entries[i] = word_of((const char[]){ text[i], '\0' });
        whole = entries[i] != NULL;
    }
    if (whole)
        set_layers(hf, entries);
    else
        hf_refuse(hf, "hybrid_override_pattern", "a letter (M, *, - or E) for each layer", value);
}

/* A number for each layer: `marked` is a layer of that kind, anything else has full attention. */
static void read_numbers(struct hf *hf, const char *field, json_int_t marked, enum hf_mixer mixer)
{
    const json_t *list = hf_field(hf, field);
    if (!json_is_array(list) || json_array_size(list) != hf->model->layers) {
        hf_refuse(hf, field, "a list with an entry for each layer", list);
        return;
    }
    for (uint32_t i = 0; i < hf->model->layers; i++)
        hf->layer[i].mixer =
            json_integer_value(json_array_get(list, i)) == marked ? (uint8_t)mixer : HF_FULL;
}

/* The layers that a list names by number have full attention, the others a state. */
static void read_indices(struct hf *hf, const char *field)
{
    const json_t *list = hf_field(hf, field);
    for (uint32_t i = 0; i < hf->model->layers; i++)
        hf->layer[i].mixer = HF_STATE;
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_int_t layer = json_integer_value(json_array_get(list, i));
        if (!json_is_integer(json_array_get(list, i)) || layer < 0 || layer >= hf->model->layers)
            hf_refuse(hf, field, "numbers of layers, from 0", json_array_get(list, i));
        else
            hf->layer[layer].mixer = HF_FULL;
    }
}

/* ---- periods ---- */

/* Each period-th layer, counted so that `offset` is one, has full attention. */
static void read_period(struct hf *hf, const char *field, uint32_t period, uint32_t offset,
                        enum hf_mixer others)
{
    if (period == 0 || offset >= period) {
        hf_refuse(hf, field, "a period above its offset", hf_field(hf, field));
        return;
    }
    for (uint32_t i = 0; i < hf->model->layers; i++)
        hf->layer[i].mixer = i % period == offset ? HF_FULL : (uint8_t)others;
}

/* A word with a letter a layer, repeated: L local, G global (EXAONE 4). */
static void read_window_letters(struct hf *hf, const char *field, const char *letters)
{
    size_t length = strlen(letters);
    if (length == 0 || strspn(letters, "LG") != length)
        hf_refuse(hf, field, "letters L and G, or each how many-th layer sees everything",
                  hf_field(hf, field));
    for (uint32_t i = 0; length > 0 && i < hf->model->layers; i++)
        hf->layer[i].mixer = letters[i % length] == 'L' ? HF_WINDOW : HF_FULL;
}

static void read_window_pattern(struct hf *hf)
{
    static const char *const names[] = { "sliding_window_pattern", "global_attn_every_n_layers",
                                         NULL };
    const char *field = hf_name(hf, names);
    const json_t *value = hf_field(hf, field);
    if (json_is_string(value)) {
        read_window_letters(hf, field, json_string_value(value));
        return;
    }
    uint32_t pattern = hf_whole_or(hf, field, hf->habits->window_pattern);
    if (pattern == 0)
        hf_refuse(hf, field, "1 or more", value);
    else
        read_period(hf, field, pattern, pattern - 1, HF_WINDOW);
}

/* The first max_window_layers see everything (configuration_qwen2.py). */
static void read_window_flag(struct hf *hf)
{
    if (!hf_flag_or(hf, "use_sliding_window", false))
        return;
    uint32_t first = hf_whole(hf, "max_window_layers");
    for (uint32_t i = first; i < hf->model->layers; i++)
        hf->layer[i].mixer = HF_WINDOW;
}

/* A window's width without a word on which layers it is of. */
static void read_window_habit(struct hf *hf)
{
    const char *field = hf_name(hf, window_fields);
    bool flagged = hf_field(hf, "use_sliding_window") != NULL;
    bool patterned = hf_field(hf, "sliding_window_pattern") != NULL;
    int habit = hf->habits->windows;
    if (habit == HF_WINDOWS_UNKNOWN && patterned)
        habit = HF_WINDOWS_PATTERN;
    else if (habit == HF_WINDOWS_UNKNOWN && flagged)
        habit = HF_WINDOWS_FLAG;
    else if (habit == HF_WINDOWS_UNKNOWN && hf_field(hf, field) != NULL &&
             (hf->assume & HF_ASSUME_DENSE_GQA) == 0)
        hf_refuse(hf, field,
                  "a list layer_types that says which layers have this window (without any: "
                  "--assume dense-gqa)",
                  hf_field(hf, field));
    if (habit == HF_WINDOWS_PATTERN)
        read_window_pattern(hf);
    else if (habit == HF_WINDOWS_FLAG)
        read_window_flag(hf);
    for (uint32_t i = 0; habit == HF_WINDOWS_ALL && i < hf->model->layers; i++)
        hf->layer[i].mixer = HF_WINDOW;
}

/* All but each so many-th layer have a chunk (Llama 4: they are those with RoPE). */
static void read_chunks(struct hf *hf)
{
    const json_t *listed = hf_field(hf, "no_rope_layers");
    uint32_t interval = hf_whole_or(hf, "no_rope_layer_interval", 4);
    if (json_array_size(listed) > 0)
        read_numbers(hf, "no_rope_layers", 1, HF_CHUNK);
    else if (interval == 0)
        hf_refuse(hf, "no_rope_layer_interval", "1 or more",
                  hf_field(hf, "no_rope_layer_interval"));
    else
        read_period(hf, "no_rope_layer_interval", interval, interval - 1, HF_CHUNK);
}

/* ---- any of them ---- */

/* false: no field says which layers do what. */
static bool read_lists(struct hf *hf)
{
    const char *list = hf_name(hf, list_fields);
    const json_t *letters = hf_field(hf, "hybrid_override_pattern");
    if (letters != NULL)
        read_letters(hf, letters);
    else if (hf_field(hf, list) != NULL)
        read_words(hf, list, hf_field(hf, list));
    else if (hf_field(hf, "attn_type_list") != NULL)
        read_numbers(hf, "attn_type_list", 0, HF_STATE);
    else if (hf_field(hf, "hybrid_layer_pattern") != NULL)
        read_numbers(hf, "hybrid_layer_pattern", 1, HF_WINDOW);
    else if (hf_field(hf, "attn_layer_indices") != NULL)
        read_indices(hf, "attn_layer_indices");
    else
        return false;
    return true;
}

static void read_periods(struct hf *hf)
{
    uint32_t interval = hf_whole_or(hf, "full_attention_interval", 4);
    if (hf_field(hf, "attn_layer_period") != NULL)
        read_period(hf, "attn_layer_period", hf_whole(hf, "attn_layer_period"),
                    hf_whole(hf, "attn_layer_offset"), HF_STATE);
    else if (hf_field(hf, "linear_num_value_heads") != NULL)
        read_period(hf, "full_attention_interval", interval, interval - 1, HF_STATE);
    else if (hf_field(hf, "attention_chunk_size") != NULL)
        read_chunks(hf);
    else
        read_window_habit(hf);
}

/* A window as wide as the longest context hides nothing; null: there is none. */
static void read_window_width(struct hf *hf)
{
    struct model *model = hf->model;
    bool any[HF_NO_MIXER + 1] = { false };
    for (uint32_t i = 0; i < model->layers; i++)
        any[hf->layer[i].mixer] = true;
    if (!any[HF_WINDOW] && !any[HF_CHUNK])
        return;
    if (any[HF_WINDOW] && any[HF_CHUNK])
        hf_refuse(hf, hf_name(hf, list_fields), "windows of one kind", NULL);
    static const char *const chunk[] = { "attention_chunk_size", NULL };
    const char *field = hf_name(hf, any[HF_CHUNK] ? chunk : window_fields);
    bool is_null = json_is_null(json_object_get(hf->object, field));
    uint32_t standard = hf->habits->window_tokens;
    uint32_t window = is_null ? 0 : hf_whole_or(hf, field, standard);
    if (!is_null && hf_field(hf, field) == NULL && standard == 0 &&
        hf->habits->windows != HF_WINDOWS_ALL)
        hf_refuse(hf, field, "the width of the layers' window", NULL);
    if (window > 0 && window < model->context_window_tokens) {
        hf_take_or(hf, &model->window_tokens, field, standard);
        model->window = any[HF_CHUNK] ? WINDOW_CHUNKED : WINDOW_SLIDING;
        return;
    }
    for (uint32_t i = 0; i < model->layers; i++)
        if (hf->layer[i].mixer == HF_WINDOW || hf->layer[i].mixer == HF_CHUNK)
            hf->layer[i].mixer = HF_FULL;
}

void hf_read_layers(struct hf *hf)
{
    read_count(hf);
    if (hf->status != STATUS_OK)
        return;
    bool dense = (hf->assume & HF_ASSUME_DENSE_GQA) != 0;
    hf_field(hf, "global_attn_every_n_layers"); /* a list says the same better */
    if (!dense && !read_lists(hf))
        read_periods(hf);
    if (hf->status == STATUS_OK && !dense)
        read_window_width(hf);
}

/* ---- counted ---- */

struct counts {
    uint32_t windows, states, alone, dense, without_ffn, shared, shared_windows;
};

static struct counts count(const struct hf *hf)
{
    struct counts sum = { 0 };
    for (uint32_t i = 0; i < hf->model->layers; i++) {
        const struct hf_layer *layer = &hf->layer[i];
        bool window = layer->mixer == HF_WINDOW || layer->mixer == HF_CHUNK;
        sum.windows += window;
        sum.states += layer->mixer == HF_STATE;
        sum.alone += layer->mixer == HF_NO_MIXER;
        sum.dense += layer->ffn == HF_DENSE;
        sum.without_ffn += layer->ffn == HF_NO_FFN;
        sum.shared += layer->shares_kv && (window || layer->mixer == HF_FULL);
        sum.shared_windows += layer->shares_kv && window;
    }
    return sum;
}

static const char *layers_said_by(struct hf *hf)
{
    static const char *const fields[] = { "hybrid_override_pattern", "layer_types",
                                          "layers_block_type",       "attn_type_list",
                                          "hybrid_layer_pattern",    "attn_layer_indices",
                                          "attn_layer_period",       "full_attention_interval",
                                          "no_rope_layer_interval",  "sliding_window_pattern",
                                          "max_window_layers",       "block_configs",
                                          "sliding_window",          NULL };
    const char *field = hf_name(hf, fields);
    return hf_field(hf, field) != NULL ? field : "transformers' default";
}

void hf_count_layers(struct hf *hf)
{
    struct model *model = hf->model;
    struct counts sum = count(hf);
    const char *by = layers_said_by(hf);
    if (sum.windows > 0)
        hf_derive(hf, &model->window_layers, sum.windows, by);
    if (sum.states > 0)
        hf_derive(hf, &model->state_layers, sum.states, by);
    if (sum.alone > 0)
        hf_derive(hf, &model->ffn_only_layers, sum.alone, by);
    /* Where layers either mix or feed forward, one number says both. */
    if (sum.without_ffn > 0 && sum.without_ffn != model->layers - sum.alone)
        hf_derive(hf, &model->ffn_layers, model->layers - sum.without_ffn, by);
    else if (sum.alone > 0 && sum.without_ffn == 0)
        hf_derive(hf, &model->ffn_layers, model->layers, by);
    if (model->experts > 0 && sum.dense > 0)
        hf_derive(hf, &model->dense_layers, sum.dense, "layers without experts");
    if (sum.shared > 0)
        hf_derive(hf, &model->shared_kv_layers, sum.shared, "layers that read others' KV");
    if (sum.shared_windows > 0)
        hf_derive(hf, &model->shared_kv_window_layers, sum.shared_windows, "of them with a window");
}
