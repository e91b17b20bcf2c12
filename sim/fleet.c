/* sim/fleet.c - many servers on several threads. Where a session stays on one server, servers have
 * nothing to do with each other but when a session arrives: then the router compares their loads.
 * So between two arrivals the servers' lanes run side by side, each with its own clock, events and
 * part of the service, and at an arrival all stand still at its time. Where servers share a pool,
 * fleet_order.c cuts that time into shorter windows and puts in order what happened in each.
 *
 * Bytes are identical at any number of threads since lanes are always as many and have always the
 * same servers: threads only take them in turn. They are those of one lane, too: what happens on a
 * server happens in the same order, and what is measured is added up without loss (base/sum.h);
 * only the sums of decode iterations' lengths have fractions that another order might round
 * differently in the last bit (never seen). An arrival comes after all that was scheduled before it
 * at its very time, as in one lane: hence the sequences, which go on from arrival to arrival. */
#include "sim/fleet.h"

#include "base/memory.h"
#include "base/team.h"
#include "base/units.h"

#include <stdlib.h>

/* Fewer servers are not worth it. */
enum { SERVERS_LEAST = 2 * LANES };

bool fleet_may_begin(const struct cluster *cluster, uint32_t threads)
{
    const struct experiment *experiment = cluster->setup->experiment;
    const struct service *service = &cluster->service;
    const struct sim_progress *progress = service->progress;
    return service->turns_started > experiment->warmup_turns && service->engines >= SERVERS_LEAST &&
           !service_splits(service) && experiment->router == ROUTE_SESSION_STICKY &&
           fleet_order_may_begin(cluster, threads) && experiment->max_turns == 0 &&
           experiment->workload.concurrency == 0 && experiment->saving != SAVING_SYNCHRONOUS &&
           service->watch == NULL && (progress == NULL || progress->turn_ended == NULL);
}

/* ---- between arrivals ---- */

static void work(void *context, uint32_t lane)
{
    const struct fleet *fleet = context;
    fleet_lane_run(fleet, fleet->part[lane]);
}

/* What happened in the lanes is the run's. */
static bool settle(struct fleet *fleet)
{
    bool done = true;
    for (uint32_t i = 0; i < LANES; i++) {
        service_part_settle(&fleet->part[i]->service, &fleet->cluster->service);
        done = done && fleet->part[i]->done;
    }
    return done;
}

static enum status failure(const struct fleet *fleet, struct error *err)
{
    for (uint32_t i = 0; i < LANES; i++)
        if (fleet->part[i]->status != STATUS_OK) {
            *err = fleet->part[i]->err;
            return err->status;
        }
    return STATUS_OK;
}

static bool told_to_stop(struct fleet *fleet, const struct sim_progress *progress)
{
    struct cluster *cluster = fleet->cluster;
    uint64_t events = cluster->all.events_done;
    for (uint32_t i = 0; i < LANES; i++)
        events += fleet->part[i]->lane.events_done;
    if (progress == NULL || progress->tell == NULL || events - fleet->told_events < EVENTS_A_ROUND)
        return false;
    fleet->told_events = events;
    return !progress->tell(progress->context, cluster->service.turns_done,
                           trace_facts(cluster->trace).expected_turns,
                           trace_progress(cluster->trace));
}

/* ---- at an arrival ---- */

/* The least loaded server, of several the first. */
static uint32_t pick(struct fleet *fleet)
{
    uint32_t best = UINT32_MAX;
    uint64_t best_turns = UINT64_MAX;
    for (uint32_t i = 0; i < LANES; i++) {
        const struct tournament *loads = &fleet->part[i]->service.least_loaded;
        uint32_t server = i + tournament_first(loads) * LANES;
        uint64_t turns = tournament_first_key(loads);
        if (turns < best_turns || (turns == best_turns && server < best)) {
            best = server;
            best_turns = turns;
        }
    }
    return best;
}

/* From now on all that is scheduled comes behind what was until now. */
static void go_on_counting(struct fleet *fleet)
{
    uint64_t pushed = fleet->cluster->all.events.pushed;
    for (uint32_t i = 0; i < LANES; i++) {
        uint64_t here = fleet->part[i]->lane.events.pushed;
        pushed = here > pushed ? here : pushed;
    }
    fleet->cluster->all.events.pushed = pushed;
    for (uint32_t i = 0; i < LANES; i++)
        fleet->part[i]->lane.events.pushed = pushed;
}

static enum status read_next(struct cluster *cluster, struct error *err)
{
    uint32_t session;
    uint64_t arrival_ns;
    enum status status =
        sessions_read(&cluster->service.sessions, cluster->all.now_ns, &session, &arrival_ns, err);
    if (status == STATUS_OK && session != 0)
        event_heap_push(&cluster->all.events, arrival_ns, EVENT_TURN, session);
    return status;
}

/* Its lane will ask it, with what that schedules between what is scheduled by now and the next
 * arrival. */
static enum status arrive(struct fleet *fleet, struct error *err)
{
    struct cluster *cluster = fleet->cluster;
    struct event event = event_heap_pop(&cluster->all.events);
    cluster->all.events_done++;
    if (event.time_ns >= TIME_END_NS)
        return lane_too_late(err);
    cluster->all.now_ns = event.time_ns;
    fleet->arrival_sequence = event.sequence;
    uint32_t server = pick(fleet);
    sessions_arrive(&cluster->service.sessions, event.handle, event.time_ns, server);
    fleet->part[server % LANES]->arriving = event.handle;
    go_on_counting(fleet);
    cluster->all.events.pushed += ROOM_FOR_ARRIVAL;
    enum status status = read_next(cluster, err);
    go_on_counting(fleet);
    for (uint32_t i = 0; i < LANES; i++)
        service_part_follow(&fleet->part[i]->service, &cluster->service);
    return status;
}

/* ---- the rest of a run ---- */

/* The events of servers go to their lanes, in the order and with the sequences that they have;
 * sessions that are to arrive stay. */
static void deal_events(struct fleet *fleet)
{
    struct event_heap *all = &fleet->cluster->all.events, arrivals;
    uint64_t pushed = all->pushed;
    event_heap_init(&arrivals);
    while (all->count > 0) {
        struct event event = event_heap_pop(all);
        bool arrives = lane_event_is_turn(&event) &&
                       fleet->cluster->service.sessions.item[event.handle].turn == 0;
        struct event_heap *to =
            arrives ? &arrivals : &fleet->part[lane_event_server(&event) % LANES]->lane.events;
        to->pushed = event.sequence;
        event_heap_push(to, event.time_ns, event.kind, event.handle);
    }
    event_heap_free(all);
    *all = arrivals;
    all->pushed = pushed;
    go_on_counting(fleet);
}

static void begin(struct fleet *fleet, struct cluster *cluster)
{
    *fleet = (struct fleet){ .cluster = cluster };
    for (uint32_t i = 0; i < LANES; i++) {
        struct part *part = fleet->part[i] = memory_new(1, sizeof *part);
        service_part_init(&part->service, &cluster->service, cluster->all.now_ns, i, LANES);
        lane_init(&part->lane, cluster, &part->service, i, LANES);
        part->lane.now_ns = part->next_ns = cluster->all.now_ns;
    }
    fleet_order_begin(fleet);
    cluster->service.waiting = 0;
    collector_set_queue(&cluster->service.collector, cluster->all.now_ns, 0);
    deal_events(fleet);
}

/* Lane by lane, in their order. */
static void end(struct fleet *fleet)
{
    struct cluster *cluster = fleet->cluster;
    struct lane *all = &cluster->all;
    for (uint32_t i = 0; i < LANES; i++) {
        const struct lane *lane = &fleet->part[i]->lane;
        all->now_ns = lane->now_ns > all->now_ns ? lane->now_ns : all->now_ns;
        all->events_done += lane->events_done;
    }
    for (uint32_t i = 0; i < LANES; i++) {
        service_part_close(&fleet->part[i]->service, &cluster->service, all->now_ns);
        lane_free(&fleet->part[i]->lane);
        lane_log_free(&fleet->part[i]->log);
        free(fleet->part[i]);
    }
    for (uint32_t i = 0; i < cluster->service.engines; i++)
        cluster->server[i].lane = all;
}

static enum status serve(struct fleet *fleet, struct team *team,
                         const struct sim_progress *progress, bool *interrupted, struct error *err)
{
    const struct event_heap *arrivals = &fleet->cluster->all.events;
    enum status status = STATUS_OK;
    while (status == STATUS_OK) {
        fleet->until_ns = event_heap_next_ns(arrivals);
        fleet->until_sequence = arrivals->count > 0 ? event_heap_first(arrivals)->sequence : 0;
        bool arrives = fleet_order_begin_window(fleet);
        team_round(team);
        fleet->cluster->again = !fleet_order_settle(fleet);
        bool done = settle(fleet);
        status = failure(fleet, err);
        if (status != STATUS_OK || fleet->cluster->again ||
            (done && arrives && arrivals->count == 0))
            break;
        if (told_to_stop(fleet, progress)) {
            *interrupted = true;
            break;
        }
        if (done && arrives)
            status = arrive(fleet, err);
    }
    return status;
}

enum status fleet_run(struct cluster *cluster, uint32_t threads,
                      const struct sim_progress *progress, bool *interrupted, struct error *err)
{
    struct fleet fleet;
    begin(&fleet, cluster);
    struct team *team = team_start(threads < LANES ? threads : LANES, LANES, work, &fleet);
    enum status status = serve(&fleet, team, progress, interrupted, err);
    team_end(team);
    end(&fleet);
    return status;
}
