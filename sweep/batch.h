/* sweep/batch.h - runs that ended, stored together: one transaction for all that came at a time.
 * Private to sweep/. */
#ifndef REPRISE_SWEEP_BATCH_H
#define REPRISE_SWEEP_BATCH_H

#include "sweep/runner.h"
#include "validate/store/store_sweep.h"

struct batch {
    struct store *store;
    int64_t sweep;
    uint32_t count, capacity;
    struct batch_item {
        const char *key;
        struct outcome outcome;
        char *config_yaml, failure[1024], name[256];
        uint64_t seed;
    } * item;
};

/* key is borrowed until the flush; name and experiment are copied; the outcome is taken over. */
void batch_add(struct batch *batch, const char *key, const char *name,
               const struct experiment *experiment, struct outcome *outcome);
/* Stores what was added. On error nothing of it is stored, and it is dropped. */
enum status batch_flush(struct batch *batch, struct error *err);
void batch_free(struct batch *batch);

#endif
