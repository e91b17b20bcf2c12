/* base/packing.h - zlib and zstd where memory ends: the process does (base/memory.h), and no file is called damaged. */
#ifndef REPRISE_BASE_PACKING_H
#define REPRISE_BASE_PACKING_H

#include <stddef.h>
#include <zlib.h>

/* For inflateInit2() and deflateInit2(), which allocate by it, then and later. */
z_stream packing_gzip(void);

/* A zstd function's result, which is not that there was no memory. Of one that makes a context: packing_made(). */
size_t packing_zstd(size_t result);
void *packing_made(void *context);

#endif
