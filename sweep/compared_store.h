/* sweep/compared_store.h - policies that were compared, to the store and back. Differences over seeds come of the runs'
 * metrics; those turn by turn are kept, since their turns are not. */
#ifndef REPRISE_SWEEP_COMPARED_STORE_H
#define REPRISE_SWEEP_COMPARED_STORE_H

#include "sim/engine/experiment.h"
#include "sweep/compared.h"
#include "validate/store/store.h"

/* What is to be kept of how they differ; *count may be 0. The caller frees it. */
struct store_run_difference *compared_differences(const struct compared *compared, uint32_t *count);

/* A comparison of the store's. */
struct compared_kept {
    struct compared compared;
    struct store_runs runs;
    struct experiment *experiment; /* of each policy, under the first seed */
    char **text;                   /* names and findings that `compared` refers to */
    uint32_t text_count, text_capacity;
};

/* The comparison that `run` belongs to (0: the latest). Its differences are paired_by nothing where the store has
 * none: they were stored by an older reprise, or by who kept no turns. On any return *kept is the caller's to
 * compared_kept_free(). */
enum status compared_read(struct store *store, int64_t run, struct compared_kept *kept,
                          struct error *err);
void compared_kept_free(struct compared_kept *kept);

/* The experiment that a run was, of its configuration in the store. */
enum status compared_experiment(struct store *store, int64_t run, struct experiment *experiment,
                                struct error *err);

/* The warranty of the drives that the experiment's SSD tier is made of; 0: it has none. */
enum status compared_warranty(const struct experiment *experiment, double *years,
                              struct error *err);

#endif
