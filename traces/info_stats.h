/* traces/info_stats.h - a trace's turns, lengths, think times and arrivals, counted as its sessions
 * come. Private to traces/. */
#ifndef REPRISE_TRACES_INFO_STATS_H
#define REPRISE_TRACES_INFO_STATS_H

#include "base/histogram.h"
#include "traces/info.h"

enum { STATS_TURNS, STATS_PROMPT, STATS_REPLY, STATS_CONTEXT, STATS_THINK, STATS_GAP, STATS_COUNT };

struct info_stats {
    struct histogram spread[STATS_COUNT];
    double gap_squares; /* of gaps in seconds */
    uint64_t first_ns, last_ns;
    uint64_t minute, in_minute, in_minute_most;
    double new_tokens[TRACE_TURN_ROWS], context_tokens[TRACE_TURN_ROWS];
};

void info_stats_init(struct info_stats *stats);
void info_stats_free(struct info_stats *stats);
/* Adds the session, to the sums in info too. */
void info_stats_session(struct info_stats *stats, const struct trace_session *session,
                        struct trace_info *info);
void info_stats_result(const struct info_stats *stats, struct trace_info *info);

#endif
