/* runtime/cuda/product_run.c - one product, by one algorithm of its shape. */
#include "runtime/cuda/products.h"

#include <assert.h>

cublasStatus_t product_multiply(struct device *device, const struct product_matrix *matrix,
                                const struct product *product,
                                const cublasLtMatmulAlgo_t *algorithm, const struct operands *of)
{
    static const float one = 1.0F, zero = 0.0F;
    const struct products *products = &device->products;
    assert(((uintptr_t)of->in | (uintptr_t)of->weights | (uintptr_t)of->out) % MATRIX_ALIGNMENT ==
           0);
    return products->blas.multiply(
        products->handle, products->description, &one, of->weights, matrix->weights, of->in,
        product->in, &zero, of->out, product->out, of->out, product->out, algorithm,
        products->workspace, WORKSPACE_BYTES, device->stream[STREAM_COMPUTE]);
}
