/* sim/fleet_log.c - see fleet_log.h. */
#include "sim/fleet_log.h"

#include "base/memory.h"

#include <stdlib.h>

void lane_log_free(struct lane_log *log)
{
    free(log->step);
    free(log->push);
}

void lane_log_begin(struct lane_log *log, struct event_heap *events, uint64_t first_sequence,
                    uint64_t until_ns)
{
    for (uint32_t i = 0; i < log->pushes; i++) {
        const struct event *event = &log->push[i];
        if (event->time_ns < log->until_ns)
            continue;
        events->pushed = event->sequence;
        event_heap_push(events, event->time_ns, event->kind, event->handle);
    }
    log->steps = log->pushes = 0;
    log->steps_done = log->pushes_done = log->notes_done = 0;
    log->has_passed_over = false;
    log->first_sequence = first_sequence;
    log->until_ns = until_ns;
    log->waits_ns = UINT64_MAX;
}

void lane_log_push(struct lane_log *log, struct event_heap *events, const struct event *event)
{
    uint32_t at = log->pushes;
    memory_grow(&log->push, &log->push_capacity, (uint64_t)at + 1, sizeof *log->push);
    log->push[log->pushes++] = *event;
    if (event->time_ns >= log->until_ns) {
        log->waits_ns = event->time_ns < log->waits_ns ? event->time_ns : log->waits_ns;
        return;
    }
    events->pushed = log->first_sequence + at;
    event_heap_push(events, event->time_ns, event->kind, event->handle);
}

static void keep(struct lane_log *log, struct lane_step step)
{
    memory_grow(&log->step, &log->step_capacity, (uint64_t)log->steps + 1, sizeof *log->step);
    log->step[log->steps++] = step;
    log->has_passed_over = false;
}

/* Links that change at the very time of an event that was passed over have it before them. */
void lane_log_step(struct lane_log *log, struct lane_step step)
{
    const struct lane_step nothing = { 0 };
    const struct lane_step *last = log->steps > 0 ? &log->step[log->steps - 1] : &nothing;
    if (step.pushes == last->pushes && step.notes == last->notes) {
        log->passed_over = step.is_event ? step : log->passed_over;
        log->has_passed_over |= step.is_event;
        return;
    }
    if (log->has_passed_over && !step.is_event && log->passed_over.time_ns == step.time_ns)
        keep(log, log->passed_over);
    keep(log, step);
}
