/* validate/store/store.h - results in one SQLite file: WAL, STRICT tables, a schema version.
 * A run is one transaction: it is there whole or not at all. What is shown to a user can be made
 * again from here. Tables: docs/store.md. */
#ifndef REPRISE_VALIDATE_STORE_STORE_H
#define REPRISE_VALIDATE_STORE_STORE_H

#include "base/error.h"
#include "sim/engine/experiment.h"
#include "sim/engine/result.h"

#include <stdint.h>

struct store;

/* Where results go unless the user says otherwise. */
#define STORE_DEFAULT_PATH "reprise.db"

/* Opens path, creating it and its tables when it is not there, migrating an older schema. It may be anyone's: nothing
 * in it is run, and it is looked through first (3 ms a MB), so that what is read later is of the type and in the range
 * that it ought to be. A link is followed.
 * STATUS_IO: cannot be opened or written, is not a reprise database, holds what none does, or is of a newer schema.
 * read_only: must exist already and is not touched; where nobody has it open, nothing is made beside it either. */
enum status store_open(const char *path, bool read_only, struct store **store, struct error *err);
void store_close(struct store *store); /* NULL is fine */

/* At the end of reading a database that was opened read_only. STATUS_IO: another process began to write it meanwhile,
 * so that what was read may be of before and after. */
enum status store_still(const struct store *store, struct error *err);

struct store_run {
    const char *name;        /* the policy as given; labels tables and plots */
    const char *config_yaml; /* the whole configuration, as config_print_values() writes it */
    uint64_t seed;
    const struct sim_result *result;
    const struct turn_row *turns; /* to be kept, in any order; NULL: none */
    uint32_t turn_count;
};
/* Writes runs of one comparison together, in one transaction; *first_id is the first run's id, the
 * others follow. A disk that fills up in the middle leaves the file as it was: STATUS_IO. */
enum status store_put_runs(struct store *store, const struct store_run *runs, uint32_t count,
                           int64_t *first_id, struct error *err);

/* How much one run of a comparison differs from another one, where that takes more than their metrics: turns, which
 * are paired while they are there. */
struct store_run_difference {
    uint32_t base, run;   /* places among the comparison's runs */
    const char *metric;
    double value;         /* the run's less the base's; NaN: no pair */
    double half_width;    /* of the 95 % interval; NaN: none */
    const char *no_interval; /* why there is none, in a word; NULL: there is one */
    uint32_t pairs, resamples;
    uint64_t block_ns;
};
/* As store_put_runs(), with how the runs differ. */
enum status store_put_comparison(struct store *store, const struct store_run *runs, uint32_t count,
                                 const struct store_run_difference *differences,
                                 uint32_t difference_count, int64_t *first_id, struct error *err);

/* The latest comparison, or the one that `run` belongs to when run > 0: its policies, each under every seed that it
 * has. Runs of one name and different seeds are one policy; where not all have as many, what is there of the first
 * seeds. */
struct store_runs {
    uint32_t policies, seeds;
    int64_t *id;    /* id[seed * policies + policy] */
    uint64_t *seed; /* each seed's, of the first policy */
};
void store_runs_free(struct store_runs *runs);
/* STATUS_INPUT: no such run, or an empty database. */
enum status store_comparison_runs(struct store *store, int64_t run, struct store_runs *runs,
                                  struct error *err);
/* Calls `told` for each difference that is kept of the runs' comparison; base and run are places in ids, and both are
 * there. Texts hold until it returns. */
enum status store_differences(struct store *store, const int64_t *ids, uint32_t count,
                              void (*told)(const struct store_run_difference *difference, void *context),
                              void *context, struct error *err);

/* The latest comparison's run ids, or of the one that `run` belongs to when run > 0; where it has
 * several seeds, those of the first, or of run's. At most capacity. STATUS_INPUT: no such run, or an empty database. */
enum status store_comparison(struct store *store, int64_t run, int64_t *ids, uint32_t capacity,
                             uint32_t *count, struct error *err);
/* The run's name into name[name_bytes]. */
enum status store_run_name(struct store *store, int64_t run, char *name, size_t name_bytes,
                           struct error *err);
/* What the run's reprise did not measure yet is NaN. */
enum status store_metrics(struct store *store, int64_t run, struct metrics *metrics,
                          struct error *err);
/* The run's sentences, most important first, by `told`; a text holds until it returns. */
enum status store_findings(struct store *store, int64_t run,
                           void (*told)(const char *sentence, void *context), void *context,
                           struct error *err);
/* One curve of a run; x and y are the caller's to free. count 0 when the run has none by that name.
 */
enum status store_series(struct store *store, int64_t run, const char *name, struct series *series,
                         struct error *err);

#endif
