/* cli/trace_info.c - `reprise trace info`: says what a trace or the generated workload holds. */
#include "cli/options.h"
#include "cli/output.h"
#include "cli/trace_verbs.h"
#include "models/models.h"
#include "plots/trace_plots.h"
#include "traces/info.h"

#include <stdlib.h>

struct info_options {
    struct trace_source source;
    const char *model, *exact, *rate, *sample, *plot;
    struct text_list lru;
    uint64_t seed;
    bool json, deepest_first;
};

static enum status read_config(const struct info_options *given, struct trace_reuse_config *config,
                               struct error *err)
{
    enum { BLOCKS_MOST = 1 << 28 };
    *config = trace_reuse_standard();
    uint64_t exact = config->exact_blocks, sample = config->sample_blocks;
    if (trace_verb_whole("--exact-blocks", given->exact, 1, BLOCKS_MOST, &exact, err) ||
        trace_verb_whole("--sample-blocks", given->sample, 16, BLOCKS_MOST, &sample, err) ||
        trace_verb_positive("--sample-rate", given->rate, 1.0, &config->sample_rate, err))
        return err->status;
    if (given->lru.count > TRACE_ASKED_MOST)
        return error_input(err, NULL, 0, "--lru", "at most 32 capacities", "more");
    for (uint32_t i = 0; i < given->lru.count; i++)
        if (trace_verb_whole("--lru", given->lru.text[i], 1, UINT64_C(4000000000),
                             &config->asked[i], err) != STATUS_OK)
            return err->status;
    config->asked_count = given->lru.count;
    config->exact_blocks = (uint32_t)exact;
    config->sample_blocks = (uint32_t)sample;
    config->sample_seed = given->seed;
    config->deepest_first = given->deepest_first;
    return STATUS_OK;
}

static enum status show_info(const struct info_options *given, const char *path, struct error *err)
{
    struct trace *trace = NULL;
    struct trace_info info;
    struct trace_reuse_config config;
    struct trace_info_view view = { .asked = &config };
    struct model model;
    if (read_config(given, &config, err) != STATUS_OK)
        return err->status;
    if (given->model != NULL) {
        if (model_load(given->model, &model, err) != STATUS_OK)
            return err->status;
        view.model = given->model;
        view.kv_bytes_per_token = model_kv_bytes_per_token(&model, 1);
    }
    enum status status = trace_source_open(&given->source, path, &trace, err);
    if (status == STATUS_OK)
        status = trace_info_read(trace, &config, &info, err);
    trace_close(trace);
    if (status == STATUS_OK && given->plot != NULL)
        status = trace_plots_draw(&info, &view, given->plot, err);
    if (status == STATUS_OK)
        (given->json ? trace_info_print_json : trace_info_print_table)(stdout, &info, &view);
    return status;
}

int trace_verb_info(int argc, const char **argv)
{
    struct info_options given = { 0 };
    const struct option table[] = {
        { "lru", 0, OPTION_TEXTS, &given.lru, "N",
          "also the hits under LRU of N blocks; may be given again" },
        { "model", 'm', OPTION_READS, &given.model, "NAME", "tell capacities in bytes of its KV" },
        { "deepest-first", 0, OPTION_FLAG, &given.deepest_first, NULL,
          "a request's last block is touched first (as vLLM frees them), not its first one" },
        { "exact-blocks", 0, OPTION_TEXT, &given.exact, "N",
          "count exactly up to LRU of N blocks (4M); about 60 bytes of memory each" },
        { "sample-blocks", 0, OPTION_TEXT, &given.sample, "N",
          "estimate the rest from N sampled blocks (65536)" },
        { "sample-rate", 0, OPTION_TEXT, &given.rate, "SHARE",
          "sample that share of blocks instead, however many these are" },
        { "sample-seed", 0, OPTION_U64, &given.seed, "N", "sample others" },
        { "json", 0, OPTION_FLAG, &given.json, NULL, "one JSON object instead of a table" },
        { "plot", 0, OPTION_WRITES, &given.plot, "FILE",
          "also draw hits by capacity and reuse distances, as .png or .svg" },
        TRACE_SOURCE_FILE(&given.source),
        TRACE_SOURCE_GENERATED(&given.source),
        TRACE_SOURCE_OPTIONS(&given.source),
        { 0 },
    };
    const struct command_line line = {
        .command = "reprise trace info",
        .usage = "[FILE] [OPTION...]",
        .summary =
            "Says what a trace holds: requests, tokens, blocks, how soon blocks come back, "
            "and what prefix caches\nof any size would make of that. FILE may be .zst or .gz. "
            "Without FILE: the experiment's trace, or its generated workload.",
        .table = table,
        .arguments_most = 1,
    };
    struct options options;
    struct error err = { 0 };
    if (options_parse(&options, &line, argc, argv, &err) == STATUS_OK && !options.help)
        show_info(&given, options.arguments[0], &err);
    free(given.lru.text);
    experiment_options_free(&given.source.experiment);
    options_free(&options);
    return output_exit(&err);
}
