/* runtime/cuda/memory.c - the two tiers' books, each bounded by what the device was opened with;
 * HBM by cudaMalloc (DRAM: dram.c). Workspaces are the backend's own and beside that bound. */
#include "runtime/cuda/gpu.h"

#include "base/memory.h"
#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- tiers ---- */

static enum status no_room(const struct gpu_tier *tier, enum tier which, uint64_t size_bytes,
                           const char *why, struct error *err)
{
    char what[96], size[24], left[24], reason[160];
    snprintf(what, sizeof what, "allocate %s of %s",
             units_format((double)size_bytes, UNIT_BYTES, size, sizeof size), tier_name(which));
    snprintf(reason, sizeof reason, "%s of its %llu bytes are left%s%s",
             units_format((double)(tier->capacity_bytes - tier->used_bytes), UNIT_BYTES, left,
                          sizeof left),
             (unsigned long long)tier->capacity_bytes, why[0] != '\0' ? "; " : "", why);
    return error_io(err, "cuda", what, reason);
}

/* cudaMalloc promises 256 bytes of alignment. */
static const char *new_hbm(struct device *device, struct allocation *allocation)
{
    uint64_t bytes = allocation->size_bytes + GPU_MEMORY_ALIGNMENT;
    cudaError_t code = cudaMalloc(&allocation->base, bytes);
    if (code == cudaSuccess)
        code = cudaMemsetAsync(allocation->base, 0, bytes, device->aside);
    if (code == cudaSuccess)
        code = cudaStreamSynchronize(device->aside);
    if (code != cudaSuccess) {
        cudaGetLastError();
        cudaFree(allocation->base);
        return cudaGetErrorString(code);
    }
    uintptr_t start = (uintptr_t)allocation->base + GPU_MEMORY_ALIGNMENT - 1;
    allocation->memory = (void *)(start - start % GPU_MEMORY_ALIGNMENT);
    return NULL;
}

static void free_hbm(struct allocation *allocation)
{
    cudaFree(allocation->base);
    free(allocation);
}

enum status gpu_allocate(struct device *device, enum tier which, uint64_t size_bytes, void **memory,
                         struct error *err)
{
    struct gpu_tier *tier = &device->tier[which];
    if (size_bytes > tier->capacity_bytes - tier->used_bytes)
        return no_room(tier, which, size_bytes, "", err);
    struct allocation *allocation = memory_new(1, sizeof *allocation);
    allocation->size_bytes = size_bytes;
    const char *why =
        which == TIER_HBM ? new_hbm(device, allocation) : dram_new(device, allocation);
    if (why != NULL) {
        free(allocation);
        return no_room(tier, which, size_bytes, why, err);
    }
    allocation->next = device->allocations[which];
    device->allocations[which] = allocation;
    tier->used_bytes += size_bytes;
    *memory = allocation->memory;
    return STATUS_OK;
}

void gpu_release(struct device *device, enum tier which, void *memory)
{
    struct allocation **place = &device->allocations[which];
    while (*place != NULL && (*place)->memory != memory)
        place = &(*place)->next;
    struct allocation *allocation = *place;
    if (allocation == NULL)
        return;
    *place = allocation->next;
    device->tier[which].used_bytes -= allocation->size_bytes;
    if (which == TIER_HBM)
        free_hbm(allocation);
    else
        dram_keep(device, allocation);
}

void gpu_release_all(struct device *device)
{
    for (int tier = 0; tier < TIER_COUNT; tier++)
        while (device->allocations[tier] != NULL)
            gpu_release(device, (enum tier)tier, device->allocations[tier]->memory);
    dram_free_kept(device);
}

/* ---- workspaces ---- */

void *workspace_need(struct device *device, struct workspace *workspace, uint64_t size_bytes)
{
    if (size_bytes <= workspace->capacity_bytes && workspace->memory != NULL)
        return workspace->memory;
    /* Twice as much, so that a context which grows by a token an iteration seldom comes here, and
     * what executor_warm() saw suffices for what lies between; what is queued may still use the old
     * one. */
    uint64_t bytes = 2 * size_bytes + GPU_MEMORY_ALIGNMENT;
    if (!gpu_ok(device, cudaStreamSynchronize(device->stream[STREAM_COMPUTE]),
                "run what is queued"))
        return NULL;
    workspace_free(workspace);
    if (!gpu_ok(device, cudaMalloc(&workspace->memory, bytes), "allocate a workspace"))
        return NULL;
    workspace->capacity_bytes = bytes;
    return workspace->memory;
}

void workspace_free(struct workspace *workspace)
{
    cudaFree(workspace->memory);
    *workspace = (struct workspace){ 0 };
}

/* ---- floats and elements ---- */

enum { FLOATS_AT_ONCE = 1 << 20 };

/* Elements are made on the GPU: it converts faster than a host can write. */
void gpu_upload(struct device *device, void *to, const float *from, uint64_t count)
{
    cudaStream_t stream = device->stream[STREAM_COMPUTE];
    for (uint64_t done = 0; done < count && !device->failed; done += FLOATS_AT_ONCE) {
        uint64_t part = count - done < FLOATS_AT_ONCE ? count - done : FLOATS_AT_ONCE;
        float *floats = workspace_need(device, &device->floats, part * sizeof *floats);
        if (floats == NULL || !gpu_ok(device,
                                      cudaMemcpyAsync(floats, from + done, part * sizeof *floats,
                                                      cudaMemcpyHostToDevice, stream),
                                      "upload"))
            return;
        kernel_from_float(ELEMENT_BF16, part, floats, (uint16_t *)to + done, stream);
        gpu_launched(device, "upload");
    }
    if (!device->failed)
        gpu_ok(device, cudaStreamSynchronize(stream), "upload");
}

void gpu_upload_bf16(struct device *device, void *to, const uint16_t *from, uint64_t count)
{
    cudaStream_t stream = device->stream[STREAM_COMPUTE];
    if (!device->failed &&
        gpu_ok(device,
               cudaMemcpyAsync(to, from, count * sizeof *from, cudaMemcpyHostToDevice, stream),
               "upload"))
        gpu_ok(device, cudaStreamSynchronize(stream), "upload");
}

void gpu_download(struct device *device, float *to, const void *from, uint64_t count)
{
    cudaStream_t stream = device->stream[STREAM_COMPUTE];
    for (uint64_t done = 0; done < count && !device->failed; done += FLOATS_AT_ONCE) {
        uint64_t part = count - done < FLOATS_AT_ONCE ? count - done : FLOATS_AT_ONCE;
        float *floats = workspace_need(device, &device->floats, part * sizeof *floats);
        if (floats == NULL)
            return;
        kernel_to_float(ELEMENT_BF16, part, (const uint16_t *)from + done, floats, stream);
        if (gpu_launched(device, "download") &&
            gpu_ok(device,
                   cudaMemcpyAsync(to + done, floats, part * sizeof *floats, cudaMemcpyDeviceToHost,
                                   stream),
                   "download"))
            gpu_ok(device, cudaStreamSynchronize(stream), "download");
    }
}
