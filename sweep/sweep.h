/* sweep/sweep.h - a plan carried out: what the store has is left, the rest is run and stored.
 * Public interface of sweep/, with plan.h, crew.h and the other headers that say so. */
#ifndef REPRISE_SWEEP_SWEEP_H
#define REPRISE_SWEEP_SWEEP_H

#include "sweep/plan.h"
#include "sweep/runner.h"
#include "validate/store/store_sweep.h"

#include <stdbool.h>
#include <stdint.h>

/* Shard i of n has the runs whose number leaves i - 1 when divided by n: neighbours, which take
 * about as long, go to different shards. */
struct shard {
    uint32_t number, count; /* 1 <= number <= count */
};

struct sweep_count {
    uint32_t total;    /* runs of this shard, each key once */
    uint32_t found;    /* finished before */
    uint32_t finished; /* found, and run since */
    uint32_t failed;   /* of the finished: those that cannot run */
};

struct sweep_watch {
    /* Now and then; false stops the sweep. */
    bool (*tell)(void *context, const struct sweep_count *count);
    void *context;
};

/* Begins the sweep in the store (or goes on with it), runs what is missing, stores each run as it
 * ends. command: for people, kept with the sweep. A point that cannot run (its model does not
 * fit...) is stored with the reason and counted; STATUS_INPUT when that is so of all.
 * STATUS_INTERRUPTED: what ended is stored. *count is set, whatever is returned. */
enum status sweep_run(const struct plan *plan, struct shard shard, const char *command,
                      struct runner *runner, struct store *store, const struct sweep_watch *watch,
                      int64_t *sweep, struct sweep_count *count, struct error *err);

/* "i/n". */
enum status shard_parse(const char *text, struct shard *shard, struct error *err);

#endif
