/* models/hf_context.c - the longest context: positions that the model knows, and what RoPE's
 * scaling makes of them. Source: vllm, vllm/config/model.py (_get_and_verify_max_len), v0.11: the
 * factor counts for every kind but those whose max_position_embeddings is of the scaled model
 * already (su, longrope, llama3, mrope, Gemma 3's linear), and YaRN's from
 * original_max_position_embeddings. */
#include "models/hf_config.h"

#include <string.h>

/* The least of them counts, as in vLLM; the first is asked for where there is none. */
static const char *const length_names[] = { "max_position_embeddings",
                                            "n_positions",
                                            "max_seq_len",
                                            "seq_length",
                                            "max_sequence_length",
                                            "max_position_embedding",
                                            "max_target_positions",
                                            NULL };

static const char *least_length(struct hf *hf)
{
    const char *least = NULL;
    for (const char *const *name = length_names; *name != NULL; name++)
        if (hf_field(hf, *name) != NULL &&
            (least == NULL || hf_whole(hf, *name) < hf_whole(hf, least)))
            least = *name;
    /* Command-R's own, which goes before them (the same function). */
    if (json_is_integer(hf_field(hf, "model_max_length")))
        return "model_max_length";
    return least != NULL ? least : length_names[0];
}

/* transformers 5 has rope_parameters, by kind of layer where these differ. */
static const json_t *scaling_of(struct hf *hf, const char **field)
{
    static const char *const names[] = { "rope_scaling", "rope_parameters", NULL };
    *field = hf_name(hf, names);
    const json_t *scaling = hf_field(hf, *field);
    const json_t *full = json_object_get(scaling, "full_attention");
    return json_is_object(full) ? full : scaling;
}

static const char *kind_of(const json_t *scaling)
{
    const char *kind = json_string_value(json_object_get(scaling, "rope_type"));
    if (kind == NULL)
        kind = json_string_value(json_object_get(scaling, "type"));
    return kind != NULL ? kind : "default";
}

/* Kinds after which max_position_embeddings is the scaled model's. */
static bool is_scaled_already(const char *kind)
{
    static const char *const kinds[] = { "default", "su",   "longrope",     "llama3",
                                         "mrope",   "gptj", "proportional", NULL };
    for (const char *const *known = kinds; *known != NULL; known++)
        if (strcmp(kind, *known) == 0)
            return true;
    return false;
}

static bool is_known(const char *kind)
{
    return strcmp(kind, "yarn") == 0 || strcmp(kind, "deepseek_yarn") == 0 ||
           strcmp(kind, "linear") == 0 || strcmp(kind, "dynamic") == 0 || is_scaled_already(kind);
}

/* Gemma 3 divides its positions by a factor that its length holds already. */
static bool holds_factor(const struct hf *hf)
{
    return strncmp(hf->habits->name, "gemma", 5) == 0;
}

static void scale(struct hf *hf, const char *field, const json_t *scaling)
{
    struct model *model = hf->model;
    const char *kind = kind_of(scaling);
    const json_t *original = json_object_get(scaling, "original_max_position_embeddings");
    const json_t *factor = json_object_get(scaling, "factor");
    bool yarn = strstr(kind, "yarn") != NULL;
    if (!is_known(kind)) {
        hf_refuse(hf, field, "yarn, linear, dynamic, llama3, longrope or default", scaling);
        return;
    }
    if (is_scaled_already(kind) || holds_factor(hf))
        return;
    double from = yarn && json_is_number(original) ? json_number_value(original)
                                                   : model->context_window_tokens;
    double tokens = from * json_number_value(factor);
    if (!json_is_number(factor) || tokens < 1 || tokens > 16777216) {
        hf_refuse(hf, field, "a factor that makes a context of up to 16777216 tokens", scaling);
        return;
    }
    char text[HF_NOTE_BYTES];
    snprintf(text, sizeof text, "%.20s %.20s: %.9g * factor %.9g", field, kind, from,
             json_number_value(factor));
    hf_derive(hf, &model->context_window_tokens, (uint32_t)tokens, text);
}

void hf_read_context(struct hf *hf)
{
    struct model *model = hf->model;
    const char *field = least_length(hf);
    if (hf_field(hf, field) == NULL && hf->habits->context_tokens > 0)
        hf_take_or(hf, &model->context_window_tokens, field, hf->habits->context_tokens);
    else
        hf_take(hf, &model->context_window_tokens, field);
    const json_t *scaling = scaling_of(hf, &field);
    if (hf->status == STATUS_OK && json_is_object(scaling))
        scale(hf, field, scaling);
}
