/* sim/server.c - a server's turn when something has happened to it: the engine says what is next,
 * and its links and GPUs do it. */
#include "sim/cluster.h"

static void act(struct server *server, const struct engine_action *action)
{
    switch (action->kind) {
    case ENGINE_PREPARED:
        layer_arrivals_reset(&server->arrivals[action->stage],
                             server->cluster->setup->model.layers);
        break;
    case ENGINE_LOAD:
        copies_begin_load(server, action);
        break;
    case ENGINE_ALLOW:
        copies_allow(server, action);
        break;
    case ENGINE_COPY:
        copies_begin(server, action);
        break;
    case ENGINE_LOOK_AT:
        cluster_schedule(server, action->time_ns, EVENT_LOOK, action->session);
        break;
    case ENGINE_TURN_AT:
        cluster_schedule(server, action->time_ns, EVENT_TURN, action->session);
        break;
    case ENGINE_PREFILLED:
        handover_begin(server, action->session);
        break;
    case ENGINE_DROP:
    case ENGINE_SHARED:
    case ENGINE_PREEMPTED:
    case ENGINE_RELEASED:
        break; /* nothing moves */
    }
}

static void act_all(struct server *server)
{
    struct engine_action action;
    while (engine_take(server->engine, &action))
        act(server, &action);
}

void server_go_on(struct server *server)
{
    struct engine_iteration iteration;
    enum engine_step step;
    while ((step = engine_step(server->engine, now_of(server), UINT64_MAX, &iteration)) !=
           ENGINE_NOTHING) {
        act_all(server); /* loads that are not waited for come first, and ties by time so */
        if (step == ENGINE_START)
            device_start(server, &iteration);
        else
            device_cut(server);
    }
    act_all(server);
}

void server_decode_on(struct server *server)
{
    struct lane *lane = server->lane;
    struct engine_iteration iteration;
    uint64_t ended;
    enum engine_step step = engine_decode_on(server->engine, lane_next_ns(lane, server->cluster),
                                             &lane->now_ns, &ended, &iteration);
    lane->events_done += ended;
    if (step != ENGINE_START)
        return;
    act_all(server);
    device_start(server, &iteration);
}

/* All flows that end now are ended before anyone looks at what that makes possible. */
void server_end_flows(struct server *server)
{
    uint32_t user;
    lane_links_changed(server);
    copies_note_progress(server);
    while (links_step(&server->links, now_of(server), &user))
        copies_flow_ended(server, user);
    engine_look(server->engine, now_of(server));
    server_go_on(server);
}
