/* sim/fleet_log.h - what happened in a lane, for a fleet that has to know in which order all lanes' would
 * have happened in one. Of all that a lane schedules only the lane's own order is known until then, so that
 * what comes after the window waits for its sequence outside the events. Private to sim/. */
#ifndef REPRISE_SIM_FLEET_LOG_H
#define REPRISE_SIM_FLEET_LOG_H

#include "base/event_heap.h"

/* A server's links that changed, or an event. What was scheduled and noted meanwhile ends here. */
struct lane_step {
    uint64_t time_ns, sequence; /* of an event */
    uint32_t server;            /* of links */
    bool is_event;
    uint32_t pushes, notes;
};

struct lane_log {
    struct lane_step *step;
    struct event *push; /* sequence: once the order is known */
    uint32_t steps, step_capacity, pushes, push_capacity;
    uint32_t steps_done, pushes_done, notes_done; /* whose order is known */
    struct lane_step passed_over; /* the last step, if it was not kept and an event */
    bool has_passed_over;
    /* The lane's own sequences of what it schedules count from here, until the order is known. */
    uint64_t first_sequence;
    uint64_t until_ns; /* what comes then or later waits... */
    uint64_t waits_ns; /* ... and the first of that comes then; UINT64_MAX: nothing waits */
};

void lane_log_free(struct lane_log *log);
/* A new window, in which sequences count from there. What the last one left waiting is scheduled now. */
void lane_log_begin(struct lane_log *log, struct event_heap *events, uint64_t first_sequence,
                    uint64_t until_ns);
/* Schedules it, among the events or to wait. */
void lane_log_push(struct lane_log *log, struct event_heap *events, const struct event *event);
/* The lane has done it: kept, if others are concerned. */
void lane_log_step(struct lane_log *log, struct lane_step step);

/* The sequence in the order of all of one that the lane gave; of what is scheduled by a step whose order is
 * known. */
static inline uint64_t lane_log_sequence(const struct lane_log *log, uint64_t sequence)
{
    return sequence < log->first_sequence ? sequence
                                          : log->push[sequence - log->first_sequence].sequence;
}

#endif
