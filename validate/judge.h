/* validate/judge.h - what a point's simulations and runs say of each other, and two points'
 * differences. Statistics and verdicts: nothing runs here. Private to validate/. */
#ifndef REPRISE_VALIDATE_JUDGE_H
#define REPRISE_VALIDATE_JUDGE_H

#include "validate/comparison.h"

/* All that was measured at a point. */
struct point_results {
    struct metrics sim[VALIDATED_SIMS]; /* [0]: at the load's own rate */
    struct metrics run[VALIDATED_RUNS_MOST];
};

/* Fills point->metric; its load and repeats are set. */
void judge_point(struct validated_point *point, const struct point_results *results);

/* What `point` has over `minus`, at one load and with as many repeats; of difference number which
 * (under DIFFERENCES: hits, TTFT). Half of the runs' interval is Welch's: repeats of two
 * experiments have nothing but the trace in common, and that is the same in all. */
struct validated_difference judge_difference(const struct validated_point *point,
                                             const struct point_results *results,
                                             const struct validated_point *minus,
                                             const struct point_results *minus_results, int which);

/* The load was run, and was the one that was asked for. */
bool judge_load_reached(const struct validated_load *load, double scale);
/* tolerance 0 is within. */
bool judge_within(const struct validated_metric *metric, double scale);
/* All that is judged at the point. */
bool judge_point_within(const struct validated_point *point, double scale);
/* Past its tolerance, but the runs' own interval is wider: they do not settle it. */
bool judge_unsettled(const struct validated_metric *metric);
const char *judge_verdict_word(enum validated_verdict verdict);

#endif
