/* validate/store/store_measured.h - calibrations and validations in the store; docs/store.md has
 * the tables. Plain rows: who measured them, and on what, is not known here. */
#ifndef REPRISE_VALIDATE_STORE_STORE_MEASURED_H
#define REPRISE_VALIDATE_STORE_STORE_MEASURED_H

#include "validate/store/store.h"

#include <stdbool.h>

/* What was measured at (x, y), in ns. */
struct store_sample {
    const char *what;
    double x, y, value_ns;
};

/* One parameter of one fitted line or point. */
struct store_fit {
    char what[48], parameter[32]; /* "copy_h2d", "bytes_per_s" */
    double x, y;                  /* of points: where; else 0 */
    double value, low, high;      /* estimate and its 95 % confidence interval */
    double residual; /* of a line: median absolute relative residual; of a point: (max - min) /
                        median */
    uint32_t samples;
};

struct store_calibration {
    const char *name, *device;
    const struct store_sample *samples;
    const struct store_fit *fits;
    uint32_t sample_count, fit_count;
};

/* One metric at one load under one policy, simulated and run. */
struct store_validated {
    const char *policy, *metric;
    double load_percent;
    double sim, run, half_width; /* run: the mean of the repeats; NaN half_width: of one */
    double sim_half_range;       /* how far sim moves with the load */
    const char *tolerance_unit;  /* "%" of run, or "points" of a share */
    double tolerance;            /* 0: not judged */
    double error;                /* of sim against run; follows from them and is not kept */
    uint32_t repeats;
};

/* What one policy has more of than another, at one load. */
struct store_difference {
    const char *policy, *minus, *metric, *verdict;
    double load_percent;
    double sim, sim_half_range, run, half_width; /* NaN half_width: of one run each */
    double tolerance_percent;                    /* 0: not judged */
    uint32_t repeats;
};

/* A load and the rate that gives it, if any does. */
struct store_load {
    double percent, rate;
    double least_percent, most_percent; /* what rates give */
    double run_percent;                 /* what runs were busy; NaN: there are none */
    bool reached;                       /* in the simulator */
};

struct store_validation {
    const char *model, *hardware, *device;
    const char *rate_key; /* of the experiment: what `rate` of loads is a value of */
    struct store_validated
        *rows; /* a point's metrics together, points in the order they were made */
    struct store_difference *differences;
    struct store_load *loads;
    uint32_t count, difference_count, load_count;
};

/* Each in one transaction: whole or not at all. */
enum status store_put_calibration(struct store *store, const struct store_calibration *calibration,
                                  struct error *err);
enum status store_put_validation(struct store *store, const struct store_validation *validation,
                                 struct error *err);

#endif
