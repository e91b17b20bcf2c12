/* runtime/serve.c - opening a run, the loop over what happens, and its metrics. */
#include "runtime/serve.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"
#include "runtime/serve_state.h"
#include "sim/engine/outcome.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t serve_now_ns(const struct serve *serve)
{
    return clock_now_ns() - serve->origin_ns;
}

void serve_fail(struct serve *serve, const char *what, const char *reason)
{
    error_io(&serve->err, serve->backend->name, what, reason);
}

/* ---- what can be run ---- */

/* What the simulator models and the runtime does not do is refused, never passed over. */
static enum status check_experiment(const struct experiment *experiment, struct error *err)
{
    const struct {
        bool wrong;
        const char *key, *expected;
    } cases[] = {
        { experiment->gpus != 1, "gpus", "1" },
        { experiment->hbm_cache_bytes > 0, "tiers.hbm.cache", "0" },
        { experiment->unit == PLACE_BLOCKS, "placement.unit", "session" },
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
    if (status == STATUS_OK && setup->unit_keys)
        return error_input(err, serve->experiment->trace, 0, "trace",
                           "sessions: the runtime has no prefix blocks", "blocks");
    return status;
}

static enum status open_setup(struct serve *serve, struct error *err)
{
    enum status status = check_experiment(serve->experiment, err);
    if (status == STATUS_OK)
        status = engine_setup_open(serve->experiment, &serve->setup, &serve->trace, err);
    if (status == STATUS_OK)
        status = check_setup(serve, err);
    if (status != STATUS_OK)
        return status;
    serve->page_tokens = serve->config->page_tokens;
    if (serve->page_tokens == 0)
        serve->page_tokens =
            executor_page_tokens(serve->backend, &serve->setup.model, serve->setup.window_tokens);
    serve->page_bytes = serve->setup.kv.bytes_per_token * serve->page_tokens;
    serve->slice_bytes = serve->page_bytes / serve->setup.model.layers;
    return STATUS_OK;
}

/* ---- memory, device, disk ---- */

/* Pages of a tier: its capacity, a quarter for pages that are not full, and some to pass through.
 */
static uint32_t pages_of(const struct serve *serve, enum tier tier)
{
    uint64_t bytes = serve->setup.placement.capacity_bytes[tier];
    uint64_t window = serve->setup.window_tokens / serve->page_tokens + 2;
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
                                        .model = serve->setup.model,
                                        .page_tokens = serve->page_tokens,
                                        .pages = pages_of(serve, TIER_HBM),
                                        .rows = serve->setup.window_tokens +
                                                2 * serve->experiment->batch,
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

static struct backend_event **events_new(const struct serve *serve)
{
    struct backend_event **events = memory_new(layers_of(serve), sizeof *events);
    for (uint32_t i = 0; i < layers_of(serve); i++)
        events[i] = serve->backend->event_new(serve->device);
    return events;
}

static void open_books(struct serve *serve)
{
    size_t batch = serve->experiment->batch;
    service_init(&serve->service, &serve->setup, serve->trace);
    serve->engine = serve->service.engine[0];
    event_heap_init(&serve->events);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        page_pool_init(&serve->pool[tier], pages_of(serve, (enum tier)tier));
    serve->checksum = memory_new((size_t)pages_of(serve, TIER_SSD) * layers_of(serve) + 1,
                                 sizeof *serve->checksum);
    struct compute *compute = &serve->compute;
    compute->tokens = memory_new(serve->setup.window_tokens + 2 * batch, sizeof *compute->tokens);
    compute->sequences = memory_new(batch, sizeof *compute->sequences);
    compute->ended = serve->backend->event_new(serve->device);
    for (int i = 0; i < AFTER_SETS; i++)
        compute->after[i] = events_new(serve);
    for (int i = 0; i < ENGINE_STAGES * LOADS_A_JOB; i++)
        serve->stage[i / LOADS_A_JOB].load[i % LOADS_A_JOB].arrived = events_new(serve);
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
    for (uint32_t i = 0; i < serve->note_capacity; i++)
        copy_free(&serve->note[i].hbm);
    free(serve->transfer);
    free(serve->unit);
    free(serve->note);
    free(serve->copies);
}

static void close_books(struct serve *serve)
{
    for (int i = 0; i < AFTER_SETS; i++)
        events_free(serve, serve->compute.after[i]);
    for (int i = 0; i < ENGINE_STAGES * LOADS_A_JOB; i++)
        events_free(serve, serve->stage[i / LOADS_A_JOB].load[i % LOADS_A_JOB].arrived);
    serve->backend->event_free(serve->device, serve->compute.ended);
    close_transfers(serve);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        page_pool_free(&serve->pool[tier]);
    service_free(&serve->service);
    event_heap_free(&serve->events);
    free(serve->checksum);
    free(serve->compute.tokens);
    free(serve->compute.sequences);
}

/* ---- the engine's word is done ---- */

static void act(struct serve *serve, const struct engine_action *action)
{
    switch (action->kind) {
    case ENGINE_PREPARED:
        transfers_prepare(serve, action);
        break;
    case ENGINE_LOAD:
    case ENGINE_COPY:
        transfers_begin(serve, action);
        break;
    case ENGINE_ALLOW:
        transfers_allow(serve, action);
        break;
    case ENGINE_DROP:
        transfers_drop(serve, action->copy.unit, action->copy.from);
        break;
    case ENGINE_RELEASED:
        transfers_release(serve, action->copy.job);
        break;
    case ENGINE_LOOK_AT:
        event_heap_push(&serve->events, action->time_ns, SERVE_LOOK, action->session);
        break;
    case ENGINE_TURN_AT:
        event_heap_push(&serve->events, action->time_ns, SERVE_TURN, action->session);
        break;
    case ENGINE_PREFILLED:
        break; /* of servers that share the work; there is one */
    }
}

void serve_act(struct serve *serve)
{
    struct engine_action action;
    while (serve->err.status == STATUS_OK && engine_take(serve->engine, &action))
        act(serve, &action);
}

void serve_go_on(struct serve *serve)
{
    struct engine_iteration iteration;
    enum engine_step step;
    while ((step = engine_step(serve->engine, serve->now_ns, 1, &iteration)) != ENGINE_NOTHING) {
        serve_act(serve);
        if (serve->err.status != STATUS_OK)
            return;
        if (step == ENGINE_START) /* to cut there is nothing: each iteration is one */
            compute_start(serve, &iteration);
    }
    serve_act(serve);
    for (uint32_t stage = 0; stage < ENGINE_STAGES; stage++)
        layers_queue_loads(serve, stage, layers_of(serve));
    disk_pump(serve);
}

/* ---- the loop ---- */

static enum status read_ahead(struct serve *serve, struct error *err)
{
    uint32_t session;
    uint64_t arrival_ns;
    enum status status = sessions_read(&serve->service.sessions, &session, &arrival_ns, err);
    if (status == STATUS_OK && session != 0)
        event_heap_push(&serve->events, arrival_ns, SERVE_ARRIVAL, session);
    return status;
}

static enum status handle_due(struct serve *serve, struct error *err)
{
    enum status status = STATUS_OK;
    while (status == STATUS_OK && event_heap_next_ns(&serve->events) <= serve->now_ns) {
        struct event event = event_heap_pop(&serve->events);
        struct chain chain;
        if (event.kind == SERVE_LOOK)
            engine_look(serve->engine, serve->now_ns);
        else if (sessions_ask(&serve->service.sessions, event.handle, serve->now_ns, &chain))
            engine_ask(serve->engine, serve->now_ns, event.handle, chain);
        serve_go_on(serve);
        if (event.kind == SERVE_ARRIVAL)
            status = read_ahead(serve, err);
    }
    return status;
}

static bool is_idle(const struct serve *serve)
{
    return serve->compute.state == COMPUTE_IDLE && serve->transfers_live == 0;
}

/* Nothing goes on and nothing will be asked. */
static bool nothing_left(const struct serve *serve)
{
    return event_heap_next_ns(&serve->events) == UINT64_MAX && is_idle(serve);
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
    if (serve->backend->sleep_until != NULL)
        serve->backend->sleep_until(serve->device, serve->origin_ns + until_ns);
    else if (!is_idle(serve) || until_ns <= now_ns + early_ns)
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
    return !progress->tell(progress->context, serve->service.turns_done,
                           trace_facts(serve->trace).expected_turns, trace_progress(serve->trace));
}

/* Takes in what happened since the last turn of the loop. *news: something has. */
static enum status take_news(struct serve *serve, bool *news, struct error *err)
{
    serve->now_ns = serve_now_ns(serve);
    *news = transfers_poll(serve);
    *news |= compute_poll(serve);
    *news |= event_heap_next_ns(&serve->events) <= serve->now_ns;
    return handle_due(serve, err);
}

/* A turn of it takes a microsecond or two where nothing has happened: two or three events are asked
 * for, and one counter of the disk's. */
static enum status loop(struct serve *serve, const struct sim_progress *progress, bool *interrupted,
                        struct error *err)
{
    serve->origin_ns = clock_now_ns();
    enum status status = read_ahead(serve, err);
    bool news;
    while (status == STATUS_OK && !nothing_left(serve)) {
        status = take_news(serve, &news, err);
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
        if (!news)
            pause_until_news(serve);
    }
    return status;
}

/* ---- results ---- */

static void finish(struct serve *serve, struct sim_result *result)
{
    outcome_set(&serve->service, serve->trace, serve->now_ns, result);
    snprintf(result->timing_source, sizeof result->timing_source, "%s",
             "measured (run in real time)");
    serve->report->run_ns = serve->now_ns;
    memcpy(serve->report->iterations, serve->log.totals, sizeof serve->report->iterations);
    if (serve->backend->late_ns != NULL)
        serve->report->late_ns = serve->backend->late_ns(serve->device);
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
    if (status == STATUS_OK && !result->interrupted)
        status = service_check_whole(&serve->service, err);
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
    enum status status = open_setup(serve, err);
    if (status == STATUS_OK)
        status = iteration_log_open(&serve->log, config->iterations_path, err);
    if (status == STATUS_OK)
        status = run(serve, progress, result, err);
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
