/* runtime/cuda/dram.c - DRAM: the process's own memory, pinned. O_DIRECT and io_uring take it as
 * they take any other, and copies need no bounce buffer.
 *
 * Pinning a tier of 100 GB takes seconds to tens of seconds, and `validate` makes dozens of runs on
 * one device. So what is released stays pinned, and is given again to what fits, until the device
 * closes or memory is needed otherwise: kept and given together are held to the tier's capacity
 * (but for what places are larger than what was asked of them), and what is kept goes before an
 * allocation fails. */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, madvise() */
#include "runtime/cuda/gpu.h"

#include "base/spread.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Of x86-64 and of aarch64 with pages of 4 KiB. */
static const uint64_t HUGE_PAGE = UINT64_C(2) << 20;

/* ---- pinning ---- */

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

/* Several threads, of which each has a huge page or more. */
static void over_pages(char *memory, uint64_t bytes, void (*part)(void *, uint64_t, uint64_t))
{
    spread(bytes / GPU_MEMORY_ALIGNMENT, HUGE_PAGE / GPU_MEMORY_ALIGNMENT, part, memory);
}

/* A tier of some 100 GB of small pages would be touched and pinned for minutes: huge pages are 512
 * times fewer to pin, and several threads touch them, since the kernel zeroes as they do. Where the
 * kernel gives none (madvise() is a hint), pages are small and all else the same. */
static const char *pin(struct allocation *allocation, uint64_t bytes)
{
    char *memory = map_aligned(bytes);
    if (memory == NULL)
        return "the machine has no more";
    madvise(memory, bytes, MADV_HUGEPAGE);
    over_pages(memory, bytes, touch);
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

static void unpin(struct allocation *allocation)
{
    cudaHostUnregister(allocation->base);
    munmap(allocation->base, allocation->mapped_bytes);
    free(allocation);
}

/* ---- keeping ---- */

void dram_keep(struct device *device, struct allocation *allocation)
{
    allocation->next = device->kept;
    device->kept = allocation;
}

void dram_free_kept(struct device *device)
{
    while (device->kept != NULL) {
        struct allocation *allocation = device->kept;
        device->kept = allocation->next;
        unpin(allocation);
    }
}

/* Of what is large enough and no more than twice as large, the smallest; NULL: there is none. */
static struct allocation *take_kept(struct device *device, uint64_t bytes)
{
    struct allocation **best = NULL;
    for (struct allocation **place = &device->kept; *place != NULL; place = &(*place)->next) {
        uint64_t mapped = (*place)->mapped_bytes;
        if (mapped >= bytes && mapped - bytes <= bytes &&
            (best == NULL || mapped < (*best)->mapped_bytes))
            best = place;
    }
    if (best == NULL)
        return NULL;
    struct allocation *kept = *best;
    *best = kept->next;
    return kept;
}

static void zero(void *memory, uint64_t begin, uint64_t end)
{
    memset((char *)memory + begin * GPU_MEMORY_ALIGNMENT, 0, (end - begin) * GPU_MEMORY_ALIGNMENT);
}

/* A copy that was queued before the memory was released may write it still. */
static bool take_again(struct device *device, struct allocation *allocation, uint64_t bytes)
{
    struct allocation *kept = take_kept(device, bytes);
    if (kept == NULL)
        return false;
    for (int i = 0; i < STREAM_COUNT && !device->failed; i++)
        gpu_ok(device, cudaStreamSynchronize(device->stream[i]), "run what is queued");
    over_pages(kept->base, bytes, zero);
    allocation->base = allocation->memory = kept->base;
    allocation->mapped_bytes = kept->mapped_bytes;
    free(kept);
    return true;
}

static uint64_t pinned_bytes(const struct device *device)
{
    uint64_t bytes = 0;
    for (const struct allocation *a = device->kept; a != NULL; a = a->next)
        bytes += a->mapped_bytes;
    for (const struct allocation *a = device->allocations[TIER_DRAM]; a != NULL; a = a->next)
        bytes += a->mapped_bytes;
    return bytes;
}

/* Linux gives more than there is and ends who touches it, so what is kept must go before: a tier's
 * capacity is what the process was told that it may have. */
const char *dram_new(struct device *device, struct allocation *allocation)
{
    uint64_t pages = (allocation->size_bytes + GPU_MEMORY_ALIGNMENT - 1) / GPU_MEMORY_ALIGNMENT;
    uint64_t bytes = (pages > 0 ? pages : 1) * GPU_MEMORY_ALIGNMENT;
    if (take_again(device, allocation, bytes))
        return NULL;
    if (pinned_bytes(device) + bytes > device->tier[TIER_DRAM].capacity_bytes)
        dram_free_kept(device);
    const char *why = pin(allocation, bytes);
    if (why == NULL || device->kept == NULL)
        return why;
    dram_free_kept(device);
    return pin(allocation, bytes);
}
