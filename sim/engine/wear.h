/* sim/engine/wear.h - how long the SSDs last under a run's writes, and what a run says of itself in words.
 * Rated writes (TBW) are host writes under JEDEC's workload (JESD219: small random writes, which a
 * drive amplifies). KV is written in larger pieces, which are amplified less: where the data sheet has a
 * rating for those it counts (models/drive.h), else write_amplification 1 means "as in the rating" and is
 * on the safe side. */
#ifndef REPRISE_SIM_ENGINE_WEAR_H
#define REPRISE_SIM_ENGINE_WEAR_H

#include "models/models.h"
#include "sim/engine/metrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wear {
    uint64_t drives;       /* of all servers */
    double bytes_per_day;  /* host writes */
    double writes_per_day; /* of the drives' whole capacity, times write_amplification (DWPD) */
    double years;          /* until their rated writes are used up; 0: nothing is written */
};

/* written_bytes in elapsed_ns to so many drives of all servers, in writes of write_bytes. Nothing is worn
 * where there are none or no time has passed. */
struct wear wear_of(const struct drive *drive, uint64_t drives, uint64_t write_bytes,
                    double write_amplification, double written_bytes, double elapsed_ns);

/* Sentences on what the metrics mean for the tiers, most important first: thrashing, writes for
 * nothing, drives that do not last for their warranty. Writes sentence i (from 0) into text and
 * returns true, or false behind the last one. */
bool wear_finding(const struct metrics *metrics, const struct drive *drive, int i, char *text,
                  size_t text_bytes);

#endif
