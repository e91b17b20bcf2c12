/* base/json_constants.h - JSON as Python's json module writes it: with Infinity, -Infinity and NaN,
 * which no standard knows and no parser of it takes. */
#ifndef REPRISE_BASE_JSON_CONSTANTS_H
#define REPRISE_BASE_JSON_CONSTANTS_H

#include <stddef.h>

/* The text with null in the place of each such constant outside strings, ended by a NUL; every line
 * stays a line. *plain_length: without that NUL. The caller's to free(). */
char *json_without_constants(const char *text, size_t length, size_t *plain_length);

#endif
