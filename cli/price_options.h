/* cli/price_options.h - the options by which a command is told at which prices to count. */
#ifndef REPRISE_CLI_PRICE_OPTIONS_H
#define REPRISE_CLI_PRICE_OPTIONS_H

#include "cli/options.h"
#include "sweep/pricing.h"

struct price_options {
    const char *prices, *billing;
    struct text_list price;
};

/* Rows of an option table; `given` is a struct price_options *. */
#define PRICE_OPTIONS(given)                                                                       \
    { "prices",                                                                                    \
      0,                                                                                           \
      OPTION_READS,                                                                                \
      &(given)->prices,                                                                            \
      "NAME",                                                                                      \
      "of models/prices, or a YAML file, instead of each server's own" },                         \
        { "price",                                                                                 \
          0,                                                                                       \
          OPTION_TEXTS,                                                                            \
          &(given)->price,                                                                         \
          "KEY=VALUE",                                                                             \
          "change one price, such as owned.usd_per_dram_gb=6; may be given again" },               \
    {                                                                                              \
        "billing", 0, OPTION_TEXT, &(given)->billing, "KIND",                                      \
            "owned (the default where the prices tell), rented, or busy: the paper's"           \
    }

/* What they say; it borrows their texts. */
struct pricing price_options_pricing(const struct price_options *given);
void price_options_free(struct price_options *given);

#endif
