/* validate/store/series_blob.c - see series_blob.h. */
#include "validate/store/series_blob.h"

#include "base/memory.h"
#include "base/packing.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define ZSTD_LEVEL 9 /* a few KB a run: time does not matter, space in 10,000 runs does */

static void put_doubles(unsigned char *to, const double *from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &from[i], sizeof bits);
        for (int byte = 0; byte < 8; byte++)
            *to++ = (unsigned char)(bits >> (8 * byte));
    }
}

static double *get_doubles(const unsigned char *from, uint32_t count)
{
    double *to = memory_new(count, sizeof *to);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bits = 0;
        for (int byte = 0; byte < 8; byte++)
            bits |= (uint64_t)*from++ << (8 * byte);
        memcpy(&to[i], &bits, sizeof bits);
    }
    return to;
}

void *series_pack(const double *x, const double *y, uint32_t count, size_t *blob_bytes)
{
    size_t half = (size_t)count * sizeof(double);
    unsigned char *plain = memory_new(2, half);
    put_doubles(plain, x, count);
    put_doubles(plain + half, y, count);

    size_t capacity = ZSTD_compressBound(2 * half);
    void *blob = memory_new(capacity, 1);
    *blob_bytes = ZSTD_compress(blob, capacity, plain, 2 * half, ZSTD_LEVEL);
    free(plain);
    if (ZSTD_isError(*blob_bytes)) /* the room is enough: only memory can be lacking */
        memory_exhausted();
    return blob;
}

bool series_unpack(const void *blob, size_t blob_bytes, uint32_t count, double **x, double **y)
{
    size_t half = (size_t)count * sizeof(double);
    /* Before any memory is asked for: a damaged count must not cost gigabytes. */
    if (ZSTD_getFrameContentSize(blob, blob_bytes) != 2 * (unsigned long long)half)
        return false;
    unsigned char *plain = memory_new(2, half);
    bool whole = packing_zstd(ZSTD_decompress(plain, 2 * half, blob, blob_bytes)) == 2 * half;
    if (whole) {
        *x = get_doubles(plain, count);
        *y = get_doubles(plain + half, count);
    }
    free(plain);
    return whole;
}
