/* sweep/plan.c - see plan.h. */
#include "sweep/plan.h"

#include "base/memory.h"
#include "base/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define RUNS_MOST 100000

static enum status parse_axes(const char *const *vary, uint32_t vary_count, struct plan *plan,
                              struct error *err)
{
    plan->axes = memory_new(vary_count, sizeof *plan->axes);
    for (uint32_t a = 0; a < vary_count; a++) {
        plan->axis_count++;
        enum status status = axis_parse(vary[a], &plan->axes[a], err);
        if (status != STATUS_OK)
            return status;
        for (uint32_t b = 0; b < a; b++)
            if (strcmp(plan->axes[a].key, plan->axes[b].key) == 0)
                return error_input(err, NULL, 0, "--vary", "each key once", vary[a]);
    }
    return STATUS_OK;
}

static enum status set_values(struct config_tree *tree, const struct plan *plan, uint32_t point,
                              struct error *err)
{
    enum status status = STATUS_OK;
    for (uint32_t a = 0; status == STATUS_OK && a < plan->axis_count; a++) {
        char assignment[AXIS_KEY_BYTES + CONFIG_TEXT_BYTES + 2];
        const char *value = plan->points.value[(size_t)point * plan->axis_count + a];
        if (strlen(value) >= CONFIG_TEXT_BYTES)
            return error_input(err, NULL, 0, plan->axes[a].key, "a shorter value", value);
        snprintf(assignment, sizeof assignment, "%s=%s", plan->axes[a].key, value);
        status = config_tree_set(tree, assignment, err);
    }
    return status;
}

static enum status plan_point(struct config_tree *tree, struct plan *plan, uint32_t point,
                              struct point_keys *keys, struct error *err)
{
    struct experiment experiment;
    enum status status = set_values(tree, plan, point, err);
    if (status == STATUS_OK)
        status = experiment_from_tree(tree, NULL, &experiment, err);
    if (status == STATUS_OK) /* together values may be what cannot run; these never can */
        status = experiment_check_texts(&experiment, err);
    if (status != STATUS_OK)
        return status;
    if (plan->replications > 1 && experiment.trace[0] != '\0')
        return error_input(err, NULL, 0, "--replications",
                           "1 for a trace file, which has no seed to change (reprise sim compares "
                           "policies over its time)",
                           experiment.trace);
    uint64_t seed = experiment.workload.seed;
    for (uint32_t r = 0; status == STATUS_OK && r < plan->replications; r++) {
        struct plan_run *run = &plan->runs[plan->count++];
        *run = (struct plan_run){ .point = point, .replication = r, .experiment = experiment };
        run->experiment.workload.seed = seed + r;
        status = point_key(keys, &run->experiment, run->key, err);
    }
    return status;
}

static void hash_text(XXH3_state_t *state, const char *text)
{
    XXH3_128bits_update(state, text, strlen(text) + 1);
}

static void hash_plan(struct plan *plan)
{
    XXH3_state_t *state = XXH3_createState();
    if (state == NULL || XXH3_128bits_reset(state) != XXH_OK)
        memory_exhausted();
    for (uint32_t a = 0; a < plan->axis_count; a++)
        hash_text(state, plan->axes[a].key);
    for (size_t i = 0; i < (size_t)plan->points.count * plan->axis_count; i++)
        hash_text(state, plan->points.value[i]);
    for (uint32_t i = 0; i < plan->count; i++)
        hash_text(state, plan->runs[i].key);
    XXH128_hash_t hash = XXH3_128bits_digest(state);
    XXH3_freeState(state);
    snprintf(plan->hash, sizeof plan->hash, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
             (uint64_t)hash.low64);
}

static enum status plan_runs(struct config_tree *tree, uint64_t replications, struct inputs *inputs,
                             struct plan *plan, struct error *err)
{
    uint64_t count = replications > RUNS_MOST ? UINT64_MAX : plan->points.count * replications;
    if (replications < 1 || count > RUNS_MOST) {
        char found[64];
        snprintf(found, sizeof found, "%" PRIu32 " points, %" PRIu64 " times each",
                 plan->points.count, replications);
        return error_input(err, NULL, 0, "--replications", "1 to 100000 runs in all", found);
    }
    plan->replications = (uint32_t)replications;
    plan->runs = memory_new((size_t)count, sizeof *plan->runs);
    struct point_keys *keys = point_keys_new(inputs);
    enum status status = STATUS_OK;
    for (uint32_t p = 0; status == STATUS_OK && p < plan->points.count; p++)
        status = plan_point(tree, plan, p, keys, err);
    point_keys_free(keys);
    return status;
}

enum status plan_make(struct config_tree *tree, const char *const *vary, uint32_t vary_count,
                      const struct design *design, uint64_t replications, struct inputs *inputs,
                      struct plan *plan, struct error *err)
{
    memset(plan, 0, sizeof *plan);
    enum status status = parse_axes(vary, vary_count, plan, err);
    if (status == STATUS_OK)
        status = design_points(design, plan->axes, plan->axis_count, &plan->points, err);
    if (status == STATUS_OK)
        status = plan_runs(tree, replications, inputs, plan, err);
    if (status == STATUS_OK)
        hash_plan(plan);
    return status;
}

void plan_free(struct plan *plan)
{
    for (uint32_t a = 0; a < plan->axis_count; a++)
        axis_free(&plan->axes[a]);
    free(plan->axes);
    points_free(&plan->points);
    free(plan->runs);
    *plan = (struct plan){ 0 };
}

char *plan_run_name(const struct plan *plan, uint32_t run, char *out, size_t out_bytes)
{
    size_t used = 0;
    const char *const *values =
        (const char *const *)&plan->points.value[(size_t)plan->runs[run].point * plan->axis_count];
    snprintf(out, out_bytes, "%s", plan->axis_count > 0 ? "" : plan->runs[run].experiment.policy);
    for (uint32_t a = 0; a < plan->axis_count && used < out_bytes; a++) {
        char shown[CONFIG_TEXT_BYTES];
        axis_show(plan->axes[a].row, values[a], shown, sizeof shown);
        used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", a > 0 ? ", " : "", shown);
    }
    return out;
}
