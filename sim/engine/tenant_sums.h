/* sim/engine/tenant_sums.h - the collector's sums of one tenant (tenants.h). */
#ifndef REPRISE_SIM_ENGINE_TENANT_SUMS_H
#define REPRISE_SIM_ENGINE_TENANT_SUMS_H

#include "base/histogram.h"
#include "sim/engine/tenants.h"
#include "sim/placement/tier.h"

#include <stdbool.h>

struct turn_record;
struct turn_end;

/* Zeroed: nothing was measured. */
struct tenant_sums {
    struct histogram ttft; /* without buckets until the tenant's first turn */
    uint64_t turns, turns_in_slo, reply_tokens;
    uint64_t wanted_tokens, reused_tokens, hit_tokens[TIER_KINDS], preemptions;
};

void tenant_sums_free(struct tenant_sums *sums);
/* The warm-up is over. */
void tenant_sums_restart(struct tenant_sums *sums);
/* Adds what a part of the service has measured. */
void tenant_sums_add_part(struct tenant_sums *whole, const struct tenant_sums *part);
void tenant_sums_add_turn(struct tenant_sums *sums, const struct turn_record *turn);
void tenant_sums_end_turn(struct tenant_sums *sums, const struct turn_end *turn, bool in_slo);
/* All but stored_bytes, which is the core's. */
void tenant_sums_finish(const struct tenant_sums *sums, struct tenant_metrics *metrics);

#endif
