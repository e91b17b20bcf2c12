/* sim/engine/disks.h - what the SSD tier of a server is made of: how many of which drive, striped
 * (RAID-0), what they hold and how fast they are. The one derivation, for whoever runs an
 * experiment and for whoever bills it. */
#ifndef REPRISE_SIM_ENGINE_DISKS_H
#define REPRISE_SIM_ENGINE_DISKS_H

#include "models/models.h"
#include "sim/engine/experiment.h"

#include <stdbool.h>
#include <stdint.h>

#define DISKS_MOST 64 /* of named ones, in one server */

struct disks {
    struct drive drive;
    bool named; /* by ssd.drive or ssd.drives: then rates are the drive's, else the hardware's */
    uint32_t count;          /* per server; 0: no SSD tier */
    uint64_t capacity_bytes; /* for KV, per server; at most what named ones hold together */
};

/* STATUS_INPUT: an unknown drive, or a capacity that so many do not hold. */
enum status disks_for(const struct experiment *experiment, const struct hardware *hardware,
                      struct disks *disks, struct error *err);

/* A tier behind a link that moves nothing would take KV and never give it back: it is no tier, and
 * nobody buys it. */
static inline uint64_t tier_usable_bytes(uint64_t bytes, double read_bytes_per_s,
                                         double write_bytes_per_s)
{
    return read_bytes_per_s > 0.0 && write_bytes_per_s > 0.0 ? bytes : 0;
}

/* A server's, all its disks together. */
struct disk_rates {
    double read_bytes_per_s, write_bytes_per_s;
    double both_bytes_per_s; /* reads and writes together; 0: neither slows the other */
    uint64_t read_latency_ns, write_latency_ns;
};
/* Requests of request_bytes, `depth` in flight on each drive. Striped, each drive serves its share
 * of them: rates are the drive's times their number. What the drive's file does not say is the
 * hardware's, whose bound on both directions stands as long as one direction does. */
struct disk_rates disks_rates(const struct disks *disks, const struct hardware *hardware,
                              uint64_t request_bytes, uint32_t depth);

/* The requests in which a placed unit is read and written: the unit, or what large ones are cut
 * into. unit_tokens as in placement_config. */
uint64_t disks_request_bytes(uint32_t unit_tokens, uint64_t bytes_per_token);

#endif
