/* sweep/pricing.c - see pricing.h. */
#include "sweep/pricing.h"

enum status pricing_of(const struct pricing *pricing, const struct hardware *hardware,
                       struct prices *prices, enum billing *billing, struct error *err)
{
    enum status status = pricing->name != NULL
                             ? prices_load(pricing->name, pricing->assignments,
                                           pricing->assignment_count, prices, err)
                             : hardware_prices(hardware, pricing->assignments,
                                               pricing->assignment_count, prices, err);
    if (status != STATUS_OK)
        return status;
    *billing = billing_standard(prices);
    if (!billing_known(*billing, prices))
        return error_input(err, NULL, 0, "prices", "rent.usd_per_gpu_hour or owned.usd_per_gpu",
                           prices->name);
    return pricing->billing != NULL ? billing_parse(pricing->billing, prices, billing, err)
                                    : STATUS_OK;
}
