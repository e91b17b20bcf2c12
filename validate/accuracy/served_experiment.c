/* validate/accuracy/served_experiment.c - a served run as an experiment of the simulator. */
#include "validate/accuracy/served.h"

#include "validate/accuracy/served_settings.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* InferenceMAX's --random-range-ratio. */
#define SHORTEST 0.8

const char *served_preset(const char *backend)
{
    static const char *const presets[][2] = { { "vllm", "vllm-lru" },
                                              { "sglang", "sglang-hicache-write_through" },
                                              { "trtllm", "trtllm-priority" } };
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++)
        if (strcmp(presets[i][0], backend) == 0)
            return presets[i][1];
    return NULL;
}

static uint32_t shortest(uint32_t longest)
{
    uint32_t tokens = (uint32_t)(SHORTEST * longest);
    return tokens < 1 ? 1 : tokens;
}

double served_reply_tokens(const struct served_row *row)
{
    uint32_t most = row->run.reply_tokens;
    return row->uniform ? (shortest(most) + most) / 2.0 : most;
}

/* Lengths, requests, and how many are in flight. */
static int workload_text(const struct served_row *row, char *text, size_t room)
{
    const struct accuracy_run *run = &row->run;
    return snprintf(text, room,
                    "workload.sessions: %u\n"
                    "workload.concurrency: %u\n"
                    "workload.multi_turn_share: 0\n"
                    "workload.mean_turns: 1\n"
                    "workload.lengths: %s\n"
                    "workload.prompt_tokens.mean: %u\n"
                    "workload.prompt_tokens.least: %u\n"
                    "workload.prompt_tokens.most: %u\n"
                    "workload.reply_tokens.mean: %u\n"
                    "workload.reply_tokens.least: %u\n"
                    "workload.reply_tokens.most: %u\n",
                    row->requests, run->concurrency, row->uniform ? "uniform" : "constant",
                    run->prompt_tokens, shortest(run->prompt_tokens), run->prompt_tokens,
                    run->reply_tokens, shortest(run->reply_tokens), run->reply_tokens);
}

/* Room for every request; a reply may take half of the window at most (sim/engine/sessions.c). */
static uint32_t context_window(const struct accuracy_run *run)
{
    uint32_t other =
        run->prompt_tokens > run->reply_tokens ? run->prompt_tokens : run->reply_tokens;
    return run->reply_tokens + other;
}

/* Random prompts share nothing, and the scripts switch prefix caching off. */
static int engine_text(const struct served_row *row, char *text, size_t room)
{
    const struct accuracy_run *run = &row->run;
    bool own_format = strcmp(run->format, "mxfp4") == 0; /* the model file's */
    return snprintf(text, room,
                    "model: %s\n"
                    "hardware: %s\n"
                    "gpus: %u\n"
                    "warmup_turns: 0\n"
                    "policy: %s\n"
                    "engine.version: %s\n"
                    "tiers.hbm.cache: 0\n"
                    "tiers.dram.capacity: 0\n"
                    "tiers.dram.write: through\n"
                    "tiers.dram.inclusive: true\n"
                    "tiers.ssd.capacity: 0\n"
                    "engine.context_window: %u\n"
                    "engine.weight_format: %s\n",
                    run->model, row->hardware, run->ranks, served_preset(row->backend), run->preset,
                    context_window(run), own_format ? "model" : run->format);
}

/* What the server was told, where that is known; else its version's defaults. */
static int settings_text(const struct served_row *row, char *text, size_t room)
{
    const struct served_settings *settings = served_settings(row);
    if (settings == NULL)
        return 0;
    return snprintf(text, room, "engine.batch: %u\nengine.chunk_tokens: %u\n%s%s",
                    settings->batch > 0 ? settings->batch : row->run.concurrency,
                    settings->chunk_tokens, settings->kv_fp8 ? "engine.kv_dtype: fp8\n" : "",
                    settings->overlap ? "engine.overlap_schedule: true\n" : "");
}

enum status served_experiment(const struct served_row *row, struct config_tree **tree,
                              struct error *err)
{
    char text[2048];
    int length = engine_text(row, text, sizeof text);
    length += settings_text(row, text + length, sizeof text - (size_t)length);
    workload_text(row, text + length, sizeof text - (size_t)length);
    return config_tree_parse(text, row->run.id, tree, err);
}
