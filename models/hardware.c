/* models/hardware.c - the YAML of a server: its keys, and what makes one consistent. */
#include "base/memory.h"
#include "base/path.h"
#include "models/folder.h"
#include "models/hbm.h"
#include "models/models.h"
#include "models/timing_measured.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AT(member) offsetof(struct hardware, member)

/* A link or a disk whose rate is 0 is not there; what computing divides by is not 0. */
const struct config_row hardware_rows[] = {
    { .key = "name",
      .kind = CONFIG_TEXT,
      .offset = AT(name),
      .help = "as in models/hardware/NAME.yaml" },
    { .key = "source",
      .kind = CONFIG_TEXT,
      .offset = AT(source),
      .help = "where the numbers come from" },
    { .key = "gpus",
      .kind = CONFIG_U32,
      .offset = AT(gpus),
      .min = 1,
      .max = 64,
      .help = "GPUs in the server" },

    { .key = "gpu.device",
      .kind = CONFIG_TEXT,
      .offset = AT(device),
      .standard = "",
      .help = "the GPU as nvidia-smi calls it: engines choose limits by it; none: the server's name" },
    { .key = "gpu.timing",
      .kind = CONFIG_TEXT,
      .offset = AT(timing),
      .standard = "",
      .help = "models/timing/NAME.yaml: operators fitted to measurements; none: a roofline" },
    { .key = "gpu.attention",
      .kind = CONFIG_TEXT,
      .offset = AT(attention_file),
      .standard = "",
      .help = "models/attention/NAME.yaml: attention fitted to measurements; none: a roofline" },
    { .key = "gpu.hbm_bytes",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(hbm_bytes),
      .min = 1,
      .max = 1e14,
      .help = "HBM per GPU" },
    { .key = "gpu.hbm_bytes_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(hbm_bytes_per_s),
      .min = 1e6,
      .max = 1e15,
      .help = "per GPU, datasheet" },
    { .key = "gpu.flop_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_FLOP_PER_S,
      .offset = AT(flop_per_s),
      .min = 1e6,
      .max = 1e18,
      .help = "per GPU, dense bf16/fp16, datasheet" },
    { .key = "gpu.fp8_flop_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_FLOP_PER_S,
      .offset = AT(fp8_flop_per_s),
      .min = 0,
      .max = 1e18,
      .standard = "0",
      .help = "per GPU, dense fp8, datasheet; 0: no such units, fp8 weights are computed in bf16" },
    { .key = "gpu.fp4_flop_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_FLOP_PER_S,
      .offset = AT(fp4_flop_per_s),
      .min = 0,
      .max = 1e18,
      .standard = "0",
      .help = "per GPU, dense nvfp4, datasheet; 0: no such units" },
    { .key = "gpu.gemm_efficiency",
      .kind = CONFIG_DOUBLE,
      .offset = AT(gemm_efficiency),
      .min = 0.001,
      .max = 1,
      .help = "share of flop_per_s that large matrix products attain" },
    { .key = "gpu.attention_efficiency",
      .kind = CONFIG_DOUBLE,
      .offset = AT(attention_efficiency),
      .min = 0.001,
      .max = 1,
      .help = "share of flop_per_s that prefill attention attains" },
    { .key = "gpu.hbm_efficiency",
      .kind = CONFIG_DOUBLE,
      .offset = AT(hbm_efficiency),
      .min = 0.001,
      .max = 1,
      .help = "share of hbm_bytes_per_s that streaming weights attains" },
    { .key = "gpu.kernel_launch",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = AT(kernel_launch_ns),
      .min = 0,
      .max = 1e9,
      .help = "per kernel: start and tail, whatever its size" },

    { .key = "allreduce.timing",
      .kind = CONFIG_TEXT,
      .offset = AT(allreduce_timing),
      .standard = "",
      .help = "models/collectives/NAME.yaml: all-reduces fitted to measurements; none: a ring" },
    { .key = "allreduce.bytes_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(allreduce_bytes_per_s),
      .min = 1e6,
      .max = 1e15,
      .help = "bus bandwidth per GPU of a ring, as nccl-tests defines it" },
    { .key = "allreduce.latency",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = AT(allreduce_latency_ns),
      .min = 0,
      .max = 1e9,
      .help = "of an all-reduce, whatever its size" },

    { .key = "engine.version",
      .kind = CONFIG_TEXT,
      .offset = AT(engine_version),
      .standard = "",
      .help = "models/versions/NAME.yaml, which its servers run unless an experiment says otherwise; "
              "none: the paper's engine; empty: none beside timing.measured, else a current one" },
    { .key = "engine.iteration_overhead",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = AT(iteration_overhead_ns),
      .min = 0,
      .max = 1e10,
      .help = "CPU work of an iteration that the GPU waits for" },
    { .key = "engine.hbm_utilisation",
      .kind = CONFIG_DOUBLE,
      .offset = AT(hbm_utilisation),
      .min = 0.01,
      .max = 1,
      .standard = "0.9",
      .help = "share of HBM the engine may use (vLLM's default)" },
    { .key = "engine.hbm_reserved_bytes",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(hbm_reserved_bytes),
      .min = 0,
      .max = 1e14,
      .standard = "derived",
      .word = "derived",
      .help = "per GPU, in the place of what is derived from model and engine: activations, "
              "workspaces, context" },
    { .key = "engine.hbm_collectives_bytes",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(hbm_collectives_bytes),
      .min = 0,
      .max = 1e14,
      .standard = "150MiB",
      .help = "per GPU of several: buffers of NCCL and of the all-reduce, and an eighth more for each "
              "of them" },

    { .key = "pcie.h2d_bytes_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(h2d_bytes_per_s),
      .min = 0,
      .max = 1e15,
      .help = "DRAM to HBM, all GPUs together, effective" },
    { .key = "pcie.d2h_bytes_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(d2h_bytes_per_s),
      .min = 0,
      .max = 1e15,
      .help = "HBM to DRAM, all GPUs together, effective" },
    { .key = "pcie.h2d_bytes_per_s_per_gpu",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(h2d_bytes_per_s_per_gpu),
      .min = 0,
      .max = 1e15,
      .help = "DRAM to HBM, one GPU, effective" },
    { .key = "pcie.d2h_bytes_per_s_per_gpu",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(d2h_bytes_per_s_per_gpu),
      .min = 0,
      .max = 1e15,
      .help = "HBM to DRAM, one GPU, effective" },
    { .key = "pcie.both_bytes_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(pcie_both_bytes_per_s),
      .min = 0,
      .max = 1e15,
      .standard = "0",
      .help = "both directions at once, all GPUs together; 0: neither slows the other" },
    { .key = "pcie.both_bytes_per_s_per_gpu",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(pcie_both_bytes_per_s_per_gpu),
      .min = 0,
      .max = 1e15,
      .standard = "0",
      .help = "both directions at once, one GPU; 0: neither slows the other" },
    { .key = "pcie.latency",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = AT(pcie_latency_ns),
      .min = 0,
      .max = 1e9,
      .help = "to the first byte" },

    { .key = "dram.bytes",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(dram_bytes),
      .min = 0,
      .max = 1e18,
      .help = "for KV" },

    { .key = "ssd.bytes",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(ssd_bytes),
      .min = 0,
      .max = 1e18,
      .help = "for KV" },
    { .key = "ssd.read_bytes_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(ssd_read_bytes_per_s),
      .min = 0,
      .max = 1e15,
      .help = "all disks together" },
    { .key = "ssd.write_bytes_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(ssd_write_bytes_per_s),
      .min = 0,
      .max = 1e15,
      .help = "all disks together" },
    { .key = "ssd.both_bytes_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(ssd_both_bytes_per_s),
      .min = 0,
      .max = 1e15,
      .standard = "0",
      .help = "reads and writes at once, all disks together; 0: neither slows the other" },
    { .key = "ssd.latency",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = AT(ssd_latency_ns),
      .min = 0,
      .max = 1e10,
      .help = "to the first byte" },
    { .key = "ssd.drive",
      .kind = CONFIG_TEXT,
      .names_file = true,
      .offset = AT(drive),
      .standard = HARDWARE_DRIVE,
      .help = "the drive that these disks are, for their wear: one of models/drive, or a path" },

    { .key = "prices",
      .kind = CONFIG_TEXT,
      .offset = AT(prices_name),
      .standard = "",
      .help = "models/prices/NAME.yaml: what such a server costs; none: price.* below" },
    { .key = "price.usd_per_gpu_hour",
      .kind = CONFIG_DOUBLE,
      .offset = AT(usd_per_gpu_hour),
      .min = 0,
      .max = 1e6,
      .standard = "prices",
      .word = "prices",
      .help = "rent of one GPU with its share of the server; prices: that file's" },
    { .key = "price.usd_per_dram_gb_hour",
      .kind = CONFIG_DOUBLE,
      .offset = AT(usd_per_dram_gb_hour),
      .min = 0,
      .max = 1e6,
      .standard = "prices",
      .word = "prices",
      .help = "rent of 10^9 bytes of DRAM" },
    { .key = "price.usd_per_ssd_gb_hour",
      .kind = CONFIG_DOUBLE,
      .offset = AT(usd_per_ssd_gb_hour),
      .min = 0,
      .max = 1e6,
      .standard = "prices",
      .word = "prices",
      .help = "rent of 10^9 bytes of SSD" },
    { .key = "timing.measured",
      .kind = CONFIG_TEXT,
      .offset = AT(measured_file),
      .standard = "",
      .help = "a file of measured times beside this one, taken for the model it is of" },
    { .key = NULL },
};

static enum status check(const struct hardware *hardware, const char *path, struct error *err)
{
    double usable_bytes = (double)hardware->hbm_bytes * hardware->hbm_utilisation;
    if (hardware->hbm_reserved_bytes == HBM_RESERVED_DERIVED ||
        (double)hardware->hbm_reserved_bytes < usable_bytes)
        return STATUS_OK;
    char expected[128], found[32];
    snprintf(expected, sizeof expected, "less than hbm_bytes * hbm_utilisation (%.0f)",
             usable_bytes);
    snprintf(found, sizeof found, "%llu", (unsigned long long)hardware->hbm_reserved_bytes);
    return error_input(err, path, 0, "engine.hbm_reserved_bytes", expected, found);
}

/* The file lies beside the hardware's own. */
static enum status read_measured(struct hardware *hardware, const char *path, struct error *err)
{
    char beside[MODELS_PATH_BYTES + CONFIG_TEXT_BYTES];
    snprintf(beside, sizeof beside, "%.*s%s", path_folder_bytes(path), path,
             hardware->measured_file);
    return measured_timing_read(beside, &hardware->measured, err);
}

enum status operators_load(const char *name_or_path, struct operators *operators, struct error *err)
{
    char path[MODELS_PATH_BYTES];
    memset(operators, 0, sizeof *operators);
    enum status status = models_path("timing", "gpu.timing", name_or_path, path, err);
    if (status == STATUS_OK)
        status = models_read_sections(path, operators_sections, operators, err);
    return status == STATUS_OK ? operators_check(operators, path, err) : status;
}

/* Reads models/attention/NAME.yaml, or a path. */
static enum status attention_load(const char *name_or_path, struct attention_fit *fit,
                                  struct error *err)
{
    char path[MODELS_PATH_BYTES];
    memset(fit, 0, sizeof *fit);
    enum status status = models_path("attention", "gpu.attention", name_or_path, path, err);
    return status == STATUS_OK ? models_read(path, attention_rows, fit, err) : status;
}

/* Reads models/collectives/NAME.yaml, or a path. */
static enum status collectives_load(const char *name_or_path, struct collective_fit *collectives,
                                    struct error *err)
{
    char path[MODELS_PATH_BYTES];
    enum status status = models_path("collectives", "allreduce.timing", name_or_path, path, err);
    return status == STATUS_OK ? models_read(path, collective_rows, collectives, err) : status;
}

/* ---- prices ---- */

enum { SAID_MOST = 8, SAID_BYTES = 2 * CONFIG_TEXT_BYTES };

/* What the server says of its own prices, as assignments. */
struct said {
    uint32_t count;
    char text[SAID_MOST][SAID_BYTES];
};

static void say_text(struct said *said, const char *key, const char *value)
{
    snprintf(said->text[said->count++], SAID_BYTES, "%s=%s", key, value);
}

static void say_number(struct said *said, const char *key, double value)
{
    if (value != HUGE_VAL)
        snprintf(said->text[said->count++], SAID_BYTES, "%s=%.17g", key, value);
}

/* A server of whose prices no file tells is for rent only, at what it says itself. */
static struct said say_prices(const struct hardware *hardware)
{
    struct said said = { 0 };
    if (hardware->prices_name[0] == '\0') {
        say_text(&said, "name", hardware->name);
        say_text(&said, "source", hardware->source);
        say_text(&said, "date", "no date");
    }
    say_number(&said, "rent.usd_per_gpu_hour", hardware->usd_per_gpu_hour);
    if (hardware->usd_per_gpu_hour != HUGE_VAL) {
        say_number(&said, "rent.usd_per_gpu_hour_of_4", 0.0);
        say_number(&said, "rent.usd_per_gpu_hour_of_1", 0.0);
    }
    say_number(&said, "rent.usd_per_dram_gb_hour", hardware->usd_per_dram_gb_hour);
    say_number(&said, "rent.usd_per_ssd_gb_hour", hardware->usd_per_ssd_gb_hour);
    return said;
}

enum status hardware_prices(const struct hardware *hardware, const char *const *assignments,
                            uint32_t count, struct prices *prices, struct error *err)
{
    struct said said = say_prices(hardware);
    const char **all = memory_new(said.count + count, sizeof *all);
    for (uint32_t i = 0; i < said.count; i++)
        all[i] = said.text[i];
    for (uint32_t i = 0; i < count; i++)
        all[said.count + i] = assignments[i];
    const char *name = hardware->prices_name[0] != '\0' ? hardware->prices_name : NULL;
    enum status status = prices_load(name, all, said.count + count, prices, err);
    free(all);
    return status;
}

/* A server must have a price, however it is told. */
static enum status check_prices(const struct hardware *hardware, const char *path,
                                struct error *err)
{
    const struct {
        const char *key;
        double said;
    } rows[] = {
        { "price.usd_per_gpu_hour", hardware->usd_per_gpu_hour },
        { "price.usd_per_dram_gb_hour", hardware->usd_per_dram_gb_hour },
        { "price.usd_per_ssd_gb_hour", hardware->usd_per_ssd_gb_hour },
    };
    for (size_t i = 0; hardware->prices_name[0] == '\0' && i < sizeof rows / sizeof *rows; i++)
        if (rows[i].said == HUGE_VAL)
            return error_input(err, path, 0, rows[i].key,
                               "a price, or prices: NAME of models/prices", NULL);
    return STATUS_OK;
}

/* Files that the file names: read by name, or as paths that lead nowhere else. */
static enum status check_named(const struct hardware *hardware, const char *path, struct error *err)
{
    const struct {
        const char *key, *name;
    } named[] = {
        { "gpu.timing", hardware->timing },
        { "gpu.attention", hardware->attention_file },
        { "allreduce.timing", hardware->allreduce_timing },
        { "prices", hardware->prices_name },
        { "timing.measured", hardware->measured_file },
    };
    enum status status = STATUS_OK;
    for (size_t i = 0; status == STATUS_OK && i < sizeof named / sizeof *named; i++)
        status = models_check_inside(path, named[i].key, named[i].name, err);
    return status;
}

static enum status read_keys(const char *name_or_path, char path[MODELS_PATH_BYTES],
                             struct hardware *hardware, struct error *err)
{
    memset(hardware, 0, sizeof *hardware);
    enum status status = models_path("hardware", "hardware", name_or_path, path, err);
    if (status == STATUS_OK)
        status = models_read(path, hardware_rows, hardware, err);
    if (status == STATUS_OK)
        status = check_prices(hardware, path, err);
    if (status == STATUS_OK)
        status = check_named(hardware, path, err);
    return status == STATUS_OK ? check(hardware, path, err) : status;
}

enum status hardware_load_keys(const char *name_or_path, struct hardware *hardware,
                               struct error *err)
{
    char path[MODELS_PATH_BYTES];
    return read_keys(name_or_path, path, hardware, err);
}

enum status hardware_load(const char *name_or_path, struct hardware *hardware, struct error *err)
{
    char path[MODELS_PATH_BYTES];
    enum status status = read_keys(name_or_path, path, hardware, err);
    if (status == STATUS_OK)
        status = hardware_prices(hardware, NULL, 0, &hardware->prices, err);
    if (status == STATUS_OK && hardware->measured_file[0] != '\0')
        status = read_measured(hardware, path, err);
    if (status == STATUS_OK && hardware->timing[0] != '\0')
        status = operators_load(hardware->timing, &hardware->operators, err);
    if (status == STATUS_OK && hardware->attention_file[0] != '\0')
        status = attention_load(hardware->attention_file, &hardware->attention, err);
    if (status == STATUS_OK && hardware->allreduce_timing[0] != '\0')
        status = collectives_load(hardware->allreduce_timing, &hardware->collectives, err);
    return status;
}
