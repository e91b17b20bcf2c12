/* sim/engine/tenant_terms.c - see tenant_terms.h. */
#include "sim/engine/tenant_terms.h"

#include <stddef.h>

#define AT(member) offsetof(struct tenant_keys, member)

const struct config_row tenant_key_rows[] = {
    { .key = "priority",
      .kind = CONFIG_TEXT,
      .offset = AT(priority),
      .standard = "",
      .help =
          "priorities of the trace's tenants, whole numbers from 0 to 100, as 80/20 or "
          "chat=80/batch=20; who has none: 35. engine.order priority: higher ones are next, and "
          "engine.urgent_share does not count; priority-lru: of their KV" },
    { .key = "dram_quota",
      .kind = CONFIG_TEXT,
      .offset = AT(dram_quota),
      .standard = "",
      .help = "shares of a server's DRAM that the tenants' KV may take, from 0 to 1, as 0.7/0.3 or "
              "batch=0.3: who would have more gives up his own first; 1 or none: no quota" },
    { .key = "ssd_quota",
      .kind = CONFIG_TEXT,
      .offset = AT(ssd_quota),
      .standard = "",
      .help = "the same of a server's SSD" },
    { .key = NULL },
};

static enum status check_whole(const struct tenant_list *list, const char *text, struct error *err)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->value[i] != (double)(uint32_t)list->value[i])
            return error_input(err, NULL, 0, "tenants.priority", "whole numbers from 0 to 100",
                               text);
    return STATUS_OK;
}

enum status tenant_lists_parse(const struct tenant_keys *keys, struct tenant_lists *lists,
                               struct error *err)
{
    static const char shares[] = "shares from 0 to 1";
    *lists = (struct tenant_lists){ 0 };
    if (tenant_list_parse("tenants.priority", "priorities from 0 to 100", 0, 100, keys->priority,
                          &lists->priority, err) ||
        check_whole(&lists->priority, keys->priority, err) ||
        tenant_list_parse("tenants.dram_quota", shares, 0, 1, keys->dram_quota,
                          &lists->quota[TIER_DRAM], err) ||
        tenant_list_parse("tenants.ssd_quota", shares, 0, 1, keys->ssd_quota,
                          &lists->quota[TIER_SSD], err))
        return err->status;
    return STATUS_OK;
}

const struct placement_terms *tenant_terms_of(struct tenant_terms *terms,
                                              const struct tenant_lists *lists,
                                              const struct trace *trace, uint32_t tenant)
{
    if (tenant < terms->known)
        return &terms->of[tenant];
    const struct trace_facts facts = trace_facts(trace);
    for (; terms->known <= tenant; terms->known++) {
        const char *name = trace_tenant_name(&facts.tenants, terms->known);
        struct placement_terms *of = &terms->of[terms->known];
        double priority = tenant_list_value(&lists->priority, terms->known, name, -1.0);
        of->priority = priority < 0.0 ? PLACEMENT_NO_PRIORITY : (uint32_t)priority;
        for (int tier = 0; tier < TIER_COUNT; tier++)
            of->quota[tier] = tenant_list_value(&lists->quota[tier], terms->known, name, 1.0);
    }
    return &terms->of[tenant];
}
