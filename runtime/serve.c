/* runtime/serve.c - a run: the engine's word is done, the loop over what happens, its metrics. */
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

/* ---- the engine's word is done ---- */

static void act(struct serve *serve, const struct engine_action *action)
{
    switch (action->kind) {
    case ENGINE_PREPARED:
        pages_prepare(serve, action);
        break;
    case ENGINE_LOAD:
    case ENGINE_COPY:
        transfers_begin(serve, action);
        break;
    case ENGINE_ALLOW:
        transfers_allow(serve, action);
        break;
    case ENGINE_DROP:
        pages_drop(serve, action->copy.unit, action->copy.from);
        break;
    case ENGINE_SHARED:
        pages_share(serve, &action->copy);
        break;
    case ENGINE_PREEMPTED:
    case ENGINE_RELEASED:
        pages_release(serve, action->copy.job);
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
    pages_place(serve);
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
    enum status status = open_machine(serve, err);
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
    close_machine(serve);
    trace_close(serve->trace);
    free(serve);
    return status;
}
