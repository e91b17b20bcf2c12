/* runtime/cuda/experts.c - a mixture of experts on STREAM_COMPUTE. The host never learns how many
 * rows an expert has: to read it back would stop the queue in every layer, and capacities fixed
 * beforehand would drop rows or multiply padding. So the experts' products are one launch of our
 * own kernel, which looks that up, and not a call of cublasLt for each expert. */
#include "runtime/cuda/gpu.h"

void gpu_route(struct device *device, const struct routing *routing, uint32_t rows, uint32_t inputs,
               const void *in, const void *router)
{
    if (device->failed)
        return;
    kernel_route(ELEMENT_BF16, routing, rows, inputs, in, router, device->stream[STREAM_COMPUTE]);
    gpu_launched(device, "route rows to experts");
}

void gpu_expert_gemm(struct device *device, const struct routing *routing, bool by_row,
                     uint32_t rows, uint32_t inputs, uint32_t outputs, const void *in,
                     const void *weights, void *out)
{
    if (device->failed)
        return;
    kernel_expert_gemm(ELEMENT_BF16, routing, by_row, rows, inputs, outputs, in, weights, out,
                       device->stream[STREAM_COMPUTE]);
    gpu_launched(device, "multiply by experts");
}

void gpu_combine(struct device *device, const struct routing *routing, uint32_t rows,
                 uint32_t width, const void *in, bool added, void *out)
{
    if (device->failed)
        return;
    kernel_combine(ELEMENT_BF16, routing, rows, width, in, added, out,
                   device->stream[STREAM_COMPUTE]);
    gpu_launched(device, "combine experts");
}
