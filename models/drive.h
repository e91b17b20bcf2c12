/* models/drive.h - an SSD as its data sheet has it: capacity, rates, endurance, price; and what
 * those come to at a size of request and a number of them in flight. */
#ifndef REPRISE_MODELS_DRIVE_H
#define REPRISE_MODELS_DRIVE_H

#include "base/config_tree.h"
#include "base/error.h"

#include <stdint.h>

/* The request at which data sheets give sequential rates; larger ones are cut into such. */
#define DRIVE_SEQUENTIAL_BYTES UINT64_C(131072)

struct drive {
    char name[CONFIG_TEXT_BYTES];
    char source[CONFIG_TEXT_BYTES];
    uint64_t capacity_bytes;
    double read_bytes_per_s, write_bytes_per_s; /* sequential; 0: not said */
    double read_iops, write_iops;               /* 4 KiB at random places; 0: no limit is known */
    uint64_t read_latency_ns, write_latency_ns; /* of one such request alone; 0: not said */
    uint64_t endurance_bytes;                   /* host writes it is rated for in its life (TBW) */
    uint64_t endurance_write_bytes;             /* size of the writes that this rating is for */
    uint64_t endurance_large_bytes; /* the same for large sequential writes; 0: not published */
    double warranty_years;
    double watts_busy, watts_idle; /* 0: not said */
    double usd;                    /* of one; 0: not said */
    char usd_date[CONFIG_TEXT_BYTES];
};

/* Reads models/drive/NAME.yaml or a path, as hardware_load() does. */
enum status drive_load(const char *name_or_path, struct drive *drive, struct error *err);
extern const struct config_row drive_rows[];

/* Bytes a second of requests of request_bytes, `depth` of them in flight:
 *   min(sequential, IOPS * request_bytes, depth * request_bytes / latency)
 * The first two are the data sheet's at its two ends; the third is Little's law (in flight = rate *
 * latency), with the latency of one request alone: more in flight wait for each other, which the
 * other two bound. 0: the sheet says no sequential rate. depth >= 1. */
double drive_read_bytes_per_s(const struct drive *drive, uint64_t request_bytes, uint32_t depth);
double drive_write_bytes_per_s(const struct drive *drive, uint64_t request_bytes, uint32_t depth);

/* Host bytes until it is worn out by writes of write_bytes each: endurance_bytes up to the size
 * that it is rated for, endurance_large_bytes from DRIVE_SEQUENTIAL_BYTES on, and between them the
 * straight line over both logarithms. Small writes leave erase blocks half valid, which the drive
 * copies (write amplification; JESD218 and 219 rate with 4 KiB for the most part). */
double drive_endurance_bytes(const struct drive *drive, uint64_t write_bytes);

#endif
