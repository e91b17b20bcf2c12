/* runtime/calibrate.h - measures a backend, its links and a disk: samples, without drawing
 * conclusions. Fits are validate/'s. Each point is warmed up once and then repeated. */
#ifndef REPRISE_RUNTIME_CALIBRATE_H
#define REPRISE_RUNTIME_CALIBRATE_H

#include "models/models.h"
#include "runtime/serve.h"

/* What was measured at (x, y), in ns; what each is: CALIBRATION_SAMPLES. */
struct sample {
    const char *what;
    double x, y, value_ns;
};

/* X(name, x, y, meaning) */
#define CALIBRATION_SAMPLES(X)                                                                     \
    X(prefill_layer, "new tokens", "cached tokens", "a layer of a prefill")                        \
    X(prefill_overhead, "new tokens", "cached tokens", "the rest of the prefill")                  \
    X(prefill_beside_copies, "new tokens", "cached tokens", "a layer while both links are busy")   \
    X(prefill_alone, "new tokens", "cached tokens", "the same while they are not")                 \
    X(prefill_behind_decode, "new tokens", "cached tokens", "a whole prefill, as in a busy run")   \
    X(prefill_behind_pause, "new tokens", "cached tokens", "the same behind a pause of 50 ms")     \
    X(decode, "sequences", "context tokens, all together", "a decode iteration")                   \
    X(mixed, "new tokens", "decoding sequences", "a prefill and decode in one launch")             \
    X(gemm, "rows", "inputs = outputs", "a matrix product")                                        \
    X(attention, "new tokens", "cached tokens", "attention of one layer")                          \
    X(copy_h2d, "bytes", "of a slice", "copies of slices from DRAM to HBM, alone")                 \
    X(copy_d2h, "bytes", "of a slice", "copies of slices from HBM to DRAM, alone")                 \
    X(copy_h2d_both, "bytes", "of a slice", "the same while the other direction copies")           \
    X(copy_d2h_both, "bytes", "of a slice", "the same while the other direction copies")           \
    X(ssd_read, "bytes", "depth", "a request, where `depth` are out all the time")                 \
    X(ssd_write, "bytes", "depth", "a request, where `depth` are out all the time")                \
    X(ssd_read_both, "bytes", "depth", "the same while pages are written")                         \
    X(ssd_write_both, "bytes", "depth", "the same while slices are read")

struct calibration_config {
    struct serve_config serve; /* backend, threads, page tokens, SSD file */
    struct model model;
    struct held_rates held;
    double h2d_bytes_per_s, d2h_bytes_per_s, ssd_read_bytes_per_s, ssd_write_bytes_per_s;
    uint64_t ssd_bytes; /* of the tier: the most that its file here may have; 0: 1 GiB */
    uint32_t window_tokens, batch, repeats;
};

struct calibration_samples {
    struct sample *sample; /* the caller's to free() */
    uint32_t count, capacity;
    uint32_t mixed_context_tokens; /* cached of each sequence of "mixed" */
    char device[128], ssd[128];
};

/* tell(share done) may return false to stop: STATUS_INTERRUPTED. */
enum status calibrate(const struct calibration_config *config,
                      bool (*tell)(void *context, double share), void *context,
                      struct calibration_samples *samples, struct error *err);

/* A model of the same kind with fewer and narrower layers, in the backend's element width, with the
 * same ratios of KV heads and FFN. Heads are as wide as the model's own, so that the same kernels
 * run, where hidden has at least four of them: else the widest of 128, 64 and 32 (narrower than its
 * own, and such as the backend takes) of which it has four; one of which hidden is a multiple comes
 * first. hidden is rounded down to whole heads. A mixture keeps its experts, those of a token and
 * the shared ones, all narrower as its FFN is; of its dense layers as many as leave one with
 * experts. Latent attention keeps its widths' ratios to hidden, and of a head the share that has a
 * position. */
struct model model_scaled(const struct model *model, const struct backend *backend, uint32_t layers,
                          uint32_t hidden, uint32_t vocabulary, uint32_t window_tokens);

#endif
