/* sim/fleet.h - the lanes of a fleet: fleet.c runs them, in windows of fleet_order.c, each by fleet_lane.c. Private to
 * these three. */
#ifndef REPRISE_SIM_FLEET_H
#define REPRISE_SIM_FLEET_H

#include "sim/cluster.h"
#include "sim/engine/service_part.h"
#include "sim/fleet_log.h"

/* Also bounds the threads. */
enum { LANES = 16 };

struct part {
    struct lane lane;
    struct service service;
    struct lane_log log; /* the lane's, where there is a pool */
    struct error err;
    enum status status;
    bool done;         /* nothing more happens here before the window ends... */
    bool held;         /* ... or what does waits for its turn among all */
    uint32_t arriving; /* a session whose first turn is asked here first of all; 0: none */
    uint64_t next_ns;  /* when something happens next, of what is not in the log */
};

struct fleet {
    struct cluster *cluster;
    struct part *part[LANES]; /* a block of memory each: threads write to them */
    /* The window ends there: at an arrival, or sooner (fleet_order.c). UINT64_MAX: never. */
    uint64_t until_ns, until_sequence;
    uint64_t arrival_sequence; /* of the last arrival */
    uint64_t told_events;
    /* Where there is a pool: */
    uint64_t window;           /* this one's number */
    uint64_t window_ns;        /* how long one is at most */
    uint64_t written;          /* tokens, to the pool: by the last step */
    double writes, writes_ns;  /* ... by all, and in which time */
    double writes_squared;     /* sum of the steps' squares */
    bool arrives;   /* it ends at an arrival, or at the end of all */
    bool holds_all; /* of its lanes */
};

/* What asking a turn schedules at once is less. */
#define ROOM_FOR_ARRIVAL (UINT64_C(1) << 20)
/* Of one lane, before others are asked whether the run shall go on. */
enum { EVENTS_A_ROUND = 16384 };

/* ---- fleet_lane.c: of a lane, by whoever has it to himself ---- */

/* All that happens there in the window that begins, until something is held. */
void fleet_lane_run(const struct fleet *fleet, struct part *part);
/* Its parts: the arriving session's turn is asked, if there is one; what is next happens, where there is a pool; the
 * rest. */
void fleet_lane_ask(const struct fleet *fleet, struct part *part);
void fleet_lane_do(const struct fleet *fleet, struct part *part, struct lane_next next);
void fleet_lane_go_on(const struct fleet *fleet, struct part *part);
/* Whose step it is; whether what the server does waits for its turn among all, where there is a pool. */
uint32_t fleet_lane_server(const struct lane *lane, struct lane_next next);
bool fleet_lane_is_held(const struct fleet *fleet, const struct server *server);

/* ---- fleet_order.c: where there is no pool nothing is held and no order asked for ---- */

/* Whether the pool, if there is one, allows lanes. */
bool fleet_order_may_begin(const struct cluster *cluster, uint32_t threads);
void fleet_order_begin(struct fleet *fleet);
/* The window that ends at the next arrival at the latest; false: it ends sooner. */
bool fleet_order_begin_window(struct fleet *fleet);
/* The window has ended but for what is held: that happens, and all is put in order. false: something happened that
 * would not have. */
bool fleet_order_settle(struct fleet *fleet);

#endif
