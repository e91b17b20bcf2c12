/* runtime/serve_open.c - a run's beginning and end: what can be run, memory, device, disk, books. */
#include "runtime/serve_state.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what can be run ---- */

/* What the simulator models and the runtime does not do is refused, never passed over. */
static enum status check_experiment(const struct experiment *experiment, struct error *err)
{
    const struct {
        uint64_t found, expected;
        const char *key;
    } cases[] = {
        { experiment->gpus, 1, "gpus" },
        { experiment->replicas, 1, "cluster.replicas" },
        { experiment->prefill_replicas, 0, "cluster.prefill_replicas" },
        { experiment->remote_bytes, 0, "tiers.remote.capacity" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].found != cases[i].expected) {
            char expected[96], found[32];
            snprintf(expected, sizeof expected, "%" PRIu64 ": the runtime does no other",
                     cases[i].expected);
            snprintf(found, sizeof found, "%" PRIu64, cases[i].found);
            return error_input(err, NULL, 0, cases[i].key, expected, found);
        }
    return STATUS_OK;
}

static enum status check_setup(const struct serve *serve, struct error *err)
{
    const struct engine_setup *setup = &serve->setup;
    double width = serve->backend->element_bytes;
    enum status status = executor_supports(&setup->model, err);
    if (status == STATUS_OK && setup->model.kv_bytes_per_value != width)
        return error_input(err, serve->experiment->model, 0, "kv_bytes_per_value",
                           width == 4.0 ? "4, the width of the backend's elements"
                                        : "2, the width of the backend's elements",
                           "another");
    return status;
}

/* ---- pages ---- */

static bool is_aligned(const struct serve *serve, uint32_t page_tokens)
{
    uint64_t layer_bytes = serve->setup.kv.bytes_per_token / serve->setup.model.layers;
    return page_tokens * layer_bytes % SSD_ALIGNMENT == 0;
}

/* A block is a whole number of pages: of its divisors the largest up to `wanted`, or the smallest
 * above, whose slices the disk can take; where there is none, the largest up to `wanted`. */
static uint32_t divisor_of(const struct serve *serve, uint32_t block_tokens, uint32_t wanted)
{
    uint32_t any = 1;
    for (uint32_t tokens = wanted < block_tokens ? wanted : block_tokens; tokens > 0; tokens--) {
        if (block_tokens % tokens != 0)
            continue;
        if (is_aligned(serve, tokens))
            return tokens;
        any = any < tokens ? tokens : any;
    }
    for (uint32_t tokens = wanted + 1; tokens <= block_tokens; tokens++)
        if (block_tokens % tokens == 0 && is_aligned(serve, tokens))
            return tokens;
    return any;
}

static void set_pages(struct serve *serve)
{
    const struct engine_setup *setup = &serve->setup;
    uint32_t tokens = serve->config->page_tokens;
    if (tokens == 0)
        tokens = executor_page_tokens(serve->backend, &setup->model, setup->window_tokens);
    if (setup->unit_tokens != UINT32_MAX) {
        tokens = divisor_of(serve, setup->unit_tokens, tokens);
        serve->unit_pages = setup->unit_tokens / tokens;
    }
    serve->page_tokens = tokens;
    serve->page_bytes = setup->kv.bytes_per_token * tokens;
    serve->slice_bytes = serve->page_bytes / setup->model.layers;
}

enum status open_setup(struct serve *serve, struct error *err)
{
    enum status status = check_experiment(serve->experiment, err);
    if (status == STATUS_OK)
        status = engine_setup_open(serve->experiment, &serve->setup, &serve->trace, err);
    if (status == STATUS_OK)
        status = check_setup(serve, err);
    if (status != STATUS_OK)
        return status;
    set_pages(serve);
    return STATUS_OK;
}

/* ---- memory, device, disk ---- */

/* Turns whose KV may pass through DRAM at once. */
static uint32_t passing_turns(const struct serve *serve)
{
    bool many = serve->experiment->preloading == PRELOAD_BACKGROUND;
    return many && serve->experiment->batch > 4 ? serve->experiment->batch : 4;
}

/* Pages of a tier: its capacity, a quarter for pages that are not full where copies lie in it, and
 * some: in HBM two a turn, for its first and its last, and two that are copied; in the others those
 * that pass through. */
static uint32_t pages_of(const struct serve *serve, enum tier tier)
{
    uint64_t bytes = serve->setup.placement.capacity_bytes[tier];
    uint64_t window = serve->setup.window_tokens / serve->page_tokens + 2;
    uint64_t pages = bytes / serve->page_bytes;
    if (tier == TIER_HBM)
        return (uint32_t)(pages + (serve->setup.placement.hbm_cache_bytes > 0 ? pages / 4 : 0) +
                          4 * serve->experiment->batch + 8);
    if (bytes == 0 && tier == TIER_SSD)
        return 0;
    return (uint32_t)(pages + pages / 4 + passing_turns(serve) * window);
}

/* The most new tokens of an iteration: a context that is computed again whole, or chunks of several;
 * and two a turn that decodes. */
static uint32_t rows_of(const struct serve *serve)
{
    const struct experiment *experiment = serve->experiment;
    uint64_t rows = serve->setup.window_tokens, most = rows * experiment->batch;
    uint64_t chunk = experiment->chunk_tokens < most ? experiment->chunk_tokens : most;
    if (is_chunked(serve) && chunk > rows)
        rows = chunk;
    return (uint32_t)rows + 2 * experiment->batch;
}

static enum status open_device(struct serve *serve, struct error *err)
{
    const struct serve_config *config = serve->config;
    struct executor_config executor = { .backend = serve->backend,
                                        .model = serve->setup.model,
                                        .page_tokens = serve->page_tokens,
                                        .pages = pages_of(serve, TIER_HBM),
                                        .rows = rows_of(serve),
                                        .contexts = serve->experiment->batch,
                                        .weights = config->weights,
                                        .seed = serve->experiment->workload.seed };
    uint64_t dram_bytes = pages_of(serve, TIER_DRAM) * serve->page_bytes;
    struct backend_config device = { .hbm_bytes = executor_bytes(&executor) + (64 << 20),
                                     .dram_bytes = dram_bytes,
                                     .threads = config->threads };
    if (!config->links_free) {
        device.h2d_bytes_per_s = serve->setup.hardware.h2d_bytes_per_s;
        device.d2h_bytes_per_s = serve->setup.hardware.d2h_bytes_per_s;
        device.held = (struct held_rates){ serve->setup.hardware.measured.held_flop_per_s,
                                           serve->setup.hardware.measured.held_bytes_per_s };
    }
    void *dram = NULL;
    enum status status = serve->backend->open(&device, &serve->device, err);
    executor.device = serve->device;
    if (status == STATUS_OK)
        status = executor_new(&executor, &serve->executor, err);
    if (status == STATUS_OK)
        status = serve->backend->allocate(serve->device, TIER_DRAM, dram_bytes, &dram, err);
    if (status != STATUS_OK)
        return status;
    executor_warm(serve->executor, serve->setup.window_tokens); /* the run's clock has not begun */
    serve->backend->describe(serve->device, serve->report->device, sizeof serve->report->device);
    serve->memory[TIER_HBM] = executor_pool(serve->executor);
    serve->planes = kv_planes(executor_shape(serve->executor));
    serve->memory[TIER_DRAM] = dram;
    return STATUS_OK;
}

static void disk_ended(void *context)
{
    struct serve *serve = context;
    if (serve->backend->wake != NULL)
        serve->backend->wake(serve->device);
}

static enum status open_disk(struct serve *serve, struct error *err)
{
    const struct serve_config *config = serve->config;
    if (serve->setup.placement.capacity_bytes[TIER_SSD] == 0)
        return STATUS_OK;
    if (serve->slice_bytes % SSD_ALIGNMENT != 0) {
        char expected[128], found[32];
        snprintf(expected, sizeof expected,
                 "a number for which a page's KV of a layer is a multiple of %d bytes",
                 SSD_ALIGNMENT);
        snprintf(found, sizeof found, "%u", serve->page_tokens);
        return error_input(err, NULL, 0, "page tokens", expected, found);
    }
    serve->ssd_depth = config->ssd_depth > 0 ? config->ssd_depth : SSD_DEPTH;
    struct ssd_config disk = { .path = config->ssd_path,
                               .size_bytes = pages_of(serve, TIER_SSD) * serve->page_bytes,
                               .depth = serve->ssd_depth,
                               .slice_bytes = (uint32_t)serve->slice_bytes,
                               .engine = config->ssd_engine,
                               .ended = disk_ended,
                               .context = serve,
                               .fault = config->ssd_fault,
                               .fault_context = config->ssd_fault_context };
    /* Held to what it attains, a lane would have the disk idle while it waits for the clock. */
    bool unheld = config->links_free || serve->setup.hardware.measured.disk_free;
    disk.write_first = unheld;
    if (!unheld) {
        disk.read_bytes_per_s = serve->setup.hardware.ssd_read_bytes_per_s;
        disk.write_bytes_per_s = serve->setup.hardware.ssd_write_bytes_per_s;
    }
    enum status status = ssd_open(&disk, &serve->ssd, err);
    if (status == STATUS_OK)
        ssd_describe(serve->ssd, serve->report->ssd, sizeof serve->report->ssd);
    return status;
}

enum status open_machine(struct serve *serve, struct error *err)
{
    enum status status = open_device(serve, err);
    return status == STATUS_OK ? open_disk(serve, err) : status;
}

void close_machine(struct serve *serve)
{
    ssd_close(serve->ssd);
    executor_free(serve->executor);
    if (serve->device != NULL)
        serve->backend->close(serve->device);
}

struct backend_event **events_new(const struct serve *serve)
{
    struct backend_event **events = memory_new(layers_of(serve), sizeof *events);
    for (uint32_t i = 0; i < layers_of(serve); i++)
        events[i] = serve->backend->event_new(serve->device);
    return events;
}

void open_books(struct serve *serve)
{
    size_t batch = serve->experiment->batch;
    service_init(&serve->service, &serve->setup, serve->trace);
    serve->engine = serve->service.engine[0];
    engine_tell_shares(serve->engine);
    event_heap_init(&serve->events);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        page_pool_init(&serve->pool[tier], pages_of(serve, (enum tier)tier));
    serve->checksum = memory_new((size_t)pages_of(serve, TIER_SSD) * layers_of(serve) + 1,
                                 sizeof *serve->checksum);
    struct compute *compute = &serve->compute;
    compute->tokens = memory_new(rows_of(serve), sizeof *compute->tokens);
    compute->sequences = memory_new(batch, sizeof *compute->sequences);
    if (serve->config->observe != NULL)
        compute->logits =
            memory_new(batch * serve->setup.model.vocabulary, sizeof *compute->logits);
    compute->ended = serve->backend->event_new(serve->device);
    for (int i = 0; i < AFTER_SETS; i++)
        compute->after[i] = events_new(serve);
}

static void events_free(const struct serve *serve, struct backend_event **events)
{
    for (uint32_t i = 0; events != NULL && i < layers_of(serve); i++)
        serve->backend->event_free(serve->device, events[i]);
    free(events);
}

static void close_transfers(struct serve *serve)
{
    for (uint32_t i = 0; i < serve->transfer_capacity; i++) {
        serve->backend->event_free(serve->device, serve->transfer[i].done);
        free(serve->transfer[i].page);
        free(serve->transfer[i].part);
        free(serve->transfer[i].here);
    }
    for (uint32_t i = 0; i < serve->unit_capacity * TIER_COUNT; i++)
        copy_free(&serve->unit[i / TIER_COUNT][i % TIER_COUNT]);
    for (uint32_t i = 0; i < serve->note_capacity; i++) {
        copy_free(&serve->note[i].hbm);
        copy_free(&serve->note[i].held);
    }
    free(serve->transfer);
    free(serve->unit);
    free(serve->note);
    free(serve->copies);
}

void close_books(struct serve *serve)
{
    for (int i = 0; i < AFTER_SETS; i++)
        events_free(serve, serve->compute.after[i]);
    for (uint32_t i = 0; i < serve->load_capacity; i++)
        events_free(serve, serve->load[i].arrived);
    free(serve->load);
    serve->backend->event_free(serve->device, serve->compute.ended);
    close_transfers(serve);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        page_pool_free(&serve->pool[tier]);
    service_free(&serve->service);
    event_heap_free(&serve->events);
    free(serve->checksum);
    free(serve->compute.tokens);
    free(serve->compute.sequences);
    free(serve->compute.logits);
}

