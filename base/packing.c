/* base/packing.c - see packing.h. */
#include "base/packing.h"

#include "base/memory.h"

#include <stdlib.h>
#include <zstd_errors.h>

static void *gzip_block(void *context, unsigned count, unsigned bytes)
{
    (void)context;
    return memory_block((size_t)count * bytes);
}

static void gzip_free(void *context, void *block)
{
    (void)context;
    free(block);
}

z_stream packing_gzip(void)
{
    return (z_stream){ .zalloc = gzip_block, .zfree = gzip_free };
}

size_t packing_zstd(size_t result)
{
    if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
        memory_exhausted();
    return result;
}

void *packing_made(void *context)
{
    if (context == NULL)
        memory_exhausted();
    return context;
}
