/* runtime/cuda/staging.c - see gpu.h. A ring of slots: the caller's array is copied at once, so
 * that it may change when the call returns, and the GPU's copy is its own until the stream has come
 * past its last use. llm.c and ggml-cuda wait for each such copy instead; here the host runs ahead
 * of the GPU by up to a ring.
 *
 * A kernel reads the pinned memory, not a copy engine: there is one for each direction, and what
 * STREAM_LOAD has queued on it goes first, whatever the stream. Measured on an H200: with a turn's
 * KV on the way (2.6 ms), the first layer of its prefill, whose own KV was there after 0.4 ms,
 * began after 2.6 ms, since the few KB that say where its pages are stood behind the last layer's
 * KV. The kernel has the host's address: that of what cudaHostAlloc() gives is the GPU's as well,
 * which of memory by cudaHostRegister() (a tier's) it need not be. */
#include "runtime/cuda/gpu.h"

#include <stdlib.h>

static const uint64_t SLOT_BYTES = 64 << 10; /* at first: few are ever larger */

static void free_memory(struct staging_slot *slot)
{
    if (slot->host != NULL)
        cudaFreeHost(slot->host);
    cudaFree(slot->gpu);
    slot->host = slot->gpu = NULL;
    slot->capacity_bytes = 0;
}

static bool grow(struct device *device, struct staging_slot *slot, uint64_t bytes)
{
    void *host = NULL, *gpu = NULL;
    free_memory(slot);
    if (!gpu_ok(device, cudaHostAlloc(&host, bytes, cudaHostAllocDefault), "pin staging memory"))
        return false;
    slot->host = host;
    if (!gpu_ok(device, cudaMalloc(&gpu, bytes), "allocate staging memory"))
        return false;
    slot->gpu = gpu;
    slot->capacity_bytes = bytes;
    return true;
}

/* Until the GPU is through with what the slot held. */
static bool wait_for(struct device *device, struct staging_slot *slot)
{
    if (slot->through == NULL &&
        !gpu_ok(device, cudaEventCreateWithFlags(&slot->through, cudaEventDisableTiming),
                "make an event"))
        return false;
    if (slot->used && !gpu_ok(device, cudaEventSynchronize(slot->through), "run what is queued"))
        return false;
    slot->used = false;
    return true;
}

/* All slots at once, of which none is taken: else each would stop the GPU when its turn comes, 16
 * iterations later. Twice what is asked, as workspaces. */
static bool grow_all(struct device *device, struct staging *ring, uint64_t size_bytes)
{
    uint64_t bytes = SLOT_BYTES;
    while (bytes < 2 * size_bytes)
        bytes *= 2;
    for (int i = 0; i < STAGING_SLOTS; i++)
        if (!wait_for(device, &ring->slot[i]) || !grow(device, &ring->slot[i], bytes))
            return false;
    return true;
}

struct staging_slot *staging_take(struct device *device, struct staging *ring, uint64_t size_bytes)
{
    if (device->failed)
        return NULL;
    struct staging_slot *slot = &ring->slot[ring->next++ % STAGING_SLOTS];
    if (size_bytes > slot->capacity_bytes && !grow_all(device, ring, size_bytes))
        return NULL;
    return wait_for(device, slot) ? slot : NULL;
}

bool staging_send(struct device *device, struct staging_slot *slot, uint64_t size_bytes)
{
    kernel_fetch(size_bytes, slot->host, slot->gpu, device->stream[STREAM_COMPUTE]);
    return gpu_launched(device, "send an array");
}

void staging_end(struct device *device, struct staging_slot *slot)
{
    slot->used = !device->failed &&
                 gpu_ok(device, cudaEventRecord(slot->through, device->stream[STREAM_COMPUTE]),
                        "record an event");
}

void staging_free(struct staging *ring)
{
    for (int i = 0; i < STAGING_SLOTS; i++) {
        free_memory(&ring->slot[i]);
        if (ring->slot[i].through != NULL)
            cudaEventDestroy(ring->slot[i].through);
    }
}
