/* traces/info_show.h - what the table and the JSON of a trace's contents share. Private to traces/.
 */
#ifndef REPRISE_TRACES_INFO_SHOW_H
#define REPRISE_TRACES_INFO_SHOW_H

#include "traces/info.h"

/* Whether the hits under that capacity are counted, not estimated. */
bool info_is_exact(const struct trace_reuse *reuse, uint64_t capacity);
/* How many capacities say something: up to the first that holds all blocks. */
uint32_t info_capacities(const struct trace_reuse *reuse);
/* 0 of nothing. */
double info_share(double part, double whole);

#endif
