/* tests/random/invariants.c - see invariants.h. */
#include "tests/random/invariants.h"

#include "base/units.h"
#include "sim/engine/disks.h"
#include "sim/engine/setup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- comparing ---- */

/* Sums of doubles, and of counts that are rounded to whole ns or bytes: the larger one's rounding.
 */
static double rounding(double a, double b)
{
    return 1e-12 * (fabs(a) > fabs(b) ? fabs(a) : fabs(b)) + 1e-9;
}

static bool at_most(struct seen *seen, const char *what, double left, double right, double slack)
{
    if (left <= right + slack + rounding(left, right))
        return true;
    *seen = (struct seen){ what, left, right };
    return false;
}

static bool closes(struct seen *seen, const char *what, double left, double right, double slack)
{
    if (fabs(left - right) <= slack + rounding(left, right))
        return true;
    *seen = (struct seen){ what, left, right };
    return false;
}

static bool is_zero(struct seen *seen, const char *what, double value)
{
    return closes(seen, what, value, 0.0, 0.0);
}

/* ---- what is expected ---- */

static const char *policy_of(const struct experiment *experiment)
{
    return experiment->eviction[0] != '\0' ? experiment->eviction : experiment->policy;
}

static uint64_t asked_or_hardware(uint64_t asked_bytes, uint64_t hardware_bytes)
{
    return asked_bytes != UINT64_MAX ? asked_bytes : hardware_bytes;
}

static enum status read_rates(const struct experiment *experiment, struct outcome *outcome,
                              struct error *err)
{
    struct engine_setup setup;
    struct trace *trace = NULL;
    enum status status = engine_setup_open(experiment, &setup, &trace, err);
    if (status == STATUS_OK)
        memcpy(outcome->link_bytes_per_s, setup.link_bytes_per_s, sizeof outcome->link_bytes_per_s);
    trace_close(trace);
    return status;
}

enum status outcome_expect(const struct experiment *experiment, struct outcome *outcome,
                           struct error *err)
{
    struct model model;
    struct hardware hardware;
    memset(outcome, 0, sizeof *outcome);
    outcome->experiment = *experiment;
    enum status status = asked_read(experiment, &outcome->asked, err);
    if (status == STATUS_OK)
        status = model_load(experiment->model, &model, err);
    if (status == STATUS_OK)
        status = hardware_load(experiment->hardware, &hardware, err);
    if (status != STATUS_OK)
        return status;
    outcome->storing_servers =
        experiment->prefill_replicas > 0 ? experiment->prefill_replicas : experiment->replicas;
    outcome->stores = strcmp(policy_of(experiment), "none") != 0 &&
                      strncmp(policy_of(experiment), "none+", 5) != 0;
    outcome->is_plain = model.window_layers == 0 && model.state_layers == 0 &&
                        (model.attention != ATTENTION_LATENT ||
                         experiment->rank_copies == COPIES_EVERY_RANK || experiment->gpus == 1);
    outcome->dram_bytes = asked_or_hardware(experiment->dram_bytes, hardware.dram_bytes);
    struct disks disks;
    status = disks_for(experiment, &hardware, &disks, err);
    if (status == STATUS_OK)
        status = read_rates(experiment, outcome, err);
    outcome->ssd_bytes = disks.capacity_bytes;
    if (!disks.named &&
        (hardware.ssd_read_bytes_per_s <= 0.0 || hardware.ssd_write_bytes_per_s <= 0.0))
        outcome->ssd_bytes = 0;
    return status;
}

/* Turns that are asked in all; the trace alone says it, but for a closed loop that is cut short. */
static double turns_asked(const struct outcome *outcome)
{
    uint64_t turns = outcome->asked.turns, most = outcome->experiment.max_turns;
    return (double)(outcome->asked.is_cut && most < turns ? most : turns);
}

/* Everything that the trace asks is in the metrics. */
static bool all_is_measured(const struct outcome *outcome)
{
    bool in_order = outcome->asked.open_loop && outcome->experiment.workload.concurrency == 0;
    return outcome->experiment.warmup_turns == 0 && (!outcome->asked.is_cut || in_order);
}

static double hit_tokens(const struct metrics *metrics)
{
    return metrics->hit_tokens_hbm + metrics->hit_tokens_dram + metrics->hit_tokens_ssd +
           metrics->hit_tokens_remote;
}

static double elapsed_s(const struct metrics *metrics)
{
    return metrics->elapsed_ns / (double)NS_PER_S;
}

static const struct series *series_named(const struct outcome *outcome, const char *name)
{
    for (uint32_t i = 0; i < outcome->result.series_count; i++)
        if (strcmp(outcome->result.series[i].name, name) == 0)
            return &outcome->result.series[i];
    return NULL;
}

/* ---- the invariants ---- */

static bool every_number_is_one(const struct outcome *outcome, struct seen *seen)
{
    const struct sim_result *result = &outcome->result;
    for (int i = 0; i < METRIC_COUNT; i++) {
        double value = metric_value(&result->metrics, i);
        if (!isfinite(value) || value < 0.0) {
            *seen = (struct seen){ metric_rows[i].name, value, 0.0 };
            return false;
        }
    }
    for (uint32_t i = 0; i < result->series_count; i++)
        for (uint32_t k = 0; k < result->series[i].count; k++)
            if (!(result->series[i].y[k] >= 0.0) || !isfinite(result->series[i].y[k]) ||
                !isfinite(result->series[i].x[k])) {
                *seen = (struct seen){ result->series[i].name, result->series[i].y[k], 0.0 };
                return false;
            }
    return true;
}

static bool every_turn_ended(const struct outcome *outcome, struct seen *seen)
{
    double asked = turns_asked(outcome), warmup = (double)outcome->experiment.warmup_turns;
    double measured = asked > warmup ? asked - warmup : 0.0, turns = outcome->result.metrics.turns;
    return at_most(seen, "more turns ended than were to be asked", turns, measured, 0.0) &&
           at_most(seen, "turns that never ended", measured, turns, 0.0);
}

static bool every_session_began(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    if (all_is_measured(outcome))
        return closes(seen, "sessions against the trace's", metrics->sessions,
                      (double)outcome->asked.sessions, 0.0);
    return at_most(seen, "sessions against turns", metrics->sessions, metrics->turns, 0.0) &&
           at_most(seen, "sessions against the trace's", metrics->sessions,
                   (double)outcome->asked.sessions, 0.0);
}

static bool tokens_are_the_trace_s(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    if (!at_most(seen, "history against wanted", metrics->history_tokens, metrics->wanted_tokens,
                 0.0) ||
        !at_most(seen, "overflows against turns", metrics->overflows, metrics->turns, 0.0) ||
        !at_most(seen, "clamped turns against turns", metrics->clamped_turns, metrics->turns, 0.0))
        return false;
    if (!all_is_measured(outcome))
        return true;
    return closes(seen, "reply tokens against the trace's", metrics->reply_tokens,
                  (double)outcome->asked.reply_tokens, 0.0) &&
           closes(seen, "wanted - history against the trace's prompts",
                  metrics->wanted_tokens - metrics->history_tokens,
                  (double)outcome->asked.prompt_tokens, 0.0) &&
           closes(seen, "clamped turns against the trace's", metrics->clamped_turns,
                  (double)outcome->asked.clamped_turns, 0.0);
}

static bool hits_and_computed_are_wanted(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    return closes(seen, "hits + computed against wanted",
                  hit_tokens(metrics) + metrics->computed_tokens, metrics->wanted_tokens, 0.0) &&
           closes(seen, "hit_rate_tokens of wanted against hits",
                  metrics->hit_rate_tokens * metrics->wanted_tokens, hit_tokens(metrics), 0.0) &&
           closes(seen, "passed over, by tier",
                  metrics->passed_over_tokens_dram + metrics->passed_over_tokens_ssd +
                      metrics->passed_over_tokens_remote,
                  metrics->passed_over_tokens, 0.0) &&
           at_most(seen, "passed over against computed", metrics->passed_over_tokens,
                   metrics->computed_tokens, 0.0);
}

static bool shares_are_at_most_one(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    const struct {
        const char *name;
        double value;
    } shares[] = {
        { "slo_attainment", metrics->slo_attainment },
        { "gpu_utilisation", metrics->gpu_utilisation },
        { "extrapolated_time_share", metrics->extrapolated_time_share },
        { "hit_rate_tokens", metrics->hit_rate_tokens },
        { "hit_rate_history_tokens", metrics->hit_rate_history_tokens },
        { "hit_rate_found", metrics->hit_rate_found },
        { "hit_rate_blocks", metrics->hit_rate_blocks },
        { "hit_rate_turns", metrics->hit_rate_turns },
        { "hit_rate_later_turns", metrics->hit_rate_later_turns },
    };
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
        if (!at_most(seen, shares[i].name, shares[i].value, 1.0, 0.0))
            return false;
    return at_most(seen, "extrapolated against all iterations", metrics->extrapolated_iterations,
                   metrics->iterations, 0.0);
}

static bool no_hits_without_a_tier(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    bool holds = true;
    if (!outcome->stores || outcome->dram_bytes == 0)
        holds = is_zero(seen, "DRAM: hits", metrics->hit_tokens_dram) &&
                is_zero(seen, "DRAM: saved", metrics->save_hbm_dram_bytes) &&
                is_zero(seen, "DRAM: peak", metrics->peak_dram_bytes);
    if (holds && (!outcome->stores || outcome->ssd_bytes == 0))
        holds = is_zero(seen, "SSD: hits", metrics->hit_tokens_ssd) &&
                is_zero(seen, "SSD: written", metrics->ssd_written_bytes) &&
                is_zero(seen, "SSD: peak", metrics->peak_ssd_bytes);
    if (holds && (!outcome->stores || outcome->experiment.remote_bytes == 0))
        holds = is_zero(seen, "pool: hits", metrics->hit_tokens_remote) &&
                is_zero(seen, "pool: read", metrics->remote_read_bytes) &&
                is_zero(seen, "pool: peak", metrics->peak_remote_bytes);
    if (holds && (!outcome->stores || outcome->experiment.hbm_cache_bytes == 0))
        holds = is_zero(seen, "HBM: hits", metrics->hit_tokens_hbm);
    return holds;
}

/* Turns that were pushed out of HBM load again what is no new hit, and the last token of a context
 * that is found whole is computed all the same. */
static bool hits_are_loaded(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    double token = (double)outcome->result.kv_bytes_per_token, last = metrics->turns * token;
    const struct {
        const char *what;
        double loaded_bytes, hit_tokens;
    } tiers[] = {
        { "loaded from DRAM against hits", metrics->load_dram_hbm_bytes, metrics->hit_tokens_dram },
        { "loaded from SSD against hits", metrics->load_ssd_hbm_bytes, metrics->hit_tokens_ssd },
        { "loaded from the pool against hits", metrics->load_remote_hbm_bytes,
          metrics->hit_tokens_remote },
    };
    if (!outcome->is_plain || outcome->experiment.warmup_turns > 0)
        return true;
    for (size_t i = 0; i < sizeof tiers / sizeof *tiers; i++) {
        double hits = tiers[i].hit_tokens * token;
        if (!at_most(seen, tiers[i].what, hits, tiers[i].loaded_bytes, 0.0))
            return false;
        if (metrics->preemptions == 0.0 &&
            !at_most(seen, tiers[i].what, tiers[i].loaded_bytes, hits, last))
            return false;
    }
    return true;
}

static bool times_add_up(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    return closes(seen, "TTFT against its parts", metrics->ttft_mean_ns,
                  metrics->ttft_outside_mean_ns + metrics->queueing_mean_ns +
                      metrics->prefill_mean_ns,
                  0.0) &&
           at_most(seen, "TTFT against end to end", metrics->ttft_mean_ns, metrics->e2e_mean_ns,
                   0.0) &&
           at_most(seen, "queueing before measuring against all queueing",
                   metrics->queueing_before_ns, metrics->queueing_mean_ns * metrics->turns, 1.0);
}

static bool quantiles_are_in_order(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    return at_most(seen, "ttft p50, p90", metrics->ttft_p50_ns, metrics->ttft_p90_ns, 0.0) &&
           at_most(seen, "ttft p90, p99", metrics->ttft_p90_ns, metrics->ttft_p99_ns, 0.0) &&
           at_most(seen, "queueing p50, p99", metrics->queueing_p50_ns, metrics->queueing_p99_ns,
                   0.0) &&
           at_most(seen, "prefill p50, p99", metrics->prefill_p50_ns, metrics->prefill_p99_ns,
                   0.0) &&
           at_most(seen, "e2e p50, p90", metrics->e2e_p50_ns, metrics->e2e_p90_ns, 0.0) &&
           at_most(seen, "e2e p90, p95", metrics->e2e_p90_ns, metrics->e2e_p95_ns, 0.0) &&
           at_most(seen, "e2e p95, p99", metrics->e2e_p95_ns, metrics->e2e_p99_ns, 0.0) &&
           at_most(seen, "tpot p50, p90", metrics->tpot_p50_ns, metrics->tpot_p90_ns, 0.0) &&
           at_most(seen, "tpot p90, p99", metrics->tpot_p90_ns, metrics->tpot_p99_ns, 0.0) &&
           at_most(seen, "tbt p50, p90", metrics->tbt_p50_ns, metrics->tbt_p90_ns, 0.0) &&
           at_most(seen, "tbt p90, p99", metrics->tbt_p90_ns, metrics->tbt_p99_ns, 0.0);
}

static int compare_times(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? -1 : left > right;
}

/* Buckets are 0.2 % wide (base/histogram.h), and a rank that is whole may be rounded to either
 * side. */
static bool is_quantile(struct seen *seen, const char *what, double value, double quantile,
                        const uint64_t *sorted, uint64_t count)
{
    double rank = quantile * (double)count;
    uint64_t low = (uint64_t)ceil(rank - 1e-6), high = (uint64_t)ceil(rank + 1e-6);
    double least = (double)sorted[low > 0 ? low - 1 : 0],
           most = (double)sorted[high < count ? high - 1 : count - 1];
    return at_most(seen, what, least * (1.0 - 0.002), value, 1.0) &&
           at_most(seen, what, value, most * (1.0 + 0.002), 1.0);
}

static bool quantiles_are_the_turns(const struct outcome *outcome, struct seen *seen)
{
    static uint64_t sorted[ROWS_TURNS_MOST];
    const struct metrics *metrics = &outcome->result.metrics;
    const struct row_sums *rows = &outcome->rows;
    if (rows->turns == 0 || rows->turns > ROWS_TURNS_MOST)
        return true;
    memcpy(sorted, rows->ttft_of_ns, rows->turns * sizeof *sorted);
    qsort(sorted, rows->turns, sizeof *sorted, compare_times);
    if (!is_quantile(seen, "TTFT p50", metrics->ttft_p50_ns, 0.50, sorted, rows->turns) ||
        !is_quantile(seen, "TTFT p90", metrics->ttft_p90_ns, 0.90, sorted, rows->turns) ||
        !is_quantile(seen, "TTFT p95", metrics->ttft_p95_ns, 0.95, sorted, rows->turns) ||
        !is_quantile(seen, "TTFT p99", metrics->ttft_p99_ns, 0.99, sorted, rows->turns))
        return false;
    memcpy(sorted, rows->e2e_of_ns, rows->turns * sizeof *sorted);
    qsort(sorted, rows->turns, sizeof *sorted, compare_times);
    return is_quantile(seen, "e2e p50", metrics->e2e_p50_ns, 0.50, sorted, rows->turns) &&
           is_quantile(seen, "e2e p90", metrics->e2e_p90_ns, 0.90, sorted, rows->turns) &&
           is_quantile(seen, "e2e p95", metrics->e2e_p95_ns, 0.95, sorted, rows->turns) &&
           is_quantile(seen, "e2e p99", metrics->e2e_p99_ns, 0.99, sorted, rows->turns);
}

static bool promises_are_kept_by_turns(const struct outcome *outcome, struct seen *seen)
{
    const struct row_sums *rows = &outcome->rows;
    uint64_t kept = 0;
    if (rows->turns > ROWS_TURNS_MOST)
        return true;
    for (uint64_t i = 0; i < rows->turns; i++)
        kept += rows->ttft_of_ns[i] <= outcome->experiment.slo_ttft_ns &&
                rows->gap_of_ns[i] <= outcome->experiment.slo_tbt_ns;
    return closes(seen, "turns within the SLO",
                  outcome->result.metrics.slo_attainment * (double)rows->turns, (double)kept, 1e-6);
}

/* Measuring begins with the first turn that is measured. */
static bool time_is_that_of_the_turns(const struct outcome *outcome, struct seen *seen)
{
    const struct row_sums *rows = &outcome->rows;
    const struct metrics *metrics = &outcome->result.metrics;
    return rows->turns == 0 || (closes(seen, "elapsed", metrics->elapsed_ns,
                                       (double)(rows->last_end_ns - rows->measures_ns), 0.0) &&
                                at_most(seen, "GPUs of a server, busy", metrics->gpu_busy_ns,
                                        metrics->elapsed_ns * outcome->experiment.replicas, 0.0));
}

static bool queue_has_its_waiting(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    double waited_ns = metrics->queueing_mean_ns * metrics->turns - metrics->queueing_before_ns;
    double rounded = 1e-6 * metrics->queueing_mean_ns * metrics->turns;
    double causes_ns = metrics->waiting_batch_ns + metrics->waiting_hbm_ns +
                       metrics->waiting_kv_ns + metrics->waiting_gpu_ns;
    return closes(seen, "queue_mean * elapsed against waiting",
                  metrics->queue_mean * metrics->elapsed_ns, waited_ns, rounded) &&
           closes(seen, "waiting against its causes", metrics->queue_mean * metrics->elapsed_ns,
                  causes_ns, rounded);
}

/* Of turns in flight all the time. Sessions of which all are measured, so that no turn began
 * before. Measuring begins when the first has reached its server and ends before the last reply
 * has reached its client: on their ways both are no longer than all turns together. */
static bool no_more_are_in_flight_than_asked(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    double most = outcome->experiment.workload.concurrency;
    double time_ns = metrics->elapsed_ns + metrics->ttft_outside_mean_ns * metrics->turns;
    if (most == 0.0 || outcome->experiment.warmup_turns > 0)
        return true;
    return at_most(seen, "end-to-end latency of all turns against places",
                   metrics->e2e_mean_ns * metrics->turns, most * time_ns, 1.0);
}

static bool busy_adds_up(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    return closes(seen, "busy against its parts", metrics->gpu_busy_ns,
                  metrics->gpu_prefill_ns + metrics->gpu_decode_ns + metrics->gpu_save_wait_ns,
                  0.0) &&
           at_most(seen, "waiting for KV against prefill", metrics->gpu_load_wait_ns,
                   metrics->gpu_prefill_ns, 0.0) &&
           closes(seen, "utilisation of all servers against busy",
                  metrics->gpu_utilisation * outcome->experiment.replicas * metrics->elapsed_ns,
                  metrics->elapsed_ns > 0.0 ? metrics->gpu_busy_ns : 0.0, 0.0);
}

static bool iterations_hold_the_batch(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    return at_most(seen, "batch_mean against engine.batch", metrics->batch_mean,
                   outcome->experiment.batch, 0.0) &&
           at_most(seen, "an iteration a server against iterations",
                   metrics->turns > 0.0 ? 1.0 : 0.0, metrics->iterations, 0.0) &&
           at_most(seen, "1 against batch_mean of those that decode",
                   metrics->gpu_decode_ns > 0.0 ? 1.0 : 0.0, metrics->batch_mean, 0.0);
}

static bool rates_are_counts_over_time(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    double time_s = elapsed_s(metrics);
    if (time_s <= 0.0)
        return true;
    return closes(seen, "turns", metrics->turns_per_s * time_s, metrics->turns, 0.0) &&
           closes(seen, "reply tokens", metrics->reply_tokens_per_s * time_s, metrics->reply_tokens,
                  0.0) &&
           closes(seen, "turns in the SLO", metrics->goodput_turns_per_s * time_s,
                  metrics->slo_attainment * metrics->turns, 0.0) &&
           closes(seen, "prefilled tokens",
                  metrics->prefill_tokens_per_s * metrics->gpu_prefill_ns / (double)NS_PER_S,
                  metrics->gpu_prefill_ns > 0.0 ? metrics->wanted_tokens : 0.0, 0.0);
}

static double sum_of(const struct series *series)
{
    double sum = 0.0;
    for (uint32_t i = 0; series != NULL && i < series->count; i++)
        sum += series->y[i];
    return sum;
}

static bool rises(const struct series *series, struct seen *seen)
{
    for (uint32_t i = 1; series != NULL && i < series->count; i++)
        if (!at_most(seen, series->name, series->x[i - 1], series->x[i], 0.0) ||
            !at_most(seen, series->name, series->y[i - 1], series->y[i], 0.0))
            return false;
    return series == NULL || closes(seen, series->name, series->y[series->count - 1], 1.0, 0.0);
}

static bool curves_are_the_totals(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    const struct {
        const char *name;
        double total;
    } curves[] = { { "hits_hbm_over_time", metrics->hit_tokens_hbm },
                   { "hits_dram_over_time", metrics->hit_tokens_dram },
                   { "hits_ssd_over_time", metrics->hit_tokens_ssd },
                   { "hits_remote_over_time", metrics->hit_tokens_remote },
                   { "misses_over_time", metrics->computed_tokens } };
    for (size_t i = 0; i < sizeof curves / sizeof *curves; i++)
        if (!closes(seen, curves[i].name, sum_of(series_named(outcome, curves[i].name)),
                    curves[i].total, 0.0))
            return false;
    return rises(series_named(outcome, "ttft_cdf"), seen) &&
           rises(series_named(outcome, "prefill_cdf"), seen);
}

/* Each server's links are rounded to whole bytes. */
static double link_rounding(const struct outcome *outcome)
{
    return outcome->experiment.replicas;
}

static bool ssd_bytes_have_causes(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    return closes(seen, "written against saved + demoted + written through",
                  metrics->ssd_written_bytes,
                  metrics->save_hbm_ssd_bytes + metrics->demote_dram_ssd_bytes +
                      metrics->write_dram_ssd_bytes,
                  link_rounding(outcome)) &&
           closes(seen, "read against loaded + fetched + demoted to the pool",
                  metrics->ssd_read_bytes,
                  metrics->load_ssd_hbm_bytes + metrics->fetch_ssd_dram_bytes +
                      metrics->demote_ssd_remote_bytes,
                  link_rounding(outcome));
}

static bool pcie_bytes_have_causes(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    return closes(seen, "host to GPU against loads", metrics->h2d_bytes,
                  metrics->load_dram_hbm_bytes + metrics->load_ssd_hbm_bytes +
                      metrics->load_remote_hbm_bytes,
                  link_rounding(outcome)) &&
           closes(seen, "GPU to host against saves", metrics->d2h_bytes,
                  metrics->save_hbm_dram_bytes + metrics->save_hbm_ssd_bytes,
                  link_rounding(outcome));
}

/* What servers that prefill send to those that decode has no metric of its own. */
static bool network_bytes_have_causes(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    double sent = metrics->write_dram_remote_bytes + metrics->demote_dram_remote_bytes +
                  metrics->demote_ssd_remote_bytes;
    if (!at_most(seen, "written to the pool against sent", sent, metrics->network_bytes,
                 link_rounding(outcome)))
        return false;
    if (outcome->experiment.prefill_replicas == 0 &&
        !closes(seen, "sent against written to the pool", metrics->network_bytes, sent,
                link_rounding(outcome)))
        return false;
    return closes(seen, "read from the pool against loaded + fetched", metrics->remote_read_bytes,
                  metrics->load_remote_hbm_bytes + metrics->fetch_remote_dram_bytes,
                  link_rounding(outcome));
}

static bool tiers_keep_their_capacity(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    double storing = outcome->storing_servers, all = outcome->experiment.replicas;
    return at_most(seen, "DRAM", metrics->peak_dram_bytes, (double)outcome->dram_bytes * storing,
                   0.0) &&
           at_most(seen, "SSD", metrics->peak_ssd_bytes, (double)outcome->ssd_bytes * storing,
                   0.0) &&
           at_most(seen, "pool", metrics->peak_remote_bytes,
                   (double)outcome->experiment.remote_bytes, 0.0) &&
           at_most(seen, "HBM", metrics->peak_hbm_bytes,
                   (double)outcome->result.kv_budget_bytes * all, 0.0);
}

static bool fetches_are_used_or_not(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    return at_most(seen, "fetched and not used against fetched", metrics->fetched_unused_bytes,
                   metrics->fetch_ssd_dram_bytes + metrics->fetch_remote_dram_bytes, 0.0);
}

static bool stored_is_loaded_or_not(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    if (!at_most(seen, "never loaded against stored", metrics->stored_never_loaded_bytes,
                 metrics->stored_bytes, 0.0))
        return false;
    /* What goes to SSD at once may be fewer copies than DRAM would have, in whose bytes it counts.
     */
    return (!outcome->is_plain && outcome->experiment.rank_copies != COPIES_EVERY_RANK) ||
           at_most(seen, "stored against saved", metrics->stored_bytes,
                   metrics->save_hbm_dram_bytes + metrics->save_hbm_ssd_bytes, 0.0);
}

static bool lost_kv_was_made(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    double made_tokens =
        metrics->computed_tokens + metrics->reply_tokens + metrics->prefilled_again_tokens;
    if (!outcome->is_plain || outcome->experiment.warmup_turns > 0)
        return true;
    return at_most(seen, "lost against made",
                   metrics->dropped_bytes + metrics->expired_bytes + metrics->invalidated_bytes,
                   made_tokens * (double)outcome->result.kv_bytes_per_token, 0.0);
}

static bool only_growth_preempts(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    if (outcome->experiment.allocation == ALLOCATE_GROW)
        return at_most(seen, "pushed out with something ready against all pushed out",
                       metrics->preempted_tokens > 0.0 ? 1.0 : 0.0, metrics->preemptions, 0.0);
    return is_zero(seen, "preemptions", metrics->preemptions) &&
           is_zero(seen, "prefilled again", metrics->prefilled_again_tokens);
}

static bool tenants_add_up(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *all = &outcome->result.metrics;
    struct tenant_metrics sum = { 0 };
    uint32_t count = outcome->result.tenant_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct tenant_metrics *one = &outcome->result.tenant[i].metrics;
        sum.turns += one->turns;
        sum.wanted_tokens += one->wanted_tokens;
        sum.computed_tokens += one->computed_tokens;
        sum.reply_tokens += one->reply_tokens;
        sum.preemptions += one->preemptions;
        sum.stored_bytes += one->stored_bytes;
    }
    double whole_bytes = (double)count * outcome->experiment.replicas; /* each is rounded down */
    return count == 0 ||
           (closes(seen, "turns", sum.turns, all->turns, 0.0) &&
            closes(seen, "wanted", sum.wanted_tokens, all->wanted_tokens, 0.0) &&
            closes(seen, "computed", sum.computed_tokens, all->computed_tokens, 0.0) &&
            closes(seen, "replies", sum.reply_tokens, all->reply_tokens, 0.0) &&
            closes(seen, "preemptions", sum.preemptions, all->preemptions, 0.0) &&
            closes(seen, "stored", sum.stored_bytes, all->stored_bytes, whole_bytes));
}

static bool servers_share_the_turns(const struct outcome *outcome, struct seen *seen)
{
    double imbalance = outcome->result.metrics.router_imbalance;
    if (outcome->result.metrics.turns > 0.0 && outcome->experiment.warmup_turns == 0 &&
        !at_most(seen, "1 against router_imbalance", 1.0, imbalance, 0.0))
        return false;
    return at_most(seen, "router_imbalance against servers", imbalance, outcome->storing_servers,
                   0.0);
}

static bool costs_add_up(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    double served_tokens = metrics->wanted_tokens + metrics->reply_tokens;
    return closes(seen, "cost against its parts", metrics->cost_usd,
                  metrics->cost_gpu_usd + metrics->cost_dram_usd + metrics->cost_ssd_usd +
                      metrics->cost_remote_usd,
                  0.0) &&
           closes(seen, "cost per million tokens", metrics->cost_usd_per_mtok * served_tokens / 1e6,
                  served_tokens > 0.0 ? metrics->cost_usd : 0.0, 0.0) &&
           at_most(seen, "cost of idle GPUs", metrics->gpu_busy_ns == 0.0 ? metrics->cost_usd : 0.0,
                   0.0, 0.0);
}

static bool rows_are_whole(const struct outcome *outcome, struct seen *seen)
{
    if (outcome->rows.broken == NULL)
        return true;
    *seen = (struct seen){ outcome->rows.broken, 0.0, 0.0 };
    return false;
}

static bool links_are_told(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    const uint64_t *told = outcome->rows.link_bytes;
    return closes(seen, "bytes to GPUs", metrics->h2d_bytes, (double)told[LINK_H2D], 0.0) &&
           closes(seen, "bytes from GPUs", metrics->d2h_bytes, (double)told[LINK_D2H], 0.0) &&
           closes(seen, "bytes read", metrics->ssd_read_bytes, (double)told[LINK_SSD_READ], 0.0) &&
           closes(seen, "bytes written", metrics->ssd_written_bytes, (double)told[LINK_SSD_WRITE],
                  0.0) &&
           closes(seen, "bytes from the pool", metrics->remote_read_bytes,
                  (double)told[LINK_NETWORK_IN], 0.0);
}

static bool rows_are_the_metrics(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    const struct turn_row *sum = &outcome->rows.sum;
    double too_far = (double)(sum->too_slow_tokens + sum->not_fetched_tokens);
    return closes(seen, "turns", metrics->turns, (double)outcome->rows.turns, 0.0) &&
           closes(seen, "TTFT of all", metrics->ttft_mean_ns * metrics->turns,
                  outcome->rows.ttft_ns, metrics->turns) &&
           closes(seen, "wanted", metrics->wanted_tokens, (double)sum->wanted_tokens, 0.0) &&
           closes(seen, "computed", metrics->computed_tokens, (double)sum->computed_tokens, 0.0) &&
           closes(seen, "replies", metrics->reply_tokens, (double)sum->reply_tokens, 0.0) &&
           closes(seen, "from HBM", metrics->hit_tokens_hbm, (double)sum->reused_hbm_tokens, 0.0) &&
           closes(seen, "from DRAM", metrics->hit_tokens_dram, (double)sum->reused_dram_tokens,
                  0.0) &&
           closes(seen, "from SSD", metrics->hit_tokens_ssd, (double)sum->reused_ssd_tokens, 0.0) &&
           closes(seen, "from the pool", metrics->hit_tokens_remote,
                  (double)sum->reused_remote_tokens, 0.0) &&
           at_most(seen, "measured turns' waiting for KV", (double)sum->load_wait_ns,
                   metrics->gpu_load_wait_ns, 0.0) &&
           at_most(seen, "waiting for KV", metrics->gpu_load_wait_ns,
                   outcome->rows.all_load_wait_ns, 0.0) &&
           closes(seen, "passed over", metrics->passed_over_tokens, too_far, 0.0) &&
           links_are_told(outcome, seen);
}

/* Bytes are those that crossed a link: where ranks keep different copies, tiers hold others. What
 * is demoted may go without having been copied again, so that less is told to go than came. */
static bool tiers_hold_what_came_and_has_not_gone(const struct outcome *outcome, struct seen *seen)
{
    const struct row_sums *rows = &outcome->rows;
    const struct metrics *metrics = &outcome->result.metrics;
    if (!outcome->is_plain)
        return true;
    if (!at_most(seen, "DRAM: gone against come", -(double)rows->least_bytes[TIER_DRAM], 0.0,
                 0.0) ||
        !at_most(seen, "SSD: gone against come", -(double)rows->least_bytes[TIER_SSD], 0.0, 0.0))
        return false;
    /* What the pool gives up is nobody's to tell; it is counted. */
    double gone = metrics->remote_dropped_bytes + metrics->remote_expired_bytes +
                  metrics->remote_invalidated_bytes;
    return outcome->experiment.warmup_turns > 0 ||
           at_most(seen, "pool: come and not gone", (double)rows->in_bytes[TIER_REMOTE] - gone,
                   (double)outcome->experiment.remote_bytes, 0.0);
}

/* Ends are whole ns: a copy may seem a half shorter. */
static bool links_move_what_they_can(const struct outcome *outcome, struct seen *seen)
{
    static const char *const names[LINK_COUNT] = { "SSD, read", "SSD, written", "to GPUs",
                                                   "from GPUs", "network, out", "network, in" };
    for (int s = 0; s < ROWS_SERVERS_MOST; s++)
        for (int link = 0; link < LINK_COUNT; link++) {
            double bytes = (double)outcome->rows.server[s].link_bytes[link],
                   time_ns = (double)(outcome->rows.server[s].to_ns[link] -
                                      outcome->rows.server[s].from_ns[link]) +
                             (double)outcome->rows.server[s].copies[link];
            if (!at_most(seen, names[link], bytes,
                         outcome->link_bytes_per_s[link] / (double)NS_PER_S * time_ns, 1.0))
                return false;
        }
    return true;
}

static bool wear_is_what_was_written(const struct outcome *outcome, struct seen *seen)
{
    const struct metrics *metrics = &outcome->result.metrics;
    double served_tokens = metrics->wanted_tokens + metrics->reply_tokens;
    double pace_ns = metrics->offered_tokens > 0.0
                         ? metrics->offered_ns * served_tokens / metrics->offered_tokens
                         : metrics->elapsed_ns;
    double days = pace_ns / (86400.0 * (double)NS_PER_S);
    if (!outcome->stores || outcome->ssd_bytes == 0 || days <= 0.0)
        return is_zero(seen, "wear without drives", metrics->ssd_dwpd);
    return closes(seen, "written a day", metrics->ssd_written_per_day_bytes * days,
                  metrics->ssd_written_bytes, 0.0) &&
           at_most(seen, "years of drives that are written to",
                   metrics->ssd_written_bytes == 0.0 ? metrics->ssd_years : 0.0, 0.0, 0.0);
}

#define INVARIANT_ROW(name, reason) { #name, reason, name },
const struct invariant invariants[INVARIANT_COUNT] = { INVARIANTS(INVARIANT_ROW) };
