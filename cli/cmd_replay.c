/* cli/cmd_replay.c - `reprise replay`: a trace's block references against policies and sizes, hits
 * alone. */
#include "base/memory.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/experiment_options.h"
#include "cli/interrupt.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/replay_print.h"

#include <stdlib.h>
#include <string.h>

enum { RUNS_MOST = 1024, LIST_MOST = 64, TEXT_BYTES = 64 };

struct replay_options {
    struct experiment_options experiment;
    const char *policies, *blocks, *ssd_blocks;
    uint64_t threads;
    bool inclusive, write_through, leaf_only, no_bound, json;
    const char *turns;
};

/* The next text of a list with commas; false: there is no more. */
static bool next_text(const char **list, char text[TEXT_BYTES])
{
    if (*list == NULL)
        return false;
    size_t length = strcspn(*list, ",");
    snprintf(text, TEXT_BYTES, "%.*s", (int)length, *list);
    *list = (*list)[length] == ',' ? *list + length + 1 : NULL;
    return true;
}

/* The most blocks that the recorded engine had at once: known at the log's end, so that it is read
 * once for this alone. */
static enum status measure_blocks(const struct experiment *experiment, uint64_t *blocks,
                                  struct error *err)
{
    struct trace *trace;
    struct trace_session session;
    enum trace_step step;
    if (experiment_open_trace(experiment, &trace, err) != STATUS_OK)
        return err->status;
    while ((step = trace_next(trace, &session, err)) == TRACE_ITEM)
        if (interrupt_asked())
            break;
    struct trace_facts facts = trace_facts(trace);
    trace_close(trace);
    if (step != TRACE_END)
        return step == TRACE_ERROR ? err->status : error_interrupted(err);
    if (facts.measured != TRACE_MEASURED_BY_EVENTS)
        return error_input(err, NULL, 0, "--blocks",
                           "a log of an engine's KV events, which tells its size, for \"measured\"",
                           facts.format);
    if (facts.engine.servers > 1 && experiment->import.server == 0)
        return error_input(err, NULL, 0, "--blocks",
                           "import.server=N for \"measured\": which of the log's servers",
                           "several, each with its own cache");
    *blocks = facts.engine.resident_peak_blocks;
    return STATUS_OK;
}

/* experiment: of a trace that may tell a size; NULL: sizes are given. */
static enum status parse_size(const char *option, const char *text,
                              const struct experiment *experiment, uint64_t *blocks,
                              struct error *err)
{
    double value;
    *blocks = UINT64_MAX;
    if (strcmp(text, "unlimited") == 0)
        return STATUS_OK;
    if (experiment != NULL && strcmp(text, "measured") == 0)
        return measure_blocks(experiment, blocks, err);
    if (!units_parse(text, UNIT_PLAIN, &value) || value < 0.0 || value > 4e9 ||
        value != (double)(uint64_t)value)
        return error_input(err, NULL, 0, option,
                           experiment != NULL ? "whole numbers of blocks (10k, 1M) with commas "
                                                "between them, unlimited, or measured"
                                              : "whole numbers of blocks (10k, 1M) with commas "
                                                "between them, or unlimited",
                           text);
    *blocks = (uint64_t)value;
    return STATUS_OK;
}

static enum status parse_blocks(const char *option, const char *list,
                                const struct experiment *experiment, uint64_t blocks[LIST_MOST],
                                uint32_t *count, struct error *err)
{
    char text[TEXT_BYTES];
    for (*count = 0; next_text(&list, text); (*count)++) {
        if (*count == LIST_MOST)
            return error_input(err, NULL, 0, option, "at most 64 sizes", "more");
        if (parse_size(option, text, experiment, &blocks[*count], err) != STATUS_OK)
            return err->status;
    }
    return STATUS_OK;
}

/* SSD: none, one size for all, or one for each of DRAM's. */
static enum status make_sizes(const struct replay_options *given,
                              const struct experiment *experiment, struct replay_runs *all,
                              struct error *err)
{
    uint64_t dram[LIST_MOST], ssd[LIST_MOST] = { 0 };
    uint32_t ssd_count = 1;
    if (given->blocks == NULL)
        return error_input(err, NULL, 0, "--blocks", "DRAM's size in blocks", "none");
    if (parse_blocks("--blocks", given->blocks, experiment, dram, &all->size_count, err) ||
        (given->ssd_blocks != NULL &&
         parse_blocks("--ssd-blocks", given->ssd_blocks, NULL, ssd, &ssd_count, err)))
        return err->status;
    if (ssd_count != 1 && ssd_count != all->size_count)
        return error_input(err, NULL, 0, "--ssd-blocks", "one size, or as many as --blocks",
                           given->ssd_blocks);
    all->sizes = memory_new(all->size_count, sizeof *all->sizes);
    for (uint32_t i = 0; i < all->size_count; i++) {
        all->sizes[i].blocks[TIER_DRAM] = dram[i];
        all->sizes[i].blocks[TIER_SSD] = ssd[ssd_count > 1 ? i : 0];
        if (dram[i] == 0 && all->sizes[i].blocks[TIER_SSD] == 0)
            return error_input(err, NULL, 0, "--blocks", "a tier with room", "0");
    }
    return STATUS_OK;
}

static void add_runs(struct replay_runs *all, const struct policy *policy,
                     const struct replay_config *shared)
{
    for (uint32_t size = 0; size < all->size_count; size++) {
        struct replay_run *run = &all->runs[all->run_count++];
        run->config = *shared;
        run->config.policy = policy;
        run->size = size;
        memcpy(run->config.blocks, all->sizes[size].blocks, sizeof run->config.blocks);
    }
}

static enum status make_runs(const char *list, const struct replay_config *shared,
                             struct replay_runs *all, struct error *err)
{
    char text[TEXT_BYTES];
    all->runs = memory_new(RUNS_MOST, sizeof *all->runs);
    for (int i = 0; list == NULL && policy_at(i) != NULL; i++)
        if (policy_at(i)->saves)
            add_runs(all, policy_at(i), shared);
    while (next_text(&list, text)) {
        const struct policy *policy = policy_find(text);
        if (policy == NULL || !policy->saves)
            return error_input(err, NULL, 0, "--policy",
                               "evictions of `reprise models --policies` that store", text);
        if (all->run_count + all->size_count > RUNS_MOST)
            return error_input(err, NULL, 0, "--policy", "1,024 policies and sizes at most",
                               "more");
        add_runs(all, policy, shared);
    }
    return STATUS_OK;
}

/* What a token's time is, on the experiment's server. */
static enum status set_times(const struct experiment *experiment, struct replay_config *shared,
                             struct error *err)
{
    struct model model;
    struct hardware hardware;
    uint64_t budget_bytes;
    if (model_load(experiment->model, &model, err) ||
        hardware_load(experiment->hardware, &hardware, err) ||
        model_kv_budget_bytes(&model, &hardware, experiment->gpus, &budget_bytes, err))
        return err->status;
    struct timing timing = timing_new(&model, &hardware, experiment->gpus);
    struct recompute_time recompute = timing_recompute(&timing);
    shared->recompute_base_ns = recompute.base_ns;
    shared->recompute_slope_ns = recompute.slope_ns;
    return STATUS_OK;
}

/* Nothing takes time here, so that no session ends for another to begin. */
static enum status check_arrivals(const struct experiment *experiment, struct error *err)
{
    char found[16];
    if (experiment->workload.concurrency == 0)
        return STATUS_OK;
    snprintf(found, sizeof found, "%u", experiment->workload.concurrency);
    return error_input(err, NULL, 0, "workload.concurrency",
                       "0: a replay has no time, in which a session could end", found);
}

static enum status open_requests(const struct experiment *experiment, struct trace **trace,
                                 struct requests **requests, struct error *err)
{
    enum status status = experiment_open_trace(experiment, trace, err);
    return status == STATUS_OK ? requests_new(*trace, experiment->block_tokens, requests, err)
                               : status;
}

static enum status run_and_print(const struct replay_options *given,
                                 const struct experiment *experiment, struct replay_runs *all,
                                 struct trace *trace, struct requests *requests, struct error *err)
{
    struct replay_config shared = { .keys = experiment->placement.policy,
                                    .inclusive = given->inclusive,
                                    .write_through = given->write_through,
                                    .leaf_only = given->leaf_only,
                                    .block_tokens = requests_block_tokens(requests) };
    char server[2 * CONFIG_TEXT_BYTES + 32];
    if (set_times(experiment, &shared, err) || make_sizes(given, experiment, all, err) ||
        make_runs(given->policies, &shared, all, err))
        return err->status;
    if (!given->no_bound)
        all->bound =
            bound_new(shared.block_tokens, shared.recompute_base_ns, shared.recompute_slope_ns);
    all->turns = given->turns;
    all->experiment = experiment;
    if (replay_runs_do(all, trace, requests, given->threads, err) != STATUS_OK)
        return err->status;
    snprintf(server, sizeof server, "%s on %u GPU(s) of %s", experiment->model, experiment->gpus,
             experiment->hardware);
    struct replay_about about = { .trace = experiment->trace[0] ? experiment->trace : "generated",
                                  .format = trace_facts(trace).format,
                                  .facts = trace_facts(trace),
                                  .server = server,
                                  .block_tokens = shared.block_tokens };
    (given->json ? replay_print_json : replay_print_table)(stdout, &about, all);
    return STATUS_OK;
}

static void replay(const struct replay_options *given, struct error *err)
{
    struct experiment experiment;
    struct replay_runs all = { 0 };
    struct trace *trace = NULL;
    struct requests *requests = NULL;
    interrupt_catch();
    if (experiment_load(&given->experiment, &experiment, err) == STATUS_OK &&
        experiment_check_policy_keys(&experiment, err) == STATUS_OK &&
        check_arrivals(&experiment, err) == STATUS_OK &&
        open_requests(&experiment, &trace, &requests, err) == STATUS_OK)
        run_and_print(given, &experiment, &all, trace, requests, err);
    bound_free(all.bound);
    free(all.runs);
    free(all.sizes);
    requests_free(requests);
    trace_close(trace);
}

int cmd_replay(int argc, const char **argv)
{
    struct replay_options given = { 0 };
    const struct option table[] = {
        { "policy", 'p', OPTION_TEXT, &given.policies, "A,B,...", "evictions (default: all)" },
        { "blocks", 'b', OPTION_TEXT, &given.blocks, "N,...",
          "sizes of DRAM in blocks: 10k, 1M, unlimited; measured: what a log of KV events had" },
        { "ssd-blocks", 0, OPTION_TEXT, &given.ssd_blocks, "N,...",
          "sizes of SSD: one, or one for each of DRAM's (default: no SSD)" },
        { "inclusive", 0, OPTION_FLAG, &given.inclusive, NULL,
          "what DRAM takes from SSD keeps its place there" },
        { "write-through", 0, OPTION_FLAG, &given.write_through, NULL,
          "new blocks are written to SSD at once, not when DRAM gives them up" },
        { "leaf-only", 0, OPTION_FLAG, &given.leaf_only, NULL,
          "no block goes before those that follow it" },
        { "no-bound", 0, OPTION_FLAG, &given.no_bound, NULL,
          "no bounds and no regret: memory does not grow with the trace" },
        { "turns", 0, OPTION_WRITES, &given.turns, "FILE",
          "every request in a row (docs/turns.md), as .csv or .jsonl; of several runs, a file "
          "each" },
        { "format", 'f', OPTION_TEXT, &given.experiment.format, "NAME",
          "the file's format (default: told from its first line)" },
        { "threads", 'j', OPTION_U64, &given.threads, "N",
          "policies replayed at once (0: one a core); results do not depend on it" },
        { "json", 0, OPTION_FLAG, &given.json, NULL, "one JSON object instead of a table" },
        EXPERIMENT_OPTIONS(&given.experiment),
        { "model", 'm', OPTION_READS, &given.experiment.model, "NAME", "--set model=NAME" },
        { "hardware", 'H', OPTION_READS, &given.experiment.hardware, "NAME",
          "--set hardware=NAME" },
        { "gpus", 'g', OPTION_TEXT, &given.experiment.gpus, "N", "--set gpus=N" },
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise replay",
        .usage = "[TRACE] --blocks N[,N...] [OPTION...]",
        .summary =
            "Replays a trace's block references against eviction policies: hits without "
            "time or engine,\nbeside what no policy can exceed. Sessions are cut into blocks "
            "of placement.block_tokens;\nwithout TRACE, the experiment's, or its generated "
            "workload.",
        .table = table,
        .arguments_most = 1,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help) {
        given.experiment.trace = options.arguments[0];
        replay(&given, &err);
    }
    experiment_options_free(&given.experiment);
    options_free(&options);
    return output_exit(&err);
}
