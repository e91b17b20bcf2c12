/* runtime/calibrate_state.h - what the rooms of a calibration share. Private.
 *   calibrate.c             opening, single operators, closing
 *   calibrate_iterations.c  prefill, decode and both in one launch, as runs have them
 *   calibrate_links.c       copies and the disk, as runs use them
 *   calibrate_measure.c     what all of them measure with */
#ifndef REPRISE_RUNTIME_CALIBRATE_STATE_H
#define REPRISE_RUNTIME_CALIBRATE_STATE_H

#include "runtime/calibrate.h"
#include "runtime/executor.h"

struct calibrator {
    const struct calibration_config *config;
    const struct backend *backend;
    struct device *device;
    struct executor *executor;
    struct ssd *ssd;
    struct calibration_samples *samples;
    struct backend_event **after; /* a layer */
    struct backend_event *begun, *end, *loaded, *saved;
    uint32_t *pages, *tokens, page_count;
    bool (*tell)(void *context, double share);
    void *context;
    uint32_t steps_done, steps;

    /* Copies: pages of the pool and of two areas of DRAM, each in an order without neighbours. What
     * is loaded is what was saved from the same pages before, so that KV stays what it was. */
    uint64_t slice_bytes, page_bytes;
    uint32_t copy_pages; /* of an area */
    uint32_t *scattered, *spots;
    struct copy *copies;
    char *kept, *saves;              /* the areas: loads come from the one, saves go to the other */
    uint64_t dram_bytes, disk_bytes; /* disk_bytes: of its file that have been written */
};

/* calibrate_measure.c */
void calibrate_add(struct calibrator *c, const char *what, double x, double y, double value_ns);
/* Tells how far it is; false: the user wants no more. */
bool calibrate_step(struct calibrator *c);
/* Waits for the event; when it happened. */
uint64_t calibrate_end_of(struct calibrator *c, struct backend_event *event);
/* A prefill whose layers' time is a sample of that name, if it counts. */
void calibrate_prefill(struct calibrator *c, const char *layer_name, uint32_t new_tokens,
                       uint32_t cached, bool counts);

/* calibrate_iterations.c */
uint32_t calibrate_iterations_steps(const struct calibrator *c);
bool calibrate_iterations(struct calibrator *c); /* false: the user wants no more */

/* calibrate_links.c */
/* Sizes of the areas and of the disk's file, for a pool of page_count pages: before the device is
 * opened. */
void calibrate_links_size(struct calibrator *c, uint64_t slice_bytes, struct ssd_config *disk);
/* dram: of dram_bytes. */
void calibrate_links_prepare(struct calibrator *c, void *dram);
void calibrate_links_free(struct calibrator *c);
uint32_t calibrate_links_steps(const struct calibrator *c);
bool calibrate_links_copies(struct calibrator *c);
void calibrate_links_prefill(struct calibrator *c);
enum status calibrate_links_disk(struct calibrator *c, struct error *err);

#endif
