/* models/hf_config.c - see hf_config.h, and model_import() of models.h. */
#include "models/hf_config.h"

#include "base/absent.h"
#include "base/memory.h"
#include "base/path.h"
#include "models/folder.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- widths of numbers ---- */

/* Weights of 4 bytes are served in 2, as vLLM's dtype "auto" does. */
static void read_width(struct hf *hf)
{
    const json_t *value = hf_either(hf, "torch_dtype");
    const char *field = value != NULL ? "torch_dtype" : "dtype";
    if (value == NULL)
        value = hf_either(hf, "dtype");
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

/* ---- the file ---- */

/* Those that write text, of one family's models. */
static bool writes_text(const char *architecture)
{
    static const char *const ends[] = { "ForCausalLM",  "ForConditionalGeneration",
                                        "LMHeadModel",  "ChatModel",
                                        "ChatGLMModel", NULL };
    for (const char *const *end = ends; *end != NULL; end++) {
        size_t length = strlen(architecture), tail = strlen(*end);
        if (length >= tail && strcmp(architecture + length - tail, *end) == 0)
            return true;
    }
    return false;
}

static bool judges(const char *architecture)
{
    return strstr(architecture, "Classification") != NULL ||
           strstr(architecture, "Reward") != NULL ||
           strstr(architecture, "QuestionAnswering") != NULL ||
           strstr(architecture, "MaskedLM") != NULL || strstr(architecture, "Embedding") != NULL ||
           strstr(architecture, "Ranking") != NULL;
}

/* The language model of one that sees and hears has an object of its own. */
static const json_t *language_part(const json_t *outer)
{
    static const char *const names[] = { "text_config", "llm_config", "language_config",
                                         "thinker_config", NULL };
    for (const char *const *name = names; *name != NULL; name++) {
        const json_t *part = json_object_get(outer, *name);
        if (json_is_object(part) && json_object_size(part) > 1)
            return language_part(part);
    }
    return outer;
}

/* The language part's own names go before the whole's: a wrapper has many kinds of them inside. */
static void find_family(struct hf *hf)
{
    const json_t *list = json_object_get(hf->outer, "architectures");
    const char *names[] = {
        json_string_value(json_array_get(json_object_get(hf->object, "architectures"), 0)),
        json_string_value(json_object_get(hf->object, "model_type")),
        json_string_value(json_array_get(list, 0)),
        json_string_value(json_object_get(hf->outer, "model_type")),
    };
    const char *first = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && hf->habits == NULL; i++) {
        first = first != NULL ? first : names[i];
        hf->habits = names[i] != NULL ? hf_habits_of(names[i]) : NULL;
        if (hf->habits != NULL)
            first = names[i];
    }
    bool listed = json_array_size(list) > 0 && names[2] != NULL;
    /* A family that is known writes text whatever its class is called; judges of texts do not. */
    bool writes = listed && (writes_text(names[2]) || hf->habits != NULL) && !judges(names[2]);
    if ((list != NULL && !listed) || (listed && !writes) || first == NULL)
        hf_refuse(hf, "architectures", "a model that writes text (...ForCausalLM), or model_type",
                  list);
    if (json_is_true(json_object_get(hf->object, "is_encoder_decoder")))
        hf_refuse(hf, "is_encoder_decoder", "false: a decoder",
                  json_object_get(hf->object, "is_encoder_decoder"));
    snprintf(hf->family, sizeof hf->family, "%s", first != NULL ? first : "");
    if (hf->habits == NULL) {
        hf->habits = &hf_unknown;
        char text[128];
        snprintf(text, sizeof text, "%.60s is not a family known here: read by its fields",
                 hf->family);
        hf_say(hf, text);
    }
}

static void read_model(struct hf *hf)
{
    struct model *model = hf->model;
    if (hf_is_mistral(hf->outer))
        hf_rename_mistral((json_t *)hf->outer);
    hf->object = language_part(hf->outer);
    find_family(hf);
    model->gated_ffn = true;
    model->parallel_attention = hf->habits->parallel;
    model->kv_bytes_per_value = 2;
    model->state_bytes_per_value = 2;
    if (hf->habits->parallel)
        hf_note(hf, &model->parallel_attention, "its architecture");
    if (hf->status == STATUS_OK && hf->habits->before != NULL)
        hf->habits->before(hf);
    hf_read_context(hf);
    hf_read_layers(hf);
    hf_read_attention(hf);
    hf_read_states(hf);
    hf_read_feed_forward(hf);
    hf_count_layers(hf);
    if (hf->status == STATUS_OK && hf->habits->after != NULL)
        hf->habits->after(hf);
    read_width(hf);
    hf_read_quantisation(hf);
    hf_check_unread(hf);
    snprintf(model->source, sizeof model->source, "Hugging Face config.json (%s) of %.150s",
             hf->family, model->name);
}

/* The name of the folder that holds the config.json, or the file's where it has one of its own. */
static void name_by_path(const char *path, char name[CONFIG_TEXT_BYTES])
{
    const char *file = path_name(path);
    bool plain = strcmp(file, "config.json") == 0 || strcmp(file, "params.json") == 0;
    if (!plain || file == path) {
        const char *dot = strrchr(file, '.');
        snprintf(name, CONFIG_TEXT_BYTES, "%.*s", (int)(dot - file), file);
        return;
    }
    const char *end = file - 1, *start = end;
    while (start > path && start[-1] != '/')
        start--;
    snprintf(name, CONFIG_TEXT_BYTES, "%.*s", (int)(end - start), start);
}

bool model_is_config(const char *name_or_path)
{
    struct stat about;
    if (path_ends_in(name_or_path, ".json"))
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

static const struct {
    const char *word;
    enum hf_assume flag;
} assumptions[] = { { "known-fields", HF_ASSUME_KNOWN_FIELDS },
                    { "dense-gqa", HF_ASSUME_DENSE_GQA },
                    { "gated-ffn", HF_ASSUME_GATED_FFN },
                    { "plain-ffn", HF_ASSUME_PLAIN_FFN } };

/* Words with commas between. */
static enum status read_assume(const char *text, uint32_t *flags, struct error *err)
{
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, ","), i = 0, count = sizeof assumptions / sizeof *assumptions;
        while (i < count && (strlen(assumptions[i].word) != length ||
                             strncmp(assumptions[i].word, text, length) != 0))
            i++;
        if (i == count)
            return error_input(err, NULL, 0, "--assume",
                               "known-fields, dense-gqa, gated-ffn, plain-ffn, with commas between",
                               text);
        *flags |= (uint32_t)assumptions[i].flag;
        text += length + (text[length] == ',');
    }
    return STATUS_OK;
}

static void say_assumed(struct hf *hf, const char *assume)
{
    char text[96];
    if (hf->assume == 0)
        return;
    snprintf(text, sizeof text, "--assume %.60s", assume);
    hf_say(hf, text);
}

/* A folder's config.json, or Mistral's params.json where there is no other. Whether it is a folder.
 */
static bool file_of(const char *path, char file[MODELS_PATH_BYTES])
{
    struct stat about;
    bool folder = stat(path, &about) == 0 && S_ISDIR(about.st_mode);
    size_t length = strlen(path);
    const char *slash = length > 0 && path[length - 1] == '/' ? "" : "/";
    snprintf(file, MODELS_PATH_BYTES, folder ? "%s%sconfig.json" : "%s", path, slash);
    if (!folder || !file_absent(file))
        return folder;
    snprintf(file, MODELS_PATH_BYTES, "%s%sparams.json", path, slash);
    if (file_absent(file))
        snprintf(file, MODELS_PATH_BYTES, "%s%sconfig.json", path, slash);
    return true;
}

enum status model_import(const char *path, const struct model_import *how, struct model *model,
                         FILE *yaml, struct error *err)
{
    char file[MODELS_PATH_BYTES];
    uint32_t assume = 0;
    bool found = file_of(path, file);
    memset(model, 0, sizeof *model);
    if (how != NULL && how->name != NULL)
        snprintf(model->name, sizeof model->name, "%s", how->name);
    else
        name_by_path(file, model->name);
    json_t *root = NULL;
    if (read_assume(how != NULL ? how->assume : NULL, &assume, err) != STATUS_OK ||
        hf_json_load(file, found, &root, err) != STATUS_OK)
        return err->status;
    struct hf *hf = memory_new(1, sizeof *hf);
    *hf = (struct hf){ .path = file,
                       .outer = root,
                       .model = model,
                       .err = err,
                       .assume = assume,
                       .read = json_object() };
    say_assumed(hf, how != NULL ? how->assume : NULL);
    enum status status = read_checked(hf, yaml);
    json_decref(hf->read);
    free(hf);
    json_decref(root);
    return status;
}
