/* sweep/patience.h - how long a run may take: by what it does, not by a clock, so that every
 * machine gives up the same ones. Private to sweep/. A turn takes some 20 to 1,000 events of the
 * simulator's; one that takes a hundred times as many, on average, is computed again and again
 * (pushed out of HBM, and pushed out), and a run of such turns may never end. */
#ifndef REPRISE_SWEEP_PATIENCE_H
#define REPRISE_SWEEP_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

#define PATIENCE_EVENTS_A_TELL 4096 /* sim/cluster.c tells of its progress as often */
#define PATIENCE_EVENTS_PER_TURN 100000
#define PATIENCE_TURNS_GRANTED 200

struct patience {
    uint64_t tells;
    bool lost; /* for good */
};

/* The run has told of its progress once more. false: it is to be given up. */
static inline bool patience_lasts(struct patience *patience, uint64_t turns_done)
{
    patience->tells++;
    if (patience->tells * PATIENCE_EVENTS_A_TELL / PATIENCE_EVENTS_PER_TURN >
        turns_done + PATIENCE_TURNS_GRANTED)
        patience->lost = true;
    return !patience->lost;
}

#endif
