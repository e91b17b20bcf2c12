/* sweep/paired.h - how much two runs differ that served the same load, and whether that is more than
 * chance. What the load does to both runs alike cancels in each pair, so that the difference is known far
 * better than either run's own value.
 *
 * Of several seeds a pair is a seed: differences of independent runs, Student's t (estimate.h).
 *
 * Of one run each a pair is a turn, by its session and its number in it. Turns near each other in time
 * stood in one queue and are no independent values: the time in which the base's turns were asked is cut
 * into cells, which are resampled in blocks (bootstrap.h). Blocks are a tenth of the time, as few as give
 * Student's t nine degrees of freedom: more of them would narrow the interval little and may cut what
 * belongs together (Schmeiser, Batch size effects in the analysis of simulation output, Operations
 * Research 30, 1982). What has a memory of more than a third of a block gets no interval. */
#ifndef REPRISE_SWEEP_PAIRED_H
#define REPRISE_SWEEP_PAIRED_H

#include "sweep/turn_log.h"

#include <stdbool.h>
#include <stdint.h>

#define PAIRED_BLOCKS 10
#define PAIRED_RESAMPLES 1000 /* the interval's width is known to 2 % */
#define PAIRED_SEED 1         /* of the resamples */

/* What a difference has no interval for. */
enum paired_doubt {
    PAIRED_NO_DOUBT,
    PAIRED_ONE_SEED,    /* or none under which both runs finished */
    PAIRED_FEW_TURNS,   /* in fewer than 4 cells a block */
    PAIRED_LONG_MEMORY, /* turns a third of a block apart are alike, as in a queue that only grows */
    PAIRED_NARROW_TAIL  /* one run's slowest 1 % came in fewer than 7 of the blocks */
};

struct difference {
    double value;      /* the run's less the base's; NaN: no pair */
    double half_width; /* of the 95 % interval; NaN: none, see doubt */
    enum paired_doubt doubt;
};

/* Whether the interval leaves out zero: a difference is seen. false also where there is no interval. */
bool difference_seen(const struct difference *difference);

/* The doubt in a word ("few-turns"), as JSON and the store have it; NULL: none. */
const char *paired_doubt_word(enum paired_doubt doubt);
/* The doubt of that word, or of NULL; of an unknown one that there were few turns. */
enum paired_doubt paired_doubt_of(const char *word);

/* base[i] and run[i] are the metric under seed i, NaN where it was not measured. */
struct difference paired_seeds(const double *base, const double *run, uint32_t seeds);

/* What is told of paired turns: the row of metrics.h of that name, over the pairs. */
enum paired_metric { PAIRED_TTFT_MEAN, PAIRED_TTFT_P99, PAIRED_HIT_RATE, PAIRED_METRICS };

/* Two runs' turns, paired. */
struct paired_turns;
/* The logs are sorted; they are not needed afterwards. The result is the caller's to free. */
struct paired_turns *paired_turns_new(const struct turn_log *base, const struct turn_log *run);
void paired_turns_free(struct paired_turns *pairs);
/* Turns that both runs measured. */
uint32_t paired_turns_count(const struct paired_turns *pairs);
/* Length of a block. */
uint64_t paired_turns_block_ns(const struct paired_turns *pairs);

/* Exactly 0, surely, where every pair's two turns are alike. resamples >= 2; the same pairs and resamples give the same bits. */
struct difference paired_turns_difference(const struct paired_turns *pairs,
                                          enum paired_metric metric, uint32_t resamples);

#endif
