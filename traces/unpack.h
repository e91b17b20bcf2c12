/* traces/unpack.h - a file's bytes, plain, zstd- or gzip-compressed, unpacked as they come. What no
 * reader here can use (other compression, archives, tables of other programs, UTF-16) is refused by
 * its name, with the way on. Knows nothing of lines. Private to traces/. */
#ifndef REPRISE_TRACES_UNPACK_H
#define REPRISE_TRACES_UNPACK_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct unpack;

/* Whether a file that begins so is compressed in a way that is unpacked. */
bool unpack_is_packed(const unsigned char *head, size_t length);

/* STATUS_IO: cannot be opened. The compression is told by the first bytes (RFC 8878 and its
 * skippable frames, RFC 1952), never by the name; nothing is read twice, so that a pipe is as good
 * as a file. */
enum status unpack_open(const char *path, struct unpack **unpack, struct error *err);
void unpack_close(struct unpack *unpack); /* NULL is fine */

/* Gives up to `room` unpacked bytes, at least one but at the end: *got 0. A byte order mark of
 * UTF-8 is left out. STATUS_IO: the disk. STATUS_INPUT, without a line: compressed data that is
 * damaged or cut off, or bytes that are no text in UTF-8's sense; that unpacks to over 64 MiB and
 * over 1000 times what was read of the file, or wants a window of over 128 MiB. What is held is
 * bounded, however much there is to unpack. */
enum status unpack_read(struct unpack *unpack, char *into, size_t room, size_t *got,
                        struct error *err);

/* Whether what was read so far is compressed. */
bool unpack_packed(const struct unpack *unpack);
/* Share of the file that was read, in [0, 1]; 0 where its size is not known. */
double unpack_progress(const struct unpack *unpack);

#endif
