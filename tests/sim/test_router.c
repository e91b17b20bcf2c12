/* tests/sim/test_router.c - the router that looks only where a prefix may be picks the server that
 * a scan of all servers picks; what it remembers of whereabouts is what was noted. */
#include "base/event_heap.h"
#include "base/random.h"
#include "sim/engine/engine.h"
#include "sim/engine/router.h"
#include "tests/sim/runs.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- the slow router ---- */

static uint32_t slow_least(const struct service *service)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < service->prefill_engines; i++)
        if (engine_turns(service->engine[i]) < engine_turns(service->engine[best]))
            best = i;
    return best;
}

static bool slow_unbalanced(const struct service *service)
{
    const struct experiment *experiment = service->setup->experiment;
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < service->prefill_engines; i++) {
        uint32_t turns = engine_turns(service->engine[i]);
        least = turns < least ? turns : least;
        most = turns > most ? turns : most;
    }
    return most - least > experiment->router_slack && most > least * experiment->router_ratio;
}

static uint64_t slow_known(const struct service *service, uint32_t server, uint64_t key)
{
    const struct placement *core = engine_core(service->engine[server]);
    uint32_t unit = placement_unit(core, key);
    uint64_t most = routed_tokens(&service->routed[server], &service->sessions, key);
    for (int tier = 0; unit != UNIT_NONE && tier < TIER_COUNT; tier++) {
        uint64_t held =
            placement_copy_bytes(core, unit, (enum tier)tier) / service->setup->kv.bytes_per_token;
        most = held > most ? held : most;
    }
    return most;
}

static uint32_t slow_match(const struct service *service, uint32_t server, struct chain chain)
{
    uint32_t unit_tokens = service->setup->unit_tokens, matched = 0;
    for (uint32_t i = 0; i < chain.count; i++) {
        uint32_t left = chain.context_tokens - matched;
        uint32_t want = left < unit_tokens ? left : unit_tokens;
        uint64_t known = slow_known(service, server, chain.keys[i]);
        if (known < want)
            return matched + (unit_tokens == UINT32_MAX ? (uint32_t)known : 0);
        matched += want;
    }
    return matched;
}

static uint32_t slow_pick(const struct service *service, const struct session *session,
                          struct chain chain)
{
    uint32_t best = 0, best_tokens = 0;
    for (uint32_t i = 0; i < service->prefill_engines; i++) {
        uint32_t tokens = slow_match(service, i, chain);
        if (tokens > best_tokens) {
            best = i;
            best_tokens = tokens;
        }
    }
    bool enough = best_tokens > 0 && best_tokens >= service->setup->experiment->router_share *
                                                        session_context(session);
    return slow_unbalanced(service) || !enough ? slow_least(service) : best;
}

/* ---- servers whose iterations take 5 ms and whose copies take 2 ---- */

enum { STEP_NS = 5000000, COPY_NS = 2000000, SERVERS_BITS = 8 };
enum happens { TURN, DEVICE, COPIED, LOOK };

struct fleet {
    struct engine_setup setup;
    struct service service;
    struct event_heap events;
    struct engine_iteration *iteration;
    uint64_t now_ns;
    uint32_t asked, found; /* turns; those that did not go to the least loaded server */
};

static void schedule(struct fleet *fleet, uint64_t time_ns, enum happens what, uint32_t server,
                     uint32_t handle)
{
    event_heap_push(&fleet->events, time_ns, (uint32_t)what | server << SERVERS_BITS, handle);
}

static void act(struct fleet *fleet, uint32_t server)
{
    struct engine_action action;
    while (engine_take(fleet->service.engine[server], &action)) {
        if (action.kind == ENGINE_LOAD || action.kind == ENGINE_COPY)
            schedule(fleet, fleet->now_ns + COPY_NS, COPIED, server, action.copy.id);
        else if (action.kind == ENGINE_TURN_AT)
            schedule(fleet, action.time_ns, TURN, server, action.session);
        else if (action.kind == ENGINE_LOOK_AT)
            schedule(fleet, action.time_ns, LOOK, server, 0);
    }
}

static void go_on(struct fleet *fleet, uint32_t server)
{
    enum engine_step step;
    while ((step = engine_step(fleet->service.engine[server], fleet->now_ns, 1,
                               &fleet->iteration[server])) != ENGINE_NOTHING) {
        act(fleet, server);
        if (step == ENGINE_START)
            schedule(fleet, fleet->now_ns + STEP_NS, DEVICE, server, 0);
    }
    act(fleet, server);
}

static uint32_t ask(struct fleet *fleet, uint32_t handle)
{
    struct service *service = &fleet->service;
    const struct session *session = &service->sessions.item[handle];
    struct chain chain;
    if (!sessions_ask(&service->sessions, handle, fleet->now_ns, &chain))
        return 0;
    session = &service->sessions.item[handle];
    uint32_t slow = slow_pick(service, session, chain), least = slow_least(service);
    uint32_t server = router_pick(service, session, &chain);
    ck_assert_msg(server == slow, "turn %u: server %u, by a scan %u", fleet->asked, server, slow);
    fleet->asked++;
    fleet->found += slow != least;
    engine_ask(service->engine[server], fleet->now_ns, handle, chain);
    return server;
}

static void happen(struct fleet *fleet, const struct event *event)
{
    uint32_t server = event->kind >> SERVERS_BITS;
    struct engine *engine = fleet->service.engine[server];
    switch ((enum happens)(event->kind & ((1U << SERVERS_BITS) - 1))) {
    case TURN:
        server = ask(fleet, event->handle);
        break;
    case DEVICE:
        engine_iteration_ended(engine, fleet->now_ns,
                               &(struct iteration_end){ .end_ns = fleet->now_ns,
                                                        .repeats = 1,
                                                        .first_end_ns = fleet->now_ns });
        break;
    case COPIED:
        engine_transfer_ended(engine, fleet->now_ns, event->handle);
        engine_look(engine, fleet->now_ns);
        break;
    case LOOK:
        engine_look(engine, fleet->now_ns);
        break;
    }
    go_on(fleet, server);
}

static void read_ahead(struct fleet *fleet)
{
    struct error err = { 0 };
    uint64_t arrival_ns;
    uint32_t session;
    do {
        ck_assert_int_eq(
            sessions_read(&fleet->service.sessions, fleet->now_ns, &session, &arrival_ns, &err),
            STATUS_OK);
        if (session != 0)
            schedule(fleet, arrival_ns, TURN, 0, session);
    } while (session != 0);
}

static void serve(const struct experiment *experiment)
{
    struct fleet fleet = { .asked = 0 };
    struct trace *trace;
    struct error err = { 0 };
    ck_assert_int_eq(engine_setup_open(experiment, &fleet.setup, &trace, &err), STATUS_OK);
    event_heap_init(&fleet.events);
    service_init(&fleet.service, &fleet.setup, trace);
    fleet.iteration = calloc(fleet.service.engines, sizeof *fleet.iteration);
    read_ahead(&fleet);
    while (event_heap_next_ns(&fleet.events) != UINT64_MAX) {
        struct event event = event_heap_pop(&fleet.events);
        fleet.now_ns = event.time_ns;
        happen(&fleet, &event);
        read_ahead(&fleet);
    }
    ck_assert_uint_gt(fleet.found, fleet.asked / 10);
    service_free(&fleet.service);
    event_heap_free(&fleet.events);
    free(fleet.iteration);
    trace_close(trace);
}

/* ---- what it promises ---- */

static const char *const settings[][5] = {
    { "cluster.router_share=0", "cluster.router_slack=2", "policy=lru" },
    { "cluster.router_share=0.2", "policy=lru", "tiers.hbm.cache=2GB" },
    { "cluster.router_share=0.6", "policy=fifo", "cluster.router_slack=4" },
    { "cluster.router_share=0", "policy=none", "tiers.hbm.cache=0" },
};

static const char common[] =
    "warmup_turns: 0\nmodel: llama-3-8b\nhardware: h100\ngpus: 1\nmax_turns: 3000\n"
    "engine: {scheduling: chunked, preloading: background}\n"
    "tiers: {dram: {capacity: 3GB}, ssd: {capacity: 4GB}}\n"
    "cluster: {replicas: 7, router: prefix-affinity}\n";

/* Requests of few and many blocks, whose prefixes are shared by chance: each goes down a tree of
 * three branches a step, so that short prefixes are everywhere and long ones somewhere. */
static char *tree_trace(struct random *random)
{
    enum { REQUESTS = 1500, BRANCHES = 3, TEXT = 1 << 20 };
    char *text = malloc(TEXT);
    size_t used = 0;
    for (uint32_t i = 0; i < REQUESTS; i++) {
        uint32_t blocks = 1 + (uint32_t)random_below(random, 9), key = 0;
        used += (size_t)snprintf(text + used, TEXT - used,
                                 "{\"timestamp\": %u, \"input_length\": %u, \"output_length\": "
                                 "%u, \"hash_ids\": [",
                                 7 * i, blocks * 512 - (uint32_t)random_below(random, 400),
                                 1 + (uint32_t)random_below(random, 9));
        for (uint32_t at = 0; at < blocks; at++) {
            key = key * BRANCHES + 1 + (uint32_t)random_below(random, BRANCHES);
            used += (size_t)snprintf(text + used, TEXT - used, "%s%u", at > 0 ? ", " : "", key);
        }
        used += (size_t)snprintf(text + used, TEXT - used, "]}\n");
    }
    char *path = test_temp_file(text);
    free(text);
    return path;
}

START_TEST(of_a_traces_prefixes_it_finds_the_longest_as_a_scan_does)
{
    struct random random = random_from(test_seed(), (uint64_t)_i);
    char *path = tree_trace(&random), trace[256];
    const char *given[6] = { trace };
    snprintf(trace, sizeof trace, "trace=%s", path);
    for (int i = 0; i < 4; i++)
        given[i + 1] = settings[_i][i];
    struct experiment experiment = experiment_of(common, given);
    serve(&experiment);
    unlink(path);
    free(path);
}
END_TEST

static const char *const units[] = { "placement.unit=session", "placement.unit=block" };

START_TEST(of_a_sessions_context_it_finds_the_longest_as_a_scan_does)
{
    const char *given[] = { units[_i],
                            "policy=lru",
                            "cluster.router_share=0.1",
                            "cluster.router_slack=1",
                            "workload.sessions=300",
                            "workload.sessions_per_s=20",
                            "workload.think_time.mean=2s",
                            "engine.context_window=2048",
                            NULL };
    struct experiment experiment = experiment_of(common, given);
    serve(&experiment);
}
END_TEST

enum { KEYS = 60, SERVERS = 20 };
static bool still[KEYS][SERVERS];

static bool is_still(const void *context, uint64_t key, uint32_t server)
{
    (void)context;
    return still[key][server];
}

START_TEST(whereabouts_are_what_was_noted_and_may_still_be)
{
    static bool noted[KEYS][SERVERS];
    struct whereabouts whereabouts;
    struct random random = random_from(test_seed(), 9);
    whereabouts_init(&whereabouts);
    for (uint32_t step = 0; step < 60000; step++) {
        uint64_t key = random_below(&random, KEYS);
        uint32_t server = (uint32_t)random_below(&random, SERVERS);
        whereabouts_note(&whereabouts, key, server);
        noted[key][server] = true;
        if (step % 500 == 0) {
            for (uint64_t k = 0; k < KEYS; k++)
                for (uint32_t s = 0; s < SERVERS; s++)
                    still[k][s] = random_below(&random, 3) == 0;
            whereabouts.tidied = 0;
            whereabouts.noted += 1 << 20; /* much has come */
            whereabouts_tidy(&whereabouts, is_still, NULL);
            whereabouts.noted -= 1 << 20;
            for (uint64_t k = 0; k < KEYS; k++)
                for (uint32_t s = 0; s < SERVERS; s++)
                    noted[k][s] = noted[k][s] && still[k][s];
        }
        struct where at = whereabouts_of(&whereabouts, key);
        uint32_t found = 0;
        for (uint32_t s = 0; s < SERVERS; s++)
            if (noted[key][s])
                ck_assert(found < at.count && at.server[found++] == s);
        ck_assert_uint_eq(found, at.count);
    }
    whereabouts_free(&whereabouts);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sim/router");
    TCase *tcase = tcase_create("router");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, of_a_traces_prefixes_it_finds_the_longest_as_a_scan_does, 0, 4);
    tcase_add_loop_test(tcase, of_a_sessions_context_it_finds_the_longest_as_a_scan_does, 0, 2);
    tcase_add_test(tcase, whereabouts_are_what_was_noted_and_may_still_be);
    suite_add_tcase(suite, tcase);
    return test_main(suite);
}
