/* sweep/size_runs.h - runs of a search: looked up in the store or made, at one of its levels.
 * Private to sweep/. */
#ifndef REPRISE_SWEEP_SIZE_RUNS_H
#define REPRISE_SWEEP_SIZE_RUNS_H

#include "sweep/size.h"

struct size_runs {
    const struct size_question *question;
    struct size_answer *answer;
    struct runner *runner;
    struct store *store;
    const struct size_watch *watch;
    struct point_keys *keys;
    double begin, end; /* of the whole search's time, what this stage is thought to take */
    const char *stage; /* what it is, for people */
};

/* Begins the search in the store, with two last axes: "kv",
 * what is kept of it, and "fidelity", the share of the workload. */
enum status size_runs_begin(struct size_runs *runs, struct error *err);
void size_runs_end(struct size_runs *runs);

/* Fills answer->value[level] of the points that have none there yet. */
enum status size_runs_make(struct size_runs *runs, enum size_level level, const uint32_t *points,
                           uint32_t count, struct error *err);

/* Experiments that are no points of the space: metrics[i] of experiments[i]; ran[i]: whether it can
 * run. name: what they are, for people. */
enum status size_runs_make_other(struct size_runs *runs, const struct experiment *experiments,
                                 uint32_t count, const char *name, struct metrics *metrics,
                                 bool *ran, struct error *err);

/* Of the points of a level: state and violation. false: it was not run there, or cannot be. */
bool size_runs_ran(const struct size_runs *runs, enum size_level level, uint32_t point);

#endif
