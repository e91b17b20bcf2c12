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
    return pricing->billing != NULL ? billing_parse(pricing->billing, prices, billing, err)
                                    : STATUS_OK;
}
