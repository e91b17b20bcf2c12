/* runtime/host/attention.c - KV in pages and attention over it. For each KV head, K (turned to its
 * positions) and V are gathered from the pages, as floats, into two dense matrices; the heads that
 * share them then attend in tiles of queries: scores = Q K^T, softmax over what each query sees,
 * out = P V, the two products by OpenBLAS. One query takes matrix-vector products: that is decode.
 * Of a windowed layer, only what some query sees is gathered, and a tile's products begin with what
 * its first query sees. */
#include "runtime/host/host.h"

#include "base/memory.h"

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
void need_rope(struct device *device, const struct rope *rope, uint32_t positions)
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

static void turn_pairs(const struct rope *rope, const float *cosine, const float *sine, float scale,
                       const float *from, float *to)
{
    uint32_t half = rope->dims / 2;
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
}

/* to = the head's vector at from, turned to the position and scaled. */
void turn(const struct device *device, const struct rope *rope, uint32_t head_dim,
          uint32_t position, float scale, const float *from, float *to)
{
    uint64_t at = (uint64_t)position * (rope->dims / 2);
    if (rope->dims > 0) /* else there is no table */
        turn_pairs(rope, device->rope.cosine + at, device->rope.sine + at, scale, from, to);
    for (uint32_t i = rope->dims; i < head_dim; i++)
        to[i] = from[i] * scale;
}

/* ---- KV in pages ---- */

static uint32_t row_width(const struct attention_dims *shape)
{
    return (shape->heads + 2 * shape->kv_heads) * shape->head_dim;
}

/* Where token i's row of K lies; its row of V is to_values() bytes further. */
static char *key_row(const struct attention_dims *shape, const struct sequence *sequence,
                     uint32_t layer, void *pool, uint32_t token)
{
    uint32_t place = sequence->skip + token;
    uint64_t page = sequence->pages[place / shape->page_tokens];
    return (char *)pool + (page * shape->layers + layer) * slice_bytes(&backend_host, shape) +
           place % shape->page_tokens * kv_row_bytes(&backend_host, shape);
}

static uint64_t to_values(const struct attention_dims *shape)
{
    return shape->page_tokens * kv_row_bytes(&backend_host, shape);
}

/* turned: room for a row of K. */
static void store_token(const struct device *device, const struct command *command,
                        const struct sequence *sequence, uint32_t token, const float *qkv,
                        float *turned)
{
    const struct attention_dims *shape = &command->shape;
    uint32_t dim = shape->head_dim, kv_width = shape->kv_heads * dim;
    const float *key = qkv + shape->heads * dim;
    char *row = key_row(shape, sequence, command->layer, command->out, token);
    kv_narrow(shape->kv, key + kv_width, kv_width, row + to_values(shape));
    if (shape->rope.at_store && shape->rope.dims > 0) {
        for (uint32_t head = 0; head < shape->kv_heads; head++)
            turn(device, &shape->rope, dim, token, 1.0F, key + head * dim, turned + head * dim);
        key = turned;
    }
    kv_narrow(shape->kv, key, kv_width, row);
}

float *need(struct scratch *scratch, uint64_t floats)
{
    if (floats > scratch->capacity) {
        free(scratch->memory);
        scratch->memory = memory_new(floats * 2, sizeof *scratch->memory);
        scratch->capacity = floats * 2;
    }
    return scratch->memory;
}

static void run_store_kv(struct device *device, struct command *command)
{
    const float *qkv = command->in;
    float *turned =
        need(&device->keys, (uint64_t)command->shape.kv_heads * command->shape.head_dim);
    for (uint32_t i = 0; i < device->batch.count; i++) {
        const struct sequence *sequence = &device->batch.sequences[i];
        if (command->shape.rope.at_store)
            need_rope(device, &command->shape.rope, sequence->cached_tokens + sequence->new_tokens);
        for (uint32_t t = 0; t < sequence->new_tokens; t++) {
            store_token(device, command, sequence, sequence->cached_tokens + t, qkv, turned);
            qkv += row_width(&command->shape);
        }
    }
}

void host_store_kv(struct device *device, const struct attention_dims *shape, uint32_t layer,
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

/* One sequence's attention in one layer. Keys, values and scores are counted from `begin`, the
 * first token that its first query sees. */
struct head_work {
    uint32_t begin, window;
    const float *keys, *values; /* gathered */
    float *queries, *scores;
    const float *qkv; /* of the sequence's first new token */
    float *out;
    uint32_t head;
};

/* One KV head's K, turned, and V from token `begin` on, dense. */
static void gather(struct device *device, const struct command *command,
                   const struct sequence *sequence, uint32_t kv_head, uint32_t begin, float *keys,
                   float *values)
{
    const struct attention_dims *shape = &command->shape;
    uint32_t dim = shape->head_dim, context = sequence->cached_tokens + sequence->new_tokens;
    uint64_t at = (uint64_t)kv_head * dim * kv_value_bytes(&backend_host, shape);
    bool turns = shape->rope.dims > 0 && !shape->rope.at_store;
    for (uint32_t token = begin; token < context; token++) {
        const char *row =
            key_row(shape, sequence, command->layer, (void *)(uintptr_t)command->weights, token) +
            at;
        float *key = keys + (uint64_t)(token - begin) * dim;
        const float *from = key;
        if (turns && shape->kv == KV_AS_ELEMENTS)
            from = (const void *)row; /* as they lie there: one pass, not two */
        else
            kv_widen(shape->kv, row, dim, key);
        if (turns)
            turn(device, &shape->rope, dim, token, 1.0F, from, key);
        kv_widen(shape->kv, row + to_values(shape), dim, values + (uint64_t)(token - begin) * dim);
    }
}

/* Scores [from, end) become probabilities, the others of `count` 0. */
void softmax(float *scores, uint32_t from, uint32_t end, uint32_t count)
{
    float most = scores[from], sum = 0.0F;
    for (uint32_t i = from + 1; i < end; i++)
        most = scores[i] > most ? scores[i] : most;
    for (uint32_t i = from; i < end; i++) {
        scores[i] = expf(scores[i] - most);
        sum += scores[i];
    }
    for (uint32_t i = from; i < end; i++)
        scores[i] /= sum;
    memset(scores, 0, from * sizeof *scores);
    memset(scores + end, 0, (count - end) * sizeof *scores);
}

static void turn_queries(const struct device *device, const struct attention_dims *shape,
                         const struct head_work *work, uint32_t first, uint32_t count,
                         uint32_t position)
{
    uint32_t dim = shape->head_dim;
    float scale = 1.0F / sqrtf((float)dim);
    for (uint32_t i = 0; i < count; i++)
        turn(device, &shape->rope, dim, position + i, scale,
             work->qkv + (uint64_t)(first + i) * row_width(shape) + (uint64_t)work->head * dim,
             work->queries + (uint64_t)i * dim);
}

/* Queries first .. first + count - 1 of the new tokens. */
static void attend_tile(const struct device *device, const struct command *command,
                        const struct sequence *sequence, const struct head_work *work,
                        uint32_t first, uint32_t count)
{
    const struct attention_dims *shape = &command->shape;
    bool chunked = shape->window.chunked;
    uint32_t dim = shape->head_dim, width = shape->heads * dim;
    uint32_t position = sequence->cached_tokens + first; /* of the tile's first query */
    uint32_t begin = window_begin(work->window, chunked, position);
    uint32_t seen = position + count - begin; /* by any of the tile */
    const float *keys = work->keys + (uint64_t)(begin - work->begin) * dim;
    const float *values = work->values + (uint64_t)(begin - work->begin) * dim;
    float *out = work->out + (uint64_t)first * width + (uint64_t)work->head * dim;
    turn_queries(device, shape, work, first, count, position);
    if (count == 1) {
        device->blas.sgemv(CblasRowMajor, CblasNoTrans, (int)seen, (int)dim, 1.0F, keys, (int)dim,
                           work->queries, 1, 0.0F, work->scores, 1);
        softmax(work->scores, 0, seen, seen);
        device->blas.sgemv(CblasRowMajor, CblasTrans, (int)seen, (int)dim, 1.0F, values, (int)dim,
                           work->scores, 1, 0.0F, out, 1);
        return;
    }
    device->blas.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)count, (int)seen, (int)dim,
                       1.0F, work->queries, (int)dim, keys, (int)dim, 0.0F, work->scores,
                       (int)seen);
    for (uint32_t i = 0; i < count; i++)
        softmax(work->scores + (uint64_t)i * seen,
                window_begin(work->window, chunked, position + i) - begin, position + i + 1 - begin,
                seen);
    device->blas.sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)count, (int)dim, (int)seen,
                       1.0F, work->scores, (int)seen, values, (int)dim, 0.0F, out, (int)width);
}

static void attend(struct device *device, const struct command *command,
                   const struct sequence *sequence, const float *qkv, float *out)
{
    const struct attention_dims *shape = &command->shape;
    uint64_t context = sequence->cached_tokens + sequence->new_tokens;
    uint32_t group = shape->heads / shape->kv_heads;
    struct head_work work = { .window = layer_window(shape, command->layer),
                              .qkv = qkv,
                              .out = out };
    work.begin = window_begin(work.window, shape->window.chunked, sequence->cached_tokens);
    float *keys = need(&device->keys, (context - work.begin) * shape->head_dim);
    float *values = need(&device->values, (context - work.begin) * shape->head_dim);
    work.queries = need(&device->queries, (uint64_t)QUERY_TILE * shape->head_dim);
    work.scores = need(&device->scores, QUERY_TILE * (context - work.begin));
    work.keys = keys;
    work.values = values;
    need_rope(device, &shape->rope, (uint32_t)context);
    for (uint32_t head = 0; head < shape->heads; head++) {
        if (head % group == 0)
            gather(device, command, sequence, head / group, work.begin, keys, values);
        work.head = head;
        for (uint32_t first = 0; first < sequence->new_tokens; first += QUERY_TILE) {
            uint32_t left = sequence->new_tokens - first;
            attend_tile(device, command, sequence, &work, first,
                        left < QUERY_TILE ? left : QUERY_TILE);
        }
    }
}

/* A causal query sees half of the new tokens on average; K and V of what some query sees are read
 * once, in the bytes that they are stored in. */
static double attention_held_ns(const struct device *device, const struct command *command,
                                const struct sequence *sequence)
{
    const struct attention_dims *shape = &command->shape;
    uint32_t window = layer_window(shape, command->layer), cached = sequence->cached_tokens;
    uint64_t begin = window_begin(window, shape->window.chunked, cached), pairs = 0;
    for (uint32_t position = cached; position < cached + sequence->new_tokens; position++)
        pairs += position + 1 - window_begin(window, shape->window.chunked, position);
    uint64_t bytes = kv_planes(shape) * kv_row_bytes(&backend_host, shape) *
                     (cached + sequence->new_tokens - begin);
    return host_held_ns(device, 4.0 * shape->heads * shape->head_dim * (double)pairs, 0.5,
                        (double)bytes);
}

static void run_attention(struct device *device, struct command *command)
{
    const float *qkv = command->in;
    float *out = command->out;
    command->held_ns = 0.0;
    for (uint32_t i = 0; i < device->batch.count; i++) {
        const struct sequence *sequence = &device->batch.sequences[i];
        command->held_ns += attention_held_ns(device, command, sequence);
        attend(device, command, sequence, qkv, out);
        qkv += (uint64_t)sequence->new_tokens * row_width(&command->shape);
        out += (uint64_t)sequence->new_tokens * command->shape.heads * command->shape.head_dim;
    }
}

void host_attention(struct device *device, const struct attention_dims *shape, uint32_t layer,
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
