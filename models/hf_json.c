/* models/hf_json.c - JSON as Python's json module writes it: with Infinity, -Infinity and NaN,
 * which no standard knows and config.json files hold. They become null: no size is infinite. */
#include "models/hf_config.h"

#include "base/json_constants.h"
#include "base/json_why.h"
#include "base/memory.h"
#include "base/plain_file.h"
#include "base/read_end.h"
#include "base/shown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MOST (16u << 20)

static FILE *open_json(const char *path, bool found, struct error *err)
{
    FILE *file;
    if (found)
        return plain_file_open(path, &file, err) == STATUS_OK ? file : NULL;
    file = fopen(path, "rb");
    if (file == NULL)
        error_io(err, path, "open", strerror(errno));
    return file;
}

/* The caller's to free(). NULL: err says why. */
static char *read_text(const char *path, bool found, struct error *err)
{
    FILE *file = open_json(path, found, err);
    if (file == NULL)
        return NULL;
    size_t length;
    char *text = read_most(file, FILE_BYTES_MOST, &length);
    if (read_end(file, path, err) == STATUS_OK) {
        if (length > FILE_BYTES_MOST)
            error_input(err, path, 0, NULL, "a config.json of at most 16 MiB", "a larger file");
        else if (strlen(text) == length)
            return text;
        else
            error_input(err, path, 0, NULL, "a JSON object", "a binary file");
    }
    free(text);
    return NULL;
}

/* Names of fields, modules and kinds are told, and written into comments of YAML: a text becomes
 * what shown.h shows of it, here for all readers. The tree is as deep as jansson lets one be. */
static json_t *shown_copy(json_t *value)
{
    const char *name;
    json_t *entry, *copy;
    size_t i;
    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach(value, name, entry)
        {
            char *shown = shown_new(name);
            json_object_set_new(copy, shown, shown_copy(entry));
            free(shown);
        }
    } else if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, entry) json_array_append_new(copy, shown_copy(entry));
    } else if (json_is_string(value)) {
        char *shown = shown_new(json_string_value(value));
        copy = json_string(shown);
        free(shown);
    } else {
        copy = json_incref(value);
    }
    if (copy == NULL)
        memory_exhausted();
    return copy;
}

enum status hf_json_load(const char *path, bool found, json_t **root, struct error *err)
{
    char *text = read_text(path, found, err);
    if (text == NULL)
        return err->status;
    json_error_t problem;
    const char *mark = "\xEF\xBB\xBF"; /* of UTF-8, which some editors write */
    const char *begin = strncmp(text, mark, 3) == 0 ? text + 3 : text;
    size_t length;
    char *plain = json_without_constants(begin, strlen(begin), &length);
    free(text);
    json_t *read = json_loads(plain, JSON_REJECT_DUPLICATES, &problem);
    free(plain);
    char why[JSON_WHY_BYTES];
    if (read == NULL)
        return error_input(err, path, problem.line > 0 ? (uint64_t)problem.line : 0, NULL,
                           "a JSON object",
                           json_why(problem.text, problem.position, why, sizeof why));
    *root = shown_copy(read);
    json_decref(read);
    if (json_is_object(*root))
        return STATUS_OK;
    json_decref(*root);
    *root = NULL;
    return error_input(err, path, 0, NULL, "a JSON object", "another value");
}
