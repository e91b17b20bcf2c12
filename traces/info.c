/* traces/info.c - reads a trace to its end for what it holds. */
#include "traces/info.h"

#include "traces/info_stats.h"
#include "traces/reuse.h"

#include <string.h>

enum status trace_info_read(struct trace *trace, const struct trace_reuse_config *config,
                            struct trace_info *info, struct error *err)
{
    struct trace_reuse_config standard = trace_reuse_standard();
    struct reuse *reuse = reuse_new(config != NULL ? config : &standard);
    struct info_stats stats;
    struct trace_session session;
    enum trace_step step;
    memset(info, 0, sizeof *info);
    info_stats_init(&stats);
    while ((step = trace_next(trace, &session, err)) == TRACE_ITEM) {
        info_stats_session(&stats, &session, info);
        info->blocks += session.block_count;
        info->measured_hits += session.measured_hits;
        info->measured_hits_below += session.measured_hits_below;
        reuse_request(reuse, session.block_keys, session.block_count);
    }
    info->facts = trace_facts(trace);
    info->hash = trace_hash(trace);
    info_stats_result(&stats, info);
    reuse_result(reuse, &info->reuse);
    info_stats_free(&stats);
    reuse_free(reuse);
    return step == TRACE_ERROR ? err->status : STATUS_OK;
}
