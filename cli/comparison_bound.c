/* cli/comparison_bound.c - see comparison_bound.h. Why it holds of a timed run: docs/policies.md.
 */
#include "cli/comparison_bound.h"

#include "sim/replay/bound.h"

#include <math.h>

/* Requests are looked up in the trace's order, and what is kept between two look-ups has its place
 * in some tier. */
static bool keeps_order(const struct experiment *experiment)
{
    return experiment->order == ORDER_FCFS && experiment->replicas == 1 &&
           experiment->prefill_replicas == 0 && experiment->allocation == ALLOCATE_RESERVE;
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

/* All bytes in which KV can be at one time. */
static enum status all_bytes(const struct run *run, double *bytes, struct error *err)
{
    const struct experiment *experiment = &run->experiment;
    struct hardware hardware;
    if (hardware_load(experiment->hardware, &hardware, err) != STATUS_OK)
        return err->status;
    uint64_t dram =
        experiment->dram_bytes != UINT64_MAX ? experiment->dram_bytes : hardware.dram_bytes;
    uint64_t ssd = experiment->ssd_bytes != UINT64_MAX ? experiment->ssd_bytes : hardware.ssd_bytes;
    *bytes = (double)run->result.kv_budget_bytes + (double)experiment->write_buffer_bytes +
             (double)dram + (double)ssd;
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

static void conclude(const struct run *run, const struct bound *told, uint32_t block_tokens,
                     double bytes, struct comparison_bound *bound)
{
    double block_bytes = (double)block_tokens * (double)run->result.kv_bytes_per_token;
    double blocks = ceil(bytes / block_bytes);
    bound->unlimited = !keeps_order(&run->experiment) || blocks >= 0x1p63;
    bound->blocks = bound->unlimited ? UINT64_MAX : (uint64_t)blocks;
    double hits = (double)bound_of(told, bound->blocks).hits;
    double wanted = run->result.metrics.wanted_tokens;
    bound->known = wanted > 0.0;
    bound->hit_rate_tokens = bound->known ? fmin(1.0, hits * block_tokens / wanted) : 0.0;
}

enum status comparison_bound_find(struct comparison *comparison, struct error *err)
{
    if (comparison->count == 0)
        return STATUS_OK;
    const struct run *run = &comparison->runs[0];
    const struct experiment *experiment = &run->experiment;
    if (experiment->trace[0] == '\0' || !run->result.open_loop || any_cut(comparison) ||
        (experiment->warmup_turns > 0 && !keeps_order(experiment)))
        return STATUS_OK;
    struct trace *trace = NULL;
    double bytes = 0.0;
    if (all_bytes(run, &bytes, err) ||
        trace_open_with(experiment->trace, NULL, &experiment->workload, &experiment->import, &trace,
                        err))
        return err->status;
    enum status status = STATUS_OK;
    uint32_t block_tokens = trace_facts(trace).block_tokens;
    if (block_tokens > 0) {
        struct bound *told = bound_new(block_tokens, 0.0, 0.0);
        status = tell(experiment, trace, told, err);
        if (status == STATUS_OK)
            conclude(run, told, block_tokens, bytes, &comparison->bound);
        bound_free(told);
    }
    trace_close(trace);
    return status;
}
