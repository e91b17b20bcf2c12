/* runtime/cuda/merge.cu - joins the parts of rows whose keys were split over several blocks: the
 * last step of Flash-Decoding. output = SUM w_i * part_i / SUM w_i,  w_i = 2^(log2sum_i - the
 * largest). */
#include "runtime/cuda/attention.cuh"

/* A block: one head of one row; a thread: its elements. A row has a handful of parts, so each
 * thread reads their log2-sums by itself. */
template <class T>
__global__ void merge_kernel(const struct kernel_attention a, const struct kernel_merge *merges)
{
    const struct kernel_merge merge = merges[blockIdx.y];
    const uint32_t head = blockIdx.x;
    float largest = NO_KEY;
    for (uint32_t i = 0; i < merge.parts; i++) {
        uint64_t part = merge.first_part + i * merge.part_stride;
        largest = fmaxf(largest, a.partial_log2sum[part * a.heads + head]);
    }
    for (uint32_t column = threadIdx.x; column < a.head_dim; column += blockDim.x) {
        float sum = 0.0f, output = 0.0f;
        for (uint32_t i = 0; i < merge.parts; i++) {
            uint64_t index =
                (merge.first_part + i * merge.part_stride) * static_cast<uint64_t>(a.heads) + head;
            float weight = softmax_weight(a.partial_log2sum[index], largest);
            sum += weight;
            output += weight * a.partial[index * a.head_dim + column];
        }
        uint64_t to = (static_cast<uint64_t>(merge.row) * a.heads + head) * a.head_dim + column;
        static_cast<T *>(a.out)[to] = from_float<T>(output / sum);
    }
}

void kernel_merge_parts(const struct kernel_attention *a, const struct kernel_merge *merges,
                        uint32_t count, cudaStream_t stream)
{
    const auto kernel = a->element == ELEMENT_BF16 ? merge_kernel<bf16> : merge_kernel<fp16>;
    const uint32_t threads = (a->head_dim + 31) / 32 * 32;
    KERNEL_LAUNCH(kernel, dim3(a->heads, count), dim3(threads), 0, stream, *a, merges);
}
