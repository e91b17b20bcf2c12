/* sim/engine/service.h - what the engines of one run have in common: the sessions that they serve,
 * the pool that they share, and what is measured of all of them together. */
#ifndef REPRISE_SIM_ENGINE_SERVICE_H
#define REPRISE_SIM_ENGINE_SERVICE_H

#include "base/tournament.h"
#include "sim/engine/collector.h"
#include "sim/engine/routed.h"
#include "sim/engine/sessions.h"
#include "sim/engine/setup.h"
#include "sim/engine/watch.h"
#include "sim/engine/whereabouts.h"

struct engine;

struct service {
    const struct engine_setup *setup;
    struct collector collector;
    struct sessions sessions;
    const struct sim_progress *progress; /* hears of each turn that ends; NULL: nobody does */
    const struct watch *watch; /* hears of everything; NULL: nobody does */
    struct turn_note *turn_note; /* what it is told of turns, by session (watching.h) */
    uint32_t turn_notes;
    struct turn_place *turn_place; /* by turn, where drops are watched (watching.h) */
    uint32_t turn_places;
    struct first_asked *first_asked; /* of the trace's block keys, where it has some and somebody watches */
    struct pool *pool; /* the remote tier, or NULL */
    struct pool_counters pool_at_measure;
    struct engine **engine; /* setup->experiment->replicas; the first prefill_engines take turns */
    uint32_t engines, prefill_engines;
    uint32_t first_engine, engine_stride; /* of a part (service_part.h): which are its own; else 0, 1 */
    uint32_t next_server; /* round robin */
    struct tournament least_loaded;         /* of prefill_engines, of a part its own: by their turns */
    struct tournament least_loaded_decoder; /* where service_splits(): of the others */
    struct tournament most_loaded;          /* prefix affinity: of prefill_engines, UINT64_MAX less their turns */
    struct routed *routed; /* prefix affinity: of each of prefill_engines; else NULL */
    struct whereabouts whereabouts; /* ... and of a trace's keys */
    uint32_t waiting; /* turns asked whose prefill has not begun */
    uint64_t turns_started, turns_done;
};

/* With its engines, all idle. setup and trace are the caller's and outlive it. */
void service_init(struct service *service, const struct engine_setup *setup, struct trace *trace);
void service_free(struct service *service);
/* Before the first turn: progress, or NULL, and who watches in it, hear of the run. */
void service_tell(struct service *service, const struct sim_progress *progress);

/* Whether some servers only prefill, and others decode what these have made. */
static inline bool service_splits(const struct service *service)
{
    return service->prefill_engines < service->engines;
}

/* The first measured turn starts now: all counts are of what follows. */
void service_start_measuring(struct service *service, uint64_t now_ns);

/* Nothing is left to happen. STATUS_IO if turns wait all the same: a bug of ours, never the user's, and
 * what ran until then is no result. */
enum status service_check_whole(const struct service *service, struct error *err);

#endif
