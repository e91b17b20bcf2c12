/* traces/reuse_counts.h - reuse distances counted by what is asked of them: hits by capacity, and
 * how many references there are of each distance. Private to traces/. */
#ifndef REPRISE_TRACES_REUSE_COUNTS_H
#define REPRISE_TRACES_REUSE_COUNTS_H

#include "traces/info.h"

#define REUSE_NEVER UINT64_MAX /* the distance of a block that was never touched */

/* Sums of weights: what each reference stands for, 1 if all are counted. */
struct reuse_counts {
    const uint64_t *capacity; /* ascending; the caller's */
    uint32_t capacities;
    /* Blocks whose leading run needs (capacity[k - 1], capacity[k]] blocks of cache: the largest
     * distance from the run's first block to this one lies there. The last one: more than any. */
    double run[TRACE_CAPACITIES_MOST + 1];
    double runs;                  /* leading runs of blocks seen before: all of run[] */
    double octave[TRACE_OCTAVES]; /* blocks whose own distance is in [2^k, 2^(k+1)) */
    double references;            /* those without a distance too */
};

/* What the run needs so far, while a request's blocks are gone through in order. Zeroed: its begin.
 */
struct reuse_run {
    uint64_t distance;
    uint32_t bin; /* of run[] */
};

void reuse_counts_init(struct reuse_counts *counts, const uint64_t *capacity, uint32_t capacities);
/* The request's next block. */
void reuse_counts_add(struct reuse_counts *counts, struct reuse_run *run, uint64_t distance,
                      double weight);
/* hits[i]: under LRU of capacity[i] blocks. */
void reuse_counts_hits(const struct reuse_counts *counts, double *hits);

#endif
