/* runtime/cuda/operators.c - operators that are one kernel of kernels.h, on STREAM_COMPUTE. */
#include "runtime/cuda/gpu.h"

#include <string.h>

static void take_rows(struct device *device, const void *from, uint32_t width, const uint32_t *row,
                      uint32_t rows, void *to)
{
    struct staging_slot *slot = staging_take(device, &device->rows, rows * sizeof *row);
    if (slot == NULL)
        return;
    memcpy(slot->host, row, rows * sizeof *row);
    if (staging_send(device, slot, rows * sizeof *row)) {
        kernel_gather_rows(ELEMENT_BF16, width, from, (const uint32_t *)(const void *)slot->gpu,
                           rows, to, device->stream[STREAM_COMPUTE]);
        gpu_launched(device, "gather rows");
    }
    staging_end(device, slot);
}

void gpu_embed(struct device *device, const void *table, uint32_t width, const uint32_t *tokens,
               uint32_t rows, void *out)
{
    take_rows(device, table, width, tokens, rows, out);
}

void gpu_gather_rows(struct device *device, const void *from, uint32_t width, const uint32_t *row,
                     uint32_t rows, void *to)
{
    take_rows(device, from, width, row, rows, to);
}

void gpu_norm(struct device *device, enum norm_kind kind, uint32_t rows, uint32_t width,
              float epsilon, const void *in, const void *weight, const void *bias, void *out)
{
    gpu_add_norm(device, kind, rows, width, epsilon, in, NULL, weight, bias, out);
}

void gpu_add_norm(struct device *device, enum norm_kind kind, uint32_t rows, uint32_t width,
                  float epsilon, const void *in, void *sum, const void *weight, const void *bias,
                  void *out)
{
    if (device->failed)
        return;
    const struct kernel_norm norm = {
        .element = ELEMENT_BF16,
        .centred = kind == NORM_LAYER,
        .rows = rows,
        .width = width,
        .epsilon = epsilon,
        .in = in,
        .sum = sum,
        .weight = weight,
        .bias = bias,
        .out = out,
    };
    kernel_norm(&norm, device->stream[STREAM_COMPUTE]);
    gpu_launched(device, "normalise");
}

void gpu_activate(struct device *device, enum activation_kind kind, uint32_t rows, uint32_t width,
                  const void *in, void *out)
{
    if (device->failed)
        return;
    cudaStream_t stream = device->stream[STREAM_COMPUTE];
    if (kind == ACTIVATION_SWIGLU)
        kernel_swiglu(ELEMENT_BF16, rows, width, in, out, stream);
    else
        kernel_gelu(ELEMENT_BF16, (uint64_t)rows * width, in, out, stream);
    gpu_launched(device, "activate");
}

void gpu_add(struct device *device, uint64_t count, const void *in, void *sum)
{
    if (device->failed)
        return;
    kernel_add(ELEMENT_BF16, count, in, sum, device->stream[STREAM_COMPUTE]);
    gpu_launched(device, "add");
}
