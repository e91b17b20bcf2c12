/* models/hf_config.h - reading a Hugging Face config.json: its fields, each noted with what it
 * became, so that the YAML written from it says where every number is from. What an architecture's
 * fields mean is hf_families.c's and hf_hybrids.c's. Private to models/.
 *
 * The first thing wrong stays in hf.status; getters then do nothing, so that a family reads one
 * field a line and looks once at the end. Nothing is guessed: a field that is missing is refused by
 * its name, unless transformers itself has a value for it (the configuration_*.py of the family, as
 * read on GitHub in huggingface/transformers), which is taken and noted as such. */
#ifndef REPRISE_MODELS_HF_CONFIG_H
#define REPRISE_MODELS_HF_CONFIG_H

#include "models/models.h"

#include <jansson.h>

#define HF_NOTES_MOST 48
#define HF_NOTE_BYTES 96

struct hf_note {
    size_t offset; /* in struct model */
    char text[HF_NOTE_BYTES];
};

struct hf {
    const char *path;
    const json_t *object, *outer; /* the language model's part, and the whole file */
    struct model *model;
    struct error *err;
    enum status status;
    uint32_t notes;
    struct hf_note note[HF_NOTES_MOST];
};

/* Refuses the field unless something was refused before. */
void hf_refuse(struct hf *hf, const char *field, const char *expected, const json_t *found);

/* The field, or NULL where it is missing or null. */
const json_t *hf_field(const struct hf *hf, const char *field);

/* A whole number from 0 to 2^31 - 1 that must be there; that is `standard` where it is missing. */
uint32_t hf_whole(struct hf *hf, const char *field);
uint32_t hf_whole_or(struct hf *hf, const char *field, uint32_t standard);
bool hf_flag_or(struct hf *hf, const char *field, bool standard);

/* The same into a member of hf->model, with a note. */
void hf_take(struct hf *hf, uint32_t *member, const char *field);
void hf_take_or(struct hf *hf, uint32_t *member, const char *field, uint32_t standard);
void hf_take_flag_or(struct hf *hf, bool *member, const char *field, bool standard);
/* A member that follows from others: text says how. */
void hf_derive(struct hf *hf, uint32_t *member, uint32_t value, const char *text);
void hf_note(struct hf *hf, const void *member, const char *text);

/* Counts the entries of an array of texts by choices (ended by NULL) into count[]; an unknown entry
 * or another length than `layers` is refused. false: the field is missing. */
bool hf_count_layers(struct hf *hf, const char *field, uint32_t layers, const char *const *choices,
                     uint32_t *count);

/* Families of architectures. */
struct hf_family {
    const char *architecture; /* as in config.json, without ForCausalLM or the like */
    void (*read)(struct hf *hf);
};
extern const struct hf_family hf_families[], hf_hybrids[]; /* each ended by NULL */

/* Shared by both files. Layers, widths, heads, vocabulary and longest context as most families name
 * them. A width of the heads is hidden_size / num_attention_heads where the file has none. */
void hf_attention(struct hf *hf);
/* The same of families that have a width of heads of their own. */
void hf_attention_wide(struct hf *hf);
/* A feed-forward in each layer. */
void hf_dense(struct hf *hf);
/* Experts as Qwen names them; dense in mlp_only_layers and off every decoder_sparse_step-th. */
void hf_qwen_experts(struct hf *hf);
/* Experts as Mixtral names them, in every layer, each as wide as `intermediate_size`. */
void hf_local_experts(struct hf *hf);
/* One shared expert of that width, as so many of expert_ffn. */
void hf_shared_width(struct hf *hf, const char *field, uint32_t width);

/* hf_yaml.c */
void hf_write_yaml(FILE *out, const struct hf *hf);

#endif
