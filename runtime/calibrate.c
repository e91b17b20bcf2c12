/* runtime/calibrate.c - see calibrate.h: opening, single operators, closing. */
#include "runtime/calibrate_state.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"

#include <stdlib.h>
#include <string.h>

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
static uint64_t attention_row(const struct attention_dims *shape)
{
    uint64_t heads = shape->heads;
    if (shape->latent_dim > 0)
        return heads * (shape->head_dim + shape->rope.dims + shape->latent_dim);
    return (heads + 2 * shape->kv_heads) * shape->head_dim;
}

static void attend(struct calibrator *c, const char *in, char *out)
{
    /* To all that is cached: that of a window is the same of fewer tokens. */
    struct attention_dims shape = *executor_shape(c->executor);
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
    const struct attention_dims shape = executor_shape_of(c->backend, &config->model, page_tokens);
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
    c->steps = calibrate_iterations_steps(c) + calibrate_links_steps(c);
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
    if (status == STATUS_OK)
        calibrate_links_prefill(c);
    if (status == STATUS_OK && !calibrate_iterations(c))
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
