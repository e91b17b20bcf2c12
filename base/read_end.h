/* base/read_end.h - whether a file was read to its end: a disk that fails looks like the end of a file to who reads until
 * there is no more. */
#ifndef REPRISE_BASE_READ_END_H
#define REPRISE_BASE_READ_END_H

#include "base/error.h"

#include <zlib.h>

/* Closes file, right after the read that found no more. STATUS_IO: that was not its end, or (gzip) it breaks off; err
 * stays as it is where it holds an error already. Returns err's status. */
enum status read_end(FILE *file, const char *path, struct error *err);
enum status read_end_gzip(gzFile file, const char *path, struct error *err);

/* What is left of the file and a NUL, for the caller to free; *bytes: without it, and beyond most_bytes where there is more
 * than that. Whether it is all, read_end() tells. In pieces: most files are of one. */
char *read_most(FILE *file, size_t most_bytes, size_t *bytes);

#endif
