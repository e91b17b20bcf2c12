/* sim/fleet.h - the lanes of a fleet. Private to fleet.c and fleet_order.c. */
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

/* Of the lane, which has them to itself: the arriving session's turn is asked; what is next happens; all does that
 * happens before the window's end, or until something is held. */
void fleet_ask_arriving(const struct fleet *fleet, struct part *part);
void fleet_do(const struct fleet *fleet, struct part *part, struct lane_next next);
void fleet_go_on(const struct fleet *fleet, struct part *part);

/* fleet_order.c; where there is no pool nothing is held and no order asked for. */
/* Whether the pool, if there is one, allows lanes. */
bool fleet_order_may_begin(const struct cluster *cluster, uint32_t threads);
void fleet_order_begin(struct fleet *fleet);
/* The window that ends at the next arrival at the latest; false: it ends sooner. */
bool fleet_order_begin_window(struct fleet *fleet);
void fleet_order_begin_lane(const struct fleet *fleet, struct part *part);
/* fleet_do() where there is a pool, and what it and the asking of an arriving session do then. */
void fleet_order_do(const struct fleet *fleet, struct part *part, struct lane_next next);
void fleet_order_note(struct part *part, struct lane_step step);
bool fleet_order_holds(const struct fleet *fleet, const struct lane *lane, struct lane_next next);
/* The window has ended but for what is held: that happens, and all is put in order. false: something happened that
 * would not have. */
bool fleet_order_settle(struct fleet *fleet);

#endif
