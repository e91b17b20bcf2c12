/* runtime/cuda/gpu.c - a GPU is opened, described and closed; what it offers, in one table. */
#include "runtime/cuda/gpu.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening and closing ---- */

static enum status refuse(struct error *err, const char *what, cudaError_t code)
{
    cudaGetLastError();
    return error_io(err, "cuda", what, cudaGetErrorString(code));
}

static const char *why_no_gpu(cudaError_t code)
{
    int driver = 0;
    cudaGetLastError();
    if (cudaDriverGetVersion(&driver) == cudaSuccess && driver == 0)
        return "no NVIDIA driver is installed";
    return code == cudaSuccess ? "CUDA finds no GPU" : cudaGetErrorString(code);
}

static enum status find_gpu(struct device *device, struct error *err)
{
    int count = 0;
    cudaError_t code = cudaGetDeviceCount(&count);
    if (code != cudaSuccess || count == 0) {
        char reason[192];
        snprintf(reason, sizeof reason, "no such device here: %s", why_no_gpu(code));
        return error_io(err, "cuda", "open a GPU", reason);
    }
    struct cudaDeviceProp properties;
    code = cudaGetDeviceProperties(&properties, 0);
    if (code != cudaSuccess)
        return refuse(err, "ask what the GPU is", code);
    snprintf(device->name, sizeof device->name, "%.100s", properties.name);
    device->major = (uint32_t)properties.major;
    device->minor = (uint32_t)properties.minor;
    device->multiprocessors = (uint32_t)properties.multiProcessorCount;
    device->map_encoder = kernel_map_encoder();
    if (device->major >= 8)
        return STATUS_OK;
    char reason[192];
    snprintf(reason, sizeof reason,
             "%.100s has compute capability %u.%u; the kernels need 8.0 (A100) or later",
             device->name, device->major, device->minor);
    return error_io(err, "cuda", "use this GPU", reason);
}

/* Non-blocking: the legacy default stream, which somebody else's library may use, would else order
 * our streams one after the other. */
static enum status open_streams(struct device *device, struct error *err)
{
    cudaError_t code = cudaSetDevice(0);
    for (int i = 0; i < STREAM_COUNT && code == cudaSuccess; i++)
        code = cudaStreamCreateWithFlags(&device->stream[i], cudaStreamNonBlocking);
    if (code == cudaSuccess)
        code = cudaStreamCreateWithFlags(&device->aside, cudaStreamNonBlocking);
    return code == cudaSuccess ? STATUS_OK : refuse(err, "open streams", code);
}

/* Codes are ignored: on a device that failed every call does, and there is nobody left to tell. */
static void gpu_close(struct device *device)
{
    if (device == NULL)
        return;
    for (int i = 0; i < STREAM_COUNT; i++)
        if (device->stream[i] != NULL)
            cudaStreamSynchronize(device->stream[i]);
    gpu_batch_free(device);
    staging_free(&device->rows);
    staging_free(&device->batches);
    workspace_free(&device->floats);
    workspace_free(&device->rotated_keys);
    workspace_free(&device->wide_values);
    workspace_free(&device->partial);
    workspace_free(&device->partial_log2sum);
    workspace_free(&device->arrivals);
    workspace_free(&device->rope.table);
    gpu_copies_free(device);
    gpu_release_all(device);
    products_close(&device->products);
    gpu_clock_end(device);
    for (int i = 0; i < STREAM_COUNT; i++)
        if (device->stream[i] != NULL)
            cudaStreamDestroy(device->stream[i]);
    if (device->aside != NULL)
        cudaStreamDestroy(device->aside);
    free(device);
}

static enum status gpu_open(const struct backend_config *config, struct device **device,
                            struct error *err)
{
    struct device *opened = memory_new(1, sizeof *opened);
    opened->tier[TIER_HBM].capacity_bytes = config->hbm_bytes;
    opened->tier[TIER_DRAM].capacity_bytes = config->dram_bytes;
    enum status status = find_gpu(opened, err);
    if (status == STATUS_OK)
        status = open_streams(opened, err);
    if (status == STATUS_OK)
        status = products_open(&opened->products, err);
    if (status == STATUS_OK)
        status = gpu_clock_start(opened, err);
    if (status != STATUS_OK) {
        gpu_close(opened);
        return status;
    }
    *device = opened;
    return STATUS_OK;
}

static char *gpu_describe(struct device *device, char *text, size_t text_bytes)
{
    int runtime = 0, driver = 0;
    cudaRuntimeGetVersion(&runtime);
    cudaDriverGetVersion(&driver);
    snprintf(text, text_bytes, "%s, bf16, %u SMs of %u.%u, CUDA %d.%d, driver's %d.%d, cuBLAS %zu",
             device->name, device->multiprocessors, device->major, device->minor, runtime / 1000,
             runtime % 1000 / 10, driver / 1000, driver % 1000 / 10,
             device->products.blas.version());
    return text;
}

static enum status latent_supports(const struct attention_dims *shape, struct error *err)
{
    char found[32];
    snprintf(found, sizeof found, "%u", shape->latent_dim);
    if (shape->latent_dim % 8 != 0 || shape->latent_dim > LATENT_DIM_MAX)
        return error_input(err, "cuda", 0, "latent_dim", "a multiple of 8, at most 512", found);
    snprintf(found, sizeof found, "%u", shape->rope.dims);
    if (shape->rope.dims % 8 != 0 || shape->rope.dims > LATENT_ROPE_DIM_MAX)
        return error_input(err, "cuda", 0, "rope_dim", "a multiple of 8, at most 64", found);
    return STATUS_OK;
}

/* Of what executors use: a thread of our kernels moves 8 elements at once. */
static enum status gpu_supports(const struct attention_dims *shape, const uint32_t *widths,
                                uint32_t count, struct error *err)
{
    char found[32];
    snprintf(found, sizeof found, "%u", shape->head_dim);
    if (shape->head_dim % 8 != 0 || shape->head_dim > ATTENTION_HEAD_DIM_MAX)
        return error_input(err, "cuda", 0, "head_dim", "a multiple of 8, at most 128", found);
    if (shape->kv == KV_FP8_E4M3 && shape->head_dim % 16 != 0) /* 16 bytes of KV */
        return error_input(err, "cuda", 0, "head_dim", "a multiple of 16 where KV is fp8", found);
    for (uint32_t i = 0; i < count; i++)
        if (widths[i] % 8 != 0) {
            snprintf(found, sizeof found, "%u", widths[i]);
            return error_input(err, "cuda", 0, "hidden, ffn, expert_ffn, query_latent_dim",
                               "multiples of 8", found);
        }
    return shape->latent_dim > 0 ? latent_supports(shape, err) : STATUS_OK;
}

extern const struct backend backend_cuda;
const struct backend backend_cuda = {
    .name = "cuda",
    .summary = "an NVIDIA GPU, compute capability 8.0 or later: cuBLAS and own kernels in bf16",
    .element_bytes = 2,
    .element = "bf16",
    .kv_formats = 1U << KV_AS_ELEMENTS | 1U << KV_FP8_E4M3,
    .gemm_slack_rows = GEMM_SLACK_ROWS,
    .open = gpu_open,
    .close = gpu_close,
    .describe = gpu_describe,
    .supports = gpu_supports,
    .allocate = gpu_allocate,
    .release = gpu_release,
    .upload = gpu_upload,
    .download = gpu_download,
    .upload_bf16 = gpu_upload_bf16,
    .copy = gpu_copy,
    .event_new = gpu_event_new,
    .event_free = gpu_event_free,
    .record = gpu_record,
    .wait = gpu_wait,
    .happened = gpu_happened,
    .synchronise = gpu_synchronise,
    /* No sleep_until: an event wakes nobody but by a host function in the stream, which would hold
     * the stream up; the caller looks every few microseconds. */
    .embed = gpu_embed,
    .gemm = gpu_gemm,
    .warm = gpu_warm,
    .norm = gpu_norm,
    .add_norm = gpu_add_norm,
    .set_batch = gpu_set_batch,
    .store_kv = gpu_store_kv,
    .attention = gpu_attention,
    .gemm_heads = gpu_gemm_heads,
    .store_latent = gpu_store_latent,
    .latent_attention = gpu_latent_attention,
    .activate = gpu_activate,
    .route = gpu_route,
    .expert_gemm = gpu_expert_gemm,
    .combine = gpu_combine,
    .add = gpu_add,
    .gather_rows = gpu_gather_rows,
    .check = gpu_check,
};
