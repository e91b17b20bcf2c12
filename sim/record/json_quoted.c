/* sim/record/json_quoted.c - see json_quoted.h. */
#include "sim/record/json_quoted.h"

#include "base/memory.h"
#include "base/shown.h"

#include <jansson.h>
#include <stdlib.h>

char *json_quoted(const char *text)
{
    char *shown = shown_new(text); /* valid UTF-8, which JSON asks for */
    json_t *string = json_string(shown);
    char *quoted = json_dumps(string, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
    json_decref(string);
    free(shown);
    if (quoted == NULL)
        memory_exhausted();
    return quoted;
}
