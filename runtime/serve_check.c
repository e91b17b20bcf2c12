/* runtime/serve_check.c - an experiment's numbers, what of them the runtime can do, and how its KV
 * is cut into pages. */
#include "runtime/serve_state.h"

#include "base/memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what can be run ---- */

/* What the simulator models and the runtime does not do is refused, never passed over. */
static enum status check_experiment(const struct experiment *experiment, struct error *err)
{
    const struct {
        uint64_t found, expected;
        const char *key;
    } cases[] = {
        { experiment->gpus, 1, "gpus" },
        { experiment->prefill_replicas, 0, "cluster.prefill_replicas" },
        { (uint64_t)experiment->weight_format, 0, "engine.weight_format" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (cases[i].found != cases[i].expected) {
            char expected[96], found[32];
            snprintf(expected, sizeof expected, "%" PRIu64 ": the runtime does no other",
                     cases[i].expected);
            snprintf(found, sizeof found, "%" PRIu64, cases[i].found);
            return error_input(err, NULL, 0, cases[i].key, expected, found);
        }
    return STATUS_OK;
}

/* Pages of windowed layers stay, though a server with hybrid KV would give them up. */
static enum status check_windows(const struct run *run, struct error *err)
{
    const struct engine_setup *setup = &run->setup;
    if (setup->model.window_layers == 0 || !run->experiment->hybrid_kv)
        return STATUS_OK;
    return error_input(err, NULL, 0, "engine.hybrid_kv",
                       "false: the runtime keeps all KV of layers with a window", "true");
}

/* ---- pages ---- */

static bool is_aligned(const struct run *run, uint32_t page_tokens)
{
    uint64_t layer_bytes = run->setup.kv.bytes_per_token / run->setup.model.layers;
    return page_tokens * layer_bytes % SSD_ALIGNMENT == 0;
}

/* A block is a whole number of pages: of its divisors the largest up to `wanted`, or the smallest
 * above, whose slices the disk can take; where there is none, the largest up to `wanted`. */
static uint32_t divisor_of(const struct run *run, uint32_t block_tokens, uint32_t wanted)
{
    uint32_t any = 1;
    for (uint32_t tokens = wanted < block_tokens ? wanted : block_tokens; tokens > 0; tokens--) {
        if (block_tokens % tokens != 0)
            continue;
        if (is_aligned(run, tokens))
            return tokens;
        any = any < tokens ? tokens : any;
    }
    for (uint32_t tokens = wanted; tokens++ < block_tokens;)
        if (block_tokens % tokens == 0 && is_aligned(run, tokens))
            return tokens;
    return any;
}

static void set_pages(struct run *run)
{
    const struct engine_setup *setup = &run->setup;
    uint32_t tokens = run->config->page_tokens;
    if (tokens == 0)
        tokens = executor_page_tokens(run->backend, &setup->model, setup->window_tokens);
    if (setup->unit_tokens != UINT32_MAX) {
        tokens = divisor_of(run, setup->unit_tokens, tokens);
        run->unit_pages = setup->unit_tokens / tokens;
    }
    run->page_tokens = tokens;
    run->page_bytes = setup->kv.bytes_per_token * tokens;
    run->slice_bytes = run->page_bytes / setup->model.layers;
}

static enum status check_slices(const struct run *run, struct error *err)
{
    if (run->setup.placement.capacity_bytes[TIER_SSD] == 0 || run->slice_bytes % SSD_ALIGNMENT == 0)
        return STATUS_OK;
    char expected[128], found[64];
    snprintf(expected, sizeof expected, "pages whose KV of a layer is a multiple of %d bytes",
             SSD_ALIGNMENT);
    snprintf(found, sizeof found, "%u tokens of %u bytes", run->page_tokens,
             (unsigned)(run->slice_bytes / run->page_tokens));
    return error_input(err, NULL, 0, run->unit_pages > 0 ? "placement.block_tokens" : "page tokens",
                       expected, found);
}

enum status open_setup(struct run *run, struct error *err)
{
    enum status status = check_experiment(run->experiment, err);
    if (status == STATUS_OK)
        status = engine_setup_open(run->experiment, &run->setup, &run->trace, err);
    if (status == STATUS_OK)
        status = executor_supports(run->backend, &run->setup.model, err);
    if (status == STATUS_OK)
        status = check_windows(run, err);
    if (status != STATUS_OK)
        return status;
    set_pages(run);
    return check_slices(run, err);
}

enum status serve_check(const struct experiment *experiment, const struct serve_config *config,
                        struct error *err)
{
    struct run *run = memory_new(1, sizeof *run);
    run->experiment = experiment;
    run->config = config;
    run->backend = config->backend;
    enum status status = open_setup(run, err);
    trace_close(run->trace);
    free(run);
    return status;
}
