/* sweep/plan.h - a sweep laid out: every run that it needs, numbered, with its key.
 * A pure function of what the user wrote and of the files named there: each rank and each shard
 * makes the same plan by itself. */
#ifndef REPRISE_SWEEP_PLAN_H
#define REPRISE_SWEEP_PLAN_H

#include "base/config_tree.h"
#include "sim/sim.h"
#include "sweep/axis.h"
#include "sweep/design.h"
#include "sweep/point_key.h"

/* One run of the plan: a point under one seed. */
struct plan_run {
    uint32_t point, replication;
    char key[POINT_KEY_BYTES];
    struct experiment experiment;
};

struct plan {
    struct axis *axes;
    uint32_t axis_count;
    struct points points;
    uint32_t replications; /* runs of a point: workload.seed, +1, +2... */
    struct plan_run *runs; /* point by point, replications together */
    uint32_t count;
    char hash[POINT_KEY_BYTES]; /* of axes, values and keys: the same sweep, the same hash */
};

/* tree: the base experiment, with its --set laid over; changed here, and of no use afterwards.
 * vary: axes as axis_parse() takes them. STATUS_INPUT: an axis or a value is refused, the same key
 * on two axes, replications of a trace file (which has no seed). inputs: as point_keys_new() has them. Whatever is returned, *plan is the
 * caller's to plan_free(). */
enum status plan_make(struct config_tree *tree, const char *const *vary, uint32_t vary_count,
                      const struct design *design, uint64_t replications, struct inputs *inputs,
                      struct plan *plan, struct error *err);
void plan_free(struct plan *plan);

/* The run's short name: what it takes on each axis ("64 GB, lru"); returns out. */
char *plan_run_name(const struct plan *plan, uint32_t run, char *out, size_t out_bytes);

#endif
