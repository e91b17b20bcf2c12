/* tests/runtime/cuda/reference.h - the operators once more, as their definitions read, in double
 * precision on plain arrays: what the kernels are held against. */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_REFERENCE_H
#define REPRISE_TESTS_RUNTIME_CUDA_REFERENCE_H

#include "runtime/cuda/kernels.h"

/* Between floats and the bits of an element; to the nearest, ties to even. */
uint16_t element_bits(enum element element, float value);
float element_value(enum element element, uint16_t bits);

/* Turns one head for a position. */
void reference_rope(double *head, enum rotation rotation, uint32_t dims, double theta,
                    uint32_t position);

/* out[width] of one query of one head over `keys` keys: rows of `stride` doubles, turned already.
 */
void reference_attention(const double *query, const double *keys, const double *values,
                         uint32_t count, uint32_t stride, uint32_t head_dim, double *out);

/* How far `found` is from `expected`: root of the mean square of the difference, over that of
 * expected. */
double relative_error(const float *found, const double *expected, uint64_t count);

#endif
