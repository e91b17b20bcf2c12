/* validate/store/series_blob.h - a curve as one compressed blob: zstd of all x, then all y, each a
 * little-endian IEEE 754 double. Private to its folder. */
#ifndef REPRISE_VALIDATE_STORE_SERIES_BLOB_H
#define REPRISE_VALIDATE_STORE_SERIES_BLOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The caller's to free(); *blob_bytes is its size. */
void *series_pack(const double *x, const double *y, uint32_t count, size_t *blob_bytes);

/* *x and *y, of count each, are the caller's to free. false: the blob is not such a curve. */
bool series_unpack(const void *blob, size_t blob_bytes, uint32_t count, double **x, double **y);

#endif
