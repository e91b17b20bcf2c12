/* tests/runtime/cuda/large_samples.h - heads of rows of an output that are held against attention's
 * definition, worked out by all cores in double precision over what the pool stores. */
#ifndef REPRISE_TESTS_RUNTIME_CUDA_LARGE_SAMPLES_H
#define REPRISE_TESTS_RUNTIME_CUDA_LARGE_SAMPLES_H

#include "tests/runtime/cuda/large_pool.h"

enum { LARGE_SAMPLES = 64 };
#define LARGE_THETA 10000.0f

struct large_samples {
    uint32_t heads, dim; /* an output row: heads of dim elements */
    struct large_sample {
        uint32_t row, head;
        uint32_t sequence, position; /* whose row it is, and of which token */
    } of[LARGE_SAMPLES];
    double *expected; /* [sample][dim] */
};

/* What one head reads of a pool's rows. Keys lie in plane 0; turned_width elements of them, from
 * `turned` on, are turned in halves for their positions. */
struct large_view {
    uint32_t key_column, key_width, turned, turned_width;
    uint32_t value_plane, value_column; /* dim wide */
};

/* The attention whose samples they are. */
struct large_definition {
    const struct large_pool *pool;
    const void *context; /* of the functions */
    /* The head's query, key_width values before they are turned and scaled. */
    void (*query)(const void *context, const struct large_sample *sample, double *out);
    struct large_view (*view)(const void *context, uint32_t head);
    double scale;           /* of scores */
    uint32_t window_tokens; /* 0: all before the token is seen */
};

/* The first and the last row, and random ones; their expected outputs. */
void large_samples_new(struct large_samples *s, const struct large_definition *definition,
                       uint32_t heads, uint32_t dim);
void large_samples_free(struct large_samples *s);

/* How far bf16 rows of heads * dim are from what is expected of the samples: root of the mean
 * square of the difference, over that of what is expected. */
struct large_error {
    double worst, all;          /* of the sample that is furthest; of all samples */
    struct large_sample of;     /* the furthest */
    bool numbers;               /* every element of the output is one */
};
struct large_error large_samples_error(const struct large_samples *s, const uint16_t *out,
                                       uint32_t rows);

#endif
