/* cli/comparison_tenants.c - what each tenant of a trace had of a run: a table below the others.
 * Nothing where there is one. */
#include "cli/comparison_tenants.h"

#include "base/units.h"
#include "cli/table.h"

#define WIDTH_MOST 100

static void add_time(struct table *table, double ns)
{
    char text[32];
    table_add(table, "%s", units_format(ns, UNIT_DURATION, text, sizeof text));
}

static void add_share(struct table *table, double tokens, double of_tokens)
{
    table_add(table, "%.2f %%", of_tokens > 0.0 ? 100.0 * tokens / of_tokens : 0.0);
}

static void add_tenant(struct table *table, const char *policy, const struct tenant_result *tenant)
{
    const struct tenant_metrics *metrics = &tenant->metrics;
    char text[32];
    table_add(table, "%s, %s", policy, tenant->name);
    table_add(table, "%.0f", metrics->turns);
    add_time(table, metrics->ttft_mean_ns);
    add_time(table, metrics->ttft_p99_ns);
    table_add(table, "%.2f %%", 100.0 * metrics->slo_attainment);
    table_add(table, "%.2f %%", 100.0 * metrics->hit_rate_tokens);
    add_share(table, metrics->hit_tokens_dram, metrics->wanted_tokens);
    add_share(table, metrics->hit_tokens_ssd, metrics->wanted_tokens);
    table_add(table, "%s", units_format(metrics->stored_bytes, UNIT_BYTES, text, sizeof text));
}

void comparison_print_tenants(FILE *out, const struct comparison *comparison)
{
    static const char *const heads[] = { "",     "turns", "TTFT mean", "P99",   "in SLO",
                                         "hits", "DRAM",  "SSD",       "stored" };
    enum { COLUMNS = sizeof heads / sizeof *heads };
    struct table table;
    uint32_t tenants = 0;
    for (uint32_t i = 0; i < comparison->count; i++)
        tenants += comparison->runs[i].result.tenant_count;
    if (tenants == 0)
        return;
    table_init(&table, COLUMNS);
    for (int i = 0; i < COLUMNS; i++)
        table_add(&table, "%s", heads[i]);
    for (uint32_t i = 0; i < comparison->count; i++) {
        const struct run *run = &comparison->runs[i];
        for (uint32_t t = 0; t < run->result.tenant_count; t++)
            add_tenant(&table, run->experiment.policy, &run->result.tenant[t]);
    }
    fprintf(out, "\nby tenant; hits are of its own history and prompt tokens\n");
    table_print(out, &table, WIDTH_MOST);
    table_end(&table);
}
