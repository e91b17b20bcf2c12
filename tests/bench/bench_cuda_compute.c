/* tests/bench/bench_cuda_compute.c - see bench_cuda.h: HBM, products, attention. */
#include "tests/bench/bench_cuda.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- HBM ---- */

static void copy_within(struct bench *b, void *context)
{
    const struct copy *copy = context;
    b->backend->copy(b->device, STREAM_COMPUTE, COPY_D2D, copy, 1);
}

void bench_hbm(struct bench *b)
{
    const uint64_t bytes = UINT64_C(2) << 30;
    char *memory = bench_take_filled(b, bytes); /* elements of 2 bytes: twice as much */
    struct copy copy = { memory + bytes, memory, bytes };
    b->hbm_bytes_per_s =
        2.0 * (double)bytes / bench_best_s(b, STREAM_COMPUTE, 4, copy_within, &copy);
    bench_tell(b, "HBM: 2 GiB copied within, of clock times bus", b->hbm_bytes_per_s,
               peak_hbm_bytes_per_s(), 0.0, "GB/s", 1e9);
    b->backend->release(b->device, TIER_HBM, memory);
}

/* ---- products ---- */

struct product {
    uint32_t rows, inputs, outputs;
    void *in, *weights, *out;
};

static void multiply(struct bench *b, void *context)
{
    const struct product *p = context;
    b->backend->gemm(b->device, p->rows, p->inputs, p->outputs, p->in, p->weights, p->out);
}

/* Ours and the best of cublasLt in turns: a GPU at its power limit lowers its clock as it warms up,
 * and whoever comes second would be the slower one. */
static void bench_product(struct bench *b, struct product *p)
{
    enum { TURNS = 3 };
    uint32_t repeats = p->rows >= 2048 ? 5 : 20;
    double flops = 2.0 * p->rows * p->inputs * p->outputs, ours_s = 0.0, best_s = 0.0;
    struct best_product *best =
        best_product_new(p->rows, p->inputs, p->outputs, p->in, p->weights, p->out);
    for (int turn = 0; turn < TURNS; turn++) {
        double took_s = best != NULL ? best_product_s(best, repeats) : -1.0;
        if (took_s > 0.0 && (best_s == 0.0 || took_s < best_s))
            best_s = took_s;
        took_s = bench_best_s(b, STREAM_COMPUTE, repeats, multiply, p);
        if (ours_s == 0.0 || took_s < ours_s)
            ours_s = took_s;
    }
    best_product_free(best);
    char what[64];
    double of = best_s > 0.0 ? flops / best_s : 0.0; /* refused by cublasLt: told as missed */
    snprintf(what, sizeof what, "product %u x %u x %u", p->rows, p->inputs, p->outputs);
    bench_tell(b, what, flops / ours_s, of, 0.95, "TFLOP/s", 1e12);
    double most = flops / ours_s > of ? flops / ours_s : of;
    if (most > b->product_flop_per_s)
        b->product_flop_per_s = most;
}

/* As a run prepares them before its clock begins, for all numbers of rows up to `rows`. */
static void warm(struct bench *b, const struct product *p)
{
    uint64_t begin_ns = clock_now_ns();
    b->backend->warm(b->device, p->inputs, p->outputs, p->rows, p->in, p->weights, p->out);
    b->backend->record(b->device, STREAM_COMPUTE, b->end);
    b->backend->synchronise(b->device, b->end);
    printf("products by %u x %u of up to %u rows are warm after %.3f s\n", p->inputs, p->outputs,
           p->rows, (double)(clock_now_ns() - begin_ns) / (double)NS_PER_S);
}

/* LLaMA-13B's widths, in decode and in prefill. */
void bench_products(struct bench *b)
{
    static const uint32_t rows[] = { 1, 16, 64, 256, 1024, 2048, 8192 };
    enum { COUNT = sizeof rows / sizeof *rows };
    static const uint32_t widths[][2] = { { 5120, 15360 }, { 5120, 27648 }, { 13824, 5120 } };
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        struct product p = { rows[COUNT - 1], widths[w][0], widths[w][1], NULL, NULL, NULL };
        uint64_t room = p.rows + b->backend->gemm_slack_rows;
        p.in = bench_take_filled(b, room * p.inputs);
        p.weights = bench_take_filled(b, (uint64_t)p.inputs * p.outputs);
        p.out = bench_take(b, TIER_HBM, 2 * room * p.outputs);
        warm(b, &p);
        for (size_t r = 0; r < COUNT; r++) {
            p.rows = rows[r];
            bench_product(b, &p);
        }
        b->backend->release(b->device, TIER_HBM, p.in);
        b->backend->release(b->device, TIER_HBM, p.weights);
        b->backend->release(b->device, TIER_HBM, p.out);
    }
    bench_tell(b, "best product of all, of clock times units", b->product_flop_per_s,
               peak_bf16_flop_per_s(), 0.0, "TFLOP/s", 1e12);
}

/* ---- attention ---- */

enum { HEADS = 32, DIM = 128, PAGE = 16, MANY_REPEATS = 10 };

struct attention {
    struct attention_dims shape;
    void *qkv, *pool, *out;
    struct sequence *sequences;
    uint32_t *pages, count;
};

static void attend(struct bench *b, void *context)
{
    const struct attention *a = context;
    b->backend->attention(b->device, &a->shape, 0, a->qkv, a->pool, a->out);
}

/* Pages in an order that no copy could make long, as a pool that was long in use has them. */
static void shuffle(uint32_t *pages, uint32_t count)
{
    uint32_t state = 1;
    for (uint32_t i = count - 1; i > 0; i--) {
        state = state * 1664525U + 1013904223U;
        uint32_t j = (uint32_t)(((uint64_t)state * (i + 1)) >> 32), kept = pages[i];
        pages[i] = pages[j];
        pages[j] = kept;
    }
}

static void attention_new(struct bench *b, struct attention *a, uint32_t kv_heads, uint32_t count,
                          uint32_t cached, uint32_t new_tokens)
{
    uint32_t pages = (cached + new_tokens + PAGE - 1) / PAGE;
    a->shape = (struct attention_dims){ .heads = HEADS,
                                         .kv_heads = kv_heads,
                                         .head_dim = DIM,
                                         .layers = 1,
                                         .page_tokens = PAGE,
                                         .rope = { DIM, 1e4F, false, false } };
    a->count = count;
    a->pages = memory_new((uint64_t)count * pages, sizeof *a->pages);
    a->sequences = memory_new(count, sizeof *a->sequences);
    for (uint32_t i = 0; i < count * pages; i++)
        a->pages[i] = i;
    shuffle(a->pages, count * pages);
    for (uint32_t i = 0; i < count; i++)
        a->sequences[i] =
            (struct sequence){ a->pages + (uint64_t)i * pages, pages, 0, cached, new_tokens };
    uint64_t rows = (uint64_t)count * new_tokens;
    a->qkv = bench_take_filled(b, rows * (HEADS + 2 * kv_heads) * DIM);
    a->out = bench_take(b, TIER_HBM, rows * HEADS * DIM * 2);
    a->pool =
        bench_take_filled(b, (uint64_t)count * pages * slice_bytes(b->backend, &a->shape) / 2);
    b->backend->set_batch(b->device, a->sequences, count);
}

static void attention_free(struct bench *b, struct attention *a)
{
    b->backend->release(b->device, TIER_HBM, a->qkv);
    b->backend->release(b->device, TIER_HBM, a->out);
    b->backend->release(b->device, TIER_HBM, a->pool);
    free(a->sequences);
    free(a->pages);
}

/* Two products of DIM for each query and each key that it sees. Few new tokens over many cached are
 * bound by reading KV and turning its keys as well, so they are shown and not judged. */
void bench_prefill(struct bench *b)
{
    static const uint32_t tokens[][2] = { { 8192, 0 },   { 2048, 6144 }, { 512, 7680 },
                                          { 128, 8064 }, { 512, 16384 }, { 100, 32000 } };
    for (uint32_t kv_heads = 8; kv_heads <= HEADS; kv_heads *= 4)
        for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++) {
            struct attention a;
            char what[64];
            double news = tokens[i][0], cached = tokens[i][1];
            attention_new(b, &a, kv_heads, 1, tokens[i][1], tokens[i][0]);
            double flops = 4.0 * HEADS * DIM * news * (cached + (news + 1.0) / 2.0);
            double took_s = bench_best_s(b, STREAM_COMPUTE, MANY_REPEATS, attend, &a);
            snprintf(what, sizeof what, "prefill attention, %u new, %u cached, %u KV heads",
                     tokens[i][0], tokens[i][1], kv_heads);
            bench_tell(b, what, flops / took_s, b->product_flop_per_s,
                       tokens[i][0] >= 2048 ? 0.6 : 0.0, "TFLOP/s", 1e12);
            attention_free(b, &a);
        }
}

/* Judged where a cache of 50 to 60 MB cannot hold what is read again and again. */
void bench_decode(struct bench *b)
{
    static const uint32_t shapes[][3] = { { 8, 1, 4096 },   { 8, 16, 4096 },  { 8, 64, 1024 },
                                          { 8, 64, 4096 },  { 8, 256, 1024 }, { 8, 16, 16384 },
                                          { 8, 1, 65536 },  { 8, 2, 131072 }, { 32, 1, 4096 },
                                          { 32, 16, 4096 }, { 32, 64, 2048 } };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        struct attention a;
        char what[64];
        attention_new(b, &a, shapes[i][0], shapes[i][1], shapes[i][2] - 1, 1);
        double bytes = 4.0 * shapes[i][0] * DIM * shapes[i][1] * shapes[i][2];
        double took_s = bench_best_s(b, STREAM_COMPUTE, MANY_REPEATS, attend, &a);
        snprintf(what, sizeof what, "decode attention, %u x %u tokens, %u KV heads", shapes[i][1],
                 shapes[i][2], shapes[i][0]);
        bench_tell(b, what, bytes / took_s, b->hbm_bytes_per_s, bytes >= 250e6 ? 0.85 : 0.0, "GB/s",
                   1e9);
        attention_free(b, &a);
    }
}
