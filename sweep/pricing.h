/* sweep/pricing.h - by which prices runs are billed, and how. */
#ifndef REPRISE_SWEEP_PRICING_H
#define REPRISE_SWEEP_PRICING_H

#include "models/bill.h"
#include "models/models.h"

/* The texts are the caller's. */
struct pricing {
    const char *name;               /* of models/prices, or a path; NULL: each server's own */
    const char *const *assignments; /* laid over them: "owned.years=5" */
    uint32_t assignment_count;
    const char
        *billing; /* "busy", "rented", "owned"; NULL: owned where the prices tell, else rented */
};

/* The prices of such a server, and how they are billed. STATUS_INPUT: no such prices, none of that
 * kind. */
enum status pricing_of(const struct pricing *pricing, const struct hardware *hardware,
                       struct prices *prices, enum billing *billing, struct error *err);

#endif
