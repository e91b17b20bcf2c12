/* sim/cluster.c - one run in virtual time: the clock, its events, and what the counts come to. */
#include "sim/cluster.h"

#include "base/memory.h"
#include "base/units.h"
#include "sim/engine/outcome.h"
#include "sim/engine/router.h"

#include <stdlib.h>

enum { EVENTS_BETWEEN_TELLS = 4096 };

/* ---- coming and going ---- */

static void server_init(struct cluster *cluster, uint32_t index)
{
    const struct engine_setup *setup = cluster->setup;
    struct server *server = &cluster->server[index];
    *server = (struct server){ .cluster = cluster,
                               .engine = cluster->service.engine[index],
                               .index = index };
    links_init(&server->links, setup->link_bytes_per_s, setup->link_latency_ns);
    for (int pair = 0; pair < PAIR_COUNT; pair++)
        links_share(&server->links, (enum link_pair)pair, setup->both_bytes_per_s[pair]);
}

static void cluster_init(struct cluster *cluster, const struct engine_setup *setup,
                         struct trace *trace)
{
    *cluster = (struct cluster){ .setup = setup, .trace = trace, .next_tell = EVENTS_BETWEEN_TELLS };
    event_heap_init(&cluster->events);
    service_init(&cluster->service, setup, trace);
    cluster->server = memory_new(cluster->service.engines, sizeof *cluster->server);
    for (uint32_t i = 0; i < cluster->service.engines; i++)
        server_init(cluster, i);
    tournament_init(&cluster->next_links, cluster->service.engines, UINT64_MAX);
    cluster->changed = memory_new(cluster->service.engines, sizeof *cluster->changed);
}

static void cluster_free(struct cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->service.engines; i++) {
        links_free(&cluster->server[i].links);
        free(cluster->server[i].load);
    }
    free(cluster->server);
    tournament_free(&cluster->next_links);
    free(cluster->changed);
    event_heap_free(&cluster->events);
    service_free(&cluster->service);
}

/* ---- events ---- */

/* An event's kind also says whose it is. */
enum { KIND_BITS = 8 };

void cluster_schedule(struct server *server, uint64_t time_ns, enum cluster_event kind,
                      uint32_t handle)
{
    event_heap_push(&server->cluster->events, time_ns, (uint32_t)kind | server->index << KIND_BITS,
                    handle);
}

/* All sessions that may come by now. */
static enum status read_ahead(struct cluster *cluster, struct error *err)
{
    uint32_t session;
    uint64_t arrival_ns;
    enum status status;
    do {
        status =
            sessions_read(&cluster->service.sessions, cluster->now_ns, &session, &arrival_ns, err);
        if (status == STATUS_OK && session != 0)
            event_heap_push(&cluster->events, arrival_ns, EVENT_TURN, session);
    } while (status == STATUS_OK && session != 0);
    return status;
}

static void ask(struct cluster *cluster, uint32_t handle)
{
    struct sessions *sessions = &cluster->service.sessions;
    struct chain chain;
    if (!sessions_ask(sessions, handle, cluster->now_ns, &chain))
        return;
    struct server *server =
        &cluster->server[router_pick(&cluster->service, &sessions->item[handle], &chain)];
    engine_ask(server->engine, cluster->now_ns, handle, chain);
    server_go_on(server);
}

static void handle_event(struct cluster *cluster, const struct event *event)
{
    struct server *server = &cluster->server[event->kind >> KIND_BITS];
    switch ((enum cluster_event)(event->kind & ((1U << KIND_BITS) - 1))) {
    case EVENT_TURN:
        ask(cluster, event->handle);
        break;
    case EVENT_DEVICE:
        device_event(server, event->handle);
        break;
    case EVENT_SAVE:
        engine_prompt_ready(server->engine, cluster->now_ns, event->handle);
        server_go_on(server);
        break;
    case EVENT_LOOK:
        engine_look(server->engine, cluster->now_ns);
        server_go_on(server);
        break;
    }
}

void cluster_links_changed(struct server *server)
{
    struct cluster *cluster = server->cluster;
    if (server->links_told)
        return;
    server->links_told = true;
    cluster->changed[cluster->changed_count++] = server->index;
}

/* The server whose links change next; ties go to the lowest index. */
static struct server *next_links(struct cluster *cluster, uint64_t *next_ns)
{
    while (cluster->changed_count > 0) {
        struct server *server = &cluster->server[cluster->changed[--cluster->changed_count]];
        server->links_told = false;
        tournament_set(&cluster->next_links, server->index, links_next_ns(&server->links));
    }
    *next_ns = tournament_first_key(&cluster->next_links);
    return &cluster->server[tournament_first(&cluster->next_links)];
}

uint64_t cluster_next_ns(struct cluster *cluster)
{
    uint64_t links_ns, event_ns = event_heap_next_ns(&cluster->events);
    next_links(cluster, &links_ns);
    uint64_t next_ns = links_ns < event_ns ? links_ns : event_ns;
    return next_ns < TIME_END_NS ? next_ns : TIME_END_NS;
}

static bool told_to_stop(struct cluster *cluster, const struct sim_progress *progress)
{
    if (progress == NULL || progress->tell == NULL || cluster->events_done < cluster->next_tell)
        return false;
    cluster->next_tell = cluster->events_done + EVENTS_BETWEEN_TELLS;
    return !progress->tell(progress->context, cluster->service.turns_done,
                           trace_facts(cluster->trace).expected_turns,
                           trace_progress(cluster->trace));
}

static enum status run(struct cluster *cluster, const struct sim_progress *progress,
                       bool *interrupted, struct error *err)
{
    enum status status = read_ahead(cluster, err);
    while (status == STATUS_OK) {
        uint64_t links_ns, event_ns = event_heap_next_ns(&cluster->events);
        struct server *moving = next_links(cluster, &links_ns);
        if (links_ns == UINT64_MAX && event_ns == UINT64_MAX)
            break;
        cluster->events_done++;
        if (told_to_stop(cluster, progress)) {
            *interrupted = true;
            return STATUS_OK;
        }
        /* Transfers first: what has arrived by now counts for what happens now. */
        cluster->now_ns = links_ns <= event_ns ? links_ns : event_ns;
        if (links_ns <= event_ns) {
            server_end_flows(moving);
        } else {
            struct event event = event_heap_pop(&cluster->events);
            if (event.time_ns >= TIME_END_NS)
                return error_input(err, NULL, 0, "workload",
                                   "turns, think times and arrivals that end within 292 years",
                                   NULL);
            handle_event(cluster, &event);
        }
        status = read_ahead(cluster, err); /* a session has arrived, or one has ended */
    }
    return status;
}

/* ---- what the counts come to ---- */

/* Nothing moves any more: what the links carried is what the engines were told of. */
static enum status check_links(const struct cluster *cluster, struct error *err)
{
    for (uint32_t i = 0; i < cluster->service.engines; i++)
        for (int link = 0; link < LINK_COUNT; link++) {
            const struct server *server = &cluster->server[i];
            double told = (double)engine_moved_bytes(server->engine, (enum link)link);
            if (links_moved_bytes(&server->links, cluster->now_ns, (enum link)link) != told)
                return error_io(err, "reprise", "serve to the end",
                                "bytes on a link have no cause (a bug of reprise's)");
        }
    return STATUS_OK;
}

static enum status check_end(const struct cluster *cluster, struct error *err)
{
    enum status status = service_check_whole(&cluster->service, err);
    return status == STATUS_OK ? check_links(cluster, err) : status;
}

enum status cluster_run(const struct engine_setup *setup, struct trace *trace,
                        const struct sim_progress *progress, struct sim_result *result,
                        struct error *err)
{
    struct cluster cluster;
    cluster_init(&cluster, setup, trace);
    service_tell(&cluster.service, progress);
    for (uint32_t i = 0; cluster.service.watch == NULL && i < cluster.service.engines; i++)
        engine_skip_drops(cluster.service.engine[i]);
    enum status status = run(&cluster, progress, &result->interrupted, err);
    if (status == STATUS_OK && !result->interrupted)
        status = check_end(&cluster, err);
    if (status == STATUS_OK) {
        outcome_set(&cluster.service, trace, cluster.now_ns, result);
        result->events = cluster.events_done;
        status = outcome_check(&cluster.service, result, err);
    }
    cluster_free(&cluster);
    return status;
}
