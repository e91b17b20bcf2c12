/* base/config_fill.c - a tree's values laid under another's: presets, which yield to what is said.
 */
#include "base/config_entries.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text)
{
    return text != NULL ? memory_text(text) : NULL;
}

static struct config_entry *append(struct config_tree *tree)
{
    memory_grow(&tree->entry, &tree->capacity, (uint64_t)tree->count + 1, sizeof *tree->entry);
    return &tree->entry[tree->count++];
}

struct config_tree *config_tree_copy(const struct config_tree *tree)
{
    struct config_tree *copy = memory_new(1, sizeof *copy);
    copy->name = copy_text(tree->name);
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct config_entry *entry = &tree->entry[i];
        *append(copy) = (struct config_entry){ .key = memory_text(entry->key),
                                               .value = copy_text(entry->value),
                                               .source = copy_text(entry->source),
                                               .line = entry->line,
                                               .typed = entry->typed };
    }
    return copy;
}

const char *config_tree_value(const struct config_tree *tree, const char *key)
{
    const struct config_entry *entry = config_find(tree, key);
    return entry != NULL ? entry->value : NULL;
}

/* Whether some mapping holds the key. */
static bool is_held(const struct config_tree *tree, const char *key)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct config_entry *entry = &tree->entry[i];
        size_t length = strlen(entry->key);
        if (entry->value == NULL && strncmp(key, entry->key, length) == 0 && key[length] == '.')
            return true;
    }
    return false;
}

enum status config_tree_sections(const struct config_tree *tree, const char *expected,
                                 enum status (*visit)(void *context, const char *name,
                                                      struct error *err),
                                 void *context, struct error *err)
{
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct config_entry *entry = &tree->entry[i];
        if (is_held(tree, entry->key))
            continue;
        enum status status = entry->value != NULL
                                 ? config_refuse(tree, entry, expected, entry->value, err)
                                 : visit(context, entry->key, err);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

/* The name's first entry comes first: a mapping's own, or with dotted keys its first value's. */
static bool is_first(const struct config_tree *tree, uint32_t at, size_t end)
{
    for (uint32_t i = 0; i < at; i++) {
        const char *key = tree->entry[i].key;
        if (strncmp(key, tree->entry[at].key, end) == 0 && (key[end] == '.' || key[end] == '\0'))
            return false;
    }
    return true;
}

enum status config_tree_children(const struct config_tree *tree, const char *section,
                                 enum status (*visit)(void *context, const char *name,
                                                      struct error *err),
                                 void *context, struct error *err)
{
    size_t prefix = strlen(section);
    for (uint32_t i = 0; i < tree->count; i++) {
        const struct config_entry *entry = &tree->entry[i];
        char name[CONFIG_TEXT_BYTES];
        if (strncmp(entry->key, section, prefix) != 0)
            continue;
        size_t length = strcspn(entry->key + prefix, ".");
        if (!is_first(tree, i, prefix + length))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)length, entry->key + prefix);
        struct error refused = { 0 };
        enum status status = visit(context, name, &refused);
        if (status == STATUS_INPUT)
            return config_refuse(tree, entry, refused.expected, name, err);
        if (status != STATUS_OK) {
            *err = refused;
            return status;
        }
    }
    return STATUS_OK;
}

/* "FILE: KEY", as messages shall name a value that came from another file. */
static char *source_of(const struct config_tree *from, const char *key)
{
    size_t bytes = strlen(from->name) + strlen(key) + sizeof ": ";
    char *text = memory_new(bytes, 1);
    snprintf(text, bytes, "%s: %s", from->name, key);
    return text;
}

static void lay(struct config_tree *tree, const struct config_tree *from,
                const struct config_entry *entry, const char *key)
{
    struct config_entry *at = NULL;
    for (uint32_t i = 0; at == NULL && i < tree->count; i++)
        if (strcmp(tree->entry[i].key, key) == 0)
            at = &tree->entry[i];
    if (at == NULL) {
        at = append(tree);
        *at = (struct config_entry){ .key = memory_text(key) };
    }
    free(at->value);
    free(at->source);
    at->value = memory_text(entry->value);
    at->source = source_of(from, key);
    at->line = 0;
    at->typed = entry->typed;
}

void config_tree_fill(struct config_tree *tree, const struct config_tree *from, const char *section,
                      bool over, const struct config_lost *lost)
{
    size_t prefix = strlen(section);
    for (uint32_t i = 0; i < from->count; i++) {
        const struct config_entry *entry = &from->entry[i];
        if (entry->value == NULL || strncmp(entry->key, section, prefix) != 0)
            continue;
        const char *key = entry->key + prefix, *given = config_tree_value(tree, key);
        if (given != NULL && !over)
            continue;
        if (given != NULL && strcmp(given, entry->value) != 0 && lost != NULL)
            lost->tell(lost->context, key, given, entry->value);
        lay(tree, from, entry, key);
    }
}
