/* cli/comparison_bound.c - see comparison_bound.h. Why it holds of a timed run: docs/policies.md.
 */
#include "cli/comparison_bound.h"

#include "sim/engine/disks.h"
#include "sim/replay/bound.h"

#include <math.h>

/* Requests are looked up in the trace's order, and what is kept between two look-ups has its place
 * in some tier. */
static bool keeps_order(const struct experiment *experiment)
{
    return experiment->order == ORDER_FCFS && experiment->replicas == 1 &&
           experiment->prefill_replicas == 0 && experiment->allocation == ALLOCATE_RESERVE;
}

/* Presets give each run keys of its own. */
static bool all_keep_order(const struct comparison *comparison)
{
    for (uint32_t i = 0; i < comparison->count; i++)
        if (!keeps_order(&comparison->runs[i].experiment))
            return false;
    return true;
}

static bool any_cut(const struct comparison *comparison)
{
    for (uint32_t i = 0; i < comparison->count; i++) {
        const struct metrics *metrics = &comparison->runs[i].result.metrics;
        if (metrics->clamped_turns > 0.0 || metrics->overflows > 0.0)
            return true;
    }
    return false;
}

/* All tokens whose KV can be somewhere at one time. */
static enum status all_tokens(const struct run *run, double *tokens, struct error *err)
{
    const struct experiment *experiment = &run->experiment;
    struct hardware hardware;
    if (hardware_load(experiment->hardware, &hardware, err) != STATUS_OK)
        return err->status;
    uint64_t dram =
        experiment->dram_bytes != UINT64_MAX ? experiment->dram_bytes : hardware.dram_bytes;
    struct disks disks;
    if (disks_for(experiment, &hardware, &disks, err) != STATUS_OK)
        return err->status;
    const double room[TIER_KINDS] = {
        [TIER_HBM] = (double)run->result.kv_budget_bytes + (double)experiment->write_buffer_bytes,
        [TIER_DRAM] = (double)dram,
        [TIER_SSD] = (double)disks.capacity_bytes,
        [TIER_REMOTE] = (double)experiment->remote_bytes,
    };
    *tokens = 0.0;
    for (int tier = 0; tier < TIER_KINDS; tier++)
        *tokens += room[tier] / (double)run->result.kv_tier_bytes[tier];
    return STATUS_OK;
}

static enum status tell(const struct experiment *experiment, struct trace *trace,
                        struct bound *bound, struct error *err)
{
    struct trace_session session;
    enum trace_step step = TRACE_END;
    for (uint64_t turn = 0; experiment->max_turns == 0 || turn < experiment->max_turns; turn++) {
        if ((step = trace_next(trace, &session, err)) != TRACE_ITEM)
            break;
        bound_count_from_here(bound, turn >= experiment->warmup_turns);
        if (!bound_request(bound, session.block_keys, session.block_count))
            return error_input(err, experiment->trace, 0, "trace",
                               "fewer than 4,294,967,295 block references", "more");
    }
    bound_seal(bound);
    return step == TRACE_ERROR ? err->status : STATUS_OK;
}

/* The room of the run that has most, in blocks. */
static enum status find_room(struct comparison *comparison, uint32_t block_tokens,
                             struct error *err)
{
    struct comparison_bound *bound = &comparison->bound;
    struct model model;
    double most = 0.0;
    if (model_load(comparison->runs[0].experiment.model, &model, err) != STATUS_OK)
        return err->status;
    for (uint32_t i = 0; i < comparison->count; i++) {
        const struct run *run = &comparison->runs[i];
        double tokens = 0.0;
        if (all_tokens(run, &tokens, err) != STATUS_OK)
            return err->status;
        most = fmax(most, tokens / block_tokens);
    }
    /* Where layers have windows or states, tokens do not all take the same. */
    bound->unlimited = !all_keep_order(comparison) || model.window_layers > 0 ||
                       model.state_layers > 0 || most >= 0x1p62;
    bound->blocks = bound->unlimited ? UINT64_MAX : (uint64_t)ceil(most);
    return STATUS_OK;
}

static void conclude(struct comparison *comparison, const struct bound *told, uint32_t block_tokens)
{
    struct comparison_bound *bound = &comparison->bound;
    double hits = (double)bound_of(told, bound->blocks).hits;
    double wanted = comparison->runs[0].result.metrics.wanted_tokens;
    bound->known = wanted > 0.0;
    bound->hit_rate_tokens = bound->known ? fmin(1.0, hits * block_tokens / wanted) : 0.0;
}

enum status comparison_bound_find(struct comparison *comparison, struct error *err)
{
    if (comparison->count == 0)
        return STATUS_OK;
    const struct run *run = &comparison->runs[0];
    const struct experiment *experiment = &run->experiment;
    if (!run->result.open_loop || any_cut(comparison) ||
        (experiment->warmup_turns > 0 && !all_keep_order(comparison)))
        return STATUS_OK;
    struct trace *trace = NULL;
    if (experiment_open_trace(experiment, &trace, err) != STATUS_OK)
        return err->status;
    enum status status = STATUS_OK;
    uint32_t block_tokens = trace_facts(trace).block_tokens;
    if (block_tokens > 0) {
        struct bound *told = bound_new(block_tokens, 0.0, 0.0);
        status = tell(experiment, trace, told, err);
        if (status == STATUS_OK)
            status = find_room(comparison, block_tokens, err);
        if (status == STATUS_OK)
            conclude(comparison, told, block_tokens);
        bound_free(told);
    }
    trace_close(trace);
    return status;
}
