/* sim/lane.c - the clock and the events of the servers that one thread has: the earliest of what
 * their links and their events say happens next.
 * What is done for each event is inline: a hint for the link, as it is called from the run's loop
 * and from a fleet's. */
#include "base/memory.h"
#include "base/units.h"
#include "sim/cluster.h"
#include "sim/engine/router.h"
#include "sim/fleet_log.h"

#include <stdlib.h>

/* ---- coming and going ---- */

void lane_init(struct lane *lane, struct cluster *cluster, struct service *service, uint32_t first,
               uint32_t stride)
{
    uint32_t servers = (cluster->service.engines - first + stride - 1) / stride;
    *lane = (struct lane){
        .service = service, .first = first, .stride = stride, .until_ns = UINT64_MAX
    };
    event_heap_init(&lane->events);
    tournament_init(&lane->next_links, servers, UINT64_MAX);
    lane->changed = memory_new(servers, sizeof *lane->changed);
    for (uint32_t i = first, place = 0; i < cluster->service.engines; i += stride, place++) {
        cluster->server[i].lane = lane;
        cluster->server[i].place = place;
        cluster->server[i].links_told = false;
        lane_links_changed(&cluster->server[i]);
    }
}

void lane_free(struct lane *lane)
{
    event_heap_free(&lane->events);
    tournament_free(&lane->next_links);
    free(lane->changed);
}

/* ---- what is next ---- */

void lane_links_changed(struct server *server)
{
    struct lane *lane = server->lane;
    if (server->links_told)
        return;
    server->links_told = true;
    lane->changed[lane->changed_count++] = server->index;
}

static void see_changes(struct lane *lane, struct cluster *cluster)
{
    while (lane->changed_count > 0) {
        struct server *server = &cluster->server[lane->changed[--lane->changed_count]];
        server->links_told = false;
        tournament_set(&lane->next_links, server->place, links_next_ns(&server->links));
    }
}

/* Mostly links change a few times before the next event: meanwhile what a turn will be asked by is
 * fetched, each time what the last has led to. */
static void expect_turn(struct lane *lane, const struct cluster *cluster)
{
    if (lane->events.count == 0)
        return;
    const struct event *event = event_heap_first(&lane->events);
    const struct sessions *sessions = &lane->service->sessions;
    if (!lane_event_is_turn(event))
        return;
    if (event->handle != lane->expected_turn) {
        lane->expected_turn = event->handle;
        lane->expected_step = 0;
        sessions_prefetch(sessions, event->handle);
    } else if (lane->expected_step < ENGINE_EXPECTED) {
        const struct session *session = &sessions->item[event->handle];
        const struct engine *engine = cluster->server[session->server].engine;
        lane->expected_step = engine_expect_turn(engine, session, lane->expected_step);
    }
}

/* Transfers first: what has arrived by now counts for what happens now. Of several servers' that
 * change at once the lowest index's are first. */
inline struct lane_next lane_look(struct lane *lane, struct cluster *cluster)
{
    see_changes(lane, cluster);
    uint64_t links_ns = tournament_first_key(&lane->next_links);
    uint64_t event_ns = event_heap_next_ns(&lane->events);
    expect_turn(lane, cluster);
    return (struct lane_next){ .time_ns = links_ns <= event_ns ? links_ns : event_ns,
                               .is_event = links_ns > event_ns,
                               .moving = lane->first +
                                         tournament_first(&lane->next_links) * lane->stride };
}

uint64_t lane_next_ns(struct lane *lane, struct cluster *cluster)
{
    if (lane->log != NULL)
        return lane->now_ns; /* whatever happens has its place among what others do */
    uint64_t next_ns = lane_look(lane, cluster).time_ns;
    next_ns = next_ns < lane->until_ns ? next_ns : lane->until_ns;
    return next_ns < TIME_END_NS ? next_ns : TIME_END_NS;
}

/* ---- events ---- */

/* An event's kind also says whose it is. */
enum { KIND_BITS = 8 };

inline void cluster_schedule(struct server *server, uint64_t time_ns, enum cluster_event kind,
                             uint32_t handle)
{
    struct lane *lane = server->lane;
    const struct event event = { .time_ns = time_ns,
                                 .kind = (uint32_t)kind | server->index << KIND_BITS,
                                 .handle = handle };
    if (lane->log != NULL)
        lane_log_push(lane->log, &lane->events, &event);
    else
        event_heap_push(&lane->events, time_ns, event.kind, handle);
}

uint32_t lane_event_server(const struct event *event)
{
    return event->kind >> KIND_BITS;
}

bool lane_event_is_turn(const struct event *event)
{
    return (event->kind & ((1U << KIND_BITS) - 1)) == EVENT_TURN;
}

void lane_ask(struct lane *lane, struct cluster *cluster, uint32_t handle)
{
    struct sessions *sessions = &lane->service->sessions;
    struct chain chain;
    if (!sessions_ask(sessions, handle, lane->now_ns, &chain))
        return;
    const struct session *session = &sessions->item[handle];
    uint32_t picked = router_pick(lane->service, session, &chain);
    struct server *server = &cluster->server[picked];
    engine_ask(server->engine, lane->now_ns, handle, chain);
    server_go_on(server);
}

static void handle_event(struct lane *lane, struct cluster *cluster, const struct event *event)
{
    struct server *server = &cluster->server[lane_event_server(event)];
    switch ((enum cluster_event)(event->kind & ((1U << KIND_BITS) - 1))) {
    case EVENT_TURN:
        lane_ask(lane, cluster, event->handle);
        break;
    case EVENT_DEVICE:
        device_event(server, event->handle);
        break;
    case EVENT_SAVE:
        engine_prompt_ready(server->engine, lane->now_ns, event->handle);
        server_go_on(server);
        break;
    case EVENT_LOOK:
        engine_look(server->engine, lane->now_ns);
        server_go_on(server);
        break;
    }
}

enum status lane_too_late(struct error *err)
{
    return error_input(err, NULL, 0, "workload",
                       "turns, think times and arrivals that end within 292 years", NULL);
}

inline enum status lane_do(struct lane *lane, struct cluster *cluster, struct lane_next next,
                           struct error *err)
{
    lane->now_ns = next.time_ns;
    if (!next.is_event) {
        server_end_flows(&cluster->server[next.moving]);
        return STATUS_OK;
    }
    struct event event = event_heap_pop(&lane->events);
    if (event.time_ns >= TIME_END_NS)
        return lane_too_late(err);
    handle_event(lane, cluster, &event);
    return STATUS_OK;
}
