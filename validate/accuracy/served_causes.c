/* validate/accuracy/served_causes.c - why a served run is off: what can be computed from the row,
 * from its result and from its neighbours, and nothing else. */
#include "validate/accuracy/served.h"

#include "validate/accuracy/served_settings.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Requests that ran at once in the measured run, by Little's law: a mean request waits for its
 * first token without a place in the batch but for its prefill. */
static double measured_in_batch(const struct served_row *row)
{
    double decode_ns = (served_reply_tokens(row) - 1.0) * row->run.tpot_ns;
    return row->run.concurrency * decode_ns / (row->run.ttft_ns + decode_ns);
}

static double predicted_in_batch(const struct served_row *row)
{
    double decode_ns = (served_reply_tokens(row) - 1.0) * row->run.predicted_tpot_ns;
    return row->run.concurrency * decode_ns / (row->run.predicted_ttft_ns + decode_ns);
}

static bool is_neighbour(const struct accuracy_run *one, const struct accuracy_run *other)
{
    return one != other && one->ranks == other->ranks &&
           one->prompt_tokens == other->prompt_tokens && one->reply_tokens == other->reply_tokens &&
           strcmp(one->gpu, other->gpu) == 0 && strcmp(one->engine, other->engine) == 0 &&
           strcmp(one->model, other->model) == 0 && strcmp(one->format, other->format) == 0;
}

/* More in flight cannot make a token faster: where a run with more is faster by a tenth, or one
 * with fewer slower, one of both was disturbed. */
static const struct accuracy_run *contradicting(const struct served *served,
                                                const struct accuracy_run *run)
{
    for (uint32_t i = 0; i < served->rows; i++) {
        const struct accuracy_run *other = &served->row[i].run;
        if (!is_neighbour(run, other))
            continue;
        if ((other->concurrency > run->concurrency && other->tpot_ns < 0.9 * run->tpot_ns) ||
            (other->concurrency < run->concurrency && other->tpot_ns > 1.1 * run->tpot_ns))
            return other;
    }
    return NULL;
}

void served_explain(const struct served *served, struct served_row *row)
{
    struct accuracy_run *run = &row->run;
    char *cause = run->cause;
    size_t room = sizeof run->cause;
    double measured = measured_in_batch(row), predicted = predicted_in_batch(row);
    const struct served_settings *settings = served_settings(row);
    const struct accuracy_run *other = contradicting(served, run);
    if (other != NULL)
        snprintf(cause, room,
                 "the table contradicts itself: TPOT %.1f ms with %u in flight, %.1f with %u",
                 run->tpot_ns / 1e6, run->concurrency, other->tpot_ns / 1e6, other->concurrency);
    else if (measured < 0.75 * predicted)
        snprintf(cause, room,
                 "%.0f of %u decoded at once, predicted %.0f: a limit of the batch or of HBM",
                 measured, run->concurrency, predicted);
    else if (row->preemptions > 0.0)
        snprintf(cause, room, "KV did not fit: %.0f preemptions predicted", row->preemptions);
    else if (row->waiting_hbm_share > 0.5)
        snprintf(cause, room, "KV did not fit: predicted turns wait for HBM");
    else if (row->extrapolated_share > 0.05)
        snprintf(cause, room, "%.0f %% of the time is beyond the fitted range",
                 100.0 * row->extrapolated_share);
    else if (settings != NULL && settings->not_modelled != NULL)
        snprintf(cause, room, "%s", settings->not_modelled);
    else if (row->expert_ranks > 1)
        snprintf(cause, room, "expert parallel over %u; modelled as split", row->expert_ranks);
    else
        snprintf(cause, room, "not explained");
}
