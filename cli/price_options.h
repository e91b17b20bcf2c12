/* cli/price_options.h - the options by which a command is told at which prices to count. */
#ifndef REPRISE_CLI_PRICE_OPTIONS_H
#define REPRISE_CLI_PRICE_OPTIONS_H

#include "cli/options.h"
#include "plots/sweep_view.h"

struct price_options {
    const char *prices, *billing;
    struct text_list price;
    struct prices loaded; /* by price_options_load() */
};

/* Rows of an option table; `given` is a struct price_options *. */
#define PRICE_OPTIONS(given)                                                                       \
    { "prices",                                                                                    \
      0,                                                                                           \
      OPTION_TEXT,                                                                                 \
      &(given)->prices,                                                                            \
      "NAME",                                                                                      \
      "of models/prices (paper, a100, h100, h100-2026), or a YAML file" },                         \
        { "price",                                                                                 \
          0,                                                                                       \
          OPTION_TEXTS,                                                                            \
          &(given)->price,                                                                         \
          "KEY=VALUE",                                                                             \
          "change one price, such as owned.usd_per_dram_gb=6; may be given again" },               \
    {                                                                                              \
        "billing", 0, OPTION_TEXT, &(given)->billing, "KIND",                                      \
            "owned (the default where the prices know it), rented, or busy: the paper's"           \
    }

/* standard: the prices where none are named; NULL: then *pricing has none. */
enum status price_options_load(struct price_options *given, const char *standard,
                               struct sweep_pricing *pricing, struct error *err);
void price_options_free(struct price_options *given);

#endif
