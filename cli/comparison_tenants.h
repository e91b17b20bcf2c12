/* cli/comparison_tenants.h - what each tenant of a trace had of a run. */
#ifndef REPRISE_CLI_COMPARISON_TENANTS_H
#define REPRISE_CLI_COMPARISON_TENANTS_H

#include "cli/comparison.h"

#include <jansson.h>
#include <stdio.h>

/* A row a run and tenant; nothing where no trace names more than one. */
void comparison_print_tenants(FILE *out, const struct comparison *comparison);

/* A list of the run's tenants, the caller's; empty where there is one. number: as the others are
 * written. */
json_t *comparison_tenants_json(const struct sim_result *result, json_t *(*number)(double value));

#endif
