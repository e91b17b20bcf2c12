/* sweep/promise.h - a promise on what is measured: a metric and its limit. */
#ifndef REPRISE_SWEEP_PROMISE_H
#define REPRISE_SWEEP_PROMISE_H

#include "base/error.h"
#include "sim/engine/metrics.h"

#include <stdbool.h>

struct promise {
    int metric;
    double limit;  /* in the metric's unit */
    bool at_least; /* the metric is the better the larger it is; else it must not be above the limit
                    */
};

/* "ttft_p99=2s": a metric, with or without its _ns, and a limit with its unit; "goodput=99%" is
 * slo_attainment, "tokens_per_s=500" reply_tokens_per_s. STATUS_INPUT: no such metric, a time or a
 * size without a unit, a limit that is not above 0. */
enum status promise_parse(const char *text, struct promise *promise, struct error *err);

/* By how much it is missed: value / limit, or limit / value; at most 1: kept. */
double promise_violation(const struct promise *promise, const struct metrics *metrics);

/* "ttft_p99 <= 2.00 s"; returns out. */
char *promise_text(const struct promise *promise, char *out, size_t out_bytes);

#endif
