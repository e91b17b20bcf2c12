/* base/json_constants.c - see json_constants.h. */
#include "base/json_constants.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* The length of a constant that stands alone at text, 0: none is there. */
static size_t constant_at(const char *text, size_t length)
{
    static const char *const constants[] = { "Infinity", "-Infinity", "NaN" };
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        size_t size = strlen(constants[i]);
        if (length >= size && memcmp(text, constants[i], size) == 0 &&
            (length == size || !isalnum((unsigned char)text[size])))
            return size;
    }
    return 0;
}

char *json_without_constants(const char *text, size_t length, size_t *plain_length)
{
    char *plain = memory_new(length + length / 3 + 5, 1); /* NaN is the shortest: 3 become 4 */
    size_t used = 0;
    bool quoted = false;
    for (size_t at = 0; at < length;) {
        size_t constant = quoted ? 0 : constant_at(text + at, length - at);
        if (constant > 0) {
            memcpy(plain + used, "null", 4);
            used += 4;
            at += constant;
            continue;
        }
        quoted ^= text[at] == '"';
        if (quoted && text[at] == '\\' && at + 1 < length)
            plain[used++] = text[at++];
        plain[used++] = text[at++];
    }
    plain[used] = '\0';
    *plain_length = used;
    return plain;
}
