/* runtime/cuda/gpu.h - a GPU as a device: what its rooms share. Private to runtime/cuda/.
 *   gpu.c        opening and closing, failures, the v-table
 *   memory.c     the two tiers, workspaces, floats to and from elements
 *   dram.c       memory that is pinned, and stays so when it is released
 *   streams.c    copies, and events with their time on the host's clock
 *   staging.c    the host's small arrays on their way to the GPU
 *   operators.c  norms, activations, rows
 *   experts.c    a mixture of experts
 *   products.c   products by cublasLt, each shape prepared once (product_trial.c: the fastest way)
 *   batch.c      contexts, how their attention is cut, KV and attention
 *   latent.c     the same of latent attention
 *   cublas.c     cublasLt, looked for when a device is opened
 * Kernels are behind kernels.h. All of it is called by one thread, which queues and never waits but
 * where backend.h says so; the GPU is number 0 of those that CUDA_VISIBLE_DEVICES leaves.
 *
 * Failures: the first one is kept for check(), and nothing is queued after it: a CUDA context whose
 * kernel failed answers every call with the same error ("sticky"). */
#ifndef REPRISE_RUNTIME_CUDA_GPU_H
#define REPRISE_RUNTIME_CUDA_GPU_H

#include "runtime/backend.h"
#include "runtime/cuda/cublas.h"
#include "runtime/cuda/latent_plan.h"
#include "runtime/cuda/plan.h"

#include <cuda_runtime_api.h>

#define GPU_MEMORY_ALIGNMENT UINT64_C(4096)

/* Device memory that grows to what was last asked of it; contents are lost then. Used by work on
 * STREAM_COMPUTE only, and so, in stream order, by one thing after the other. */
struct workspace {
    void *memory;
    uint64_t capacity_bytes;
};

struct gpu_tier {
    uint64_t capacity_bytes, used_bytes;
};

struct allocation {
    void *base;                        /* what CUDA or mmap() gave */
    void *memory;                      /* what the caller has: base, aligned */
    uint64_t size_bytes, mapped_bytes; /* mapped: of DRAM */
    struct allocation *next;
};

/* The GPU's clock against CLOCK_MONOTONIC: `base` happened at base_ns. Replaced as time goes on,
 * since the two drift and CUDA tells distances as floats of milliseconds (streams.c). */
struct gpu_clock {
    cudaEvent_t base, next;
    uint64_t base_ns, narrowest_ns; /* what brackets take at least (streams.c) */
    double host_per_gpu;            /* nanoseconds of the host's clock in one of the GPU's */
    uint64_t span_begin_ns;         /* a base's moment, from which the rate is learned */
    double span_ns, wanted_span_ns; /* from there to the base, by the GPU's clock */
};

enum event_state { EVENT_IDLE, EVENT_RECORDED, EVENT_HAPPENED };

struct backend_event {
    cudaEvent_t event;
    enum event_state state;
    uint64_t recorded_ns;
    uint64_t time_ns; /* once it has happened */
};

/* Pinned host memory and as much of the GPU's: an array is written into the one, copied to the
 * other and used there, all on STREAM_COMPUTE. `through` is recorded behind the last use. */
struct staging_slot {
    char *host, *gpu;
    uint64_t capacity_bytes;
    cudaEvent_t through;
    bool used;
};
enum { STAGING_SLOTS = 16 };
struct staging {
    struct staging_slot slot[STAGING_SLOTS];
    uint32_t next;
};

/* How a batch's attention is cut in layers of one kind, and where on the GPU that is, in the
 * batch's slot. */
struct batch_plan {
    struct plan plan;
    struct plan_shape shape; /* of the plan; heads 0: none is made */
    const uint32_t *gpu_rotated;
    const struct kernel_work *gpu_prefill, *gpu_decode;
    const struct kernel_merge *gpu_merges;
};

/* The contexts of the present batch. How their attention is cut depends on its shape, which comes
 * with the first operator that needs it; all layers then use the same slot. */
struct batch {
    struct kernel_sequence *sequences;
    uint32_t *pages, *row_sequence;
    uint32_t count, page_count, rows, longest; /* longest: tokens of a context */
    uint32_t sequence_capacity, page_capacity, row_capacity;
    struct batch_plan full, windowed; /* layers that see all; that have a window */
    struct latent_plan latent;
    struct staging_slot *slot;
    /* Addresses on the GPU, in the slot. */
    const struct kernel_sequence *gpu_sequences;
    const uint32_t *gpu_pages, *gpu_row_sequence;
};

/* Arrays on their way to the GPU in the batch's slot: one behind the other, each aligned to 16
 * bytes. */
struct packing {
    const void *array;
    uint64_t bytes;
    const void *gpu; /* out */
};

struct rope_table {
    struct workspace table;
    float theta;
    uint32_t dims, rows;
};

/* A call's copies, neighbours joined, as cudaMemcpyBatchAsync() wants them. */
struct copy_list {
    void **to;
    const void **from;
    size_t *bytes;
    uint32_t capacity;
    bool one_by_one; /* the driver knows no batches */
};

/* What is asked of cublasLt the same for all products, and what it answered (products.c). */
enum { PRODUCT_CANDIDATES = 5 }; /* algorithms that it is asked for */
struct products {
    struct cublas blas;
    cublasLtHandle_t handle;
    cublasLtMatmulDesc_t description;
    cublasLtMatmulPreference_t preference;
    void *workspace;
    cudaEvent_t event[PRODUCT_CANDIDATES + 1]; /* before and behind what is timed */
    struct product_matrix *matrix;
    uint32_t count, capacity;
};

struct device {
    struct error err; /* the first failure, until check() */
    bool failed;      /* for good */
    char name[128];
    uint32_t multiprocessors, major, minor;
    void *map_encoder; /* kernel_attention's */
    cudaStream_t stream[STREAM_COUNT];
    cudaStream_t aside; /* has no work of its own: what is recorded here happens at once */
    struct products products;
    struct gpu_clock clock;
    struct gpu_tier tier[TIER_COUNT];
    struct allocation *allocations[TIER_COUNT];
    struct allocation *kept; /* of DRAM: released, and pinned still */
    struct workspace floats, rotated_keys, wide_values, partial, partial_log2sum, arrivals;
    struct rope_table rope;
    struct staging rows, batches;
    struct batch batch;
    struct copy_list copies;
};

/* failures.c */
/* Keeps the first failure: "cannot WHAT: REASON". */
void gpu_fail(struct device *device, const char *what, const char *reason);
/* Whether code is cudaSuccess; keeps the failure otherwise. */
bool gpu_ok(struct device *device, cudaError_t code, const char *what);
/* Whether the kernels just launched were accepted, which CUDA tells beside the launch. */
bool gpu_launched(struct device *device, const char *what);
enum status gpu_check(struct device *device, struct error *err);

/* memory.c */
enum status gpu_allocate(struct device *device, enum tier tier, uint64_t size_bytes, void **memory,
                         struct error *err);
void gpu_release(struct device *device, enum tier tier, void *memory);
void gpu_release_all(struct device *device);
void gpu_upload(struct device *device, void *to, const float *from, uint64_t count);
void gpu_upload_bf16(struct device *device, void *to, const uint16_t *from, uint64_t count);
void gpu_download(struct device *device, float *to, const void *from, uint64_t count);
/* At least size_bytes; NULL: failed. Growing waits for STREAM_COMPUTE. */
void *workspace_need(struct device *device, struct workspace *workspace, uint64_t size_bytes);
void workspace_free(struct workspace *workspace);

/* dram.c */
/* Pinned and zeroed memory of allocation->size_bytes, as mapped_bytes that may be up to twice as
 * many. NULL, or why there is none. */
const char *dram_new(struct device *device, struct allocation *allocation);
/* What dram_new() made stays pinned, and the device may give it again. */
void dram_keep(struct device *device, struct allocation *allocation);
void dram_free_kept(struct device *device);

/* streams.c */
enum status gpu_clock_start(struct device *device, struct error *err);
void gpu_clock_end(struct device *device);
void gpu_copy(struct device *device, enum stream stream, enum copy_kind kind,
              const struct copy *copies, uint32_t count);
void gpu_copies_free(struct device *device);
struct backend_event *gpu_event_new(struct device *device);
void gpu_event_free(struct device *device, struct backend_event *event);
void gpu_record(struct device *device, enum stream stream, struct backend_event *event);
void gpu_wait(struct device *device, enum stream stream, struct backend_event *event);
bool gpu_happened(struct device *device, struct backend_event *event, uint64_t *time_ns);
void gpu_synchronise(struct device *device, struct backend_event *event);

/* staging.c. Take a slot, write to slot->host, send, queue what uses slot->gpu, end. */
/* The ring's next slot, with room for size_bytes; waits until the GPU is through with what it held,
 * as a full queue makes one wait. NULL: failed. */
struct staging_slot *staging_take(struct device *device, struct staging *ring, uint64_t size_bytes);
bool staging_send(struct device *device, struct staging_slot *slot, uint64_t size_bytes);
void staging_end(struct device *device, struct staging_slot *slot);
void staging_free(struct staging *ring);

/* operators.c */
void gpu_embed(struct device *device, const void *table, uint32_t width, const uint32_t *tokens,
               uint32_t rows, void *out);
void gpu_gather_rows(struct device *device, const void *from, uint32_t width, const uint32_t *row,
                     uint32_t rows, void *to);
void gpu_norm(struct device *device, enum norm_kind kind, uint32_t rows, uint32_t width,
              float epsilon, const void *in, const void *weight, const void *bias, void *out);
void gpu_add_norm(struct device *device, enum norm_kind kind, uint32_t rows, uint32_t width,
                  float epsilon, const void *in, void *sum, const void *weight, const void *bias,
                  void *out);
void gpu_activate(struct device *device, enum activation_kind kind, uint32_t rows, uint32_t width,
                  const void *in, void *out);
void gpu_add(struct device *device, uint64_t count, const void *in, void *sum);

/* experts.c */
void gpu_route(struct device *device, const struct routing *routing, uint32_t rows, uint32_t inputs,
               const void *in, const void *router);
void gpu_expert_gemm(struct device *device, const struct routing *routing, bool by_row,
                     uint32_t rows, uint32_t inputs, uint32_t outputs, const void *in,
                     const void *weights, void *out);
void gpu_combine(struct device *device, const struct routing *routing, uint32_t rows,
                 uint32_t width, const void *in, bool added, void *out);

/* products.c */
#define GEMM_SLACK_ROWS 63U
/* Closing zeroed memory, or what opening left half done, is fine. */
enum status products_open(struct products *products, struct error *err);
void products_close(struct products *products);
void gpu_gemm(struct device *device, uint32_t rows, uint32_t inputs, uint32_t outputs,
              const void *in, const void *weights, void *out);
void gpu_warm(struct device *device, uint32_t inputs, uint32_t outputs, uint32_t most_rows,
              const void *in, const void *weights, void *out);

/* batch.c */
void gpu_set_batch(struct device *device, const struct sequence *sequences, uint32_t count);
void gpu_store_kv(struct device *device, const struct attention_dims *shape, uint32_t layer,
                  const void *qkv, void *pool);
void gpu_attention(struct device *device, const struct attention_dims *shape, uint32_t layer,
                   const void *qkv, const void *pool, void *out);
void gpu_batch_free(struct device *device);
/* Takes the batch's slot anew; what was in it is no more. */
bool gpu_pack(struct device *device, struct packing *arrays, uint32_t count);
/* device->rope for all positions of the batch. */
bool gpu_need_rope(struct device *device, const struct rope *rope);

/* latent.c */
void gpu_gemm_heads(struct device *device, const struct head_products *products, uint32_t rows,
                    const void *in, const void *weights, void *out);
void gpu_store_latent(struct device *device, const struct attention_dims *shape, uint32_t layer,
                      float epsilon, const void *compressed, const void *weight, void *pool);
void gpu_latent_attention(struct device *device, const struct attention_dims *shape,
                          uint32_t layer, const void *query, const void *query_latent,
                          const void *pool, void *out);

#endif
