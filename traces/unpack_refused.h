/* traces/unpack_refused.h - files that are no text, told by how they begin. Private to traces/. */
#ifndef REPRISE_TRACES_UNPACK_REFUSED_H
#define REPRISE_TRACES_UNPACK_REFUSED_H

#include <stddef.h>

/* What such a file is, and what to do with it. */
struct refused_kind {
    const char *name, *way_on;
};

/* Enough of a file's first bytes to know its kind. */
enum { REFUSED_HEAD_BYTES = 264 };

/* The kind of what begins with these bytes; NULL: none that is known. */
const struct refused_kind *refused_kind_of(const char *bytes, size_t length);

#endif
