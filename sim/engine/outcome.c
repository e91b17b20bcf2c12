/* sim/engine/outcome.c - see outcome.h. */
#include "sim/engine/outcome.h"

#include "sim/engine/cost.h"
#include "sim/engine/engine.h"
#include "sim/engine/findings.h"
#include "sim/engine/wear.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- counts ---- */

/* How many times its fair share of turns the busiest server was given. */
static double imbalance(const struct service *service)
{
    uint64_t most = 0, all = 0;
    for (uint32_t i = 0; i < service->prefill_engines; i++) {
        uint64_t turns = engine_turns_measured(service->engine[i]);
        most = turns > most ? turns : most;
        all += turns;
    }
    return all > 0 ? (double)most * service->prefill_engines / (double)all : 0.0;
}

static void add_pool_metrics(const struct service *service, struct metrics *metrics)
{
    if (service->pool == NULL)
        return;
    double bytes_per_token = (double)service->setup->kv.tier_bytes[TIER_REMOTE];
    const struct pool_counters *now = pool_counters(service->pool);
    const struct pool_counters *then = &service->pool_at_measure;
    metrics->peak_remote_bytes = (double)pool_peak_tokens(service->pool) * bytes_per_token;
    metrics->remote_dropped_bytes =
        (double)(now->dropped_tokens - then->dropped_tokens) * bytes_per_token;
    metrics->remote_expired_bytes =
        (double)(now->expired_tokens - then->expired_tokens) * bytes_per_token;
    metrics->remote_invalidated_bytes =
        (double)(now->cut_tokens - then->cut_tokens) * bytes_per_token;
}

/* What was measured behind the last arrival is a load that dies away. */
static double arriving_ns(const struct service *service)
{
    uint64_t last_ns = service->sessions.offered.to_ns, from_ns = service->collector.measure_ns;
    return last_ns > from_ns ? (double)(last_ns - from_ns) : 0.0;
}

static void set_metrics(struct service *service, uint64_t now_ns, struct sim_result *result)
{
    struct metrics *metrics = &result->metrics;
    for (uint32_t i = 0; i < service->engines; i++)
        engine_end(service->engine[i]);
    collector_finish(&service->collector, now_ns, result);
    sessions_set_offered(&service->sessions, metrics);
    for (uint32_t i = 0; i < service->engines; i++)
        engine_add_metrics(service->engine[i], metrics);
    add_pool_metrics(service, metrics);
    metrics->gpu_utilisation /= service->engines;
    metrics->router_imbalance = imbalance(service);
    metrics->arriving_ns = arriving_ns(service);
}

/* Nothing where there is one tenant, or a run ended in its warm-up. */
static void set_tenants(const struct service *service, const struct trace_tenants *tenants,
                        struct sim_result *result)
{
    result->tenant_count = tenants->count > 1 ? tenants->count : 0;
    for (uint32_t i = 0; i < result->tenant_count; i++) {
        struct tenant_result *tenant = &result->tenant[i];
        memset(tenant, 0, sizeof *tenant);
        memcpy(tenant->name, tenants->name[i], sizeof tenant->name);
        tenant_sums_finish(&service->collector.tenant[i], &tenant->metrics);
    }
    for (uint32_t i = 0; i < service->engines; i++)
        engine_add_tenant_metrics(service->engine[i], result->tenant, result->tenant_count);
}

/* ---- dollars and wear ---- */

static void set_cost(const struct engine_setup *setup, struct metrics *metrics)
{
    struct bought bought = cost_bought_with(setup->experiment, &setup->hardware, &setup->disks);
    cost_set(&bought, &setup->hardware.prices, metrics);
}

static void set_wear(const struct engine_setup *setup, struct sim_result *result)
{
    const struct experiment *experiment = setup->experiment;
    struct metrics *metrics = &result->metrics;
    uint64_t drives = (uint64_t)setup->disks.count * engine_setup_prefill_servers(setup);
    struct wear wear =
        wear_of(&setup->disks.drive, drives, setup->ssd_request_bytes,
                experiment->write_amplification, metrics->ssd_written_bytes, cost_pace_ns(metrics));
    metrics->ssd_written_per_day_bytes = wear.bytes_per_day;
    metrics->ssd_dwpd = wear.writes_per_day;
    metrics->ssd_years = wear.years;
}

/* ---- all of it ---- */

void outcome_set(struct service *service, const struct trace *trace, uint64_t now_ns,
                 struct sim_result *result)
{
    const struct engine_setup *setup = service->setup;
    set_metrics(service, now_ns, result);
    set_cost(setup, &result->metrics);
    set_wear(setup, result);
    const struct trace_facts facts = trace_facts(trace);
    set_tenants(service, &facts.tenants, result);
    findings_set(service, &facts, result);
    result->trace_hash = trace_hash(trace);
    result->trace_format = facts.format;
    result->open_loop = setup->open_loop && setup->experiment->workload.concurrency == 0;
    snprintf(result->timing_source, sizeof result->timing_source, "%s", setup->timing.source);
    result->kv_bytes_per_token = setup->kv.bytes_per_token;
    result->raised_block_tokens = setup->raised ? setup->unit_tokens : 0;
    memcpy(result->kv_tier_bytes, setup->kv.tier_bytes, sizeof result->kv_tier_bytes);
    result->kv_budget_bytes = setup->kv_budget_bytes;
}

enum status outcome_check(const struct service *service, const struct sim_result *result,
                          struct error *err)
{
    char expected[160], found[32];
    if (result->interrupted || result->metrics.turns > 0.0)
        return STATUS_OK;
    snprintf(expected, sizeof expected,
             "fewer than the %" PRIu64 " turns that were asked, or nothing is measured (--set "
             "warmup_turns=0 measures all)",
             service->sessions.turns_asked);
    snprintf(found, sizeof found, "%" PRIu64, service->setup->experiment->warmup_turns);
    return error_input(err, NULL, 0, "warmup_turns", expected, found);
}
