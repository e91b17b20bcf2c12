/* validate/paper/paper_theory.c - the simulator against closed forms: M/G/1, Che's approximation of
 * LRU, the read buffer's size, Little's law on every run. */
#include "base/memory.h"
#include "base/random.h"
#include "base/units.h"
#include "base/whole_file.h"
#include "validate/paper/analytic.h"
#include "validate/paper/paper_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- M/G/1 ---- */

/* One turn a session, recomputing, batch 1: a single server, first come first served. */
static struct experiment single_server(const struct paper *paper, bool fixed)
{
    struct experiment experiment = paper_experiment(paper, 0, "none");
    experiment.batch = 1;
    experiment.warmup_turns = 0;
    experiment.workload.sessions = 100000;
    experiment.workload.multi_turn_share = 0.0;
    experiment.workload.mean_turns = 1.0;
    if (fixed) {
        experiment.workload.session_length_cv = 0.0;
        experiment.workload.prompt_tokens_cv = 0.0;
        experiment.workload.reply_tokens_cv = 0.0;
    }
    return experiment;
}

struct moments {
    double mean_s, mean_square_s2;
};

/* How long the engine's GPUs are busy with a turn that is alone: its prefill, then an iteration for
 * each token but the first. Lengths fitted into the window as the engine fits them. */
static double service_s(const struct timing *timing, uint32_t layers, uint32_t window,
                        const struct trace_turn *turn)
{
    uint32_t reply = turn->reply_tokens < window / 2 ? turn->reply_tokens : window / 2;
    uint32_t prompt = turn->prompt_tokens < window - reply ? turn->prompt_tokens : window - reply;
    struct prefill_time prefill = timing_prefill(timing, prompt, 0);
    double prefill_ns = (double)(prefill.layer_ns * layers + prefill.overhead_ns);
    return (prefill_ns + timing_reply_ns(timing, prompt + UINT64_C(1), reply - UINT64_C(1))) / 1e9;
}

static struct moments service_moments(struct paper *paper, const struct experiment *experiment)
{
    struct model model;
    struct hardware hardware;
    struct trace *trace = NULL;
    struct moments sum = { 0 };
    if (model_load(experiment->model, &model, &paper->err) != STATUS_OK ||
        hardware_load(experiment->hardware, &hardware, &paper->err) != STATUS_OK ||
        experiment_open_trace(experiment, &trace, &paper->err) != STATUS_OK)
        return sum;
    struct timing timing = timing_new(&model, &hardware, experiment->gpus);
    struct trace_session session;
    double sessions = 0.0;
    while (trace_next(trace, &session, &paper->err) == TRACE_ITEM) {
        double time_s =
            service_s(&timing, model.layers, model.context_window_tokens, session.turns);
        sum.mean_s += time_s;
        sum.mean_square_s2 += time_s * time_s;
        sessions += 1.0;
    }
    trace_close(trace);
    return (struct moments){ sum.mean_s / sessions, sum.mean_square_s2 / sessions };
}

/* Waits differ much from one draw to the next, more so at high loads: the mean of several. */
enum { SEEDS = 6 };

struct waits {
    double simulated_s, expected_s;
};

static struct waits mean_wait(struct paper *paper, bool fixed, double load, const char *name)
{
    struct waits sum = { 0 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct experiment experiment = single_server(paper, fixed);
        experiment.workload.seed = seed;
        struct moments service = service_moments(paper, &experiment);
        double rate = load / service.mean_s;
        experiment.workload.sessions_per_s = rate;
        char label[64];
        snprintf(label, sizeof label, "%s, seed %d", name, (int)seed);
        sum.simulated_s += paper_request(paper, &experiment, label).queueing_mean_ns / 1e9 / SEEDS;
        sum.expected_s += analytic_mg1_wait_s(rate, service.mean_s, service.mean_square_s2) / SEEDS;
    }
    return sum;
}

static void waits(struct paper *paper, bool fixed, const double *loads, int count)
{
    struct paper_panel *panel = paper_panel(
        paper, PAPER_LINES, fixed ? "M/D/1: mean wait" : "M/G/1: mean wait", "load", "s");
    struct paper_series *theory = panel_series(panel, "Pollaczek-Khinchine", true);
    struct paper_series *simulated = panel_series(panel, "simulated", false);
    for (int i = 0; i < count; i++) {
        char name[32];
        snprintf(name, sizeof name, "%s at load %.1f", fixed ? "M/D/1" : "M/G/1", loads[i]);
        struct waits wait = mean_wait(paper, fixed, loads[i], name);
        series_add(theory, loads[i], wait.expected_s);
        series_add(simulated, loads[i], wait.simulated_s);
        double error = wait.simulated_s / wait.expected_s - 1.0;
        char what[128];
        snprintf(what, sizeof what, "%s: the mean wait is Pollaczek and Khinchine's within 3 %%",
                 name);
        paper_check(paper, fabs(error) < 0.03, what, "%.4f s against %.4f s (%+.2f %%)",
                    wait.simulated_s, wait.expected_s, 100.0 * error);
    }
}

static void single_servers(struct paper *paper)
{
    static const double loads[] = { 0.3, 0.5, 0.7, 0.8 };
    waits(paper, false, loads, 4);
    waits(paper, true, loads, 4);
}

/* ---- Che ---- */

enum { ITEMS = 2000, REFERENCES = 40000, WARM_REFERENCES = 10000, BLOCK_TOKENS = 512 };
#define ZIPF_EXPONENT 0.9

static uint32_t draw(struct random *random, const double *cumulated)
{
    double at = random_uniform(random);
    uint32_t low = 0, high = ITEMS - 1;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (cumulated[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Requests of one block each, every one independent of those before, in Mooncake's format. */
static void write_references(const char *path, const double *popularity, struct error *err)
{
    struct random random = random_from(1, 0);
    struct whole_file file;
    if (whole_file_open(&file, path, err) != STATUS_OK)
        return;
    double *cumulated = memory_new(ITEMS, sizeof *cumulated);
    double sum = 0.0;
    for (uint32_t i = 0; i < ITEMS; i++)
        cumulated[i] = sum += popularity[i];
    for (uint32_t i = 0; i < REFERENCES; i++)
        fprintf(
            file.out,
            "{\"timestamp\": %u, \"input_length\": %d, \"output_length\": 1, \"hash_ids\": [%u]}\n",
            1000 * i, BLOCK_TOKENS, draw(&random, cumulated));
    free(cumulated);
    whole_file_close(&file, err);
}

static struct experiment lru_of(const struct paper *paper, const char *path, uint32_t blocks,
                                uint64_t bytes_per_token)
{
    struct experiment experiment = paper_experiment(paper, 0, "lru");
    snprintf(experiment.trace, sizeof experiment.trace, "%s", path);
    experiment.warmup_turns = WARM_REFERENCES;
    experiment.placement.ttl_ns = 0;
    experiment.ssd_bytes = 0;
    experiment.placement.dram_reserve_share = 0.0;
    experiment.dram_bytes = (uint64_t)blocks * BLOCK_TOKENS * bytes_per_token;
    return experiment;
}

static void independent_references(struct paper *paper)
{
    static const uint32_t sizes[] = { 50, 200, 500, 1000 };
    double popularity[ITEMS];
    struct model model;
    char path[sizeof paper->standard.trace];
    if (model_load(paper_models[0], &model, &paper->err) != STATUS_OK)
        return;
    uint64_t bytes_per_token = model_kv_bytes_per_token(&model, paper->standard.gpus);
    analytic_zipf(popularity, ITEMS, ZIPF_EXPONENT);
    snprintf(path, sizeof path, "%s/independent-references.jsonl", paper->folder);
    if (!paper->reporting)
        write_references(path, popularity, &paper->err);
    struct paper_panel *panel = paper_panel(paper, PAPER_LINES, "LRU under independent references",
                                            "blocks in DRAM, of 2,000", "hit rate, %");
    struct paper_series *theory = panel_series(panel, "Che's approximation", true);
    struct paper_series *simulated = panel_series(panel, "simulated", false);
    for (int i = 0; i < 4; i++) {
        struct experiment experiment = lru_of(paper, path, sizes[i], bytes_per_token);
        char name[64];
        snprintf(name, sizeof name, "LRU of %u blocks", sizes[i]);
        double hit = 100.0 * paper_request(paper, &experiment, name).hit_rate_blocks;
        double expected = 100.0 * analytic_che_hit_rate(popularity, ITEMS, sizes[i]);
        series_add(theory, sizes[i], expected);
        series_add(simulated, sizes[i], hit);
        char what[128];
        snprintf(what, sizeof what, "%s: the hit rate is Che's within a point", name);
        paper_check(paper, fabs(hit - expected) < 1.0, what, "%.2f %% against %.2f %%", hit,
                    expected);
    }
}

/* ---- the read buffer ---- */

static void read_buffer(struct paper *paper)
{
    struct paper_overlap overlap = paper_overlap_of_one(paper);
    if (!overlap.known)
        return;
    uint32_t enough = analytic_buffer_layers(overlap.load_ns, overlap.compute_ns, overlap.layers);
    const uint32_t buffers[] = { 0, 5, enough > 3 ? enough - 3 : 0, enough };
    double least_ns = overlap.compute_ns + overlap.overhead_ns;
    for (int i = 0; i < 4; i++) {
        double median_ns = paper_preloaded(paper, PRELOAD_LAYERS, buffers[i]).prefill_p50_ns;
        double expected_ns = analytic_overlapped_ns(overlap.load_ns, overlap.compute_ns,
                                                    overlap.layers, buffers[i]) +
                             overlap.overhead_ns;
        char what[128];
        snprintf(what, sizeof what,
                 "read buffer of %u layers: prefill is the recurrence's within 2 %%", buffers[i]);
        paper_check(paper, fabs(median_ns / expected_ns - 1.0) < 0.02, what,
                    "%.2f ms against %.2f ms", median_ns / 1e6, expected_ns / 1e6);
    }
    double layer_ns = overlap.compute_ns / (double)overlap.layers;
    double before_ns = paper_preloaded(paper, PRELOAD_LAYERS, buffers[2]).prefill_p50_ns;
    double at_ns = paper_preloaded(paper, PRELOAD_LAYERS, enough).prefill_p50_ns;
    paper_check(paper, at_ns < 1.01 * least_ns + layer_ns && before_ns > least_ns + layer_ns,
                "S_buf is the least buffer with which layers do not wait",
                "%u layers: %.2f ms; 3 fewer: %.2f ms; computing alone: %.2f ms", enough,
                at_ns / 1e6, before_ns / 1e6, least_ns / 1e6);
}

/* ---- Little ---- */

static double little_error(const struct metrics *metrics)
{
    double elapsed_s = metrics->elapsed_ns / 1e9;
    if (metrics->turns == 0.0 || elapsed_s == 0.0)
        return 0.0;
    /* What turns had waited before the measured part is in their wait and not in its queue. */
    double in_part_s =
        metrics->queueing_mean_ns / 1e9 - metrics->queueing_before_ns / 1e9 / metrics->turns;
    double expected = analytic_little_waiting(metrics->turns / elapsed_s, in_part_s);
    return fabs(metrics->queue_mean - expected) / (1.0 + expected);
}

static void littles_law(struct paper *paper)
{
    if (!paper->reporting)
        return;
    const struct paper_run *worst = &paper->runs[0];
    for (uint32_t i = 1; i < paper->run_count; i++)
        if (little_error(&paper->runs[i].metrics) > little_error(&worst->metrics))
            worst = &paper->runs[i];
    paper_check(paper, little_error(&worst->metrics) < 1e-6,
                "Little's law holds of every run's queue", "%u runs, largest error %.1e (%s)",
                paper->run_count, little_error(&worst->metrics), worst->name);
}

static void theory(struct paper *paper)
{
    single_servers(paper);
    independent_references(paper);
    read_buffer(paper);
    littles_law(paper);
}

const struct paper_part paper_theory = {
    .name = "theory",
    .title = "Against closed forms",
    .note =
        "Pollaczek-Khinchine for a single server; Che's approximation for LRU under independent "
        "references (Zipf 0.9); the paper's S_buf; Little's law.",
    .work = theory,
};
