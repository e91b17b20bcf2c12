/* tests/random/rows.h - what who watches a run is told, summed: to be compared with the metrics. */
#ifndef REPRISE_TESTS_RANDOM_ROWS_H
#define REPRISE_TESTS_RANDOM_ROWS_H

#include "sim/engine/setup.h"
#include "sim/engine/watch.h"

enum { ROWS_SERVERS_MOST = 64, ROWS_TURNS_MOST = 16384 };

/* Of measured turns, and of copies that ended since measuring began; flows and GPUs: of all the run.
 * Plain sums: may lie in memory that processes share. */
struct row_sums {
    uint64_t turns, all_turns;
    uint64_t in_bytes[TIER_KINDS];                            /* of copies that ended */
    int64_t held_bytes[TIER_KINDS], least_bytes[TIER_KINDS]; /* less what went: now, and ever */
    struct {
        uint64_t link_bytes[LINK_COUNT], from_ns[LINK_COUNT], to_ns[LINK_COUNT]; /* of its copies */
        uint64_t copies[LINK_COUNT];
        uint64_t iterated_ns; /* the end of its last iteration */
    } server[ROWS_SERVERS_MOST]; /* those with higher numbers are left out */
    double ttft_ns, all_load_wait_ns;
    /* Of the first measured turns: the waits that users have. gap_ns: from token to token, on average. */
    uint64_t ttft_of_ns[ROWS_TURNS_MOST], e2e_of_ns[ROWS_TURNS_MOST], gap_of_ns[ROWS_TURNS_MOST];
    uint64_t measures_ns, last_end_ns; /* when measuring begins, and the last measured turn's end */
    struct turn_row sum;              /* of each column that is a count */
    uint64_t link_bytes[LINK_COUNT];
    const char *broken;               /* the first row that contradicts itself: how */
};

/* For sim_progress.watch; sums is its context. */
struct watch rows_watch(struct row_sums *sums);

#endif
