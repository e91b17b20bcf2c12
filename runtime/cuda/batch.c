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
    batch->full.shape = batch->windowed.shape = (struct plan_shape){ 0 };
    batch->latent.heads = 0;
}

void gpu_batch_free(struct device *device)
{
    struct batch *batch = &device->batch;
    free(batch->sequences);
    free(batch->pages);
    free(batch->row_sequence);
    kernel_plan_free(&batch->full.plan);
    kernel_plan_free(&batch->windowed.plan);
    latent_plan_free(&batch->latent);
}

/* ---- its plan, on the GPU ---- */

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + 15) / 16 * 16;
}

bool gpu_pack(struct device *device, struct packing *arrays, uint32_t count)
{
    struct batch *batch = &device->batch;
    uint64_t total = 0, at = 0;
    for (uint32_t i = 0; i < count; i++)
        total += aligned(arrays[i].bytes);
    if (batch->slot != NULL)
        staging_end(device, batch->slot);
    batch->latent.heads = 0; /* what was there is no more */
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

enum { BATCH_ARRAYS = 3, PLAN_ARRAYS = 4 };

static void pack_plan(struct packing arrays[PLAN_ARRAYS], const struct plan *plan)
{
    const struct packing of_plan[PLAN_ARRAYS] = {
        { .array = plan->rotated, .bytes = plan->rotated_count * sizeof *plan->rotated },
        { .array = plan->prefill, .bytes = plan->prefills * sizeof *plan->prefill },
        { .array = plan->decode, .bytes = plan->decodes * sizeof *plan->decode },
        { .array = plan->merges, .bytes = plan->merge_count * sizeof *plan->merges },
    };
    memcpy(arrays, of_plan, sizeof of_plan);
}

static void found_plan(struct batch_plan *planned, const struct packing arrays[PLAN_ARRAYS])
{
    planned->gpu_rotated = arrays[0].gpu;
    planned->gpu_prefill = arrays[1].gpu;
    planned->gpu_decode = arrays[2].gpu;
    planned->gpu_merges = arrays[3].gpu;
}

/* Both plans in one slot: the next slot may have to grow, and all with it. */
static bool send(struct device *device)
{
    struct batch *batch = &device->batch;
    struct packing arrays[BATCH_ARRAYS + 2 * PLAN_ARRAYS] = {
        { .array = batch->sequences, .bytes = batch->count * sizeof *batch->sequences },
        { .array = batch->pages, .bytes = batch->page_count * sizeof *batch->pages },
        { .array = batch->row_sequence, .bytes = batch->rows * sizeof *batch->row_sequence },
    };
    bool windows = batch->windowed.shape.heads > 0;
    pack_plan(arrays + BATCH_ARRAYS, &batch->full.plan);
    if (windows)
        pack_plan(arrays + BATCH_ARRAYS + PLAN_ARRAYS, &batch->windowed.plan);
    if (!gpu_pack(device, arrays, BATCH_ARRAYS + (windows ? 2 : 1) * PLAN_ARRAYS))
        return false;
    batch->gpu_sequences = arrays[0].gpu;
    batch->gpu_pages = arrays[1].gpu;
    batch->gpu_row_sequence = arrays[2].gpu;
    found_plan(&batch->full, arrays + BATCH_ARRAYS);
    found_plan(&batch->windowed, arrays + BATCH_ARRAYS + PLAN_ARRAYS);
    return true;
}

static bool same_shape(const struct plan_shape *a, const struct plan_shape *b)
{
    return a->heads == b->heads && a->kv_heads == b->kv_heads && a->turns_keys == b->turns_keys &&
           a->decode_turns_keys == b->decode_turns_keys && a->widens_kv == b->widens_kv &&
           a->prefill_resident == b->prefill_resident && a->window_tokens == b->window_tokens &&
           a->window_chunked == b->window_chunked;
}

static bool is_hopper(const struct device *device)
{
    return device->major == 9 && device->minor == 0;
}

/* Of layers with that window, 0: without. */
static struct plan_shape shape_wanted(const struct device *device,
                                      const struct attention_dims *shape, uint32_t window)
{
    return (struct plan_shape){
        .heads = shape->heads,
        .kv_heads = shape->kv_heads,
        .turns_keys = shape->rope.dims > 0 && !shape->rope.at_store,
        .decode_turns_keys = decode_can_turn(shape->head_dim, shape->rope.dims),
        .widens_kv = shape->kv == KV_FP8_E4M3,
        .multiprocessors = device->multiprocessors,
        .prefill_resident = kernel_prefill_resident(is_hopper(device), shape->head_dim, window),
        .window_tokens = window,
        .window_chunked = window > 0 && shape->window.chunked,
    };
}

/* The next plan is made anew only where its shape is another. */
static bool plan(struct device *device, const struct attention_dims *shape)
{
    struct batch *batch = &device->batch;
    struct plan_shape full = shape_wanted(device, shape, 0), windowed = { 0 };
    if (shape->window.layers > 0)
        windowed = shape_wanted(device, shape, shape->window.tokens);
    if (same_shape(&batch->full.shape, &full) &&
        (windowed.heads == 0 || same_shape(&batch->windowed.shape, &windowed)))
        return true;
    kernel_plan_build(&batch->full.plan, &full, batch->sequences, batch->count);
    if (windowed.heads > 0)
        kernel_plan_build(&batch->windowed.plan, &windowed, batch->sequences, batch->count);
    batch->full.shape = full;
    batch->windowed.shape = windowed;
    return send(device); /* false: failed for good */
}

/* ---- rotation ---- */

/* Doubles, so that a growing context seldom makes it anew. */
bool gpu_need_rope(struct device *device, const struct rope *rope)
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
                                         const struct attention_dims *shape, uint32_t layer)
{
    uint64_t slice = UINT64_C(2) * shape->page_tokens * shape->kv_heads * shape->head_dim;
    return (struct kernel_attention){
        .element = ELEMENT_BF16,
        .heads = shape->heads,
        .kv_heads = shape->kv_heads,
        .head_dim = shape->head_dim,
        .kv_fp8 = shape->kv == KV_FP8_E4M3,
        .window_tokens = layer_window(shape, layer),
        .window_chunked = shape->window.chunked,
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

static bool ready(struct device *device, const struct attention_dims *shape)
{
    return !device->failed && plan(device, shape) && gpu_need_rope(device, &shape->rope);
}

void gpu_store_kv(struct device *device, const struct attention_dims *shape, uint32_t layer,
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

/* Zeros: kernel_decode() leaves zeros as well. */
static uint32_t *need_arrivals(struct device *device, uint64_t count)
{
    const uint64_t had_bytes = device->arrivals.capacity_bytes;
    uint32_t *arrivals = workspace_need(device, &device->arrivals, count * sizeof *arrivals);
    if (arrivals != NULL && device->arrivals.capacity_bytes != had_bytes)
        gpu_ok(device,
               cudaMemsetAsync(arrivals, 0, device->arrivals.capacity_bytes,
                               device->stream[STREAM_COMPUTE]),
               "clear a workspace");
    return arrivals;
}

/* Scratch is a layer's; the next layer, behind it in the stream, may have the same. */
static bool need_scratch(struct device *device, const struct plan *plan, struct kernel_attention *a)
{
    uint64_t key_bytes = plan->rotated_rows * a->kv_heads * a->head_dim * sizeof(uint16_t);
    uint64_t sums = (uint64_t)plan->parts * a->heads;
    if (plan->rotated_count > 0)
        a->rotated_keys = workspace_need(device, &device->rotated_keys, key_bytes);
    if (plan->rotated_count > 0 && a->kv_fp8)
        a->wide_values = workspace_need(device, &device->wide_values, key_bytes);
    a->rotated_rows = (uint32_t)plan->rotated_rows;
    if (plan->parts > 0) {
        a->partial = workspace_need(device, &device->partial, sums * a->head_dim * sizeof(float));
        a->partial_log2sum = workspace_need(device, &device->partial_log2sum, sums * sizeof(float));
    }
    const uint32_t decode_merges = plan->merge_count - plan->prefill_merges;
    if (decode_merges > 0)
        a->arrivals = need_arrivals(device, (uint64_t)decode_merges * a->heads);
    return !device->failed;
}

/* Keys turned, and KV made elements, for the works of prefill. */
static void prepare_prefill(const struct batch_plan *planned, const struct kernel_attention *a,
                            cudaStream_t stream)
{
    const struct plan *plan = &planned->plan;
    if (plan->rotated_count == 0)
        return;
    if (planned->shape.turns_keys)
        kernel_rotate_keys(a, planned->gpu_rotated, plan->rotated_count, plan->rotated_longest,
                           stream);
    if (planned->shape.widens_kv)
        kernel_widen_kv(a, planned->gpu_rotated, plan->rotated_count, plan->rotated_longest,
                        !planned->shape.turns_keys, stream);
}

void gpu_attention(struct device *device, const struct attention_dims *shape, uint32_t layer,
                   const void *qkv, const void *pool, void *out)
{
    if (!ready(device, shape))
        return;
    const struct batch *batch = &device->batch;
    cudaStream_t stream = device->stream[STREAM_COMPUTE];
    struct kernel_attention a = arguments(device, shape, layer);
    const struct batch_plan *planned = a.window_tokens > 0 ? &batch->windowed : &batch->full;
    const struct plan *plan = &planned->plan;
    a.qkv = qkv;
    a.pool = (void *)(uintptr_t)pool;
    a.out = out;
    a.merges = planned->gpu_merges + plan->prefill_merges;
    if (!need_scratch(device, plan, &a))
        return;
    prepare_prefill(planned, &a, stream);
    if (plan->prefills > 0)
        kernel_prefill(&a, planned->gpu_prefill, plan->prefills, stream);
    if (plan->decodes > 0)
        kernel_decode(&a, planned->gpu_decode, plan->decodes, stream);
    if (plan->prefill_merges > 0)
        kernel_merge_parts(&a, planned->gpu_merges, plan->prefill_merges, stream);
    gpu_launched(device, "attend");
}
