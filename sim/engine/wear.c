/* sim/engine/wear.c - see wear.h. */
#include "sim/engine/wear.h"

#include "base/units.h"
#include "sim/engine/result.h"

#include <stdio.h>

struct wear wear_of(const struct drive *drive, uint64_t drives, uint64_t write_bytes,
                    double write_amplification, double written_bytes, double elapsed_ns)
{
    struct wear wear = { .drives = drives };
    if (drives == 0 || elapsed_ns <= 0.0)
        return wear;
    double days = elapsed_ns / (86400.0 * (double)NS_PER_S);
    wear.bytes_per_day = written_bytes / days;
    double worn_per_day = wear.bytes_per_day * write_amplification;
    wear.writes_per_day = worn_per_day / ((double)drives * (double)drive->capacity_bytes);
    if (worn_per_day > 0.0)
        wear.years =
            (double)drives * drive_endurance_bytes(drive, write_bytes) / worn_per_day / 365.25;
    return wear;
}

/* Below these nobody needs to be told. */
#define THRASHING_SHARE 0.10
#define NEVER_LOADED_SHARE 0.50

static double share(double part, double whole)
{
    return whole > 0.0 ? part / whole : 0.0;
}

bool wear_finding(const struct metrics *metrics, const struct drive *drive, int i, char *text,
                  size_t text_bytes)
{
    double unused = share(metrics->fetched_unused_bytes, metrics->fetch_ssd_dram_bytes);
    double never = share(metrics->stored_never_loaded_bytes, metrics->stored_bytes);
    if (unused >= THRASHING_SHARE && i-- == 0) {
        snprintf(
            text, text_bytes,
            "DRAM is thrashing: %.0f %% of what is fetched is evicted before its turn. More DRAM "
            "(tiers.dram.capacity) or fewer turns ahead "
            "(placement.scheduler_aware.fetching_window) would do",
            100.0 * unused);
        return true;
    }
    if (never >= NEVER_LOADED_SHARE && i-- == 0) {
        snprintf(
            text, text_bytes,
            "most writes are for nothing: %.0f %% of what is stored is never loaded. Letting in "
            "only what was used before would save them (tiers.dram.admit_uses, "
            "tiers.ssd.admit_uses)",
            100.0 * never);
        return true;
    }
    if (metrics->ssd_years > 0.0 && metrics->ssd_years < drive->warranty_years && i-- == 0) {
        snprintf(text, text_bytes,
                 FINDING_WEARS_OUT
                 "%.1f years to their rated writes, under %.0f years of warranty. " WEAR_ADVICE,
                 metrics->ssd_years, drive->warranty_years);
        return true;
    }
    return false;
}
