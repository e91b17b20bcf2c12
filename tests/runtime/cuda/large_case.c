/* tests/runtime/cuda/large_case.c - see large_case.h. */
#include "tests/runtime/cuda/large_case.h"

#include "base/memory.h"
#include "tests/runtime/cuda/attention_launch.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/runtime/cuda/rig.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- scaling ---- */

static uint32_t scaled_heads(uint32_t heads)
{
    return heads > 8 ? heads / 8 : 1;
}

struct large_case large_scaled(const struct large_case *c)
{
    struct large_case small = *c;
    if (!rig_small())
        return small;
    small.kv_heads = scaled_heads(c->kv_heads);
    small.heads = small.kv_heads * (c->heads / c->kv_heads);
    small.window_tokens = c->window_tokens / 64;
    for (uint32_t g = 0; g < LARGE_GROUPS_MAX; g++) {
        struct large_group *group = &small.groups[g];
        group->count = group->count < 5 ? group->count : 5;
        group->cached_tokens /= 64;
        if (group->new_tokens > PLAN_DECODE_QUERIES)
            group->new_tokens = group->new_tokens / 64 + 5;
    }
    return small;
}

unsigned large_ways(void)
{
    return rig_ways() < 2 ? rig_ways() : 2;
}

/* ---- a batch ---- */

struct large_batch {
    struct large_case c;
    struct large_sequences sequences;
    struct large_pool pool;
    struct large_samples samples;
    uint16_t *qkv;
    uint64_t qkv_count;
};

static uint32_t row_width(const struct large_case *c)
{
    return (c->heads + 2 * c->kv_heads) * c->head_dim;
}

/* Behind all places of a pool. Twice a normal number: some keys then weigh much, as they do in
 * models, and of 65,536 not all weigh alike. */
static float query_value(uint64_t index)
{
    return 2 * element_value(ELEMENT_BF16, large_element((UINT64_C(1) << 40) + index));
}

static void query_of(const void *context, const struct large_sample *sample, double *out)
{
    const struct large_batch *b = context;
    uint64_t at = (uint64_t)sample->row * row_width(&b->c) + sample->head * b->c.head_dim;
    for (uint32_t i = 0; i < b->c.head_dim; i++)
        out[i] = (double)element_value(ELEMENT_BF16, b->qkv[at + i]);
}

static struct large_view view_of(const void *context, uint32_t head)
{
    const struct large_case *c = &((const struct large_batch *)context)->c;
    uint32_t column = head / (c->heads / c->kv_heads) * c->head_dim;
    return (struct large_view){ .key_column = column,
                                .key_width = c->head_dim,
                                .turned_width = c->head_dim,
                                .value_plane = 1,
                                .value_column = column };
}

static void make_qkv(struct large_batch *b)
{
    const struct large_case *c = &b->c;
    uint32_t width = row_width(c), kv_width = b->pool.width;
    b->qkv_count = (uint64_t)b->sequences.rows * width;
    b->qkv = memory_new(b->qkv_count, sizeof *b->qkv);
    for (uint32_t i = 0; i < b->sequences.count; i++) {
        const struct kernel_sequence *s = &b->sequences.of[i];
        for (uint32_t r = 0; r < s->new_tokens; r++) {
            uint16_t *row = b->qkv + (uint64_t)(s->first_row + r) * width;
            for (uint32_t e = 0; e < c->heads * c->head_dim; e++)
                row[e] = element_bits(ELEMENT_BF16,
                                      query_value((uint64_t)(s->first_row + r) * width + e));
            for (uint32_t plane = 0; plane < 2; plane++) {
                uint64_t place = large_row(&b->pool, i, s->cached_tokens + r, plane);
                uint16_t *to = row + c->heads * c->head_dim + plane * kv_width;
                for (uint32_t e = 0; e < kv_width; e++)
                    to[e] = large_element(place + e);
            }
        }
    }
}

struct large_batch *large_batch_new(const struct large_case *c)
{
    struct large_batch *b = memory_new(1, sizeof *b);
    b->c = *c;
    large_lay_out(&b->sequences, c->groups, LARGE_PAGE_TOKENS);
    b->pool = (struct large_pool){ .page_tokens = LARGE_PAGE_TOKENS,
                                   .width = c->kv_heads * c->head_dim,
                                   .planes = 2,
                                   .fp8 = c->fp8,
                                   .sequences = &b->sequences };
    large_pool_new(&b->pool);
    make_qkv(b);
    const struct large_definition definition = { .pool = &b->pool,
                                                 .context = b,
                                                 .query = query_of,
                                                 .view = view_of,
                                                 .scale = 1 / sqrt(c->head_dim),
                                                 .window_tokens = c->window_tokens };
    large_samples_new(&b->samples, &definition, c->heads, c->head_dim);
    return b;
}

void large_batch_free(struct large_batch *b)
{
    large_pool_free(&b->pool);
    large_samples_free(&b->samples);
    free(b->qkv);
    free(b);
}

/* ---- by the kernels ---- */

static struct plan_shape plan_shape_of(const struct large_case *c, bool hopper)
{
    return (struct plan_shape){
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .turns_keys = true,
        .decode_turns_keys = decode_can_turn(c->head_dim, c->head_dim),
        .widens_kv = c->fp8,
        .window_tokens = c->window_tokens,
        .multiprocessors = rig_multiprocessors(),
        .prefill_resident = kernel_prefill_resident(hopper, c->head_dim, c->window_tokens)
    };
}

static uint32_t *row_sequence_of(const struct large_sequences *sequences)
{
    uint32_t *of = memory_new(sequences->rows, sizeof *of);
    for (uint32_t i = 0; i < sequences->count; i++)
        for (uint32_t r = 0; r < sequences->of[i].new_tokens; r++)
            of[sequences->of[i].first_row + r] = i;
    uint32_t *device = rig_copy_of(of, sequences->rows * sizeof *of);
    free(of);
    return device;
}

/* sequences: as the plan has left them. The pool stays the batch's. */
static struct attention_arrays to_device(const struct large_batch *b, const struct plan *plan,
                                         const struct large_sequences *sequences, bool hopper)
{
    const struct large_case *c = &b->c;
    const uint64_t key_bytes = plan->rotated_rows * b->pool.width * sizeof(uint16_t);
    uint32_t table_rows = sequences->longest > DECODE_KEYS ? sequences->longest : DECODE_KEYS;
    struct attention_arrays d = {
        .row_sequence = row_sequence_of(sequences),
        .ids = rig_copy_of(plan->rotated, plan->rotated_count * sizeof *plan->rotated),
        .prefill = rig_copy_of(plan->prefill, plan->prefills * sizeof *plan->prefill),
        .decode = rig_copy_of(plan->decode, plan->decodes * sizeof *plan->decode),
        .merges = rig_copy_of(plan->merges, plan->merge_count * sizeof *plan->merges)
    };
    d.a = (struct kernel_attention){
        .element = ELEMENT_BF16,
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .head_dim = c->head_dim,
        .page_tokens = divisor_of(LARGE_PAGE_TOKENS),
        .page_stride = large_page_stride(&b->pool),
        .layer_offset = large_layer_offset(&b->pool),
        .rotation = ROTATION_HALVES,
        .kv_fp8 = c->fp8,
        .window_tokens = c->window_tokens,
        .rope_dims = c->head_dim,
        .rope_rows = table_rows,
        .rope_table = rig_new((uint64_t)table_rows * c->head_dim * sizeof(float)),
        .qkv = rig_copy_of(b->qkv, b->qkv_count * sizeof *b->qkv),
        .pool = b->pool.device,
        .out = rig_new((uint64_t)sequences->rows * c->heads * c->head_dim * sizeof(uint16_t)),
        .pages = rig_copy_of(b->pool.pages, b->pool.used * sizeof *b->pool.pages),
        .sequences = rig_copy_of(sequences->of, sequences->count * sizeof *sequences->of),
        .rotated_keys = plan->rotated_rows == 0 ? NULL : rig_new(key_bytes),
        .wide_values = plan->rotated_rows == 0 || !c->fp8 ? NULL : rig_new(key_bytes),
        .rotated_rows = (uint32_t)plan->rotated_rows,
        .partial = rig_new((uint64_t)plan->parts * c->heads * c->head_dim * sizeof(float)),
        .partial_log2sum = rig_new((uint64_t)plan->parts * c->heads * sizeof(float)),
        .hopper = hopper,
        .map_encoder = kernel_map_encoder()
    };
    attention_arrivals_new(&d, plan);
    kernel_rope_table(LARGE_THETA, c->head_dim, table_rows, (float *)(uintptr_t)d.a.rope_table,
                      rig_stream());
    return d;
}

struct large_result large_batch_run(struct large_batch *b, bool hopper)
{
    const struct plan_shape shape = plan_shape_of(&b->c, hopper);
    struct large_sequences sequences = b->sequences;
    struct plan plan = { 0 };
    kernel_plan_build(&plan, &shape, sequences.of, sequences.count);
    struct large_result result = { .count = (uint64_t)sequences.rows * b->c.heads * b->c.head_dim,
                                   .prefills = plan.prefills,
                                   .merges = plan.merge_count,
                                   .ways_agree = true };
    uint64_t bytes = result.count * sizeof *result.out;
    uint16_t *again = memory_new(1, bytes);
    result.out = memory_new(1, bytes);
    for (unsigned way = 0; way < large_ways(); way++) {
        rig_way(way);
        struct attention_arrays d = to_device(b, &plan, &sequences, hopper);
        attention_launch(&d, &plan, sequences.rows);
        rig_read(way == 0 ? result.out : again, d.a.out, bytes);
        result.ways_agree &= way == 0 || memcmp(result.out, again, bytes) == 0;
        d.a.pool = NULL;
        attention_arrays_free(&d);
    }
    result.stored = large_pool_is_stored(&b->pool, false);
    result.error = large_samples_error(&b->samples, result.out, sequences.rows);
    free(again);
    kernel_plan_free(&plan);
    return result;
}
