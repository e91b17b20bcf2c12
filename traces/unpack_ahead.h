/* traces/unpack_ahead.h - a file's bytes as unpack.h gives them; where there are many to unpack, a thread of
 * its own unpacks the next ones while these are read. What is given, in which pieces, and what is refused
 * behind which of them is the same. Private to traces/. */
#ifndef REPRISE_TRACES_UNPACK_AHEAD_H
#define REPRISE_TRACES_UNPACK_AHEAD_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* The most that one call gives, and what is unpacked before a thread is worth its start. */
#define UNPACK_PIECE_BYTES ((size_t)1 << 17)
#define UNPACK_ALONE_BYTES ((uint64_t)8 << 20)

struct unpack_ahead;

/* unpack_open(). */
enum status unpack_ahead_open(const char *path, struct unpack_ahead **ahead, struct error *err);
/* Whatever the thread is at: it ends with its piece. NULL is fine. */
void unpack_ahead_close(struct unpack_ahead *ahead);
/* unpack_read() of UNPACK_PIECE_BYTES, for which there must be room. Not two calls at once. */
enum status unpack_ahead_read(struct unpack_ahead *ahead, char *into, size_t *got,
                              struct error *err);
/* unpack_progress() as it was behind the bytes that were given. */
double unpack_ahead_progress(const struct unpack_ahead *ahead);

#endif
