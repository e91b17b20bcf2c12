/* validate/accuracy/goals.c - how near predictions are to come, and whether they do. */
#include "validate/accuracy/accuracy.h"

#include <math.h>
#include <string.h>

static bool is_of(const struct accuracy_group *group, enum accuracy_family family,
                  const char *quantity)
{
    return group->key.family == family && strcmp(group->key.quantity, quantity) == 0;
}

static bool is_engine(const struct accuracy_group *group, const char *engine)
{
    return strncmp(group->key.engine, engine, strlen(engine)) == 0;
}

static bool is_format(const struct accuracy_group *group, const char *format)
{
    return strncmp(group->key.format, format, strlen(format)) == 0;
}

static bool is_attention(const struct accuracy_group *group)
{
    return is_of(group, ACCURACY_ATTENTION, "prefill") ||
           is_of(group, ACCURACY_ATTENTION, "decode");
}

static bool is_cached_prefix(const struct accuracy_group *group)
{
    return is_of(group, ACCURACY_ATTENTION, "prefill behind a prefix");
}

static bool is_allreduce(const struct accuracy_group *group)
{
    return group->key.family == ACCURACY_COLLECTIVES &&
           strstr(group->key.quantity, "all-reduce") != NULL;
}

/* Means of vLLM's served runs. */
static bool is_vllm(const struct accuracy_group *group, const char *quantity)
{
    return is_of(group, ACCURACY_SERVED, quantity) && is_engine(group, "vllm");
}

static bool is_ttft(const struct accuracy_group *group)
{
    return is_vllm(group, "TTFT");
}

static bool is_tpot(const struct accuracy_group *group)
{
    return is_vllm(group, "TPOT");
}

static bool is_e2e(const struct accuracy_group *group)
{
    return is_vllm(group, "E2E");
}

static bool is_request_ttft(const struct accuracy_group *group)
{
    return is_of(group, ACCURACY_REQUESTS, "TTFT");
}

static bool is_request_tpot(const struct accuracy_group *group)
{
    return is_of(group, ACCURACY_REQUESTS, "TPOT");
}

static bool is_request_e2e(const struct accuracy_group *group)
{
    return is_of(group, ACCURACY_REQUESTS, "E2E");
}

static bool is_bf16(const struct accuracy_group *group)
{
    return is_of(group, ACCURACY_SERVED, "TPOT") && is_format(group, "bf16");
}

static bool is_narrow(const struct accuracy_group *group)
{
    return is_of(group, ACCURACY_SERVED, "TPOT") &&
           (is_format(group, "fp8") || is_format(group, "mxfp4"));
}

static bool is_capacity(const struct accuracy_group *group)
{
    return group->key.family == ACCURACY_CAPACITY;
}

const struct accuracy_goal accuracy_goals[] = {
    { "attention over 20 us", 0.07, 0.20, is_attention },
    { "prefill attention behind a cached prefix", 0.10, 0.25, is_cached_prefix },
    { "all-reduce", 0.08, 0.20, is_allreduce },
    { "TTFT, vLLM", 0.08, 0.20, is_ttft },
    { "TPOT, vLLM", 0.03, 0.10, is_tpot },
    { "end to end, vLLM", 0.035, 0.10, is_e2e },
    { "TTFT, vLLM, single requests", 0.08, 0.20, is_request_ttft },
    { "TPOT, vLLM, single requests", 0.03, 0.10, is_request_tpot },
    { "end to end, vLLM, single requests", 0.035, 0.10, is_request_e2e },
    { "TPOT, bf16, three engines", 0.04, 0.12, is_bf16 },
    { "TPOT, fp8 and mxfp4, three engines", 0.06, 0.15, is_narrow },
    { "KV capacity", 0.02, 0.05, is_capacity },
};
const uint32_t accuracy_goal_count = sizeof accuracy_goals / sizeof accuracy_goals[0];

static bool is_goals(const struct accuracy_group *group, const void *context)
{
    return ((const struct accuracy_goal *)context)->belongs(group);
}

static bool is_goals_and_unseen(const struct accuracy_group *group, const void *context)
{
    return group->origin == ACCURACY_UNSEEN && is_goals(group, context);
}

static bool is_within(const struct accuracy_goal *goal, double median, double p95)
{
    return median <= goal->median && p95 <= goal->p95;
}

struct accuracy_judged accuracy_judge(const struct accuracy *accuracy,
                                      const struct accuracy_goal *goal)
{
    struct accuracy_judged judged = {
        .shown = accuracy_errors(accuracy, is_goals, goal),
        .unseen = accuracy_errors(accuracy, is_goals_and_unseen, goal),
        .held_out_median = NAN,
        .held_out_p95 = NAN,
    };
    for (uint32_t i = 0; i < accuracy->groups; i++) {
        const struct accuracy_group *group = &accuracy->group[i];
        if (goal->belongs(group) && group->origin == ACCURACY_FITTED) {
            judged.held_out_median = fmax(judged.held_out_median, group->held_out_median);
            judged.held_out_p95 = fmax(judged.held_out_p95, group->held_out_p95);
        }
    }
    bool has_held_out = !isnan(judged.held_out_median), has_unseen = judged.unseen.count > 0;
    bool met = (!has_unseen || is_within(goal, judged.unseen.median, judged.unseen.p95)) &&
               (!has_held_out || is_within(goal, judged.held_out_median, judged.held_out_p95));
    judged.verdict = !has_unseen && !has_held_out ? ACCURACY_NO_DATA
                     : met                        ? ACCURACY_MET
                                                  : ACCURACY_MISSED;
    return judged;
}
