/* tests/runtime/cuda/attention_case.c - see attention_case.h. */
#include "tests/runtime/cuda/attention_case.h"

#include "base/memory.h"
#include "base/random.h"
#include "tests/runtime/cuda/attention_launch.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/runtime/cuda/rig.h"
#include "tests/runtime/formats.h"
#include "tests/support.h"

#include <stdlib.h>
#include <string.h>

#define THETA 10000.0f

enum { LAYERS = 2, LAYER = 1 };

/* Everything of a case on the host. KV as it is made, and activations, are bits of elements; the
 * pool has what it stores. */
struct batch {
    const struct attention_case *c;
    struct kernel_sequence sequences[CASE_SEQUENCES_MAX];
    uint32_t count, rows, page_count, longest;
    uint32_t *pages, *row_sequence;
    uint16_t *qkv;
    unsigned char *pool;
    uint64_t qkv_count, pool_bytes;
    uint32_t width;                     /* of a K or V row */
    uint16_t *keys[CASE_SEQUENCES_MAX]; /* of all tokens, as K was made: before RoPE */
    uint16_t *values[CASE_SEQUENCES_MAX];
};

static bool by_hopper(const struct attention_case *c)
{
    return rig_hopper() && !c->plain_prefill;
}

static uint32_t rope_dims(const struct attention_case *c)
{
    return c->rotation == ROTATION_NONE ? 0 : c->rope_dims > 0 ? c->rope_dims : c->head_dim;
}

static uint16_t *random_elements(struct random *random, enum element element, uint64_t count)
{
    uint16_t *out = memory_new(count, sizeof *out);
    for (uint64_t i = 0; i < count; i++)
        out[i] = element_bits(element, (float)random_normal(random));
    return out;
}

static uint32_t value_bytes(const struct attention_case *c)
{
    return c->kv_fp8 ? 1 : 2;
}

/* What the pool has of a row of elements. */
static void store_row(const struct batch *b, unsigned char *to, const uint16_t *row)
{
    for (uint32_t i = 0; i < b->width && b->c->kv_fp8; i++)
        to[i] = fp8_nearest((double)element_value(b->c->element, row[i]));
    if (!b->c->kv_fp8)
        memcpy(to, row, b->width * sizeof *row);
}

/* What is computed with: of a value made, what was stored of it. */
static double stored(const struct attention_case *c, double value)
{
    return c->kv_fp8 ? fp8_value(fp8_nearest(value)) : value;
}

static unsigned char *slice_row(const struct batch *b, uint32_t sequence, uint32_t token,
                                bool values)
{
    const struct kernel_sequence *s = &b->sequences[sequence];
    uint32_t page_tokens = b->c->page_tokens, slot = s->skip + token;
    uint64_t page = b->pages[s->first_page + slot / page_tokens];
    uint64_t slice = (page * LAYERS + LAYER) * 2 * page_tokens;
    uint64_t row = slice + (values ? page_tokens : 0) + slot % page_tokens;
    return b->pool + row * b->width * value_bytes(b->c);
}

static void lay_out_sequences(struct batch *b)
{
    for (; b->count < CASE_SEQUENCES_MAX && b->c->contexts[b->count].new_tokens > 0; b->count++) {
        const struct context *context = &b->c->contexts[b->count];
        uint32_t tokens = context->cached_tokens + context->new_tokens;
        b->sequences[b->count] = (struct kernel_sequence){ .first_page = b->page_count,
                                                           .skip = context->skip,
                                                           .cached_tokens = context->cached_tokens,
                                                           .new_tokens = context->new_tokens,
                                                           .first_row = b->rows };
        b->rows += context->new_tokens;
        b->page_count += (context->skip + tokens + b->c->page_tokens - 1) / b->c->page_tokens;
        b->longest = tokens > b->longest ? tokens : b->longest;
    }
    b->row_sequence = memory_new(b->rows, sizeof *b->row_sequence);
    for (uint32_t i = 0; i < b->count; i++)
        for (uint32_t r = 0; r < b->sequences[i].new_tokens; r++)
            b->row_sequence[b->sequences[i].first_row + r] = i;
}

static void shuffle_pages(struct batch *b, struct random *random)
{
    b->pages = memory_new(b->page_count, sizeof *b->pages);
    for (uint32_t i = 0; i < b->page_count; i++) {
        uint32_t j = (uint32_t)random_below(random, i + 1);
        b->pages[i] = b->pages[j];
        b->pages[j] = i;
    }
}

/* A row of K as it is stored when it is turned before. */
static void store_turned(const struct batch *b, unsigned char *to, const uint16_t *row,
                         uint32_t position)
{
    const struct attention_case *c = b->c;
    double head[ATTENTION_HEAD_DIM_MAX];
    uint16_t *elements = memory_new(b->width, sizeof *elements);
    for (uint32_t h = 0; h < c->kv_heads; h++) {
        for (uint32_t i = 0; i < c->head_dim; i++)
            head[i] = (double)element_value(c->element, row[h * c->head_dim + i]);
        reference_rope(head, c->rotation, rope_dims(c), (double)THETA, position);
        for (uint32_t i = 0; i < c->head_dim; i++)
            if (c->kv_fp8)
                to[h * c->head_dim + i] = fp8_nearest((double)(float)head[i]);
            else
                elements[h * c->head_dim + i] = element_bits(c->element, (float)head[i]);
    }
    if (!c->kv_fp8)
        memcpy(to, elements, b->width * sizeof *elements);
    free(elements);
}

/* Cached tokens' KV goes into the pool here, new tokens' into qkv: store_kv() moves it. What of the
 * pool belongs to no token is NaN. */
static void fill(struct batch *b, struct random *random)
{
    const struct attention_case *c = b->c;
    uint32_t row_width = (c->heads + 2 * c->kv_heads) * c->head_dim;
    b->qkv_count = (uint64_t)b->rows * row_width;
    b->qkv = random_elements(random, c->element, b->qkv_count);
    b->pool_bytes =
        (uint64_t)b->page_count * LAYERS * 2 * c->page_tokens * b->width * value_bytes(c);
    b->pool = memory_new(b->pool_bytes, 1);
    memset(b->pool, 0xff, b->pool_bytes);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct kernel_sequence *s = &b->sequences[i];
        uint64_t tokens = s->cached_tokens + s->new_tokens, bytes = b->width * sizeof *b->qkv;
        b->keys[i] = random_elements(random, c->element, tokens * b->width);
        b->values[i] = random_elements(random, c->element, tokens * b->width);
        for (uint32_t t = 0; t < tokens; t++) {
            uint16_t *key = b->keys[i] + (uint64_t)t * b->width;
            uint16_t *value = b->values[i] + (uint64_t)t * b->width;
            uint64_t row = s->first_row + t - s->cached_tokens; /* of a new token */
            uint16_t *fresh = b->qkv + row * row_width + c->heads * c->head_dim;
            if (t >= s->cached_tokens) {
                memcpy(fresh, key, bytes);
                memcpy(fresh + b->width, value, bytes);
                continue;
            }
            store_row(b, slice_row(b, i, t, true), value);
            if (c->pool_rotated)
                store_turned(b, slice_row(b, i, t, false), key, t);
            else
                store_row(b, slice_row(b, i, t, false), key);
        }
    }
}

static struct batch batch_new(const struct attention_case *c)
{
    struct batch b = { .c = c, .width = c->kv_heads * c->head_dim };
    struct random random = random_from(test_seed(), 0);
    lay_out_sequences(&b);
    shuffle_pages(&b, &random);
    fill(&b, &random);
    return b;
}

static void batch_free(struct batch *b)
{
    for (uint32_t i = 0; i < b->count; i++) {
        free(b->keys[i]);
        free(b->values[i]);
    }
    free(b->pages);
    free(b->row_sequence);
    free(b->qkv);
    free(b->pool);
}

static struct attention_arrays to_device(const struct batch *b, const struct plan *plan)
{
    const struct attention_case *c = b->c;
    uint32_t dims = rope_dims(c), table_rows = b->longest > 64 ? b->longest : 64;
    uint64_t slice = 2 * (uint64_t)c->page_tokens * b->width;
    struct attention_arrays d = {
        .row_sequence = rig_copy_of(b->row_sequence, b->rows * sizeof *b->row_sequence),
        .ids = rig_copy_of(plan->rotated, plan->rotated_count * sizeof *plan->rotated),
        .prefill = rig_copy_of(plan->prefill, plan->prefills * sizeof *plan->prefill),
        .decode = rig_copy_of(plan->decode, plan->decodes * sizeof *plan->decode),
        .merges = rig_copy_of(plan->merges, plan->merge_count * sizeof *plan->merges)
    };
    d.a = (struct kernel_attention){
        .element = c->element,
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .head_dim = c->head_dim,
        .page_tokens = divisor_of(c->page_tokens),
        .page_stride = LAYERS * slice,
        .layer_offset = LAYER * slice,
        .rotation = c->rotation,
        .pool_rotated = c->pool_rotated,
        .kv_fp8 = c->kv_fp8,
        .window_tokens = c->window_tokens,
        .window_chunked = c->window_chunked,
        .rope_dims = dims,
        .rope_rows = table_rows,
        .rope_table = rig_new((uint64_t)table_rows * dims * sizeof(float)),
        .qkv = rig_copy_of(b->qkv, b->qkv_count * sizeof *b->qkv),
        .pool = rig_copy_of(b->pool, b->pool_bytes),
        .out = rig_new((uint64_t)b->rows * c->heads * c->head_dim * sizeof(uint16_t)),
        .pages = rig_copy_of(b->pages, b->page_count * sizeof *b->pages),
        .sequences = rig_copy_of(b->sequences, b->count * sizeof *b->sequences),
        .rotated_keys = plan->rotated_rows == 0
                            ? NULL
                            : rig_new(plan->rotated_rows * b->width * sizeof(uint16_t)),
        .wide_values = plan->rotated_rows == 0 || !c->kv_fp8
                           ? NULL
                           : rig_new(plan->rotated_rows * b->width * sizeof(uint16_t)),
        .partial = rig_new((uint64_t)plan->parts * c->heads * c->head_dim * sizeof(float)),
        .partial_log2sum = rig_new((uint64_t)plan->parts * c->heads * sizeof(float)),
        .rotated_rows = (uint32_t)plan->rotated_rows,
        .hopper = by_hopper(c),
        .map_encoder = kernel_map_encoder()
    };
    attention_arrivals_new(&d, plan);
    if (dims > 0)
        kernel_rope_table(THETA, dims, table_rows, (float *)(uintptr_t)d.a.rope_table,
                          rig_stream());
    return d;
}

/* One head's keys as attention has them: stored, then turned, or the other way round. */
static void expect_key(const struct attention_case *c, double *head, uint32_t position)
{
    for (uint32_t i = 0; i < c->head_dim && !c->pool_rotated; i++)
        head[i] = stored(c, head[i]);
    reference_rope(head, c->rotation, rope_dims(c), (double)THETA, position);
    for (uint32_t i = 0; i < c->head_dim && c->pool_rotated; i++)
        head[i] = stored(c, head[i]);
}

/* The first token that one at the position sees. */
static uint32_t seen_from(const struct attention_case *c, uint32_t position)
{
    uint32_t token = position;
    if (c->window_tokens == 0)
        return 0;
    while (token > 0 &&
           (c->window_chunked ? (token - 1) / c->window_tokens == position / c->window_tokens
                              : position - (token - 1) < c->window_tokens))
        token--;
    return token;
}

/* By definition: every head of every row over what it sees of its context up to itself. */
static void expect(const struct batch *b, double *out)
{
    const struct attention_case *c = b->c;
    uint32_t group = c->heads / c->kv_heads, dim = c->head_dim;
    for (uint32_t i = 0; i < b->count; i++) {
        const struct kernel_sequence *s = &b->sequences[i];
        uint32_t tokens = s->cached_tokens + s->new_tokens;
        double *keys = memory_new((uint64_t)tokens * b->width, sizeof *keys);
        double *values = memory_new((uint64_t)tokens * b->width, sizeof *values);
        for (uint64_t e = 0; e < (uint64_t)tokens * b->width; e++) {
            keys[e] = (double)element_value(c->element, b->keys[i][e]);
            values[e] = stored(c, (double)element_value(c->element, b->values[i][e]));
        }
        for (uint32_t t = 0; t < tokens; t++)
            for (uint32_t h = 0; h < c->kv_heads; h++)
                expect_key(c, keys + (uint64_t)t * b->width + h * dim, t);
        for (uint32_t r = 0; r < s->new_tokens; r++)
            for (uint32_t h = 0; h < c->heads; h++) {
                double query[ATTENTION_HEAD_DIM_MAX];
                uint64_t row = s->first_row + r;
                for (uint32_t e = 0; e < dim; e++)
                    query[e] = (double)element_value(
                        c->element, b->qkv[(row * (c->heads + 2 * c->kv_heads) + h) * dim + e]);
                reference_rope(query, c->rotation, rope_dims(c), (double)THETA,
                               s->cached_tokens + r);
                uint32_t position = s->cached_tokens + r, from = seen_from(c, position);
                uint64_t at = (uint64_t)from * b->width + h / group * dim;
                reference_attention(query, keys + at, values + at, position + 1 - from, b->width,
                                    dim, out + (row * c->heads + h) * dim);
            }
        free(keys);
        free(values);
    }
}

/* Whether the new tokens' rows of the pool are what they should be, and nothing else has changed.
 */
static bool kv_is_exact(const struct batch *b, const struct attention_arrays *d)
{
    unsigned char *found = memory_new(b->pool_bytes, 1);
    rig_read(found, d->a.pool, b->pool_bytes);
    for (uint32_t i = 0; i < b->count; i++)
        for (uint32_t t = b->sequences[i].cached_tokens;
             t < b->sequences[i].cached_tokens + b->sequences[i].new_tokens; t++) {
            uint64_t at = (uint64_t)t * b->width;
            store_row(b, slice_row(b, i, t, true), b->values[i] + at);
            if (b->c->pool_rotated) /* turned: compared by what attention makes of it */
                memcpy(slice_row(b, i, t, false), found + (slice_row(b, i, t, false) - b->pool),
                       b->width * value_bytes(b->c));
            else
                store_row(b, slice_row(b, i, t, false), b->keys[i] + at);
        }
    bool exact = memcmp(found, b->pool, b->pool_bytes) == 0;
    free(found);
    return exact;
}

static void run_ways(const struct batch *b, const struct plan *plan, struct case_result *result)
{
    uint64_t bytes = result->count * sizeof(uint16_t);
    uint16_t *first = memory_new(1, bytes), *bits = memory_new(1, bytes);
    result->ways_agree = true;
    for (unsigned way = 0; way < rig_ways(); way++) {
        rig_way(way);
        struct attention_arrays d = to_device(b, plan);
        attention_launch(&d, plan, b->rows);
        rig_read(way == 0 ? first : bits, d.a.out, bytes);
        ck_assert(attention_arrivals_are_zero(&d, plan));
        result->ways_agree &= way == 0 || memcmp(first, bits, bytes) == 0;
        if (way == rig_ways() - 1) /* it writes into b's pool */
            result->kv_exact = kv_is_exact(b, &d);
        attention_arrays_free(&d);
    }
    for (uint64_t i = 0; i < result->count; i++)
        result->out[i] = element_value(b->c->element, first[i]);
    free(first);
    free(bits);
}

struct case_result case_run(const struct attention_case *c)
{
    struct batch b = batch_new(c);
    bool turns = c->rotation != ROTATION_NONE && !c->pool_rotated;
    const struct plan_shape shape = {
        .heads = c->heads,
        .kv_heads = c->kv_heads,
        .turns_keys = turns,
        .decode_turns_keys = decode_can_turn(c->head_dim, rope_dims(c)),
        .widens_kv = c->kv_fp8,
        .window_tokens = c->window_tokens,
        .window_chunked = c->window_chunked,
        .multiprocessors = c->multiprocessors > 0 ? c->multiprocessors : RIG_MULTIPROCESSORS,
        .prefill_resident = kernel_prefill_resident(by_hopper(c), c->head_dim, c->window_tokens)
    };
    struct plan plan = { 0 };
    kernel_plan_build(&plan, &shape, b.sequences, b.count);
    struct case_result result = { .count = (uint64_t)b.rows * c->heads * c->head_dim,
                                  .prefills = plan.prefills,
                                  .decodes = plan.decodes,
                                  .merges = plan.merge_count };
    result.out = memory_new(result.count, sizeof *result.out);
    result.expected = memory_new(result.count, sizeof *result.expected);
    run_ways(&b, &plan, &result);
    if (!c->no_reference)
        expect(&b, result.expected);
    kernel_plan_free(&plan);
    batch_free(&b);
    return result;
}

void case_free(struct case_result *result)
{
    free(result->out);
    free(result->expected);
}
