/* runtime/cuda/products.h - what products.c, product_run.c and product_trial.c share: a product of
 * one shape, and the algorithms that cublasLt offers for it. Private to runtime/cuda/. */
#ifndef REPRISE_RUNTIME_CUDA_PRODUCTS_H
#define REPRISE_RUNTIME_CUDA_PRODUCTS_H

#include "runtime/cuda/gpu.h"

/* What cuBLAS's documentation advises for Hopper; given at once, so that no product allocates. */
enum { WORKSPACE_BYTES = 32 << 20 };
/* What cublasLt takes for granted unless it is told otherwise. */
enum { MATRIX_ALIGNMENT = 256 };

struct product { /* of so many rows */
    cublasLtMatrixLayout_t in, out;
    cublasLtMatmulAlgo_t algorithm;
    bool ready, warm; /* warm: the algorithm has run */
};

/* All products by matrices of one shape. */
struct product_matrix {
    uint32_t inputs, outputs;
    cublasLtMatrixLayout_t weights;
    struct product *product; /* place_of(rows) */
    uint32_t capacity;
    uint64_t timing_ns; /* that timing took so far */
};

struct operands {
    const void *in, *weights;
    void *out;
};

struct candidate {
    cublasLtMatmulAlgo_t algorithm;
    float ms; /* of one product, in its best sample */
    bool out;
};

/* What the heuristic names for a shape, best guess first. */
struct candidates {
    struct candidate item[PRODUCT_CANDIDATES];
    uint32_t count;
};

/* product_run.c */
/* Queues one product on STREAM_COMPUTE by an algorithm of its shape. */
cublasStatus_t product_multiply(struct device *device, const struct product_matrix *matrix,
                                const struct product *product,
                                const cublasLtMatmulAlgo_t *algorithm,
                                const struct operands *operands);

/* product_trial.c */
/* Runs all candidates, some of them several times, and waits for them. The fastest that cublasLt
 * takes; NULL: it takes none, or the device failed. */
const struct candidate *product_trial(struct device *device, const struct product_matrix *matrix,
                                      const struct product *product,
                                      const struct operands *operands,
                                      struct candidates *candidates);

#endif
