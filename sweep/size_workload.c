/* sweep/size_workload.c - see size_workload.h. */
#include "sweep/size_workload.h"

#include "base/heap.h"
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

/* Turns that come, by the time at which they are asked were replies instant. */
static void expect_turns(struct heap *coming, const struct trace_session *session)
{
    uint64_t asked_ns = session->arrival_ns;
    for (uint32_t i = 0; i < session->turn_count; i++) {
        asked_ns = time_later_ns(asked_ns, session->turns[i].think_ns);
        heap_push(coming, (struct heap_item){ .first = asked_ns });
    }
}

/* max_turns counts turns in the order of time: it ends the run before the last arrival, behind it,
 * or not at all. */
static enum status read_late_share(struct inputs *inputs, const struct experiment *experiment,
                                   double *late_share, struct error *err)
{
    struct trace *trace = NULL;
    struct trace_session session;
    struct heap coming = { 0 };
    uint64_t most = experiment->max_turns > 0 ? experiment->max_turns : UINT64_MAX, asked = 0;
    enum status status = inputs_open_trace(inputs, experiment, &trace, err);
    enum trace_step step = TRACE_END;
    while (status == STATUS_OK && asked < most &&
           (step = trace_next(trace, &session, err)) == TRACE_ITEM) {
        expect_turns(&coming, &session);
        for (; coming.count > 0 && coming.item[0].first <= session.arrival_ns; asked++)
            heap_pop(&coming);
    }
    uint64_t left = most > asked ? most - asked : 0;
    uint64_t late = coming.count < left ? coming.count : left;
    *late_share = late > 0 ? (double)late / (double)(asked + late) : 0.0;
    heap_free(&coming);
    trace_close(trace);
    return step == TRACE_ERROR ? err->status : status;
}

enum status size_workload_read(struct inputs *inputs, const struct experiment *experiment,
                               struct size_workload *workload, struct error *err)
{
    struct trace *trace = NULL;
    struct trace_session session;
    double prompt_tokens = 0.0, reply_tokens = 0.0;
    uint64_t first_ns = 0, last_ns = 0;
    *workload = (struct size_workload){ 0 };
    enum status status = inputs_open_trace(inputs, experiment, &trace, err);
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
    if (step == TRACE_ERROR)
        return err->status;
    if (workload->turns == workload->sessions || experiment->workload.concurrency > 0)
        return STATUS_OK;
    return read_late_share(inputs, experiment, &workload->late_share, err);
}

/* Sessions of an hour's workload that go on for some minutes say what they have to say. */
#define LATE_TOLD_FROM 0.15

char *size_workload_unsteady(const struct size_workload *workload, char *out, size_t out_bytes)
{
    *out = '\0';
    if (workload->late_share > LATE_TOLD_FROM && workload->duration_ns > 0)
        snprintf(out, out_bytes,
                 "%.0f %% of the turns are asked after the last session has come: the workload is "
                 "short for its sessions, and while they\ncome fewer are under way than will be in "
                 "the long run. More of them (workload.sessions, a longer trace) may need more "
                 "servers.",
                 100.0 * workload->late_share);
    return out;
}

#define TRIAL_SESSIONS 3000

/* Mean context of a turn, history included, of such a generated workload; 0: it cannot be. */
static double mean_context(const struct workload *workload)
{
    struct trace *trace = NULL;
    struct trace_session session;
    struct error ignored = { 0 };
    double tokens = 0.0, turns = 0.0;
    if (trace_generate(workload, &trace, &ignored) != STATUS_OK)
        return 0.0;
    while (trace_next(trace, &session, &ignored) == TRACE_ITEM) {
        double history = 0.0;
        for (uint32_t i = 0; i < session.turn_count; i++) {
            tokens += history + session.turns[i].prompt_tokens;
            history += (double)session.turns[i].prompt_tokens + session.turns[i].reply_tokens;
        }
        turns += session.turn_count;
    }
    trace_close(trace);
    return turns > 0.0 ? tokens / turns : 0.0;
}

/* The new prompt of a turn with which the mean context is `wanted`. */
static double new_prompt(const struct workload *base, double mean_turns, double reply,
                         double wanted)
{
    struct workload trial = *base;
    double context[2];
    trial.sessions = TRIAL_SESSIONS;
    trial.mean_turns = mean_turns;
    trial.reply_tokens_mean = reply;
    for (int i = 0; i < 2; i++) {
        trial.prompt_tokens_mean = i == 0 ? 100.0 : 1000.0;
        context[i] = mean_context(&trial);
    }
    double slope = (context[1] - context[0]) / 900.0;
    return slope > 0.0 ? fmax(1.0, 100.0 + (wanted - context[0]) / slope) : 1.0;
}

char *size_workload_sessions(const struct size_workload *workload, const struct workload *base,
                             double mean_turns, char *out, size_t out_bytes)
{
    double seconds = fmax(1.0, (double)workload->duration_ns / (double)NS_PER_S);
    double requests_per_s = (double)workload->turns / seconds;
    double reply = fmax(1.0, workload->reply_tokens_mean);
    snprintf(out, out_bytes,
             "--set workload.mean_turns=%g --set workload.sessions_per_s=%.3g --set "
             "workload.sessions=%.0f --set workload.prompt_tokens.mean=%.0f --set "
             "workload.reply_tokens.mean=%.0f",
             mean_turns, requests_per_s / mean_turns,
             fmax(500.0, ceil((double)workload->turns / mean_turns)),
             new_prompt(base, mean_turns, reply, workload->prompt_tokens_mean), reply);
    return out;
}
