/* models/hf_config.h - reading a Hugging Face config.json: its fields, each noted with what it
 * became, so that the YAML written from it says where every number is from. Private to models/.
 *
 * A model is read by what its fields say: the kind of attention, heads, layers, experts, states.
 * What fields do not say (a feed-forward of two matrices, what transformers takes for a missing
 * field) is its family's habit (hf_habits.c). A family that is not known there is read by its
 * fields alone, and the model's notes say so. Rooms: hf_config.c the file; hf_fields.c getters;
 * hf_json.c JSON as Python writes it; hf_layers.c what each layer is; hf_attention.c, hf_states.c,
 * hf_experts.c its parts; hf_context.c the longest context; hf_unread.c the fields that nobody
 * read; hf_yaml.c the YAML.
 *
 * The first thing wrong stays in hf.status; getters then do nothing, so that readers read one field
 * a line and look once at the end. Nothing is guessed: a field that is missing is refused by its
 * name, unless transformers itself has a value for it (the configuration_*.py of the family, as
 * read on GitHub in huggingface/transformers), which is taken and noted as such. */
#ifndef REPRISE_MODELS_HF_CONFIG_H
#define REPRISE_MODELS_HF_CONFIG_H

#include "models/models.h"

#include <jansson.h>

#define HF_NOTES_MOST 64
#define HF_NOTE_BYTES 96

struct hf_note {
    size_t offset; /* in struct model */
    char text[HF_NOTE_BYTES];
};

/* What a layer mixes tokens by, and its feed-forward. */
enum hf_mixer { HF_FULL, HF_WINDOW, HF_CHUNK, HF_STATE, HF_NO_MIXER };
enum hf_ffn { HF_DENSE, HF_SPARSE, HF_NO_FFN };
struct hf_layer {
    uint8_t mixer, ffn; /* enum hf_mixer, enum hf_ffn */
    bool shares_kv;     /* reads the KV of a layer before */
};

/* Where a sliding_window holds when no list says so. */
enum hf_windows {
    HF_WINDOWS_UNKNOWN, /* the family does not say: refused */
    HF_WINDOWS_NONE,    /* the field is not heeded */
    HF_WINDOWS_ALL,     /* in every layer */
    HF_WINDOWS_FLAG,    /* from max_window_layers on, if use_sliding_window */
    HF_WINDOWS_PATTERN  /* in all but each pattern-th layer */
};

struct hf;

/* What a family's files leave to its code. Zero: as most decoders of today have it. */
struct hf_habits {
    const char *name; /* of its architecture and model_type, in lower case without separators */
    bool tied;        /* embeddings, where tie_word_embeddings is missing */
    bool heads_kv;    /* each head has a KV head, where num_key_value_heads is missing */
    bool own_width;   /* head_dim is not hidden / heads: it must be there */
    bool latent;      /* kv_lora_rank must be there */
    bool plain_ffn;   /* two matrices */
    bool four_times;  /* the feed-forward is as wide as that, where no field says it */
    bool parallel;    /* attention and feed-forward side by side */
    bool gated;       /* attention's output has a gate made by the query's projection */
    int windows;      /* enum hf_windows */
    uint32_t window_tokens, window_pattern; /* where sliding_window, the pattern are missing */
    uint32_t head_dim, heads, kv_heads;     /* where missing; 0: must be there */
    uint32_t vocabulary, context_tokens;
    uint32_t shared_experts;       /* without a field */
    int state;                     /* enum state_kind of its states */
    void (*before)(struct hf *hf); /* optional: before the fields are read as all families' are */
    void (*after)(struct hf *hf);  /* optional: what is its own, behind them */
};

/* What a user vouches for, model_import()'s `assume`. */
enum hf_assume {
    HF_ASSUME_KNOWN_FIELDS = 1, /* fields that are not known change no size */
    HF_ASSUME_DENSE_GQA = 2,    /* every layer attends to everything and has a dense feed-forward */
    HF_ASSUME_GATED_FFN = 4,
    HF_ASSUME_PLAIN_FFN = 8
};

struct hf {
    const char *path;
    const json_t *object, *outer; /* the language model's part, and the whole file */
    struct model *model;
    struct error *err;
    enum status status;
    const struct hf_habits *habits; /* never NULL; hf_unknown where the family is not known */
    char family[64];                /* as the file has it */
    uint32_t assume;                /* of enum hf_assume */
    json_t *read;                   /* fields that were looked at, as keys */
    struct hf_layer layer[MODEL_LAYERS_MAX];
    uint32_t notes;
    struct hf_note note[HF_NOTES_MOST];
};

/* ---- fields (hf_fields.c) ---- */

/* Refuses the field unless something was refused before. */
void hf_refuse(struct hf *hf, const char *field, const char *expected, const json_t *found);

/* The field, or NULL where it is missing or null; "a.b": field b of the object a. Of the part for
 * language, or else (hf_either) of the whole file. */
const json_t *hf_field(struct hf *hf, const char *field);
const json_t *hf_either(struct hf *hf, const char *field);

/* Of names that families have for one thing, ended by NULL, the first that is there; else the
 * first.
 */
const char *hf_name(struct hf *hf, const char *const *names);
bool hf_has(struct hf *hf, const char *const *names);

/* A whole number from 0 to 2^31 - 1 that must be there; that is `standard` where it is missing. A
 * list of equal numbers is that number; of others it is refused. */
uint32_t hf_whole(struct hf *hf, const char *field);
uint32_t hf_whole_or(struct hf *hf, const char *field, uint32_t standard);
bool hf_flag_or(struct hf *hf, const char *field, bool standard);

/* The same into a member of hf->model, with a note. */
void hf_take(struct hf *hf, uint32_t *member, const char *field);
void hf_take_or(struct hf *hf, uint32_t *member, const char *field, uint32_t standard);
void hf_take_flag_or(struct hf *hf, bool *member, const char *field, bool standard);
/* The same of the first of the names that is there, or, where that is above 0, `standard`. */
void hf_take_named(struct hf *hf, uint32_t *member, const char *const *names, uint32_t standard);
/* A member that follows from others: text says how. */
void hf_derive(struct hf *hf, uint32_t *member, uint32_t value, const char *text);
void hf_note(struct hf *hf, const void *member, const char *text);
/* What the whole import takes for granted, for people: into model->notes. */
void hf_say(struct hf *hf, const char *text);

/* Mistral's params.json: whether the object is one; and its fields under the names that the readers
 * know (hf_mistral.c). */
bool hf_is_mistral(const json_t *object);
void hf_rename_mistral(json_t *object);

/* ---- what all decoders have ---- */

/* JSON as Python's json writes it, with Infinity and NaN, which become null. found: the file was not named, but found in a folder,
 * or beside another; it must be a plain one. */
enum status hf_json_load(const char *path, bool found, json_t **root, struct error *err);

/* How many layers there are, what each mixes by, and the window's width (hf_layers.c). */
void hf_read_layers(struct hf *hf);
/* Counts them into the model, when every reader has said what it knows. */
void hf_count_layers(struct hf *hf);
void hf_read_attention(struct hf *hf);
void hf_read_states(struct hf *hf);
void hf_read_feed_forward(struct hf *hf);
void hf_read_context(struct hf *hf);
/* Refuses fields that nobody read and that look like sizes; says the others that are not known. */
void hf_check_unread(struct hf *hf);

/* ---- families (hf_habits.c) ---- */

extern const struct hf_habits hf_unknown;
/* By architecture ("Qwen3MoeForCausalLM") or model_type ("qwen3_moe"); NULL: not known. */
const struct hf_habits *hf_habits_of(const char *name);

/* ---- quantised checkpoints (hf_quant.c) ---- */

/* Behind everything else of the model, whose sizes it weighs by: what quantization_config, or
 * hf_quant_config.json beside the file, makes of the bytes of each part and of the KV. null and {}
 * are none; a method or a field that is not known is refused by its name. */
void hf_read_quantisation(struct hf *hf);

/* hf_yaml.c */
void hf_write_yaml(FILE *out, const struct hf *hf);

#endif
