/* runtime/cuda/products.c - matrix products by cublasLt. What choosing an algorithm costs (some
 * 0.3 ms, and milliseconds where its kernel must be loaded) is paid once for a shape: afterwards a
 * product is one call. Every prefill has another number of rows, so rows are rounded up and shapes
 * are few: about a hundred of a matrix for a window of 4,096 tokens, which gpu_warm() all prepares.
 * The rows that this adds are computed as well, into slack (backend.h). */
#include "runtime/cuda/gpu.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

/* What cuBLAS's documentation advises for Hopper; given at once, so that no product allocates. */
enum { WORKSPACE_BYTES = 32 << 20 };
/* What cublasLt takes for granted unless it is told otherwise. */
enum { MATRIX_ALIGNMENT = 256 };

/* One row or two of a decode iteration would cost their share of memory, so few rows are taken as
 * they are. A kernel's tile has 64 rows or more, or a few less where few are asked for: rounding up
 * to a part of one costs nothing that the tile does not cost anyway. */
enum { FEW_ROWS = 16, SMALL_STEP = 16, SMALL_ROWS = 512, STEP = 64 };

struct product { /* of so many rows */
    cublasLtMatrixLayout_t in, out;
    cublasLtMatmulAlgo_t algorithm;
    bool ready;
};

/* All products by matrices of one shape. */
struct product_matrix {
    uint32_t inputs, outputs;
    cublasLtMatrixLayout_t weights;
    struct product *product; /* place_of(rows) */
    uint32_t capacity;
};

/* ---- rows ---- */

static uint32_t rounded(uint32_t rows)
{
    uint32_t step = rows <= FEW_ROWS ? 1 : rows <= SMALL_ROWS ? SMALL_STEP : STEP;
    return (rows + step - 1) / step * step;
}

/* Counts the numbers that rounded() gives, from 0. */
static uint32_t place_of(uint32_t rows)
{
    if (rows <= FEW_ROWS)
        return rows - 1;
    if (rows <= SMALL_ROWS)
        return FEW_ROWS - FEW_ROWS / SMALL_STEP + (rows - 1) / SMALL_STEP;
    return place_of(SMALL_ROWS) + 1 - SMALL_ROWS / STEP + (rows - 1) / STEP;
}

/* ---- opening and closing ---- */

static cublasStatus_t describe(struct products *products)
{
    const struct cublas *blas = &products->blas;
    const cublasOperation_t transposed = CUBLAS_OP_T;
    const size_t workspace_bytes = WORKSPACE_BYTES;
    /* Parts of a sum are fp32 too, and added in the same order each time. */
    const uint32_t reductions =
        CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE;
    cublasStatus_t status = blas->create(&products->handle);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = blas->description_create(&products->description, CUBLAS_COMPUTE_32F, CUDA_R_32F);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = blas->description_set(products->description, CUBLASLT_MATMUL_DESC_TRANSA,
                                       &transposed, sizeof transposed);
    if (status == CUBLAS_STATUS_SUCCESS)
        status = blas->preference_create(&products->preference);
    if (status == CUBLAS_STATUS_SUCCESS)
        status =
            blas->preference_set(products->preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                 &workspace_bytes, sizeof workspace_bytes);
    if (status == CUBLAS_STATUS_SUCCESS)
        status =
            blas->preference_set(products->preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                                 &reductions, sizeof reductions);
    return status;
}

enum status products_open(struct products *products, struct error *err)
{
    enum status status = cublas_open(&products->blas, err);
    if (status != STATUS_OK)
        return status;
    cudaError_t code = cudaMalloc(&products->workspace, WORKSPACE_BYTES);
    if (code != cudaSuccess) {
        cudaGetLastError();
        return error_io(err, "cuda", "allocate cuBLAS's workspace", cudaGetErrorString(code));
    }
    cublasStatus_t answer = describe(products);
    return answer == CUBLAS_STATUS_SUCCESS
               ? STATUS_OK
               : error_io(err, "cuda", "start cuBLAS", products->blas.status_string(answer));
}

static void free_matrix(const struct cublas *blas, struct product_matrix *matrix)
{
    for (uint32_t i = 0; i < matrix->capacity; i++) {
        if (matrix->product[i].in != NULL)
            blas->layout_destroy(matrix->product[i].in);
        if (matrix->product[i].out != NULL)
            blas->layout_destroy(matrix->product[i].out);
    }
    if (matrix->weights != NULL)
        blas->layout_destroy(matrix->weights);
    free(matrix->product);
}

void products_close(struct products *products)
{
    const struct cublas *blas = &products->blas;
    for (uint32_t i = 0; i < products->count; i++)
        free_matrix(blas, &products->matrix[i]);
    free(products->matrix);
    if (products->preference != NULL)
        blas->preference_destroy(products->preference);
    if (products->description != NULL)
        blas->description_destroy(products->description);
    if (products->handle != NULL)
        blas->destroy(products->handle);
    cublas_close(&products->blas);
    cudaFree(products->workspace);
    *products = (struct products){ 0 };
}

/* ---- preparing ---- */

static bool accepted(struct device *device, cublasStatus_t status)
{
    if (status != CUBLAS_STATUS_SUCCESS)
        gpu_fail(device, "multiply matrices", device->products.blas.status_string(status));
    return status == CUBLAS_STATUS_SUCCESS;
}

/* cuBLAS has columns where we have rows: to it `in` is inputs x rows, `weights` inputs x outputs,
 * and out = weights^T * in, outputs x rows. */
static bool layout(struct device *device, cublasLtMatrixLayout_t *made, uint32_t width,
                   uint32_t rows)
{
    return accepted(device,
                    device->products.blas.layout_create(made, CUDA_R_16BF, width, rows, width));
}

/* A model has a handful of them. */
static struct product_matrix *find_matrix(struct device *device, uint32_t inputs, uint32_t outputs)
{
    struct products *products = &device->products;
    for (uint32_t i = 0; i < products->count; i++)
        if (products->matrix[i].inputs == inputs && products->matrix[i].outputs == outputs)
            return &products->matrix[i];
    memory_grow(&products->matrix, &products->capacity, products->count + UINT64_C(1),
                sizeof *products->matrix);
    struct product_matrix *matrix = &products->matrix[products->count++];
    *matrix = (struct product_matrix){ .inputs = inputs, .outputs = outputs };
    return matrix;
}

/* The first that the heuristic names: it is asked for little more than it is sure of. */
static bool choose(struct device *device, const struct product_matrix *matrix,
                   struct product *product)
{
    enum { MOST = 4 };
    cublasLtMatmulHeuristicResult_t found[MOST];
    const struct products *products = &device->products;
    int count = 0;
    if (!accepted(device,
                  products->blas.choose(products->handle, products->description, matrix->weights,
                                        product->in, product->out, product->out,
                                        products->preference, MOST, found, &count)))
        return false;
    for (int i = 0; i < count; i++)
        if (found[i].state == CUBLAS_STATUS_SUCCESS && found[i].workspaceSize <= WORKSPACE_BYTES) {
            product->algorithm = found[i].algo;
            return true;
        }
    gpu_fail(device, "multiply matrices", "cuBLAS knows no way for this shape");
    return false;
}

/* NULL: failed. */
static const struct product *prepared(struct device *device, struct product_matrix *matrix,
                                      uint32_t rows)
{
    uint32_t place = place_of(rows);
    memory_grow(&matrix->product, &matrix->capacity, place + UINT64_C(1), sizeof *matrix->product);
    struct product *product = &matrix->product[place];
    if (product->ready)
        return product;
    if (matrix->weights == NULL &&
        !layout(device, &matrix->weights, matrix->inputs, matrix->outputs))
        return NULL;
    product->ready = layout(device, &product->in, matrix->inputs, rounded(rows)) &&
                     layout(device, &product->out, matrix->outputs, rounded(rows)) &&
                     choose(device, matrix, product);
    return product->ready ? product : NULL;
}

/* ---- multiplying ---- */

void gpu_gemm(struct device *device, uint32_t rows, uint32_t inputs, uint32_t outputs,
              const void *in, const void *weights, void *out)
{
    static const float one = 1.0F, zero = 0.0F;
    assert(((uintptr_t)in | (uintptr_t)weights | (uintptr_t)out) % MATRIX_ALIGNMENT == 0);
    if (device->failed)
        return;
    const struct products *products = &device->products;
    struct product_matrix *matrix = find_matrix(device, inputs, outputs);
    const struct product *product = prepared(device, matrix, rows);
    if (product != NULL)
        accepted(device, products->blas.multiply(products->handle, products->description, &one,
                                                 weights, matrix->weights, in, product->in, &zero,
                                                 out, product->out, out, product->out,
                                                 &product->algorithm, products->workspace,
                                                 WORKSPACE_BYTES, device->stream[STREAM_COMPUTE]));
}

/* Run, not only prepared: a kernel is loaded when it is first launched. */
void gpu_warm(struct device *device, uint32_t inputs, uint32_t outputs, uint32_t most_rows,
              const void *in, const void *weights, void *out)
{
    for (uint32_t rows = 1; rows <= most_rows; rows = rounded(rows) + 1)
        gpu_gemm(device, rows, inputs, outputs, in, weights, out);
}
