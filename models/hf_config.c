/* models/hf_config.c - see hf_config.h, and model_import() of models.h. */
#include "models/hf_config.h"

#include "base/memory.h"
#include "models/folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define WHOLE_MOST INT64_C(0x7fffffff)

/* ---- fields ---- */

void hf_refuse(struct hf *hf, const char *field, const char *expected, const json_t *found)
{
    if (hf->status != STATUS_OK)
        return;
    char *text = found != NULL ? json_dumps(found, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    hf->status =
        error_input(hf->err, hf->path, 0, field, expected, text != NULL ? text : "no such field");
    free(text);
}

const json_t *hf_field(const struct hf *hf, const char *field)
{
    const json_t *value = json_object_get(hf->object, field);
    return json_is_null(value) ? NULL : value;
}

static uint32_t whole_of(struct hf *hf, const char *field, const json_t *value)
{
    json_int_t number = json_integer_value(value);
    if (json_is_integer(value) && number >= 0 && number <= WHOLE_MOST)
        return (uint32_t)number;
    hf_refuse(hf, field, "a whole number from 0 to 2147483647", value);
    return 0;
}

uint32_t hf_whole(struct hf *hf, const char *field)
{
    return whole_of(hf, field, hf_field(hf, field));
}

uint32_t hf_whole_or(struct hf *hf, const char *field, uint32_t standard)
{
    const json_t *value = hf_field(hf, field);
    return value != NULL ? whole_of(hf, field, value) : standard;
}

bool hf_flag_or(struct hf *hf, const char *field, bool standard)
{
    const json_t *value = hf_field(hf, field);
    if (value != NULL && !json_is_boolean(value))
        hf_refuse(hf, field, "true or false", value);
    return value != NULL ? json_is_true(value) : standard;
}

bool hf_count_layers(struct hf *hf, const char *field, uint32_t layers, const char *const *choices,
                     uint32_t *count)
{
    const json_t *list = hf_field(hf, field);
    if (list == NULL || hf->status != STATUS_OK)
        return false;
    if (json_array_size(list) != layers)
        hf_refuse(hf, field, "a list with an entry for each layer", list);
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *entry = json_string_value(json_array_get(list, i));
        size_t kind = 0;
        while (choices[kind] != NULL && (entry == NULL || strcmp(entry, choices[kind]) != 0))
            kind++;
        if (choices[kind] == NULL)
            hf_refuse(hf, field, "kinds of layers that are known here", json_array_get(list, i));
        else
            count[kind]++;
    }
    return hf->status == STATUS_OK;
}

/* ---- into the model, with notes ---- */

/* What is noted again was read again, by a family that knows better. */
void hf_note(struct hf *hf, const void *member, const char *text)
{
    size_t offset = (size_t)((const char *)member - (const char *)hf->model);
    uint32_t at = 0;
    while (at < hf->notes && hf->note[at].offset != offset)
        at++;
    if (at == HF_NOTES_MOST)
        return;
    hf->notes += at == hf->notes;
    hf->note[at].offset = offset;
    snprintf(hf->note[at].text, sizeof hf->note[at].text, "%s", text);
}

static void note_field(struct hf *hf, const void *member, const char *field)
{
    char text[HF_NOTE_BYTES];
    snprintf(text, sizeof text, hf_field(hf, field) != NULL ? "%s" : "no %s; transformers' default",
             field);
    hf_note(hf, member, text);
}

void hf_take(struct hf *hf, uint32_t *member, const char *field)
{
    *member = hf_whole(hf, field);
    note_field(hf, member, field);
}

void hf_take_or(struct hf *hf, uint32_t *member, const char *field, uint32_t standard)
{
    *member = hf_whole_or(hf, field, standard);
    note_field(hf, member, field);
}

void hf_take_flag_or(struct hf *hf, bool *member, const char *field, bool standard)
{
    *member = hf_flag_or(hf, field, standard);
    note_field(hf, member, field);
}

void hf_derive(struct hf *hf, uint32_t *member, uint32_t value, const char *text)
{
    *member = value;
    hf_note(hf, member, text);
}

/* ---- widths of numbers ---- */

/* Of the part for language, or else of the whole file. */
static const json_t *either(const struct hf *hf, const char *field)
{
    const json_t *value = hf_field(hf, field);
    if (value == NULL)
        value = json_object_get(hf->outer, field);
    return json_is_null(value) ? NULL : value;
}

/* Weights of 4 bytes are served in 2, as vLLM's dtype "auto" does. */
static void read_width(struct hf *hf)
{
    const json_t *value = either(hf, "torch_dtype");
    const char *field = value != NULL ? "torch_dtype" : "dtype";
    if (value == NULL)
        value = either(hf, "dtype");
    const char *type = json_string_value(value);
    char text[HF_NOTE_BYTES];
    if (value != NULL &&
        (type == NULL || (strcmp(type, "bfloat16") != 0 && strcmp(type, "float16") != 0 &&
                          strcmp(type, "float32") != 0)))
        hf_refuse(hf, field, "bfloat16, float16 or float32", value);
    hf->model->weight_bytes_per_parameter = 2;
    snprintf(text, sizeof text, "%s %s%s",
             type != NULL ? field : "no dtype:", type != NULL ? type : "served in 2",
             type != NULL && strcmp(type, "float32") == 0 ? ", served in 2" : "");
    hf_note(hf, &hf->model->weight_bytes_per_parameter, text);
}

/* Integers of `bits` with a scale of 2 bytes and a zero point for each group. */
static double grouped_bytes(struct hf *hf, const json_t *quantisation)
{
    json_int_t bits = json_integer_value(json_object_get(quantisation, "bits"));
    json_int_t group = json_integer_value(json_object_get(quantisation, "group_size"));
    if (bits < 2 || bits > 8)
        hf_refuse(hf, "quantization_config.bits", "2 to 8", json_object_get(quantisation, "bits"));
    double value = (double)bits / 8.0;
    return group > 0 ? value + (2.0 + value) / (double)group : value;
}

static void take_format(struct hf *hf, int *member, enum number_format format, const char *text)
{
    *member = 1 + (int)format;
    hf_note(hf, member, text);
}

/* fp8 with a scale for each block of weights is another product than with one for all. */
static enum number_format fp8_format(const json_t *quantisation)
{
    bool blocks = json_is_array(json_object_get(quantisation, "weight_block_size"));
    return blocks ? FORMAT_FP8_BLOCK : FORMAT_FP8;
}

/* mxfp4: 4 bits and a scale of 8 for 32 values (OCP Microscaling 1.0), of gpt-oss's experts only.
 */
static void read_quantisation(struct hf *hf)
{
    const json_t *quantisation = either(hf, "quantization_config");
    if (quantisation == NULL)
        return;
    const json_t *method_value = json_object_get(quantisation, "quant_method");
    const char *method = json_string_value(method_value);
    struct model *model = hf->model;
    const void *member = &model->weight_bytes_per_parameter;
    if (method == NULL)
        method = "";
    char text[HF_NOTE_BYTES];
    snprintf(text, sizeof text, "quantization_config.quant_method %.40s", method);
    if (strcmp(method, "fp8") == 0 || strcmp(method, "fbgemm_fp8") == 0) {
        model->weight_bytes_per_parameter = 1;
        take_format(hf, &model->weight_format, fp8_format(quantisation), text);
    } else if (strcmp(method, "gptq") == 0 || strcmp(method, "awq") == 0) {
        model->weight_bytes_per_parameter = grouped_bytes(hf, quantisation);
        if (model->weight_bytes_per_parameter < 1)
            take_format(hf, &model->weight_format, FORMAT_INT4, text);
    } else if (strcmp(method, "mxfp4") == 0 && model->experts > 0) {
        model->expert_bytes_per_parameter = 4.25 / 8.0;
        take_format(hf, &model->expert_format, FORMAT_MXFP4, text);
    } else
        hf_refuse(hf, "quantization_config.quant_method",
                  "fp8, fbgemm_fp8, gptq, awq, or mxfp4 of experts", method_value);
    if (strcmp(method, "mxfp4") == 0) {
        member = &model->expert_bytes_per_parameter;
    } else {
        model->head_bytes_per_parameter = 2;
        hf_note(hf, &model->head_bytes_per_parameter,
                "engines quantise neither embedding nor head");
    }
    hf_note(hf, member, text);
}

/* ---- the file ---- */

/* Of one's models, those that write text. */
static bool is_of(const struct hf_family *family, const char *architecture)
{
    size_t length = strlen(family->architecture);
    const char *rest = architecture + length;
    return strncmp(architecture, family->architecture, length) == 0 &&
           (*rest == '\0' || strcmp(rest, "ForCausalLM") == 0 ||
            strcmp(rest, "ForConditionalGeneration") == 0);
}

static const struct hf_family *family_in(const struct hf_family *family, const char *architecture)
{
    while (family->architecture != NULL && !is_of(family, architecture))
        family++;
    return family->architecture != NULL ? family : NULL;
}

static size_t list_families(const struct hf_family *families, char *text, size_t size, size_t used)
{
    for (const struct hf_family *family = families; family->architecture != NULL && used < size;
         family++)
        used += (size_t)snprintf(text + used, size - used, " %s", family->architecture);
    return used;
}

static const struct hf_family *find_family(struct hf *hf)
{
    const json_t *list = json_object_get(hf->outer, "architectures");
    const char *architecture = json_string_value(json_array_get(list, 0));
    const struct hf_family *family = NULL;
    if (architecture != NULL && json_array_size(list) == 1) {
        family = family_in(hf_families, architecture);
        if (family == NULL)
            family = family_in(hf_hybrids, architecture);
    }
    if (family != NULL)
        return family;
    char expected[sizeof hf->err->expected] = "one of";
    size_t used = list_families(hf_families, expected, sizeof expected, strlen(expected));
    list_families(hf_hybrids, expected, sizeof expected, used);
    hf_refuse(hf, "architectures", expected, list);
    return NULL;
}

static void read_model(struct hf *hf)
{
    const json_t *text = json_object_get(hf->outer, "text_config");
    hf->object = json_is_object(text) ? text : hf->outer;
    const struct hf_family *family = find_family(hf);
    if (family == NULL)
        return;
    struct model *model = hf->model;
    model->gated_ffn = true;
    model->kv_bytes_per_value = 2;
    model->state_bytes_per_value = 2;
    family->read(hf);
    read_width(hf);
    read_quantisation(hf);
    snprintf(model->source, sizeof model->source, "Hugging Face config.json (%s) of %.180s",
             family->architecture, model->name);
}

/* The name of the folder that holds the config.json, or the file's where it has one of its own. */
static void name_by_path(const char *path, char name[CONFIG_TEXT_BYTES])
{
    const char *end = strrchr(path, '/'), *file = end != NULL ? end + 1 : path;
    if (strcmp(file, "config.json") != 0 || end == NULL) {
        const char *dot = strrchr(file, '.');
        snprintf(name, CONFIG_TEXT_BYTES, "%.*s", (int)(dot - file), file);
        return;
    }
    const char *start = end;
    while (start > path && start[-1] != '/')
        start--;
    snprintf(name, CONFIG_TEXT_BYTES, "%.*s", (int)(end - start), start);
}

static enum status parse(const char *path, json_t **root, struct error *err)
{
    json_error_t problem;
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return error_io(err, path, "open", strerror(errno));
    *root = json_loadf(file, JSON_REJECT_DUPLICATES, &problem);
    fclose(file);
    if (*root == NULL)
        return error_input(err, path, problem.line > 0 ? (uint64_t)problem.line : 0, NULL,
                           "a JSON object", problem.text);
    if (json_is_object(*root))
        return STATUS_OK;
    json_decref(*root);
    return error_input(err, path, 0, NULL, "a JSON object", "another value");
}

bool model_is_config(const char *name_or_path)
{
    static const char extension[] = ".json";
    struct stat about;
    size_t length = strlen(name_or_path), tail = sizeof extension - 1;
    if (length > tail && strcmp(name_or_path + length - tail, extension) == 0)
        return true;
    return strchr(name_or_path, '/') != NULL && stat(name_or_path, &about) == 0 &&
           S_ISDIR(about.st_mode);
}

/* The ranges of a YAML's keys hold for what is imported too. */
static enum status check_ranges(const struct hf *hf)
{
    const struct config_section sections[] = { { .prefix = "", .rows = model_rows },
                                               { .rows = NULL } };
    struct config_tree *tree = NULL;
    struct model read;
    char *text = config_values_text(sections, hf->model);
    enum status status = config_tree_parse(text, hf->path, &tree, hf->err);
    if (status == STATUS_OK)
        status = config_load(sections, tree, &read, hf->err);
    if (status != STATUS_OK)
        hf->err->line = 0; /* it is not the file's */
    config_tree_free(tree);
    free(text);
    return status;
}

static enum status read_checked(struct hf *hf, FILE *yaml)
{
    read_model(hf);
    enum status status = hf->status;
    if (status == STATUS_OK)
        status = check_ranges(hf);
    if (status == STATUS_OK)
        status = model_check(hf->model, hf->path, hf->err);
    if (status == STATUS_OK && yaml != NULL)
        hf_write_yaml(yaml, hf);
    return status;
}

enum status model_import(const char *path, const char *name, struct model *model, FILE *yaml,
                         struct error *err)
{
    char file[MODELS_PATH_BYTES];
    struct stat about;
    bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    size_t length = strlen(path);
    const char *slash = folder && length > 0 && path[length - 1] == '/' ? "" : "/";
    snprintf(file, sizeof file, folder ? "%s%sconfig.json" : "%s", path, slash);
    memset(model, 0, sizeof *model);
    if (name != NULL)
        snprintf(model->name, sizeof model->name, "%s", name);
    else
        name_by_path(file, model->name);
    json_t *root = NULL;
    if (parse(file, &root, err) != STATUS_OK)
        return err->status;
    struct hf *hf = memory_new(1, sizeof *hf);
    *hf = (struct hf){ .path = file, .outer = root, .model = model, .err = err };
    enum status status = read_checked(hf, yaml);
    free(hf);
    json_decref(root);
    return status;
}
