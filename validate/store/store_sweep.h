/* validate/store/store_sweep.h - sweeps and searches in the store: which runs they are made of,
 * which are done, and their metrics as one table. Beside store.h: same file, same promises. */
#ifndef REPRISE_VALIDATE_STORE_STORE_SWEEP_H
#define REPRISE_VALIDATE_STORE_STORE_SWEEP_H

#include "validate/store/store.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* ---- writing ---- */

/* One run that a sweep is made of, done or not. Its point's values are told with replication 0. */
struct store_member {
    uint32_t number, point, replication; /* number: unique in the sweep */
    const char *key;                     /* sweep/point_key.h */
    const char *const *values;           /* one an axis */
};

struct store_sweep {
    const char *hash;    /* equal for equal sweeps, whichever process begins them */
    const char *command; /* what was asked for, for people */
    uint32_t axes;
    const char *const *axis_keys;
};

/* *id is the sweep of that hash, which is made if there is none. Members may be added at once or as
 * a search finds them; one that is there already is left. STATUS_INPUT: its command is over 1 MiB. */
enum status store_begin_sweep(struct store *store, const struct store_sweep *sweep, int64_t *id,
                              struct error *err);
enum status store_add_members(struct store *store, int64_t sweep,
                              const struct store_member *members, uint32_t count,
                              struct error *err);

/* A point that has been run: the run, or why there cannot be one. */
struct store_point {
    const char *key;
    struct store_run run; /* failure NULL */
    const char *failure;
};
/* Writes them in one transaction, into the sweep's comparison; a point that is there already is
 * left as it is. */
enum status store_put_points(struct store *store, int64_t sweep, const struct store_point *points,
                             uint32_t count, struct error *err);

/* ---- reading ---- */

enum point_state { POINT_ABSENT, POINT_DONE, POINT_FAILED };
/* What is known of the point. *run, if not NULL, is set with POINT_DONE. */
enum status store_find_point(struct store *store, const char *key, enum point_state *state,
                             int64_t *run, struct error *err);

/* One member with all its metrics. */
struct sweep_row {
    int64_t run; /* 0: not done */
    uint32_t number, point, replication;
    char **values;          /* one an axis */
    char *failure;          /* NULL: done, or not done yet */
    struct metrics metrics; /* NaN where not done */
};
struct sweep_table {
    int64_t sweep;
    char *command;
    uint32_t axes, count;
    char **axis_keys;
    struct sweep_row *rows; /* by number */
    int64_t any_run;        /* 0: none is done */
};
/* sweep 0: the latest. The table is the caller's to sweep_table_free(), whatever is returned.
 * STATUS_INPUT: there is none. */
enum status store_load_sweep(struct store *store, int64_t sweep, struct sweep_table *table,
                             struct error *err);
void sweep_table_free(struct sweep_table *table);

struct sweep_summary {
    int64_t id;
    uint32_t runs, done; /* done: finished, or known not to run */
    const char *command;
};
/* Calls visit for each sweep, oldest first. */
enum status store_list_sweeps(struct store *store,
                              void (*visit)(const struct sweep_summary *sweep, void *context),
                              void *context, struct error *err);

/* The sweep whose comparison `run` belongs to, or the latest comparison when run is 0; 0: that is
 * no sweep. */
enum status store_sweep_of(struct store *store, int64_t run, int64_t *sweep, struct error *err);

/* The run's configuration; the caller frees it. */
enum status store_run_config(struct store *store, int64_t run, char **config_yaml,
                             struct error *err);

/* ---- whole databases ---- */

/* Adds what the database at `from` holds and this one does not: finished points with their runs and
 * curves, sweeps and their members. Comparisons that belong to no sweep are copied whole, each
 * time. *added: runs. One transaction. */
enum status store_merge(struct store *store, const char *from, uint64_t *added, struct error *err);

/* Writes all sweeps and points in an order that depends on their content only, without ids, times
 * and hosts: equal for databases of the same results, however many processes wrote them. */
enum status store_dump(struct store *store, FILE *out, struct error *err);

#endif
