/* sim/engine/findings.c - see findings.h. A sentence a function, each with the bounds from which it
 * is told; below them nobody needs to know. */
#include "sim/engine/findings.h"

#include "base/units.h"
#include "models/timing_range.h"
#include "sim/engine/setup.h"
#include "sim/engine/wear.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What the sentences are told from. */
struct told {
    const struct service *service;
    const struct engine_setup *setup;
    const struct trace_facts *facts;
    const struct metrics *metrics;
    char *text; /* where the next one goes */
    size_t text_bytes;
};

static double share(double part, double whole)
{
    return whole > 0.0 ? part / whole : 0.0;
}

/* ---- what makes numbers doubtful ---- */

/* Hits of 0 are the trace's silence, not the workload's. */
static bool silent_finding(const struct told *told)
{
    const struct trace_facts *facts = told->facts;
    if (!facts->open_loop || facts->block_tokens > 0 || told->metrics->turns == 0.0)
        return false;
    snprintf(told->text, told->text_bytes,
             "the trace (%.32s) tells nothing of shared prefixes, so that nothing can hit: whether "
             "keeping KV pays cannot be told from it",
             facts->format);
    return true;
}

/* A prompt that was cut to the window reuses more of what is left of it than the whole one would; a
 * history that was cut may hold KV that is useless now. They are counted apart, and each told where
 * it matters. */
static bool window_finding(const struct told *told)
{
    const double told_from = 0.01;
    const struct metrics *metrics = told->metrics;
    double alone = share(metrics->clamped_turns, metrics->turns);
    double history = share(metrics->overflows, metrics->turns);
    char parts[2][160] = { "", "" };
    if (alone >= told_from)
        snprintf(parts[0], sizeof parts[0],
                 "%.0f %% of the turns have a prompt or a reply that alone is too long for it (a "
                 "reply: for half of it) and was cut",
                 100.0 * alone);
    if (history >= told_from)
        snprintf(parts[1], sizeof parts[1],
                 "%.0f %% of the turns have a history that did not fit beside prompt and reply and "
                 "lost its "
                 "oldest part",
                 100.0 * history);
    if (parts[0][0] == '\0' && parts[1][0] == '\0')
        return false;
    snprintf(told->text, told->text_bytes, "the context window of %u tokens cuts turns: %s%s%s",
             told->setup->window_tokens, parts[0],
             parts[0][0] != '\0' && parts[1][0] != '\0' ? "; " : "", parts[1]);
    return true;
}

/* What nobody measured is not shown as if somebody had. */
static bool range_finding(const struct told *told)
{
    char range[TIMING_RANGE_BYTES];
    const struct metrics *metrics = told->metrics;
    if (metrics->extrapolated_iterations == 0.0)
        return false;
    snprintf(told->text, told->text_bytes,
             "%.1f %% of the GPUs' time, %.0f of %.0f iterations, is extrapolated: beyond the %s "
             "measured",
             100.0 * metrics->extrapolated_time_share, metrics->extrapolated_iterations,
             metrics->iterations, timing_range_text(&told->setup->timing, range));
    return true;
}

/* ---- terms that are nobody's ---- */

struct nobodys {
    char *text;
    size_t length, bytes;
};

static void add_nobody(struct nobodys *nobodys, const char *who, const char *key)
{
    if (nobodys->length < nobodys->bytes)
        nobodys->length +=
            (size_t)snprintf(nobodys->text + nobodys->length, nobodys->bytes - nobodys->length,
                             "%s%s (tenants.%s)", nobodys->length > 0 ? ", " : "", who, key);
}

/* Those of the key's tenants that the run has not. */
static void add_nobodys(struct nobodys *nobodys, const struct tenant_list *list,
                        const struct trace_tenants *tenants, const char *key)
{
    uint32_t have = tenants->count > 0 ? tenants->count : 1;
    char who[32];
    for (uint32_t i = 0; i < list->count; i++) {
        bool is_there = !list->named && i < have;
        for (uint32_t j = 0; list->named && j < have; j++)
            is_there = is_there || strcmp(list->name[i], trace_tenant_name(tenants, j)) == 0;
        snprintf(who, sizeof who, "no. %u", i + 1);
        if (!is_there)
            add_nobody(nobodys, list->named ? list->name[i] : who, key);
    }
}

/* A name that was mistyped would else change nothing, silently. */
static bool tenants_finding(const struct told *told)
{
    const struct tenant_lists *lists = &told->setup->tenants;
    const struct trace_tenants *tenants = &told->facts->tenants;
    char text[192] = "", names[96] = "";
    struct nobodys nobodys = { text, 0, sizeof text };
    add_nobodys(&nobodys, &lists->priority, tenants, "priority");
    add_nobodys(&nobodys, &lists->quota[TIER_DRAM], tenants, "dram_quota");
    add_nobodys(&nobodys, &lists->quota[TIER_SSD], tenants, "ssd_quota");
    if (nobodys.length == 0)
        return false;
    for (uint32_t i = 0; i < (tenants->count > 0 ? tenants->count : 1); i++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s", i > 0 ? ", " : "",
                 trace_tenant_name(tenants, i));
    snprintf(told->text, told->text_bytes, "no tenant of this run is %s: it has %s", text, names);
    return true;
}

/* ---- what holds turns up ---- */

/* Whether waiting is a good part of what users see. */
static bool waiting_matters(const struct metrics *metrics)
{
    const double told_from_ttft = 0.1;
    return metrics->queueing_mean_ns >= told_from_ttft * metrics->ttft_mean_ns;
}

static double waiting_ns(const struct metrics *metrics)
{
    return metrics->waiting_batch_ns + metrics->waiting_hbm_ns + metrics->waiting_kv_ns +
           metrics->waiting_gpu_ns;
}

/* How many times as long the load took to be served as to be offered, were replies instant; 0: it
 * was offered at no rate. */
static double served_over_offered(const struct service *service, const struct metrics *metrics)
{
    const struct offered *offered = &service->sessions.offered;
    uint64_t end_ns = service->collector.last_end_ns;
    if (metrics->offered_ns == 0.0 || end_ns <= offered->from_ns ||
        offered->last_turn_ns <= offered->from_ns)
        return 0.0;
    return (double)(end_ns - offered->from_ns) / (double)(offered->last_turn_ns - offered->from_ns);
}

/* Replies alone keep the end a little behind the load's. A queue longer than the batch that is
 * served meanwhile, for most of what users wait, is no burst's. */
static bool is_overloaded(const struct service *service, const struct metrics *metrics)
{
    const double from_times = 1.1, from_ttft = 0.5;
    return served_over_offered(service, metrics) >= from_times &&
           metrics->queue_mean >= metrics->batch_mean &&
           metrics->queueing_mean_ns >= from_ttft * metrics->ttft_mean_ns;
}

static bool overload_finding(const struct told *told)
{
    const struct metrics *metrics = told->metrics;
    char waited[32];
    if (!is_overloaded(told->service, metrics))
        return false;
    double times = served_over_offered(told->service, metrics);
    units_format(metrics->queueing_mean_ns, UNIT_DURATION, waited, sizeof waited);
    snprintf(
        told->text, told->text_bytes,
        FINDING_OVERLOADED
        "turns come faster than they are served, so that the queue grows for as long "
        "as they come: the mean turn waited %s in it, and all took %.0f %% longer to serve than "
        "to come. Offer less (%s) or serve with more (cluster.replicas, gpus)",
        waited, 100.0 * (times - 1.0),
        told->setup->experiment->trace[0] != '\0' ? "import.rate" : "workload.sessions_per_s");
    return true;
}

/* A limit of the engine's that more of the same GPUs' memory would let be higher. */
static bool batch_finding(const struct told *told)
{
    const double told_from_waiting = 0.5;
    const struct metrics *metrics = told->metrics;
    double of_batch = share(metrics->waiting_batch_ns, waiting_ns(metrics));
    if (!waiting_matters(metrics) || of_batch < told_from_waiting)
        return false;
    snprintf(told->text, told->text_bytes,
             "%.0f %% of the time that turns waited was for engine.batch = %u, while HBM had room: "
             "the limit holds them up, not the GPUs' memory. Try a higher one",
             100.0 * of_batch, told->setup->experiment->batch);
    return true;
}

static bool hbm_finding(const struct told *told)
{
    const double told_from_waiting = 0.5;
    const struct metrics *metrics = told->metrics;
    double of_hbm = share(metrics->waiting_hbm_ns, waiting_ns(metrics));
    char budget[32];
    if (!waiting_matters(metrics) || of_hbm < told_from_waiting)
        return false;
    units_format((double)told->setup->kv_budget_bytes, UNIT_BYTES, budget, sizeof budget);
    snprintf(
        told->text, told->text_bytes,
        "HBM is too small: %.0f %% of the time that turns waited was for room in its %s for KV. "
        "More GPUs (gpus), smaller KV (engine.kv_dtype: fp8) or smaller weights "
        "(engine.weight_format) make room",
        100.0 * of_hbm, budget);
    return true;
}

/* What most of the waiting was for. */
static const char *main_cause(const struct metrics *metrics)
{
    const struct {
        double ns;
        const char *words;
    } causes[] = { { metrics->waiting_hbm_ns, "for room in HBM" },
                   { metrics->waiting_batch_ns, "for a place in the batch" },
                   { metrics->waiting_kv_ns, "for KV on its way" },
                   { metrics->waiting_gpu_ns, "for the GPUs' work" } };
    size_t most = 0;
    for (size_t i = 1; i < sizeof causes / sizeof *causes; i++)
        most = causes[i].ns > causes[most].ns ? i : most;
    return causes[most].words;
}

/* A mean that goes up while P99 stays: when a few of the longest conversations run at once, whoever
 * comes then waits. What the others have at most is known by percentiles. */
static bool tail_finding(const struct told *told)
{
    const double told_from_share = 1.0 / 3;
    const struct metrics *metrics = told->metrics;
    double others_ns = 0.5 * metrics->ttft_p50_ns + 0.4 * metrics->ttft_p90_ns +
                       0.05 * metrics->ttft_p95_ns + 0.04 * metrics->ttft_p99_ns;
    double slowest = 1.0 - share(others_ns, metrics->ttft_mean_ns);
    if (metrics->ttft_mean_ns == 0.0 || slowest < told_from_share || !waiting_matters(metrics) ||
        is_overloaded(told->service, metrics))
        return false;
    snprintf(told->text, told->text_bytes,
             "the slowest 1 %% of the turns make %.0f %% of the mean TTFT or more: few waited, but "
             "for long, mostly %s. Such a mean changes with the seed and the run's length: look at "
             "percentiles, or at several seeds (--replications)",
             100.0 * slowest, main_cause(metrics));
    return true;
}

/* Replies that outgrow HBM push others out, which are then computed again. */
static bool preemption_finding(const struct told *told)
{
    const double told_from_share = 0.05;
    const struct metrics *metrics = told->metrics;
    double again = share(metrics->prefilled_again_tokens,
                         metrics->computed_tokens + metrics->prefilled_again_tokens);
    if (again < told_from_share)
        return false;
    snprintf(
        told->text, told->text_bytes,
        "HBM is thrashing: turns were pushed out of it %.0f times, and %.0f %% of what was "
        "prefilled had been before. Let fewer run at once (engine.batch), or give them more HBM "
        "(gpus)",
        metrics->preemptions, 100.0 * again);
    return true;
}

/* ---- what was found and not used ---- */

/* ", 12 % in DRAM": of the tokens that were passed over. */
static void add_places(const struct metrics *metrics, char *text, size_t text_bytes)
{
    const struct {
        const char *where;
        double tokens;
    } places[] = { { "in DRAM", metrics->passed_over_tokens_dram },
                   { "on SSD", metrics->passed_over_tokens_ssd },
                   { "in the remote pool", metrics->passed_over_tokens_remote } };
    size_t length = 0;
    *text = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (places[i].tokens >= 0.005 * metrics->passed_over_tokens)
            length += (size_t)snprintf(
                text + length, text_bytes - length, "%s%.0f %% %s", length > 0 ? ", " : "",
                100.0 * places[i].tokens / metrics->passed_over_tokens, places[i].where);
}

/* Which keys had a turn compute what it could have loaded. */
static const char *passing_rule(const struct experiment *experiment)
{
    bool fetching =
        experiment->fetch_wait != FETCH_COMPLETE || experiment->placement.fetch_min_tokens > 0;
    if (experiment->reuse == REUSE_ALWAYS)
        return "engine.fetch_wait and engine.fetch_min_tokens do not let it be loaded";
    return fetching ? "loading it would have taken longer (engine.reuse: if-faster), or "
                      "engine.fetch_wait and engine.fetch_min_tokens do not let it be loaded"
                    : "loading it would have taken longer (engine.reuse: if-faster; with always it "
                      "is loaded all the same)";
}

/* The surprise of fewer hits and a better TTFT. */
static bool passed_over_finding(const struct told *told)
{
    const double told_from_share = 0.005; /* a read buffer that hides loads changes no more */
    const struct metrics *metrics = told->metrics;
    double passed = share(metrics->passed_over_tokens, metrics->wanted_tokens);
    char places[128];
    if (passed < told_from_share)
        return false;
    add_places(metrics, places, sizeof places);
    snprintf(told->text, told->text_bytes,
             "%.1f %% of the tokens were found (%s) but computed again: %s. They count as no hits",
             100.0 * passed, places, passing_rule(told->setup->experiment));
    return true;
}

/* ---- all ---- */

static bool (*const findings[])(const struct told *) = {
    silent_finding, tenants_finding, overload_finding, window_finding,     range_finding,
    batch_finding,  hbm_finding,     tail_finding,     preemption_finding, passed_over_finding,
};

void findings_set(const struct service *service, const struct trace_facts *facts,
                  struct sim_result *result)
{
    const struct engine_setup *setup = service->setup;
    const size_t bytes = sizeof result->finding[0];
    struct told told = { service, setup, facts, &result->metrics, NULL, bytes };
    int count = 0;
    for (size_t i = 0; i < sizeof findings / sizeof *findings && count < SIM_FINDINGS_MAX; i++) {
        told.text = result->finding[count];
        count += findings[i](&told);
    }
    for (int i = 0; count < SIM_FINDINGS_MAX; i++, count++)
        if (!wear_finding(&result->metrics, &setup->disks.drive, i, result->finding[count], bytes))
            break;
    for (int i = 0; facts->assumed[i] != NULL && count < SIM_FINDINGS_MAX; i++, count++)
        snprintf(result->finding[count], bytes, "assumed of the trace: %s", facts->assumed[i]);
}
