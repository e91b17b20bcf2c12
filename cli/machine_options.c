/* cli/machine_options.c - see machine_options.h. */
#include "cli/machine_options.h"

#include "base/units.h"
#include "runtime/executor.h"

#include <inttypes.h>
#include <stdio.h>

static enum status parse(const char *key, const char *text, enum unit_kind kind, double *value,
                         struct error *err)
{
    if (units_parse(text, kind, value) && *value >= 0.0)
        return STATUS_OK;
    return error_input(err, NULL, 0, key, units_expected(kind), text);
}

static enum status parse_sizes(const struct machine_options *given,
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
static enum status check_counts(const struct machine_options *given, struct error *err)
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

enum status machine_options_config(const struct machine_options *given,
                                   struct calibration_config *config, uint64_t sizes[TIER_COUNT],
                                   struct error *err)
{
    struct model model;
    if (model_load(given->model, &model, err) ||
        executor_supports(config->serve.backend, &model, err) ||
        parse_sizes(given, config, sizes, err) || check_counts(given, err))
        return err->status;
    config->model =
        model_scaled(&model, config->serve.backend, (uint32_t)given->layers,
                     (uint32_t)given->hidden, (uint32_t)given->vocabulary, (uint32_t)given->window);
    config->window_tokens = (uint32_t)given->window;
    config->batch = (uint32_t)given->batch;
    config->repeats = (uint32_t)given->repeats;
    config->ssd_bytes = sizes[TIER_SSD];
    return STATUS_OK;
}
