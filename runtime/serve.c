/* runtime/serve.c - a run: the engine's word is done, the loop over what happens, its metrics. */
#include "runtime/serve.h"

#include "base/clock.h"
#include "base/memory.h"
#include "base/units.h"
#include "runtime/serve_state.h"
#include "sim/engine/outcome.h"
#include "sim/engine/router.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

uint64_t run_now_ns(const struct run *run)
{
    return clock_now_ns() - run->origin_ns;
}

void serve_fail(struct serve *serve, const char *what, const char *reason)
{
    error_io(&serve->run->err, serve->run->backend->name, what, reason);
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
        event_heap_push(&serve->run->events, action->time_ns,
                        SERVE_LOOK + (uint32_t)(serve - serve->run->serve), action->session);
        break;
    case ENGINE_TURN_AT:
        event_heap_push(&serve->run->events, action->time_ns, SERVE_TURN, action->session);
        break;
    case ENGINE_PREFILLED:
        break; /* of servers that only prefill, which are refused */
    }
}

/* What the pool holds no more. */
static void forget_drops(struct run *run)
{
    uint64_t key;
    while (run->service.pool != NULL && pool_take_drop(run->service.pool, &key))
        remote_forget(&run->remote, key);
}

void serve_act(struct serve *serve)
{
    struct engine_action action;
    forget_drops(serve->run);
    while (serve->run->err.status == STATUS_OK && engine_take(serve->engine, &action))
        act(serve, &action);
    pages_place(serve);
}

void serve_go_on(struct serve *serve)
{
    struct engine_iteration iteration;
    enum engine_step step;
    serve_act(serve); /* what has ended comes before who is let in: the core's books say so, too */
    while ((step = engine_step(serve->engine, serve->run->now_ns, 1, &iteration)) !=
           ENGINE_NOTHING) {
        serve_act(serve);
        if (serve->run->err.status != STATUS_OK)
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

/* All sessions that may come by now. */
static enum status read_ahead(struct run *run, struct error *err)
{
    uint32_t session;
    uint64_t arrival_ns;
    enum status status;
    do {
        status = sessions_read(&run->service.sessions, run->now_ns, &session, &arrival_ns, err);
        if (status == STATUS_OK && session != 0)
            event_heap_push(&run->events, arrival_ns, SERVE_TURN, session);
    } while (status == STATUS_OK && session != 0);
    return status;
}

/* The session's next turn, to the server that the router names. */
static void ask(struct run *run, uint32_t handle)
{
    struct chain chain;
    if (!sessions_ask(&run->service.sessions, handle, run->now_ns, &chain))
        return;
    uint32_t server = router_pick(&run->service, &run->service.sessions.item[handle], &chain);
    engine_ask(run->serve[server].engine, run->now_ns, handle, chain);
    serve_go_on(&run->serve[server]);
}

static enum status handle_due(struct run *run, struct error *err)
{
    enum status status = read_ahead(run, err); /* turns have ended */
    while (status == STATUS_OK && event_heap_next_ns(&run->events) <= run->now_ns) {
        struct event event = event_heap_pop(&run->events);
        if (event.kind >= SERVE_LOOK) {
            struct serve *serve = &run->serve[event.kind - SERVE_LOOK];
            engine_look(serve->engine, run->now_ns);
            serve_go_on(serve);
        } else {
            ask(run, event.handle);
        }
        status = read_ahead(run, err);
    }
    return status;
}

static bool is_idle(const struct run *run)
{
    bool idle = true;
    for (uint32_t i = 0; i < run->serves; i++)
        idle &= run->serve[i].compute.state == COMPUTE_IDLE && run->serve[i].transfers_live == 0;
    return idle;
}

/* Nothing goes on and nothing will be asked. */
static bool nothing_left(const struct run *run)
{
    return event_heap_next_ns(&run->events) == UINT64_MAX && is_idle(run);
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
 * the loop naps only where all is idle, and is awake again before the next turn is asked. Of
 * several devices only the first wakes it: the others are asked every 100 us. */
static void pause_until_news(const struct run *run)
{
    static const uint64_t early_ns = 500 * NS_PER_US;
    bool others = run->serves > 1 && !is_idle(run);
    uint64_t due_ns = event_heap_next_ns(&run->events), now_ns = run_now_ns(run);
    /* Not for ever, so that Ctrl-C is heard. */
    uint64_t longest_ns = now_ns + (others ? 100 * NS_PER_US : 100 * NS_PER_MS);
    uint64_t until_ns = due_ns < longest_ns ? due_ns : longest_ns;
    if (run->backend->sleep_until != NULL)
        run->backend->sleep_until(run->serve[0].device, run->origin_ns + until_ns);
    else if (!is_idle(run) || until_ns <= now_ns + early_ns)
        spin();
    else
        nanosleep(&(struct timespec){ .tv_nsec = (long)(until_ns - early_ns - now_ns) }, NULL);
}

/* Asked a hundred times a second: progress is drawn, and reads clocks and the trace. */
static bool told_to_stop(struct run *run, const struct sim_progress *progress)
{
    if (progress == NULL || progress->tell == NULL || run->now_ns < run->tell_ns)
        return false;
    run->tell_ns = run->now_ns + 10 * NS_PER_MS;
    return !progress->tell(progress->context, run->service.turns_done,
                           trace_facts(run->trace).expected_turns, trace_progress(run->trace));
}

/* Takes in what happened since the last turn of the loop. *news: something has. */
static enum status take_news(struct run *run, bool *news, struct error *err)
{
    *news = false;
    for (uint32_t i = 0; i < run->serves; i++) {
        run->now_ns = run_now_ns(run);
        *news |= transfers_poll(&run->serve[i]);
        *news |= compute_poll(&run->serve[i]);
    }
    *news |= event_heap_next_ns(&run->events) <= run->now_ns;
    return handle_due(run, err);
}

static enum status check(const struct run *run, struct error *err)
{
    enum status status = run->err.status;
    if (status != STATUS_OK)
        *err = run->err;
    for (uint32_t i = 0; i < run->serves && status == STATUS_OK; i++)
        status = run->backend->check(run->serve[i].device, err);
    return status;
}

/* A turn of it takes a microsecond or two where nothing has happened: two or three events are asked
 * for, and one counter of the disk's. */
static enum status loop(struct run *run, const struct sim_progress *progress, bool *interrupted,
                        struct error *err)
{
    run->origin_ns = clock_now_ns();
    enum status status = read_ahead(run, err);
    bool news;
    while (status == STATUS_OK && !nothing_left(run)) {
        status = take_news(run, &news, err);
        if (status == STATUS_OK)
            status = check(run, err);
        if (told_to_stop(run, progress)) {
            *interrupted = true;
            break;
        }
        if (!news)
            pause_until_news(run);
    }
    return status;
}

/* ---- results ---- */

static void finish(struct run *run, struct sim_result *result)
{
    struct serve_report *report = run->report;
    outcome_set(&run->service, run->trace, run->now_ns, result);
    snprintf(result->timing_source, sizeof result->timing_source, "%s",
             "measured (run in real time)");
    report->run_ns = run->now_ns;
    memcpy(report->iterations, run->log.totals, sizeof report->iterations);
    for (uint32_t i = 0; i < run->serves && run->backend->late_ns != NULL; i++)
        report->late_ns +=
            run->backend->late_ns(run->serve[i].device) - run->serve[i].late_before_ns;
}

static enum status serve_all(struct run *run, const struct sim_progress *progress,
                             struct sim_result *result, struct error *err)
{
    enum status status = open_machines(run, err);
    if (status == STATUS_OK) {
        open_books(run);
        service_tell(&run->service, progress);
        status = loop(run, progress, &result->interrupted, err);
        if (status == STATUS_OK && !result->interrupted)
            status = service_check_whole(&run->service, err);
        if (status == STATUS_OK) {
            finish(run, result);
            status = outcome_check(&run->service, result, err);
        }
        close_books(run);
    }
    close_machines(run, status != STATUS_OK);
    return status;
}

enum status serve_run(const struct experiment *experiment, const struct serve_config *config,
                      const struct sim_progress *progress, struct sim_result *result,
                      struct serve_report *report, struct error *err)
{
    struct run *run = memory_new(1, sizeof *run);
    memset(result, 0, sizeof *result);
    memset(report, 0, sizeof *report);
    run->experiment = experiment;
    run->config = config;
    run->report = report;
    run->backend = config->backend;
    enum status status = open_setup(run, err);
    if (status == STATUS_OK)
        status = iteration_log_open(&run->log, config->iterations_path, err);
    if (status == STATUS_OK)
        status = serve_all(run, progress, result, err);
    enum status closed = iteration_log_close(&run->log, err);
    trace_close(run->trace);
    free(run);
    return status != STATUS_OK ? status : closed;
}
