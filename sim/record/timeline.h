/* sim/record/timeline.h - a run as a file in the Trace Event format, which ui.perfetto.dev and chrome://tracing open:
 * a process for each server, with lanes for its GPUs, their layers, each link and what each tier gives up, a counter
 * of its queue; and one process of turns, with an arrow from each to its session's next. docs/timeline.md says
 * what each event holds. Simulated and real runs are told alike. Source of the format: "Trace Event Format", Google
 * (2016), complete (X), instant (i), counter (C), flow (s, f) and metadata (M) events. */
#ifndef REPRISE_SIM_RECORD_TIMELINE_H
#define REPRISE_SIM_RECORD_TIMELINE_H

#include "base/error.h"
#include "sim/engine/watch.h"

/* The part of a run that is told: what touches it. */
struct timeline_span {
    uint64_t from_ns, to_ns; /* since the run began */
};

struct timeline_file;

/* run: its policy's name. STATUS_INPUT: a path that does not end in .json (behind which .gz may stand);
 * STATUS_IO: nothing can be created there. */
enum status timeline_open(const char *path, const char *run, struct timeline_span span,
                          struct timeline_file **file, struct error *err);
/* What of a run is told to it: members of struct watch, whose context is the file. */
void timeline_turn(void *file, const struct turn_row *row);
void timeline_copy(void *file, const struct watch_copy *copy);
void timeline_drop(void *file, const struct watch_drop *drop);
void timeline_iteration(void *file, const struct watch_iteration *iteration);
void timeline_layers(void *file, const struct watch_layers *layers);
void timeline_stall(void *file, uint32_t server, uint64_t begin_ns, uint64_t end_ns);
void timeline_queue(void *file, uint32_t server, uint64_t time_ns, uint32_t waiting);
void timeline_measures(void *file, uint64_t time_ns);
/* *is_empty: nothing of the run touched the span. STATUS_IO: it could not be written, and nothing is left. Frees file
 * either way. */
enum status timeline_finish(struct timeline_file *file, bool *is_empty, struct error *err);
void timeline_abandon(struct timeline_file *file); /* leaves nothing; NULL is fine */

#endif
