/* models/prices.h - what a server costs: to rent by the hour, or to own (bought, written off over
 * years, fed with electricity), and how many writes its SSDs take. One YAML a preset, under
 * models/prices/, each number with its source and date; users give their own file, or change single
 * keys. */
#ifndef REPRISE_MODELS_PRICES_H
#define REPRISE_MODELS_PRICES_H

#include "base/config_tree.h"
#include "base/error.h"

struct prices {
    char name[CONFIG_TEXT_BYTES], source[CONFIG_TEXT_BYTES], date[CONFIG_TEXT_BYTES];
    /* Rented: by the hour, used or not. GB: 10^9 bytes. */
    double rent_usd_per_gpu_hour, rent_usd_per_dram_gb_hour, rent_usd_per_ssd_gb_hour;
    /* Owned: what is paid once. A server's part that is no GPU, DRAM or SSD is shared by its GPUs.
     */
    double usd_per_gpu, usd_per_server_per_gpu, usd_per_dram_gb, usd_per_ssd_gb;
    double years;            /* written off evenly over */
    double support_per_year; /* share of the price */
    double gpu_busy_watts, gpu_idle_watts, server_watts_per_gpu, dram_watts_per_gb,
        ssd_watts_per_tb;
    double pue, usd_per_kwh;
    /* Rated endurance: the whole capacity so often a day, for so many years. */
    double ssd_writes_per_day, ssd_warranty_years;
};

/* name_or_path: as hardware_load() takes it, under models/prices. assignments: "owned.years=5",
 * laid over the file; count may be 0. */
enum status prices_load(const char *name_or_path, const char *const *assignments, uint32_t count,
                        struct prices *prices, struct error *err);

#endif
