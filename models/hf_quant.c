/* models/hf_quant.c - a quantised checkpoint: where that is said (quantization_config of the
 * config.json, or hf_quant_config.json beside it), by which method, and what it says of the KV.
 *
 * As vLLM finds it (transformers_utils/config.py, get_config()): the section of the config.json
 * goes before the file beside it. vLLM serves with the KV that it says, kv_cache_dtype being auto,
 * since pull request 30785 (after 0.13.0) for modelopt's and 30141 (attention.py as of 0.19) for
 * compressed-tensors'; TensorRT-LLM always did. */
#include "models/hf_quant.h"

#include "base/absent.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PATH_BYTES 4096
#define WHOLE_MOST (1 << 20)

/* ---- fields ---- */

/* Errors name the file that says it, which may be the one beside the config.json. */
void quant_refuse(struct quant *quant, const char *field, const char *expected, const json_t *found)
{
    char key[sizeof quant->hf->err->key];
    const char *path = quant->hf->path;
    snprintf(key, sizeof key, "%s%s%s", quant->section, *quant->section != '\0' ? "." : "", field);
    quant->hf->path = quant->path;
    hf_refuse(quant->hf, key, expected, found);
    quant->hf->path = path;
}

const json_t *quant_field(const struct quant *quant, const char *field)
{
    const json_t *value = json_object_get(quant->object, field);
    return json_is_null(value) ? NULL : value;
}

const char *quant_text(const struct quant *quant, const char *field)
{
    return json_string_value(quant_field(quant, field));
}

uint32_t quant_whole(struct quant *quant, const json_t *object, const char *field,
                     uint32_t standard)
{
    const json_t *value = json_object_get(object, field);
    json_int_t number = json_integer_value(value);
    if (value == NULL || json_is_null(value))
        return standard;
    if (json_is_integer(value) && number >= 0 && number <= WHOLE_MOST)
        return (uint32_t)number;
    quant_refuse(quant, field, "a whole number from 0 to 1048576", value);
    return standard;
}

void quant_add(struct quant *quant, const char *field, enum quant_pattern kind, const char *pattern,
               struct quant_format format)
{
    if (quant->hf->status == STATUS_OK && !quant_rules_add(quant->rules, kind, pattern, format)) {
        json_t *found = json_string(pattern);
        quant_refuse(quant, field,
                     "a regular expression without look-ahead, look-behind and back-references, "
                     "or the modules by their names",
                     found);
        json_decref(found);
    }
}

static enum quant_pattern kind_of(const char *pattern)
{
    return strpbrk(pattern, "*?[") != NULL ? QUANT_WILDCARD : QUANT_NAME;
}

/* An expression may be marked, as compressed-tensors does, or may be one by its looks: transformers
 * takes the names of modules_to_not_convert for expressions too. */
static void add_wide(struct quant *quant, const char *field, const char *pattern)
{
    if (strncmp(pattern, "re:", 3) == 0)
        quant_add(quant, field, QUANT_REGEX_MATCH, pattern + 3, quant_wide());
    else if (strpbrk(pattern, "\\^$|()") != NULL || strstr(pattern, ".*.") != NULL)
        quant_add(quant, field,
                  strpbrk(pattern, "\\^$|()") != NULL ? QUANT_REGEX_SEARCH : QUANT_WILDCARD,
                  pattern, quant_wide());
    else
        quant_add(quant, field, kind_of(pattern), pattern, quant_wide());
}

void quant_add_wide(struct quant *quant, const char *field)
{
    const json_t *list = quant_field(quant, field), *entry;
    size_t i;
    if (list != NULL && !json_is_array(list))
        quant_refuse(quant, field, "a list of modules that stay wide", list);
    json_array_foreach(list, i, entry)
    {
        if (json_is_string(entry))
            add_wide(quant, field, json_string_value(entry));
        else
            quant_refuse(quant, field, "names of modules", entry);
    }
}

/* ---- the KV ---- */

static void set_kv(struct quant *quant, double bytes, const char *words)
{
    quant->kv_bytes = bytes;
    quant->kv_words = words;
}

static bool kv_by_word(struct quant *quant, const char *word)
{
    static const struct {
        const char *word, *words; /* words NULL: not quantised */
        double bytes;
    } known[] = { { "FP8", "fp8", 1 },    { "FP8_E4M3", "fp8", 1 }, { "NVFP4", "nvfp4", 0.5625 },
                  { "INT8", "int8", 1 },  { "NONE", NULL, 0 },      { "AUTO", NULL, 0 },
                  { "NO_QUANT", NULL, 0 } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcasecmp(known[i].word, word) == 0) {
            set_kv(quant, known[i].bytes, known[i].words);
            return true;
        }
    return false;
}

static bool kv_by_scheme(struct quant *quant, const json_t *scheme)
{
    const char *type = json_string_value(json_object_get(scheme, "type"));
    json_int_t bits = json_integer_value(json_object_get(scheme, "num_bits"));
    bool is_float = type != NULL && strcmp(type, "float") == 0;
    if (bits == 8)
        set_kv(quant, 1, is_float ? "fp8" : "int8");
    else if (bits == 4 && is_float)
        set_kv(quant, 0.5625, "nvfp4");
    else
        return false;
    return true;
}

void quant_take_kv(struct quant *quant, const char *field)
{
    const json_t *value = quant_field(quant, field);
    const char *word = json_string_value(value);
    bool known = word != NULL ? kv_by_word(quant, word) : kv_by_scheme(quant, value);
    if (value != NULL && !known)
        quant_refuse(quant, field, "FP8, INT8, NVFP4 or none, or 8 bits or 4 of a float", value);
}

static void apply_kv(const struct quant *quant)
{
    struct model *model = quant->hf->model;
    char text[HF_NOTE_BYTES];
    if (quant->kv_bytes == 0)
        return;
    model->kv_bytes_per_value = quant->kv_bytes;
    snprintf(text, sizeof text, "KV in %s, as the checkpoint says", quant->kv_words);
    hf_note(quant->hf, &model->kv_bytes_per_value, text);
    hf_say(quant->hf, text);
}

/* ---- where it is said ---- */

/* The file beside NAME.json or config.json; false: the path is too long, or there is none. */
static bool beside(const char *path, char file[PATH_BYTES])
{
    static const struct {
        const char *ending, *other;
    } endings[] = { { "config.json", "hf_quant_config.json" },
                    { ".json", ".hf_quant_config.json" },
                    { ".json", "_hf_quant_config.json" } };
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i].ending);
        if (length < ending || strcmp(path + length - ending, endings[i].ending) != 0)
            continue;
        int written =
            snprintf(file, PATH_BYTES, "%.*s%s", (int)(length - ending), path, endings[i].other);
        if (written < PATH_BYTES && !file_absent(file))
            return true;
    }
    return false;
}

/* NULL: none, null or empty. */
static const json_t *section_of(struct hf *hf, const char *field)
{
    const json_t *value = hf_either(hf, field);
    return json_is_object(value) && json_object_size(value) == 0 ? NULL : value;
}

/* The file's object, the caller's to decref; NULL: refused. */
static json_t *load(struct hf *hf, const char *file)
{
    json_t *root = NULL;
    if (hf->status == STATUS_OK)
        hf->status = hf_json_load(file, true, &root, hf->err);
    return hf->status == STATUS_OK ? root : NULL;
}

/* Sections without quant_method are modelopt's, which writes its own name (vllm config/model.py,
 * _parse_quant_hf_config()). */
static const char *method_of(const struct quant *quant)
{
    const char *method = quant_text(quant, "quant_method");
    bool modelopt = quant_field(quant, "quant_algo") != NULL ||
                    quant_field(quant, "kv_cache_quant_algo") != NULL;
    const char *packing = quant_text(quant, "packing_format");
    if (method == NULL && modelopt)
        return "modelopt";
    if (method != NULL && packing != NULL && strncmp(packing, "auto_round", 10) == 0)
        return "auto-round";
    if (method == NULL && (json_is_true(quant_field(quant, "load_in_4bit")) ||
                           json_is_true(quant_field(quant, "load_in_8bit"))))
        return "bitsandbytes";
    return method;
}

static void refuse_method(struct quant *quant)
{
    char expected[sizeof quant->hf->err->expected] = "one of";
    size_t used = strlen(expected);
    for (const struct quant_method *of = quant_methods; of->name != NULL; of++)
        if (used < sizeof expected && strstr(of->name, "modelopt_") == NULL)
            used += (size_t)snprintf(expected + used, sizeof expected - used, " %s", of->name);
    quant_refuse(quant, "quant_method", expected, quant_field(quant, "quant_method"));
}

static void read_section(struct quant *quant)
{
    const char *name = method_of(quant);
    const struct quant_method *method = quant_methods;
    if (!json_is_object(quant->object)) {
        hf_refuse(quant->hf, quant->section, "an object", quant->object);
        return;
    }
    while (method->name != NULL && (name == NULL || strcasecmp(method->name, name) != 0))
        method++;
    if (method->name == NULL) {
        refuse_method(quant);
        return;
    }
    const char *algo = quant_text(quant, "quant_algo");
    snprintf(quant->note, sizeof quant->note, "%s.%s %.40s", quant->section,
             algo != NULL ? "quant_algo" : "quant_method", algo != NULL ? algo : name);
    quant->rules = quant_rules_new(quant_names());
    method->read(quant);
    if (quant->hf->status == STATUS_OK)
        quant_apply(quant);
    if (quant_rules_tired(quant->rules))
        hf_refuse(quant->hf, quant->section,
                  "fewer patterns of single experts: these take too long to try", NULL);
    if (quant->hf->status == STATUS_OK)
        apply_kv(quant);
    quant_rules_free(quant->rules);
}

/* hf_quant_config.json: a section of its own, or (old) the fields at the top. */
static void read_beside(struct hf *hf, const json_t *root, const char *file)
{
    const json_t *inner = json_object_get(root, "quantization");
    struct quant quant = { .hf = hf,
                           .path = file,
                           .section = inner != NULL ? "quantization" : "hf_quant_config",
                           .object = inner != NULL ? inner : root };
    if (json_object_size(quant.object) > 0 || !json_is_object(quant.object))
        read_section(&quant);
}

/* The section of the config.json says all of the weights; of the KV the file beside it may say
 * more. */
static void read_kv_beside(struct hf *hf, const json_t *root, const char *file)
{
    const json_t *inner = json_object_get(root, "quantization");
    struct quant quant = {
        .hf = hf, .path = file, .section = "quantization", .object = inner != NULL ? inner : root
    };
    quant_take_kv(&quant, "kv_cache_quant_algo");
    if (hf->status == STATUS_OK)
        apply_kv(&quant);
}

static bool says_kv(const json_t *section)
{
    return json_object_get(section, "kv_cache_scheme") != NULL ||
           json_object_get(section, "kv_cache_quant_algo") != NULL;
}

/* What AutoGPTQ and AutoAWQ wrote beside a config.json without a section (vLLM's
 * get_config_filenames()): its method has no name there. */
static void read_older_beside(struct hf *hf)
{
    static const char *const files[] = { "quantize_config.json", "quant_config.json" };
    char file[PATH_BYTES];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(file, sizeof file, "%.*s%s", path_folder_bytes(hf->path), hf->path, files[i]);
        if (file_absent(file))
            continue;
        json_t *root = load(hf, file);
        bool awq = json_object_get(root, "w_bit") != NULL;
        if (root != NULL && json_object_get(root, "quant_method") == NULL)
            json_object_set_new(root, "quant_method", json_string(awq ? "awq" : "gptq"));
        struct quant quant = {
            .hf = hf, .path = file, .section = "quantize_config", .object = root
        };
        if (root != NULL)
            read_section(&quant);
        json_decref(root);
        return;
    }
}

/* MLX's, which no engine here serves. */
static void refuse_mlx(struct hf *hf)
{
    const json_t *section = hf_either(hf, "quantization");
    if (json_object_get(section, "bits") != NULL)
        hf_refuse(
            hf, "quantization",
            "quantization_config: this is of MLX, for Apple's GPUs; take the model's own files",
            section);
}

void hf_read_quantisation(struct hf *hf)
{
    char file[PATH_BYTES];
    const char *field = "quantization_config";
    const json_t *section = section_of(hf, field);
    if (section == NULL) /* compressed-tensors' older name */
        section = section_of(hf, field = "compression_config");
    if (hf->status != STATUS_OK)
        return;
    if (section != NULL) {
        struct quant quant = { .hf = hf, .path = hf->path, .section = field, .object = section };
        read_section(&quant);
    }
    if (section == NULL)
        refuse_mlx(hf);
    bool is_beside = beside(hf->path, file);
    if (hf->status == STATUS_OK && section == NULL && !is_beside)
        read_older_beside(hf);
    if (hf->status != STATUS_OK || (section != NULL && says_kv(section)) || !is_beside)
        return;
    json_t *root = load(hf, file);
    if (root != NULL && section == NULL)
        read_beside(hf, root, file);
    else if (root != NULL)
        read_kv_beside(hf, root, file);
    json_decref(root);
}
