/* runtime/host/latent.c - latent attention (MLA; DeepSeek-V2, arXiv 2405.04434, 2.1) in its
 * absorbed form, and the products of single heads that stand before and behind it. All heads share
 * one row a token, [latent | rope key], which is key and, without the rope key, value. So the rows
 * of a context are gathered once, the rope keys turned to their positions, and the pairs of (new
 * token, head) attend in tiles as if they were queries of one head: two products by OpenBLAS. */
#include "runtime/host/host.h"

#include <math.h>
#include <string.h>

enum { PAIR_TILE = 64 };

/* ---- products of single heads ---- */

static void run_gemm_heads(struct device *device, struct command *command)
{
    const struct head_products *p = &command->products;
    for (uint32_t head = 0; head < p->heads; head++) {
        const float *in = (const float *)command->in + (uint64_t)head * p->in_head;
        const float *weights = (const float *)command->weights + head * p->weights_head;
        float *out = (float *)command->out + (uint64_t)head * p->out_head;
        device->blas.sgemm(CblasRowMajor, CblasNoTrans, p->inputs_first ? CblasNoTrans : CblasTrans,
                           (int)command->rows, (int)p->outputs, (int)p->inputs, 1.0F, in,
                           (int)p->in_row, weights, (int)(p->inputs_first ? p->outputs : p->inputs),
                           0.0F, out, (int)p->out_row);
    }
}

void host_gemm_heads(struct device *device, const struct head_products *products, uint32_t rows,
                     const void *in, const void *weights, void *out)
{
    double values = (double)products->heads * products->inputs * products->outputs;
    struct command *command = streams_slot(device, STREAM_COMPUTE, 0);
    command->run = run_gemm_heads;
    command->held_ns =
        host_held_ns(device, 2.0 * rows * values, 1.0, values * (double)sizeof(float));
    command->products = *products;
    command->rows = rows;
    command->in = in;
    command->weights = weights;
    command->out = out;
    streams_put(device, STREAM_COMPUTE);
}

/* ---- KV in pages ---- */

static uint32_t kv_width(const struct attention_dims *shape)
{
    return shape->latent_dim + shape->rope.dims;
}

static char *token_row(const struct attention_dims *shape, const struct sequence *sequence,
                       uint32_t layer, void *pool, uint32_t token)
{
    uint32_t place = sequence->skip + token;
    uint64_t page = sequence->pages[place / shape->page_tokens];
    return (char *)pool + (page * shape->layers + layer) * slice_bytes(&backend_host, shape) +
           place % shape->page_tokens * kv_row_bytes(&backend_host, shape);
}

/* row: room for one, as floats. */
static void store_token(const struct device *device, const struct command *command,
                        const struct sequence *sequence, uint32_t token, const float *compressed,
                        float *row)
{
    const struct attention_dims *shape = &command->shape;
    const float *weight = command->weights;
    uint32_t latent = shape->latent_dim, dims = shape->rope.dims;
    float squares = 0.0F;
    for (uint32_t i = 0; i < latent; i++)
        squares += compressed[i] * compressed[i];
    float scale = 1.0F / sqrtf(squares / (float)latent + command->epsilon);
    for (uint32_t i = 0; i < latent; i++)
        row[i] = compressed[i] * scale * weight[i];
    if (shape->rope.at_store)
        turn(device, &shape->rope, dims, token, 1.0F, compressed + latent, row + latent);
    else
        memcpy(row + latent, compressed + latent, dims * sizeof *row);
    kv_narrow(shape->kv, row, latent + dims,
              token_row(shape, sequence, command->layer, command->out, token));
}

static void run_store_latent(struct device *device, struct command *command)
{
    const float *compressed = command->in;
    float *row = need(&device->keys, kv_width(&command->shape));
    for (uint32_t i = 0; i < device->batch.count; i++) {
        const struct sequence *sequence = &device->batch.sequences[i];
        if (command->shape.rope.at_store)
            need_rope(device, &command->shape.rope, sequence->cached_tokens + sequence->new_tokens);
        for (uint32_t t = 0; t < sequence->new_tokens; t++) {
            store_token(device, command, sequence, sequence->cached_tokens + t, compressed, row);
            compressed += kv_width(&command->shape);
        }
    }
}

void host_store_latent(struct device *device, const struct attention_dims *shape, uint32_t layer,
                       float epsilon, const void *compressed, const void *weight, void *pool)
{
    struct command *command = streams_slot(device, STREAM_COMPUTE, 0);
    command->run = run_store_latent;
    command->shape = *shape;
    command->layer = layer;
    command->epsilon = epsilon;
    command->in = compressed;
    command->weights = weight;
    command->out = pool;
    streams_put(device, STREAM_COMPUTE);
}

/* ---- attention ---- */

/* The context's rows, rope keys turned, one behind the other. */
static void gather(struct device *device, const struct command *command,
                   const struct sequence *sequence, float *keys)
{
    const struct attention_dims *shape = &command->shape;
    uint32_t width = kv_width(shape), latent = shape->latent_dim;
    uint32_t context = sequence->cached_tokens + sequence->new_tokens;
    for (uint32_t token = 0; token < context; token++, keys += width) {
        kv_widen(
            shape->kv,
            token_row(shape, sequence, command->layer, (void *)(uintptr_t)command->bias, token),
            width, keys);
        if (!shape->rope.at_store) /* in place: a pair is read before it is written */
            turn(device, &shape->rope, shape->rope.dims, token, 1.0F, keys + latent, keys + latent);
    }
}

/* Of one sequence: its new tokens' rows, and its context's. */
struct latent_work {
    const struct sequence *sequence;
    const float *query, *query_latent;
    float *out;
    const float *keys; /* gathered */
    float *queries, *scores;
};

/* Query of one pair: [latent | turned rope part], scaled. */
static void fill_query(const struct device *device, const struct attention_dims *shape,
                       const struct latent_work *work, uint32_t pair, float *to)
{
    uint32_t token = pair / shape->heads, latent = shape->latent_dim, dims = shape->rope.dims;
    float scale = 1.0F / sqrtf((float)(shape->head_dim + dims));
    const float *absorbed = work->query_latent + (uint64_t)pair * latent;
    const float *query = work->query + (uint64_t)pair * (shape->head_dim + dims);
    for (uint32_t i = 0; i < latent; i++)
        to[i] = absorbed[i] * scale;
    turn(device, &shape->rope, dims, work->sequence->cached_tokens + token, scale,
         query + shape->head_dim, to + latent);
}

/* Pairs first .. first + count - 1: pair i is head i % heads of new token i / heads. */
static void attend_tile(const struct device *device, const struct attention_dims *shape,
                        const struct latent_work *work, uint32_t first, uint32_t count)
{
    int width = (int)kv_width(shape), latent = (int)shape->latent_dim;
    uint32_t cached = work->sequence->cached_tokens;
    uint32_t seen = cached + (first + count - 1) / shape->heads + 1; /* by the tile's last */
    float *out = work->out + (uint64_t)first * shape->latent_dim;
    for (uint32_t i = 0; i < count; i++)
        fill_query(device, shape, work, first + i, work->queries + (uint64_t)i * (uint32_t)width);
    device->blas.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)seen, width, 1.0F,
                       work->queries, width, work->keys, width, 0.0F, work->scores, (int)seen);
    for (uint32_t i = 0; i < count; i++)
        softmax(work->scores + (uint64_t)i * seen, 0, cached + (first + i) / shape->heads + 1,
                seen);
    device->blas.sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)count, latent, (int)seen,
                       1.0F, work->scores, (int)seen, work->keys, width, 0.0F, out, latent);
}

static void attend(struct device *device, const struct command *command, struct latent_work *work)
{
    const struct attention_dims *shape = &command->shape;
    const struct sequence *sequence = work->sequence;
    uint64_t context = sequence->cached_tokens + sequence->new_tokens;
    uint32_t pairs = sequence->new_tokens * shape->heads;
    float *keys = need(&device->keys, context * kv_width(shape));
    work->queries = need(&device->queries, (uint64_t)PAIR_TILE * kv_width(shape));
    work->scores = need(&device->scores, PAIR_TILE * context);
    need_rope(device, &shape->rope, (uint32_t)context);
    gather(device, command, sequence, keys);
    work->keys = keys;
    for (uint32_t first = 0; first < pairs; first += PAIR_TILE)
        attend_tile(device, shape, work, first,
                    pairs - first < PAIR_TILE ? pairs - first : PAIR_TILE);
}

/* As attention.c has it: half of the new tokens are seen on average, a context's rows read once. */
static double held_ns(const struct device *device, const struct attention_dims *shape,
                      const struct sequence *sequence)
{
    double cached = sequence->cached_tokens, new_tokens = sequence->new_tokens;
    double pairs = new_tokens * (cached + 0.5 * (new_tokens + 1.0));
    double width = kv_width(shape);
    return host_held_ns(device, 2.0 * shape->heads * (width + shape->latent_dim) * pairs, 0.5,
                        (cached + new_tokens) * (double)kv_row_bytes(&backend_host, shape));
}

static void run_latent_attention(struct device *device, struct command *command)
{
    const struct attention_dims *shape = &command->shape;
    struct latent_work work = { .query = command->in,
                                .query_latent = command->weights,
                                .out = command->out };
    command->held_ns = 0.0;
    for (uint32_t i = 0; i < device->batch.count; i++) {
        work.sequence = &device->batch.sequences[i];
        command->held_ns += held_ns(device, shape, work.sequence);
        attend(device, command, &work);
        uint64_t pairs = (uint64_t)work.sequence->new_tokens * shape->heads;
        work.query += pairs * (shape->head_dim + shape->rope.dims);
        work.query_latent += pairs * shape->latent_dim;
        work.out += pairs * shape->latent_dim;
    }
}

void host_latent_attention(struct device *device, const struct attention_dims *shape,
                           uint32_t layer, const void *query, const void *query_latent,
                           const void *pool, void *out)
{
    struct command *command = streams_slot(device, STREAM_COMPUTE, 0);
    command->run = run_latent_attention;
    command->shape = *shape;
    command->layer = layer;
    command->in = query;
    command->weights = query_latent;
    command->bias = pool;
    command->out = out;
    streams_put(device, STREAM_COMPUTE);
}
