/* base/plain_file.h - opening for reading what a file names, or what lies in a folder that somebody else made. Whoever made it can
 * have put a pipe or a device there, of which reading never ends, or a link to one. What the user names by himself may be a
 * pipe (/dev/stdin), and is not opened here. */
#ifndef REPRISE_BASE_PLAIN_FILE_H
#define REPRISE_BASE_PLAIN_FILE_H

#include "base/error.h"

#include <zlib.h>

/* What is there and neither a plain file nor a folder: "a pipe". NULL: it is one of these, or nothing that could be looked at,
 * which opening tells. */
const char *plain_file_not(const char *path);

/* Never waits. *file is the caller's to close (base/read_end.h), and set only with STATUS_OK. STATUS_IO: it is none, or cannot
 * be opened. */
enum status plain_file_open(const char *path, FILE **file, struct error *err);
/* Unpacked, or as it is where it is not packed. */
enum status plain_file_open_gzip(const char *path, gzFile *file, struct error *err);

#endif
