/* cli/comparison_tenants.h - what each tenant of a trace had of a run. */
#ifndef REPRISE_CLI_COMPARISON_TENANTS_H
#define REPRISE_CLI_COMPARISON_TENANTS_H

#include "cli/comparison.h"

#include <stdio.h>

/* A row a run and tenant; nothing where no trace names more than one. */
void comparison_print_tenants(FILE *out, const struct comparison *comparison);

#endif
