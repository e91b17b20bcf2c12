/* runtime/cuda/products.c - matrix products by cublasLt. What choosing an algorithm costs (some
 * 0.3 ms, and milliseconds where its kernel must be loaded) is paid once for a shape: afterwards a
 * product is one call. Every prefill has another number of rows, so rows are rounded up and shapes
 * are few: about a hundred of a matrix for a window of 4,096 tokens, which gpu_warm() all prepares.
 * The rows that this adds are computed as well, into slack (backend.h).
 *
 * The heuristic's first answer is not always the fastest (measured on an H200: of 21 products five
 * had less than 95 % of the best, one 84 %), so gpu_warm() times the first few. gpu_gemm() of a
 * shape that was not warmed takes the first: it must not wait. Whatever is chosen stays for the
 * device's life, so that rows computed twice on one device by the same numbers of rows are the same
 * bits. */
#include "runtime/cuda/products.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"

#include <math.h>
#include <stdlib.h>

/* One row or two of a decode iteration would cost their share of memory, so few rows are taken as
 * they are. A kernel's tile has 64 rows or more, or a few less where few are asked for: rounding up
 * to a part of one costs nothing that the tile does not cost anyway. */
enum { FEW_ROWS = 16, SMALL_STEP = 16, SMALL_ROWS = 512, STEP = 64 };

/* For all shapes of a matrix together; behind it a shape takes the heuristic's first. A dense model
 * has five matrices: 2 s at most. For an 8B's window of 4,096 tokens all shapes together are 0.06
 * PFLOP, and some ten times that with what a trial runs: about 1 s of an H200. */
static const uint64_t TIMING_NS = 400 * NS_PER_MS;
enum { COARSEST = 32 }; /* places between the first of many rows that are timed */

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

/* place_of(rows_at(place)) == place, rounded. */
static uint32_t rows_at(uint32_t place)
{
    const uint32_t small = place_of(SMALL_ROWS);
    if (place < FEW_ROWS)
        return place + 1;
    return place <= small ? (place - FEW_ROWS + FEW_ROWS / SMALL_STEP + 1) * SMALL_STEP
                          : SMALL_ROWS + (place - small) * STEP;
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
    for (int i = 0; i <= PRODUCT_CANDIDATES && code == cudaSuccess; i++)
        code = cudaEventCreate(&products->event[i]);
    if (code != cudaSuccess) {
        cudaGetLastError();
        return error_io(err, "cuda", "make events", cudaGetErrorString(code));
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
    for (int i = 0; i <= PRODUCT_CANDIDATES; i++)
        if (products->event[i] != NULL)
            cudaEventDestroy(products->event[i]);
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

/* Of those that can run here; none: the device failed. */
static bool find_candidates(struct device *device, const struct product_matrix *matrix,
                            const struct product *product, struct candidates *candidates)
{
    cublasLtMatmulHeuristicResult_t found[PRODUCT_CANDIDATES];
    const struct products *products = &device->products;
    int count = 0;
    candidates->count = 0;
    if (!accepted(device,
                  products->blas.choose(products->handle, products->description, matrix->weights,
                                        product->in, product->out, product->out,
                                        products->preference, PRODUCT_CANDIDATES, found, &count)))
        return false;
    for (int i = 0; i < count; i++)
        if (found[i].state == CUBLAS_STATUS_SUCCESS && found[i].workspaceSize <= WORKSPACE_BYTES)
            candidates->item[candidates->count++] =
                (struct candidate){ .algorithm = found[i].algo, .ms = INFINITY };
    if (candidates->count == 0)
        gpu_fail(device, "multiply matrices", "cuBLAS knows no way for this shape");
    return candidates->count > 0;
}

static bool lay_out(struct device *device, struct product_matrix *matrix, struct product *product,
                    uint32_t rows)
{
    return (matrix->weights != NULL ||
            layout(device, &matrix->weights, matrix->inputs, matrix->outputs)) &&
           (product->in != NULL || layout(device, &product->in, matrix->inputs, rounded(rows))) &&
           (product->out != NULL || layout(device, &product->out, matrix->outputs, rounded(rows)));
}

static struct product *product_of(struct product_matrix *matrix, uint32_t rows)
{
    uint32_t place = place_of(rows);
    memory_grow(&matrix->product, &matrix->capacity, place + UINT64_C(1), sizeof *matrix->product);
    return &matrix->product[place];
}

/* By the heuristic's first. false: failed. */
static bool prepare(struct device *device, struct product_matrix *matrix, struct product *product,
                    uint32_t rows)
{
    struct candidates candidates;
    if (product->ready)
        return true;
    if (!lay_out(device, matrix, product, rows) ||
        !find_candidates(device, matrix, product, &candidates))
        return false;
    product->algorithm = candidates.item[0].algorithm;
    product->ready = true;
    return true;
}

/* ---- multiplying ---- */

void gpu_gemm(struct device *device, uint32_t rows, uint32_t inputs, uint32_t outputs,
              const void *in, const void *weights, void *out)
{
    if (device->failed)
        return;
    struct product_matrix *matrix = find_matrix(device, inputs, outputs);
    struct product *product = product_of(matrix, rows);
    if (prepare(device, matrix, product, rows))
        accepted(device, product_multiply(device, matrix, product, &product->algorithm,
                                          &(struct operands){ in, weights, out }));
}

/* ---- warming up ---- */

static void prepare_fastest(struct device *device, struct product_matrix *matrix,
                            struct product *product, uint32_t rows, const struct operands *operands)
{
    struct candidates candidates;
    const struct candidate *best = NULL;
    uint64_t begin_ns = clock_now_ns();
    if (lay_out(device, matrix, product, rows) &&
        find_candidates(device, matrix, product, &candidates)) {
        best = product_trial(device, matrix, product, operands, &candidates);
        if (best == NULL) /* if nothing worse is known of the device */
            gpu_fail(device, "multiply matrices", "cuBLAS takes none of the ways that it offers");
    }
    if (best != NULL)
        product->algorithm = best->algorithm;
    product->ready = product->warm = best != NULL;
    matrix->timing_ns += clock_now_ns() - begin_ns;
}

/* Run, not only prepared: a kernel is loaded when it is first launched. What was used already stays
 * as it was chosen. */
static void warm(struct device *device, struct product_matrix *matrix, uint32_t rows,
                 const struct operands *operands)
{
    struct product *product = product_of(matrix, rows);
    if (device->failed || product->warm)
        return;
    if (!product->ready && matrix->timing_ns < TIMING_NS) {
        prepare_fastest(device, matrix, product, rows, operands);
        return;
    }
    product->warm =
        prepare(device, matrix, product, rows) &&
        accepted(device, product_multiply(device, matrix, product, &product->algorithm, operands));
}

/* First the few rows of decoding, which take little time; then from coarse to fine, so that where
 * time runs out what is left lies between shapes that were timed. */
void gpu_warm(struct device *device, uint32_t inputs, uint32_t outputs, uint32_t most_rows,
              const void *in, const void *weights, void *out)
{
    const struct operands operands = { in, weights, out };
    if (device->failed || most_rows == 0)
        return;
    struct product_matrix *matrix = find_matrix(device, inputs, outputs);
    const uint32_t last = place_of(most_rows), small = place_of(SMALL_ROWS);
    for (uint32_t place = 0; place <= small && place <= last; place++)
        warm(device, matrix, rows_at(place), &operands);
    for (uint32_t stride = COARSEST; stride > 0 && last > small; stride /= 2)
        for (uint32_t place = small + (last - small) % stride; place <= last; place += stride)
            warm(device, matrix, rows_at(place), &operands);
}
