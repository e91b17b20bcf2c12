/* runtime/cuda/latent.c - latent attention on the GPU: its plan, its KV, the kernels in their
 * order, and the products of single heads. */
#include "runtime/cuda/gpu.h"

/* The batch and its plan go to the GPU with the first operator that needs them. */
static bool plan(struct device *device, uint32_t heads)
{
    struct batch *batch = &device->batch;
    struct latent_plan *latent = &batch->latent;
    if (latent->heads == heads)
        return true;
    latent_plan_build(latent, heads, device->multiprocessors, batch->sequences, batch->count);
    struct packing arrays[] = {
        { .array = batch->sequences, .bytes = batch->count * sizeof *batch->sequences },
        { .array = batch->pages, .bytes = batch->page_count * sizeof *batch->pages },
        { .array = batch->row_sequence, .bytes = batch->rows * sizeof *batch->row_sequence },
        { .array = latent->works, .bytes = latent->work_count * sizeof *latent->works },
        { .array = latent->merges, .bytes = latent->merge_count * sizeof *latent->merges },
    };
    if (!gpu_pack(device, arrays, sizeof arrays / sizeof *arrays))
        return false;
    batch->full.shape = batch->windowed.shape = (struct plan_shape){ 0 }; /* sent anew if wanted */
    batch->gpu_sequences = arrays[0].gpu;
    batch->gpu_pages = arrays[1].gpu;
    batch->gpu_row_sequence = arrays[2].gpu;
    latent->gpu_works = arrays[3].gpu;
    latent->gpu_merges = arrays[4].gpu;
    latent->heads = heads;
    return true;
}

static bool ready(struct device *device, const struct attention_dims *shape)
{
    return !device->failed && plan(device, shape->heads) && gpu_need_rope(device, &shape->rope);
}

static struct kernel_latent arguments(const struct device *device,
                                      const struct attention_dims *shape, uint32_t layer)
{
    uint64_t slice = (uint64_t)shape->page_tokens * (shape->latent_dim + shape->rope.dims);
    return (struct kernel_latent){
        .element = ELEMENT_BF16,
        .heads = shape->heads,
        .head_dim = shape->head_dim,
        .latent_dim = shape->latent_dim,
        .rope_dim = shape->rope.dims,
        .page_tokens = divisor_of(shape->page_tokens),
        .kv_fp8 = shape->kv == KV_FP8_E4M3,
        .page_stride = shape->layers * slice,
        .layer_offset = layer * slice,
        .rotation = shape->rope.interleaved ? ROTATION_NEIGHBOURS : ROTATION_HALVES,
        .pool_rotated = shape->rope.at_store,
        .rope_table = device->rope.table.memory,
        .pages = device->batch.gpu_pages,
        .sequences = device->batch.gpu_sequences,
    };
}

void gpu_store_latent(struct device *device, const struct attention_dims *shape, uint32_t layer,
                      float epsilon, const void *compressed, const void *weight, void *pool)
{
    if (!ready(device, shape))
        return;
    struct kernel_latent a = arguments(device, shape, layer);
    a.pool = pool;
    a.compressed = compressed;
    a.norm_weight = weight;
    a.epsilon = epsilon;
    kernel_store_latent(&a, device->batch.gpu_row_sequence, device->batch.rows,
                        device->stream[STREAM_COMPUTE]);
    gpu_launched(device, "store latent KV");
}

/* Scratch is a layer's; the next layer, behind it in the stream, may have the same. */
static bool need_parts(struct device *device, struct kernel_latent *a)
{
    uint64_t parts = device->batch.latent.parts;
    if (parts == 0)
        return true;
    a->partial = workspace_need(device, &device->partial, parts * a->latent_dim * sizeof(float));
    a->partial_log2sum = workspace_need(device, &device->partial_log2sum, parts * sizeof(float));
    return !device->failed;
}

void gpu_latent_attention(struct device *device, const struct attention_dims *shape,
                          uint32_t layer, const void *query, const void *query_latent,
                          const void *pool, void *out)
{
    if (!ready(device, shape))
        return;
    const struct latent_plan *latent = &device->batch.latent;
    cudaStream_t stream = device->stream[STREAM_COMPUTE];
    struct kernel_latent a = arguments(device, shape, layer);
    a.pool = (void *)(uintptr_t)pool;
    a.query = query;
    a.query_latent = query_latent;
    a.out = out;
    if (!need_parts(device, &a))
        return;
    kernel_latent_attention(&a, latent->gpu_works, latent->work_count, stream);
    if (latent->merge_count > 0)
        kernel_latent_merge(&a, latent->gpu_merges, latent->merge_count, stream);
    gpu_launched(device, "attend in latent space");
}

void gpu_gemm_heads(struct device *device, const struct head_products *products, uint32_t rows,
                    const void *in, const void *weights, void *out)
{
    if (device->failed)
        return;
    const struct kernel_head_products p = {
        .element = ELEMENT_BF16,
        .rows = rows,
        .heads = products->heads,
        .inputs = products->inputs,
        .outputs = products->outputs,
        .inputs_first = products->inputs_first,
        .in_row = products->in_row,
        .out_row = products->out_row,
        .in_head = products->in_head,
        .out_head = products->out_head,
        .weights_head = products->weights_head,
        .in = in,
        .weights = weights,
        .out = out,
    };
    kernel_head_products(&p, device->stream[STREAM_COMPUTE]);
    gpu_launched(device, "multiply matrices of heads");
}
