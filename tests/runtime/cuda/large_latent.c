/* tests/runtime/cuda/large_latent.c - see large_case.h. */
#include "tests/runtime/cuda/large_case.h"

#include "base/memory.h"
#include "runtime/cuda/latent_plan.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/runtime/cuda/rig.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LATENT = LATENT_DIM_MAX, ROPE = LATENT_ROPE_DIM_MAX, WIDTH = LATENT + ROPE };
#define EPSILON 1e-5F

/* A head's query is [latent | rope] here, and twice a normal number as in large_case.c; the kernels
 * have either part in an array of its own. */
struct latent_batch {
    const struct large_case *c;
    struct large_sequences sequences;
    struct large_pool pool;
    struct large_samples samples;
    uint16_t *compressed, *query, *query_latent, *weight;
};

static float query_value(uint32_t heads, uint32_t row, uint32_t head, uint32_t i)
{
    uint64_t index = ((uint64_t)row * heads + head) * WIDTH + i;
    return 2 * element_value(ELEMENT_BF16, large_element((UINT64_C(1) << 40) + index));
}

static void query_of(const void *context, const struct large_sample *sample, double *out)
{
    const struct latent_batch *b = context;
    for (uint32_t i = 0; i < WIDTH; i++)
        out[i] = (double)query_value(b->c->heads, sample->row, sample->head, i);
}

static struct large_view view_of(const void *context, uint32_t head)
{
    (void)context;
    (void)head; /* all see the same */
    return (struct large_view){ .key_width = WIDTH, .turned = LATENT, .turned_width = ROPE };
}

static void make_inputs(struct latent_batch *b)
{
    uint32_t heads = b->c->heads, head_width = b->c->head_dim + ROPE, rows = b->sequences.rows;
    b->compressed = memory_new((uint64_t)rows * WIDTH, sizeof *b->compressed);
    b->weight = memory_new(LATENT, sizeof *b->weight);
    b->query = memory_new((uint64_t)rows * heads * head_width, sizeof *b->query);
    b->query_latent = memory_new((uint64_t)rows * heads * LATENT, sizeof *b->query_latent);
    for (uint64_t i = 0; i < (uint64_t)rows * WIDTH; i++)
        b->compressed[i] = large_element((UINT64_C(2) << 40) + i);
    for (uint32_t i = 0; i < LATENT; i++)
        b->weight[i] = element_bits(ELEMENT_BF16, 0.75F + (float)(i % 5) / 8);
    for (uint32_t row = 0; row < rows; row++)
        for (uint32_t head = 0; head < heads; head++) {
            uint64_t pair = (uint64_t)row * heads + head;
            for (uint32_t i = 0; i < WIDTH; i++) {
                uint16_t bits = element_bits(ELEMENT_BF16, query_value(heads, row, head, i));
                if (i < LATENT)
                    b->query_latent[pair * LATENT + i] = bits;
                else
                    b->query[pair * head_width + b->c->head_dim + i - LATENT] = bits;
            }
        }
}

static struct kernel_latent to_device(const struct latent_batch *b, const struct latent_plan *plan)
{
    const uint64_t pairs = (uint64_t)b->sequences.rows * b->c->heads;
    struct kernel_latent a = {
        .element = ELEMENT_BF16,
        .heads = b->c->heads,
        .head_dim = b->c->head_dim,
        .latent_dim = LATENT,
        .rope_dim = ROPE,
        .page_tokens = divisor_of(LARGE_PAGE_TOKENS),
        .kv_fp8 = b->c->fp8,
        .page_stride = large_page_stride(&b->pool),
        .layer_offset = large_layer_offset(&b->pool),
        .rotation = ROTATION_HALVES,
        .rope_table = rig_new((uint64_t)b->sequences.longest * ROPE * sizeof(float)),
        .pages = rig_copy_of(b->pool.pages, b->pool.used * sizeof *b->pool.pages),
        .sequences = rig_copy_of(b->sequences.of, b->sequences.count * sizeof *b->sequences.of),
        .pool = b->pool.device,
        .compressed =
            rig_copy_of(b->compressed, (uint64_t)b->sequences.rows * WIDTH * sizeof(uint16_t)),
        .norm_weight = rig_copy_of(b->weight, LATENT * sizeof *b->weight),
        .epsilon = EPSILON,
        .query = rig_copy_of(b->query, pairs * (b->c->head_dim + ROPE) * sizeof *b->query),
        .query_latent = rig_copy_of(b->query_latent, pairs * LATENT * sizeof(uint16_t)),
        .out = rig_new(pairs * LATENT * sizeof(uint16_t)),
        .partial = rig_new((uint64_t)plan->parts * LATENT * sizeof(float)),
        .partial_log2sum = rig_new((uint64_t)plan->parts * sizeof(float)),
    };
    kernel_rope_table(LARGE_THETA, ROPE, b->sequences.longest, (float *)(uintptr_t)a.rope_table,
                      rig_stream());
    return a;
}

static void free_device(const struct kernel_latent *a)
{
    const void *all[] = { a->rope_table,   a->pages, a->sequences, a->compressed,
                          a->norm_weight,  a->query, a->query_latent, a->out,
                          a->partial,      a->partial_log2sum };
    for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
        rig_free((void *)(uintptr_t)all[i]);
}

/* Stores the new tokens' rows. */
static void store(const struct latent_batch *b, const struct kernel_latent *a)
{
    uint32_t *of = memory_new(b->sequences.rows, sizeof *of);
    for (uint32_t i = 0; i < b->sequences.count; i++)
        for (uint32_t r = 0; r < b->sequences.of[i].new_tokens; r++)
            of[b->sequences.of[i].first_row + r] = i;
    uint32_t *device = rig_copy_of(of, b->sequences.rows * sizeof *of);
    kernel_store_latent(a, device, b->sequences.rows, rig_stream());
    rig_read(of, device, sizeof *of); /* waits */
    rig_free(device);
    free(of);
}

/* Of the rows that the slices now have: the norm of the latent, the rope key as it is, rounded to
 * what the pool stores. */
static bool rows_are_normed(const struct latent_batch *b)
{
    const double unit = b->c->fp8 ? 0.126 : 0.008, least = b->c->fp8 ? 2e-3 : 1e-3;
    bool right = true;
    for (uint32_t i = 0; i < b->sequences.count; i++) {
        const struct kernel_sequence *s = &b->sequences.of[i];
        for (uint32_t r = 0; r < s->new_tokens; r++) {
            const uint16_t *row = b->compressed + (uint64_t)(s->first_row + r) * WIDTH;
            uint64_t place = large_row(&b->pool, i, s->cached_tokens + r, 0);
            double squares = 0;
            for (uint32_t e = 0; e < LATENT; e++)
                squares += pow((double)element_value(ELEMENT_BF16, row[e]), 2) / LATENT;
            for (uint32_t e = 0; e < WIDTH; e++) {
                double expected = (double)element_value(ELEMENT_BF16, row[e]);
                if (e < LATENT)
                    expected *= (double)element_value(ELEMENT_BF16, b->weight[e]) /
                                sqrt(squares + (double)EPSILON);
                right &= fabs(large_value(&b->pool, place + e) - expected) <=
                         unit * fabs(expected) + least;
            }
        }
    }
    return right;
}

static void attend(const struct latent_batch *b, const struct latent_plan *plan,
                   struct large_result *result)
{
    uint64_t bytes = result->count * sizeof *result->out;
    uint16_t *again = memory_new(1, bytes);
    struct kernel_work *works = rig_copy_of(plan->works, plan->work_count * sizeof *works);
    struct kernel_merge *merges = rig_copy_of(plan->merges, plan->merge_count * sizeof *merges);
    result->out = memory_new(1, bytes);
    result->ways_agree = true;
    for (unsigned way = 0; way < large_ways(); way++) {
        rig_way(way);
        struct kernel_latent a = to_device(b, plan);
        kernel_latent_attention(&a, works, plan->work_count, rig_stream());
        if (plan->merge_count > 0)
            kernel_latent_merge(&a, merges, plan->merge_count, rig_stream());
        rig_read(way == 0 ? result->out : again, a.out, bytes);
        result->ways_agree &= way == 0 || memcmp(result->out, again, bytes) == 0;
        free_device(&a);
    }
    rig_free(works);
    rig_free(merges);
    free(again);
}

struct large_result large_latent_run(const struct large_case *c)
{
    struct latent_batch b = { .c = c };
    struct latent_plan plan = { 0 };
    large_lay_out(&b.sequences, c->groups, LARGE_PAGE_TOKENS);
    b.pool = (struct large_pool){ .page_tokens = LARGE_PAGE_TOKENS,
                                  .width = WIDTH,
                                  .planes = 1,
                                  .fp8 = c->fp8,
                                  .sequences = &b.sequences };
    large_pool_new(&b.pool);
    make_inputs(&b);
    latent_plan_build(&plan, c->heads, rig_multiprocessors(), b.sequences.of, b.sequences.count);
    struct large_result result = { .count = (uint64_t)b.sequences.rows * c->heads * LATENT,
                                   .prefills = plan.work_count,
                                   .merges = plan.merge_count };
    struct kernel_latent a = to_device(&b, &plan);
    store(&b, &a);
    free_device(&a);
    result.stored = large_pool_is_stored(&b.pool, true) && rows_are_normed(&b);
    const struct large_definition definition = { .pool = &b.pool,
                                                 .context = &b,
                                                 .query = query_of,
                                                 .view = view_of,
                                                 .scale = 1 / sqrt(c->head_dim + (double)ROPE) };
    large_samples_new(&b.samples, &definition, c->heads, LATENT);
    attend(&b, &plan, &result);
    result.error = large_samples_error(&b.samples, result.out, b.sequences.rows);
    large_samples_free(&b.samples);
    large_pool_free(&b.pool);
    latent_plan_free(&plan);
    free(b.compressed);
    free(b.query);
    free(b.query_latent);
    free(b.weight);
    return result;
}
