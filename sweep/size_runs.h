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
    uint64_t trace_turns; /* of a trace file, once counted */
    double begin, end;    /* of the whole search's time, what this stage is thought to take */
};

/* Begins the search in the store, with a last axis "fidelity". */
enum status size_runs_begin(struct size_runs *runs, struct error *err);
void size_runs_end(struct size_runs *runs);

/* Fills answer->value[level] of the points that have none there yet. */
enum status size_runs_make(struct size_runs *runs, int level, const uint32_t *points,
                           uint32_t count, struct error *err);

/* Experiments that are no points of the plan: metrics[i] of experiments[i]; ran[i]: whether it can
 * run. */
enum status size_runs_make_other(struct size_runs *runs, const struct experiment *experiments,
                                 uint32_t count, struct metrics *metrics, bool *ran,
                                 struct error *err);

#endif
