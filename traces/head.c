/* traces/head.c - see head.h. */
#include "traces/head.h"

#include <stdio.h>
#include <string.h>

struct head head_of(const char *text, size_t length)
{
    const char *newline = memchr(text, '\n', length);
    return (struct head){ text, length, newline != NULL ? (size_t)(newline - text) : length };
}

bool head_has(const struct head *head, const char *text)
{
    return strstr(head->text, text) != NULL;
}

bool head_line_has(const struct head *head, const char *text)
{
    const char *found = strstr(head->text, text);
    return found != NULL && (size_t)(found - head->text) < head->line_length;
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static size_t count_spaces(const char *text, size_t length)
{
    size_t count = 0;
    while (count < length && is_space(text[count]))
        count++;
    return count;
}

bool head_bytes_have(const struct head *head, const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i + length <= head->length; i++)
        if (memcmp(head->text + i, text, length) == 0)
            return true;
    return false;
}

bool head_line(const struct head *head, size_t index, const char **line, size_t *length)
{
    size_t at = 0;
    while (true) {
        at += count_spaces(head->text + at, head->length - at);
        *line = head->text + at;
        const char *newline = memchr(*line, '\n', head->length - at);
        *length = newline != NULL ? (size_t)(newline - *line) : head->length - at;
        if (index-- == 0 || *length == 0)
            return *length > 0;
        at += *length;
    }
}

/* ---- keys ---- */

/* text[at ..) is not looked at yet; the keys wanted stand at depth `within`. */
struct key_scan {
    const char *text;
    size_t length, at;
    int depth, within;
};

/* The end of the string that begins at `at`, behind its quote; length: it is cut off. */
static size_t string_end(const struct key_scan *scan, size_t at)
{
    for (at++; at < scan->length && scan->text[at] != '"'; at++)
        at += scan->text[at] == '\\';
    return at < scan->length ? at + 1 : scan->length;
}

/* The next key of the object; false: it has no more, as far as the text goes. */
static bool next_key(struct key_scan *scan, const char **key, size_t *length)
{
    while (scan->at < scan->length) {
        char byte = scan->text[scan->at];
        if (byte == '{' || byte == '[')
            scan->depth++;
        if ((byte == '}' || byte == ']') && --scan->depth < scan->within)
            return false;
        if (byte != '"') {
            scan->at++;
            continue;
        }
        size_t begin = scan->at, after = string_end(scan, begin), colon = after;
        while (colon < scan->length && is_space(scan->text[colon]))
            colon++;
        scan->at = after;
        if (scan->depth == scan->within && colon < scan->length && scan->text[colon] == ':') {
            *key = scan->text + begin + 1;
            *length = after - begin - 2;
            return true;
        }
    }
    return false;
}

static struct key_scan scan_of(const char *text, size_t length)
{
    size_t at = count_spaces(text, length);
    return (struct key_scan){ text, length, at, 0, at < length && text[at] == '[' ? 2 : 1 };
}

bool json_text_has_key(const char *text, size_t length, const char *key)
{
    struct key_scan scan = scan_of(text, length);
    const char *found;
    size_t found_length;
    while (next_key(&scan, &found, &found_length))
        if (found_length == strlen(key) && memcmp(found, key, found_length) == 0)
            return true;
    return false;
}

/* ---- naming it ---- */

enum { NAME_BYTES_MOST = 32, NAMES_MOST = 16 };

/* Of a key or a column, not of a sentence: short, of printable ASCII, at most two words. */
static bool is_name(const char *text, size_t length)
{
    int spaces = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < ' ' || text[i] > '~' || text[i] == '"' || text[i] == '\\')
            return false;
        spaces += text[i] == ' ';
    }
    return length > 0 && length <= NAME_BYTES_MOST && spaces <= 1;
}

static void add_name(char *text, size_t text_bytes, int count, const char *name, size_t length)
{
    size_t used = strlen(text);
    bool shown = count < NAMES_MOST && is_name(name, length);
    snprintf(text + used, text_bytes - used, "%s%.*s", count > 0 ? ", " : "",
             shown ? (int)length : 3, shown ? name : "...");
}

static bool describe_json(const struct head *head, char *text, size_t text_bytes)
{
    struct key_scan scan = scan_of(head->text, head->length);
    const char *key;
    size_t length;
    int count = 0;
    if (scan.at == head->length || (head->text[scan.at] != '{' && head->text[scan.at] != '['))
        return false;
    snprintf(text, text_bytes, "JSON with the keys ");
    for (; count <= NAMES_MOST && next_key(&scan, &key, &length); count++)
        add_name(text, text_bytes, count, key, length);
    if (count == 0)
        snprintf(text, text_bytes, "JSON without keys");
    return true;
}

/* A heading is names, two or more, all of which begin with a letter. */
static bool describe_columns(const struct head *head, char *text, size_t text_bytes)
{
    size_t begin = 0, line = head->line_length;
    int count = 0;
    if (line > 0 && head->text[line - 1] == '\r')
        line--;
    snprintf(text, text_bytes, "the columns ");
    for (size_t at = 0; at <= line; at++) {
        if (at < line && head->text[at] != ',')
            continue;
        const char *name = head->text + begin;
        if (!is_name(name, at - begin) || (*name | 0x20) < 'a' || (*name | 0x20) > 'z')
            return false;
        if (count <= NAMES_MOST)
            add_name(text, text_bytes, count, name, at - begin);
        count++;
        begin = at + 1;
    }
    return count > 1;
}

static bool is_binary(const struct head *head)
{
    for (size_t i = 0; i < head->length; i++)
        if ((unsigned char)head->text[i] < ' ' && !is_space(head->text[i]))
            return true;
    return false;
}

void head_describe(const struct head *head, char *text, size_t text_bytes)
{
    if (is_binary(head))
        snprintf(text, text_bytes, "bytes that are no text");
    else if (!describe_json(head, text, text_bytes) && !describe_columns(head, text, text_bytes))
        snprintf(text, text_bytes, "text that is neither JSON nor columns with a heading");
}
