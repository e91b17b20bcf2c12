/* cli/explore/uploads.h - traces that were dropped onto the page: files in a folder that nobody else may enter
 * (0700), gone with the program. They come in parts, each behind the one before. From any thread. */
#ifndef REPRISE_CLI_EXPLORE_UPLOADS_H
#define REPRISE_CLI_EXPLORE_UPLOADS_H

#include "base/error.h"

#include <stdint.h>

/* Files, and bytes of all of them. */
enum { UPLOADS_MOST = 64 };
#define UPLOADS_BYTES_MOST (UINT64_C(512) << 20)

struct uploads;

struct uploads *uploads_new(void);
void uploads_free(struct uploads *uploads); /* removes what came; NULL is fine */

/* Begins a file; its path ends with the number of it and what of the name is letters, digits, '.', '-' and '_'.
 * *number is for the parts. STATUS_INPUT: too many. STATUS_IO: it cannot be made. */
enum status uploads_begin(struct uploads *uploads, const char *name, uint32_t *number,
                          struct error *err);

/* Appends a part, in base64. at_bytes: how much came before. STATUS_INPUT: no such file, another place, no
 * base64, too many bytes in all. STATUS_IO: it cannot be written. */
enum status uploads_append(struct uploads *uploads, uint32_t number, uint64_t at_bytes,
                           const char *base64, struct error *err);

/* The file's path, until uploads_free(). The number is one that uploads_begin() gave. */
const char *uploads_path(struct uploads *uploads, uint32_t number);

#endif
