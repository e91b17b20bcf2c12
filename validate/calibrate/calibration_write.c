/* validate/calibrate/calibration_write.c - a calibration as the files that `reprise sim` and `run`
 * take, and in the store. */
#include "validate/calibrate/calibration.h"

#include "base/host.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/shown.h"
#include "base/units.h"
#include "base/whole_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static enum status write_rows(const char *path, const char *heading, const struct config_row *rows,
                              const void *target, struct error *err)
{
    const struct config_section sections[] = { { .prefix = "", .rows = rows }, { 0 } };
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return err->status;
    fputs("# ", file.out);
    shown_put(file.out, heading);
    fputc('\n', file.out);
    config_print_values(file.out, sections, target);
    return whole_file_close(&file, err);
}

static enum status write_times(const char *path, const char *heading,
                               const struct measured_timing *measured, struct error *err)
{
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return err->status;
    FILE *out = file.out;
    const uint32_t *s = measured->shape, *e = measured->experts;
    fputs("# ", out);
    shown_put(out, heading);
    fputs("\n# Medians of a layer and of the rest; lines of decode by robust regression.\n", out);
    fprintf(out, "shape,%u,%u,%u,%u,%u,%u,%u\n", s[0], s[1], s[2], s[3], s[4], s[5], s[6]);
    if (e[0] > 0)
        fprintf(out, "experts,%u,%u,%u,%u,%u\n", e[0], e[1], e[2], e[3], e[4]);
    if (measured->mixed_layer_ns > 0.0)
        fprintf(out, "mixed,%.0f\n", measured->mixed_layer_ns);
    if (measured->held_flop_per_s > 0.0 || measured->held_bytes_per_s > 0.0)
        fprintf(out, "held,%.0f,%.0f\n", measured->held_flop_per_s, measured->held_bytes_per_s);
    if (measured->disk_free)
        fprintf(out, "disk,free\n");
    for (uint32_t i = 0; i < measured->news; i++)
        for (uint32_t j = 0; j < measured->cacheds; j++)
            fprintf(out, "prefill,%.0f,%.0f,%.0f,%.0f\n", measured->new_tokens[i],
                    measured->cached_tokens[j], measured->layer_ns[i][j], measured->overhead_ns[i]);
    for (uint32_t i = 0; i < measured->batches; i++)
        fprintf(out, "decode,%.0f,%.1f,%.4f\n", measured->batch[i], measured->base_ns[i],
                measured->per_token_ns[i]);
    return whole_file_close(&file, err);
}

/* Bytes of weights that an iteration of one token reads: of a mixture, its own experts only. */
static double read_bytes(const struct model *model)
{
    return model->experts == 0
               ? (double)model_weight_bytes(model, 1)
               : (double)model_active_parameters(model) * model->weight_bytes_per_parameter;
}

/* What the roofline would ask for is filled with what was measured nearest to it; prefill and
 * decode of the calibrated model are taken from the measured times instead. */
static struct hardware describe(const struct calibration_fits *fits, const struct model *model,
                                const uint64_t sizes[TIER_COUNT], const char *name,
                                const char *source, const char *times)
{
    struct hardware hardware = { .gpus = 1,
                                 .hbm_bytes = sizes[TIER_HBM] + model_weight_bytes(model, 1),
                                 .flop_per_s = fits->flop_per_s,
                                 .gemm_efficiency = 1.0,
                                 .attention_efficiency = 0.5,
                                 .hbm_efficiency = 1.0,
                                 .allreduce_bytes_per_s = 1e9,
                                 .hbm_utilisation = 1.0,
                                 .h2d_bytes_per_s = fits->h2d_bytes_per_s,
                                 .d2h_bytes_per_s = fits->d2h_bytes_per_s,
                                 .h2d_bytes_per_s_per_gpu = fits->h2d_bytes_per_s,
                                 .d2h_bytes_per_s_per_gpu = fits->d2h_bytes_per_s,
                                 .pcie_both_bytes_per_s = fits->both_bytes_per_s,
                                 .pcie_both_bytes_per_s_per_gpu = fits->both_bytes_per_s,
                                 .pcie_latency_ns = (uint64_t)fits->h2d_latency_ns,
                                 .dram_bytes = sizes[TIER_DRAM],
                                 .ssd_bytes = sizes[TIER_SSD],
                                 .ssd_read_bytes_per_s = fits->ssd_read_bytes_per_s,
                                 .ssd_write_bytes_per_s = fits->ssd_write_bytes_per_s,
                                 .ssd_both_bytes_per_s = fits->ssd_both_bytes_per_s,
                                 .ssd_latency_ns = (uint64_t)fits->ssd_latency_ns };
    /* Decode of one sequence reads every weight: the bandwidth that it attains. */
    hardware.hbm_bytes_per_s = read_bytes(model) / fits->measured.base_ns[0] * (double)NS_PER_S;
    snprintf(hardware.name, sizeof hardware.name, "%s", name);
    snprintf(hardware.source, sizeof hardware.source, "%.250s", source);
    snprintf(hardware.drive, sizeof hardware.drive, "%s", HARDWARE_DRIVE);
    snprintf(hardware.measured_file, sizeof hardware.measured_file, "%.250s", path_name(times));
    return hardware;
}

static void say_source(const struct calibration_samples *samples, char *text, size_t text_bytes)
{
    char date[32];
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M UTC", &utc);
    struct host host = host_here();
    snprintf(text, text_bytes, "measured by reprise calibrate, %s, %.50s; %.90s; SSD %.40s", date,
             host.cpu, samples->device, samples->ssd);
}

enum status calibration_write(const char *folder, const char *name,
                              const struct calibration_config *config,
                              const struct calibration_samples *samples,
                              const struct calibration_fits *fits, const uint64_t sizes[TIER_COUNT],
                              struct calibration_files *files, struct error *err)
{
    char source[256];
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return error_io(err, folder, "make the folder", strerror(errno));
    snprintf(files->model, sizeof files->model, "%.200s/%.200s-model.yaml", folder, name);
    snprintf(files->hardware, sizeof files->hardware, "%.200s/%.200s.yaml", folder, name);
    snprintf(files->times, sizeof files->times, "%.200s/%.200s-times.csv", folder, name);
    say_source(samples, source, sizeof source);
    struct measured_timing measured = fits->measured;
    measured.held_flop_per_s = config->held.flop_per_s;
    measured.held_bytes_per_s = config->held.bytes_per_s;
    measured.disk_free =
        config->ssd_read_bytes_per_s <= 0.0 && config->ssd_write_bytes_per_s <= 0.0;
    struct hardware hardware = describe(fits, &config->model, sizes, name, source, files->times);
    enum status status = write_rows(files->model, source, model_rows, &config->model, err);
    if (status == STATUS_OK)
        status = write_times(files->times, source, &measured, err);
    if (status == STATUS_OK)
        status = write_rows(files->hardware, source, hardware_rows, &hardware, err);
    return status;
}

enum status calibration_store(struct store *store, const char *name,
                              const struct calibration_samples *samples,
                              const struct calibration_fits *fits, struct error *err)
{
    char device[320];
    struct store_sample *rows = memory_new(samples->count, sizeof *rows);
    for (uint32_t i = 0; i < samples->count; i++) {
        const struct sample *sample = &samples->sample[i];
        rows[i] = (struct store_sample){ sample->what, sample->x, sample->y, sample->value_ns };
    }
    snprintf(device, sizeof device, "%s; SSD: %s", samples->device, samples->ssd);
    const struct store_calibration calibration = { .name = name,
                                                   .device = device,
                                                   .samples = rows,
                                                   .sample_count = samples->count,
                                                   .fits = fits->fit,
                                                   .fit_count = fits->count };
    enum status status = store_put_calibration(store, &calibration, err);
    free(rows);
    return status;
}
