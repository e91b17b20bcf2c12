/* sweep/result_json.c - see result_json.h. */
#include "sweep/result_json.h"

#include "sweep/point_key.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *result_json_number(double value)
{
    if (value == floor(value) && fabs(value) < 9007199254740992.0)
        return json_integer((json_int_t)value);
    return json_real(value);
}

static json_t *metrics_json(const struct metrics *metrics)
{
    json_t *object = json_object();
    for (int i = 0; i < METRIC_COUNT; i++)
        json_object_set_new(object, metric_rows[i].name,
                            result_json_number(metric_value(metrics, i)));
    return object;
}

/* The flat "key: value" lines that config_print_values() writes, as an object of texts. */
json_t *result_json_experiment(const struct experiment *experiment)
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

static json_t *tenants_json(const struct sim_result *result)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->tenant_count; i++) {
        const struct tenant_result *tenant = &result->tenant[i];
        json_t *object = json_object();
        json_object_set_new(object, "tenant", json_string(tenant->name));
        for (int m = 0; m < TENANT_METRIC_COUNT; m++)
            json_object_set_new(object, tenant_metric_rows[m].name,
                                result_json_number(tenant_metric_value(&tenant->metrics, m)));
        json_array_append_new(list, object);
    }
    return list;
}

json_t *result_json(const struct experiment *experiment, const struct sim_result *result)
{
    char hash[17];
    snprintf(hash, sizeof hash, "%016" PRIx64, result->trace_hash);
    json_t *object = json_object();
    json_object_set_new(object, "policy", json_string(experiment->policy));
    json_object_set_new(object, "seed", json_integer((json_int_t)experiment->workload.seed));
    const char *arrivals = experiment->workload.concurrency > 0 ? "fixed-concurrency"
                           : result->open_loop                  ? "open-loop"
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
    json_object_set_new(object, "tenants", tenants_json(result));
    return object;
}

static json_t *numbers_json(const double *values, uint32_t count)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++)
        json_array_append_new(list, result_json_number(values[i]));
    return list;
}

json_t *result_json_series(const struct sim_result *result)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < result->series_count; i++) {
        const struct series *series = &result->series[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:o, s:o}", "name", series->name,
                                              "x_unit", series->x_unit, "y_unit", series->y_unit,
                                              "x", numbers_json(series->x, series->count), "y",
                                              numbers_json(series->y, series->count)));
    }
    return list;
}
