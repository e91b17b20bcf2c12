/* cli/breakdown_print.h - iterations taken apart, as tables and as JSON. */
#ifndef REPRISE_CLI_BREAKDOWN_PRINT_H
#define REPRISE_CLI_BREAKDOWN_PRINT_H

#include "models/breakdown.h"

#include <stdio.h>

/* kv_budget_bytes: HBM left for KV over all ranks; kv_budget_tokens: what it holds
 * (engine_held_tokens() of models/hbm.h). */
/* A row an operator, the whole below; then what the memory holds, and loading against computing. */
void breakdown_print_table(FILE *out, const struct model *model, const struct hardware *hardware,
                           uint32_t ranks, uint64_t kv_budget_tokens,
                           const struct breakdown *prefill, const struct breakdown *decode);
/* One object; docs/model.md, "Reading the table", has its keys' meaning. */
void breakdown_print_json(FILE *out, const struct model *model, const struct hardware *hardware,
                          uint32_t ranks, uint64_t kv_budget_bytes, uint64_t kv_budget_tokens,
                          const struct breakdown *prefill, const struct breakdown *decode);

#endif
