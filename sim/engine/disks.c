/* sim/engine/disks.c - see disks.h. */
#include "sim/engine/disks.h"

#include "base/units.h"

#include <stdio.h>

/* As many as the words say; of a capacity, as many as take it. */
static uint64_t drives_for(const struct disks *disks, uint64_t asked_bytes)
{
    return asked_bytes > 0 ? (asked_bytes - 1) / disks->drive.capacity_bytes + 1 : 0;
}

static enum status refuse(const struct disks *disks, uint64_t count, uint64_t asked_bytes,
                          struct error *err)
{
    char holds[32], expected[sizeof err->expected], found[32];
    units_format((double)(count * disks->drive.capacity_bytes), UNIT_BYTES, holds, sizeof holds);
    units_format((double)asked_bytes, UNIT_BYTES, found, sizeof found);
    if (count > 0)
        snprintf(expected, sizeof expected, "at most %s, which %u of %.48s hold (ssd.drives)",
                 holds, (unsigned)count, disks->drive.name);
    else
        snprintf(expected, sizeof expected, "0: there are no drives (ssd.drives)");
    return error_input(err, NULL, 0, "tiers.ssd.capacity", expected, found);
}

enum status disks_for(const struct experiment *experiment, const struct hardware *hardware,
                      struct disks *disks, struct error *err)
{
    const bool fits = experiment->drives == UINT64_MAX, sized = experiment->ssd_bytes != UINT64_MAX;
    const bool given = experiment->drive[0] != '\0';
    *disks = (struct disks){ .named = given || !fits };
    enum status status =
        drive_load(given ? experiment->drive : hardware->drive, &disks->drive, err);
    if (status != STATUS_OK)
        return status;
    uint64_t asked = sized ? experiment->ssd_bytes : hardware->ssd_bytes;
    uint64_t count = fits ? drives_for(disks, asked) : experiment->drives;
    if (disks->named) {
        uint64_t most = fits ? DISKS_MOST : count, holds = most * disks->drive.capacity_bytes;
        if ((sized || fits) && asked > holds)
            return refuse(disks, most, asked, err);
        if (!sized && !fits)
            asked = holds;
    }
    disks->capacity_bytes = asked;
    disks->count = asked > 0 ? (uint32_t)count : 0;
    return STATUS_OK;
}

static double said(double drive, double hardware)
{
    return drive > 0.0 ? drive : hardware;
}

struct disk_rates disks_rates(const struct disks *disks, const struct hardware *hardware,
                              uint64_t request_bytes, uint32_t depth)
{
    struct disk_rates rates = { .read_bytes_per_s = hardware->ssd_read_bytes_per_s,
                                .write_bytes_per_s = hardware->ssd_write_bytes_per_s,
                                .both_bytes_per_s = hardware->ssd_both_bytes_per_s,
                                .read_latency_ns = hardware->ssd_latency_ns,
                                .write_latency_ns = hardware->ssd_latency_ns };
    if (!disks->named)
        return rates;
    const struct drive *drive = &disks->drive;
    double count = disks->count, read = drive_read_bytes_per_s(drive, request_bytes, depth);
    double write = drive_write_bytes_per_s(drive, request_bytes, depth);
    rates.read_bytes_per_s = said(count * read, rates.read_bytes_per_s);
    rates.write_bytes_per_s = said(count * write, rates.write_bytes_per_s);
    if (read > 0.0 && write > 0.0)
        rates.both_bytes_per_s = 0.0;
    if (drive->read_latency_ns > 0)
        rates.read_latency_ns = drive->read_latency_ns;
    if (drive->write_latency_ns > 0)
        rates.write_latency_ns = drive->write_latency_ns;
    return rates;
}

uint64_t disks_request_bytes(uint32_t unit_tokens, uint64_t bytes_per_token)
{
    const uint64_t most = DRIVE_SEQUENTIAL_BYTES; /* sessions' UINT32_MAX is more of any tokens */
    return unit_tokens > most / bytes_per_token ? most : unit_tokens * bytes_per_token;
}
