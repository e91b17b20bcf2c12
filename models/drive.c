/* models/drive.c - see drive.h. */
#include "models/drive.h"

#include "base/units.h"
#include "models/folder.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(struct drive, member)

const struct config_row drive_rows[] = {
    { .key = "name",
      .kind = CONFIG_TEXT,
      .offset = AT(name),
      .help = "as in models/drive/NAME.yaml" },
    { .key = "source",
      .kind = CONFIG_TEXT,
      .offset = AT(source),
      .help = "where the numbers come from" },
    { .key = "capacity",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(capacity_bytes),
      .min = 1e9,
      .max = 1e16,
      .help = "of one drive" },

    { .key = "read_bytes_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(read_bytes_per_s),
      .min = 0,
      .max = 1e12,
      .standard = "0",
      .help = "sequential, 128 KiB; 0: not said, the server's own rates stand" },
    { .key = "write_bytes_per_s",
      .kind = CONFIG_DOUBLE,
      .unit = UNIT_BYTES_PER_S,
      .offset = AT(write_bytes_per_s),
      .min = 0,
      .max = 1e12,
      .standard = "0",
      .help = "the same of writes, sustained" },
    { .key = "read_iops",
      .kind = CONFIG_DOUBLE,
      .offset = AT(read_iops),
      .min = 0,
      .max = 1e9,
      .standard = "0",
      .help = "reads of 4 KiB at random places a second; 0: no limit" },
    { .key = "write_iops",
      .kind = CONFIG_DOUBLE,
      .offset = AT(write_iops),
      .min = 0,
      .max = 1e9,
      .standard = "0",
      .help = "the same of writes, sustained" },
    { .key = "read_latency",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = AT(read_latency_ns),
      .min = 0,
      .max = 1e10,
      .standard = "0",
      .help = "of one such read alone; 0: not said, the server's own stands" },
    { .key = "write_latency",
      .kind = CONFIG_U64,
      .unit = UNIT_DURATION,
      .offset = AT(write_latency_ns),
      .min = 0,
      .max = 1e10,
      .standard = "0",
      .help = "the same of a write" },

    { .key = "endurance",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(endurance_bytes),
      .min = 1e9,
      .max = 9e18,
      .help = "host writes it is rated for (TBW)" },
    { .key = "endurance_write_bytes",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(endurance_write_bytes),
      .min = 512,
      .max = 1e9,
      .standard = "4KiB",
      .help = "size of the writes that endurance is for (JESD219: mostly 4 KiB)" },
    { .key = "endurance_large",
      .kind = CONFIG_U64,
      .unit = UNIT_BYTES,
      .offset = AT(endurance_large_bytes),
      .min = 0,
      .max = 9e18,
      .standard = "0",
      .help = "the same of large sequential writes; 0: not published, endurance stands" },
    { .key = "warranty_years",
      .kind = CONFIG_DOUBLE,
      .offset = AT(warranty_years),
      .min = 0.1,
      .max = 50,
      .help = "over which drive writes per day are rated" },

    { .key = "watts_busy",
      .kind = CONFIG_DOUBLE,
      .offset = AT(watts_busy),
      .min = 0,
      .max = 1000,
      .standard = "0",
      .help = "at work; 0: not said" },
    { .key = "watts_idle",
      .kind = CONFIG_DOUBLE,
      .offset = AT(watts_idle),
      .min = 0,
      .max = 1000,
      .standard = "0",
      .help = "waiting; 0: not said" },
    { .key = "usd",
      .kind = CONFIG_DOUBLE,
      .offset = AT(usd),
      .min = 0,
      .max = 1e7,
      .standard = "0",
      .help = "of one drive; 0: not said" },
    { .key = "usd_date",
      .kind = CONFIG_TEXT,
      .offset = AT(usd_date),
      .standard = "",
      .help = "when that was its price" },
    { .key = NULL },
};

/* Larger writes never wear more: two numbers the wrong way round. */
static enum status check(const struct drive *drive, const char *path, struct error *err)
{
    if (drive->endurance_large_bytes == 0 || drive->endurance_large_bytes >= drive->endurance_bytes)
        return STATUS_OK;
    char expected[64], found[32];
    snprintf(expected, sizeof expected, "0, or no less than endurance (%llu)",
             (unsigned long long)drive->endurance_bytes);
    snprintf(found, sizeof found, "%llu", (unsigned long long)drive->endurance_large_bytes);
    return error_input(err, path, 0, "endurance_large", expected, found);
}

enum status drive_load(const char *name_or_path, struct drive *drive, struct error *err)
{
    char path[MODELS_PATH_BYTES];
    memset(drive, 0, sizeof *drive);
    enum status status = models_path("drive", "ssd.drive", name_or_path, path, err);
    if (status == STATUS_OK)
        status = models_read(path, drive_rows, drive, err);
    return status == STATUS_OK ? check(drive, path, err) : status;
}

static double bytes_per_s(double sequential, double iops, uint64_t latency_ns,
                          uint64_t request_bytes, uint32_t depth)
{
    double least = sequential, request = (double)request_bytes;
    if (iops > 0.0)
        least = fmin(least, iops * request);
    if (latency_ns > 0)
        least = fmin(least, depth * request / ((double)latency_ns / (double)NS_PER_S));
    return least;
}

double drive_read_bytes_per_s(const struct drive *drive, uint64_t request_bytes, uint32_t depth)
{
    return bytes_per_s(drive->read_bytes_per_s, drive->read_iops, drive->read_latency_ns,
                       request_bytes, depth);
}

double drive_write_bytes_per_s(const struct drive *drive, uint64_t request_bytes, uint32_t depth)
{
    return bytes_per_s(drive->write_bytes_per_s, drive->write_iops, drive->write_latency_ns,
                       request_bytes, depth);
}

double drive_endurance_bytes(const struct drive *drive, uint64_t write_bytes)
{
    double rated = (double)drive->endurance_bytes, large = (double)drive->endurance_large_bytes;
    uint64_t rated_at = drive->endurance_write_bytes;
    if (drive->endurance_large_bytes == 0 || write_bytes <= rated_at)
        return rated;
    if (write_bytes >= DRIVE_SEQUENTIAL_BYTES)
        return large;
    double way = log((double)write_bytes / (double)rated_at) /
                 log((double)DRIVE_SEQUENTIAL_BYTES / (double)rated_at);
    return rated * pow(large / rated, way);
}
