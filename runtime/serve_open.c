/* runtime/serve_open.c - what a run runs on: each server's memory, device and disks, and the pool
 * that they share. */
#include "runtime/serve_state.h"

#include "base/memory.h"
#include "runtime/machine.h"

#include <stdlib.h>

/* ---- memory, device, disk ---- */

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Pages of DRAM or the pool through which KV passes on: of loads, of a few turns or of all that may
 * load at once; and of what HBM saves straight to SSD, which DRAM too small for it makes likely. */
static uint64_t passing_pages(const struct run *run, enum tier tier)
{
    const uint64_t *bytes = run->setup.placement.capacity_bytes;
    uint64_t window = run->setup.window_tokens / run->page_tokens + 2;
    uint64_t batch = run->experiment->batch;
    bool many = run->experiment->preloading == PRELOAD_BACKGROUND && batch > 4;
    uint64_t pages = (many ? batch : 4) * window;
    if (tier == TIER_DRAM && bytes[TIER_SSD] > 0 && bytes[TIER_DRAM] < bytes[TIER_HBM])
        pages += least(bytes[TIER_HBM] / run->page_bytes, (batch + 1) * window);
    return tier == TIER_REMOTE ? pages * run->serves : pages;
}

uint32_t pages_of(const struct run *run, enum tier tier)
{
    const struct engine_setup *setup = &run->setup;
    uint64_t bytes =
        tier == TIER_REMOTE ? setup->remote_bytes : setup->placement.capacity_bytes[tier];
    uint64_t pages = bytes / run->page_bytes;
    if (tier == TIER_HBM)
        return (uint32_t)(pages + (setup->placement.hbm_cache_bytes > 0 ? pages / 4 : 0) +
                          4 * run->experiment->batch + 8);
    if (bytes == 0 && tier != TIER_DRAM)
        return 0;
    /* More pages than have a number are more than any machine has. */
    return (uint32_t)least(pages + pages / 4 + passing_pages(run, tier), UINT32_MAX);
}

/* A context that is computed again whole, or chunks of several; and two a turn that decodes. */
uint32_t rows_of(const struct run *run)
{
    const struct experiment *experiment = run->experiment;
    uint64_t rows = run->setup.window_tokens, most = rows * experiment->batch;
    uint64_t chunk = experiment->chunk_tokens < most ? experiment->chunk_tokens : most;
    if (experiment_chunks(run->experiment) && chunk > rows)
        rows = chunk;
    return (uint32_t)rows + 2 * experiment->batch;
}

/* ---- a server's device ---- */

static struct executor_config executor_config(const struct run *run)
{
    return (struct executor_config){ .backend = run->backend,
                                     .model = run->setup.model,
                                     .page_tokens = run->page_tokens,
                                     .pages = pages_of(run, TIER_HBM),
                                     .rows = rows_of(run),
                                     .contexts = run->experiment->batch };
}

static struct backend_config device_config(const struct run *run,
                                           const struct executor_config *executor)
{
    const struct hardware *hardware = &run->setup.hardware;
    uint64_t weights = executor_weights_bytes(run->backend, &run->setup.model);
    struct backend_config config = { .hbm_bytes = executor_bytes(executor) - weights + (64 << 20),
                                     .dram_bytes = pages_of(run, TIER_DRAM) * run->page_bytes,
                                     .threads = run->config->threads };
    if (run->config->links_free)
        return config;
    config.h2d_bytes_per_s = hardware->h2d_bytes_per_s;
    config.d2h_bytes_per_s = hardware->d2h_bytes_per_s;
    config.held = (struct held_rates){ hardware->measured.held_flop_per_s,
                                       hardware->measured.held_bytes_per_s };
    return config;
}

static enum status open_device(struct serve *serve, struct error *err)
{
    struct run *run = serve->run;
    struct executor_config executor = executor_config(run);
    const struct machine_wanted wanted = { .backend = run->backend,
                                           .config = device_config(run, &executor),
                                           .model = run->setup.model,
                                           .weights = run->config->weights,
                                           .seed = run->experiment->workload.seed };
    const struct machine_part *part;
    void *dram = NULL;
    enum status status =
        machine_part(run->machine, (uint32_t)(serve - run->serve), &wanted, &part, err);
    if (status != STATUS_OK)
        return status;
    serve->device = executor.device = part->device;
    executor.loaded = part->weights;
    status = executor_new(&executor, &serve->executor, err);
    if (status == STATUS_OK)
        status =
            run->backend->allocate(serve->device, TIER_DRAM, wanted.config.dram_bytes, &dram, err);
    if (status != STATUS_OK)
        return status;
    executor_warm(serve->executor, run->setup.window_tokens); /* the run's clock has not begun */
    run->backend->describe(serve->device, run->report->device, sizeof run->report->device);
    run->planes = kv_planes(executor_shape(serve->executor));
    serve->memory[TIER_HBM] = executor_pool(serve->executor);
    serve->memory[TIER_DRAM] = dram;
    if (run->backend->late_ns != NULL)
        serve->late_before_ns = run->backend->late_ns(serve->device);
    return STATUS_OK;
}

/* ---- its disks ---- */

static void disk_ended(void *context)
{
    const struct serve *serve = context;
    const struct run *run = serve->run;
    if (run->backend->wake != NULL)
        run->backend->wake(run->serve[0].device); /* on which the loop sleeps */
}

static struct ssd_config disk_config(struct serve *serve, uint32_t depth)
{
    const struct serve_config *config = serve->run->config;
    return (struct ssd_config){ .depth = depth,
                                .slice_bytes = (uint32_t)serve->run->slice_bytes,
                                .engine = config->ssd_engine,
                                .ended = disk_ended,
                                .context = serve,
                                .fault = config->ssd_fault,
                                .fault_context = config->ssd_fault_context };
}

static enum status open_ssd(struct serve *serve, struct error *err)
{
    const struct run *run = serve->run;
    const struct serve_config *config = run->config;
    struct disk *disk = &serve->disk[0];
    if (run->setup.placement.capacity_bytes[TIER_SSD] == 0)
        return STATUS_OK;
    disk->depth = config->ssd_depth > 0 ? config->ssd_depth : SSD_DEPTH;
    struct ssd_config ssd = disk_config(serve, disk->depth);
    ssd.path = config->ssd_path; /* a file of its own for each server */
    ssd.size_bytes = pages_of(run, TIER_SSD) * run->page_bytes;
    /* Held to what it attains, a lane would have the disk idle while it waits for the clock. */
    bool own = !run->setup.disks.named; /* a named drive's rates are no attained ones */
    bool unheld = config->links_free || (own && run->setup.hardware.measured.disk_free);
    ssd.write_first = unheld;
    if (!unheld) {
        ssd.read_bytes_per_s = run->setup.link_bytes_per_s[LINK_SSD_READ];
        ssd.write_bytes_per_s = run->setup.link_bytes_per_s[LINK_SSD_WRITE];
        ssd.latency_ns = own ? 0 : run->setup.link_latency_ns[LINK_SSD_READ];
    }
    disk->checksum =
        memory_new((size_t)pages_of(run, TIER_SSD) * layers_of(serve), sizeof *disk->checksum);
    enum status status = ssd_open(&ssd, &disk->ssd, err);
    if (status == STATUS_OK)
        ssd_describe(disk->ssd, run->report->ssd, sizeof run->report->ssd);
    return status;
}

/* The server's way to the pool: one request at a time, held to the network's rate. */
static enum status open_way_to_pool(struct serve *serve, struct error *err)
{
    struct run *run = serve->run;
    struct disk *disk = &serve->disk[TIER_REMOTE - TIER_SSD];
    if (run->remote.memory == NULL)
        return STATUS_OK;
    disk->depth = SSD_DEPTH;
    disk->checksum = run->remote.checksum;
    struct ssd_config way = disk_config(serve, disk->depth);
    way.memory = run->remote.memory;
    way.size_bytes = pages_of(run, TIER_REMOTE) * run->page_bytes;
    if (!run->config->links_free) {
        way.read_bytes_per_s = run->setup.link_bytes_per_s[LINK_NETWORK_IN];
        way.write_bytes_per_s = run->setup.link_bytes_per_s[LINK_NETWORK];
        way.latency_ns = run->setup.link_latency_ns[LINK_NETWORK_IN];
    }
    return ssd_open(&way, &disk->ssd, err);
}

/* ---- all of them ---- */

enum status open_machines(struct run *run, struct error *err)
{
    enum status status = STATUS_OK;
    run->machine = run->config->machine;
    if (run->machine == NULL)
        run->machine = run->own_machine = serve_machine_new();
    run->serves = run->experiment->replicas;
    run->serve = memory_new(run->serves, sizeof *run->serve);
    for (uint32_t i = 0; i < run->serves; i++)
        run->serve[i].run = run;
    remote_init(&run->remote, pages_of(run, TIER_REMOTE), run->page_bytes, run->setup.model.layers);
    for (uint32_t i = 0; i < run->serves && status == STATUS_OK; i++) {
        status = open_device(&run->serve[i], err);
        if (status == STATUS_OK)
            status = open_ssd(&run->serve[i], err);
        if (status == STATUS_OK)
            status = open_way_to_pool(&run->serve[i], err);
    }
    return status;
}

void close_disks(struct serve *serve)
{
    for (int i = 0; i < DISKS; i++) {
        ssd_close(serve->disk[i].ssd);
        serve->disk[i].ssd = NULL;
    }
}

void close_machines(struct run *run, bool failed)
{
    for (uint32_t i = 0; i < run->serves; i++) {
        struct serve *serve = &run->serve[i];
        close_disks(serve);
        executor_free(serve->executor);
        if (serve->device != NULL)
            run->backend->release(serve->device, TIER_DRAM, serve->memory[TIER_DRAM]);
        free(serve->disk[0].checksum);
    }
    if (failed)
        machine_reset(run->machine);
    serve_machine_free(run->own_machine);
    remote_free(&run->remote);
    free(run->serve);
}
