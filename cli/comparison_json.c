/* cli/comparison_json.c - runs as JSON. */
#include "cli/comparison_differences.h"
#include "cli/comparison_print.h"
#include "cli/comparison_seeds.h"
#include "cli/comparison_tenants.h"

#include "sweep/point_key.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double value)
{
    if (value == floor(value) && fabs(value) < 9007199254740992.0)
        return json_integer((json_int_t)value);
    return json_real(value);
}

static json_t *metrics_json(const struct metrics *metrics)
{
    json_t *object = json_object();
    for (int i = 0; i < METRIC_COUNT; i++)
        json_object_set_new(object, metric_rows[i].name, number(metric_value(metrics, i)));
    return object;
}

/* The flat "key: value" lines that config_print_values() writes, as an object of texts. */
static json_t *config_json(const struct experiment *experiment)
{
    char *text = experiment_text(experiment);
    json_t *object = json_object();
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *colon = strstr(line, ": ");
        if (colon == NULL)
            continue;
        *colon = '\0';
        json_object_set_new(object, line, json_string(colon + 2));
    }
    free(text);
    return object;
}

static json_t *run_json(const struct run *run)
{
    const struct sim_result *result = &run->result;
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, result->trace_hash);
    json_t *object = json_object();
    json_object_set_new(object, "policy", json_string(run->experiment.policy));
    json_object_set_new(object, "seed", json_integer((json_int_t)run->experiment.workload.seed));
    const char *arrivals = run->experiment.workload.concurrency > 0 ? "fixed-concurrency"
                           : result->open_loop                      ? "open-loop"
                                                                    : "closed-loop";
    json_object_set_new(object, "arrivals", json_string(arrivals));
    json_object_set_new(object, "trace_format", json_string(result->trace_format));
    json_object_set_new(object, "trace_hash", json_string(hash));
    json_object_set_new(object, "timing_source", json_string(result->timing_source));
    json_object_set_new(object, "kv_bytes_per_token",
                        json_integer((json_int_t)result->kv_bytes_per_token));
    json_object_set_new(object, "kv_budget_bytes",
                        json_integer((json_int_t)result->kv_budget_bytes));
    json_t *findings = json_array();
    for (int i = 0; i < SIM_FINDINGS_MAX && result->finding[i][0] != '\0'; i++)
        json_array_append_new(findings, json_string(result->finding[i]));
    json_object_set_new(object, "findings", findings);
    json_object_set_new(object, "metrics", metrics_json(&result->metrics));
    json_object_set_new(object, "tenants", comparison_tenants_json(result, number));
    return object;
}

/* null: not known. */
static json_t *bound_json(const struct comparison_bound *bound)
{
    if (!bound->known)
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "hit_rate_tokens", number(bound->hit_rate_tokens));
    json_object_set_new(object, "blocks",
                        bound->unlimited ? json_null() : json_integer((json_int_t)bound->blocks));
    return object;
}

void comparison_print_json(FILE *out, const struct comparison *comparison)
{
    json_t *object = json_object(), *list = json_array();
    json_object_set_new(object, "reprise", json_string(REPRISE_VERSION));
    json_object_set_new(object, "experiment", config_json(&comparison->runs[0].experiment));
    for (uint32_t seed = 0; seed < comparison_seeds(comparison); seed++)
        for (uint32_t i = 0; i < comparison->count; i++)
            json_array_append_new(list, run_json(comparison_run_of(comparison, i, seed)));
    json_object_set_new(object, "bound", bound_json(&comparison->bound));
    json_object_set_new(object, "runs", list);
    json_object_set_new(object, "differences", comparison_differences_json(comparison, number));
    json_dumpf(object, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    fputc('\n', out);
    json_decref(object);
}
