/* runtime/cuda/batch.c - the contexts of a batch on the GPU, and their KV and attention. */
#include "runtime/cuda/gpu.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

enum { ROPE_FIRST_ROWS = 1024 };

/* ---- the batch ---- */

static void add_sequence(struct batch *batch, const struct sequence *s, uint32_t index)
{
    batch->sequences[index] = (struct kernel_sequence){ .first_page = batch->page_count,
                                                        .skip = s->skip,
                                                        .cached_tokens = s->cached_tokens,
                                                        .new_tokens = s->new_tokens,
                                                        .first_row = batch->rows };
    memcpy(batch->pages + batch->page_count, s->pages, s->page_count * sizeof *s->pages);
    batch->page_count += s->page_count;
    for (uint32_t i = 0; i < s->new_tokens; i++)
        batch->row_sequence[batch->rows++] = index;
    uint32_t context = s->cached_tokens + s->new_tokens;
    batch->longest = context > batch->longest ? context : batch->longest;
}

void gpu_set_batch(struct device *device, const struct sequence *sequences, uint32_t count)
{
    struct batch *batch = &device->batch;
    uint64_t pages = 0, rows = 0;
    for (uint32_t i = 0; i < count; i++) {
        pages += sequences[i].page_count;
        rows += sequences[i].new_tokens;
    }
    memory_grow(&batch->sequences, &batch->sequence_capacity, count, sizeof *batch->sequences);
    memory_grow(&batch->pages, &batch->page_capacity, pages, sizeof *batch->pages);
    memory_grow(&batch->row_sequence, &batch->row_capacity, rows, sizeof *batch->row_sequence);
    batch->page_count = batch->rows = batch->longest = 0;
    batch->count = count;
    for (uint32_t i = 0; i < count; i++)
        add_sequence(batch, &sequences[i], i);
    if (batch->slot != NULL) /* all that uses it is queued */
        staging_end(device, batch->slot);
    batch->slot = NULL;
    batch->shape = (struct plan_shape){ 0 };
}

void gpu_batch_free(struct device *device)
{
    struct batch *batch = &device->batch;
    free(batch->sequences);
    free(batch->pages);
    free(batch->row_sequence);
    kernel_plan_free(&batch->plan);
}

/* ---- its plan, on the GPU ---- */

/* One array behind the other, each aligned to 16 bytes. */
struct packing {
    const void *array;
    uint64_t bytes;
    const void *gpu; /* out */
};

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + 15) / 16 * 16;
}

static bool pack(struct device *device, struct packing *arrays, uint32_t count)
{
    struct batch *batch = &device->batch;
    uint64_t total = 0, at = 0;
    for (uint32_t i = 0; i < count; i++)
        total += aligned(arrays[i].bytes);
    if (batch->slot != NULL)
        staging_end(device, batch->slot);
    batch->slot = staging_take(device, &device->batches, total);
    if (batch->slot == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (arrays[i].bytes > 0)
            memcpy(batch->slot->host + at, arrays[i].array, arrays[i].bytes);
        arrays[i].gpu = batch->slot->gpu + at;
        at += aligned(arrays[i].bytes);
    }
    return staging_send(device, batch->slot, total);
}

static bool send(struct device *device)
{
    struct batch *batch = &device->batch;
    const struct plan *plan = &batch->plan;
    struct packing arrays[] = {
        { .array = batch->sequences, .bytes = batch->count * sizeof *batch->sequences },
        { .array = batch->pages, .bytes = batch->page_count * sizeof *batch->pages },
        { .array = batch->row_sequence, .bytes = batch->rows * sizeof *batch->row_sequence },
        { .array = plan->rotated, .bytes = plan->rotated_count * sizeof *plan->rotated },
        { .array = plan->prefill, .bytes = plan->prefills * sizeof *plan->prefill },
        { .array = plan->decode, .bytes = plan->decodes * sizeof *plan->decode },
        { .array = plan->merges, .bytes = plan->merge_count * sizeof *plan->merges },
    };
    if (!pack(device, arrays, sizeof arrays / sizeof *arrays))
        return false;
    batch->gpu_sequences = arrays[0].gpu;
    batch->gpu_pages = arrays[1].gpu;
    batch->gpu_row_sequence = arrays[2].gpu;
    batch->gpu_rotated = arrays[3].gpu;
    batch->gpu_prefill = arrays[4].gpu;
    batch->gpu_decode = arrays[5].gpu;
    batch->gpu_merges = arrays[6].gpu;
    return true;
}

static bool same_shape(const struct plan_shape *a, const struct plan_shape *b)
{
    return a->heads == b->heads && a->kv_heads == b->kv_heads && a->turns_keys == b->turns_keys &&
           a->decode_turns_keys == b->decode_turns_keys &&
           a->prefill_resident == b->prefill_resident;
}

static bool is_hopper(const struct device *device)
{
    return device->major == 9 && device->minor == 0;
}

static bool plan(struct device *device, const struct attention_shape *shape)
{
    struct batch *batch = &device->batch;
    const struct plan_shape wanted = {
        .heads = shape->heads,
        .kv_heads = shape->kv_heads,
        .turns_keys = shape->rope.dims > 0 && !shape->rope.at_store,
        .decode_turns_keys = decode_can_turn(shape->head_dim, shape->rope.dims),
        .multiprocessors = device->multiprocessors,
        .prefill_resident = kernel_prefill_resident(is_hopper(device), shape->head_dim),
    };
    if (same_shape(&batch->shape, &wanted))
        return true;
    kernel_plan_build(&batch->plan, &wanted, batch->sequences, batch->count);
    if (!send(device))
        return false;
    batch->shape = wanted;
    return true;
}

/* ---- rotation ---- */

/* Doubles, so that a growing context seldom makes it anew. */
static bool need_rope(struct device *device, const struct rope *rope)
{
    struct rope_table *table = &device->rope;
    uint32_t rows = ROPE_FIRST_ROWS;
    bool same = table->theta == rope->theta && table->dims == rope->dims;
    if (rope->dims == 0 || (same && table->rows >= device->batch.longest))
        return true;
    while (rows < device->batch.longest)
        rows *= 2;
    uint64_t bytes = (uint64_t)rows * rope->dims * sizeof(float);
    float *memory = workspace_need(device, &table->table, bytes);
    if (memory == NULL)
        return false;
    kernel_rope_table(rope->theta, rope->dims, rows, memory, device->stream[STREAM_COMPUTE]);
    table->theta = rope->theta;
    table->dims = rope->dims;
    table->rows = rows;
    return gpu_launched(device, "make the table of angles");
}

/* ---- KV and attention ---- */

static struct kernel_attention arguments(const struct device *device,
                                         const struct attention_shape *shape, uint32_t layer)
{
    uint64_t slice = UINT64_C(2) * shape->page_tokens * shape->kv_heads * shape->head_dim;
    return (struct kernel_attention){
        .element = ELEMENT_BF16,
        .heads = shape->heads,
        .kv_heads = shape->kv_heads,
        .head_dim = shape->head_dim,
        .page_tokens = divisor_of(shape->page_tokens),
        .page_stride = shape->layers * slice,
        .layer_offset = layer * slice,
        .rotation = shape->rope.dims == 0     ? ROTATION_NONE
                    : shape->rope.interleaved ? ROTATION_NEIGHBOURS
                                              : ROTATION_HALVES,
        .pool_rotated = shape->rope.at_store,
        .rope_dims = shape->rope.dims,
        .rope_table = device->rope.table.memory,
        .rope_rows = device->rope.rows,
        .pages = device->batch.gpu_pages,
        .sequences = device->batch.gpu_sequences,
        .hopper = is_hopper(device),
        .map_encoder = device->map_encoder,
    };
}

static bool ready(struct device *device, const struct attention_shape *shape)
{
    return !device->failed && plan(device, shape) && need_rope(device, &shape->rope);
}

void gpu_store_kv(struct device *device, const struct attention_shape *shape, uint32_t layer,
                  const void *qkv, void *pool)
{
    if (!ready(device, shape))
        return;
    struct kernel_attention a = arguments(device, shape, layer);
    a.qkv = qkv;
    a.pool = pool;
    kernel_store_kv(&a, device->batch.gpu_row_sequence, device->batch.rows,
                    shape->rope.at_store && shape->rope.dims > 0, device->stream[STREAM_COMPUTE]);
    gpu_launched(device, "store KV");
}

/* Scratch is a layer's; the next layer, behind it in the stream, may have the same. */
static bool need_scratch(struct device *device, struct kernel_attention *a)
{
    const struct plan *plan = &device->batch.plan;
    uint64_t key_bytes = plan->rotated_rows * a->kv_heads * a->head_dim * sizeof(uint16_t);
    uint64_t sums = (uint64_t)plan->parts * a->heads;
    if (plan->rotated_count > 0)
        a->rotated_keys = workspace_need(device, &device->rotated_keys, key_bytes);
    a->rotated_rows = (uint32_t)plan->rotated_rows;
    if (plan->parts > 0) {
        a->partial = workspace_need(device, &device->partial, sums * a->head_dim * sizeof(float));
        a->partial_log2sum = workspace_need(device, &device->partial_log2sum, sums * sizeof(float));
    }
    return !device->failed;
}

void gpu_attention(struct device *device, const struct attention_shape *shape, uint32_t layer,
                   const void *qkv, const void *pool, void *out)
{
    if (!ready(device, shape))
        return;
    const struct batch *batch = &device->batch;
    const struct plan *plan = &batch->plan;
    cudaStream_t stream = device->stream[STREAM_COMPUTE];
    struct kernel_attention a = arguments(device, shape, layer);
    a.qkv = qkv;
    a.pool = (void *)(uintptr_t)pool;
    a.out = out;
    if (!need_scratch(device, &a))
        return;
    if (plan->rotated_count > 0)
        kernel_rotate_keys(&a, batch->gpu_rotated, plan->rotated_count, plan->rotated_longest,
                           stream);
    if (plan->prefills > 0)
        kernel_prefill(&a, batch->gpu_prefill, plan->prefills, stream);
    if (plan->decodes > 0)
        kernel_decode(&a, batch->gpu_decode, plan->decodes, stream);
    if (plan->merge_count > 0)
        kernel_merge_parts(&a, batch->gpu_merges, plan->merge_count, stream);
    gpu_launched(device, "attend");
}
