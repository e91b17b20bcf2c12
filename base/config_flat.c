/* base/config_flat.c - the YAML that config_print_values() writes, read without libyaml: a whole
 * dotted key and its value a line, both of letters that mean nothing to YAML. A text of which one
 * line is otherwise is left to libyaml, whole. */
#include "base/config_entries.h"

#include "base/memory.h"

#include <string.h>

/* Of one line, "key: value\n". */
struct flat_line {
    const char *key, *value;
    size_t key_length, value_length;
    const char *behind; /* where the next line begins */
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool may_follow(char c)
{
    return is_letter(c) || is_digit(c) || c == '.' || c == '-' || c == '+' || c == '/';
}

static size_t key_length(const char *text)
{
    size_t length = is_letter(*text) ? 1 : 0;
    while (length > 0 && (is_letter(text[length]) || is_digit(text[length]) || text[length] == '.'))
        length++;
    return length;
}

/* Not of null, which libyaml's reader refuses. */
static size_t plain_length(const char *text)
{
    bool begins = is_letter(*text) || is_digit(*text) || (*text == '-' && is_digit(text[1]));
    size_t length = begins ? 1 : 0;
    while (length > 0 && may_follow(text[length]))
        length++;
    return length == 4 && strncmp(text, "null", 4) == 0 ? 0 : length;
}

/* Between the quotes. */
static size_t quoted_length(const char *text)
{
    size_t length = 0;
    while (text[length] >= ' ' && text[length] <= '~' && text[length] != '"' &&
           text[length] != '\\')
        length++;
    return length;
}

static bool read_line(const char *text, struct flat_line *line)
{
    *line = (struct flat_line){ .key = text, .key_length = key_length(text) };
    if (line->key_length == 0 || line->key_length >= CONFIG_KEY_BYTES ||
        strncmp(text + line->key_length, ": ", 2) != 0)
        return false;
    line->value = text + line->key_length + 2;
    const bool quoted = *line->value == '"';
    line->value += quoted;
    line->value_length = quoted ? quoted_length(line->value) : plain_length(line->value);
    line->behind = line->value + line->value_length;
    if (quoted ? *line->behind != '"' : line->value_length == 0)
        return false;
    line->behind += quoted;
    return *line->behind++ == '\n';
}

bool config_flat_read(const char *text, struct config_tree *tree)
{
    struct flat_line line;
    uint32_t lines = 0;
    for (const char *at = text; *at != '\0'; at = line.behind, lines++)
        if (!read_line(at, &line))
            return false;
    if (lines == 0)
        return false;
    memory_grow(&tree->entry, &tree->capacity, lines, sizeof *tree->entry);
    for (const char *at = text; tree->count < lines && read_line(at, &line); at = line.behind) {
        struct config_entry *entry = &tree->entry[tree->count++];
        *entry = (struct config_entry){ .key = memory_text_of(line.key, line.key_length),
                                        .value = memory_text_of(line.value, line.value_length),
                                        .line = tree->count };
    }
    return true;
}
