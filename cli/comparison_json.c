/* cli/comparison_json.c - runs as JSON. */
#include "cli/comparison_differences.h"
#include "cli/comparison_print.h"
#include "cli/comparison_seeds.h"

#include "sweep/result_json.h"

#include <jansson.h>

/* null: not known. */
static json_t *bound_json(const struct comparison_bound *bound)
{
    if (!bound->known)
        return json_null();
    json_t *object = json_object();
    json_object_set_new(object, "hit_rate_tokens", result_json_number(bound->hit_rate_tokens));
    json_object_set_new(object, "blocks",
                        bound->unlimited ? json_null() : json_integer((json_int_t)bound->blocks));
    return object;
}

static json_t *run_json(const struct run *run)
{
    return result_json(&run->experiment, &run->result);
}

void comparison_print_json(FILE *out, const struct comparison *comparison)
{
    json_t *object = json_object(), *list = json_array();
    json_object_set_new(object, "reprise", json_string(REPRISE_VERSION));
    json_object_set_new(object, "experiment",
                        result_json_experiment(&comparison->runs[0].experiment));
    for (uint32_t seed = 0; seed < comparison_seeds(comparison); seed++)
        for (uint32_t i = 0; i < comparison->count; i++)
            json_array_append_new(list, run_json(comparison_run_of(comparison, i, seed)));
    json_object_set_new(object, "bound", bound_json(&comparison->bound));
    json_object_set_new(object, "runs", list);
    json_object_set_new(object, "differences",
                        comparison_differences_json(&comparison->compared, result_json_number));
    json_dumpf(object, out, JSON_INDENT(2) | RESULT_JSON_FLAGS);
    fputc('\n', out);
    json_decref(object);
}
