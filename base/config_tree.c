/* base/config_tree.c - from YAML text, or --set, to the list of entries that is the tree. What keys
 * mean is config_load.c's. */
#include "base/config_tree.h"

#include "base/config_entries.h"
#include "base/memory.h"
#include "base/read_end.h"
#include "base/shown.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define FILE_BYTES_MAX (UINT64_C(1) << 20)

const struct config_entry *config_find(const struct config_tree *tree, const char *key)
{
    for (uint32_t i = 0; i < tree->count; i++)
        if (strcmp(tree->entry[i].key, key) == 0)
            return &tree->entry[i];
    return NULL;
}

enum status config_refuse(const struct config_tree *tree, const struct config_entry *entry,
                          const char *expected, const char *found, struct error *err)
{
    if (entry->source != NULL) /* it names the key already */
        return error_input(err, entry->source, 0, NULL, expected, found);
    return error_input(err, tree->name, entry->line, entry->key, expected, found);
}

static struct config_entry *append_entry(struct config_tree *tree, const char *key, uint64_t line)
{
    memory_grow(&tree->entry, &tree->capacity, (uint64_t)tree->count + 1, sizeof *tree->entry);
    struct config_entry *entry = &tree->entry[tree->count++];
    *entry = (struct config_entry){ .key = memory_text(key), .line = line };
    return entry;
}

void config_tree_free(struct config_tree *tree)
{
    if (tree == NULL)
        return;
    for (uint32_t i = 0; i < tree->count; i++) {
        free(tree->entry[i].key);
        free(tree->entry[i].value);
        free(tree->entry[i].source);
    }
    free(tree->entry);
    free(tree->name);
    free(tree);
}

/* Reading: libyaml's events, one at a time. */

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; owned */
    struct config_tree *tree;
    struct error *err;
    const char *text;
    char key[CONFIG_KEY_BYTES]; /* of the mapping or value being read */
};

static uint64_t line_of_event(const struct reader *reader)
{
    return reader->event.start_mark.line + 1;
}

static enum status refuse_event(struct reader *reader, const char *expected, const char *found)
{
    return error_input(reader->err, reader->tree->name, line_of_event(reader), reader->key,
                       expected, found);
}

/* libyaml knows lines once it has decoded characters; before, only how many bytes it took. */
static uint64_t line_of_offset(const char *text, size_t offset)
{
    uint64_t line = 1;
    for (size_t i = 0; i < offset && text[i] != '\0'; i++)
        line += text[i] == '\n';
    return line;
}

static enum status refuse_syntax(struct reader *reader)
{
    const yaml_parser_t *parser = &reader->parser;
    if (parser->error == YAML_MEMORY_ERROR)
        memory_exhausted();
    uint64_t line = parser->error == YAML_READER_ERROR
                        ? line_of_offset(reader->text, parser->problem_offset)
                        : parser->problem_mark.line + 1;
    char expected[CONFIG_PHRASE_BYTES];
    snprintf(expected, sizeof expected, "valid YAML (%s)",
             parser->problem != NULL ? parser->problem : "it is not");
    return error_input(reader->err, reader->tree->name, line, NULL, expected, NULL);
}

static enum status next_event(struct reader *reader)
{
    yaml_event_delete(&reader->event);
    return yaml_parser_parse(&reader->parser, &reader->event) ? STATUS_OK : refuse_syntax(reader);
}

static enum status second_next_event(struct reader *reader)
{
    return next_event(reader) ? reader->err->status : next_event(reader);
}

/* The current event's text; NULL when it holds a NUL byte ("\0" in double quotes). */
static const char *scalar_text(const struct reader *reader)
{
    const char *text = (const char *)reader->event.data.scalar.value;
    return strlen(text) == reader->event.data.scalar.length ? text : NULL;
}

/* Extends reader->key by the current event, which ought to be a key of the mapping whose own key is
 * prefix_bytes long. */
static enum status read_key(struct reader *reader, size_t prefix_bytes)
{
    static const char expected[] = "a key: a short text without line breaks or control characters";
    reader->key[prefix_bytes] = '\0';
    if (reader->event.type != YAML_SCALAR_EVENT)
        return refuse_event(reader, expected, NULL);
    const char *text = scalar_text(reader);
    if (text == NULL || *text == '\0' || !shown_is_plain(text))
        return refuse_event(reader, expected, text);
    size_t room = sizeof reader->key - prefix_bytes;
    int written =
        snprintf(reader->key + prefix_bytes, room, "%s%s", prefix_bytes > 0 ? "." : "", text);
    if (written < 0 || (size_t)written >= room)
        return refuse_event(reader, "a key of at most 95 bytes, sections included", NULL);
    return STATUS_OK;
}

/* "key:", "key: ~", "key: null": whether the default or nothing is meant is not ours to guess. */
static bool is_null(const struct reader *reader)
{
    const char *text = (const char *)reader->event.data.scalar.value;
    return reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (*text == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static enum status refuse_tag(struct reader *reader, const yaml_char_t *tag)
{
    return refuse_event(reader, "a value without a YAML tag", (const char *)tag);
}

static enum status read_scalar(struct reader *reader, uint64_t line)
{
    const char *text = scalar_text(reader);
    if (text == NULL)
        return refuse_event(reader, "a value without NUL bytes", NULL);
    if (!shown_is_plain_lines(text))
        return refuse_event(reader, "a value without control characters", text);
    if (reader->event.data.scalar.tag != NULL)
        return refuse_tag(reader, reader->event.data.scalar.tag);
    if (is_null(reader))
        return refuse_event(reader, "a value (\"\" for an empty text)", text);
    append_entry(reader->tree, reader->key, line)->value = memory_text(text);
    return STATUS_OK;
}

static enum status read_mapping(struct reader *reader);

/* Reads what the key read last stands for. */
static enum status read_value(struct reader *reader, uint64_t line)
{
    if (next_event(reader))
        return reader->err->status;
    switch (reader->event.type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, line);
    case YAML_MAPPING_START_EVENT:
        if (reader->event.data.mapping_start.tag != NULL)
            return refuse_tag(reader, reader->event.data.mapping_start.tag);
        append_entry(reader->tree, reader->key, line);
        return read_mapping(reader);
    case YAML_ALIAS_EVENT:
        return refuse_event(reader, "a value written out, not an alias",
                            (const char *)reader->event.data.alias.anchor);
    default:
        return refuse_event(reader, "one value or a mapping, not a sequence", NULL);
    }
}

/* Reads a mapping to its end; its start is the current event. The recursion is as deep as the key
 * has parts, and its length is bounded. */
static enum status read_mapping(struct reader *reader)
{
    const size_t prefix_bytes = strlen(reader->key);
    for (;;) {
        if (next_event(reader))
            return reader->err->status;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            return STATUS_OK;
        uint64_t line = line_of_event(reader);
        if (read_key(reader, prefix_bytes) || read_value(reader, line))
            return reader->err->status;
    }
}

static enum status read_stream(struct reader *reader)
{
    static const char expected[] = "a mapping of keys to values";
    if (second_next_event(reader)) /* the stream's start, then the document's */
        return reader->err->status;
    if (reader->event.type == YAML_STREAM_END_EVENT)
        return error_input(reader->err, reader->tree->name, 0, NULL, expected, "an empty file");
    if (next_event(reader))
        return reader->err->status;
    if (reader->event.type != YAML_MAPPING_START_EVENT)
        return refuse_event(reader, expected, NULL);
    if (read_mapping(reader))
        return reader->err->status;
    reader->key[0] = '\0';
    if (second_next_event(reader)) /* the document's end, then the stream's */
        return reader->err->status;
    if (reader->event.type != YAML_STREAM_END_EVENT)
        return refuse_event(reader, "the end of the file after one document", NULL);
    return STATUS_OK;
}

struct place {
    const char *key;
    uint32_t entry; /* its index */
};

static int by_key_then_entry(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    int order = strcmp(a->key, b->key);
    return order != 0 ? order : (a->entry > b->entry) - (a->entry < b->entry);
}

/* Sorted, since a file of 1 MiB may hold 200 000 keys; names the second of the pair that comes
 * first. */
static enum status refuse_duplicates(const struct config_tree *tree, struct error *err)
{
    struct place *sorted = memory_new(tree->count, sizeof *sorted);
    for (uint32_t i = 0; i < tree->count; i++)
        sorted[i] = (struct place){ tree->entry[i].key, i };
    qsort(sorted, tree->count, sizeof *sorted, by_key_then_entry);
    uint32_t first = 0, second = UINT32_MAX;
    for (uint32_t i = 1; i < tree->count; i++)
        if (strcmp(sorted[i].key, sorted[i - 1].key) == 0 && sorted[i].entry < second) {
            first = sorted[i - 1].entry;
            second = sorted[i].entry;
        }
    free(sorted);
    if (second == UINT32_MAX)
        return STATUS_OK;
    char expected[CONFIG_PHRASE_BYTES];
    snprintf(expected, sizeof expected, "each key once; it is in line %llu already",
             (unsigned long long)tree->entry[first].line);
    return config_refuse(tree, &tree->entry[second], expected, NULL, err);
}

static enum status check_bytes(const char *text, size_t bytes, const char *name, struct error *err)
{
    if (bytes > FILE_BYTES_MAX)
        return error_input(err, name, 0, NULL, "a file of at most 1 MiB", NULL);
    size_t clean = strnlen(text, bytes);
    if (clean < bytes)
        return error_input(err, name, line_of_offset(text, clean), NULL, "text", "a NUL byte");
    return STATUS_OK;
}

static enum status read_entries(struct reader *reader, size_t bytes)
{
    if (config_flat_read(reader->text, reader->tree))
        return refuse_duplicates(reader->tree, reader->err);
    if (!yaml_parser_initialize(&reader->parser))
        memory_exhausted();
    yaml_parser_set_input_string(&reader->parser, (const unsigned char *)reader->text, bytes);
    if (read_stream(reader) == STATUS_OK)
        refuse_duplicates(reader->tree, reader->err);
    yaml_event_delete(&reader->event);
    yaml_parser_delete(&reader->parser);
    return reader->err->status;
}

/* text: ended by a NUL byte that bytes does not count. */
static enum status parse_bytes(const char *text, size_t bytes, const char *name,
                               struct config_tree **tree, struct error *err)
{
    if (check_bytes(text, bytes, name, err))
        return err->status;
    struct reader reader = { .tree = memory_new(1, sizeof **tree), .err = err, .text = text };
    reader.tree->name = memory_text(name);
    if (read_entries(&reader, bytes) == STATUS_OK)
        *tree = reader.tree;
    else
        config_tree_free(reader.tree);
    return err->status;
}

enum status config_tree_parse(const char *text, const char *name, struct config_tree **tree,
                              struct error *err)
{
    return parse_bytes(text, strlen(text), name, tree, err);
}

enum status config_tree_read(const char *path, struct config_tree **tree, struct error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return error_io(err, path, "open", strerror(errno));
    size_t bytes;
    char *text = read_most(file, FILE_BYTES_MAX, &bytes);
    if (read_end(file, path, err) == STATUS_OK)
        parse_bytes(text, bytes, path, tree, err);
    free(text);
    return err->status;
}

/* --set */

static void set_value(struct config_tree *tree, const char *key, const char *value)
{
    struct config_entry *entry = NULL;
    for (uint32_t i = 0; i < tree->count && entry == NULL; i++)
        if (strcmp(tree->entry[i].key, key) == 0)
            entry = &tree->entry[i];
    if (entry == NULL)
        entry = append_entry(tree, key, 0);
    free(entry->value);
    free(entry->source);
    entry->value = memory_text(value);
    const size_t source_bytes = sizeof "--set " + strlen(key);
    entry->source = memory_new(source_bytes, 1);
    snprintf(entry->source, source_bytes, "--set %s", key);
    entry->line = 0;
    entry->typed = true;
}

enum status config_tree_set(struct config_tree *tree, const char *assignment, struct error *err)
{
    const char *equals = strchr(assignment, '=');
    size_t key_bytes = equals != NULL ? (size_t)(equals - assignment) : 0;
    /* The record of a run must pass libyaml's check when it is read back. */
    if (key_bytes == 0 || key_bytes >= CONFIG_KEY_BYTES || !shown_is_plain(assignment))
        return error_input(
            err, "--set", 0, NULL,
            "KEY=VALUE in UTF-8, without control characters, such as engine.batch=32", assignment);
    char key[CONFIG_KEY_BYTES];
    memcpy(key, assignment, key_bytes);
    key[key_bytes] = '\0';
    set_value(tree, key, equals + 1);
    return STATUS_OK;
}
