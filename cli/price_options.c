/* cli/price_options.c - see price_options.h. */
#include "cli/price_options.h"

#include <stdlib.h>

enum status price_options_load(struct price_options *given, const char *standard,
                               struct sweep_pricing *pricing, struct error *err)
{
    bool asked = given->prices != NULL || given->billing != NULL || given->price.count > 0;
    const char *name = given->prices != NULL ? given->prices : standard;
    *pricing = (struct sweep_pricing){ 0 };
    if (name == NULL && !asked)
        return STATUS_OK;
    if (name == NULL)
        name = "h100";
    enum status status =
        prices_load(name, given->price.text, given->price.count, &given->loaded, err);
    if (status != STATUS_OK)
        return status;
    const char *billing = given->loaded.usd_per_gpu > 0.0 ? "owned" : "rented";
    pricing->prices = &given->loaded;
    return billing_parse(given->billing != NULL ? given->billing : billing, &given->loaded,
                         &pricing->billing, err);
}

void price_options_free(struct price_options *given)
{
    free(given->price.text);
}
