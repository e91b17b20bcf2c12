/* models/prices.h - what a server costs: to rent by the hour, or to own (bought, written off over
 * years, housed and fed with electricity). One YAML a preset, under
 * models/prices/, each number with its source and date; users give their own file, or change single
 * keys. */
#ifndef REPRISE_MODELS_PRICES_H
#define REPRISE_MODELS_PRICES_H

#include "base/config_tree.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct prices {
    char name[CONFIG_TEXT_BYTES], source[CONFIG_TEXT_BYTES], date[CONFIG_TEXT_BYTES];
    /* What sums are shown in: `currency` is worth 1 / per_usd dollars. Everything else here, and
     * all that is computed, is in dollars. */
    char currency[CONFIG_TEXT_BYTES];
    double per_usd;
    double discount; /* share off the prices of what is bought or rented */
    /* Rented: by the hour. A GPU with its share of an instance of 8, of 2 to 4, of 1 (0: none is
     * sold, and a larger one is taken). GB: 10^9 bytes; so many come with each GPU, and only more
     * is paid for. */
    double rent_usd_per_gpu_hour, rent_usd_per_gpu_hour_of_4, rent_usd_per_gpu_hour_of_1;
    double rent_dram_gb_per_gpu, rent_ssd_gb_per_gpu;
    double rent_usd_per_dram_gb_hour, rent_usd_per_ssd_gb_hour;
    /* Owned: what is paid once. A server's part that is no GPU, DRAM or SSD is shared by its GPUs.
     */
    double usd_per_gpu, usd_per_server_per_gpu, usd_per_dram_gb, usd_per_ssd_gb;
    double years;                 /* written off evenly over */
    double support_per_year;      /* share of the price */
    double rack_usd_per_kw_month; /* space and cooling for what can be drawn at most */
    double gpu_busy_watts, gpu_idle_watts, server_watts_per_gpu, dram_watts_per_gb,
        ssd_watts_per_tb;
    double pue, usd_per_kwh;
};

/* name_or_path: as hardware_load() takes it, under models/prices; NULL: no file, all is in the
 * assignments. These ("owned.years=5") are laid over the file, later ones over earlier ones; count
 * may be 0. */
enum status prices_load(const char *name_or_path, const char *const *assignments, uint32_t count,
                        struct prices *prices, struct error *err);

/* Whether they tell of renting, of owning. */
bool prices_rent(const struct prices *prices);
bool prices_own(const struct prices *prices);

/* A GPU's hour in the smallest instance that is sold and has `gpus` GPUs. */
double prices_gpu_hour(const struct prices *prices, uint32_t gpus);

/* The sum in the currency: "$12,345", "EUR 0.0123"; returns out. */
char *prices_money(const struct prices *prices, double usd, char *out, size_t out_bytes);

#endif
