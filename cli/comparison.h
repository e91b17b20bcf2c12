/* cli/comparison.h - one experiment under several policies: runs them, in threads, and stores them.
 */
#ifndef REPRISE_CLI_COMPARISON_H
#define REPRISE_CLI_COMPARISON_H

#include "cli/record_options.h"
#include "sim/sim.h"
#include "sweep/compared.h"
#include "sweep/turn_log.h"
#include "validate/store/store.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct run {
    struct experiment experiment; /* its .policy is the run's name */
    struct sim_result result;
    struct record record; /* rows of its turns, if they are asked for */
    bool finished; /* result holds a whole run */
    struct turn_log log; /* sorted, where they are paired; else empty */
    struct error err;
    /* For the progress line, by the run's thread. */
    atomic_uint_fast64_t turns;
    atomic_uint_fast32_t share_millionths;
};

/* What no policy could exceed: comparison_bound.h. */
struct comparison_bound {
    bool known;
    bool unlimited;  /* of a cache without limit: the order of look-ups, or their room, is not known
                      */
    uint64_t blocks; /* that HBM, DRAM and SSD hold together, unless unlimited */
    double hit_rate_tokens; /* upper bound on the metric of that name */
};

struct comparison {
    struct run *runs; /* one a policy: what is shown */
    uint32_t count;
    /* NULL: one seed. Else every policy under each seed, seed by seed, of which runs[] are the means
     * (comparison_seeds.h), without a result of their own. */
    struct run *seed_runs;
    uint32_t seeds;
    bool pairs_turns;   /* one seed: the runs' turns are kept, to be paired */
    bool may_replicate; /* more seeds could be run */
    uint32_t resamples; /* of the runs' time; 0: as paired.h has it */
    struct comparison_bound bound;
    struct compared compared; /* runs[], once all that are shown are there */
    const struct record_options *recording; /* the caller's; NULL: nothing is asked for */
    struct record_asked asked;
};

/* A run of the tree's experiment for each name of `policies`, a list with commas (NULL: the tree's
 * policy); says on stderr where a preset overrides the tree. The comparison is the caller's to
 * free, whatever is returned. */
enum status comparison_init(struct comparison *comparison, const struct config_tree *tree,
                            const char *policies, struct error *err);
void comparison_free(struct comparison *comparison);

/* Of every run that follows is kept what these options ask for; they outlive the comparison. STATUS_INPUT: what
 * they do not mean. */
enum status comparison_record(struct comparison *comparison, const struct record_options *options,
                              struct error *err);
/* For who runs them one by one: run->record is begun before, and ended as the run was. */
enum status comparison_record_begin(const struct comparison *comparison, struct run *run);
enum status comparison_record_end(struct run *run);
/* What `--replications` asks for, after comparison_init(): so many seeds of a generated workload
 * (workload.seed, +1...; 0 or 1: one), or so many resamples of a trace's time (0: the usual). STATUS_INPUT:
 * too many, or too few of these. */
enum status comparison_replicate(struct comparison *comparison, uint64_t replications,
                                 struct error *err);

/* Runs all, at most `threads` at a time (0: as many as there are cores), drawing progress. The
 * first run that fails stops the others and its error is returned. STATUS_INTERRUPTED: stopped by
 * the user; runs that had finished are whole, the others are taken out of the comparison
 * (comparison_keep_finished()). Results do not depend on threads. */
enum status comparison_run(struct comparison *comparison, uint64_t threads, struct error *err);

/* Takes the runs that did not finish out of the comparison; of several seeds, those under which not
 * every policy finished. */
void comparison_keep_finished(struct comparison *comparison);

/* Stores every run, as one comparison. */
enum status comparison_store(const struct comparison *comparison, struct store *store,
                             int64_t *first_id, struct error *err);

/* What follows the runs, in virtual and in real time alike, of which `ran` is the status: those
 * that finished are stored (store NULL: are not) and printed, also where the user stopped the rest;
 * where all did, with what no policy could exceed. Returns `ran`, or what failed here. */
enum status comparison_conclude(struct comparison *comparison, enum status ran, struct store *store,
                                bool json, struct error *err);

#endif
