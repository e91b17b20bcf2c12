/* runtime/cuda/product_heads.cu - one matrix product a head, of columns of wide rows: what stands
 * before and behind latent attention. A block of 4 warps makes a tile of 64 outputs of 64 rows, or
 * of 16 where rows are as few as in decode (the warps then share out the outputs), over 64 inputs
 * at a time, the next of which are on their way meanwhile. cublasLt's batched products would do
 * the same; these have strides that keep its wide loads from being aligned, and no shape to
 * prepare. */
#include "runtime/cuda/attention.cuh"

static constexpr unsigned TILE = 64, STAGES = 2;

template <class T, unsigned ROWS> struct product_place {
    T in[STAGES][ROWS * TILE], weights[STAGES][TILE * TILE];
};

/* `rows` rows of 64 elements, `stride` apart; zeros behind the last of either. */
template <class T, unsigned ROWS>
__device__ __forceinline__ void copy_rows(T *tile, const T *from, uint64_t stride, uint32_t rows,
                                          uint32_t columns)
{
    constexpr unsigned CHUNKS = TILE / CHUNK;
    for (unsigned i = threadIdx.x; i < ROWS * CHUNKS; i += ATTENTION_THREADS) {
        unsigned row = i / CHUNKS, chunk = i % CHUNKS;
        bool exists = row < rows && chunk * CHUNK < columns;
        copy_async(tile_chunk<T, TILE>(tile, row, chunk),
                   exists ? from + row * stride + chunk * CHUNK : from, exists);
    }
}

struct product_block {
    uint32_t first_row, first_output, rows, outputs; /* rows, outputs: what is left from there */
    uint64_t in, weights, out;                       /* of the head, and in and out of the row */
};

static __device__ __forceinline__ product_block block_of(const struct kernel_head_products &p,
                                                         unsigned rows_a_block)
{
    const uint64_t row = blockIdx.y * rows_a_block, head = blockIdx.z;
    const uint32_t output = blockIdx.x * TILE;
    return { static_cast<uint32_t>(row),
             output,
             p.rows - static_cast<uint32_t>(row),
             p.outputs - output,
             head * p.in_head + row * p.in_row,
             head * p.weights_head,
             head * p.out_head + row * p.out_row + output };
}

/* Inputs [input, input + 64). */
template <class T, unsigned ROWS>
__device__ __forceinline__ void copy_stage(product_place<T, ROWS> *place, unsigned stage,
                                           const struct kernel_head_products &p,
                                           const product_block &block, uint32_t input)
{
    const T *in = static_cast<const T *>(p.in) + block.in + input;
    const T *weights = static_cast<const T *>(p.weights) + block.weights;
    const uint32_t inputs = p.inputs - input;
    copy_rows<T, ROWS>(place->in[stage], in, p.in_row, block.rows, inputs);
    if (p.inputs_first)
        copy_rows<T, TILE>(place->weights[stage],
                           weights + static_cast<uint64_t>(input) * p.outputs + block.first_output,
                           p.outputs, inputs, block.outputs);
    else
        copy_rows<T, TILE>(place->weights[stage],
                           weights + static_cast<uint64_t>(block.first_output) * p.inputs + input,
                           p.inputs, block.outputs, inputs);
}

/* sum[n] += the warp's 16 rows by its n-th eight outputs. */
template <class T, unsigned COLUMN_TILES>
__device__ __forceinline__ void multiply(float sum[COLUMN_TILES][4], T *in, T *weights,
                                         unsigned row, unsigned output, bool inputs_first)
{
    const unsigned lane = threadIdx.x % WARP_THREADS;
#pragma unroll
    for (unsigned step = 0; step < TILE / 16; step++) {
        uint32_t left[4], right[4];
        load_left<T, TILE>(left, in, row, step);
#pragma unroll
        for (unsigned n = 0; n < COLUMN_TILES; n += 2) {
            const unsigned column = output + 8 * n;
            if (inputs_first)
                load_matrices_transposed(right, tile_chunk<T, TILE>(weights, 16 * step + lane % 16,
                                                                    column / 8 + lane / 16));
            else
                load_matrices(right,
                              tile_chunk<T, TILE>(weights, column + 8 * (lane / 16) + lane % 8,
                                                  2 * step + lane / 8 % 2));
            mma<T>(sum[n], left, right);
            mma<T>(sum[n + 1], left, right + 2);
        }
    }
}

template <class T, unsigned COLUMN_TILES>
__device__ __forceinline__ void
write_sums(const float sum[COLUMN_TILES][4], const struct kernel_head_products &p,
           const product_block &block, unsigned row, unsigned output)
{
    const unsigned lane = threadIdx.x % WARP_THREADS;
    T *out = static_cast<T *>(p.out) + block.out;
#pragma unroll
    for (unsigned half = 0; half < 2; half++) {
        const uint32_t at = row + lane / 4 + 8 * half;
#pragma unroll
        for (unsigned n = 0; n < COLUMN_TILES; n++) {
            const uint32_t column = output + 8 * n + 2 * (lane % 4);
            if (at < block.rows && column < block.outputs)
                *reinterpret_cast<uint32_t *>(out + static_cast<uint64_t>(at) * p.out_row +
                                              column) =
                    pack2<T>(sum[n][2 * half], sum[n][2 * half + 1]);
        }
    }
}

template <class T, unsigned ROWS>
__global__ void __launch_bounds__(ATTENTION_THREADS)
    head_products_kernel(const struct kernel_head_products p)
{
    wait_for_kernels_ahead();
    constexpr unsigned ROW_WARPS = ROWS / 16;
    constexpr unsigned OUTPUTS = TILE / (ATTENTION_WARPS / ROW_WARPS), COLUMN_TILES = OUTPUTS / 8;
    product_place<T, ROWS> *place = reinterpret_cast<product_place<T, ROWS> *>(dynamic_shared());
    const product_block block = block_of(p, ROWS);
    const unsigned warp = threadIdx.x / WARP_THREADS;
    const unsigned row = 16 * (warp % ROW_WARPS), output = OUTPUTS * (warp / ROW_WARPS);
    float sum[COLUMN_TILES][4];
#pragma unroll
    for (unsigned n = 0; n < COLUMN_TILES; n++)
#pragma unroll
        for (unsigned e = 0; e < 4; e++)
            sum[n][e] = 0.0f;
    copy_stage(place, 0, p, block, 0);
    copy_commit();
    for (uint32_t input = 0, stage = 0; input < p.inputs; input += TILE, stage ^= 1) {
        if (input + TILE < p.inputs)
            copy_stage(place, stage ^ 1, p, block, input + TILE);
        copy_commit();
        copy_wait<1>();
        __syncthreads();
        multiply<T, COLUMN_TILES>(sum, place->in[stage], place->weights[stage], row, output,
                                  p.inputs_first);
        __syncthreads(); /* nobody reads the stage any more */
    }
    copy_wait<0>();
    write_sums<T, COLUMN_TILES>(sum, p, block, row, output);
}

template <class T, unsigned ROWS>
static void launch(const struct kernel_head_products *p, cudaStream_t stream)
{
    const auto kernel = head_products_kernel<T, ROWS>;
    const size_t shared_bytes = sizeof(product_place<T, ROWS>);
    KERNEL_LAUNCH_EARLY(kernel,
                        dim3((p->outputs + TILE - 1) / TILE, (p->rows + ROWS - 1) / ROWS, p->heads),
                        dim3(ATTENTION_THREADS), shared_bytes, stream, *p);
}

template <class T>
static void launch_rows(const struct kernel_head_products *p, cudaStream_t stream)
{
    if (p->rows <= 16)
        launch<T, 16>(p, stream);
    else
        launch<T, 64>(p, stream);
}

void kernel_head_products(const struct kernel_head_products *p, cudaStream_t stream)
{
    if (p->element == ELEMENT_BF16)
        launch_rows<bf16>(p, stream);
    else
        launch_rows<fp16>(p, stream);
}
