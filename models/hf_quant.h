/* models/hf_quant.h - what a quantised checkpoint's files say of its weights: which modules are in
 * which format. Private to models/hf_quant*.c.
 *
 * One way: hf_quant.c finds what is said and by which method; hf_quant_schemes.c and
 * hf_quant_groups.c read each method's fields into a format for all products and rules for those
 * that their names except; hf_quant_rules.c matches names; hf_quant_parts.c knows the names that
 * checkpoints use for each product and makes each part's mean. */
#ifndef REPRISE_MODELS_HF_QUANT_H
#define REPRISE_MODELS_HF_QUANT_H

#include "models/hf_config.h"

#include <regex.h>

/* bytes: of a parameter, with its share of scales and zero points. matrix_bytes: besides, of each
 * matrix (code books). format: 1 + enum number_format that it is multiplied in. */
struct quant_format {
    double bytes, matrix_bytes;
    int format;
};

/* ---- rules (hf_quant_rules.c) ---- */

/* QUANT_NAME: a run of a name's parts between dots: the module, one above it, or its last part.
 * QUANT_WILDCARD: as Python's fnmatch, of the module or of one above it. Regular expressions as
 * Python's re.match() or re.search() take them. */
enum quant_pattern { QUANT_NAME, QUANT_WILDCARD, QUANT_REGEX_MATCH, QUANT_REGEX_SEARCH };

#define QUANT_NO_LAYER UINT32_MAX
#define QUANT_TAIL_BYTES 96

/* A module as a checkpoint may call it: what stands before "layers.N." is left open. */
struct quant_name {
    uint32_t id; /* the same for one name in all layers; below the count that rules were made for */
    uint32_t layer; /* QUANT_NO_LAYER: in none (the output head) */
    const char *tail;
};

/* Owned by who made them; texts of patterns are borrowed until quant_rules_free(). */
struct quant_rules;
struct quant_rules *quant_rules_new(uint32_t names);
void quant_rules_free(struct quant_rules *rules);
/* Where several match, the first that was added holds. false: a regular expression that cannot be
 * translated to POSIX's. */
bool quant_rules_add(struct quant_rules *rules, enum quant_pattern kind, const char *pattern,
                     struct quant_format format);
/* The place of the first rule that matches; UINT32_MAX: none. */
uint32_t quant_rules_find(struct quant_rules *rules, const struct quant_name *name);
struct quant_format quant_rules_format(const struct quant_rules *rules, uint32_t place);
bool quant_rules_is_name(const struct quant_rules *rules, uint32_t place);
/* Whether so many regular expressions were tried that none is any more: what was found is not all.
 */
bool quant_rules_tired(const struct quant_rules *rules);
/* Whether some rule tells experts of one layer apart. */
bool quant_rules_by_expert(const struct quant_rules *rules);

/* A Python regular expression as a POSIX one. match: anchored at the start. false: it has what
 * POSIX does not know (look-ahead, back-references), or is none. (hf_quant_regex.c) */
bool quant_regex_compile(const char *python, bool match, regex_t *regex);

/* ---- what is said ---- */

struct quant {
    struct hf *hf;
    const char *path;     /* of the file that says it */
    const char *section;  /* of that file, for messages: "quantization_config" */
    const json_t *object; /* the section */
    struct quant_rules *rules;
    struct quant_format standard; /* of products that no rule names */
    struct quant_format experts;  /* the same of routed experts; bytes 0: as the others */
    double kv_bytes;              /* 0: nothing is said */
    const char *kv_words;         /* "fp8" */
    char note[HF_NOTE_BYTES];
};

/* Refuses a field of the section unless something was refused before. */
void quant_refuse(struct quant *quant, const char *field, const char *expected,
                  const json_t *found);
/* The field, or NULL where it is missing or null. */
const json_t *quant_field(const struct quant *quant, const char *field);
const char *quant_text(const struct quant *quant, const char *field); /* NULL: no text */
/* A whole number of at most 2^20 in `object`, which quant_refuse() then names by `field`. */
uint32_t quant_whole(struct quant *quant, const json_t *object, const char *field,
                     uint32_t standard);
/* Adds a rule; a pattern that cannot be understood is refused by its text, as of `field`. */
void quant_add(struct quant *quant, const char *field, enum quant_pattern kind, const char *pattern,
               struct quant_format format);
/* A list of modules that stay wide: names, wildcards where a '*' or '?' is in them, and regular
 * expressions behind "re:". Missing: none. */
void quant_add_wide(struct quant *quant, const char *field);
/* Takes the KV's width from a kv_cache_scheme or kv_cache_quant_algo: an object or a word. */
void quant_take_kv(struct quant *quant, const char *field);

/* ---- formats (hf_quant_formats.c) ---- */

struct quant_format quant_wide(void);
/* Integers of weights alone: a scale of 2 bytes for each `group` of them (0: none that counts), and
 * where `zero` a zero point as wide as a weight. */
struct quant_format quant_integers(uint32_t bits, uint32_t group, bool zero);
/* fp8 with a scale of 4 bytes for rows * columns weights; 0: for a row or all, which is not
 * counted.
 */
struct quant_format quant_fp8(uint64_t block);
struct quant_format quant_nvfp4(bool weights_alone), quant_mxfp4(void), quant_mxfp8(void);
struct quant_format quant_int8(bool weights_alone);
/* Of weights {type, num_bits, group_size, strategy, block_structure, symmetric} as
 * compressed-tensors names them (quantization/quant_args.py, 0.11); `named` is the format of the
 * whole, which may be NULL; alone: inputs stay wide. false: not known. */
bool quant_of_args(const json_t *weights, const char *named, bool alone,
                   struct quant_format *format);
/* Of modelopt's quant_algo, upper or lower case. group: 0, the algorithm's own. false: not known.
 */
bool quant_of_algo(const char *algo, uint32_t group, struct quant_format *format);

/* ---- methods ---- */

struct quant_method {
    const char *name; /* of quant_method; several share a reader */
    void (*read)(struct quant *quant);
};
extern const struct quant_method quant_methods[]; /* ended by NULL (hf_quant_schemes.c) */
/* hf_quant_groups.c */
void quant_read_compressed(struct quant *quant);
void quant_read_modelopt(struct quant *quant);
void quant_read_quark(struct quant *quant);
/* Modules by name with an algorithm each, modelopt's quantized_layers. */
void quant_read_quantized_layers(struct quant *quant);

/* ---- into the model ---- */

/* How many names there are, for quant_rules_new(). */
uint32_t quant_names(void);
/* Fills in each part's bytes and formats, and those of embedding and head. (hf_quant_parts.c) */
void quant_apply(struct quant *quant);

#endif
