/* sim/cluster.h - serving in virtual time: the state of one run and what its rooms ask of each
 * other. A cluster is one clock and the servers behind a router; a server is an engine
 * (sim/engine/, which knows no time), its links and its GPUs as timing models them. Private to
 * sim/.
 *   cluster.c   the run: arrivals, and what its counts come to
 *   lane.c      the clock and the events of all servers, or of those that one thread has
 *   fleet.c     the lanes of many servers, side by side between one arrival and the next
 *   fleet_lane.c   what a thread does with one of them
 *   fleet_order.c  what their lanes did, in the order of one lane, where servers share a pool
 *   server.c    a server's turn when something has happened to it
 *   device.c    how long the GPUs take: iterations with layers that wait, decoding in closed form
 *   copies.c    what the engine wants copied, as flows over the links, layer by layer
 *   handover.c  a prefilled turn's KV on its way to the server that decodes it */
#ifndef REPRISE_SIM_CLUSTER_H
#define REPRISE_SIM_CLUSTER_H

#include "base/event_heap.h"
#include "base/tournament.h"
#include "sim/engine/engine.h"
#include "sim/links.h"
#include "sim/overlap.h"

enum cluster_event {
    EVENT_TURN,   /* a session arrives, or its user has thought: its next turn is asked */
    EVENT_DEVICE, /* what the GPUs do ends; stale unless its handle is device.sequence */
    EVENT_SAVE,   /* the session's prompt KV begins to be saved */
    EVENT_LOOK    /* the engine wants to look again */
};

/* A load whose layers come in one after the other. */
struct moving_load {
    uint32_t transfer; /* the core's; 0: this slot is free */
    uint32_t session;
    uint32_t links; /* mask of the links it crosses */
    uint64_t size_bytes;
    uint32_t stage;        /* which of server.arrivals its layers come into, or STAGE_NONE */
    uint32_t flow;         /* moving now, or 0 */
    uint32_t begun_layers; /* its first layers that are moving or done */
    uint32_t allowed_layers;
    struct overlap_load progress;
};

/* Iteration k (from 0) of decoding alone takes base + per_token * (context + k * batch), and for
 * windowed layers + window_token * (window + k * those whose window grows). */
struct decode_segment {
    uint64_t start_ns, iterations;
    double base_ns, per_token_ns, window_token_ns;
    double context_tokens, batch, window_tokens, window_batch;
};

enum device_state { DEVICE_IDLE, DEVICE_LOADING, DEVICE_PREFILL, DEVICE_DECODE };

struct device {
    enum device_state state;
    uint32_t sequence; /* of its next EVENT_DEVICE */
    uint64_t start_ns;
    struct engine_iteration iteration;
    uint64_t wait_ns, decode_ns; /* of the iteration: see struct iteration_end */
    struct decode_segment segment;
};

struct cluster;

/* Servers whose events happen one after the other: all of them, or of a fleet (fleet.c) some. */
struct lane {
    struct service *service; /* the cluster's, or a part of it */
    struct event_heap events;
    struct tournament next_links; /* by server, as the router's: when its links change next... */
    uint32_t *changed, changed_count; /* ... but of these, which were told since */
    uint32_t first, stride;           /* servers first, first + stride, ... of the cluster */
    uint64_t now_ns, events_done;
    uint32_t expected_turn, expected_step; /* the session whose turn was seen to come next; engine_expect_turn() */
    uint64_t until_ns; /* then something happens that others bring; UINT64_MAX: nothing does */
    struct lane_log *log; /* fleet_log.h; NULL: nobody asks in which order things happen here */
};

struct server {
    struct cluster *cluster;
    struct lane *lane;
    struct engine *engine; /* the service's */
    uint32_t index, place; /* in the cluster; among its lane's */
    struct links links;
    struct device device;
    struct moving_load *load;   /* by the engine's slot */
    uint32_t loads, loads_used; /* slots; those in use are among the first loads_used */
    struct layer_arrivals arrivals[ENGINE_STAGES]; /* when each layer's KV comes */
    uint32_t handover_head, handover_tail; /* turns to come for decoding, linked by session.next */
    bool links_told; /* it is among lane.changed */
    uint64_t held_in; /* fleet_order.c: the window in which it acts in the order of all */
};

struct cluster {
    const struct engine_setup *setup;
    struct service service;
    struct trace *trace;
    struct server *server; /* service.engines */
    struct lane all;       /* until, and unless, a fleet's lanes have them */
    uint64_t next_tell;    /* of `all`: when so many events are done */
    bool may_begin_again;
    bool again;            /* the run is none: it is to begin again, on one thread (fleet_order.c) */
};

static inline struct session *session_at(const struct server *server, uint32_t handle)
{
    return &server->cluster->service.sessions.item[handle];
}

static inline uint64_t now_of(const struct server *server)
{
    return server->lane->now_ns;
}

/* Runs the trace to its end, or until progress stops it (result->interrupted). Fills metrics and
 * series but for cost, wear and findings. *again, never on one thread: it is to be run again there, and the
 * result is none; NULL: it cannot be, as the trace can be read but once. STATUS_INPUT or STATUS_IO: the trace's. STATUS_INTERNAL: turns were left over. */
enum status cluster_run(const struct engine_setup *setup, struct trace *trace, uint32_t threads,
                        const struct sim_progress *progress, struct sim_result *result,
                        bool *again, struct error *err);

/* lane.c */
void cluster_schedule(struct server *server, uint64_t time_ns, enum cluster_event kind,
                      uint32_t handle);

/* The cluster's servers first, first + stride, ...; nothing is to happen. */
void lane_init(struct lane *lane, struct cluster *cluster, struct service *service, uint32_t first,
               uint32_t stride);
void lane_free(struct lane *lane);
/* What happens next: the links of a server change, or else an event. */
struct lane_next {
    uint64_t time_ns;   /* UINT64_MAX: nothing does */
    uint32_t moving;    /* whose links change */
    bool is_event;      /* no links do */
};
struct lane_next lane_look(struct lane *lane, struct cluster *cluster);
bool lane_event_is_turn(const struct event *event);
/* Whose event it is; of a turn the server that asked for it, not the one that it goes to. */
uint32_t lane_event_server(const struct event *event);
/* It happens. STATUS_INPUT: it is too late to be told in nanoseconds. */
enum status lane_do(struct lane *lane, struct cluster *cluster, struct lane_next next,
                    struct error *err);
/* STATUS_INPUT, and why: an event comes at the end of time. */
enum status lane_too_late(struct error *err);
/* The session's next turn is asked now. */
void lane_ask(struct lane *lane, struct cluster *cluster, uint32_t session);
/* The server's links were started or stepped. */
void lane_links_changed(struct server *server);
/* When something happens next, whatever the one that acts now goes on to do; TIME_END_NS at the latest. */
uint64_t lane_next_ns(struct lane *lane, struct cluster *cluster);

/* fleet.c */
/* Whether, as things are now, the rest of the run may go on in several lanes at once. */
bool fleet_may_begin(const struct cluster *cluster, uint32_t threads);
/* The rest of the run, on up to that many threads, whose number changes nothing. */
enum status fleet_run(struct cluster *cluster, uint32_t threads, const struct sim_progress *progress,
                      bool *interrupted, struct error *err);

/* server.c */
/* An iteration of the server's has ended: goes on with those that only decode, as far as nothing else
 * happens before they have ended; now_ns goes with them. */
void server_decode_on(struct server *server);
/* Something was told to the server's engine: does what it says is next. */
void server_go_on(struct server *server);
/* The links of the server change now: ends the flows that end. */
void server_end_flows(struct server *server);

/* device.c */
/* The iteration begins now. */
void device_start(struct server *server, const struct engine_iteration *iteration);
/* Of the iterations that repeat, the one that runs is the last. */
void device_cut(struct server *server);
/* Its event: what it does has ended, unless that was cut short. */
void device_event(struct server *server, uint32_t sequence);
/* The device waits for this session's loads. */
bool device_waits_for(const struct server *server, uint32_t session);
/* They have ended: it is known when each layer's KV came. */
void device_loads_ended(struct server *server);

/* copies.c */
void copies_begin_load(struct server *server, const struct engine_action *action);
/* The load in the action's slot may go as far as its first action->layers layers. */
void copies_allow(struct server *server, const struct engine_action *action);
void copies_begin(struct server *server, const struct engine_action *action);
/* Notes how far the loads are; call before the links change. */
void copies_note_progress(struct server *server);
/* Sends the session's context to the server that decodes it. */
void copies_hand_over(struct server *server, uint32_t session, uint64_t size_bytes);
/* A flow has ended. */
void copies_flow_ended(struct server *server, uint32_t flow_user);

/* handover.c */
/* The prefilled turn goes to another server for decoding, as soon as that one has room. */
void handover_begin(struct server *server, uint32_t session);
/* A place or HBM may be free here: takes in turns that wait for it. */
void handover_take(struct server *decoder);
void handover_ended(struct server *server, uint32_t session);

#endif
