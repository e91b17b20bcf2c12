/* cli/cmd_calibrate.c - `reprise calibrate`: measures, or takes measurements from a profile; fits,
 * writes. No arithmetic here. */
#include "base/units.h"
#include "cli/commands.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/profile_options.h"
#include "cli/progress.h"
#include "cli/runtime_options.h"
#include "runtime/executor.h"
#include "validate/calibrate/calibration.h"
#include "validate/store/store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct calibrate_options {
    struct runtime_options runtime;
    struct profile_options profile;
    const char *model, *name, *out, *db;
    const char *flops, *memory, *h2d, *d2h, *ssd_read, *ssd_write, *hbm, *dram, *ssd;
    uint64_t layers, hidden, vocabulary, window, batch, repeats;
    bool no_db;
};

static bool tell(void *context, double share)
{
    progress_draw(context, share, 0, "points");
    return !interrupt_asked();
}

static enum status parse(const char *key, const char *text, enum unit_kind kind, double *value,
                         struct error *err)
{
    if (units_parse(text, kind, value) && *value >= 0.0)
        return STATUS_OK;
    return error_input(err, NULL, 0, key, units_expected(kind), text);
}

static enum status parse_sizes(const struct calibrate_options *given,
                               struct calibration_config *config, uint64_t sizes[TIER_COUNT],
                               struct error *err)
{
    double size[TIER_COUNT] = { 0 };
    const struct {
        const char *key, *text;
        enum unit_kind kind;
        double *value;
    } wanted[] = {
        { "--flops", given->flops, UNIT_FLOP_PER_S, &config->held.flop_per_s },
        { "--memory", given->memory, UNIT_BYTES_PER_S, &config->held.bytes_per_s },
        { "--h2d", given->h2d, UNIT_BYTES_PER_S, &config->h2d_bytes_per_s },
        { "--d2h", given->d2h, UNIT_BYTES_PER_S, &config->d2h_bytes_per_s },
        { "--ssd-read", given->ssd_read, UNIT_BYTES_PER_S, &config->ssd_read_bytes_per_s },
        { "--ssd-write", given->ssd_write, UNIT_BYTES_PER_S, &config->ssd_write_bytes_per_s },
        { "--hbm", given->hbm, UNIT_BYTES, &size[TIER_HBM] },
        { "--dram", given->dram, UNIT_BYTES, &size[TIER_DRAM] },
        { "--ssd", given->ssd, UNIT_BYTES, &size[TIER_SSD] },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted && status == STATUS_OK; i++)
        status = parse(wanted[i].key, wanted[i].text, wanted[i].kind, wanted[i].value, err);
    for (int tier = 0; tier < TIER_COUNT; tier++)
        sizes[tier] = (uint64_t)size[tier];
    return status;
}

/* A line through decode's contexts (16, 32... to the window) wants four samples. */
static enum status check_counts(const struct calibrate_options *given, struct error *err)
{
    const struct {
        const char *key, *expected;
        uint64_t value, least, most;
    } counts[] = {
        { "--layers", "1 to 1024", given->layers, 1, 1024 },
        { "--hidden", "32 to 65536", given->hidden, 32, 65536 },
        { "--vocabulary", "1 to 1048576", given->vocabulary, 1, 1 << 20 },
        { "--window", "64 to 1048576", given->window, 64, 1 << 20 },
        { "--batch", "1 to 256", given->batch, 1, 256 },
        { "--repeats", "1 to 1000, and with a window below 128 at least 2", given->repeats,
          given->window < 128 ? 2 : 1, 1000 },
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        char found[32];
        snprintf(found, sizeof found, "%" PRIu64, counts[i].value);
        if (counts[i].value < counts[i].least || counts[i].value > counts[i].most)
            return error_input(err, NULL, 0, counts[i].key, counts[i].expected, found);
    }
    return STATUS_OK;
}

static enum status set_up(const struct calibrate_options *given, struct calibration_config *config,
                          uint64_t sizes[TIER_COUNT], struct error *err)
{
    struct model model;
    enum status status = runtime_options_config(&given->runtime, &config->serve, err);
    if (status == STATUS_OK)
        status = model_load(given->model, &model, err);
    if (status == STATUS_OK)
        status = executor_supports(&model, err);
    if (status == STATUS_OK)
        status = parse_sizes(given, config, sizes, err);
    if (status != STATUS_OK)
        return status;
    status = check_counts(given, err);
    if (status != STATUS_OK)
        return status;
    config->model =
        model_scaled(&model, config->serve.backend, (uint32_t)given->layers,
                     (uint32_t)given->hidden, (uint32_t)given->vocabulary, (uint32_t)given->window);
    config->window_tokens = (uint32_t)given->window;
    config->batch = (uint32_t)given->batch;
    config->repeats = (uint32_t)given->repeats;
    config->ssd_bytes = sizes[TIER_SSD];
    sizes[TIER_HBM] += model_weight_bytes(&config->model, 1);
    return STATUS_OK;
}

static enum status fit_and_keep(const struct calibrate_options *given,
                                const struct calibration_config *config,
                                const struct calibration_samples *samples,
                                const uint64_t sizes[TIER_COUNT], struct store *store,
                                struct error *err)
{
    struct calibration_fits fits;
    struct calibration_files files;
    enum status status = calibration_fit(samples, &config->model, &fits, err);
    if (status != STATUS_OK)
        return status;
    status = calibration_write(given->out != NULL ? given->out : "calibration", given->name, config,
                               samples, &fits, sizes, &files, err);
    if (status == STATUS_OK && store != NULL)
        status = calibration_store(store, given->name, samples, &fits, err);
    if (status == STATUS_OK) {
        calibration_print(stdout, samples, &fits);
        printf("\nwritten: %s\n         %s\n         %s\nuse: reprise sim -m %s -H %s -g 1\n",
               files.model, files.hardware, files.times, files.model, files.hardware);
    }
    free(fits.fit);
    return status;
}

static enum status run(const struct calibrate_options *given, struct error *err)
{
    struct calibration_config config = { 0 };
    struct calibration_samples samples = { 0 };
    struct store *store = NULL;
    struct progress progress;
    uint64_t sizes[TIER_COUNT];
    enum status status = set_up(given, &config, sizes, err);
    if (status == STATUS_OK && !given->no_db)
        status = store_open(given->db, false, &store, err);
    if (status == STATUS_OK) {
        interrupt_catch();
        progress_start(&progress);
        status = calibrate(&config, tell, &progress, &samples, err);
        progress_end(&progress);
    }
    if (status == STATUS_OK)
        status = fit_and_keep(given, &config, &samples, sizes, store, err);
    free(samples.sample);
    store_close(store);
    return status;
}

int cmd_calibrate(int argc, const char **argv)
{
    struct calibrate_options given = {
        .runtime = RUNTIME_OPTIONS_DEFAULT,
        .profile = PROFILE_OPTIONS_DEFAULT,
        .model = "llama-2-7b",
        .name = "here",
        .db = STORE_DEFAULT_PATH,
        .flops = "25GFLOP/s",
        .memory = "2GB/s",
        .h2d = "100MB/s",
        .d2h = "100MB/s",
        .ssd_read = "40MB/s",
        .ssd_write = "40MB/s",
        .hbm = "64MB",
        .dram = "64MB",
        .ssd = "512MB",
        .layers = 4,
        .hidden = 256,
        .vocabulary = 2048,
        .window = 512,
        .batch = 8,
        .repeats = 5,
    };
    const struct option table[] = {
        RUNTIME_OPTIONS(&given.runtime),
        { "model", 'm', OPTION_TEXT, &given.model, "NAME",
          "whose architecture (llama-2-7b), scaled to:" },
        { "layers", 0, OPTION_U64, &given.layers, "N", "layers (4)" },
        { "hidden", 0, OPTION_U64, &given.hidden, "N",
          "width (256); heads keep theirs if at least four fit, else 64 or 32" },
        { "vocabulary", 0, OPTION_U64, &given.vocabulary, "N", "vocabulary (2048)" },
        { "window", 0, OPTION_U64, &given.window, "N", "context window (512)" },
        { "batch", 0, OPTION_U64, &given.batch, "N", "most sequences in a decode iteration (8)" },
        { "flops", 0, OPTION_TEXT, &given.flops, "RATE",
          "host: what products are held to, attention to half of it (25GFLOP/s; 0: not)" },
        { "memory", 0, OPTION_TEXT, &given.memory, "RATE",
          "host: at what rate weights and KV are read at best (2GB/s; 0: not held)" },
        { "h2d", 0, OPTION_TEXT, &given.h2d, "RATE",
          "host: what copies to HBM are held to (100MB/s; 0: not)" },
        { "d2h", 0, OPTION_TEXT, &given.d2h, "RATE", "host: copies from HBM (100MB/s; 0: not)" },
        { "ssd-read", 0, OPTION_TEXT, &given.ssd_read, "RATE",
          "reads from SSD (40MB/s; 0: not held)" },
        { "ssd-write", 0, OPTION_TEXT, &given.ssd_write, "RATE",
          "writes to SSD (40MB/s; 0: not held)" },
        { "hbm", 0, OPTION_TEXT, &given.hbm, "SIZE", "HBM for KV, beside the weights (64MB)" },
        { "dram", 0, OPTION_TEXT, &given.dram, "SIZE", "DRAM for KV (64MB)" },
        { "ssd", 0, OPTION_TEXT, &given.ssd, "SIZE", "SSD for KV (512MB)" },
        { "repeats", 0, OPTION_U64, &given.repeats, "N", "of each point, after a warm-up (5)" },
        { "name", 'n', OPTION_TEXT, &given.name, "NAME", "of the profile (here)" },
        { "out", 'o', OPTION_TEXT, &given.out, "PATH",
          "the folder of its files (calibration); of a profile: the file of coefficients" },
        { "db", 0, OPTION_TEXT, &given.db, "FILE",
          "where samples and fits go (" STORE_DEFAULT_PATH ")" },
        { "no-db", 0, OPTION_FLAG, &given.no_db, NULL, "keep them in no database" },
        PROFILE_OPTIONS(&given.profile),
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise calibrate",
        .usage = "[OPTION...]",
        .summary =
            "Measures this machine: prefill, decode, products, attention, copies, SSD. Writes a "
            "model and a\nserver that `reprise sim`, `run` and `validate` take. With "
            "--from-profile: "
            "fits models/timing/ to\nmeasured operators of a GPU (Vidur's tables, or a plain CSV), "
            "and "
            "prints, as markdown, how well it\npredicts operators, layers, and models left out.",
        .table = table,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help) {
        if (given.profile.path != NULL)
            profile_options_run(&given.profile, given.out, &err);
        else
            run(&given, &err);
    }
    options_free(&options);
    return output_exit(&err);
}
