/* cli/machine_options.h - what `reprise calibrate` measures: a model scaled to this machine, and
 * the server that the machine stands for. */
#ifndef REPRISE_CLI_MACHINE_OPTIONS_H
#define REPRISE_CLI_MACHINE_OPTIONS_H

#include "cli/options.h"
#include "runtime/calibrate.h"

struct machine_options {
    const char *model;
    const char *flops, *memory, *h2d, *d2h, *ssd_read, *ssd_write, *hbm, *dram, *ssd;
    uint64_t layers, hidden, vocabulary, window, batch, repeats;
};

#define MACHINE_OPTIONS_DEFAULT                                                                    \
    {                                                                                              \
        .model = "llama-2-7b", .flops = "25GFLOP/s", .memory = "2GB/s", .h2d = "100MB/s",          \
        .d2h = "100MB/s", .ssd_read = "40MB/s", .ssd_write = "40MB/s", .hbm = "64MB",              \
        .dram = "64MB", .ssd = "512MB", .layers = 4, .hidden = 256, .vocabulary = 2048,            \
        .window = 512, .batch = 8, .repeats = 5,                                                   \
    }

/* Rows of an option table; `given` is a struct machine_options *. */
#define MACHINE_OPTIONS(given)                                                                        \
    { "model",         'm',    OPTION_READS,                                                          \
      &(given)->model, "NAME", "whose architecture (llama-2-7b), scaled to:" },                       \
        { "layers", 0, OPTION_U64, &(given)->layers, "N", "layers (4)" },                             \
        { "hidden",   0,                                                                              \
          OPTION_U64, &(given)->hidden,                                                               \
          "N",        "width (256); heads keep theirs if at least four fit, else 64 or 32" },         \
        { "vocabulary", 0, OPTION_U64, &(given)->vocabulary, "N", "vocabulary (2048)" },              \
        { "window", 0, OPTION_U64, &(given)->window, "N", "context window (512)" },                   \
        { "batch", 0, OPTION_U64, &(given)->batch, "N", "most sequences in a decode iteration (8)" }, \
        { "flops",                                                                                    \
          0,                                                                                          \
          OPTION_TEXT,                                                                                \
          &(given)->flops,                                                                            \
          "RATE",                                                                                     \
          "host: what products are held to, attention to half of it (25GFLOP/s; 0: not)" },           \
        { "memory",    0,                                                                             \
          OPTION_TEXT, &(given)->memory,                                                              \
          "RATE",      "host: at what rate weights and KV are read at best (2GB/s; 0: not held)" },   \
        { "h2d",         0,      OPTION_TEXT,                                                         \
          &(given)->h2d, "RATE", "host: what copies to HBM are held to (100MB/s; 0: not)" },          \
        { "d2h", 0, OPTION_TEXT, &(given)->d2h, "RATE", "host: copies from HBM (100MB/s; 0: not)" },  \
        { "ssd-read",         0,      OPTION_TEXT,                                                    \
          &(given)->ssd_read, "RATE", "reads from SSD (40MB/s; 0: not held)" },                       \
        { "ssd-write",         0,      OPTION_TEXT,                                                   \
          &(given)->ssd_write, "RATE", "writes to SSD (40MB/s; 0: not held)" },                       \
        { "hbm", 0, OPTION_TEXT, &(given)->hbm, "SIZE", "HBM for KV, beside the weights (64MB)" },    \
        { "dram", 0, OPTION_TEXT, &(given)->dram, "SIZE", "DRAM for KV (64MB)" },                     \
        { "ssd", 0, OPTION_TEXT, &(given)->ssd, "SIZE", "SSD for KV (512MB)" },                       \
    {                                                                                                 \
        "repeats", 0, OPTION_U64, &(given)->repeats, "N", "of each point, after a warm-up (5)"        \
    }

/* Fills in all of *config but how it is served, which must be there. sizes: of HBM, DRAM and SSD
 * for KV. STATUS_INPUT: an option's value, an unknown model, one that the runtime does not support.
 */
enum status machine_options_config(const struct machine_options *given,
                                   struct calibration_config *config, uint64_t sizes[TIER_COUNT],
                                   struct error *err);

#endif
