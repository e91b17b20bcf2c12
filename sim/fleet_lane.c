/* sim/fleet_lane.c - what a thread does with a lane of a fleet, which it has to itself until the
 * window ends. Where servers share a pool (fleet_order.c) each step is written down, with what it
 * scheduled and told the lane's part of the pool. */
#include "sim/fleet.h"

#include "sim/placement/pool_part.h"

static bool is_before_end(const struct fleet *fleet, const struct lane *lane, struct lane_next next)
{
    if (next.time_ns != fleet->until_ns)
        return next.time_ns < fleet->until_ns;
    return next.time_ns != UINT64_MAX &&
           (!next.is_event || event_heap_first(&lane->events)->sequence < fleet->until_sequence);
}

bool fleet_lane_is_held(const struct fleet *fleet, const struct server *server)
{
    return fleet->holds_all || server->held_in == fleet->window;
}

uint32_t fleet_lane_server(const struct lane *lane, struct lane_next next)
{
    return next.is_event ? lane_event_server(event_heap_first(&lane->events)) : next.moving;
}

static bool holds(const struct fleet *fleet, const struct lane *lane, struct lane_next next)
{
    return fleet_lane_is_held(fleet, &fleet->cluster->server[fleet_lane_server(lane, next)]);
}

/* ---- steps ---- */

static void write_down(struct part *part, struct lane_step step)
{
    step.pushes = part->log.pushes;
    step.notes = pool_part_notes(part->service.pool);
    lane_log_step(&part->log, step);
}

static void do_next(const struct fleet *fleet, struct part *part, struct lane_next next)
{
    part->lane.events_done++;
    part->status = lane_do(&part->lane, fleet->cluster, next, &part->err);
}

void fleet_lane_do(const struct fleet *fleet, struct part *part, struct lane_next next)
{
    struct lane_step step = { .time_ns = next.time_ns,
                              .server = next.moving,
                              .is_event = next.is_event };
    if (next.is_event)
        step.sequence = event_heap_first(&part->lane.events)->sequence;
    pool_part_now(part->service.pool, next.time_ns);
    do_next(fleet, part, next);
    write_down(part, step);
}

/* What that schedules comes before what else happens until the next arrival, and so before that
 * one: its sequences are known. */
void fleet_lane_ask(const struct fleet *fleet, struct part *part)
{
    struct event_heap *events = &part->lane.events;
    struct lane_log *log = part->lane.log;
    uint64_t pushed = events->pushed;
    if (part->arriving == 0)
        return;
    events->pushed = fleet->cluster->all.events.pushed - ROOM_FOR_ARRIVAL;
    part->lane.now_ns = fleet->cluster->all.now_ns;
    struct lane_step step = { .time_ns = part->lane.now_ns,
                              .sequence = fleet->arrival_sequence,
                              .is_event = true };
    if (log != NULL)
        pool_part_now(part->service.pool, step.time_ns);
    part->lane.log = NULL;
    lane_ask(&part->lane, fleet->cluster, part->arriving);
    part->lane.log = log;
    if (log != NULL)
        write_down(part, step);
    part->arriving = 0;
    events->pushed = pushed;
}

void fleet_lane_go_on(const struct fleet *fleet, struct part *part)
{
    bool ordered = part->lane.log != NULL;
    part->done = part->held = false;
    part->lane.until_ns = fleet->until_ns;
    for (uint32_t events = 0; part->status == STATUS_OK; events++) {
        struct lane_next next = lane_look(&part->lane, fleet->cluster);
        part->next_ns = next.time_ns;
        part->done = !is_before_end(fleet, &part->lane, next);
        part->held = ordered && !part->done && holds(fleet, &part->lane, next);
        if (part->done || part->held || (!ordered && events == EVENTS_A_ROUND))
            return;
        if (ordered)
            fleet_lane_do(fleet, part, next);
        else
            do_next(fleet, part, next);
    }
}

void fleet_lane_run(const struct fleet *fleet, struct part *part)
{
    if (part->lane.log != NULL) {
        lane_log_begin(&part->log, &part->lane.events, fleet->cluster->all.events.pushed,
                       fleet->until_ns);
        pool_part_forget_notes(part->service.pool);
    }
    fleet_lane_ask(fleet, part);
    fleet_lane_go_on(fleet, part);
}
