/* sweep/result_json.h - a run as JSON, for `sim --json` and for the page of `explore`: the same values
 * in the same bytes. */
#ifndef REPRISE_SWEEP_RESULT_JSON_H
#define REPRISE_SWEEP_RESULT_JSON_H

#include "base/json_out.h"
#include "sim/sim.h"

#include <jansson.h>

/* With which such JSON is written: each double reads back as itself. */
#define RESULT_JSON_FLAGS (JSON_OUT | JSON_REAL_PRECISION(17))

/* An integer where it is one that a double holds, else a real. */
json_t *result_json_number(double value);

/* Policy, arrivals, trace, timing, findings, metrics, tenants: all but the curves. */
json_t *result_json(const struct experiment *experiment, const struct sim_result *result);

/* The whole configuration, as texts by key. */
json_t *result_json_experiment(const struct experiment *experiment);

/* The curves, a list of {name, x_unit, y_unit, x, y}. */
json_t *result_json_series(const struct sim_result *result);

#endif
