/* sweep/size_workload.c - see size_workload.h. */
#include "sweep/size_workload.h"

#include "base/units.h"

#include <math.h>
#include <stdio.h>

static void add(struct size_workload *workload, const struct trace_session *session,
                double *prompt_tokens, double *reply_tokens)
{
    workload->sessions++;
    workload->turns += session->turn_count;
    workload->can_reuse = workload->can_reuse || session->turn_count > 1;
    for (uint32_t i = 0; i < session->turn_count; i++) {
        *prompt_tokens += session->turns[i].prompt_tokens;
        *reply_tokens += session->turns[i].reply_tokens;
    }
}

enum status size_workload_read(const struct experiment *experiment, struct size_workload *workload,
                               struct error *err)
{
    struct trace *trace = NULL;
    struct trace_session session;
    double prompt_tokens = 0.0, reply_tokens = 0.0;
    uint64_t first_ns = 0, last_ns = 0;
    *workload = (struct size_workload){ 0 };
    enum status status = experiment_open_trace(experiment, &trace, err);
    if (status != STATUS_OK)
        return status;
    enum trace_step step = TRACE_END;
    while (experiment->max_turns == 0 || workload->turns < experiment->max_turns) {
        step = trace_next(trace, &session, err);
        if (step != TRACE_ITEM)
            break;
        first_ns = workload->sessions == 0 ? session.arrival_ns : first_ns;
        last_ns = session.arrival_ns;
        add(workload, &session, &prompt_tokens, &reply_tokens);
    }
    struct trace_facts facts = trace_facts(trace);
    trace_close(trace);
    workload->format = facts.format;
    workload->open_loop = facts.open_loop;
    workload->has_keys = facts.block_tokens > 0;
    workload->can_reuse = workload->can_reuse || workload->has_keys;
    workload->duration_ns = last_ns - first_ns;
    if (workload->turns > 0) {
        workload->prompt_tokens_mean = prompt_tokens / (double)workload->turns;
        workload->reply_tokens_mean = reply_tokens / (double)workload->turns;
    }
    return step == TRACE_ERROR ? err->status : STATUS_OK;
}

char *size_workload_sessions(const struct size_workload *workload, double mean_turns, char *out,
                             size_t out_bytes)
{
    double seconds = fmax(1.0, (double)workload->duration_ns / (double)NS_PER_S);
    double requests_per_s = (double)workload->turns / seconds;
    double reply = fmax(1.0, workload->reply_tokens_mean);
    double prompt = (workload->prompt_tokens_mean - (mean_turns - 1.0) / 2.0 * reply) /
                    ((mean_turns + 1.0) / 2.0);
    snprintf(out, out_bytes,
             "--set workload.mean_turns=%g --set workload.sessions_per_s=%.3g --set "
             "workload.sessions=%.0f --set workload.prompt_tokens.mean=%.0f --set "
             "workload.reply_tokens.mean=%.0f",
             mean_turns, requests_per_s / mean_turns,
             fmax(500.0, ceil((double)workload->turns / mean_turns)), fmax(1.0, prompt), reply);
    return out;
}
