/* validate/paper/paper_sensitivity.c - each headline result under other values of what the paper
 * leaves open: the time between a reply and the next turn, and the bytes stored for a session. */
#include "base/units.h"
#include "validate/paper/paper_plan.h"

#include <stdio.h>
#include <string.h>

struct setting {
    const char *unknown;
    double think_ns, stored; /* stored: bytes over those of the session's KV */
    bool standard;
};

static void apply(const struct paper *paper, const struct setting *setting,
                  struct experiment *experiment)
{
    experiment->workload.think_mean_ns = (uint64_t)setting->think_ns;
    if (setting->stored == paper_published(paper, "unknowns.stored_bytes.standard"))
        return;
    /* Twice the bytes a session are half the room. Transfers stay those of the KV itself. */
    struct hardware hardware;
    struct error ignored = { 0 };
    if (hardware_load(experiment->hardware, &hardware, &ignored) != STATUS_OK)
        return; /* said by whoever runs it */
    experiment->dram_bytes = (uint64_t)((double)hardware.dram_bytes / setting->stored);
    experiment->ssd_bytes = (uint64_t)((double)hardware.ssd_bytes / setting->stored);
}

static void write_value(const struct setting *setting, bool of_think, char *out, size_t out_bytes)
{
    if (of_think)
        units_format(setting->think_ns, UNIT_DURATION, out, out_bytes);
    else
        snprintf(out, out_bytes, "x %.3g", setting->stored);
}

static struct metrics run_with(struct paper *paper, const struct setting *setting, int model,
                               const char *policy)
{
    struct experiment experiment = paper_experiment(paper, model, policy);
    bool stores = strcmp(policy, "none") != 0;
    struct setting applied = *setting;
    if (!stores)
        applied.stored = paper_published(paper, "unknowns.stored_bytes.standard");
    apply(paper, &applied, &experiment);
    char name[96], think[24];
    units_format(setting->think_ns, UNIT_DURATION, think, sizeof think);
    snprintf(name, sizeof name, "%s %s, think %s, stored x %.3g", paper_models[model], policy,
             think, applied.stored);
    return paper_request(paper, &experiment, name);
}

static void add(struct paper *paper, const struct setting *setting, bool of_think, int model)
{
    struct metrics with = run_with(paper, setting, model, "scheduler-aware");
    struct metrics without = run_with(paper, setting, model, "none");
    double lru_hit = NAN;
    if (model == 0)
        lru_hit = 100.0 * run_with(paper, setting, model, "lru").hit_rate_history_tokens;
    struct paper_sensitivity *row = paper_sensitivity_row(paper);
    if (row == NULL)
        return;
    snprintf(row->unknown, sizeof row->unknown, "%s", setting->unknown);
    write_value(setting, of_think, row->value, sizeof row->value);
    row->model = paper_models[model];
    row->standard = setting->standard;
    row->hit_history = 100.0 * with.hit_rate_history_tokens;
    row->hit_all = 100.0 * with.hit_rate_tokens;
    row->ttft_reduction = 100.0 * (1.0 - with.prefill_mean_ns / without.prefill_mean_ns);
    row->prefill_gain = with.prefill_tokens_per_s / without.prefill_tokens_per_s;
    row->gpu_time_gain = without.gpu_busy_ns / with.gpu_busy_ns;
    row->cost_reduction = 100.0 * (1.0 - with.cost_usd / without.cost_usd);
    row->lru_hit_history = lru_hit;
}

/* low, between, standard, between, high: the steps between are geometric. */
static void spread(const struct paper *paper, const char *unknown, double values[5])
{
    values[0] = paper_published_for(paper, unknown, "low");
    values[2] = paper_published_for(paper, unknown, "standard");
    values[4] = paper_published_for(paper, unknown, "high");
    values[1] = sqrt(values[0] * values[2]);
    values[3] = sqrt(values[2] * values[4]);
}

static void sensitivities(struct paper *paper)
{
    double think_ns[5], stored[5];
    spread(paper, "unknowns.think_time", think_ns);
    spread(paper, "unknowns.stored_bytes", stored);
    for (int model = 0; model < PAPER_MODELS; model++) {
        for (int i = 0; i < 5; i++) {
            /* Whole seconds: what a table can show and a config can repeat. */
            double rounded_ns = round(think_ns[i] / 1e9) * 1e9;
            add(paper, &(struct setting){ "think time", rounded_ns, stored[2], i == 2 }, true,
                model);
        }
        for (int i = 0; i < 5; i++)
            add(paper,
                &(struct setting){ "stored bytes a session", think_ns[2], stored[i], i == 2 },
                false, model);
    }
}

const struct paper_part paper_sensitivities = {
    .name = "sensitivity",
    .title = "What the paper leaves open",
    .note = "Think time, and bytes stored for a session over those of its KV. All figures use the "
            "values "
            "marked *, which come from other sources than the paper's results "
            "(validate/paper/paper.yaml).",
    .work = sensitivities,
};
