/* traces/info_show.h - what the table and the JSON of a trace's contents share. Private to traces/.
 */
#ifndef REPRISE_TRACES_INFO_SHOW_H
#define REPRISE_TRACES_INFO_SHOW_H

#include "traces/info.h"

#include <jansson.h>

/* Whether the hits under that capacity are counted, not estimated. */
bool info_is_exact(const struct trace_reuse *reuse, uint64_t capacity);
/* How many capacities say something: up to the first that holds all blocks. */
uint32_t info_capacities(const struct trace_reuse *reuse);
/* 0 of nothing. */
double info_share(double part, double whole);

/* What the trace's own engine hit; nothing, where facts.measured is TRACE_UNMEASURED. */
void info_print_measured(FILE *out, const struct trace_info *info);
/* The caller's, who asks only where it is measured. */
json_t *info_measured_json(const struct trace_info *info);

#endif
