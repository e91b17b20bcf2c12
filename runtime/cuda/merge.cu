/* runtime/cuda/merge.cu - joins the parts of a prefill's rows whose keys were split over several
 * blocks, as the last step of Flash-Decoding does (which decode_merge.cuh does for decoded rows).
 * output = SUM w_i * part_i / SUM w_i,  w_i = 2^(log2sum_i - the largest). */
#include "runtime/cuda/attention.cuh"

static constexpr unsigned WARPS = 4, COLUMNS = 4; /* of a lane: 32 lanes have a whole head */
static constexpr unsigned AT_ONCE = 4;            /* parts of a warp on their way */

struct merge_place {
    float output[WARPS][ATTENTION_HEAD_DIM_MAX];
    float sum[WARPS];
};

/* A block: one head of one row; a warp: every fourth part, whose loads wait for no other's. A
 * context of 65,536 tokens alone on a GPU has some thirty parts. */
template <class T>
__global__ void merge_kernel(const struct kernel_attention a, const struct kernel_merge *merges)
{
    wait_for_kernels_ahead();
    const struct kernel_merge merge = merges[blockIdx.y];
    const uint32_t head = blockIdx.x, lane = threadIdx.x % WARP_THREADS;
    const uint32_t warp = threadIdx.x / WARP_THREADS, column = lane * COLUMNS;
    const auto index = [&](uint32_t part) {
        return static_cast<uint64_t>(merge.first_part + part * merge.part_stride) * a.heads + head;
    };
    float largest = NO_KEY;
    for (uint32_t i = lane; i < merge.parts; i += WARP_THREADS)
        largest = fmaxf(largest, a.partial_log2sum[index(i)]);
    for (unsigned lanes = WARP_THREADS / 2; lanes > 0; lanes /= 2)
        largest = fmaxf(largest, __shfl_xor_sync(ALL_LANES, largest, lanes));
    float sum = 0.0f;
    float4 output = { 0.0f, 0.0f, 0.0f, 0.0f };
    for (uint32_t first = warp; first < merge.parts; first += WARPS * AT_ONCE) {
        float4 part[AT_ONCE];
        float log2sum[AT_ONCE];
#pragma unroll
        for (unsigned i = 0; i < AT_ONCE; i++) {
            const uint32_t which = first + i * WARPS;
            const bool exists = which < merge.parts;
            part[i] = { 0.0f, 0.0f, 0.0f, 0.0f };
            log2sum[i] = exists ? a.partial_log2sum[index(which)] : NO_KEY;
            if (exists && column < a.head_dim)
                part[i] = *reinterpret_cast<const float4 *>(a.partial + index(which) * a.head_dim +
                                                            column);
        }
#pragma unroll
        for (unsigned i = 0; i < AT_ONCE; i++) {
            const float weight = softmax_weight(log2sum[i], largest);
            sum += weight;
            output.x += weight * part[i].x;
            output.y += weight * part[i].y;
            output.z += weight * part[i].z;
            output.w += weight * part[i].w;
        }
    }
    merge_place *place = reinterpret_cast<merge_place *>(dynamic_shared());
    *reinterpret_cast<float4 *>(&place->output[warp][column]) = output;
    if (lane == 0)
        place->sum[warp] = sum;
    __syncthreads();
    if (threadIdx.x >= a.head_dim)
        return;
    sum = 0.0f;
    float total = 0.0f;
    for (unsigned w = 0; w < WARPS; w++) {
        sum += place->sum[w];
        total += place->output[w][threadIdx.x];
    }
    uint64_t to = (static_cast<uint64_t>(merge.row) * a.heads + head) * a.head_dim + threadIdx.x;
    static_cast<T *>(a.out)[to] = from_float<T>(total / sum);
}

void kernel_merge_parts(const struct kernel_attention *a, const struct kernel_merge *merges,
                        uint32_t count, cudaStream_t stream)
{
    const auto kernel = a->element == ELEMENT_BF16 ? merge_kernel<bf16> : merge_kernel<fp16>;
    static_assert(WARPS * WARP_THREADS >= ATTENTION_HEAD_DIM_MAX &&
                      COLUMNS * WARP_THREADS >= ATTENTION_HEAD_DIM_MAX,
                  "a head's elements have threads");
    KERNEL_LAUNCH_EARLY(kernel, dim3(a->heads, count), dim3(WARPS * WARP_THREADS),
                        sizeof(merge_place), stream, *a, merges);
}
