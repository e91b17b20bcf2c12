/* validate/paper/paper_capacity.c - figures 21 to 25: policies, context overflow, capacity, tiers,
 * arrival rate. 13B but where all four models are shown. */
#include "validate/paper/paper_plan.h"

#include <stdio.h>

#define TB UINT64_C(1000000000000)

/* ---- figure 21 ---- */

enum { POLICIES_COMPARED = 3 };
static const char *const policies[POLICIES_COMPARED] = { "scheduler-aware", "lru", "fifo" };

static struct metrics with_policy(struct paper *paper, const char *policy, uint64_t ssd_bytes)
{
    struct experiment experiment = paper_experiment(paper, 0, policy);
    char name[64];
    /* 10 TB is the hardware's own: the same run as figure 13's. */
    if (ssd_bytes != 10 * TB)
        experiment.ssd_bytes = ssd_bytes;
    snprintf(name, sizeof name, "%s %s, SSD of %u TB", paper_models[0], policy,
             (unsigned)(ssd_bytes / TB));
    return paper_request(paper, &experiment, name);
}

/* The set-up of the other ablations: one GPU, batch 16. */
static void make_ablation(const struct paper *paper, struct experiment *experiment)
{
    experiment->gpus = (uint32_t)paper_published(paper, "ablation.gpus");
    experiment->batch = (uint32_t)paper_published(paper, "ablation.batch");
}

static void one_gpu_rows(struct paper *paper)
{
    for (int i = 0; i < POLICIES_COMPARED; i++) {
        struct experiment experiment = paper_experiment(paper, 0, policies[i]);
        char name[64];
        make_ablation(paper, &experiment);
        snprintf(name, sizeof name, "%s %s, one GPU", paper_models[0], policies[i]);
        struct metrics metrics = paper_request(paper, &experiment, name);
        paper_row(paper, "%", paper_published_for(paper, "figure21.hit_rate_10tb", policies[i]),
                  100.0 * metrics.hit_rate_tokens,
                  "hit rate over all tokens, 10 TB, one GPU, batch 16, %s", policies[i]);
    }
}

static double dram_share(const struct metrics *metrics)
{
    double stored = metrics->hit_tokens_dram + metrics->hit_tokens_ssd;
    return 100.0 * metrics->hit_tokens_dram / stored;
}

static void policy_rows(struct paper *paper)
{
    for (int i = 0; i < POLICIES_COMPARED; i++) {
        struct metrics metrics = with_policy(paper, policies[i], 10 * TB);
        double published = paper_published_for(paper, "figure21.hit_rate_10tb", policies[i]);
        paper_row(paper, "%", published, 100.0 * metrics.hit_rate_history_tokens,
                  "hit rate over history, 10 TB, %s", policies[i]);
        paper_row(paper, "%", published, 100.0 * metrics.hit_rate_tokens,
                  "hit rate over all tokens, 10 TB, %s", policies[i]);
        double low = paper_published_for(paper, "figure21.dram_share",
                                         i == 0 ? "scheduler-aware" : "others_least");
        double high = paper_published_for(paper, "figure21.dram_share",
                                          i == 0 ? "scheduler-aware" : "others_most");
        paper_row_range(paper, "%", low, high, dram_share(&metrics),
                        "hits that were in DRAM, 10 TB, %s", policies[i]);
    }
    struct metrics aware = with_policy(paper, "scheduler-aware", 2 * TB);
    struct metrics lru = with_policy(paper, "lru", 2 * TB);
    struct metrics fifo = with_policy(paper, "fifo", 2 * TB);
    paper_row(paper, "points", paper_published(paper, "figure21.points_over_lru_2tb"),
              100.0 * (aware.hit_rate_history_tokens - lru.hit_rate_history_tokens),
              "hit rate over LRU's, history, 2 TB");
    paper_row(paper, "points", paper_published(paper, "figure21.points_over_lru_2tb"),
              100.0 * (aware.hit_rate_tokens - lru.hit_rate_tokens),
              "hit rate over LRU's, all tokens, 2 TB");
    paper_row(paper, "points", paper_published(paper, "figure21.points_over_fifo_2tb"),
              100.0 * (aware.hit_rate_history_tokens - fifo.hit_rate_history_tokens),
              "hit rate over FIFO's, history, 2 TB");
    paper_row(paper, "points", paper_published(paper, "figure21.points_over_fifo_2tb"),
              100.0 * (aware.hit_rate_tokens - fifo.hit_rate_tokens),
              "hit rate over FIFO's, all tokens, 2 TB");
    struct metrics best = with_policy(paper, "scheduler-aware", 10 * TB);
    struct metrics worst = with_policy(paper, "fifo", 10 * TB);
    paper_row(paper, "x", paper_published(paper, "figure21.gpu_time_gain_most"),
              fmax(worst.gpu_busy_ns / best.gpu_busy_ns, fifo.gpu_busy_ns / aware.gpu_busy_ns),
              "GPU time over FIFO's, the better of 2 and 10 TB");
}

static void policy_panels(struct paper *paper)
{
    static const uint64_t sizes[] = { 2 * TB, 5 * TB, 10 * TB };
    struct paper_panel *hits =
        paper_panel(paper, PAPER_STACKED, "Hit rate over history, by tier", "", "%");
    struct paper_series *dram = panel_series(hits, "in DRAM, ours", false);
    struct paper_series *ssd = panel_series(hits, "on SSD, ours", false);
    struct paper_panel *time = paper_panel(paper, PAPER_BARS, "GPU time, ours", "SSD", "hours");
    for (int i = 0; i < POLICIES_COMPARED; i++) {
        struct paper_series *hours = panel_series(time, policies[i], false);
        for (int size = 0; size < 3; size++) {
            struct metrics metrics = with_policy(paper, policies[i], sizes[size]);
            char group[32];
            snprintf(group, sizeof group, "%s\\n%u TB", i == 0 ? "aware" : policies[i],
                     (unsigned)(sizes[size] / TB));
            panel_group(hits, group);
            series_add(dram, 3 * i + size + 1,
                       100.0 * metrics.hit_tokens_dram / metrics.history_tokens);
            series_add(ssd, 3 * i + size + 1,
                       100.0 * metrics.hit_tokens_ssd / metrics.history_tokens);
            series_add(hours, size + 1, metrics.gpu_busy_ns / 3.6e12);
        }
    }
    for (int size = 0; size < 3; size++) {
        char group[32];
        snprintf(group, sizeof group, "%u TB", (unsigned)(sizes[size] / TB));
        panel_group(time, group);
    }
}

static void published_panel(struct paper *paper)
{
    struct paper_panel *panel = paper_panel(paper, PAPER_BARS, "Hit rate, SSD of 10 TB", "", "%");
    struct paper_series *theirs = panel_series(panel, "published", true);
    struct paper_series *history = panel_series(panel, "ours, over history tokens", false);
    struct paper_series *all = panel_series(panel, "ours, over all prompt tokens", false);
    for (int i = 0; i < POLICIES_COMPARED; i++) {
        struct metrics metrics = with_policy(paper, policies[i], 10 * TB);
        panel_group(panel, policies[i]);
        series_add(theirs, i + 1,
                   paper_published_for(paper, "figure21.hit_rate_10tb", policies[i]));
        series_add(history, i + 1, 100.0 * metrics.hit_rate_history_tokens);
        series_add(all, i + 1, 100.0 * metrics.hit_rate_tokens);
    }
}

static void eviction(struct paper *paper)
{
    published_panel(paper);
    policy_rows(paper);
    one_gpu_rows(paper);
    policy_panels(paper);
}

const struct paper_part paper_21 = {
    .name = "21",
    .title = "Eviction policies",
    .note = "On 2 GPUs with batch 24: the published 86 % is figure 13's. LRU and FIFO fetch on "
            "demand. How "
            "far 10 TB is from enough is what stored bytes per session decide.",
    .work = eviction,
};

/* ---- figure 22 ---- */

static void overflow(struct paper *paper)
{
    double published[PAPER_MODELS], lost[PAPER_MODELS], lost_all[PAPER_MODELS];
    for (int model = 0; model < PAPER_MODELS; model++) {
        struct experiment experiment = paper_experiment(paper, model, "scheduler-aware");
        char name[64];
        snprintf(name, sizeof name, "%s scheduler-aware", paper_models[model]);
        struct metrics truncated = paper_request(paper, &experiment, name);
        experiment.overflow = OVERFLOW_INVALIDATE;
        snprintf(name, sizeof name, "%s positions not decoupled", paper_models[model]);
        struct metrics invalidated = paper_request(paper, &experiment, name);
        published[model] = paper_published_for(paper, "figure22.points_lost", paper_models[model]);
        lost[model] =
            100.0 * (truncated.hit_rate_history_tokens - invalidated.hit_rate_history_tokens);
        lost_all[model] = 100.0 * (truncated.hit_rate_tokens - invalidated.hit_rate_tokens);
        paper_row(paper, "points", published[model], lost[model],
                  "hit rate lost without decoupling, history, %s", paper_models[model]);
        paper_row(paper, "points", published[model], lost_all[model],
                  "hit rate lost without decoupling, all tokens, %s", paper_models[model]);
        char what[96];
        snprintf(what, sizeof what, "without decoupled positions hits are lost, %s",
                 paper_models[model]);
        paper_check(paper, lost[model] > 0.0, what, "%.1f points of %.1f %%", lost[model],
                    100.0 * truncated.hit_rate_history_tokens);
    }
    paper_check(paper, lost[1] > lost[0] && lost[1] > lost[2],
                "the 2K window of llama-65b loses more than the 4K windows of 13b and 70b",
                "%.1f points against %.1f and %.1f", lost[1], lost[0], lost[2]);
    struct paper_panel *panel =
        panel_by_model(paper, "Hit rate lost to context overflow", "points");
    panel_bars(panel, "published", true, published);
    panel_bars(panel, "ours, over history tokens", false, lost);
    panel_bars(panel, "ours, over all prompt tokens", false, lost_all);
}

const struct paper_part paper_22 = {
    .name = "22",
    .title = "Context overflow without decoupled positions",
    .note = "Windows as the models have them: 4K for 13B and 70B, 2K for 65B and Falcon-40B. The "
            "published 18.4 points of Falcon-40B are those of a 4K window.",
    .work = overflow,
};

/* ---- figure 23 ---- */

/* CCpUT: distinct sessions within the time to live, each with the KV of a full window. */
static double capacity_needed_bytes(struct paper *paper)
{
    struct model model;
    const struct experiment *standard = &paper->standard;
    if (model_load(paper_models[0], &model, &paper->err) != STATUS_OK)
        return NAN;
    double sessions = standard->workload.sessions_per_s * (double)standard->placement.ttl_ns / 1e9;
    return sessions * (double)model.context_window_tokens *
           (double)model_kv_bytes_per_token(&model, standard->gpus);
}

static struct metrics with_capacity(struct paper *paper, double ratio, double needed_bytes)
{
    struct experiment experiment = paper_experiment(paper, 0, "scheduler-aware");
    struct hardware hardware;
    if (hardware_load(experiment.hardware, &hardware, &paper->err) != STATUS_OK)
        return (struct metrics){ 0 };
    double ssd_bytes = ratio * needed_bytes - (double)hardware.dram_bytes;
    experiment.ssd_bytes = ssd_bytes > 0.0 ? (uint64_t)ssd_bytes : 0;
    char name[64];
    snprintf(name, sizeof name, "%s RCC/CCpUT %.2f", paper_models[0], ratio);
    return paper_request(paper, &experiment, name);
}

static void capacity(struct paper *paper)
{
    static const double ratios[] = { 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5 };
    double low = paper_published(paper, "figure23.low_ratio");
    double high = paper_published(paper, "figure23.high_ratio");
    double needed_bytes = capacity_needed_bytes(paper);
    if (isnan(needed_bytes))
        return;
    struct paper_panel *panel =
        paper_panel(paper, PAPER_LINES, "Hit rate over configured capacity", "RCC / CCpUT", "%");
    struct paper_series *theirs = panel_series(panel, "published", true);
    struct paper_series *history = panel_series(panel, "ours, over history tokens", false);
    struct paper_series *all = panel_series(panel, "ours, over all prompt tokens", false);
    series_add(theirs, low, paper_published(paper, "figure23.low_hit_rate"));
    series_add(theirs, high, paper_published(paper, "figure23.high_hit_rate"));
    for (size_t i = 0; i < sizeof ratios / sizeof *ratios; i++) {
        struct metrics metrics = with_capacity(paper, ratios[i], needed_bytes);
        series_add(history, ratios[i], 100.0 * metrics.hit_rate_history_tokens);
        series_add(all, ratios[i], 100.0 * metrics.hit_rate_tokens);
    }
    for (int i = 0; i < 2; i++) {
        struct metrics metrics = with_capacity(paper, i == 0 ? low : high, needed_bytes);
        double published =
            paper_published(paper, i == 0 ? "figure23.low_hit_rate" : "figure23.high_hit_rate");
        paper_row(paper, "%", published, 100.0 * metrics.hit_rate_history_tokens,
                  "hit rate over history, RCC/CCpUT %.2f", i == 0 ? low : high);
        paper_row(paper, "%", published, 100.0 * metrics.hit_rate_tokens,
                  "hit rate over all tokens, RCC/CCpUT %.2f", i == 0 ? low : high);
    }
    struct model model;
    if (model_load(paper_models[1], &model, &paper->err) != STATUS_OK)
        return;
    double of_65b =
        (double)model.context_window_tokens * (double)model_kv_bytes_per_token(&model, 4) *
        paper->standard.workload.sessions_per_s * (double)paper->standard.placement.ttl_ns / 1e9;
    paper_row(paper, "x", NAN, 10.128e12 / of_65b,
              "RCC/CCpUT of llama-65b in figure 13, whose hit rate is 71 %%");
}

const struct paper_part paper_23 = {
    .name = "23",
    .title = "Capacity",
    .note = "CCpUT: the sessions that arrive within the time to live of 1 h, each with a full "
            "window of "
            "KV. Published 98 % at 0.25 stands against 71 % of 65B at more than twice that ratio.",
    .work = capacity,
};

/* ---- figure 24 ---- */

static struct metrics with_tiers(struct paper *paper, int model, bool dram)
{
    struct experiment experiment = paper_experiment(paper, model, "scheduler-aware");
    experiment.hbm_cache_bytes = (uint64_t)paper_published(paper, "figure24.hbm_cache");
    experiment.ssd_bytes = 0;
    if (!dram)
        experiment.dram_bytes = 0;
    char name[64];
    snprintf(name, sizeof name, "%s %s", paper_models[model], dram ? "HBM and DRAM" : "HBM alone");
    return paper_request(paper, &experiment, name);
}

static void tiers(struct paper *paper)
{
    double hbm[PAPER_MODELS], dram[PAPER_MODELS], ssd[PAPER_MODELS];
    double their_hbm[PAPER_MODELS], their_dram[PAPER_MODELS], their_ssd[PAPER_MODELS];
    for (int model = 0; model < PAPER_MODELS; model++) {
        const char *name = paper_models[model];
        struct experiment experiment = paper_experiment(paper, model, "scheduler-aware");
        char label[64];
        snprintf(label, sizeof label, "%s scheduler-aware", name);
        hbm[model] = 100.0 * with_tiers(paper, model, false).hit_rate_history_tokens;
        dram[model] = 100.0 * with_tiers(paper, model, true).hit_rate_history_tokens;
        ssd[model] = 100.0 * paper_request(paper, &experiment, label).hit_rate_history_tokens;
        their_hbm[model] = paper_published_for(paper, "figure24.hbm", name);
        their_dram[model] = paper_published_for(paper, "figure24.dram", name);
        their_ssd[model] = paper_published_for(paper, "figure13.hit_rate", name);
        paper_row(paper, "%", their_hbm[model], hbm[model], "hit rate over history, HBM alone, %s",
                  name);
        paper_row(paper, "%", their_dram[model], dram[model],
                  "hit rate over history, HBM and DRAM, %s", name);
        paper_row(paper, "%", their_dram[model],
                  100.0 * with_tiers(paper, model, true).hit_rate_tokens,
                  "hit rate over all tokens, HBM and DRAM, %s", name);
        paper_row(paper, "%", their_ssd[model], ssd[model], "hit rate over history, with SSD, %s",
                  name);
        snprintf(label, sizeof label, "each tier adds hits, %s", name);
        paper_check(paper, hbm[model] < dram[model] && dram[model] < ssd[model], label,
                    "%.1f, %.1f, %.1f %%", hbm[model], dram[model], ssd[model]);
    }
    struct paper_panel *panel = panel_by_model(paper, "Hit rate over history, by tiers", "%");
    panel_bars(panel, "HBM, published", true, their_hbm);
    panel_bars(panel, "HBM, ours", false, hbm);
    panel_bars(panel, "+ DRAM, published", true, their_dram);
    panel_bars(panel, "+ DRAM, ours", false, dram);
    panel_bars(panel, "+ SSD, published", true, their_ssd);
    panel_bars(panel, "+ SSD, ours", false, ssd);
}

const struct paper_part paper_24 = {
    .name = "24",
    .title = "Tiers",
    .note = "10 GB of HBM may keep KV of ended turns. Over history tokens.",
    .work = tiers,
};

/* ---- figure 25 ---- */

static struct metrics at_rate(struct paper *paper, double sessions_per_s, bool one_gpu)
{
    struct experiment experiment = paper_experiment(paper, 0, "scheduler-aware");
    experiment.workload.sessions_per_s = sessions_per_s;
    if (one_gpu)
        make_ablation(paper, &experiment);
    char name[64];
    snprintf(name, sizeof name, "%s %.1f sessions/s%s", paper_models[0], sessions_per_s,
             one_gpu ? ", one GPU" : "");
    return paper_request(paper, &experiment, name);
}

struct rate_metric {
    const char *key, *title, *unit;
    double (*of)(const struct metrics *metrics);
};

static double hit_percent(const struct metrics *metrics)
{
    return 100.0 * metrics->hit_rate_history_tokens;
}

static double hit_percent_of_all(const struct metrics *metrics)
{
    return 100.0 * metrics->hit_rate_tokens;
}

static double ttft_s(const struct metrics *metrics)
{
    return metrics->prefill_mean_ns / 1e9;
}

static double prefill_rate(const struct metrics *metrics)
{
    return metrics->prefill_tokens_per_s;
}

static double gpu_hours(const struct metrics *metrics)
{
    return metrics->gpu_busy_ns / 3.6e12;
}

static void rate_rows(struct paper *paper, const struct rate_metric *metric)
{
    static const char *const ends[] = { "low", "high" };
    struct paper_panel *panel =
        paper_panel(paper, PAPER_LINES, metric->title, "sessions/s", metric->unit);
    struct paper_series *theirs = panel_series(panel, "published", true);
    struct paper_series *ours = panel_series(panel, "ours", false);
    for (int end = 0; end < 2; end++) {
        char key[96];
        snprintf(key, sizeof key, "figure25.%s.sessions_per_s", ends[end]);
        double rate = paper_published(paper, key);
        snprintf(key, sizeof key, "figure25.%s.%s", ends[end], metric->key);
        double published = paper_published(paper, key);
        struct metrics metrics = at_rate(paper, rate, false);
        series_add(theirs, rate, published);
        paper_row(paper, metric->unit, published, metric->of(&metrics), "%s, %.1f sessions/s",
                  metric->title, rate);
    }
    for (int halves = 1; halves <= 4; halves++) {
        struct metrics metrics = at_rate(paper, halves / 2.0, false);
        series_add(ours, halves / 2.0, metric->of(&metrics));
    }
}

static void arrival_rate(struct paper *paper)
{
    static const struct rate_metric metrics[] = {
        { "hit_rate", "Hit rate over history", "%", hit_percent },
        { "hit_rate", "Hit rate over all tokens", "%", hit_percent_of_all },
        { "ttft_s", "TTFT", "s", ttft_s },
        { "prefill_tokens_per_s", "Prefill throughput", "tokens/s", prefill_rate },
        { "gpu_hours", "GPU time", "h", gpu_hours },
    };
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++)
        rate_rows(paper, &metrics[i]);
    struct metrics one_gpu =
        at_rate(paper, paper_published(paper, "figure25.low.sessions_per_s"), true);
    paper_row(paper, "h", paper_published(paper, "figure25.low.gpu_hours"), gpu_hours(&one_gpu),
              "GPU time, 0.5 sessions/s, one GPU, batch 16");
}

const struct paper_part paper_25 = {
    .name = "25",
    .title = "Arrival rate",
    .note = "13B on 2 GPUs. Published hit rates of 77 to 82 % stand against figure 13's 86 % for "
            "the same "
            "set-up; and its throughput times its TTFT are 104.8K tokens, 26 windows of 4K.",
    .work = arrival_rate,
};
