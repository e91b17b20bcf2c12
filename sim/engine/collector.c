/* sim/engine/collector.c - sums, distributions and curves of a run. */
#include "sim/engine/collector.h"

#include "base/memory.h"
#include "base/units.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

void collector_init(struct collector *collector, const struct experiment *experiment)
{
    memset(collector, 0, sizeof *collector);
    for (int of = 0; of < TIMES_COUNT; of++)
        histogram_init(&collector->times[of]);
    collector->experiment = experiment;
    collector->measure_ns = experiment->warmup_turns == 0 ? 0 : UINT64_MAX;
    collector->timeline.bin_ns = NS_PER_S;
}

void collector_free(struct collector *collector)
{
    for (int of = 0; of < TIMES_COUNT; of++)
        histogram_free(&collector->times[of]);
    for (uint32_t i = 0; i < TRACE_TENANTS_MOST; i++)
        tenant_sums_free(&collector->tenant[i]);
}

void collector_measure_from(struct collector *collector, uint64_t now_ns)
{
    struct collector fresh = { .measure_ns = now_ns, .experiment = collector->experiment };
    fresh.queue = (struct time_mean){ .since_ns = now_ns, .value = collector->queue.value };
    fresh.timeline.start_ns = now_ns;
    fresh.timeline.bin_ns = NS_PER_S;
    memcpy(fresh.times, collector->times, sizeof fresh.times);
    for (int of = 0; of < TIMES_COUNT; of++)
        histogram_reset(&fresh.times[of]);
    memcpy(fresh.tenant, collector->tenant, sizeof fresh.tenant);
    for (uint32_t i = 0; i < TRACE_TENANTS_MOST; i++)
        tenant_sums_restart(&fresh.tenant[i]);
    *collector = fresh;
}

/* ---- over time ---- */

static void merge_pairs(struct timeline *timeline)
{
    for (int row = 0; row < ROW_COUNT; row++) {
        double *bin = timeline->bin[row];
        for (int i = 0; i < TIMELINE_BINS / 2; i++)
            bin[i] = bin[2 * i] + bin[2 * i + 1];
        memset(&bin[TIMELINE_BINS / 2], 0, TIMELINE_BINS / 2 * sizeof *bin);
    }
    timeline->bin_ns *= 2;
}

static void timeline_add(struct timeline *timeline, enum timeline_row row, uint64_t now_ns,
                         double value)
{
    uint64_t since_ns = now_ns - timeline->start_ns;
    while (since_ns / timeline->bin_ns >= TIMELINE_BINS)
        merge_pairs(timeline);
    timeline->bin[row][since_ns / timeline->bin_ns] += value;
}

/* The value held from..to, as value * ns in each bin it spans. */
static void timeline_spread(struct timeline *timeline, enum timeline_row row, uint64_t from_ns,
                            uint64_t to_ns, double value)
{
    if (to_ns == from_ns)
        return;
    timeline_add(timeline, row, to_ns, 0.0); /* widens the bins first, if need be */
    while (from_ns < to_ns) {
        uint64_t bin = (from_ns - timeline->start_ns) / timeline->bin_ns;
        uint64_t bin_end_ns = timeline->start_ns + (bin + 1) * timeline->bin_ns;
        uint64_t until_ns = bin_end_ns < to_ns ? bin_end_ns : to_ns;
        timeline->bin[row][bin] += value * (double)(until_ns - from_ns);
        from_ns = until_ns;
    }
}

void collector_set_queue(struct collector *collector, uint64_t now_ns, uint32_t turns)
{
    struct time_mean *queue = &collector->queue;
    sum_add(&queue->sum, queue->value * (double)(now_ns - queue->since_ns));
    timeline_spread(&collector->timeline, ROW_QUEUE, queue->since_ns, now_ns, queue->value);
    queue->since_ns = now_ns;
    queue->value = turns;
}

void collector_add_waiting(struct collector *collector, enum wait_cause cause, uint32_t turns,
                           uint64_t from_ns, uint64_t to_ns)
{
    uint64_t since_ns = from_ns > collector->measure_ns ? from_ns : collector->measure_ns;
    if (since_ns < to_ns)
        sum_add(&collector->waiting_ns[cause], (double)turns * (double)(to_ns - since_ns));
}

/* ---- parts ---- */

void collector_part_init(struct collector *part, const struct collector *whole, uint64_t now_ns,
                         uint32_t waiting)
{
    collector_init(part, whole->experiment);
    part->measure_ns = whole->measure_ns;
    part->last_end_ns = whole->last_end_ns;
    part->timeline.start_ns = whole->timeline.start_ns;
    part->queue = (struct time_mean){ .since_ns = now_ns, .value = waiting };
}

static void add_timeline(struct timeline *whole, struct timeline *part)
{
    while (whole->bin_ns < part->bin_ns)
        merge_pairs(whole);
    while (part->bin_ns < whole->bin_ns)
        merge_pairs(part);
    for (int row = 0; row < ROW_COUNT; row++)
        for (int i = 0; i < TIMELINE_BINS; i++)
            whole->bin[row][i] += part->bin[row][i];
}

static void add_ttft_sums(struct turn_ttft *whole, const struct turn_ttft *part)
{
    whole->count += part->count;
    sum_add_sum(&whole->sum_ns, &part->sum_ns);
}

static void add_sums(struct collector *whole, const struct collector *part)
{
    for (int i = 0; i < TTFT_TURNS; i++)
        add_ttft_sums(&whole->by_turn[i], &part->by_turn[i]);
    add_ttft_sums(&whole->urgent, &part->urgent);
    sum_add_sum(&whole->outside_ns, &part->outside_ns);
    sum_add_sum(&whole->queueing_before_ns, &part->queueing_before_ns);
    sum_add_sum(&whole->queue.sum, &part->queue.sum);
    sum_add_sum(&whole->batch_time, &part->batch_time);
    sum_add_sum(&whole->decode_time, &part->decode_time);
    for (int cause = 0; cause < WAIT_COUNT; cause++)
        sum_add_sum(&whole->waiting_ns[cause], &part->waiting_ns[cause]);
}

static void add_counts(struct collector_counts *whole, const struct collector_counts *part)
{
    enum { COUNTS = sizeof *whole / sizeof(uint64_t) };
    static_assert(COUNTS * sizeof(uint64_t) == sizeof *whole, "whole numbers alone");
    uint64_t sum[COUNTS], more[COUNTS];
    memcpy(sum, whole, sizeof sum);
    memcpy(more, part, sizeof more);
    for (int i = 0; i < COUNTS; i++)
        sum[i] += more[i];
    memcpy(whole, sum, sizeof sum);
}

void collector_add_part(struct collector *whole, struct collector *part, uint64_t now_ns)
{
    collector_set_queue(part, now_ns, (uint32_t)part->queue.value);
    whole->queue.value += part->queue.value;
    for (int of = 0; of < TIMES_COUNT; of++)
        histogram_add_all(&whole->times[of], &part->times[of]);
    add_timeline(&whole->timeline, &part->timeline);
    add_sums(whole, part);
    add_counts(&whole->counts, &part->counts);
    for (uint32_t i = 0; i < TRACE_TENANTS_MOST; i++)
        tenant_sums_add_part(&whole->tenant[i], &part->tenant[i]);
    /* What was busy behind the last turn's end of all; a part that ended before was not. */
    if (part->last_end_ns > whole->last_end_ns)
        memcpy(whole->after_ns, part->after_ns, sizeof whole->after_ns);
    if (part->last_end_ns > whole->last_end_ns)
        whole->last_end_ns = part->last_end_ns;
}

/* ---- counting ---- */

static void count_hits(struct collector *collector, const struct turn_record *turn)
{
    uint32_t reused = turn->reused_tokens;
    collector->counts.turns_prefilled++;
    collector->counts.turns_reusing += reused > 0;
    collector->counts.later_turns += turn->turn > 0;
    collector->counts.later_turns_reusing += turn->turn > 0 && reused > 0;
    collector->counts.units_found += turn->units_found;
    collector->counts.units_wanted += turn->units_wanted;
    collector->counts.wanted_tokens += turn->context_tokens;
    collector->counts.history_tokens += turn->history_tokens;
    collector->counts.reused_tokens += reused;
    collector->counts.computed_tokens += turn->context_tokens - reused;
    collector->counts.passed_over_tokens += turn->passed_over_tokens;
    collector->counts.overflows += turn->overflowed;
    collector->counts.clamped_turns += turn->clamped;
    collector->counts.prefill_tokens += turn->context_tokens;
    for (int tier = 0; tier < TIER_KINDS; tier++) {
        collector->counts.hit_tokens[tier] += turn->hit_tokens[tier];
        collector->counts.passed_over[tier] += turn->passed_over[tier];
        timeline_add(&collector->timeline, (enum timeline_row)(ROW_HBM + tier), turn->end_ns,
                     turn->hit_tokens[tier]);
    }
    timeline_add(&collector->timeline, ROW_MISSES, turn->end_ns, turn->context_tokens - reused);
}

static void add_ttft(struct turn_ttft *of, uint64_t ttft_ns)
{
    of->count++;
    sum_add(&of->sum_ns, (double)ttft_ns);
}

void collector_add_turn(struct collector *collector, const struct turn_record *turn)
{
    histogram_add(&collector->times[TIMES_TTFT], turn->ttft_ns, 1);
    histogram_add(&collector->times[TIMES_QUEUEING], turn->queueing_ns, 1);
    histogram_add(&collector->times[TIMES_PREFILL], turn->prefill_ns, 1);
    sum_add(&collector->outside_ns, (double)turn->outside_ns);
    uint64_t reached_ns = turn->end_ns - turn->prefill_ns - turn->queueing_ns;
    if (reached_ns < collector->measure_ns)
        sum_add(&collector->queueing_before_ns, (double)(collector->measure_ns - reached_ns));
    add_ttft(&collector->by_turn[turn->turn < TTFT_TURNS ? turn->turn : TTFT_TURNS - 1],
             turn->ttft_ns);
    if (turn->urgent)
        add_ttft(&collector->urgent, turn->ttft_ns);
    count_hits(collector, turn);
    tenant_sums_add_turn(&collector->tenant[turn->tenant], turn);
}

/* Both promises were kept: the first token in time, and the others at the promised pace on average.
 */
static bool is_in_slo(const struct experiment *experiment, const struct turn_end *turn)
{
    uint64_t gaps = turn->reply_tokens > 1 ? turn->reply_tokens - 1 : 1;
    return turn->ttft_ns <= experiment->slo_ttft_ns &&
           turn->decode_ns / gaps <= experiment->slo_tbt_ns;
}

void collector_end_turn(struct collector *collector, const struct turn_end *turn)
{
    bool in_slo = is_in_slo(collector->experiment, turn);
    collector->counts.turns++;
    collector->counts.turns_in_slo += in_slo;
    tenant_sums_end_turn(&collector->tenant[turn->tenant], turn, in_slo);
    histogram_add(&collector->times[TIMES_E2E], turn->ttft_ns + turn->decode_ns, 1);
    if (turn->reply_tokens > 1)
        histogram_add(&collector->times[TIMES_TPOT], turn->decode_ns / (turn->reply_tokens - 1), 1);
    collector->counts.reply_tokens += turn->reply_tokens;
    collector->last_end_ns = turn->end_ns;
    memset(collector->after_ns, 0, sizeof collector->after_ns);
}

void collector_add_preemption(struct collector *collector, uint32_t tenant, uint32_t ready_tokens)
{
    collector->tenant[tenant].preemptions++;
    collector->counts.preemptions++;
    collector->counts.preempted_tokens += ready_tokens;
}

void collector_add_prefilled_again(struct collector *collector, uint32_t tokens)
{
    collector->counts.prefilled_again_tokens += tokens;
}

void collector_add_load_wait(struct collector *collector, uint64_t time_ns)
{
    collector->counts.load_wait_ns += time_ns;
}

/* Of a part of from..to, what lies behind `since`. */
static uint64_t part_since(uint64_t part_ns, uint64_t from_ns, uint64_t to_ns, uint64_t since_ns)
{
    if (since_ns <= from_ns)
        return part_ns;
    if (since_ns >= to_ns)
        return 0;
    return (uint64_t)((double)part_ns * (double)(to_ns - since_ns) / (double)(to_ns - from_ns));
}

void collector_add_busy(struct collector *collector, enum busy what, uint64_t time_ns,
                        uint64_t from_ns, uint64_t to_ns)
{
    uint64_t measured_ns = part_since(time_ns, from_ns, to_ns, collector->measure_ns);
    uint64_t after_ns = part_since(time_ns, from_ns, to_ns, collector->last_end_ns);
    collector->counts.busy_ns[what] += measured_ns;
    collector->after_ns[what] += after_ns < measured_ns ? after_ns : measured_ns;
}

void collector_add_iterations(struct collector *collector, uint64_t count, uint64_t from_ns,
                              uint64_t to_ns, bool extrapolated)
{
    uint64_t time_ns = part_since(to_ns - from_ns, from_ns, to_ns, collector->measure_ns);
    collector->counts.iterations += count;
    collector->counts.extrapolated_iterations += extrapolated ? count : 0;
    collector->counts.extrapolated_ns += extrapolated ? time_ns : 0;
}

void collector_add_batch(struct collector *collector, uint32_t sequences, uint64_t time_ns)
{
    sum_add(&collector->batch_time, (double)sequences * (double)time_ns);
    sum_add(&collector->decode_time, (double)time_ns);
}

void collector_add_tbt(struct collector *collector, uint64_t gap_ns, uint32_t times)
{
    histogram_add(&collector->times[TIMES_TBT], gap_ns, times);
}

void collector_add_tbt_ramp(struct collector *collector, double first_ns, double step_ns,
                            uint64_t count, uint32_t sequences)
{
    histogram_add_ramp(&collector->times[TIMES_TBT], first_ns, step_ns, count, sequences);
}

/* ---- results ---- */

static double ratio(double part, double whole)
{
    return whole > 0.0 ? part / whole : 0.0;
}

static double quantile(const struct histogram *histogram, double q)
{
    return (double)histogram_quantile(histogram, q);
}

#define MEAN (-1.0)
static const struct {
    size_t offset; /* of the metric */
    enum times of;
    double quantile; /* or MEAN */
} time_metrics[] = {
#define AT(metric) offsetof(struct metrics, metric)
    { AT(ttft_mean_ns), TIMES_TTFT, MEAN },        { AT(ttft_p50_ns), TIMES_TTFT, 0.50 },
    { AT(ttft_p90_ns), TIMES_TTFT, 0.90 },         { AT(ttft_p95_ns), TIMES_TTFT, 0.95 },
    { AT(ttft_p99_ns), TIMES_TTFT, 0.99 },         { AT(queueing_mean_ns), TIMES_QUEUEING, MEAN },
    { AT(queueing_p50_ns), TIMES_QUEUEING, 0.50 }, { AT(queueing_p99_ns), TIMES_QUEUEING, 0.99 },
    { AT(prefill_mean_ns), TIMES_PREFILL, MEAN },  { AT(prefill_p50_ns), TIMES_PREFILL, 0.50 },
    { AT(prefill_p99_ns), TIMES_PREFILL, 0.99 },   { AT(tbt_mean_ns), TIMES_TBT, MEAN },
    { AT(tbt_p50_ns), TIMES_TBT, 0.50 },           { AT(tbt_p90_ns), TIMES_TBT, 0.90 },
    { AT(tbt_p99_ns), TIMES_TBT, 0.99 },           { AT(e2e_mean_ns), TIMES_E2E, MEAN },
    { AT(e2e_p50_ns), TIMES_E2E, 0.50 },           { AT(e2e_p90_ns), TIMES_E2E, 0.90 },
    { AT(e2e_p95_ns), TIMES_E2E, 0.95 },           { AT(e2e_p99_ns), TIMES_E2E, 0.99 },
    { AT(tpot_mean_ns), TIMES_TPOT, MEAN },        { AT(tpot_p50_ns), TIMES_TPOT, 0.50 },
    { AT(tpot_p90_ns), TIMES_TPOT, 0.90 },         { AT(tpot_p99_ns), TIMES_TPOT, 0.99 },
#undef AT
};

static void set_times(const struct collector *collector, struct metrics *metrics)
{
    for (size_t i = 0; i < sizeof time_metrics / sizeof *time_metrics; i++) {
        const struct histogram *times = &collector->times[time_metrics[i].of];
        double q = time_metrics[i].quantile;
        *(double *)(void *)((char *)metrics + time_metrics[i].offset) =
            q < 0.0 ? histogram_mean(times) : quantile(times, q);
    }
    metrics->queueing_before_ns = sum_value(&collector->queueing_before_ns);
    metrics->ttft_outside_mean_ns =
        ratio(sum_value(&collector->outside_ns), (double)collector->times[TIMES_TTFT].count);
}

/* Up to the last turn's end; of a run that was stopped before one ended, all of it. */
static double busy_ns(const struct collector *collector, enum busy what)
{
    uint64_t after_ns = collector->last_end_ns > 0 ? collector->after_ns[what] : 0;
    return (double)(collector->counts.busy_ns[what] - after_ns);
}

static void set_rates(const struct collector *collector, struct metrics *metrics)
{
    double elapsed_s = metrics->elapsed_ns / (double)NS_PER_S;
    double prefill_s = busy_ns(collector, BUSY_PREFILL) / (double)NS_PER_S;
    metrics->prefill_tokens_per_s = ratio((double)collector->counts.prefill_tokens, prefill_s);
    metrics->reply_tokens_per_s = ratio((double)collector->counts.reply_tokens, elapsed_s);
    metrics->turns_per_s = ratio((double)collector->counts.turns, elapsed_s);
    metrics->gpu_prefill_ns = busy_ns(collector, BUSY_PREFILL);
    metrics->gpu_decode_ns = busy_ns(collector, BUSY_DECODE);
    metrics->gpu_save_wait_ns = busy_ns(collector, BUSY_SAVE_STALL);
    metrics->gpu_load_wait_ns = (double)collector->counts.load_wait_ns;
    metrics->gpu_busy_ns =
        metrics->gpu_prefill_ns + metrics->gpu_decode_ns + metrics->gpu_save_wait_ns;
    metrics->iterations = (double)collector->counts.iterations;
    metrics->extrapolated_iterations = (double)collector->counts.extrapolated_iterations;
    metrics->extrapolated_time_share =
        ratio((double)collector->counts.extrapolated_ns, metrics->gpu_busy_ns);
    metrics->gpu_utilisation = ratio(metrics->gpu_busy_ns, metrics->elapsed_ns);
    metrics->batch_mean =
        ratio(sum_value(&collector->batch_time), sum_value(&collector->decode_time));
    metrics->queue_mean = ratio(sum_value(&collector->queue.sum), metrics->elapsed_ns);
    metrics->waiting_batch_ns = sum_value(&collector->waiting_ns[WAIT_BATCH]);
    metrics->waiting_hbm_ns = sum_value(&collector->waiting_ns[WAIT_HBM]);
    metrics->waiting_kv_ns = sum_value(&collector->waiting_ns[WAIT_KV]);
    metrics->waiting_gpu_ns = sum_value(&collector->waiting_ns[WAIT_GPU]);
}

static void set_service(const struct collector *collector, struct metrics *metrics)
{
    double elapsed_s = metrics->elapsed_ns / (double)NS_PER_S;
    metrics->slo_attainment =
        ratio((double)collector->counts.turns_in_slo, (double)collector->counts.turns);
    metrics->goodput_turns_per_s = ratio((double)collector->counts.turns_in_slo, elapsed_s);
    metrics->ttft_first_turn_ns =
        ratio(sum_value(&collector->by_turn[0].sum_ns), (double)collector->by_turn[0].count);
    metrics->ttft_urgent_mean_ns =
        ratio(sum_value(&collector->urgent.sum_ns), (double)collector->urgent.count);
    metrics->preemptions = (double)collector->counts.preemptions;
    metrics->preempted_tokens = (double)collector->counts.preempted_tokens;
    metrics->prefilled_again_tokens = (double)collector->counts.prefilled_again_tokens;
}

static void set_hits(const struct collector *collector, struct metrics *metrics)
{
    double reused = (double)collector->counts.reused_tokens;
    metrics->hit_rate_tokens = ratio(reused, (double)collector->counts.wanted_tokens);
    metrics->hit_rate_history_tokens = ratio(reused, (double)collector->counts.history_tokens);
    metrics->hit_rate_found = ratio(reused + (double)collector->counts.passed_over_tokens,
                                    (double)collector->counts.history_tokens);
    metrics->hit_rate_blocks =
        ratio((double)collector->counts.units_found, (double)collector->counts.units_wanted);
    metrics->hit_rate_turns =
        ratio((double)collector->counts.turns_reusing, (double)collector->counts.turns_prefilled);
    metrics->hit_rate_later_turns =
        ratio((double)collector->counts.later_turns_reusing, (double)collector->counts.later_turns);
    metrics->sessions = (double)(collector->counts.turns_prefilled - collector->counts.later_turns);
    metrics->hit_tokens_hbm = (double)collector->counts.hit_tokens[TIER_HBM];
    metrics->hit_tokens_dram = (double)collector->counts.hit_tokens[TIER_DRAM];
    metrics->hit_tokens_ssd = (double)collector->counts.hit_tokens[TIER_SSD];
    metrics->hit_tokens_remote = (double)collector->counts.hit_tokens[TIER_REMOTE];
    metrics->passed_over_tokens = (double)collector->counts.passed_over_tokens;
    metrics->passed_over_tokens_dram = (double)(collector->counts.passed_over[TIER_HBM] +
                                                collector->counts.passed_over[TIER_DRAM]);
    metrics->passed_over_tokens_ssd = (double)collector->counts.passed_over[TIER_SSD];
    metrics->passed_over_tokens_remote = (double)collector->counts.passed_over[TIER_REMOTE];
    metrics->wanted_tokens = (double)collector->counts.wanted_tokens;
    metrics->history_tokens = (double)collector->counts.history_tokens;
    metrics->computed_tokens = (double)collector->counts.computed_tokens;
    metrics->reply_tokens = (double)collector->counts.reply_tokens;
    metrics->overflows = (double)collector->counts.overflows;
    metrics->clamped_turns = (double)collector->counts.clamped_turns;
}

static struct series *series_new(struct sim_result *result, const char *name, const char *x_unit,
                                 const char *y_unit, uint32_t count)
{
    struct series *series = &result->series[result->series_count++];
    snprintf(series->name, sizeof series->name, "%s", name);
    series->x_unit = x_unit;
    series->y_unit = y_unit;
    series->count = count;
    series->x = memory_new(count, sizeof *series->x);
    series->y = memory_new(count, sizeof *series->y);
    return series;
}

static void add_cdf(struct sim_result *result, const char *name, const struct histogram *histogram)
{
    enum { POINTS = 200 };
    if (histogram->count == 0)
        return;
    struct series *series = series_new(result, name, "ns", "share", POINTS + 1);
    for (int i = 0; i <= POINTS; i++) {
        series->y[i] = (double)i / POINTS;
        series->x[i] = quantile(histogram, series->y[i]);
    }
}

/* Mean TTFT of first turns, second ones and so on; the last point is of all later ones. */
static void add_ttft_by_turn(struct sim_result *result, const struct collector *collector)
{
    uint32_t turns = 0;
    while (turns < TTFT_TURNS && collector->by_turn[turns].count > 0)
        turns++;
    if (turns == 0)
        return;
    struct series *series = series_new(result, "ttft_by_turn", "turn", "ns", turns);
    for (uint32_t i = 0; i < turns; i++) {
        series->x[i] = i + 1.0;
        series->y[i] =
            sum_value(&collector->by_turn[i].sum_ns) / (double)collector->by_turn[i].count;
    }
}

static void add_over_time(struct sim_result *result, const char *name,
                          const struct timeline *timeline, enum timeline_row row, uint64_t end_ns,
                          const char *unit, double scale)
{
    uint64_t bins = (end_ns - timeline->start_ns) / timeline->bin_ns + 1;
    uint32_t count = bins < TIMELINE_BINS ? (uint32_t)bins : TIMELINE_BINS;
    struct series *series = series_new(result, name, "ns", unit, count);
    for (uint32_t i = 0; i < count; i++) {
        series->x[i] = (double)(i * timeline->bin_ns);
        series->y[i] = timeline->bin[row][i] * scale;
    }
}

static void add_series(const struct collector *collector, uint64_t end_ns,
                       struct sim_result *result)
{
    const struct timeline *timeline = &collector->timeline;
    add_cdf(result, "ttft_cdf", &collector->times[TIMES_TTFT]);
    add_cdf(result, "prefill_cdf", &collector->times[TIMES_PREFILL]);
    add_ttft_by_turn(result, collector);
    add_over_time(result, "hits_hbm_over_time", timeline, ROW_HBM, end_ns, "tokens", 1.0);
    add_over_time(result, "hits_dram_over_time", timeline, ROW_DRAM, end_ns, "tokens", 1.0);
    add_over_time(result, "hits_ssd_over_time", timeline, ROW_SSD, end_ns, "tokens", 1.0);
    add_over_time(result, "hits_remote_over_time", timeline, ROW_REMOTE, end_ns, "tokens", 1.0);
    add_over_time(result, "misses_over_time", timeline, ROW_MISSES, end_ns, "tokens", 1.0);
    add_over_time(result, "queue_over_time", timeline, ROW_QUEUE, end_ns, "turns",
                  1.0 / (double)timeline->bin_ns);
}

void collector_finish(struct collector *collector, uint64_t now_ns, struct sim_result *result)
{
    memset(&result->metrics, 0, sizeof result->metrics);
    if (collector->measure_ns == UINT64_MAX) /* the run ended within its warm-up */
        return;
    uint64_t end_ns = collector->last_end_ns > 0 ? collector->last_end_ns : now_ns;
    collector_set_queue(collector, now_ns, (uint32_t)collector->queue.value);
    result->metrics.turns = (double)collector->counts.turns;
    result->metrics.elapsed_ns =
        end_ns > collector->measure_ns ? (double)(end_ns - collector->measure_ns) : 0.0;
    set_times(collector, &result->metrics);
    set_rates(collector, &result->metrics);
    set_service(collector, &result->metrics);
    set_hits(collector, &result->metrics);
    add_series(collector, end_ns, result);
}
