/* validate/calibrate/calibration.h - from a calibration's samples to fits, and to files that
 * `reprise sim` takes: a hardware YAML, its measured times and the model's YAML. Public. */
#ifndef REPRISE_VALIDATE_CALIBRATE_CALIBRATION_H
#define REPRISE_VALIDATE_CALIBRATE_CALIBRATION_H

#include "runtime/calibrate.h"
#include "validate/store/store_measured.h"

#include <stdio.h>

struct calibration_fits {
    struct store_fit *fit; /* the caller's to free() */
    uint32_t count, capacity;
    struct measured_timing measured;
    double h2d_bytes_per_s, d2h_bytes_per_s, ssd_read_bytes_per_s, ssd_write_bytes_per_s;
    /* Of both directions together, of the link and of the disk; 0: as much as each alone. */
    double both_bytes_per_s, ssd_both_bytes_per_s;
    double h2d_latency_ns, ssd_latency_ns;
    double flop_per_s; /* of the largest product */
    /* Iterations that prefill and decode in one launch: how much longer they take than the
     * simulator says of them (with measured.mixed_layer_ns, which they gave), as a share; the
     * least, the mean and the greatest of `mixed` points. */
    uint32_t mixed;
    double mixed_least, mixed_mean, mixed_greatest;
};

/* Lines by robust regression (GSL, bisquare), points by the median. STATUS_INPUT: samples that do
 * not determine a fit. */
enum status calibration_fit(const struct calibration_samples *samples, const struct model *model,
                            struct calibration_fits *fits, struct error *err);

struct calibration_files {
    char model[512], hardware[512], times[512]; /* paths */
};
/* Writes NAME-model.yaml, NAME.yaml and NAME-times.csv into the folder, making it. sizes: of HBM,
 * DRAM and SSD for KV; HBM holds the weights besides. */
enum status calibration_write(const char *folder, const char *name,
                              const struct calibration_config *config,
                              const struct calibration_samples *samples,
                              const struct calibration_fits *fits, const uint64_t sizes[TIER_COUNT],
                              struct calibration_files *files, struct error *err);
/* In one transaction: whole or not at all. */
enum status calibration_store(struct store *store, const char *name,
                              const struct calibration_samples *samples,
                              const struct calibration_fits *fits, struct error *err);

/* Lines with their intervals and residuals; the grid's dispersion. */
void calibration_print(FILE *out, const struct calibration_samples *samples,
                       const struct calibration_fits *fits);

#endif
