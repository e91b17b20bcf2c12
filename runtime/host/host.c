/* runtime/host/host.c - the host as a device: "HBM" and "DRAM" are two bounded shares of the
 * machine's memory, between which only the copy streams move bytes. */
#include "runtime/host/host.h"

#include "base/memory.h"
#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALIGNMENT = 4096 };

static void host_close(struct device *device)
{
    if (device == NULL)
        return;
    streams_stop(device);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        while (device->allocations[tier] != NULL) {
            struct allocation *allocation = device->allocations[tier];
            device->allocations[tier] = allocation->next;
            free(allocation->memory);
            free(allocation);
        }
    attention_free(device);
    experts_free(device);
    free(device);
}

/* Both tiers are this machine's memory: what is more than all of it would be found out by the
 * kernel, which ends the process. */
static enum status check_memory(const struct backend_config *config, struct error *err)
{
    uint64_t pages = (uint64_t)sysconf(_SC_PHYS_PAGES),
             page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    char hbm[24], dram[24], all[24], what[96], reason[160];
    if (config->hbm_bytes <= pages * page_bytes &&
        config->dram_bytes <= pages * page_bytes - config->hbm_bytes)
        return STATUS_OK;
    units_format((double)config->hbm_bytes, UNIT_BYTES, hbm, sizeof hbm);
    units_format((double)config->dram_bytes, UNIT_BYTES, dram, sizeof dram);
    units_format((double)(pages * page_bytes), UNIT_BYTES, all, sizeof all);
    snprintf(what, sizeof what, "be a server of %s of HBM and %s of DRAM", hbm, dram);
    snprintf(reason, sizeof reason,
             "this machine has %s of memory in all (`reprise calibrate` makes a model and a server "
             "that fit)",
             all);
    return error_io(err, "host", what, reason);
}

static enum status host_open(const struct backend_config *config, struct device **device,
                             struct error *err)
{
    if (check_memory(config, err) != STATUS_OK)
        return err->status;
    struct device *opened = memory_new(1, sizeof *opened);
    opened->tier[TIER_HBM].capacity_bytes = config->hbm_bytes;
    opened->tier[TIER_DRAM].capacity_bytes = config->dram_bytes;
    opened->stream[STREAM_LOAD].bytes_per_s = config->h2d_bytes_per_s;
    opened->stream[STREAM_SAVE].bytes_per_s = config->d2h_bytes_per_s;
    opened->held = config->held;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    opened->threads = config->threads > 0 ? config->threads : cores > 2 ? (uint32_t)cores - 1 : 1;
    if (blas_open(&opened->blas, opened->threads, err) != STATUS_OK) {
        free(opened); /* there are no streams to stop yet */
        return err->status;
    }
    enum status status = streams_start(opened, err);
    if (status != STATUS_OK) {
        host_close(opened);
        return status;
    }
    *device = opened;
    return STATUS_OK;
}

static char *host_describe(struct device *device, char *text, size_t text_bytes)
{
    snprintf(text, text_bytes, "host, fp32, OpenBLAS %s, %u thread%s", device->blas.core_name(),
             device->threads, device->threads == 1 ? "" : "s");
    return text;
}

static enum status no_room(const struct host_tier *tier, const char *name, uint64_t size_bytes,
                           struct error *err)
{
    char what[96], left[24], reason[96];
    snprintf(what, sizeof what, "allocate %s of %s",
             units_format((double)size_bytes, UNIT_BYTES, left, sizeof left), name);
    snprintf(reason, sizeof reason, "%s of its %llu bytes are left",
             units_format((double)(tier->capacity_bytes - tier->used_bytes), UNIT_BYTES, left,
                          sizeof left),
             (unsigned long long)tier->capacity_bytes);
    return error_io(err, "host", what, reason);
}

static enum status host_allocate(struct device *device, enum tier which, uint64_t size_bytes,
                                 void **memory, struct error *err)
{
    struct host_tier *tier = &device->tier[which];
    if (size_bytes > tier->capacity_bytes - tier->used_bytes)
        return no_room(tier, tier_name(which), size_bytes, err);
    struct allocation *allocation = memory_new(1, sizeof *allocation);
    uint64_t rounded = (size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    allocation->memory = aligned_alloc(ALIGNMENT, rounded > 0 ? rounded : ALIGNMENT);
    if (allocation->memory == NULL)
        memory_exhausted();
    memset(allocation->memory, 0, rounded); /* also: no page is made while something is timed */
    allocation->size_bytes = size_bytes;
    allocation->next = device->allocations[which];
    device->allocations[which] = allocation;
    tier->used_bytes += size_bytes;
    *memory = allocation->memory;
    return STATUS_OK;
}

static void host_release(struct device *device, enum tier which, void *memory)
{
    struct allocation **place = &device->allocations[which];
    while (*place != NULL && (*place)->memory != memory)
        place = &(*place)->next;
    struct allocation *allocation = *place;
    if (allocation == NULL)
        return;
    *place = allocation->next;
    device->tier[which].used_bytes -= allocation->size_bytes;
    free(allocation->memory);
    free(allocation);
}

static void host_upload(struct device *device, void *to, const float *from, uint64_t count)
{
    streams_drain(device, STREAM_COMPUTE);
    memcpy(to, from, count * sizeof *from);
}

static void host_download(struct device *device, float *to, const void *from, uint64_t count)
{
    streams_drain(device, STREAM_COMPUTE);
    memcpy(to, from, count * sizeof *to);
}

static uint64_t host_late_ns(struct device *device)
{
    pthread_mutex_lock(&device->lock);
    uint64_t late_ns = device->late_ns;
    pthread_mutex_unlock(&device->lock);
    return late_ns;
}

/* Nothing that runs in a stream of the host can fail: memory that cannot be had ends the process.
 */
static enum status host_check(struct device *device, struct error *err)
{
    (void)device;
    (void)err;
    return STATUS_OK;
}

const struct backend backend_host = {
    .name = "host",
    .summary = "the machine's cores and memory: OpenBLAS in fp32, two bounded shares of memory",
    .element_bytes = sizeof(float),
    .element = "fp32",
    .kv_formats = 1U << KV_AS_ELEMENTS | 1U << KV_BF16 | 1U << KV_FP8_E4M3,
    .open = host_open,
    .close = host_close,
    .describe = host_describe,
    .allocate = host_allocate,
    .release = host_release,
    .upload = host_upload,
    .download = host_download,
    .copy = host_copy,
    .event_new = host_event_new,
    .event_free = host_event_free,
    .record = host_record,
    .wait = host_wait,
    .happened = host_happened,
    .synchronise = host_synchronise,
    .sleep_until = host_sleep_until,
    .wake = host_wake,
    .late_ns = host_late_ns,
    .embed = host_embed,
    .gemm = host_gemm,
    .norm = host_norm,
    .set_batch = host_set_batch,
    .store_kv = host_store_kv,
    .attention = host_attention,
    .gemm_heads = host_gemm_heads,
    .store_latent = host_store_latent,
    .latent_attention = host_latent_attention,
    .activate = host_activate,
    .route = host_route,
    .expert_gemm = host_expert_gemm,
    .combine = host_combine,
    .add = host_add,
    .gather_rows = host_gather_rows,
    .check = host_check,
};
