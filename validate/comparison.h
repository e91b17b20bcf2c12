/* validate/comparison.h - the simulator's prediction against runs of the same experiment in real
 * time. */
#ifndef REPRISE_VALIDATE_COMPARISON_H
#define REPRISE_VALIDATE_COMPARISON_H

#include "runtime/serve.h"
#include "sim/sim.h"
#include "validate/store/store_measured.h"

#include <stdio.h>

/* What is compared: X(metric, tolerance in %: that of issue and docs; 0: shown, not judged). */
#define VALIDATED_METRICS(X)                                                                       \
    X(ttft_mean_ns, 5)                                                                             \
    X(ttft_p50_ns, 5)                                                                              \
    X(ttft_p90_ns, 0)                                                                              \
    X(ttft_p99_ns, 10)                                                                             \
    X(turns_per_s, 2)                                                                              \
    X(queueing_mean_ns, 0)                                                                         \
    X(prefill_mean_ns, 0)                                                                          \
    X(gpu_load_wait_ns, 0)                                                                         \
    X(gpu_busy_ns, 0)                                                                              \
    X(tbt_mean_ns, 0)                                                                              \
    X(hit_tokens_dram, 0)                                                                          \
    X(hit_tokens_ssd, 0)                                                                           \
    X(h2d_bytes, 0)                                                                                \
    X(d2h_bytes, 0)                                                                                \
    X(ssd_read_bytes, 0)                                                                           \
    X(ssd_written_bytes, 0)

#define VALIDATED_COUNT_ONE(metric, tolerance) +1
enum { VALIDATED_COUNT = 0 VALIDATED_METRICS(VALIDATED_COUNT_ONE), VALIDATED_RUNS_MOST = 32 };

struct validated_metric {
    const char *name;
    double tolerance_percent; /* 0: not judged */
    double sim, run;          /* run: the mean of the repeats */
    double half_width;        /* of its 95 % confidence interval (Student's t); NaN: one repeat */
    double error_percent;     /* 100 * (sim / run - 1); 0 when both are 0 */
};

struct validated_point {
    char policy[64];
    double load_percent; /* asked for; over 100: oversubscribed */
    double sessions_per_s;
    double utilisation_percent; /* what the run's compute was busy */
    double behind_percent;      /* of the runs' time: serve_report.late_ns */
    uint32_t repeats;
    struct iteration_totals iterations[ITERATION_KINDS]; /* of all runs */
    struct validated_metric metric[VALIDATED_COUNT];
};

struct validation {
    const char *model, *hardware;
    char device[128];
    struct validated_point *point; /* the caller's to free() */
    uint32_t count, capacity;
};

struct validation_config {
    struct experiment experiment; /* its workload's rate is set for each load */
    struct serve_config serve;
    const char *const *policies;
    const double *loads_percent;
    uint32_t policy_count, load_count, repeats;
    bool (*tell)(void *context, double share); /* false: stop */
    void *context;
};

/* A load is the share of time that the simulator says computing is busy, at the arrival rate found
 * by bisection for the first policy; loads over 100 % multiply the rate of 100 %. The same trace,
 * with the same seed, is simulated and run `repeats` times. */
enum status validate(const struct validation_config *config, struct validation *validation,
                     struct error *err);

/* As plain rows, for the store and the picture. Their array is the caller's to free(), their texts
 * are the validation's. */
struct store_validation validation_rows(const struct validation *validation);
/* A point for each policy and load; what is past its tolerance is marked. */
void validation_print(FILE *out, const struct validation *validation);
/* Columns for gnuplot and people, a line a metric. */
void validation_print_csv(FILE *out, const struct validation *validation);
/* Judged metrics at loads up to 100 % are all within their tolerance times `scale`. */
bool validation_passes(const struct validation *validation, double scale);

#endif
