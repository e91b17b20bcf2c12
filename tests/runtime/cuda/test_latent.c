/* tests/runtime/cuda/test_latent.c - latent attention and products of single heads by the CUDA
 * kernels equal their definitions, however pages, pairs and parts lie. On a GPU, or emulated
 * (rig.h). */
#include "base/memory.h"
#include "base/random.h"
#include "runtime/cuda/latent_plan.h"
#include "tests/runtime/cuda/reference.h"
#include "tests/runtime/cuda/rig.h"
#include "tests/runtime/formats.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define THETA 10000.0f

enum { LAYERS = 2, LAYER = 1, SEQUENCES = 3 };

/* As in test_attention.c; a product's result is rounded once more, and its sums are long. */
static double tolerance(enum element element)
{
    return element == ELEMENT_BF16 ? 0.008 : 0.001;
}

static uint16_t *random_elements(struct random *random, enum element element, uint64_t count)
{
    uint16_t *out = memory_new(count, sizeof *out);
    for (uint64_t i = 0; i < count; i++)
        out[i] = element_bits(element, (float)random_normal(random));
    return out;
}

static double *values_of(enum element element, const uint16_t *bits, uint64_t count)
{
    double *out = memory_new(count, sizeof *out);
    for (uint64_t i = 0; i < count; i++)
        out[i] = (double)element_value(element, bits[i]);
    return out;
}

/* Of the elements that the device holds. */
static double error_of(enum element element, const void *device, const double *expected,
                       uint64_t count)
{
    uint16_t *bits = memory_new(count, sizeof *bits);
    float *found = memory_new(count, sizeof *found);
    rig_read(bits, device, count * sizeof *bits);
    for (uint64_t i = 0; i < count; i++)
        found[i] = element_value(element, bits[i]);
    double error = relative_error(found, expected, count);
    free(bits);
    free(found);
    return error;
}

/* ---- attention ---- */

struct latent_case {
    enum element element;
    uint32_t heads, head_dim, latent_dim, rope_dim, page_tokens;
    enum rotation rotation;
    bool pool_rotated, kv_fp8;
    uint32_t multiprocessors;
    struct {
        uint32_t cached_tokens, new_tokens, skip;
    } contexts[SEQUENCES]; /* new_tokens 0: no more */
};

/* All of it on the host. `rows` are [latent | rope key] as compressed gives them, before the norm
 * of the latent: of all tokens of a sequence, cached ones first. */
struct latent_batch {
    const struct latent_case *c;
    uint32_t width, count, rows, page_count, longest;
    struct kernel_sequence sequences[SEQUENCES];
    uint32_t *pages, *row_sequence;
    uint16_t *compressed, *query, *query_latent, *pool, *weight;
    double *keys[SEQUENCES]; /* of all tokens, as the pool has them */
    uint64_t pool_count;
};

static uint64_t pool_row(const struct latent_batch *b, const struct kernel_sequence *s,
                         uint32_t token)
{
    uint32_t page_tokens = b->c->page_tokens, slot = s->skip + token;
    uint64_t page = b->pages[s->first_page + slot / page_tokens];
    return ((page * LAYERS + LAYER) * page_tokens + slot % page_tokens) * b->width;
}

static void lay_out(struct latent_batch *b)
{
    const struct latent_case *c = b->c;
    for (; b->count < SEQUENCES && c->contexts[b->count].new_tokens > 0; b->count++) {
        uint32_t cached = c->contexts[b->count].cached_tokens;
        uint32_t fresh = c->contexts[b->count].new_tokens, skip = c->contexts[b->count].skip;
        b->sequences[b->count] = (struct kernel_sequence){ .first_page = b->page_count,
                                                           .skip = skip,
                                                           .cached_tokens = cached,
                                                           .new_tokens = fresh,
                                                           .first_row = b->rows };
        b->rows += fresh;
        b->page_count += (skip + cached + fresh + c->page_tokens - 1) / c->page_tokens;
        b->longest = cached + fresh > b->longest ? cached + fresh : b->longest;
    }
    b->pages = memory_new(b->page_count, sizeof *b->pages);
    for (uint32_t i = 0; i < b->page_count; i++) /* neighbours are nowhere neighbours */
        b->pages[i] = b->page_count - 1 - i;
    b->row_sequence = memory_new(b->rows, sizeof *b->row_sequence);
    for (uint32_t i = 0; i < b->count; i++)
        for (uint32_t r = 0; r < b->sequences[i].new_tokens; r++)
            b->row_sequence[b->sequences[i].first_row + r] = i;
}

/* What the pool must have of a token, by the definition, rounded as elements are. */
static void make_row(const struct latent_batch *b, const uint16_t *compressed, uint32_t token,
                     uint16_t *row)
{
    const struct latent_case *c = b->c;
    double squares = 0, rope[LATENT_ROPE_DIM_MAX];
    for (uint32_t i = 0; i < c->latent_dim; i++)
        squares += pow((double)element_value(c->element, compressed[i]), 2) / c->latent_dim;
    for (uint32_t i = 0; i < c->latent_dim; i++)
        row[i] = element_bits(c->element, (float)((double)element_value(c->element, compressed[i]) /
                                                  sqrt(squares + 1e-5) *
                                                  (double)element_value(c->element, b->weight[i])));
    for (uint32_t i = 0; i < c->rope_dim; i++)
        rope[i] = (double)element_value(c->element, compressed[c->latent_dim + i]);
    if (c->pool_rotated)
        reference_rope(rope, c->rotation, c->rope_dim, (double)THETA, token);
    for (uint32_t i = 0; i < c->rope_dim; i++)
        row[c->latent_dim + i] = element_bits(c->element, (float)rope[i]);
}

/* What is stored as fp8 is, as an element, one of its values. */
static void round_row(const struct latent_batch *b, uint16_t *row)
{
    for (uint32_t i = 0; i < b->width && b->c->kv_fp8; i++) {
        double value = (double)element_value(b->c->element, row[i]);
        row[i] = element_bits(b->c->element, (float)fp8_value(fp8_nearest(value)));
    }
}

/* The pool as the kernels have it, from elements and back; what belongs to no token is NaN. */
static void *stored_pool(const struct latent_batch *b)
{
    if (!b->c->kv_fp8)
        return rig_copy_of(b->pool, b->pool_count * sizeof *b->pool);
    uint8_t *codes = memory_new(b->pool_count, 1);
    for (uint64_t i = 0; i < b->pool_count; i++)
        codes[i] = b->pool[i] == 0xffff
                       ? 0xff
                       : fp8_nearest((double)element_value(b->c->element, b->pool[i]));
    void *pool = rig_copy_of(codes, b->pool_count);
    free(codes);
    return pool;
}

static uint16_t *found_pool(const struct latent_batch *b, const void *device)
{
    uint16_t *found = memory_new(b->pool_count, sizeof *found);
    uint8_t *codes = memory_new(b->pool_count, 1);
    if (b->c->kv_fp8)
        rig_read(codes, device, b->pool_count);
    else
        rig_read(found, device, b->pool_count * sizeof *found);
    for (uint64_t i = 0; i < b->pool_count && b->c->kv_fp8; i++)
        found[i] =
            codes[i] == 0xff ? 0xffff : element_bits(b->c->element, (float)fp8_value(codes[i]));
    free(codes);
    return found;
}

/* Cached tokens go into the pool, new ones into `compressed`; no token's part of it is NaN. */
static void fill(struct latent_batch *b, struct random *random)
{
    const struct latent_case *c = b->c;
    uint64_t pairs = (uint64_t)b->rows * c->heads;
    b->pool_count = (uint64_t)b->page_count * LAYERS * c->page_tokens * b->width;
    b->pool = memory_new(b->pool_count, sizeof *b->pool);
    memset(b->pool, 0xff, b->pool_count * sizeof *b->pool);
    b->weight = random_elements(random, c->element, c->latent_dim);
    b->query = random_elements(random, c->element, pairs * (c->head_dim + c->rope_dim));
    b->query_latent = random_elements(random, c->element, pairs * c->latent_dim);
    b->compressed = memory_new((uint64_t)b->rows * b->width, sizeof *b->compressed);
    for (uint32_t i = 0; i < b->count; i++) {
        const struct kernel_sequence *s = &b->sequences[i];
        uint32_t tokens = s->cached_tokens + s->new_tokens;
        uint16_t *made = random_elements(random, c->element, (uint64_t)tokens * b->width);
        uint16_t *rows = memory_new((uint64_t)tokens * b->width, sizeof *rows);
        uint16_t *last = made + (uint64_t)(tokens - 1) * b->width;
        for (uint32_t e = 0; e < b->width; e++) /* so small that epsilon makes half of its norm */
            last[e] = element_bits(c->element, 0.003F * element_value(c->element, last[e]));
        for (uint32_t t = 0; t < tokens; t++) {
            make_row(b, made + (uint64_t)t * b->width, t, rows + (uint64_t)t * b->width);
            round_row(b, rows + (uint64_t)t * b->width);
            if (t < s->cached_tokens)
                memcpy(b->pool + pool_row(b, s, t), rows + (uint64_t)t * b->width,
                       b->width * sizeof *rows);
        }
        memcpy(b->compressed + (uint64_t)s->first_row * b->width,
               made + (uint64_t)s->cached_tokens * b->width,
               (uint64_t)s->new_tokens * b->width * sizeof *made);
        b->keys[i] = values_of(c->element, rows, (uint64_t)tokens * b->width);
        free(made);
        free(rows);
    }
}

static struct latent_batch batch_new(const struct latent_case *c)
{
    struct latent_batch b = { .c = c, .width = c->latent_dim + c->rope_dim };
    struct random random = random_from(test_seed(), 0);
    lay_out(&b);
    fill(&b, &random);
    return b;
}

static void batch_free(struct latent_batch *b)
{
    for (uint32_t i = 0; i < b->count; i++)
        free(b->keys[i]);
    free(b->pages);
    free(b->row_sequence);
    free(b->compressed);
    free(b->query);
    free(b->query_latent);
    free(b->pool);
    free(b->weight);
}

/* One pair: softmax((q_latent . latent + turned q_rope . turned rope key) / sqrt(width of a head))
 * * latent, one key after the other. */
static void expect_pair(const struct latent_batch *b, uint32_t sequence, uint32_t token,
                        uint64_t pair, double *out)
{
    const struct latent_case *c = b->c;
    uint32_t seen = b->sequences[sequence].cached_tokens + token + 1,
             head = c->head_dim + c->rope_dim;
    double query[LATENT_DIM_MAX + LATENT_ROPE_DIM_MAX];
    double *score = memory_new(seen, sizeof *score), most = -INFINITY, sum = 0;
    for (uint32_t i = 0; i < c->latent_dim; i++)
        query[i] = (double)element_value(c->element, b->query_latent[pair * c->latent_dim + i]);
    for (uint32_t i = 0; i < c->rope_dim; i++)
        query[c->latent_dim + i] =
            (double)element_value(c->element, b->query[pair * head + c->head_dim + i]);
    reference_rope(query + c->latent_dim, c->rotation, c->rope_dim, (double)THETA, seen - 1);
    for (uint32_t t = 0; t < seen; t++) {
        double key[LATENT_DIM_MAX + LATENT_ROPE_DIM_MAX];
        memcpy(key, b->keys[sequence] + (uint64_t)t * b->width, b->width * sizeof *key);
        if (!c->pool_rotated)
            reference_rope(key + c->latent_dim, c->rotation, c->rope_dim, (double)THETA, t);
        for (uint32_t i = 0; i < b->width; i++)
            score[t] += query[i] * key[i] / sqrt(head);
        most = fmax(most, score[t]);
    }
    for (uint32_t t = 0; t < seen; t++)
        sum += score[t] = exp(score[t] - most);
    for (uint32_t i = 0; i < c->latent_dim; i++) {
        out[i] = 0;
        for (uint32_t t = 0; t < seen; t++)
            out[i] += score[t] / sum * b->keys[sequence][(uint64_t)t * b->width + i];
    }
    free(score);
}

static double *expect(const struct latent_batch *b)
{
    const struct latent_case *c = b->c;
    double *out = memory_new((uint64_t)b->rows * c->heads * c->latent_dim, sizeof *out);
    for (uint32_t i = 0; i < b->count; i++)
        for (uint32_t r = 0; r < b->sequences[i].new_tokens; r++)
            for (uint32_t h = 0; h < c->heads; h++) {
                uint64_t pair = (uint64_t)(b->sequences[i].first_row + r) * c->heads + h;
                expect_pair(b, i, r, pair, out + pair * c->latent_dim);
            }
    return out;
}

static struct kernel_latent to_device(const struct latent_batch *b, const struct latent_plan *plan)
{
    const struct latent_case *c = b->c;
    uint64_t slice = (uint64_t)c->page_tokens * b->width, pairs = (uint64_t)b->rows * c->heads;
    struct kernel_latent a = {
        .element = c->element,
        .heads = c->heads,
        .head_dim = c->head_dim,
        .latent_dim = c->latent_dim,
        .rope_dim = c->rope_dim,
        .page_tokens = divisor_of(c->page_tokens),
        .page_stride = LAYERS * slice,
        .layer_offset = LAYER * slice,
        .rotation = c->rotation,
        .pool_rotated = c->pool_rotated,
        .rope_table = rig_new((uint64_t)b->longest * c->rope_dim * sizeof(float)),
        .pages = rig_copy_of(b->pages, b->page_count * sizeof *b->pages),
        .sequences = rig_copy_of(b->sequences, b->count * sizeof *b->sequences),
        .pool = stored_pool(b),
        .kv_fp8 = c->kv_fp8,
        .compressed =
            rig_copy_of(b->compressed, (uint64_t)b->rows * b->width * sizeof *b->compressed),
        .norm_weight = rig_copy_of(b->weight, c->latent_dim * sizeof *b->weight),
        .epsilon = 1e-5F,
        .query = rig_copy_of(b->query, pairs * (c->head_dim + c->rope_dim) * sizeof *b->query),
        .query_latent = rig_copy_of(b->query_latent, pairs * c->latent_dim * sizeof(uint16_t)),
        .partial = rig_new((uint64_t)plan->parts * c->latent_dim * sizeof(float)),
        .partial_log2sum = rig_new((uint64_t)plan->parts * sizeof(float)),
    };
    a.out = (void *)(uintptr_t)a.query_latent; /* in place, as the interface allows */
    kernel_rope_table(THETA, c->rope_dim, b->longest, (float *)(uintptr_t)a.rope_table,
                      rig_stream());
    return a;
}

static void free_device(struct kernel_latent *a)
{
    const void *all[] = {
        a->rope_table,  a->pages, a->sequences,    a->pool,    a->compressed,
        a->norm_weight, a->query, a->query_latent, a->partial, a->partial_log2sum
    };
    for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
        rig_free((void *)(uintptr_t)all[i]);
}

static void launch(const struct latent_batch *b, const struct latent_plan *plan,
                   const struct kernel_latent *a)
{
    uint32_t *row_sequence = rig_copy_of(b->row_sequence, b->rows * sizeof *row_sequence);
    struct kernel_work *works = rig_copy_of(plan->works, plan->work_count * sizeof *works);
    struct kernel_merge *merges = rig_copy_of(plan->merges, plan->merge_count * sizeof *merges);
    kernel_store_latent(a, row_sequence, b->rows, rig_stream());
    kernel_latent_attention(a, works, plan->work_count, rig_stream());
    if (plan->merge_count > 0)
        kernel_latent_merge(a, merges, plan->merge_count, rig_stream());
    uint16_t ignored;
    rig_read(&ignored, a->out, sizeof ignored); /* waits */
    rig_free(row_sequence);
    rig_free(works);
    rig_free(merges);
}

/* New tokens' rows are what they should be to a unit in the last place, and nothing else changed.
 */
static void check_pool(const struct latent_batch *b, const struct kernel_latent *a)
{
    uint16_t *found = found_pool(b, a->pool);
    double unit = b->c->kv_fp8 ? 0.126 : 0.008; /* of the last place */
    for (uint32_t i = 0; i < b->count; i++) {
        const struct kernel_sequence *s = &b->sequences[i];
        for (uint32_t t = s->cached_tokens; t < s->cached_tokens + s->new_tokens; t++)
            for (uint32_t e = 0; e < b->width; e++) {
                uint64_t at = pool_row(b, s, t) + e;
                double expected = b->keys[i][(uint64_t)t * b->width + e];
                double value = (double)element_value(b->c->element, found[at]);
                ck_assert_double_le(fabs(value - expected),
                                    unit * fabs(expected) + (b->c->kv_fp8 ? 2e-3 : 1e-3));
                found[at] = b->pool[at] = 0;
            }
    }
    ck_assert_mem_eq(found, b->pool, b->pool_count * sizeof *found);
    free(found);
}

/* Returns how many pairs were merged. */
static uint32_t check(const struct latent_case *c)
{
    struct latent_batch b = batch_new(c);
    struct latent_plan plan = { 0 };
    uint64_t count = (uint64_t)b.rows * c->heads * c->latent_dim;
    uint16_t *first = memory_new(count, sizeof *first), *bits = memory_new(count, sizeof *bits);
    double *expected = expect(&b);
    latent_plan_build(&plan, c->heads, c->multiprocessors > 0 ? c->multiprocessors : 1, b.sequences,
                      b.count);
    for (unsigned way = 0; way < rig_ways(); way++) {
        rig_way(way);
        struct kernel_latent a = to_device(&b, &plan);
        launch(&b, &plan, &a);
        rig_read(way == 0 ? first : bits, a.out, count * sizeof *bits);
        if (way > 0)
            ck_assert_mem_eq(first, bits, count * sizeof *bits);
        if (way == 0) {
            double error = error_of(c->element, a.out, expected, count);
            ck_assert_msg(error <= tolerance(c->element), "relative error %g", error);
        }
        if (way + 1 == rig_ways()) /* it writes into b's pool */
            check_pool(&b, &a);
        free_device(&a);
    }
    uint32_t merges = plan.merge_count;
    free(first);
    free(bits);
    free(expected);
    latent_plan_free(&plan);
    batch_free(&b);
    return merges;
}

/* Both instances of the kernel, filled and not; pages that are no power of two; blocks of pairs
 * that hold heads of several tokens, and tokens of several blocks. */
START_TEST(prefill_over_a_cached_prefix_and_decode_are_the_definition)
{
    static const struct latent_case cases[] = {
        { .heads = 4, .head_dim = 16, .latent_dim = 128, .rope_dim = 64, .page_tokens = 16 },
        { .heads = 3, .head_dim = 8, .latent_dim = 40, .rope_dim = 8, .page_tokens = 19 },
        { .heads = 20, .head_dim = 16, .latent_dim = 512, .rope_dim = 64, .page_tokens = 16 },
        { .heads = 2, .head_dim = 16, .latent_dim = 264, .rope_dim = 24, .page_tokens = 8 },
    };
    struct latent_case c = cases[_i / 4];
    c.element = _i % 2 == 0 ? ELEMENT_BF16 : ELEMENT_FP16;
    c.rotation = _i / 2 % 2 == 0 ? ROTATION_NEIGHBOURS : ROTATION_HALVES;
    c.contexts[0].cached_tokens = 70;
    c.contexts[0].new_tokens = 5;
    c.contexts[0].skip = 3;
    c.contexts[1].new_tokens = 9;
    c.contexts[2].cached_tokens = 127;
    c.contexts[2].new_tokens = 1;
    ck_assert_uint_eq(check(&c), 0);
}
END_TEST

START_TEST(keys_in_parts_give_what_they_give_at_once)
{
    const struct latent_case c = { .heads = 4,
                                   .head_dim = 16,
                                   .latent_dim = 64,
                                   .rope_dim = 16,
                                   .page_tokens = 16,
                                   .rotation = ROTATION_NEIGHBOURS,
                                   .multiprocessors = 100,
                                   .contexts = { { .cached_tokens = 600, .new_tokens = 1 },
                                                 { .cached_tokens = 20, .new_tokens = 3 },
                                                 { .cached_tokens = 511, .new_tokens = 6 } } };
    ck_assert_uint_eq(check(&c), (1 + 6) * 4); /* what has over 256 keys */
}
END_TEST

START_TEST(rope_keys_that_were_turned_when_stored_are_not_turned_again)
{
    const struct latent_case c = { .heads = 4,
                                   .head_dim = 16,
                                   .latent_dim = 32,
                                   .rope_dim = 32,
                                   .page_tokens = 16,
                                   .rotation = ROTATION_HALVES,
                                   .pool_rotated = true,
                                   .contexts = { { .cached_tokens = 80, .new_tokens = 20 } } };
    check(&c);
}
END_TEST

START_TEST(kv_in_fp8_is_attention_over_what_was_stored)
{
    const struct latent_case c = { .element = _i == 0 ? ELEMENT_BF16 : ELEMENT_FP16,
                                   .heads = 5,
                                   .head_dim = 16,
                                   .latent_dim = 72,
                                   .rope_dim = 24,
                                   .page_tokens = 16,
                                   .rotation = ROTATION_NEIGHBOURS,
                                   .kv_fp8 = true,
                                   .contexts = {
                                       { .cached_tokens = 90, .new_tokens = 1, .skip = 7 },
                                       { .cached_tokens = 150, .new_tokens = 2 } } };
    check(&c);
}
END_TEST

/* ---- its plan ---- */

START_TEST(every_pair_meets_each_of_its_keys_once)
{
    struct random random = random_from(test_seed(), 1);
    struct latent_plan plan = { 0 };
    for (uint32_t round = 0; round < 60; round++) {
        struct kernel_sequence sequences[SEQUENCES];
        uint32_t rows = 0, heads = 1 + (uint32_t)random_below(&random, 40);
        for (uint32_t i = 0; i < SEQUENCES; i++) {
            sequences[i] = (struct kernel_sequence){
                .cached_tokens = (uint32_t)random_below(&random, 3000),
                .new_tokens = 1 + (uint32_t)random_below(&random, round % 2 ? 40 : 2),
                .first_row = rows
            };
            rows += sequences[i].new_tokens;
        }
        latent_plan_build(&plan, heads, 1 + 3 * round, sequences, SEQUENCES);
        uint64_t *keys = memory_new((uint64_t)rows * heads, sizeof *keys);
        uint32_t *written = memory_new((uint64_t)plan.parts + 1, sizeof *written);
        for (uint32_t w = 0; w < plan.work_count; w++) {
            const struct kernel_work *work = &plan.works[w];
            const struct kernel_sequence *s = &sequences[work->sequence];
            ck_assert_uint_eq(work->first_key % LATENT_KEYS, 0);
            for (uint32_t p = work->first_query;
                 p < work->first_query + LATENT_PAIRS && p < s->new_tokens * heads; p++) {
                uint32_t seen = s->cached_tokens + p / heads + 1;
                uint32_t end = work->end_key < seen ? work->end_key : seen;
                keys[s->first_row * heads + p] += end > work->first_key ? end - work->first_key : 0;
                if (work->part != PART_NONE)
                    written[work->part + p - work->first_query]++;
            }
        }
        for (uint32_t i = 0; i < SEQUENCES; i++)
            for (uint32_t p = 0; p < sequences[i].new_tokens * heads; p++)
                ck_assert_uint_eq(keys[sequences[i].first_row * heads + p],
                                  sequences[i].cached_tokens + p / heads + 1);
        for (uint32_t m = 0; m < plan.merge_count; m++)
            for (uint32_t i = 0; i < plan.merges[m].parts; i++)
                ck_assert_uint_eq(
                    written[plan.merges[m].first_part + i * plan.merges[m].part_stride], 1);
        free(keys);
        free(written);
    }
    latent_plan_free(&plan);
}
END_TEST

/* ---- products of single heads ---- */

/* Fewer rows than a small block has and more than a large one; inputs and outputs that are no whole
 * tiles; columns of heads with others between them, which stay what they were. */
START_TEST(products_of_single_heads_are_their_definition)
{
    static const struct {
        uint32_t rows, heads, inputs, outputs;
    } shapes[] = {
        { 1, 3, 64, 64 },  { 5, 2, 8, 136 },    { 16, 2, 200, 40 },
        { 70, 2, 72, 72 }, { 130, 1, 16, 512 },
    };
    for (uint32_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        const uint32_t rows = shapes[i].rows, heads = shapes[i].heads, gap = 8;
        const uint32_t inputs = shapes[i].inputs, outputs = shapes[i].outputs;
        enum element element = _i / 2 == 0 ? ELEMENT_BF16 : ELEMENT_FP16;
        struct kernel_head_products p = { .element = element,
                                          .rows = rows,
                                          .heads = heads,
                                          .inputs = inputs,
                                          .outputs = outputs,
                                          .inputs_first = _i % 2 == 1,
                                          .in_head = inputs + gap,
                                          .in_row = heads * (inputs + gap),
                                          .out_head = outputs + gap,
                                          .out_row = heads * (outputs + gap),
                                          .weights_head = (uint64_t)inputs * outputs + gap };
        struct random random = random_from(test_seed(), i);
        uint64_t in_count = (uint64_t)rows * p.in_row, out_count = (uint64_t)rows * p.out_row;
        uint64_t weight_count = heads * p.weights_head;
        uint16_t *in_bits = random_elements(&random, element, in_count);
        uint16_t *weight_bits = random_elements(&random, element, weight_count);
        uint16_t *out_bits = random_elements(&random, element, out_count);
        double *in = values_of(element, in_bits, in_count);
        double *weights = values_of(element, weight_bits, weight_count);
        double *out = values_of(element, out_bits, out_count);
        for (uint32_t r = 0; r < rows; r++)
            for (uint32_t h = 0; h < heads; h++)
                for (uint32_t o = 0; o < outputs; o++) {
                    double sum = 0;
                    for (uint32_t k = 0; k < inputs; k++)
                        sum += in[(uint64_t)r * p.in_row + h * p.in_head + k] *
                               weights[h * p.weights_head + (p.inputs_first
                                                                 ? (uint64_t)k * outputs + o
                                                                 : (uint64_t)o * inputs + k)];
                    out[(uint64_t)r * p.out_row + h * p.out_head + o] = sum;
                }
        for (unsigned way = 0; way < rig_ways(); way++) {
            rig_way(way);
            p.in = rig_copy_of(in_bits, in_count * sizeof *in_bits);
            p.weights = rig_copy_of(weight_bits, weight_count * sizeof *weight_bits);
            p.out = rig_copy_of(out_bits, out_count * sizeof *out_bits);
            kernel_head_products(&p, rig_stream());
            double error = error_of(element, p.out, out, out_count);
            ck_assert_msg(error <= tolerance(element) / 2, "shape %u: relative error %g", i, error);
            rig_free((void *)(uintptr_t)p.in);
            rig_free((void *)(uintptr_t)p.weights);
            rig_free(p.out);
        }
        free(in_bits);
        free(weight_bits);
        free(out_bits);
        free(in);
        free(weights);
        free(out);
    }
}
END_TEST

int main(void)
{
    if (!rig_open())
        return TEST_SKIPPED;
    TCase *products = tcase_create("products");
    tcase_set_timeout(products, 200);
    tcase_add_loop_test(products, products_of_single_heads_are_their_definition, 0, 4);
    TCase *attention = tcase_create("attention");
    tcase_set_timeout(attention, 200);
    tcase_add_loop_test(attention, prefill_over_a_cached_prefix_and_decode_are_the_definition, 0,
                        16);
    tcase_add_test(attention, keys_in_parts_give_what_they_give_at_once);
    tcase_add_test(attention, rope_keys_that_were_turned_when_stored_are_not_turned_again);
    tcase_add_loop_test(attention, kv_in_fp8_is_attention_over_what_was_stored, 0, 2);
    tcase_add_test(attention, every_pair_meets_each_of_its_keys_once);
    Suite *suite = suite_create("CUDA latent attention");
    suite_add_tcase(suite, products);
    suite_add_tcase(suite, attention);
    return test_main(suite);
}
