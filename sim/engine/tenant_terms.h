/* sim/engine/tenant_terms.h - the experiment's keys tenants.*: what each tenant of the trace is
 * given, by its place or by its name. */
#ifndef REPRISE_SIM_ENGINE_TENANT_TERMS_H
#define REPRISE_SIM_ENGINE_TENANT_TERMS_H

#include "sim/placement/placement.h"
#include "traces/tenants.h"

struct tenant_keys {
    char priority[CONFIG_TEXT_BYTES], dram_quota[CONFIG_TEXT_BYTES], ssd_quota[CONFIG_TEXT_BYTES];
};
extern const struct config_row tenant_key_rows[]; /* under "tenants." */

/* The keys' lists. */
struct tenant_lists {
    struct tenant_list priority, quota[TIER_COUNT];
};
/* STATUS_INPUT: a key is no list of its values. */
enum status tenant_lists_parse(const struct tenant_keys *keys, struct tenant_lists *lists,
                               struct error *err);
static inline bool tenant_lists_have_quotas(const struct tenant_lists *lists)
{
    return lists->quota[TIER_DRAM].count > 0 || lists->quota[TIER_SSD].count > 0;
}
/* engine.order: priority: of who has none. */
enum { TENANT_PRIORITY = 35 };
/* Whether whose turn is next follows from tenants' priorities. */
static inline bool tenant_lists_have_priorities(const struct tenant_lists *lists)
{
    return lists->priority.count > 0;
}

/* The terms of the tenants that the trace has named so far. Zeroed: none is known. */
struct tenant_terms {
    uint32_t known;
    struct placement_terms of[TRACE_TENANTS_MOST];
};
/* Those of the tenant, which the trace names. */
const struct placement_terms *tenant_terms_of(struct tenant_terms *terms,
                                              const struct tenant_lists *lists,
                                              const struct trace *trace, uint32_t tenant);

#endif
