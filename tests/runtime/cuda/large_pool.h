/* tests/runtime/cuda/large_pool.h - a pool of KV pages of a served size: pages in random order all
 * over it, and on a GPU more values in it than 32 bits count, so that an offset that overflows
 * reads NaN. Of each page only the layer under test is filled; the rest of the pool, and what in
 * its pages belongs to no token, is NaN.
 *
 * The host keeps the used slices one behind the other, in the order in which sequences have them,
 * as the pool stores them: a row lies in it where its page's place says, whatever the page. Values
 * are normal; which one a row has comes from its place alone, so that any thread can make it. */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_LARGE_POOL_H
#define REPRISE_TESTS_RUNTIME_CUDA_LARGE_POOL_H

#include "runtime/cuda/kernels.h"

#include <stdbool.h>

enum { LARGE_LAYERS = 8, LARGE_LAYER = 5, LARGE_SEQUENCES_MAX = 64, LARGE_GROUPS_MAX = 2 };

/* Sequences alike but for their skip: of each fourth, 7 rows of its first page. None is skipped
 * where there is one sequence alone. count 0: no more groups. */
struct large_group {
    uint32_t count, cached_tokens, new_tokens;
};

struct large_sequences {
    struct kernel_sequence of[LARGE_SEQUENCES_MAX];
    uint32_t count, rows, longest; /* rows: new tokens; longest: tokens of one */
};

struct large_pool {
    uint32_t page_tokens, width, planes; /* planes: K and V, or one; width: values of a row */
    bool fp8;
    const struct large_sequences *sequences;
    uint32_t used, all; /* pages */
    uint32_t *pages;    /* [used]: numbers in the pool */
    unsigned char *slices;
    void *device;
};

void large_lay_out(struct large_sequences *out, const struct large_group *groups,
                   uint32_t page_tokens);

/* Fills the rest of `pool`; its first line, fp8 and sequences are the caller's. New tokens' rows
 * are NaN on the device, and in the slices what shall be stored of large_element(). */
void large_pool_new(struct large_pool *pool);
void large_pool_free(struct large_pool *pool);

/* Values from a page to the next, and from a page's begin to the layer. */
uint64_t large_page_stride(const struct large_pool *pool);
uint64_t large_layer_offset(const struct large_pool *pool);
/* Where a token's row of a plane begins in the slices, in values. */
uint64_t large_row(const struct large_pool *pool, uint32_t sequence, uint32_t token,
                   uint32_t plane);
/* What the value at that place was made of: the bf16 of a normal number, before it was stored. */
uint16_t large_element(uint64_t place);
/* The value that is stored there, whatever the format. */
double large_value(const struct large_pool *pool, uint64_t place);

/* Whether the pages of new tokens have on the device, bit by bit, what the slices have. take: the
 * new tokens' own rows are not compared, but go from the device into the slices. */
bool large_pool_is_stored(struct large_pool *pool, bool take);

#endif
