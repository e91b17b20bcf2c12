/* base/json_why.c - see json_why.h. */
#include "base/json_why.h"

#include <stdio.h>
#include <string.h>

const char *json_why(const char *text, int position, char *why, size_t why_bytes)
{
    const char *near = strstr(text, " near ");
    size_t length = near != NULL ? (size_t)(near - text) : strlen(text);
    snprintf(why, why_bytes, "%.*s at byte %d", (int)length, text, position);
    return why;
}
