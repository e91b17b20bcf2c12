/* validate/paper/paper_controls.c - negative controls: set-ups in which theory says what must come
 * out, mostly nothing. A simulator that gains where there is nothing to gain is wrong. */
#include "base/units.h"
#include "base/whole_file.h"
#include "validate/paper/paper_plan.h"

#include <stdio.h>
#include <string.h>

#define GB UINT64_C(1000000000)
#define TB (1000 * GB)

static struct experiment small(const struct paper *paper, const char *policy, uint64_t sessions)
{
    struct experiment experiment = paper_experiment(paper, 0, policy);
    experiment.workload.sessions = sessions;
    experiment.warmup_turns = sessions;
    return experiment;
}

/* ---- an idle queue ---- */

/* Users who think for long keep more KV waiting than DRAM holds, though nobody queues. */
static struct metrics idle(struct paper *paper, const char *policy)
{
    struct experiment experiment = small(paper, policy, 1500);
    experiment.workload.sessions_per_s = 0.01;
    experiment.workload.think_mean_ns = 3000 * NS_PER_S;
    experiment.placement.ttl_ns = 0;
    char name[64];
    snprintf(name, sizeof name, "idle queue, %s", policy);
    return paper_request(paper, &experiment, name);
}

static void idle_queue(struct paper *paper)
{
    struct metrics aware = idle(paper, "scheduler-aware"), lru = idle(paper, "lru");
    paper_check(paper, aware.queueing_mean_ns < 0.1 * aware.prefill_mean_ns,
                "idle queue: a turn waits for its prefill only",
                "queueing %.2f ms, prefill %.2f ms", aware.queueing_mean_ns / 1e6,
                aware.prefill_mean_ns / 1e6);
    paper_check(paper,
                aware.fetch_ssd_dram_bytes <= 0.02 * aware.load_ssd_hbm_bytes &&
                    aware.load_ssd_hbm_bytes > 0.0,
                "idle queue: look-ahead finds nothing to fetch", "%.2f GB fetched, %.0f GB loaded",
                aware.fetch_ssd_dram_bytes / 1e9, aware.load_ssd_hbm_bytes / 1e9);
    paper_check(paper,
                fabs(aware.hit_rate_history_tokens - lru.hit_rate_history_tokens) < 0.01 &&
                    fabs(aware.prefill_mean_ns / lru.prefill_mean_ns - 1.0) < 0.02,
                "idle queue: scheduler-aware is LRU",
                "hits %.2f and %.2f %%, prefill %.2f and %.2f ms",
                100.0 * aware.hit_rate_history_tokens, 100.0 * lru.hit_rate_history_tokens,
                aware.prefill_mean_ns / 1e6, lru.prefill_mean_ns / 1e6);
}

/* ---- Bidaw's observation ---- */

enum { LOADS = 3 };

/* As many sessions think at any time, whatever the rate: only the queue differs. */
static struct metrics queued(struct paper *paper, const char *policy, double sessions_per_s)
{
    struct experiment experiment = small(paper, policy, 2000);
    experiment.workload.sessions_per_s = sessions_per_s;
    experiment.workload.think_mean_ns = (uint64_t)(200.0 * (double)NS_PER_S / sessions_per_s);
    experiment.placement.ttl_ns = 0;
    experiment.dram_bytes = 64 * GB;
    experiment.ssd_bytes = 1 * TB;
    char name[64];
    snprintf(name, sizeof name, "%.2f sessions/s, %s", sessions_per_s, policy);
    return paper_request(paper, &experiment, name);
}

static void short_queues(struct paper *paper)
{
    static const double rates[LOADS] = { 0.05, 0.4, 1.0 };
    double gain[LOADS], in_dram[LOADS], queue[LOADS];
    struct paper_panel *panel = paper_panel(
        paper, PAPER_LINES, "Look-ahead weakens with short queues", "turns waiting, mean", "%");
    struct paper_series *points = panel_series(panel, "hit rate over LRU's, points", false);
    struct paper_series *share = panel_series(panel, "hits found in DRAM", false);
    for (int i = 0; i < LOADS; i++) {
        struct metrics aware = queued(paper, "scheduler-aware", rates[i]);
        struct metrics lru = queued(paper, "lru", rates[i]);
        queue[i] = aware.queue_mean;
        gain[i] = 100.0 * (aware.hit_rate_history_tokens - lru.hit_rate_history_tokens);
        in_dram[i] = 100.0 * aware.hit_tokens_dram / (aware.hit_tokens_dram + aware.hit_tokens_ssd);
        series_add(points, queue[i], gain[i]);
        series_add(share, queue[i], in_dram[i]);
    }
    paper_check(paper, queue[0] < 1.0 && queue[0] < queue[2] && gain[0] < gain[2] / 2.0,
                "short queue (Bidaw): look-ahead gains less over LRU",
                "%.2f waiting: %+.1f points; %.1f: %+.1f; %.0f: %+.1f", queue[0], gain[0], queue[1],
                gain[1], queue[2], gain[2]);
    paper_check(paper, in_dram[0] < in_dram[2] / 2.0,
                "short queue (Bidaw): fewer hits have been fetched to DRAM",
                "%.2f waiting: %.1f %%; %.1f: %.1f %%; %.0f: %.1f %%", queue[0], in_dram[0],
                queue[1], in_dram[1], queue[2], in_dram[2]);
}

/* ---- nothing to reuse ---- */

static struct metrics single_turns(struct paper *paper, const char *policy)
{
    struct experiment experiment = small(paper, policy, 2000);
    experiment.warmup_turns = 500;
    experiment.workload.multi_turn_share = 0.0;
    experiment.workload.mean_turns = 1.0;
    char name[64];
    snprintf(name, sizeof name, "single turns, %s", policy);
    return paper_request(paper, &experiment, name);
}

static void no_multi_turn(struct paper *paper)
{
    struct metrics with = single_turns(paper, "scheduler-aware");
    struct metrics without = single_turns(paper, "none");
    paper_check(paper, with.hit_rate_tokens == 0.0 && with.h2d_bytes == 0.0,
                "single turns: nothing is reused or loaded", "hit rate %.2f %%, %.0f bytes",
                100.0 * with.hit_rate_tokens, with.h2d_bytes);
    paper_check(paper, fabs(with.gpu_busy_ns / without.gpu_busy_ns - 1.0) < 0.01,
                "single turns: caching saves no GPU time", "%.3f h against %.3f h",
                with.gpu_busy_ns / 3.6e12, without.gpu_busy_ns / 3.6e12);
}

/* ---- hardware that is not ---- */

/* The paper's server with one thing changed, as a file of its own. */
static void write_server(const char *path, const struct hardware *hardware, struct error *err)
{
    const struct config_section sections[] = { { .prefix = "", .rows = hardware_rows },
                                               { .rows = NULL } };
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return;
    config_print_values(file.out, sections, hardware);
    whole_file_close(&file, err);
}

static struct metrics on_changed_server(struct paper *paper, const char *name,
                                        void (*change)(struct hardware *hardware),
                                        struct experiment experiment)
{
    struct hardware hardware;
    if (hardware_load(paper->standard.hardware, &hardware, &paper->err) != STATUS_OK)
        return (struct metrics){ 0 };
    change(&hardware);
    snprintf(experiment.hardware, sizeof experiment.hardware, "%.230s/%s.yaml", paper->folder,
             name);
    if (!paper->reporting)
        write_server(experiment.hardware, &hardware, &paper->err);
    return paper_request(paper, &experiment, name);
}

static void no_end_of_hbm(struct hardware *hardware)
{
    hardware->hbm_bytes = 100 * TB;
}

static void no_ssd_bandwidth(struct hardware *hardware)
{
    hardware->ssd_read_bytes_per_s = 0.0;
    hardware->ssd_write_bytes_per_s = 0.0;
}

static void infinite_hbm(struct paper *paper)
{
    struct experiment experiment = small(paper, "scheduler-aware", 1500);
    experiment.placement.ttl_ns = 0;
    struct metrics tiered = paper_request(paper, &experiment, "three tiers");
    experiment.hbm_cache_bytes = 150 * TB;
    struct metrics hbm = on_changed_server(paper, "infinite-hbm", no_end_of_hbm, experiment);
    paper_check(paper,
                hbm.hit_rate_history_tokens > 0.9999 && hbm.hit_tokens_dram == 0.0 &&
                    hbm.hit_tokens_ssd == 0.0,
                "infinite HBM: every history token is found there", "%.3f %%, DRAM %.0f, SSD %.0f",
                100.0 * hbm.hit_rate_history_tokens, hbm.hit_tokens_dram, hbm.hit_tokens_ssd);
    paper_check(paper, hbm.h2d_bytes == 0.0 && hbm.gpu_load_wait_ns == 0.0,
                "infinite HBM: nothing is loaded or waited for", "%.0f bytes, %.0f ns",
                hbm.h2d_bytes, hbm.gpu_load_wait_ns);
    paper_check(paper, hbm.prefill_mean_ns <= tiered.prefill_mean_ns,
                "infinite HBM: prefill is not slower than from three tiers", "%.2f ms, %.2f ms",
                hbm.prefill_mean_ns / 1e6, tiered.prefill_mean_ns / 1e6);
}

static void stopped_ssd(struct paper *paper)
{
    struct experiment experiment = small(paper, "scheduler-aware", 1500);
    struct metrics stopped = on_changed_server(paper, "stopped-ssd", no_ssd_bandwidth, experiment);
    experiment.ssd_bytes = 0;
    struct metrics none = paper_request(paper, &experiment, "no SSD");
    bool same = true;
    for (int i = 0; i < METRIC_COUNT; i++)
        same = same && metric_value(&stopped, i) == metric_value(&none, i);
    paper_check(paper, same, "SSD of zero bandwidth: all metrics as without one",
                "hit rate %.4f and %.4f %%, GPU time %.4f and %.4f h",
                100.0 * stopped.hit_rate_history_tokens, 100.0 * none.hit_rate_history_tokens,
                stopped.gpu_busy_ns / 3.6e12, none.gpu_busy_ns / 3.6e12);
    paper_check(paper, stopped.ssd_read_bytes == 0.0 && stopped.ssd_written_bytes == 0.0,
                "SSD of zero bandwidth: no byte moves", "read %.0f, written %.0f",
                stopped.ssd_read_bytes, stopped.ssd_written_bytes);
}

static void controls(struct paper *paper)
{
    idle_queue(paper);
    short_queues(paper);
    no_multi_turn(paper);
    infinite_hbm(paper);
    stopped_ssd(paper);
}

const struct paper_part paper_controls = {
    .name = "controls",
    .title = "Negative controls",
    .note = "13B with fewer sessions. Each set-up must end as theory says.",
    .work = controls,
};
