/* traces/json_text.c - see json_text.h. */
#include "traces/json_text.h"

#include "base/json_constants.h"
#include "base/memory.h"
#include "traces/json_id_hash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL)

static const char whole_most[] = "9223372036854775807"; /* 2^63 - 1, which jansson reads */

static bool is_too_large(const char *digits, size_t length)
{
    const size_t most = sizeof whole_most - 1;
    return length > most || (length == most && memcmp(digits, whole_most, most) > 0);
}

static size_t count_digits(const char *text, size_t length)
{
    size_t count = 0;
    while (count < length && text[count] >= '0' && text[count] <= '9')
        count++;
    return count;
}

/* Whether the digits text[at ..) that end before `end` are a whole number without sign, and not
 * part of another. */
static bool stands_alone(const char *text, size_t length, size_t at, size_t end)
{
    bool before = at == 0 || strchr("-+.eE", text[at - 1]) == NULL;
    return before && (end == length || strchr(".eE", text[end]) == NULL);
}

/* The text with quotes about every whole number that is too large; the caller's to free(). */
static char *quote_large(const char *text, size_t length, size_t *quoted_length)
{
    char *quoted = memory_new(length + 2 * (length / sizeof whole_most + 1), 1);
    size_t to = 0;
    bool in_string = false;
    for (size_t at = 0; at < length;) {
        size_t count = in_string ? 0 : count_digits(text + at, length - at);
        size_t taken = count > 0 ? count : in_string && text[at] == '\\' && at + 1 < length ? 2 : 1;
        bool quote = is_too_large(text + at, count) && stands_alone(text, length, at, at + count);
        in_string ^= count == 0 && text[at] == '"';
        if (quote)
            quoted[to++] = '"';
        memcpy(quoted + to, text + at, taken);
        to += taken;
        if (quote)
            quoted[to++] = '"';
        at += taken;
    }
    *quoted_length = to;
    return quoted;
}

json_t *json_text_parse(const char *text, size_t length, json_error_t *why)
{
    json_t *value = json_loadb(text, length, FLAGS, why);
    if (value != NULL)
        return value;
    size_t mended_length;
    char *mended = NULL;
    if (json_error_code(why) == json_error_numeric_overflow)
        mended = quote_large(text, length, &mended_length);
    else if (strstr(why->text, "Infinity") != NULL || strstr(why->text, "NaN") != NULL ||
             strstr(why->text, "invalid token") != NULL)
        mended = json_without_constants(text, length, &mended_length);
    if (mended == NULL)
        return NULL;
    json_error_t first = *why;
    value = json_loadb(mended, mended_length, FLAGS, why);
    if (value == NULL)
        *why = first; /* places are the file's own */
    free(mended);
    return value;
}

/* Of digits that 63 bits hold. */
static uint64_t whole_of(const char *digits, size_t length)
{
    uint64_t whole = 0;
    for (size_t i = 0; i < length; i++)
        whole = whole * 10 + (uint64_t)(digits[i] - '0');
    return whole;
}

bool json_id_of_text(const char *text, size_t length, uint64_t *id)
{
    if (length == 0)
        return false;
    assert(text != NULL);
    bool whole = count_digits(text, length) == length && (text[0] != '0' || length == 1) &&
                 !is_too_large(text, length);
    *id = whole ? whole_of(text, length) : json_id_hash(text, length);
    return true;
}

bool json_id(const json_t *value, uint64_t *id)
{
    if (json_is_integer(value)) {
        *id = (uint64_t)json_integer_value(value);
        return json_integer_value(value) >= 0;
    }
    return json_is_string(value) &&
           json_id_of_text(json_string_value(value), json_string_length(value), id);
}
