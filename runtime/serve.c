/* runtime/serve.c - opening a run, the loop over what happens, and its metrics. */
#include "runtime/serve.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"
#include "runtime/serve_state.h"
#include "sim/engine/core_metrics.h"
#include "sim/engine/placement_keys.h"
#include "sim/engine/policy_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t serve_now_ns(const struct serve *serve)
{
    return clock_now_ns() - serve->origin_ns;
}

void serve_fail(struct serve *serve, const char *what, const char *reason)
{
    error_io(&serve->err, serve->backend->name, what, reason);
}

/* ---- from names to numbers ---- */

static enum status set_model(struct serve *serve, struct error *err)
{
    const struct experiment *experiment = serve->experiment;
    enum status status = model_load(experiment->model, &serve->model, err);
    if (status == STATUS_OK)
        status = executor_supports(&serve->model, err);
    if (status == STATUS_OK)
        status = hardware_load(experiment->hardware, &serve->hardware, err);
    if (status != STATUS_OK)
        return status;
    if (experiment->hbm_utilisation > 0.0)
        serve->hardware.hbm_utilisation = experiment->hbm_utilisation;
    double width = serve->config->backend->element_bytes;
    if (serve->model.kv_bytes_per_value != width)
        return error_input(err, experiment->model, 0, "kv_bytes_per_value",
                           width == 4.0 ? "4, the width of the backend's elements"
                                        : "2, the width of the backend's elements",
                           "another");
    serve->kv_bytes_per_token = model_kv_bytes_per_token(&serve->model, 1);
    serve->window_tokens = experiment->context_window_tokens > 0
                               ? experiment->context_window_tokens
                               : serve->model.context_window_tokens;
    if (serve->page_tokens == 0)
        serve->page_tokens =
            executor_page_tokens(serve->backend, &serve->model, serve->window_tokens);
    status =
        model_kv_budget_bytes(&serve->model, &serve->hardware, 1, &serve->kv_budget_bytes, err);
    if (status == STATUS_OK &&
        serve->window_tokens > serve->kv_budget_bytes / serve->kv_bytes_per_token)
        status = error_input(err, NULL, 0, "engine.context_window",
                             "a window whose KV fits into HBM beside the weights", "a larger one");
    if (status == STATUS_OK)
        serve->timing = timing_new(&serve->model, &serve->hardware, 1);
    return status;
}

/* What the simulator models and the runtime does not do is refused, never passed over. */
static enum status check_engine(const struct experiment *experiment, struct error *err)
{
    const struct {
        bool wrong;
        const char *key, *expected;
    } cases[] = {
        { experiment->preloading == PRELOAD_BACKGROUND, "engine.preloading", "none or layers" },
        { experiment->scheduling != SCHEDULE_PREFILL_FIRST, "engine.scheduling", "prefill-first" },
        { experiment->allocation != ALLOCATE_RESERVE, "engine.allocation", "reserve" },
        { experiment->remote_bytes > 0, "tiers.remote.capacity", "0" },
        { experiment->placement.write[TIER_DRAM] != WRITE_THROUGH, "tiers.dram.write", "through" },
        { experiment->fetch_wait != FETCH_COMPLETE, "engine.fetch_wait", "complete" },
        { experiment->placement.fetch_min_tokens != 0, "engine.fetch_min_tokens", "0" },
        { experiment->order != ORDER_FCFS, "engine.order", "fcfs" },
        { experiment->replicas != 1, "cluster.replicas", "1" },
        { experiment->prefill_replicas != 0, "cluster.prefill_replicas", "0" },
        { experiment->hbm_tokens != 0, "engine.hbm_tokens", "0" },
        { experiment->kv_dtype != KV_AS_MODEL, "engine.kv_dtype", "model" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].wrong) {
            char expected[96];
            snprintf(expected, sizeof expected, "%s: the runtime does no other", cases[i].expected);
            return error_input(err, NULL, 0, cases[i].key, expected, "another");
        }
    return STATUS_OK;
}

static enum status check_experiment(const struct serve *serve, struct error *err)
{
    const struct experiment *experiment = serve->experiment;
    if (experiment->gpus != 1)
        return error_input(err, NULL, 0, "gpus", "1: the runtime drives one device", "more");
    if (experiment->hbm_cache_bytes > 0)
        return error_input(err, NULL, 0, "tiers.hbm.cache",
                           "0: the runtime's HBM holds running turns only", "more");
    if (experiment->unit == PLACE_BLOCKS)
        return error_input(err, NULL, 0, "placement.unit", "session: the runtime places sessions",
                           "block");
    enum status status = placement_keys_check(experiment, err);
    return status == STATUS_OK ? check_engine(experiment, err) : status;
}

static uint64_t tier_bytes(uint64_t asked, uint64_t own, bool stores)
{
    return !stores ? 0 : asked != UINT64_MAX ? asked : own;
}

static void set_tiers(struct serve *serve)
{
    const struct experiment *experiment = serve->experiment;
    struct placement_config *config = &serve->placement;
    bool stores = config->policy->saves;
    config->capacity_bytes[TIER_HBM] = serve->kv_budget_bytes;
    config->capacity_bytes[TIER_DRAM] =
        tier_bytes(experiment->dram_bytes, serve->hardware.dram_bytes, stores);
    config->capacity_bytes[TIER_SSD] =
        tier_bytes(experiment->ssd_bytes, serve->hardware.ssd_bytes, stores);
    config->unit_tokens = UINT32_MAX;
    config->bytes_per_token = serve->kv_bytes_per_token;
    placement_keys_set(experiment, config);
}

/* ---- memory, device, disk ---- */

/* Pages of a tier: its capacity, a quarter for pages that are not full, and some to pass through.
 */
static uint32_t pages_of(const struct serve *serve, enum tier tier)
{
    uint64_t bytes = serve->placement.capacity_bytes[tier];
    uint64_t window = serve->window_tokens / serve->page_tokens + 2;
    if (bytes == 0 && tier == TIER_SSD)
        return 0;
    uint64_t pages = bytes / serve->page_bytes;
    return (uint32_t)(tier == TIER_HBM ? pages + 2 * serve->experiment->batch + 8
                                       : pages + pages / 4 + 4 * window);
}

static enum status open_device(struct serve *serve, struct error *err)
{
    const struct serve_config *config = serve->config;
    struct executor_config executor = { .backend = serve->backend,
                                        .model = serve->model,
                                        .page_tokens = serve->page_tokens,
                                        .pages = pages_of(serve, TIER_HBM),
                                        .rows = serve->window_tokens + 2 * serve->experiment->batch,
                                        .contexts = serve->experiment->batch,
                                        .weights = config->weights,
                                        .seed = serve->experiment->workload.seed };
    uint64_t dram_bytes = pages_of(serve, TIER_DRAM) * serve->page_bytes;
    struct backend_config device = { .hbm_bytes = executor_bytes(&executor) + (64 << 20),
                                     .dram_bytes = dram_bytes,
                                     .threads = config->threads };
    if (!config->links_free) {
        device.h2d_bytes_per_s = serve->hardware.h2d_bytes_per_s;
        device.d2h_bytes_per_s = serve->hardware.d2h_bytes_per_s;
        device.held = (struct held_rates){ serve->hardware.measured.held_flop_per_s,
                                           serve->hardware.measured.held_bytes_per_s };
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
    executor_warm(serve->executor, serve->window_tokens); /* the run's clock has not begun */
    serve->backend->describe(serve->device, serve->report->device, sizeof serve->report->device);
    serve->memory[TIER_HBM] = executor_pool(serve->executor);
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
    if (serve->placement.capacity_bytes[TIER_SSD] == 0)
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
    bool unheld = config->links_free || serve->hardware.measured.disk_free;
    disk.write_first = unheld;
    if (!unheld) {
        disk.read_bytes_per_s = serve->hardware.ssd_read_bytes_per_s;
        disk.write_bytes_per_s = serve->hardware.ssd_write_bytes_per_s;
    }
    enum status status = ssd_open(&disk, &serve->ssd, err);
    if (status == STATUS_OK)
        ssd_describe(serve->ssd, serve->report->ssd, sizeof serve->report->ssd);
    return status;
}

static struct backend_event **events_new(const struct serve *serve)
{
    struct backend_event **events = memory_new(serve->model.layers, sizeof *events);
    for (uint32_t i = 0; i < serve->model.layers; i++)
        events[i] = serve->backend->event_new(serve->device);
    return events;
}

static void open_books(struct serve *serve)
{
    serve->core = placement_new(&serve->placement);
    collector_init(&serve->collector, serve->experiment);
    event_heap_init(&serve->events);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        page_pool_init(&serve->pool[tier], pages_of(serve, (enum tier)tier));
    serve->checksum = memory_new((size_t)pages_of(serve, TIER_SSD) * serve->model.layers + 1,
                                 sizeof *serve->checksum);
    serve->running = memory_new((size_t)serve->experiment->batch + 1, sizeof *serve->running);
    serve->tokens = memory_new((size_t)serve->window_tokens + 2 * serve->experiment->batch,
                               sizeof *serve->tokens);
    serve->session_high_water = 1;
    serve->iteration = serve->backend->event_new(serve->device);
    for (int i = 0; i < AFTER_SETS; i++)
        serve->after[i] = events_new(serve);
    for (int i = 0; i < STAGES * LOADS_A_JOB; i++)
        serve->stage[i / LOADS_A_JOB].load[i % LOADS_A_JOB].arrived = events_new(serve);
}

static void events_free(const struct serve *serve, struct backend_event **events)
{
    for (uint32_t i = 0; events != NULL && i < serve->model.layers; i++)
        serve->backend->event_free(serve->device, events[i]);
    free(events);
}

static void close_books(struct serve *serve)
{
    for (int i = 0; i < AFTER_SETS; i++)
        events_free(serve, serve->after[i]);
    for (int i = 0; i < STAGES * LOADS_A_JOB; i++)
        events_free(serve, serve->stage[i / LOADS_A_JOB].load[i % LOADS_A_JOB].arrived);
    serve->backend->event_free(serve->device, serve->iteration);
    for (uint32_t i = 0; i < serve->transfer_capacity; i++) {
        serve->backend->event_free(serve->device, serve->transfer[i].done);
        free(serve->transfer[i].page);
        free(serve->transfer[i].part);
        free(serve->transfer[i].here);
    }
    for (uint32_t i = 0; i < serve->unit_capacity * TIER_COUNT; i++)
        copy_free(&serve->unit[i / TIER_COUNT][i % TIER_COUNT]);
    for (uint32_t i = 0; i < serve->note_capacity; i++)
        copy_free(&serve->note[i].hbm);
    for (uint32_t i = 0; i < serve->session_high_water; i++)
        free(serve->session != NULL ? serve->session[i].turns : NULL);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        page_pool_free(&serve->pool[tier]);
    placement_free(serve->core);
    collector_free(&serve->collector);
    event_heap_free(&serve->events);
    free(serve->transfer);
    free(serve->unit);
    free(serve->note);
    free(serve->session);
    free(serve->copies);
    free(serve->checksum);
    free(serve->running);
    free(serve->tokens);
}

/* ---- the loop ---- */

static enum status handle_due(struct serve *serve, struct error *err)
{
    while (event_heap_next_ns(&serve->events) <= serve->now_ns) {
        struct event event = event_heap_pop(&serve->events);
        turns_ask_next(serve, event.handle);
        transfers_act(serve);
        if (event.kind == SERVE_ARRIVAL && turns_read_next(serve, err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

static bool nothing_left(const struct serve *serve)
{
    if (event_heap_next_ns(&serve->events) != UINT64_MAX || serve->queue_head != 0 ||
        serve->prepared != 0 || serve->compute != COMPUTE_IDLE || serve->running_count > 0)
        return false;
    return serve->transfers_live == 0;
}

/* Tells the core's sibling that this one only looks. */
static void spin(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* A device that wakes nobody (a GPU) is asked again and again while it has work: a nap of 20 us was
 * measured to last 200, which calibration, where the host waits for one event, does not have. So
 * the loop naps only where all is idle, and is awake again before the next turn is asked. */
static void pause_until_news(const struct serve *serve)
{
    static const uint64_t early_ns = 500 * NS_PER_US;
    uint64_t due_ns = event_heap_next_ns(&serve->events), now_ns = serve_now_ns(serve);
    uint64_t longest_ns = now_ns + 100 * NS_PER_MS; /* so that Ctrl-C is heard */
    uint64_t until_ns = due_ns < longest_ns ? due_ns : longest_ns;
    bool idle = serve->compute == COMPUTE_IDLE && serve->transfers_live == 0;
    if (serve->backend->sleep_until != NULL)
        serve->backend->sleep_until(serve->device, serve->origin_ns + until_ns);
    else if (!idle || until_ns <= now_ns + early_ns)
        spin();
    else
        nanosleep(&(struct timespec){ .tv_nsec = (long)(until_ns - early_ns - now_ns) }, NULL);
}

/* Asked a hundred times a second: progress is drawn, and reads clocks and the trace. */
static bool told_to_stop(struct serve *serve, const struct sim_progress *progress)
{
    if (progress == NULL || serve->now_ns < serve->tell_ns)
        return false;
    serve->tell_ns = serve->now_ns + 10 * NS_PER_MS;
    return !progress->tell(progress->context, serve->turns_done,
                           trace_facts(serve->trace).expected_turns, trace_progress(serve->trace));
}

/* Takes in what happened since the last turn of the loop. *news: something has. */
static enum status take_news(struct serve *serve, bool *news, struct error *err)
{
    serve->now_ns = serve_now_ns(serve);
    *news = transfers_poll(serve);
    if (*news)
        compute_saving_changed(serve);
    *news |= compute_poll(serve);
    *news |= event_heap_next_ns(&serve->events) <= serve->now_ns;
    return handle_due(serve, err);
}

/* A turn of it takes a microsecond or two where nothing has happened: two or three events are asked
 * for, and one counter of the disk's. */
static enum status loop(struct serve *serve, const struct sim_progress *progress, bool *interrupted,
                        struct error *err)
{
    serve->origin_ns = 0;
    serve->origin_ns = serve_now_ns(serve);
    enum status status = turns_read_next(serve, err);
    bool news = true, before = true;
    while (status == STATUS_OK && !nothing_left(serve)) {
        status = take_news(serve, &news, err);
        /* What may go on depends on what has happened, this time or in what was started then; to
         * ask the core each time takes longer than all else. */
        if (news || before)
            compute_look(serve);
        if (status == STATUS_OK && serve->err.status != STATUS_OK) {
            *err = serve->err;
            status = err->status;
        }
        if (status == STATUS_OK)
            status = serve->backend->check(serve->device, err);
        if (told_to_stop(serve, progress)) {
            *interrupted = true;
            break;
        }
        if (!news && !before)
            pause_until_news(serve);
        before = news;
    }
    return status;
}

/* ---- results ---- */

static void set_metrics(struct serve *serve, struct metrics *metrics)
{
    core_metrics_add(serve->core, &serve->counters_at_measure, metrics);
    const double *moved = serve->moved_bytes, *before = serve->moved_at_measure;
    metrics->ssd_read_bytes = moved[MOVED_SSD_READ] - before[MOVED_SSD_READ];
    metrics->ssd_written_bytes = moved[MOVED_SSD_WRITE] - before[MOVED_SSD_WRITE];
    metrics->h2d_bytes = moved[MOVED_H2D] - before[MOVED_H2D];
    metrics->d2h_bytes = moved[MOVED_D2H] - before[MOVED_D2H];
}

static void finish(struct serve *serve, struct sim_result *result)
{
    placement_end(serve->core);
    collector_finish(&serve->collector, serve->now_ns, result);
    set_metrics(serve, &result->metrics);
    result->trace_hash = trace_hash(serve->trace);
    result->trace_format = trace_facts(serve->trace).format;
    snprintf(result->timing_source, sizeof result->timing_source, "%s",
             "measured (run in real time)");
    result->kv_bytes_per_token = serve->kv_bytes_per_token;
    result->kv_budget_bytes = serve->kv_budget_bytes;
    serve->report->run_ns = serve->now_ns;
    memcpy(serve->report->iterations, serve->log.totals, sizeof serve->report->iterations);
    if (serve->backend->late_ns != NULL)
        serve->report->late_ns = serve->backend->late_ns(serve->device);
}

static enum status open_trace(struct serve *serve, struct error *err)
{
    const struct experiment *experiment = serve->experiment;
    enum status status = experiment_open_trace(experiment, &serve->trace, err);
    if (status == STATUS_OK && trace_facts(serve->trace).block_tokens > 0)
        status = error_input(err, experiment->trace, 0, "trace",
                             "sessions: the runtime has no prefix blocks", "blocks");
    return status;
}

/* A run that was stopped leaves work in the streams, which uses what is freed next. */
static void wait_for_streams(struct serve *serve)
{
    for (int stream = 0; stream < STREAM_COUNT; stream++) {
        struct backend_event *last = serve->backend->event_new(serve->device);
        serve->backend->record(serve->device, (enum stream)stream, last);
        serve->backend->synchronise(serve->device, last);
        serve->backend->event_free(serve->device, last);
    }
}

static enum status run(struct serve *serve, const struct sim_progress *progress,
                       struct sim_result *result, struct error *err)
{
    enum status status = open_device(serve, err);
    if (status == STATUS_OK)
        status = open_disk(serve, err);
    if (status != STATUS_OK)
        return status;
    open_books(serve);
    status = loop(serve, progress, &result->interrupted, err);
    if (status == STATUS_OK)
        finish(serve, result);
    ssd_close(serve->ssd); /* before what its requests point to */
    serve->ssd = NULL;
    wait_for_streams(serve);
    close_books(serve);
    return status;
}

enum status serve_run(const struct experiment *experiment, const struct serve_config *config,
                      const struct sim_progress *progress, struct sim_result *result,
                      struct serve_report *report, struct error *err)
{
    struct serve *serve = memory_new(1, sizeof *serve);
    memset(result, 0, sizeof *result);
    memset(report, 0, sizeof *report);
    serve->experiment = experiment;
    serve->config = config;
    serve->report = report;
    serve->backend = config->backend;
    serve->page_tokens = config->page_tokens;
    enum status status = check_experiment(serve, err);
    if (status == STATUS_OK)
        status = iteration_log_open(&serve->log, config->iterations_path, err);
    if (status == STATUS_OK)
        status = policy_name_parse(experiment->eviction[0] != '\0' ? experiment->eviction
                                                                   : experiment->policy,
                                   &serve->placement, err);
    if (status == STATUS_OK)
        status = set_model(serve, err);
    if (status == STATUS_OK)
        status = open_trace(serve, err);
    if (status == STATUS_OK) {
        set_tiers(serve);
        serve->page_bytes = serve->kv_bytes_per_token * serve->page_tokens;
        serve->slice_bytes = serve->page_bytes / serve->model.layers;
        status = run(serve, progress, result, err);
    }
    struct error unwritten = { 0 };
    if (iteration_log_close(&serve->log, config->iterations_path, &unwritten) != STATUS_OK &&
        status == STATUS_OK) {
        *err = unwritten;
        status = err->status;
    }
    ssd_close(serve->ssd);
    executor_free(serve->executor);
    if (serve->device != NULL)
        serve->backend->close(serve->device);
    trace_close(serve->trace);
    free(serve);
    return status;
}
