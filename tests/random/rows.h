/* tests/random/rows.h - what who watches a run is told, summed: to be compared with the metrics. */
#ifndef REPRISE_TESTS_RANDOM_ROWS_H
#define REPRISE_TESTS_RANDOM_ROWS_H

#include "sim/engine/setup.h"
#include "sim/engine/watch.h"

/* Of measured turns, and of copies that ended since measuring began. Plain sums: may lie in memory that
 * processes share. */
struct row_sums {
    uint64_t turns, all_turns;
    double ttft_ns, all_load_wait_ns;
    struct turn_row sum;              /* of each column that is a count */
    uint64_t link_bytes[LINK_COUNT];
    const char *broken;               /* the first row that contradicts itself: how */
};

/* For sim_progress.watch; sums is its context. */
struct watch rows_watch(struct row_sums *sums);

#endif
