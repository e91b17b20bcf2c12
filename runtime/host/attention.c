/* runtime/host/attention.c - KV in pages and attention over it. For each KV head, K (turned to its
 * positions) and V are gathered from the pages into two dense matrices; the heads that share them
 * then attend in tiles of queries: scores = Q K^T, softmax up to each query's own position, out = P
 * V, the two products by OpenBLAS. One query takes matrix-vector products: that is decode. */
#include "runtime/host/host.h"

#include "base/memory.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { QUERY_TILE = 64 };

/* ---- the batch ---- */

static void run_set_batch(struct device *device, struct command *command)
{
    struct batch *batch = &device->batch;
    /* The slot's memory and the batch's change places. */
    void *memory = batch->memory;
    uint64_t capacity = batch->capacity_bytes;
    batch->memory = command->extra;
    batch->capacity_bytes = command->extra_capacity;
    batch->sequences = batch->memory;
    batch->count = command->rows;
    command->extra = memory;
    command->extra_capacity = capacity;
}

void host_set_batch(struct device *device, const struct sequence *sequences, uint32_t count)
{
    uint64_t pages = 0;
    for (uint32_t i = 0; i < count; i++)
        pages += sequences[i].page_count;
    struct command *command = streams_slot(
        device, STREAM_COMPUTE, count * sizeof *sequences + pages * sizeof *sequences->pages);
    struct sequence *copy = command->extra;
    uint32_t *page = (uint32_t *)(void *)(copy + count);
    for (uint32_t i = 0; i < count; i++) {
        copy[i] = sequences[i];
        copy[i].pages = page;
        memcpy(page, sequences[i].pages, sequences[i].page_count * sizeof *page);
        page += sequences[i].page_count;
    }
    command->run = run_set_batch;
    command->rows = count;
    streams_put(device, STREAM_COMPUTE);
}

/* ---- rotation ---- */

static void fill_rope(struct rope_table *table, uint32_t from)
{
    uint32_t half = table->dims / 2;
    for (uint32_t position = from; position < table->positions; position++)
        for (uint32_t i = 0; i < half; i++) {
            double turns = pow(table->theta, -2.0 * i / table->dims) * position;
            table->cosine[(uint64_t)position * half + i] = (float)cos(turns);
            table->sine[(uint64_t)position * half + i] = (float)sin(turns);
        }
}

/* Doubles, so that a growing context makes its rows once. */
static void need_rope(struct device *device, const struct rope *rope, uint32_t positions)
{
    struct rope_table *table = &device->rope;
    bool same = table->theta == rope->theta && table->dims == rope->dims;
    if (rope->dims == 0 || (same && table->positions >= positions))
        return;
    uint32_t from = same ? table->positions : 0, room = 1024;
    while (room < positions)
        room *= 2;
    uint64_t values = (uint64_t)room * (rope->dims / 2);
    float *cosine = memory_new(values, sizeof *cosine), *sine = memory_new(values, sizeof *sine);
    if (from > 0) {
        memcpy(cosine, table->cosine, (uint64_t)from * (rope->dims / 2) * sizeof *cosine);
        memcpy(sine, table->sine, (uint64_t)from * (rope->dims / 2) * sizeof *sine);
    }
    free(table->cosine);
    free(table->sine);
    *table = (struct rope_table){
        .theta = rope->theta, .dims = rope->dims, .positions = room, .cosine = cosine, .sine = sine
    };
    fill_rope(table, from);
}

/* to = the head's vector at from, turned to the position and scaled. */
static void turn(const struct device *device, const struct rope *rope, uint32_t head_dim,
                 uint32_t position, float scale, const float *from, float *to)
{
    uint32_t half = rope->dims / 2;
    uint64_t at = (uint64_t)position * half;
    const float *cosine = half > 0 ? device->rope.cosine + at : NULL;
    const float *sine = half > 0 ? device->rope.sine + at : NULL;
    if (rope->interleaved)
        for (uint32_t i = 0; i < half; i++) {
            float a = from[2 * i] * scale, b = from[2 * i + 1] * scale;
            to[2 * i] = a * cosine[i] - b * sine[i];
            to[2 * i + 1] = a * sine[i] + b * cosine[i];
        }
    else
        for (uint32_t i = 0; i < half; i++) {
            float a = from[i] * scale, b = from[half + i] * scale;
            to[i] = a * cosine[i] - b * sine[i];
            to[half + i] = a * sine[i] + b * cosine[i];
        }
    for (uint32_t i = rope->dims; i < head_dim; i++)
        to[i] = from[i] * scale;
}

/* ---- KV in pages ---- */

static uint32_t row_width(const struct attention_shape *shape)
{
    return (shape->heads + 2 * shape->kv_heads) * shape->head_dim;
}

/* Where token i's row of K lies; its row of V is page_tokens rows further. */
static float *key_row(const struct attention_shape *shape, const struct sequence *sequence,
                      uint32_t layer, float *pool, uint32_t token)
{
    uint32_t place = sequence->skip + token;
    uint64_t page = sequence->pages[place / shape->page_tokens];
    uint64_t kv_width = (uint64_t)shape->kv_heads * shape->head_dim;
    uint64_t rows = (page * shape->layers + layer) * 2 * shape->page_tokens;
    return pool + (rows + place % shape->page_tokens) * kv_width;
}

static void store_token(const struct device *device, const struct command *command,
                        const struct sequence *sequence, uint32_t token, const float *qkv)
{
    const struct attention_shape *shape = &command->shape;
    uint32_t dim = shape->head_dim, kv_width = shape->kv_heads * dim;
    const float *key = qkv + shape->heads * dim;
    float *row = key_row(shape, sequence, command->layer, command->out, token);
    if (shape->rope.at_store && shape->rope.dims > 0)
        for (uint32_t head = 0; head < shape->kv_heads; head++)
            turn(device, &shape->rope, dim, token, 1.0F, key + head * dim, row + head * dim);
    else
        memcpy(row, key, kv_width * sizeof *row);
    memcpy(row + (uint64_t)shape->page_tokens * kv_width, key + kv_width, kv_width * sizeof *row);
}

static void run_store_kv(struct device *device, struct command *command)
{
    const float *qkv = command->in;
    for (uint32_t i = 0; i < device->batch.count; i++) {
        const struct sequence *sequence = &device->batch.sequences[i];
        if (command->shape.rope.at_store)
            need_rope(device, &command->shape.rope, sequence->cached_tokens + sequence->new_tokens);
        for (uint32_t t = 0; t < sequence->new_tokens; t++) {
            store_token(device, command, sequence, sequence->cached_tokens + t, qkv);
            qkv += row_width(&command->shape);
        }
    }
}

void host_store_kv(struct device *device, const struct attention_shape *shape, uint32_t layer,
                   const void *qkv, void *pool)
{
    struct command *command = streams_slot(device, STREAM_COMPUTE, 0);
    command->run = run_store_kv;
    command->shape = *shape;
    command->layer = layer;
    command->in = qkv;
    command->out = pool;
    streams_put(device, STREAM_COMPUTE);
}

/* ---- attention ---- */

static float *need(struct scratch *scratch, uint64_t floats)
{
    if (floats > scratch->capacity) {
        free(scratch->memory);
        scratch->memory = memory_new(floats * 2, sizeof *scratch->memory);
        scratch->capacity = floats * 2;
    }
    return scratch->memory;
}

/* One KV head's K, turned, and V of the whole context, dense. */
static void gather(struct device *device, const struct command *command,
                   const struct sequence *sequence, uint32_t kv_head, float *keys, float *values)
{
    const struct attention_shape *shape = &command->shape;
    uint32_t dim = shape->head_dim, context = sequence->cached_tokens + sequence->new_tokens;
    uint64_t to_values = (uint64_t)shape->page_tokens * shape->kv_heads * dim;
    bool turns = shape->rope.dims > 0 && !shape->rope.at_store;
    for (uint32_t token = 0; token < context; token++) {
        const float *row =
            key_row(shape, sequence, command->layer, (float *)command->weights, token);
        row += kv_head * dim;
        if (turns)
            turn(device, &shape->rope, dim, token, 1.0F, row, keys + (uint64_t)token * dim);
        else
            memcpy(keys + (uint64_t)token * dim, row, dim * sizeof *keys);
        memcpy(values + (uint64_t)token * dim, row + to_values, dim * sizeof *values);
    }
}

/* The first `seen` scores become probabilities, the others 0. */
static void softmax(float *scores, uint32_t seen, uint32_t context)
{
    float most = scores[0], sum = 0.0F;
    for (uint32_t i = 1; i < seen; i++)
        most = scores[i] > most ? scores[i] : most;
    for (uint32_t i = 0; i < seen; i++) {
        scores[i] = expf(scores[i] - most);
        sum += scores[i];
    }
    for (uint32_t i = 0; i < seen; i++)
        scores[i] /= sum;
    memset(scores + seen, 0, (context - seen) * sizeof *scores);
}

struct head_work {
    const float *keys, *values; /* gathered */
    float *queries, *scores;
    const float *qkv; /* of the sequence's first new token */
    float *out;
    uint32_t head;
};

/* Queries first .. first + count - 1 of the new tokens. */
static void attend_tile(const struct device *device, const struct command *command,
                        const struct sequence *sequence, const struct head_work *work,
                        uint32_t first, uint32_t count)
{
    const struct attention_shape *shape = &command->shape;
    uint32_t dim = shape->head_dim, width = shape->heads * dim;
    uint32_t seen = sequence->cached_tokens + first + count; /* by the tile's last query */
    float scale = 1.0F / sqrtf((float)dim);
    for (uint32_t i = 0; i < count; i++) {
        const float *query =
            work->qkv + (uint64_t)(first + i) * row_width(shape) + (uint64_t)work->head * dim;
        turn(device, &shape->rope, dim, sequence->cached_tokens + first + i, scale, query,
             work->queries + (uint64_t)i * dim);
    }
    float *out = work->out + (uint64_t)first * width + (uint64_t)work->head * dim;
    if (count == 1) {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)seen, (int)dim, 1.0F, work->keys, (int)dim,
                    work->queries, 1, 0.0F, work->scores, 1);
        softmax(work->scores, seen, seen);
        cblas_sgemv(CblasRowMajor, CblasTrans, (int)seen, (int)dim, 1.0F, work->values, (int)dim,
                    work->scores, 1, 0.0F, out, 1);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)seen, (int)dim, 1.0F,
                work->queries, (int)dim, work->keys, (int)dim, 0.0F, work->scores, (int)seen);
    for (uint32_t i = 0; i < count; i++)
        softmax(work->scores + (uint64_t)i * seen, sequence->cached_tokens + first + i + 1, seen);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)count, (int)dim, (int)seen, 1.0F,
                work->scores, (int)seen, work->values, (int)dim, 0.0F, out, (int)width);
}

static void attend(struct device *device, const struct command *command,
                   const struct sequence *sequence, const float *qkv, float *out)
{
    const struct attention_shape *shape = &command->shape;
    uint64_t context = sequence->cached_tokens + sequence->new_tokens;
    uint32_t group = shape->heads / shape->kv_heads;
    struct head_work work = { .qkv = qkv, .out = out };
    float *keys = need(&device->keys, context * shape->head_dim);
    float *values = need(&device->values, context * shape->head_dim);
    work.queries = need(&device->queries, (uint64_t)QUERY_TILE * shape->head_dim);
    work.scores = need(&device->scores, QUERY_TILE * context);
    work.keys = keys;
    work.values = values;
    need_rope(device, &shape->rope, (uint32_t)context);
    for (uint32_t head = 0; head < shape->heads; head++) {
        if (head % group == 0)
            gather(device, command, sequence, head / group, keys, values);
        work.head = head;
        for (uint32_t first = 0; first < sequence->new_tokens; first += QUERY_TILE) {
            uint32_t left = sequence->new_tokens - first;
            attend_tile(device, command, sequence, &work, first,
                        left < QUERY_TILE ? left : QUERY_TILE);
        }
    }
}

/* A causal query sees half of the new tokens on average; K and V of the context are read once. */
static double attention_held_ns(const struct device *device, const struct attention_shape *shape,
                                const struct sequence *sequence)
{
    double cached = sequence->cached_tokens, new_tokens = sequence->new_tokens;
    double pairs = new_tokens * (cached + 0.5 * (new_tokens + 1.0));
    return host_held_ns(device, 4.0 * shape->heads * shape->head_dim * pairs, 0.5,
                        2.0 * (cached + new_tokens) * shape->kv_heads * shape->head_dim *
                            sizeof(float));
}

static void run_attention(struct device *device, struct command *command)
{
    const float *qkv = command->in;
    float *out = command->out;
    command->held_ns = 0.0;
    for (uint32_t i = 0; i < device->batch.count; i++) {
        const struct sequence *sequence = &device->batch.sequences[i];
        command->held_ns += attention_held_ns(device, &command->shape, sequence);
        attend(device, command, sequence, qkv, out);
        qkv += (uint64_t)sequence->new_tokens * row_width(&command->shape);
        out += (uint64_t)sequence->new_tokens * command->shape.heads * command->shape.head_dim;
    }
}

void host_attention(struct device *device, const struct attention_shape *shape, uint32_t layer,
                    const void *qkv, const void *pool, void *out)
{
    struct command *command = streams_slot(device, STREAM_COMPUTE, 0);
    command->run = run_attention;
    command->shape = *shape;
    command->layer = layer;
    command->in = qkv;
    command->weights = pool;
    command->out = out;
    streams_put(device, STREAM_COMPUTE);
}

void attention_free(struct device *device)
{
    free(device->batch.memory);
    free(device->rope.cosine);
    free(device->rope.sine);
    free(device->keys.memory);
    free(device->values.memory);
    free(device->queries.memory);
    free(device->scores.memory);
}
