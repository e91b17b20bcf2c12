/* cli/accuracy_json.c - see accuracy_json.h. */
#include "cli/accuracy_json.h"

#include "base/json_out.h"

#include <jansson.h>
#include <math.h>

static json_t *number(double value)
{
    return isnan(value) ? json_null() : json_real(value);
}

static void set_errors(json_t *object, const struct accuracy_errors *errors)
{
    json_object_set_new(object, "points", json_integer(errors->count));
    json_object_set_new(object, "median_error", number(errors->count > 0 ? errors->median : NAN));
    json_object_set_new(object, "p95_error", number(errors->count > 0 ? errors->p95 : NAN));
    json_object_set_new(object, "bias", number(errors->count > 0 ? errors->bias : NAN));
}

static json_t *goal_json(const struct accuracy *accuracy, const struct accuracy_goal *goal)
{
    static const char *const verdicts[] = { "met", "missed", "no-data" };
    struct accuracy_judged judged = accuracy_judge(accuracy, goal);
    json_t *object = json_object(), *unseen = json_object();
    json_object_set_new(object, "goal", json_string(goal->name));
    json_object_set_new(object, "median_at_most", json_real(goal->median));
    json_object_set_new(object, "p95_at_most", json_real(goal->p95));
    set_errors(object, &judged.shown);
    set_errors(unseen, &judged.unseen);
    json_object_set_new(object, "unseen", unseen);
    json_object_set_new(object, "held_out_median_error", number(judged.held_out_median));
    json_object_set_new(object, "held_out_p95_error", number(judged.held_out_p95));
    json_object_set_new(object, "verdict", json_string(verdicts[judged.verdict]));
    return object;
}

static json_t *key_json(const struct accuracy_key *key)
{
    json_t *object = json_object();
    json_object_set_new(object, "family", json_string(accuracy_family_names[key->family]));
    json_object_set_new(object, "quantity", json_string(key->quantity));
    json_object_set_new(object, "gpu", json_string(key->gpu));
    json_object_set_new(object, "engine", json_string(key->engine));
    json_object_set_new(object, "model", json_string(key->model));
    json_object_set_new(object, "format", json_string(key->format));
    json_object_set_new(object, "ranks", json_integer(key->ranks));
    json_object_set_new(object, "in_flight", json_integer(key->load));
    return object;
}

static json_t *group_json(const struct accuracy_group *group)
{
    json_t *object = key_json(&group->key);
    struct accuracy_errors errors = accuracy_group_errors(group);
    set_errors(object, &errors);
    json_object_set_new(object, "origin",
                        json_string(group->origin == ACCURACY_FITTED ? "fitted" : "unseen"));
    json_object_set_new(object, "held_out_median_error", number(group->held_out_median));
    json_object_set_new(object, "held_out_p95_error", number(group->held_out_p95));
    return object;
}

static json_t *point_json(const struct accuracy *accuracy, const struct accuracy_point *point)
{
    json_t *object = key_json(&accuracy->group[point->group].key);
    json_object_set_new(object, "shape", json_string(point->shape));
    json_object_set_new(object, "measured", json_real(point->measured));
    json_object_set_new(object, "predicted", json_real(point->predicted));
    json_object_set_new(object, "unit",
                        json_string(accuracy->group[point->group].key.family == ACCURACY_CAPACITY
                                        ? "bytes"
                                        : "ns"));
    json_object_set_new(object, "cause", json_string(point->cause));
    return object;
}

static json_t *run_json(const struct accuracy_run *run)
{
    json_t *object = json_object();
    json_object_set_new(object, "id", json_string(run->id));
    json_object_set_new(object, "gpu", json_string(run->gpu));
    json_object_set_new(object, "engine", json_string(run->engine));
    json_object_set_new(object, "preset", json_string(run->preset));
    json_object_set_new(object, "model", json_string(run->model));
    json_object_set_new(object, "format", json_string(run->format));
    json_object_set_new(object, "ranks", json_integer(run->ranks));
    json_object_set_new(object, "in_flight", json_integer(run->concurrency));
    json_object_set_new(object, "prompt_tokens", json_integer(run->prompt_tokens));
    json_object_set_new(object, "reply_tokens", json_integer(run->reply_tokens));
    json_object_set_new(object, "ttft_ns", number(run->ttft_ns));
    json_object_set_new(object, "tpot_ns", number(run->tpot_ns));
    json_object_set_new(object, "predicted_ttft_ns", number(run->predicted_ttft_ns));
    json_object_set_new(object, "predicted_tpot_ns", number(run->predicted_tpot_ns));
    json_object_set_new(object, "skipped", json_string(run->skipped));
    json_object_set_new(object, "cause", json_string(run->cause));
    return object;
}

static json_t *worst_json(const struct accuracy *accuracy)
{
    json_t *all = json_array();
    for (int family = 0; family < ACCURACY_FAMILY_COUNT; family++)
        for (uint32_t i = 0; i < accuracy->worst[family].count; i++)
            json_array_append_new(all, point_json(accuracy, &accuracy->worst[family].point[i]));
    return all;
}

void accuracy_print_json(FILE *out, const struct accuracy *accuracy)
{
    json_t *object = json_object(), *goals = json_array(), *groups = json_array(),
           *runs = json_array(), *notes = json_array();
    for (uint32_t i = 0; i < accuracy_goal_count; i++)
        json_array_append_new(goals, goal_json(accuracy, &accuracy_goals[i]));
    for (uint32_t i = 0; i < accuracy->groups; i++)
        json_array_append_new(groups, group_json(&accuracy->group[i]));
    for (uint32_t i = 0; i < accuracy->runs; i++)
        json_array_append_new(runs, run_json(&accuracy->run[i]));
    for (uint32_t i = 0; i < accuracy->notes; i++)
        json_array_append_new(notes, json_string(accuracy->note[i]));
    json_object_set_new(object, "goals", goals);
    json_object_set_new(object, "groups", groups);
    json_object_set_new(object, "worst", worst_json(accuracy));
    json_object_set_new(object, "runs", runs);
    json_object_set_new(object, "notes", notes);
    json_dumpf(object, out, JSON_OUT | JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    fputc('\n', out);
    json_decref(object);
}
