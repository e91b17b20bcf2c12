/* traces/json_items.c - see json_items.h. Finds where an object ends by counting brackets outside
 * of strings; whether it is JSON, jansson says. */
#include "traces/json_items.h"

#include "base/json_why.h"
#include "base/memory.h"
#include "traces/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITEM_BYTES_MOST (UINT32_C(64) << 20)

void json_items_free(struct json_items *items)
{
    free(items->text);
}

static bool is_space(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

static enum lines_step refuse(const struct lines *lines, uint64_t line, const char *expected,
                              const char *found, struct error *err)
{
    error_input(err, lines_path(lines), line, NULL, expected, found);
    return LINES_ERROR;
}

enum between { BETWEEN_GO_ON, BETWEEN_ITEM, BETWEEN_WRONG };

/* A byte outside of every item; says whether one begins with it. */
static enum between between_items(struct json_items *items, char byte)
{
    if (is_space(byte))
        return BETWEEN_GO_ON;
    if (!items->begun && byte == '[') {
        items->begun = items->in_array = true;
        return BETWEEN_GO_ON;
    }
    if (byte == '{' && !items->ended && !items->needs_comma) {
        items->begun = true;
        return BETWEEN_ITEM;
    }
    if (byte == ',' && items->needs_comma) {
        items->needs_comma = false;
        return BETWEEN_GO_ON;
    }
    if (byte == ']' && items->in_array && !items->ended) {
        items->ended = true;
        return BETWEEN_GO_ON;
    }
    return BETWEEN_WRONG;
}

/* How many of the bytes belong to the item; depth is 0 behind its last. */
static size_t item_bytes(struct json_items *items, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        char byte = bytes[i];
        if (items->escaped)
            items->escaped = false;
        else if (byte == '\\')
            items->escaped = items->in_string;
        else if (byte == '"')
            items->in_string = !items->in_string;
        else if (!items->in_string && (byte == '{' || byte == '['))
            items->depth++;
        else if (!items->in_string && (byte == '}' || byte == ']') && --items->depth == 0)
            return i + 1;
    }
    return length;
}

/* Skips to the next item; LINES_LINE: its first byte is the next. */
static enum lines_step find_item(struct json_items *items, struct lines *lines, struct error *err)
{
    const char *bytes;
    size_t length;
    enum lines_step step;
    while ((step = lines_bytes(lines, &bytes, &length, err)) == LINES_LINE) {
        size_t at = 0;
        enum between between = BETWEEN_GO_ON;
        while (at < length && between == BETWEEN_GO_ON)
            between = between_items(items, bytes[at++]);
        if (between == BETWEEN_GO_ON) {
            lines_take(lines, at);
            continue;
        }
        char found[32];
        bool shown = bytes[at - 1] > ' ' && bytes[at - 1] <= '~';
        snprintf(found, sizeof found, shown ? "%c" : "byte %u",
                 shown ? bytes[at - 1] : (unsigned char)bytes[at - 1]);
        lines_take(lines, at - 1);
        if (between == BETWEEN_ITEM)
            return LINES_LINE;
        return refuse(lines, lines_number(lines) + 1,
                      items->ended         ? "nothing behind the array's end"
                      : items->needs_comma ? "a comma, or the array's end"
                                           : "a JSON object",
                      found, err);
    }
    if (step == LINES_END && items->in_array && !items->ended)
        return refuse(lines, lines_number(lines) + 1, "the array's end: the file is cut off",
                      "the end of the file", err);
    return step;
}

static enum lines_step collect_item(struct json_items *items, struct lines *lines,
                                    struct error *err)
{
    items->length = 0;
    items->depth = 0;
    items->in_string = items->escaped = false;
    do {
        const char *bytes;
        size_t length;
        enum lines_step step = lines_bytes(lines, &bytes, &length, err);
        if (step == LINES_ERROR)
            return LINES_ERROR;
        if (step == LINES_END)
            return refuse(lines, items->line, "a whole object: the file is cut off",
                          "the end of the file", err);
        size_t take = item_bytes(items, bytes, length);
        if (items->length + take > ITEM_BYTES_MOST)
            return refuse(lines, items->line, "an object of at most 64 MiB", "a longer one", err);
        memory_grow(&items->text, &items->capacity, items->length + take, 1);
        memcpy(items->text + items->length, bytes, take);
        items->length += (uint32_t)take;
        lines_take(lines, take);
    } while (items->depth > 0);
    return LINES_LINE;
}

enum lines_step json_items_next(struct json_items *items, struct lines *lines, json_t **item,
                                struct error *err)
{
    enum lines_step step = find_item(items, lines, err);
    if (step != LINES_LINE)
        return step;
    items->line = lines_number(lines) + 1;
    step = collect_item(items, lines, err);
    if (step != LINES_LINE)
        return step;
    json_error_t why;
    char text[JSON_WHY_BYTES];
    *item = json_text_parse(items->text, items->length, &why);
    if (*item == NULL)
        return refuse(lines, items->line + (why.line > 0 ? (uint64_t)why.line - 1 : 0),
                      "a JSON object", json_why(why.text, why.position, text, sizeof text), err);
    items->needs_comma = items->in_array;
    return LINES_LINE;
}
