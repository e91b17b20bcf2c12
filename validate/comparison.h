/* validate/comparison.h - the simulator's prediction against runs of the same experiment in real
 * time, for each of several experiments at several loads; and what the simulator says that one has
 * over another against what it has in runs. */
#ifndef REPRISE_VALIDATE_COMPARISON_H
#define REPRISE_VALIDATE_COMPARISON_H

#include "runtime/serve.h"
#include "sim/sim.h"
#include "validate/store/store_measured.h"

#include <stdio.h>

/* What an error is told in: in % of what the runs had, or, of a share, in points. */
enum validated_unit { IN_PERCENT, IN_POINTS };

/* What is compared: X(metric, label, unit, tolerance, under overload). The tolerances are those of
 * issue and docs; 0: shown, not judged. Under overload TTFT is the queue's length, which grows as
 * long as the run goes on: there only what is marked so is judged. */
#define VALIDATED_METRICS(X)                                                                       \
    X(ttft_mean_ns, "TTFT mean", IN_PERCENT, 5, false)                                             \
    X(ttft_p50_ns, "TTFT P50", IN_PERCENT, 5, false)                                               \
    X(ttft_p90_ns, "TTFT P90", IN_PERCENT, 0, false)                                               \
    X(ttft_p99_ns, "TTFT P99", IN_PERCENT, 10, false)                                              \
    X(turns_per_s, "turns/s", IN_PERCENT, 2, true)                                                 \
    X(hit_rate_tokens, "hits, all tokens", IN_POINTS, 1, true)                                     \
    X(hit_tokens_hbm, "  tokens from HBM", IN_PERCENT, 0, false)                                   \
    X(hit_tokens_dram, "  tokens from DRAM", IN_PERCENT, 0, false)                                 \
    X(hit_tokens_ssd, "  tokens from SSD", IN_PERCENT, 0, false)                                   \
    X(hit_tokens_remote, "  tokens from pool", IN_PERCENT, 0, false)                               \
    X(h2d_bytes, "host to GPU", IN_PERCENT, 0, false)                                              \
    X(d2h_bytes, "GPU to host", IN_PERCENT, 0, false)                                              \
    X(ssd_read_bytes, "SSD read", IN_PERCENT, 0, false)                                            \
    X(ssd_written_bytes, "SSD written", IN_PERCENT, 0, false)                                      \
    X(remote_read_bytes, "pool read", IN_PERCENT, 0, false)                                        \
    X(queueing_mean_ns, "queueing, mean", IN_PERCENT, 0, false)                                    \
    X(prefill_mean_ns, "prefill, mean", IN_PERCENT, 0, false)                                      \
    X(tbt_mean_ns, "TBT mean", IN_PERCENT, 0, false)                                               \
    X(tpot_mean_ns, "TPOT mean", IN_PERCENT, 0, false)                                             \
    X(e2e_mean_ns, "end to end mean", IN_PERCENT, 0, false)                                        \
    X(gpu_busy_ns, "GPU busy", IN_PERCENT, 0, false)                                               \
    X(gpu_load_wait_ns, "  waiting for KV", IN_PERCENT, 0, false)

#define VALIDATED_INDEX(metric, label, unit, tolerance, overloaded) VALIDATED_##metric,
enum { VALIDATED_METRICS(VALIDATED_INDEX) VALIDATED_COUNT };

/* Those of which the difference between two experiments is compared, and how far from the runs'
 * difference the simulated one may be, in % of it. */
enum { DIFFERENCES = 2, DIFFERENCE_TOLERANCE_PERCENT = 15 };
/* Runs of a point; and simulations, whose arrivals come up to 1 % denser or thinner: by how much
 * results move then, no prediction can be better. */
enum { VALIDATED_RUNS_MOST = 32, VALIDATED_SIMS = 5 };

struct validated_metric {
    const char *name, *label;
    enum validated_unit unit;
    double tolerance; /* in the unit; 0: not judged here */
    double sim, run;  /* run: the mean of the repeats */
    double sim_half_range; /* half of what VALIDATED_SIMS simulations lie apart */
    double half_width;     /* of the runs' 95 % confidence interval (Student's t); NaN: one repeat */
    double error; /* of sim against run, in the unit; of two zeros 0 */
};

/* A load: the share of time that computing is busy for the first experiment, and the rate of
 * arrivals that gives it. */
struct validated_load {
    double percent; /* asked for; over 100: oversubscribed */
    bool reached;   /* else nothing was run at it */
    double rate; /* of sessions a second; of a trace, times as dense as it is in the file */
    double least_percent, most_percent; /* what rates give, from the lowest to the highest tried */
    double run_percent; /* what the first experiment's runs kept computing busy */
};
/* Points by which the runs may be less or more busy than a load of up to 100 %: else it was another. */
enum { LOAD_TOLERANCE_POINTS = 5 };

struct validated_point {
    const char *name;
    const struct validated_load *load;
    double utilisation_percent; /* what the run's compute was busy */
    double behind_percent;      /* of the runs' time: serve_report.late_ns */
    uint32_t repeats;
    struct iteration_totals iterations[ITERATION_KINDS]; /* of all runs */
    struct validated_metric metric[VALIDATED_COUNT];
};

/* How two differences go together: X(member, word). */
#define VERDICTS(X)                                                                                \
    X(VERDICT_AGREES, "agrees")          /* in sign, and in size within tolerance */               \
    X(VERDICT_NONE_SEEN, "none seen")    /* the simulated one is small, and with 0 in the interval */ \
    X(VERDICT_SMALL, "small")            /* both below what one value is judged to */              \
    X(VERDICT_UNSETTLED, "not settled")  /* past it, but within the runs' interval */              \
    X(VERDICT_DISAGREES, "disagrees")                                                              \
    X(VERDICT_UNJUDGED, "not judged")
enum validated_verdict { VERDICTS(CHOICE_MEMBER) };

/* What experiment `name` has more of than experiment `minus`, at the same load of the same trace. */
struct validated_difference {
    const char *name, *minus;
    const struct validated_load *load;
    const struct validated_metric *of; /* of `name`'s point: its name, label and unit */
    double sim, sim_half_range;
    double run, half_width; /* of a 95 % interval (Welch); NaN: one repeat */
    double tolerance_percent; /* 0: not judged */
    double error_percent;     /* of sim against run */
    enum validated_verdict verdict;
};

struct validation {
    const char *model, *hardware, *rate_key; /* rate_key: the experiment's, that loads set */
    char device[128];
    struct validated_load *load;
    struct validated_point *point; /* those of a load together */
    struct validated_difference *difference;
    uint32_t load_count, point_count, difference_count;
};

struct validated_experiment {
    const char *name; /* outlives the validation */
    const struct experiment *experiment;
};

struct validation_config {
    const struct validated_experiment *experiments; /* the first one's load sets the rates */
    const double *loads_percent;
    uint32_t experiment_count, load_count, repeats;
    struct serve_config serve;
    bool (*tell)(void *context, double share); /* false: stop */
    void *context;
};

/* Loads are looked for first, then all points are simulated, then run: at each load one run of each
 * experiment after another, and that `repeats` times, so that what changes on the machine meanwhile
 * meets all alike. STATUS_INPUT: the experiments differ in their trace; and what sim_run() and
 * serve_run() refuse. The validation is the caller's to validation_free(), whatever is returned. */
enum status validate(const struct validation_config *config, struct validation *validation,
                     struct error *err);
void validation_free(struct validation *validation);

/* As plain rows, for the store and the picture. The arrays are the caller's to
 * validation_rows_free(), their texts are the validation's. */
struct store_validation validation_rows(const struct validation *validation);
void validation_rows_free(struct store_validation *rows);
/* A point for each experiment and load, what each has over the others, and what of it agrees. */
void validation_print(FILE *out, const struct validation *validation);
/* Columns for gnuplot and people, a line a metric of a point or a difference. */
void validation_print_csv(FILE *out, const struct validation *validation);
/* Every load was reached, in the simulator and by the runs, and what is judged is within its tolerance times `scale`. */
bool validation_passes(const struct validation *validation, double scale);

#endif
