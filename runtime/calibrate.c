/* runtime/calibrate.c - see calibrate.h: opening, iterations, single operators, closing. */
#include "runtime/calibrate_state.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

enum { GRID_MOST = MEASURED_MOST };

/* ---- iterations ---- */

static uint64_t late_ns(const struct calibrator *c)
{
    return c->backend->late_ns != NULL ? c->backend->late_ns(c->device) : 0;
}

/* Takes back the samples since `count` if the machine was behind the rates that it is held to
 * (backend.h) meanwhile: that was another machine. */
static bool keep_if_on_time(struct calibrator *c, uint32_t count, uint64_t late_before_ns,
                            uint64_t took_ns)
{
    if (late_ns(c) - late_before_ns <= took_ns / 100)
        return true;
    c->samples->count = count;
    return false;
}

/* An axis of doubling steps up to `most`, which is its last place. */
static uint32_t axis(uint32_t first, uint32_t most, uint32_t places[GRID_MOST])
{
    uint32_t count = 0;
    for (uint32_t value = first; value < most && count < GRID_MOST - 1; value *= 2)
        places[count++] = value;
    places[count++] = most;
    return count;
}

/* A warm-up, then as many repeats on time as are asked for; where a machine is late too often, the
 * last tries count in any case. */
static void repeat(struct calibrator *c, void (*once)(struct calibrator *c, uint32_t x, uint32_t y),
                   uint32_t x, uint32_t y)
{
    enum { TRIES = 4 };
    uint32_t count = c->samples->count, wanted = c->config->repeats, left = TRIES * wanted;
    once(c, x, y);
    c->samples->count = count;
    while (wanted > 0) {
        uint32_t before = c->samples->count;
        uint64_t late_before_ns = late_ns(c), begin_ns = clock_now_ns();
        once(c, x, y);
        bool forced = left <= wanted;
        wanted -= forced || keep_if_on_time(c, before, late_before_ns, clock_now_ns() - begin_ns);
        left--;
    }
}

static void decode_one(struct calibrator *c)
{
    const struct sequence sequence = { c->pages, c->page_count, 0, 15, 1 };
    executor_forward(c->executor, &sequence, 1, c->tokens);
    c->backend->record(c->device, STREAM_COMPUTE, c->end);
    calibrate_end_of(c, c->end);
}

/* Behind a decode iteration, as in a run: right behind a prefill of the same shape the host's and
 * the GPU's caches hold what it needs, and it was 0.13 ms (an H200, 8 layers) shorter than a run's.
 * A host that is held to rates takes as long either way. */
static void prefill_point(struct calibrator *c, uint32_t new_tokens, uint32_t cached)
{
    if (c->config->held.flop_per_s == 0.0)
        decode_one(c);
    calibrate_prefill(c, "prefill_layer", new_tokens, cached, true);
}

/* New tokens. A product's time grows in steps of its tiles, 64 to 256 rows, which between two
 * powers of 2 a line cuts off: from 32 on there is a place halfway, too. What a host is held to
 * grows evenly. */
static uint32_t new_token_axis(const struct calibrator *c, uint32_t places[GRID_MOST])
{
    uint32_t count = 0, window = c->config->window_tokens;
    if (c->config->held.flop_per_s > 0.0)
        return axis(1, window, places);
    for (uint32_t value = 1; value < window && count < GRID_MOST - 2; value *= 2) {
        places[count++] = value;
        if (value >= 32 && value + value / 2 < window)
            places[count++] = value + value / 2;
    }
    places[count++] = window;
    return count;
}

static bool measure_prefill(struct calibrator *c)
{
    uint32_t news[GRID_MOST], cacheds[GRID_MOST + 1] = { 0 };
    uint32_t window = c->config->window_tokens;
    uint32_t new_count = new_token_axis(c, news), cached_count = 1 + axis(32, window, cacheds + 1);
    for (uint32_t i = 0; i < new_count; i++)
        for (uint32_t j = 0; j < cached_count; j++) {
            repeat(c, prefill_point, news[i], cacheds[j]);
            if (!calibrate_step(c))
                return false;
        }
    return true;
}

static void decode_point(struct calibrator *c, uint32_t batch, uint32_t context)
{
    struct sequence sequences[256];
    uint32_t pages_each = c->page_count / batch;
    for (uint32_t i = 0; i < batch; i++)
        sequences[i] =
            (struct sequence){ c->pages + i * pages_each, pages_each, 0, context - 1, 1 };
    /* The host wakes and queues the next one between them, as when serving. */
    enum { CHAIN = 4 };
    uint64_t begin_ns = clock_now_ns();
    for (int i = 0; i < CHAIN; i++) {
        executor_forward(c->executor, sequences, batch, c->tokens);
        c->backend->record(c->device, STREAM_COMPUTE, c->end);
        calibrate_end_of(c, c->end);
    }
    calibrate_add(c, "decode", batch, (double)batch * context,
                  (double)(clock_now_ns() - begin_ns) / CHAIN);
}

static bool measure_decode(struct calibrator *c)
{
    uint32_t batches[GRID_MOST], batch_count = axis(1, c->config->batch, batches);
    for (uint32_t i = 0; i < batch_count; i++)
        for (uint32_t context = 16; context <= c->config->window_tokens; context *= 2) {
            repeat(c, decode_point, batches[i], context);
            if (!calibrate_step(c))
                return false;
        }
    return true;
}

/* Host and GPU have to wake up, which a simulator that knows no pause leaves out: shown. */
static void measure_pause(struct calibrator *c)
{
    static const char *const names[] = { "prefill_behind_decode", "prefill_behind_pause" };
    uint32_t cached = c->config->window_tokens / 4, new_tokens = c->config->window_tokens / 16;
    const struct sequence sequence = { c->pages, c->page_count, 0, cached, new_tokens };
    for (uint32_t i = 0; i < 2 * (c->config->repeats + 1); i++) {
        decode_one(c);
        if (i % 2 == 1)
            nanosleep(&(struct timespec){ .tv_nsec = (long)(50 * NS_PER_MS) }, NULL);
        uint64_t begin_ns = clock_now_ns();
        executor_forward(c->executor, &sequence, 1, c->tokens);
        c->backend->record(c->device, STREAM_COMPUTE, c->end);
        uint64_t end_ns = calibrate_end_of(c, c->end);
        if (i >= 2) /* the first two warm up */
            calibrate_add(c, names[i % 2], new_tokens, cached, (double)(end_ns - begin_ns));
    }
}

/* ---- single operators ---- */

static uint64_t aligned(uint64_t bytes) /* as gemm() wants its matrices */
{
    return (bytes + 255) / 256 * 256;
}

/* Numbers in (-1, 1): multiplying zeros a GPU takes less power, and so a higher clock. */
static void fill(struct calibrator *c, void *memory, uint64_t values)
{
    enum { BLOCK = 1 << 16 };
    float *block = memory_new(BLOCK, sizeof *block);
    for (uint32_t i = 0; i < BLOCK; i++)
        block[i] = (float)(i * 2654435761U >> 8) / (float)(1 << 23) - 1.0F;
    for (uint64_t at = 0; at < values; at += BLOCK)
        c->backend->upload(c->device, (char *)memory + at * c->backend->element_bytes, block,
                           values - at < BLOCK ? values - at : BLOCK);
    free(block);
}

static enum status measure_gemm(struct calibrator *c, struct error *err)
{
    uint32_t width = c->config->model.hidden, rows_most = c->config->window_tokens;
    void *memory = NULL;
    uint64_t row_bytes = (uint64_t)width * c->backend->element_bytes;
    uint64_t matrix_bytes = aligned(row_bytes * (rows_most + c->backend->gemm_slack_rows));
    enum status status = c->backend->allocate(c->device, TIER_HBM,
                                              2 * matrix_bytes + row_bytes * width, &memory, err);
    if (status != STATUS_OK)
        return status;
    char *in = memory, *out = in + matrix_bytes, *weights = out + matrix_bytes;
    fill(c, memory, (2 * matrix_bytes + row_bytes * width) / c->backend->element_bytes);
    for (uint32_t rows = 1; rows <= rows_most; rows *= 4)
        for (uint32_t repeat = 0; repeat <= c->config->repeats; repeat++) {
            uint64_t begin_ns = clock_now_ns();
            c->backend->gemm(c->device, rows, width, width, in, weights, out);
            c->backend->record(c->device, STREAM_COMPUTE, c->end);
            uint64_t end_ns = calibrate_end_of(c, c->end);
            if (repeat > 0)
                calibrate_add(c, "gemm", rows, width, (double)(end_ns - begin_ns));
        }
    c->backend->release(c->device, TIER_HBM, memory);
    return STATUS_OK;
}

/* Queries, in latent space behind them if they are two, and what is attended fit in a row each. */
static uint64_t attention_row(const struct attention_shape *shape)
{
    uint64_t heads = shape->heads;
    if (shape->latent_dim > 0)
        return heads * (shape->head_dim + shape->rope.dims + shape->latent_dim);
    return (heads + 2 * shape->kv_heads) * shape->head_dim;
}

static void attend(struct calibrator *c, const char *in, char *out)
{
    /* To all that is cached: that of a window is the same of fewer tokens. */
    struct attention_shape shape = *executor_shape(c->executor);
    shape.window.layers = 0;
    const void *pool = executor_pool(c->executor);
    uint64_t query_bytes = (uint64_t)shape.heads * (shape.head_dim + shape.rope.dims) *
                           c->config->window_tokens * c->backend->element_bytes;
    if (shape.latent_dim > 0)
        c->backend->latent_attention(c->device, &shape, 0, in, in + query_bytes, pool, out);
    else
        c->backend->attention(c->device, &shape, 0, in, pool, out);
}

static enum status measure_attention(struct calibrator *c, struct error *err)
{
    uint64_t row = attention_row(executor_shape(c->executor));
    uint64_t row_bytes = 2 * row * c->backend->element_bytes;
    void *memory = NULL;
    enum status status = c->backend->allocate(c->device, TIER_HBM,
                                              row_bytes * c->config->window_tokens, &memory, err);
    if (status != STATUS_OK)
        return status;
    char *out = (char *)memory + row_bytes / 2 * c->config->window_tokens;
    fill(c, memory, row_bytes * c->config->window_tokens / c->backend->element_bytes);
    for (uint32_t new_tokens = 1; new_tokens <= c->config->window_tokens; new_tokens *= 8)
        for (uint32_t cached = 0; cached <= c->config->window_tokens;
             cached += c->config->window_tokens / 2)
            for (uint32_t repeat = 0; repeat <= c->config->repeats; repeat++) {
                struct sequence sequence = { c->pages, c->page_count, 0, cached, new_tokens };
                uint64_t begin_ns = clock_now_ns();
                c->backend->set_batch(c->device, &sequence, 1);
                attend(c, memory, out);
                c->backend->record(c->device, STREAM_COMPUTE, c->end);
                uint64_t end_ns = calibrate_end_of(c, c->end);
                if (repeat > 0)
                    calibrate_add(c, "attention", new_tokens, cached, (double)(end_ns - begin_ns));
            }
    c->backend->release(c->device, TIER_HBM, memory);
    return STATUS_OK;
}

/* ---- all of it ---- */

static enum status open_all(struct calibrator *c, struct error *err)
{
    const struct calibration_config *config = c->config;
    uint32_t page_tokens =
        config->serve.page_tokens > 0
            ? config->serve.page_tokens
            : executor_page_tokens(c->backend, &config->model, config->window_tokens);
    uint32_t context_most = config->window_tokens * (config->batch > 2 ? config->batch : 2);
    c->page_count = (context_most + page_tokens - 1) / page_tokens + 2 * config->batch;
    struct executor_config executor = { .backend = c->backend,
                                        .model = config->model,
                                        .page_tokens = page_tokens,
                                        .pages = c->page_count,
                                        .rows = config->window_tokens > config->batch
                                                    ? config->window_tokens
                                                    : config->batch,
                                        .contexts = config->batch,
                                        .weights = config->serve.weights,
                                        .seed = 1 };
    struct ssd_config disk = { .path = config->serve.ssd_path,
                               .engine = config->serve.ssd_engine,
                               .read_bytes_per_s = config->ssd_read_bytes_per_s,
                               .write_bytes_per_s = config->ssd_write_bytes_per_s };
    const struct attention_shape shape = executor_shape_of(c->backend, &config->model, page_tokens);
    calibrate_links_size(c, slice_bytes(c->backend, &shape), &disk);
    struct backend_config device = { .hbm_bytes = executor_bytes(&executor) + (256 << 20),
                                     .dram_bytes = c->dram_bytes,
                                     .threads = config->serve.threads,
                                     .h2d_bytes_per_s = config->h2d_bytes_per_s,
                                     .d2h_bytes_per_s = config->d2h_bytes_per_s,
                                     .held = config->held };
    void *dram = NULL;
    enum status status = c->backend->open(&device, &c->device, err);
    executor.device = c->device;
    if (status == STATUS_OK)
        status = executor_new(&executor, &c->executor, err);
    if (status == STATUS_OK)
        status = c->backend->allocate(c->device, TIER_DRAM, c->dram_bytes, &dram, err);
    if (status == STATUS_OK)
        status = ssd_open(&disk, &c->ssd, err);
    if (status == STATUS_OK)
        calibrate_links_prepare(c, dram);
    return status;
}

static void prepare(struct calibrator *c)
{
    const struct calibration_config *config = c->config;
    c->pages = memory_new(c->page_count, sizeof *c->pages);
    c->tokens = memory_new(config->window_tokens + config->batch, sizeof *c->tokens);
    c->after = memory_new(config->model.layers, sizeof *c->after);
    for (uint32_t i = 0; i < c->page_count; i++)
        c->pages[i] = i;
    for (uint32_t i = 0; i < config->window_tokens + config->batch; i++)
        c->tokens[i] = i * 31 % config->model.vocabulary;
    for (uint32_t i = 0; i < config->model.layers; i++)
        c->after[i] = c->backend->event_new(c->device);
    c->begun = c->backend->event_new(c->device);
    c->end = c->backend->event_new(c->device);
    c->loaded = c->backend->event_new(c->device);
    c->saved = c->backend->event_new(c->device);
    c->backend->describe(c->device, c->samples->device, sizeof c->samples->device);
    ssd_describe(c->ssd, c->samples->ssd, sizeof c->samples->ssd);
    uint32_t places[GRID_MOST], window = config->window_tokens, contexts = 0;
    for (uint32_t context = 16; context <= window; context *= 2)
        contexts++;
    c->steps = new_token_axis(c, places) * (1 + axis(32, window, places)) +
               axis(1, config->batch, places) * contexts + calibrate_links_steps(c);
}

/* KV of every page is made once, so that what is read later are numbers of its size. */
static void make_kv(struct calibrator *c)
{
    uint32_t window = c->config->window_tokens;
    uint32_t page_tokens = executor_shape(c->executor)->page_tokens;
    uint32_t pages = (window + page_tokens - 1) / page_tokens;
    for (uint32_t first = 0; first < c->page_count; first += pages) {
        uint32_t left = c->page_count - first, tokens = left * page_tokens;
        struct sequence sequence = { .pages = c->pages + first,
                                     .page_count = left,
                                     .new_tokens = tokens < window ? tokens : window };
        executor_forward(c->executor, &sequence, 1, c->tokens);
    }
    c->backend->record(c->device, STREAM_COMPUTE, c->end);
    c->backend->synchronise(c->device, c->end);
}

static enum status measure(struct calibrator *c, struct error *err)
{
    /* As serving does: else a point's first times would be samples of another machine. */
    executor_warm(c->executor, 2 * c->config->window_tokens);
    make_kv(c);
    enum status status = measure_gemm(c, err);
    if (status == STATUS_OK)
        status = measure_attention(c, err);
    if (status == STATUS_OK && !calibrate_links_copies(c))
        status = error_interrupted(err);
    if (status == STATUS_OK)
        status = calibrate_links_disk(c, err);
    if (status == STATUS_OK) {
        calibrate_links_prefill(c);
        measure_pause(c);
    }
    if (status == STATUS_OK && (!measure_decode(c) || !measure_prefill(c)))
        status = error_interrupted(err);
    return status == STATUS_OK ? c->backend->check(c->device, err) : status;
}

static void close_all(struct calibrator *c)
{
    ssd_close(c->ssd);
    for (uint32_t i = 0; c->after != NULL && i < c->config->model.layers; i++)
        c->backend->event_free(c->device, c->after[i]);
    if (c->device != NULL) {
        c->backend->event_free(c->device, c->begun);
        c->backend->event_free(c->device, c->end);
        c->backend->event_free(c->device, c->loaded);
        c->backend->event_free(c->device, c->saved);
    }
    executor_free(c->executor);
    if (c->device != NULL)
        c->backend->close(c->device);
    calibrate_links_free(c);
    free(c->after);
    free(c->pages);
    free(c->tokens);
}

enum status calibrate(const struct calibration_config *config,
                      bool (*tell)(void *context, double share), void *context,
                      struct calibration_samples *samples, struct error *err)
{
    struct calibrator c = { .config = config,
                            .backend = config->serve.backend,
                            .samples = samples,
                            .tell = tell,
                            .context = context };
    memset(samples, 0, sizeof *samples);
    enum status status = open_all(&c, err);
    if (status == STATUS_OK) {
        prepare(&c);
        status = measure(&c, err);
    }
    close_all(&c);
    if (status != STATUS_OK) {
        free(samples->sample);
        memset(samples, 0, sizeof *samples);
    }
    return status;
}
