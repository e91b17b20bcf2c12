/* sim/fleet_order.c - lanes that share a pool. What servers tell it and ask it concerns keys of
 * their own alone, since sessions stay on a server. They have to do with each other only where the
 * pool makes room, or gives up what is too old: what goes is decided by the order of all.
 *
 * So a lane has a part of the pool (sim/placement/pool_part.h) and writes down what it did. After a
 * window of some dozens of steps the lanes' steps are put in the order that one lane would have
 * had: by time, links before events, links by server, events by their sequence, which what they
 * schedule is given only now. In that order the pool is told what its parts were.
 *
 * Whoever has something in the pool that may go within the window is held: it acts between the
 * others' steps, when its turn comes, on the pool itself. What may go is foreseen from how much was
 * written in other windows. If more goes and its server has gone on meanwhile, what it saw may have
 * been wrong: the run is given up and begins again on one thread. That was never seen but in tests.
 */
#include "sim/fleet.h"

#include "sim/placement/pool_part.h"

#include <math.h>

/* A window's steps are between half and twice as many. */
enum { STEPS_A_WINDOW = 32 };
#define FIRST_WINDOW_NS UINT64_C(1000000)
#define WINDOW_MOST_NS UINT64_C(100000000)
/* Foreseen is what is written in such a time, as it was in the last windows or so, and so many
 * standard deviations and contexts more; in the first ones all are held. */
enum { WINDOWS_REMEMBERED = 1024, DEVIATIONS = 6, CONTEXTS = 1, WINDOWS_HELD = 64 };
/* A pool of fewer contexts is written anew all the time. */
enum { CONTEXTS_LEAST = 16 };
/* What is used within a window must not expire there. */
#define TTL_LEAST_NS UINT64_C(1000000)

static struct pool *pool_of(const struct fleet *fleet)
{
    return fleet->cluster->service.pool;
}

/* Of sessions: what is told of each block takes as long to put in order as a second thread gains,
 * and a trace's blocks are no server's own. */
bool fleet_order_may_begin(const struct cluster *cluster, uint32_t threads)
{
    const struct engine_setup *setup = cluster->setup;
    if (cluster->service.pool == NULL)
        return true;
    uint64_t tokens = setup->remote_bytes / setup->kv.tier_bytes[TIER_REMOTE];
    uint64_t ttl_ns = pool_ttl_ns(cluster->service.pool);
    return threads > 1 && cluster->may_begin_again && setup->unit_tokens == UINT32_MAX &&
           tokens >= (uint64_t)CONTEXTS_LEAST * setup->window_tokens &&
           (ttl_ns == 0 || ttl_ns >= TTL_LEAST_NS);
}

void fleet_order_begin(struct fleet *fleet)
{
    fleet->window_ns = FIRST_WINDOW_NS;
    for (uint32_t i = 0; i < LANES && pool_of(fleet) != NULL; i++)
        fleet->part[i]->lane.log = &fleet->part[i]->log;
}

/* ---- on the pool itself ---- */

static void count_writes(struct fleet *fleet)
{
    double written = (double)fleet->written;
    fleet->writes += written;
    fleet->writes_squared += written * written;
}

/* What the pool has given up its part's server does not know yet: if it asked for that since, what
 * it was told was wrong. */
static bool tell_gone(struct fleet *fleet, uint64_t now_ns)
{
    struct pool_gone gone;
    while (pool_take_gone(pool_of(fleet), &gone)) {
        const struct server *server = &fleet->cluster->server[gone.user];
        bool in_order = fleet_lane_is_held(fleet, server);
        if (!pool_part_lose(fleet->part[gone.user % LANES]->service.pool, gone.key, now_ns) &&
            !in_order)
            return false;
    }
    return true;
}

/* The server's steps from here... */
static void begin_on_pool(struct fleet *fleet, const struct server *server)
{
    engine_use_pool(server->engine, pool_of(fleet));
    pool_part_stand_back(pool_of(fleet));
}

/* ... to now_ns tell the pool itself, which all that was before them has been told. What it has
 * given up for them may be there again. */
static bool end_on_pool(struct fleet *fleet, struct part *part, const struct server *server,
                        uint64_t now_ns)
{
    bool told = tell_gone(fleet, now_ns);
    fleet->written = 0;
    pool_part_catch_up(part->service.pool, pool_of(fleet), &fleet->written);
    count_writes(fleet);
    engine_use_pool(server->engine, part->service.pool);
    return told;
}

/* ---- a window begins ---- */

static uint64_t first_ns(const struct fleet *fleet)
{
    uint64_t first = UINT64_MAX;
    for (uint32_t i = 0; i < LANES; i++) {
        const struct part *part = fleet->part[i];
        uint64_t next = part->arriving != 0 ? fleet->cluster->all.now_ns : part->next_ns;
        next = part->log.pushes > 0 && part->log.waits_ns < next ? part->log.waits_ns : next;
        first = next < first ? next : first;
    }
    return first;
}

static void hold(void *context, uint32_t server)
{
    struct fleet *fleet = context;
    fleet->cluster->server[server].held_in = fleet->window;
}

static void foresee(struct fleet *fleet, double length_ns)
{
    const double kept = 1.0 - 1.0 / WINDOWS_REMEMBERED;
    double share = fleet->writes_ns > 0.0 ? length_ns / fleet->writes_ns : 0.0;
    double tokens = CONTEXTS * (double)fleet->cluster->setup->window_tokens +
                    share * fleet->writes + DEVIATIONS * sqrt(share * fleet->writes_squared);
    fleet->window++;
    fleet->writes *= kept;
    fleet->writes_squared *= kept;
    fleet->writes_ns = fleet->writes_ns * kept + length_ns;
    fleet->holds_all =
        !pool_foresee(pool_of(fleet), (uint64_t)tokens, fleet->until_ns, hold, fleet) ||
        fleet->window <= WINDOWS_HELD;
}

/* All that was before has happened, so that nothing was seen too early. */
static void ask_held(struct fleet *fleet)
{
    for (uint32_t i = 0; i < LANES; i++) {
        struct part *part = fleet->part[i];
        if (part->arriving == 0)
            continue;
        uint32_t index = fleet->cluster->service.sessions.item[part->arriving].server;
        const struct server *server = &fleet->cluster->server[index];
        if (!fleet_lane_is_held(fleet, server))
            return;
        begin_on_pool(fleet, server);
        fleet_lane_ask(fleet, part);
        end_on_pool(fleet, part, server, UINT64_MAX);
        return;
    }
}

bool fleet_order_begin_window(struct fleet *fleet)
{
    if (pool_of(fleet) == NULL)
        return true;
    uint64_t first = first_ns(fleet), ttl_ns = pool_ttl_ns(pool_of(fleet));
    uint64_t most = ttl_ns > 0 && ttl_ns / 2 < fleet->window_ns ? ttl_ns / 2 : fleet->window_ns;
    fleet->arrives = first > fleet->until_ns || fleet->until_ns - first <= most;
    if (!fleet->arrives) {
        fleet->until_ns = first + most;
        fleet->until_sequence = 0;
    }
    foresee(fleet, first < fleet->until_ns && first != UINT64_MAX
                       ? (double)(fleet->until_ns - first)
                       : 0.0);
    uint64_t expires_ns = pool_expires_ns(pool_of(fleet));
    for (uint32_t i = 0; i < LANES; i++)
        pool_part_expires(fleet->part[i]->service.pool, expires_ns);
    ask_held(fleet);
    return fleet->arrives;
}

/* ---- in the order of all ---- */

/* When the lane's next step is; UINT64_MAX: it has none in this window. */
static uint64_t time_of(const struct part *part)
{
    const struct lane_log *log = &part->log;
    if (log->steps_done < log->steps)
        return log->step[log->steps_done].time_ns;
    return part->held ? part->next_ns : UINT64_MAX;
}

/* Where it stands among those of its time. */
struct place {
    bool is_event;
    uint64_t order;
};

static struct place place_of(const struct fleet *fleet, struct part *part)
{
    const struct lane_log *log = &part->log;
    struct lane_step step;
    if (log->steps_done < log->steps) {
        step = log->step[log->steps_done];
    } else {
        struct lane_next next = lane_look(&part->lane, fleet->cluster);
        step = (struct lane_step){ .server = next.moving, .is_event = next.is_event };
        if (next.is_event)
            step.sequence = event_heap_first(&part->lane.events)->sequence;
    }
    if (!step.is_event)
        return (struct place){ false, step.server };
    return (struct place){ true, lane_log_sequence(log, step.sequence) };
}

static bool is_before(struct place a, struct place b)
{
    return a.is_event != b.is_event ? b.is_event : a.order < b.order;
}

/* Of the lanes whose next step is at that time, from `first` on the one whose step is first. */
static uint32_t first_at(const struct fleet *fleet, const uint64_t time_ns[LANES], uint32_t first)
{
    struct place best = place_of(fleet, fleet->part[first]);
    for (uint32_t i = first + 1, at = first; i < LANES; i++)
        if (time_ns[i] == time_ns[at]) {
            struct place place = place_of(fleet, fleet->part[i]);
            first = is_before(place, best) ? i : first;
            best = is_before(place, best) ? place : best;
        }
    return first;
}

/* The lane whose step is next in the order of all. */
static uint32_t first_lane(const struct fleet *fleet, const uint64_t time_ns[LANES])
{
    uint64_t first_ns = time_ns[0];
    uint32_t first = 0, others = 0;
    for (uint32_t i = 1; i < LANES; i++)
        first_ns = time_ns[i] < first_ns ? time_ns[i] : first_ns;
    for (uint32_t i = LANES; i-- > 0;) {
        others += time_ns[i] == first_ns;
        first = time_ns[i] == first_ns ? i : first;
    }
    return others > 1 && first_ns != UINT64_MAX ? first_at(fleet, time_ns, first) : first;
}

/* The lane's next step has its place: what it scheduled is given sequences, what it told the pool
 * is repeated. */
static bool pass(struct fleet *fleet, struct part *part)
{
    struct lane_log *log = &part->log;
    const struct lane_step *step = &log->step[log->steps_done++];
    for (; log->pushes_done < step->pushes; log->pushes_done++)
        log->push[log->pushes_done].sequence = fleet->cluster->all.events.pushed++;
    uint32_t from = log->notes_done;
    log->notes_done = step->notes;
    if (from == step->notes)
        return true;
    fleet->written = 0;
    if (!pool_repeat(pool_of(fleet), part->service.pool, from, step->notes, &fleet->written))
        return false;
    count_writes(fleet);
    return tell_gone(fleet, step->time_ns);
}

/* The lane's held step is next: it happens on the pool itself. */
static bool act(struct fleet *fleet, struct part *part)
{
    struct lane_next next = lane_look(&part->lane, fleet->cluster);
    const struct server *server = &fleet->cluster->server[fleet_lane_server(&part->lane, next)];
    begin_on_pool(fleet, server);
    fleet_lane_do(fleet, part, next);
    if (!end_on_pool(fleet, part, server, next.time_ns))
        return false;
    if (part->log.steps_done < part->log.steps && !pass(fleet, part))
        return false;
    fleet_lane_go_on(fleet, part);
    return true;
}

static bool settle_next(struct fleet *fleet, struct part *part)
{
    return part->log.steps_done < part->log.steps ? pass(fleet, part) : act(fleet, part);
}

static void adapt(struct fleet *fleet)
{
    uint64_t steps = 0;
    for (uint32_t i = 0; i < LANES; i++)
        steps += fleet->part[i]->log.steps;
    if (steps > UINT64_C(2) * STEPS_A_WINDOW && fleet->window_ns > 1)
        fleet->window_ns /= 2;
    else if (steps < STEPS_A_WINDOW / 2 && !fleet->arrives && fleet->window_ns < WINDOW_MOST_NS)
        fleet->window_ns *= 2;
}

bool fleet_order_settle(struct fleet *fleet)
{
    uint64_t time_ns[LANES];
    if (pool_of(fleet) == NULL)
        return true;
    for (uint32_t i = 0; i < LANES; i++) {
        pool_repeat_soon(pool_of(fleet), fleet->part[i]->service.pool);
        time_ns[i] = time_of(fleet->part[i]);
    }
    for (;;) {
        uint32_t first = first_lane(fleet, time_ns);
        if (time_ns[first] == UINT64_MAX)
            break;
        if (!settle_next(fleet, fleet->part[first]))
            return false;
        time_ns[first] = time_of(fleet->part[first]);
    }
    adapt(fleet);
    return true;
}
