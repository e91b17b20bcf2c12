/* sim/record/quoted.c - see quoted.h. */
#include "sim/record/quoted.h"

#include "base/memory.h"

#include <jansson.h>
#include <string.h>

char *quoted_csv(const char *text)
{
    char *quoted = memory_new(2 * strlen(text) + 3, 1), *at = quoted;
    if (strpbrk(text, ",\"\r\n") == NULL)
        return strcpy(quoted, text);
    *at++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"')
            *at++ = '"';
        *at++ = *text;
    }
    *at++ = '"';
    return quoted;
}

char *quoted_json(const char *text)
{
    json_t *string = json_string(text);
    char *quoted = json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    json_decref(string);
    if (quoted == NULL)
        memory_exhausted();
    return quoted;
}
