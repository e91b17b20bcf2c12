/* validate/paper/paper_overlap.c - figures 19 and 20: what layer-wise pre-loading and asynchronous
 * saving save. 13B on one GPU, batch 16. All lengths are given, so neither needs think time or
 * stored bytes. */
#include "validate/paper/analytic.h"
#include "validate/paper/paper_plan.h"

#include <stdio.h>

/* Turns of equal lengths, all asked at once; what they store fits into DRAM. */
static struct experiment ablation(const struct paper *paper, double prompt_tokens,
                                  double reply_tokens)
{
    struct experiment experiment = paper_experiment(paper, 0, "scheduler-aware");
    struct workload *workload = &experiment.workload;
    experiment.gpus = (uint32_t)paper_published(paper, "ablation.gpus");
    experiment.batch = (uint32_t)paper_published(paper, "ablation.batch");
    experiment.placement.dram_reserve_share = 0.0;
    workload->sessions = 4 * (uint64_t)experiment.batch;
    workload->sessions_per_s = 1e5;
    workload->session_length_cv = 0.0;
    workload->prompt_tokens_mean = prompt_tokens;
    workload->prompt_tokens_cv = 0.0;
    workload->reply_tokens_mean = reply_tokens;
    workload->reply_tokens_cv = 0.0;
    workload->think_time = THINK_CONSTANT;
    workload->think_mean_ns = 0;
    return experiment;
}

/* ---- figure 19 ---- */

/* A first turn makes the history, the second is measured. With no time to think every second turn
 * waits behind all first ones, so that the first `sessions` turns to start are the first ones. */
struct metrics paper_preloaded(struct paper *paper, int preloading, uint32_t buffer_layers)
{
    double fresh = paper_published(paper, "ablation.new_tokens");
    struct experiment experiment =
        ablation(paper, fresh, paper_published(paper, "ablation.history_tokens") - fresh);
    experiment.workload.multi_turn_share = 1.0;
    experiment.workload.mean_turns = 2.0;
    experiment.warmup_turns = experiment.workload.sessions;
    /* Replies differ a little: were all alike, places in the batch would come free all at once, and
     * the buffer could fill for the first of them only. */
    experiment.workload.reply_tokens_cv = 0.05;
    experiment.preloading = preloading;
    experiment.read_buffer_layers = buffer_layers;
    char name[64];
    snprintf(name, sizeof name, "%s, %u layers of buffer",
             preloading == PRELOAD_NONE ? "no pre-loading" : "pre-loading", buffer_layers);
    return paper_request(paper, &experiment, name);
}

/* `turns` second turns in one prefill. */
static struct paper_overlap overlap_of(struct paper *paper, double turns)
{
    struct model model;
    struct hardware hardware;
    if (model_load(paper_models[0], &model, &paper->err) != STATUS_OK ||
        hardware_load(paper->standard.hardware, &hardware, &paper->err) != STATUS_OK)
        return (struct paper_overlap){ .known = false };
    uint32_t gpus = (uint32_t)paper_published(paper, "ablation.gpus");
    double history = paper_published(paper, "ablation.history_tokens");
    double fresh = paper_published(paper, "ablation.new_tokens");
    struct timing timing = timing_new(&model, &hardware, gpus);
    /* As many cached tokens as give one sequence of all new tokens the attended pairs of all turns.
     */
    double cached = history + (fresh + 1.0) / 2.0 - (turns * fresh + 1.0) / 2.0;
    struct prefill_time time =
        timing_prefill(&timing, (uint64_t)(turns * fresh), cached > 0.0 ? (uint64_t)cached : 0);
    double kv_bytes = turns * history * (double)model_kv_bytes_per_token(&model, gpus);
    return (struct paper_overlap){ .load_ns = 1e9 * kv_bytes / hardware.h2d_bytes_per_s_per_gpu,
                                   .compute_ns = (double)(time.layer_ns * model.layers),
                                   .overhead_ns = (double)time.overhead_ns,
                                   .layers = model.layers,
                                   .known = true };
}

struct paper_overlap paper_overlap_of_one(struct paper *paper)
{
    return overlap_of(paper, 1.0);
}

static void whole_batch_rows(struct paper *paper, const double published[2])
{
    static const uint32_t buffers[] = { 0, 15 };
    struct paper_overlap times = overlap_of(paper, paper_published(paper, "ablation.batch"));
    if (!times.known)
        return;
    double without_ns = times.load_ns + times.compute_ns + times.overhead_ns;
    for (int i = 0; i < 2; i++) {
        double with_ns =
            analytic_overlapped_ns(times.load_ns, times.compute_ns, times.layers, buffers[i]) +
            times.overhead_ns;
        paper_row(paper, "%", published[i], 100.0 * (1.0 - with_ns / without_ns),
                  "the same, 16 turns in one prefill (recurrence), %u layers", buffers[i]);
    }
}

static void pre_loading(struct paper *paper)
{
    static const uint32_t buffers[] = { 0, 5, 10, 15 };
    const double published[] = { paper_published(paper, "figure19.no_buffer"),
                                 paper_published(paper, "figure19.buffer_15_layers") };
    struct paper_panel *panel =
        paper_panel(paper, PAPER_BARS, "Prefill time, 1K tokens of history and 100 new ones", "",
                    "% of no pre-loading");
    struct paper_series *theirs = panel_series(panel, "published", true);
    struct paper_series *ours = panel_series(panel, "ours", false);
    double without_ns = paper_preloaded(paper, PRELOAD_NONE, 0).prefill_mean_ns;
    panel_group(panel, "NO-PL");
    series_add(theirs, 1, 100.0);
    series_add(ours, 1, 100.0);
    for (int i = 0; i < 4; i++) {
        double with_ns = paper_preloaded(paper, PRELOAD_LAYERS, buffers[i]).prefill_mean_ns;
        double saved = 100.0 * (1.0 - with_ns / without_ns);
        double known = i == 0 ? published[0] : i == 3 ? published[1] : NAN;
        char group[32];
        snprintf(group, sizeof group, "PL-B%u", buffers[i]);
        panel_group(panel, group);
        series_add(theirs, i + 2, 100.0 - known);
        series_add(ours, i + 2, 100.0 - saved);
        paper_row(paper, "%", known, saved, "prefill time saved, read buffer of %u layers",
                  buffers[i]);
        if (!isnan(known))
            paper_mark_mechanism(paper);
    }
    whole_batch_rows(paper, published);
}

const struct paper_part paper_19 = {
    .name = "19",
    .title = "Layer-wise pre-loading",
    .note =
        "LLaMA-13B on one GPU, batch 16. The simulator prefills one turn at a time; the recurrence "
        "over layers also gives a whole batch in one prefill.",
    .work = pre_loading,
};

/* ---- figure 20 ---- */

static struct metrics saved(struct paper *paper, int saving, uint32_t prompt_tokens)
{
    struct experiment experiment =
        ablation(paper, prompt_tokens, paper_published(paper, "ablation.decode_steps"));
    experiment.workload.multi_turn_share = 0.0;
    experiment.workload.mean_turns = 1.0;
    experiment.warmup_turns = 0;
    experiment.saving = saving;
    char name[64];
    snprintf(name, sizeof name, "%s saving, prompts of %u",
             saving == SAVING_SYNCHRONOUS ? "synchronous" : "asynchronous", prompt_tokens);
    return paper_request(paper, &experiment, name);
}

static void saving(struct paper *paper)
{
    static const uint32_t prompts[] = { 1000, 1200, 1400, 1600 };
    struct paper_panel *panel = paper_panel(
        paper, PAPER_BARS, "Execution time, 64 turns of 20 tokens", "prompt tokens", "s");
    struct paper_series *synchronous = panel_series(panel, "synchronous saving, ours", false);
    struct paper_series *asynchronous = panel_series(panel, "asynchronous saving, ours", false);
    for (int i = 0; i < 4; i++) {
        double with_s = saved(paper, SAVING_ASYNCHRONOUS, prompts[i]).gpu_busy_ns / 1e9;
        double without_s = saved(paper, SAVING_SYNCHRONOUS, prompts[i]).gpu_busy_ns / 1e9;
        char group[32];
        snprintf(group, sizeof group, "%u", prompts[i]);
        panel_group(panel, group);
        series_add(synchronous, i + 1, without_s);
        series_add(asynchronous, i + 1, with_s);
        paper_row_range(paper, "%", paper_published(paper, "figure20.least"),
                        paper_published(paper, "figure20.most"), 100.0 * (1.0 - with_s / without_s),
                        "execution time saved, prompts of %u tokens", prompts[i]);
        paper_mark_mechanism(paper);
    }
}

const struct paper_part paper_20 = {
    .name = "20",
    .title = "Asynchronous saving",
    .note = "LLaMA-13B on one GPU, batch 16, 20 decode steps. Published: 13 to 15 %.",
    .work = saving,
};
