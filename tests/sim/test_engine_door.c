/* tests/sim/test_engine_door.c - the engine under a third driver, the plainest there is: a token of
 * prefill takes 10 us, a step of decoding 1 ms, a transfer 3 ms. What the engine decides follows
 * from what it is told alone. */
#include "base/event_heap.h"
#include "sim/engine/engine.h"
#include "sim/engine/outcome.h"
#include "tests/sim/runs.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN_NS = 10000, STEP_NS = 1000000, TRANSFER_NS = 3000000 };
enum happens { TURN, LOOK, DEVICE, PROMPT, TRANSFER };

struct plain {
    struct engine_setup setup;
    struct service service;
    struct engine *engine;
    struct event_heap events;
    struct engine_iteration iteration;
    uint64_t now_ns, start_ns, repeats, most_repeats;
    uint32_t sequence, steps, layers, most_in_flight;
    bool waits; /* the iteration's loads have not ended */
};

static void read_ahead(struct plain *plain)
{
    struct error err = { 0 };
    uint64_t arrival_ns;
    uint32_t session;
    do {
        ck_assert_int_eq(
            sessions_read(&plain->service.sessions, plain->now_ns, &session, &arrival_ns, &err),
            STATUS_OK);
        if (session != 0)
            event_heap_push(&plain->events, arrival_ns, TURN, session);
    } while (session != 0);
}

/* A load moves when all of it may. */
static void move(struct plain *plain, const struct engine_action *action)
{
    bool load = action->kind == ENGINE_LOAD || action->kind == ENGINE_ALLOW;
    if (!load || action->layers == plain->layers)
        event_heap_push(&plain->events, plain->now_ns + TRANSFER_NS, TRANSFER, action->copy.id);
}

static void act(struct plain *plain)
{
    struct engine_action action;
    while (engine_take(plain->engine, &action)) {
        if (action.kind == ENGINE_LOAD || action.kind == ENGINE_ALLOW || action.kind == ENGINE_COPY)
            move(plain, &action);
        else if (action.kind == ENGINE_TURN_AT)
            event_heap_push(&plain->events, action.time_ns, TURN, action.session);
        else if (action.kind == ENGINE_LOOK_AT)
            event_heap_push(&plain->events, action.time_ns, LOOK, 0);
    }
}

static void end_at(struct plain *plain, uint64_t time_ns)
{
    event_heap_push(&plain->events, time_ns, DEVICE, ++plain->sequence);
}

static uint64_t prefill_ns(const struct plain *plain)
{
    uint64_t tokens = 0;
    for (uint32_t i = 0; i < plain->iteration.chunks; i++)
        tokens += plain->iteration.chunk[i].tokens;
    return tokens * TOKEN_NS + (plain->iteration.decodes > 0 ? STEP_NS : 0);
}

static void compute(struct plain *plain)
{
    uint32_t loading = plain->iteration.loading;
    plain->waits = loading != 0 && engine_is_loading(plain->engine, loading);
    if (plain->waits)
        return;
    uint64_t end_ns = plain->now_ns + prefill_ns(plain);
    const struct experiment *experiment = plain->setup.experiment;
    if (experiment->saving == SAVING_ASYNCHRONOUS && !experiment_chunks(experiment))
        event_heap_push(&plain->events, plain->now_ns, PROMPT, plain->iteration.chunk[0].session);
    end_at(plain, end_ns);
}

static void begin(struct plain *plain)
{
    plain->steps++;
    plain->start_ns = plain->now_ns;
    plain->repeats = plain->iteration.repeats;
    ck_assert_uint_le(plain->repeats, plain->most_repeats);
    if (plain->iteration.chunks > 0)
        compute(plain);
    else
        end_at(plain, plain->now_ns + plain->repeats * STEP_NS);
}

/* The step that runs now is the last of those that repeat. */
static void cut(struct plain *plain)
{
    uint64_t steps = (plain->now_ns - plain->start_ns + STEP_NS - 1) / STEP_NS;
    steps = steps > 0 ? steps : 1;
    if (steps < plain->repeats) {
        plain->repeats = steps;
        end_at(plain, plain->start_ns + steps * STEP_NS);
    }
}

static void go_on(struct plain *plain)
{
    enum engine_step step;
    while ((step = engine_step(plain->engine, plain->now_ns, plain->most_repeats,
                               &plain->iteration)) != ENGINE_NOTHING) {
        act(plain);
        if (step == ENGINE_START)
            begin(plain);
        else
            cut(plain);
    }
    act(plain);
}

static void end_iteration(struct plain *plain)
{
    engine_iteration_ended(plain->engine, plain->now_ns,
                           &(struct iteration_end){ .end_ns = plain->now_ns,
                                                    .repeats = plain->repeats,
                                                    .first_end_ns = plain->start_ns + STEP_NS,
                                                    .gap_ns = STEP_NS });
}

static void happen(struct plain *plain, const struct event *event)
{
    struct chain chain;
    if (event->kind == TURN) {
        if (sessions_ask(&plain->service.sessions, event->handle, plain->now_ns, &chain))
            engine_ask(plain->engine, plain->now_ns, event->handle, chain);
    } else if (event->kind == DEVICE) {
        if (event->handle == plain->sequence)
            end_iteration(plain);
    } else if (event->kind == PROMPT) {
        engine_prompt_ready(plain->engine, plain->now_ns, event->handle);
    } else {
        if (event->kind == TRANSFER)
            engine_transfer_ended(plain->engine, plain->now_ns, event->handle);
        engine_look(plain->engine, plain->now_ns);
    }
    if (plain->waits)
        compute(plain);
    go_on(plain);
}

/* All turns are served. counts: how many iterations the driver was given, how many sessions were in
 * flight at once. */
struct counts {
    uint32_t steps, most_in_flight;
};
static struct metrics serve_counted(const struct experiment *experiment, uint64_t most_repeats,
                                    struct counts *counts)
{
    struct plain plain = { .most_repeats = most_repeats };
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_int_eq(engine_setup_open(experiment, &plain.setup, &trace, &err), STATUS_OK);
    plain.layers = plain.setup.model.layers;
    event_heap_init(&plain.events);
    service_init(&plain.service, &plain.setup, trace);
    plain.engine = plain.service.engine[0];
    read_ahead(&plain);
    while (event_heap_next_ns(&plain.events) != UINT64_MAX) {
        struct event event = event_heap_pop(&plain.events);
        plain.now_ns = event.time_ns;
        happen(&plain, &event);
        read_ahead(&plain);
        uint32_t in_flight = plain.service.sessions.in_flight;
        plain.most_in_flight = in_flight > plain.most_in_flight ? in_flight : plain.most_in_flight;
    }
    ck_assert_int_eq(service_check_whole(&plain.service, &err), STATUS_OK);
    struct sim_result result = { 0 };
    outcome_set(&plain.service, trace, plain.now_ns, &result);
    struct metrics metrics = result.metrics;
    *counts = (struct counts){ plain.steps, plain.most_in_flight };
    sim_result_free(&result);
    service_free(&plain.service);
    event_heap_free(&plain.events);
    trace_close(trace);
    return metrics;
}

static struct metrics serve(const struct experiment *experiment, uint64_t most_repeats,
                            uint32_t *steps)
{
    struct counts counts;
    struct metrics metrics = serve_counted(experiment, most_repeats, &counts);
    *steps = counts.steps;
    return metrics;
}

/* ---- what it promises ---- */

static const char *const engines[] = {
    "policy=scheduler-aware",
    "policy=lru engine.saving=synchronous",
    "policy=lru engine.preloading=background",
    "policy=arc placement.unit=block engine.scheduling=chunked",
    "policy=none engine.scheduling=chunked",
};
enum { ENGINES = sizeof engines / sizeof *engines };

static struct experiment experiment_at(int i)
{
    char setting[96];
    const char *settings[4] = { NULL };
    int count = 0;
    snprintf(setting, sizeof setting, "%s", engines[i]);
    for (char *word = strtok(setting, " "); word != NULL; word = strtok(NULL, " "))
        settings[count++] = word;
    return experiment_of("warmup_turns: 50\nplacement.ttl: 0\n"
                         "tiers: {dram: {capacity: 20GB}, ssd: {capacity: 60GB}}\n"
                         "workload: {sessions: 60, sessions_per_s: 5.0}\n",
                         settings);
}

/* Of one that decodes one step at a time the runtime's driver makes as many as it is given. */
START_TEST(steps_that_repeat_are_steps_made_one_by_one)
{
    struct experiment experiment = experiment_at(_i);
    uint32_t at_once, one_by_one;
    struct metrics a = serve(&experiment, UINT64_MAX, &at_once);
    struct metrics b = serve(&experiment, 1, &one_by_one);
    ck_assert_uint_lt(2 * at_once, one_by_one);
    for (int i = 0; i < METRIC_COUNT; i++)
        ck_assert_msg(metric_value(&a, i) == metric_value(&b, i), "%s: %s: %f and %f", engines[_i],
                      metric_rows[i].name, metric_value(&a, i), metric_value(&b, i));
}
END_TEST

/* 10 us a token and 1 ms a step is all the time there is: what the engine measures is what it was
 * told. */
START_TEST(times_are_the_drivers)
{
    struct experiment experiment = experiment_at(4);
    uint32_t steps;
    experiment.scheduling = SCHEDULE_PREFILL_FIRST;
    experiment.warmup_turns = 0;
    struct metrics m = serve(&experiment, UINT64_MAX, &steps);
    ck_assert_double_eq(m.gpu_prefill_ns, TOKEN_NS * m.computed_tokens);
    ck_assert_double_eq(m.gpu_decode_ns / STEP_NS + m.turns, m.iterations);
    ck_assert_double_eq(m.computed_tokens, m.wanted_tokens);
    ck_assert_double_eq(m.h2d_bytes + m.d2h_bytes, 0);
}
END_TEST

/* Users who were thinking when the last one was asked are not heard any more. */
START_TEST(max_turns_is_how_many_are_asked)
{
    struct experiment experiment = experiment_at(0);
    uint32_t steps;
    experiment.warmup_turns = 0;
    experiment.max_turns = 37;
    ck_assert_double_eq(serve(&experiment, UINT64_MAX, &steps).turns, 37);
}
END_TEST

/* Sessions of several turns, in flight while their users think too. */
START_TEST(never_are_more_in_flight_than_were_asked_for)
{
    struct experiment experiment = experiment_at(_i);
    for (uint32_t concurrency = 1; concurrency <= 64; concurrency *= 4) {
        struct counts counts;
        experiment.workload.concurrency = concurrency;
        struct metrics metrics = serve_counted(&experiment, UINT64_MAX, &counts);
        uint32_t most = concurrency < 60 ? concurrency : 60; /* all that there are */
        ck_assert_uint_eq(counts.most_in_flight, most);
        ck_assert_double_gt(metrics.turns, 100);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/engine");
    TCase *tcase = tcase_create("door");
    tcase_add_loop_test(tcase, steps_that_repeat_are_steps_made_one_by_one, 0, OF_RESULTS(ENGINES));
    tcase_add_loop_test(tcase, never_are_more_in_flight_than_were_asked_for, 0, ENGINES);
    tcase_add_test(tcase, times_are_the_drivers);
    tcase_add_test(tcase, max_turns_is_how_many_are_asked);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
