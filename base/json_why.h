/* base/json_why.h - why a text is no JSON, without showing any of it: what jansson quotes ("near '...'") may be what
 * somebody wrote. Messages on JSON are made here. */
#ifndef REPRISE_BASE_JSON_WHY_H
#define REPRISE_BASE_JSON_WHY_H

#include <stddef.h>

enum { JSON_WHY_BYTES = 192 };

/* What is wrong and at which byte, of json_error_t's text and position, into why[why_bytes], which it gives. */
const char *json_why(const char *text, int position, char *why, size_t why_bytes);

#endif
