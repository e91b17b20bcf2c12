/* runtime/cuda/memory.c - HBM by cudaMalloc; DRAM is the process's own memory, pinned: O_DIRECT and
 * io_uring take it as they take any other, and copies need no bounce buffer. Both bounded by what
 * the device was opened with. Workspaces are the backend's own and beside that bound. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise() */
#include "runtime/cuda/gpu.h"

#include "base/memory.h"
#include "base/spread.h"
#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

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

/* Of x86-64 and of aarch64 with pages of 4 KiB. */
static const uint64_t HUGE_PAGE = UINT64_C(2) << 20;

/* Zeroed memory from an address that a huge page can begin at; NULL: the machine has no more.
 * Mapped a huge page larger than asked, and cut to size. */
static char *map_aligned(uint64_t bytes)
{
    char *mapped =
        mmap(NULL, bytes + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapped == MAP_FAILED)
        return NULL;
    uint64_t before = (HUGE_PAGE - (uintptr_t)mapped % HUGE_PAGE) % HUGE_PAGE;
    if (before > 0)
        munmap(mapped, before);
    if (before < HUGE_PAGE)
        munmap(mapped + before + bytes, HUGE_PAGE - before);
    return mapped + before;
}

static void touch(void *memory, uint64_t begin, uint64_t end)
{
    for (uint64_t page = begin; page < end; page++)
        ((volatile char *)memory)[page * GPU_MEMORY_ALIGNMENT] = 0;
}

/* A tier of some 100 GB of small pages would be touched and pinned for minutes: huge pages are 512
 * times fewer to pin, and several threads touch them, since the kernel zeroes as they do. Where the
 * kernel gives none (madvise() is a hint), pages are small and all else the same. */
static const char *new_dram(struct allocation *allocation)
{
    uint64_t pages = (allocation->size_bytes + GPU_MEMORY_ALIGNMENT - 1) / GPU_MEMORY_ALIGNMENT;
    pages = pages > 0 ? pages : 1;
    uint64_t bytes = pages * GPU_MEMORY_ALIGNMENT;
    char *memory = map_aligned(bytes);
    if (memory == NULL)
        return "the machine has no more";
    madvise(memory, bytes, MADV_HUGEPAGE);
    spread(pages, HUGE_PAGE / GPU_MEMORY_ALIGNMENT, touch, memory);
    cudaError_t code = cudaHostRegister(memory, bytes, cudaHostRegisterDefault);
    if (code != cudaSuccess) {
        cudaGetLastError();
        munmap(memory, bytes);
        return cudaGetErrorString(code);
    }
    allocation->base = allocation->memory = memory;
    allocation->mapped_bytes = bytes;
    return NULL;
}

static void free_allocation(enum tier tier, struct allocation *allocation)
{
    if (tier == TIER_HBM)
        cudaFree(allocation->base);
    else {
        cudaHostUnregister(allocation->base);
        munmap(allocation->base, allocation->mapped_bytes);
    }
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
    const char *why = which == TIER_HBM ? new_hbm(device, allocation) : new_dram(allocation);
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
    free_allocation(which, allocation);
}

void gpu_release_all(struct device *device)
{
    for (int tier = 0; tier < TIER_COUNT; tier++)
        while (device->allocations[tier] != NULL) {
            struct allocation *allocation = device->allocations[tier];
            device->allocations[tier] = allocation->next;
            free_allocation((enum tier)tier, allocation);
        }
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
